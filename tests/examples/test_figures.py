"""The figures of the paper as plans: each gives what its plain PyTorch baseline gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from example_files import StateDict, assert_same, load, plans, prepare, script
from safetensors.torch import save_file

from conftest import Cli

baseline = script("paper/baseline.py")


@pytest.fixture
def models(folder: Path) -> Path:
    """The figures in the working folder, their inputs in ``models/``."""
    return prepare("paper", folder)


def test_all_ten_are_there() -> None:
    numbers = (2, 3, 7, 8, 9, 10, 11, 12, 13, 14)
    assert plans("paper") == [f"figure_{number:02}.yaml" for number in numbers]


@pytest.mark.parametrize("number", ["02", "13"])
def test_experts_into_factors(models: Path, cli: Cli, number: str) -> None:
    """The factors of an SVD are unique up to signs only, so their products are compared."""
    cli(f"figure_{number}.yaml").ok()
    wanted = baseline.factorise_experts(load(models / "input.safetensors"))
    out = load(models / "output")
    renamed = {name: name.replace(".phlora_a.weight", ".phlora_a") for name in wanted}
    renamed = {name: new.replace(".phlora_b.weight", ".phlora_b") for name, new in renamed.items()}
    assert set(out) == set(renamed.values())
    products = 0
    for name, new in renamed.items():
        assert out[new].dtype == wanted[name].dtype
        assert out[new].shape == wanted[name].shape
        if "phlora" not in name:
            assert torch.equal(out[new], wanted[name])
        elif "phlora_a" in name:
            ours = product(out, new)
            theirs = product(wanted, name)
            assert torch.linalg.norm(ours - theirs) <= 2e-3 * torch.linalg.norm(theirs)
            products += 1
    assert products == 6


def product(state_dict: StateDict, a: str) -> torch.Tensor:
    """B·A in float64, for the name of A."""
    return state_dict[a.replace("phlora_a", "phlora_b")].double() @ state_dict[a].double()


@pytest.mark.parametrize("number", ["03", "09"])
def test_bulk_scaling(models: Path, cli: Cli, number: str) -> None:
    cli(f"figure_{number}.yaml").ok()
    wanted = baseline.scale_attention(torch.load(models / "input.pt", weights_only=True))
    assert_same(torch.load(models / "output.pt", weights_only=True), wanted)


def test_slices(models: Path, cli: Cli) -> None:
    cli("figure_07.yaml").ok()
    source = load(models / "blocks.safetensors")
    wanted = baseline.copy_slice(source, "model.layers.0.block.self_attn.q_proj.weight")
    assert_same(load(models / "sliced.safetensors"), wanted)


def test_assertions_hold(models: Path, cli: Cli) -> None:
    cli("figure_08.yaml").ok()


def without(out: StateDict) -> None:
    del out["layers.0.gate.weight"]


def misshape(out: StateDict) -> None:
    out["layers.0.gate.weight"] = out["layers.0.gate.weight"][:1].clone()


def spoil(out: StateDict) -> None:
    out["layers.0.gate.weight"][1, 15] += 1


def keep_bias(out: StateDict) -> None:
    out["layers.0.gate.bias"] = torch.zeros(2)


@pytest.mark.parametrize(
    ("change", "line"), [(without, 6), (misshape, 7), (spoil, 8), (keep_bias, 11)]
)  # fmt: skip
def test_each_assertion_can_fail(models: Path, cli: Cli, change, line: int) -> None:  # type: ignore[no-untyped-def]
    out = load(models / "out.safetensors")
    change(out)
    save_file(out, models / "out.safetensors")
    outcome = cli("figure_08.yaml")
    assert outcome.status in (1, 2)
    assert f"line {line}" in outcome.err


def test_prefix_rewrite(models: Path, cli: Cli) -> None:
    cli("figure_10.yaml").ok()
    wanted = baseline.rewrite_prefix(load(models / "text_model.safetensors"))
    assert all(name.startswith("model.") for name in wanted)
    assert_same(load(models / "renamed.safetensors"), wanted)


def test_diff(models: Path, cli: Cli) -> None:
    """The plan's left is the reference, and the baseline's is the plan's output, so their sides change places."""
    assert reported(cli("figure_11.yaml").ok()) == [set(), set(), set()]
    path = models / "example_yaml_output"
    ours = load(path)
    ours["extra"] = ours.pop("model.embed_tokens.weight")
    ours["model.layers.1.mlp.gate.weight"][0, 0] = 1
    save_file(ours, path / "model.safetensors")
    found = baseline.compare(load(models / "example_reference_output"), ours)
    wanted = [set(found[key]) for key in ("missing on left", "missing on right", "differing")]
    assert all(wanted)
    assert reported(cli("figure_11.yaml").ok()) == wanted


def reported(text: str) -> list[set[str]]:
    """The names that diff lists in its three sections."""
    sections = re.split(r"^\w[\w ]*: \d+$", text, flags=re.MULTILINE)[1:4]
    return [set(re.findall(r"^  ([^\s:]+)", section, re.MULTILINE)) for section in sections]


def test_upcycling(models: Path, cli: Cli) -> None:
    cli("figure_12.yaml").ok()
    dense = [load(models / f"dense_{each}.safetensors") for each in "ab"]
    wanted = baseline.upcycle(*dense)
    assert torch.equal(
        wanted["model.layers.1.mlp.experts.1.up_proj.weight"], dense[1]["model.layers.1.mlp.up_proj.weight"]
    )
    assert_same(load(models / "moe_output"), wanted)


def test_low_rank_rewrite(models: Path, cli: Cli) -> None:
    cli("figure_14.yaml").ok()
    source = load(models / "input.safetensors")
    out = load(models / "low_rank_output")
    assert_same(out, baseline.truncate_experts(source))
    changed = "model.layers.0.mlp.experts.1.gate_proj.weight"
    assert not torch.equal(out[changed], source[changed].half())


@pytest.mark.parametrize(("number", "reference"), [("12", "moe_reference"), ("14", "low_rank_reference")])
def test_another_reference_stops_the_plan(models: Path, cli: Cli, number: str, reference: str) -> None:
    wrong = load(models / f"{reference}.safetensors")
    next(iter(wrong.values())).view(-1)[0] += 1
    save_file(wrong, models / f"{reference}.safetensors")
    cli(f"figure_{number}.yaml").fails("ref::")
    assert not (models / "moe_output").exists()
    assert not (models / "low_rank_output").exists()
