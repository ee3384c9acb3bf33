"""A saved folder whose config and weights disagree is warned of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from conftest import Cli

CONFIG = {"num_hidden_layers": 3, "vocab_size": 5, "torch_dtype": "float32", "hidden_size": 2}


@pytest.fixture(autouse=True)
def model(folder: Path) -> None:
    (folder / "m").mkdir()
    (folder / "m" / "config.json").write_text(json.dumps(CONFIG))
    layers = {f"enc.layer.{i}.experts.{j}.weight": torch.ones(2, 2) for i in range(3) for j in range(2)}
    save_file({"wte.weight": torch.ones(5, 2), **layers}, folder / "m" / "model.safetensors")


def warnings(cli: Cli, *lines: str) -> str:
    arguments = [word for line in lines for word in ("-c", line)]
    run = cli("m", *arguments, "-c", "save: out")
    run.ok()
    return run.err


@pytest.mark.parametrize("line", ["dump", "scale_: target: '.*', by: 2", "delete: wte.weight"])
def test_what_agrees_is_passed_over(cli: Cli, line: str) -> None:
    assert warnings(cli, line) == ""


def test_layers(cli: Cli) -> None:
    said = warnings(cli, "delete: '.*layer.1.*'")
    assert "num_hidden_layers: 3, the weights have 2 (enc.layer.*)" in said


def test_vocabulary_and_dtype(cli: Cli) -> None:
    said = warnings(cli, "drop_: target: wte.weight, dim: 0, ranges: [0]", "cast_: target: '.*', to: float16")
    assert "vocab_size: 5, wte.weight has 4 rows" in said
    assert "dtype: float32, the weights are float16" in said
    assert "hidden_size" not in said


@pytest.mark.parametrize("text", ["[1]", "{", '{"num_hidden_layers": "x", "vocab_size": true}'])
def test_configs_of_another_kind(cli: Cli, folder: Path, text: str) -> None:
    (folder / "m" / "config.json").write_text(text)
    assert warnings(cli, "delete: '.*layer.1.*'") == ""
