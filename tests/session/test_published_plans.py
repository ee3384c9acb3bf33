"""Plans in the idioms of those that BrainSurgery publishes: small ones of our own, held against PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli

Tensors = dict[str, torch.Tensor]

LAYERS = 3
WIDTH = 4


def weights(seed: int) -> Tensors:
    """A small transformer: an embedding, a norm, and layers of four tensors."""
    made = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=made)

    tensors = {"embed.weight": some(8, WIDTH), "norm.weight": some(WIDTH)}
    for layer in range(LAYERS):
        tensors[f"h.{layer}.attn.weight"] = some(WIDTH, 3 * WIDTH)
        tensors[f"h.{layer}.attn.bias"] = some(3 * WIDTH)
        tensors[f"h.{layer}.mlp.up.weight"] = some(WIDTH, WIDTH)
        tensors[f"h.{layer}.mlp.up.bias"] = some(WIDTH)
    return tensors


def write_plan(text: str, name: str = "plan.yaml") -> str:
    Path(name).write_text(text)
    return name


def assert_same(path: str, expected: Tensors) -> None:
    found = load_file(path)
    assert sorted(found) == sorted(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.fixture
def base(folder: Path) -> Tensors:
    """``base.safetensors`` in the working folder."""
    tensors = weights(0)
    save_file(tensors, "base.safetensors")
    return tensors


TOUR = r"""
inputs: [ base.safetensors ]
output: { path: toured, shard: 1KB }
transforms:
  - set: {}
  - set: { dry-run: false, preview: false, verbose: false }
  - help: diff
  - help: { assert: equal }
  - dump: { target: ["*all"], format: tree }
  - prefixes: { mode: add, alias: bench }
  - zeroes: { target: bench::nothing, shape: [2] }
  - prefixes: { mode: rename, from: bench, to: desk }
  - assert: { iszero: desk::nothing }
  - prefixes: { mode: remove, alias: desk }
  - prefixes: { mode: add, alias: desk }
  - ones: { target: desk::one, shape: [1] }
  - copy: { from: "norm.weight::[:2]", to: try.half }
  - copy: { from: try.half, to: try.sum }
  - add: { from_a: try.half, from_b: try.half, to: try.sum }
  - scale: { from: try.half, to: try.twice, by: 2.0 }
  - assert: { equal: { left: try.sum, right: try.twice } }
  - diff: { mode: refs, left: "embed.weight::[:4]", right: "embed.weight::[4:]" }
  - save: { path: half.safetensors, target: try.half }
  - load: { path: half.safetensors, to: try.again, format: safetensors }
  - assert: { equal: { left: try.again, right: try.half } }
  - load: { path: base.safetensors, alias: orig }
  - diff: { mode: aliases, left_alias: model, right_alias: orig }
  - assert: { equal: { left: "orig::(.+)", right: "model::\\1" } }
  - execute:
      transforms:
        - move: { from: ^h(.*), to: k\1 }
        - move: { from: [k, "*rest"], to: [h, "*rest"] }
  - delete: { target: "try\\..+" }
  - delete: { target: "orig::(.+)" }
  - delete: { target: "desk::(.+)" }
  - exit: {}
  - delete: { target: ".*" }
"""


def test_a_tour_of_the_operations_leaves_the_checkpoint_as_it_was(base: Tensors, cli: Cli) -> None:
    cli(write_plan(TOUR)).ok()
    index = json.loads(Path("toured/model.safetensors.index.json").read_text())
    assert sorted(index["weight_map"]) == sorted(base)
    found = {name: load_file(f"toured/{file}")[name] for name, file in index["weight_map"].items()}
    assert all(torch.equal(found[name], tensor) for name, tensor in base.items())


def test_two_task_vectors_by_way_of_scratch_aliases(base: Tensors, cli: Cli) -> None:
    """What was emptied again is not what the output means."""
    tuned = [
        base | {name: t for name, t in weights(seed).items() if ".mlp." in name and name.startswith("h.")}
        for seed in (1, 2)
    ]
    for number, tensors in enumerate(tuned, 1):
        save_file(tensors, f"ft{number}.safetensors")
    steps = []
    for n in (1, 2):
        steps += [
            rf"assert: {{ equal: {{ left: 'base::(?!h\.\d+\.mlp\.).+', right: 'ft{n}::\g<0>' }} }}",
            f"prefixes: {{ mode: add, alias: tv{n} }}",
            rf"copy: {{ from: 'ft{n}::h\.(\d+)\.mlp\.(.+)', to: 'tv{n}::h.\1.mlp.\2' }}",
            rf"subtract_: {{ from: 'base::h\.(\d+)\.mlp\.(.+)', to: 'tv{n}::h.\1.mlp.\2' }}",
            f"scale_: {{ target: 'tv{n}::.*', by: 0.4 }}",
        ]
    steps += [rf"add_: {{ from: 'tv{n}::(.+)', to: 'base::\1' }}" for n in (1, 2)]
    steps += [f"delete: {{ target: 'tv{n}::.*' }}" for n in (1, 2)]
    inputs = "".join(f"  - {alias}::{alias}.safetensors\n" for alias in ("base", "ft1", "ft2"))
    body = "".join(f"  - {step}\n" for step in steps)
    cli(write_plan(f"inputs:\n{inputs}output: merged.safetensors\ntransforms:\n{body}")).ok()
    expected = dict(base)
    for name in base:
        if ".mlp." in name:
            first, second = ((each[name] - base[name]) * 0.4 for each in tuned)
            expected[name] = base[name] + first + second
    assert_same("merged.safetensors", expected)


def test_several_that_were_changed_and_hold_tensors_are_still_a_question(base: Tensors, cli: Cli) -> None:
    inputs = "inputs: [a::base.safetensors, b::base.safetensors]\n"
    both = "transforms:\n  - scale_: { target: 'a::.*', by: 2 }\n  - delete: { target: 'b::h.*' }\n"
    cli(write_plan(f"{inputs}{both}output: o.safetensors\n")).fails("Candidates: a, b", status=2)
    chosen = "  - prefixes: { mode: use, alias: a }\n"
    cli(write_plan(f"{inputs}{both}{chosen}output: a.safetensors\n")).ok()
    assert load_file("a.safetensors").keys() == base.keys(), "a, which was chosen"
    emptied = "transforms:\n  - delete: { target: 'b::.*' }\n"
    cli(write_plan(f"{inputs}{emptied}output: o.safetensors\n")).ok()
    assert load_file("o.safetensors") == {}, "the only one that steps changed, though nothing is left of it"


LORA = r"""
inputs:
  - base::base.safetensors
  - lora::adapter.safetensors
transforms:
  - assert:
      all:
        - count: { of: 'lora::.*lora_A\.weight', is: 3 }
        - { shape: { of: 'lora::model.h.0.attn.lora_B.weight', is: [12, 2] } }
  - matmul:
      from_a: 'lora::model\.(h\.\d+\.attn)\.lora_B\.weight'
      from_b: 'lora::model.\1.lora_A.weight'
      to: 'base::\1.delta'
  - permute: { from: 'base::(.+)\.delta', to: 'base::\1.turned', order: [1, 0] }
  - scale_: { target: 'base::.+\.turned', by: 2 }
  - add_: { from: 'base::(.+)\.turned', to: 'base::\1.weight' }
  - delete: { target: 'base::.+\.(delta|turned)' }
  - delete: { target: 'lora::.+' }
  - assert: { not: { exists: 'base::.*lora_.*' } }
output: base::merged.safetensors
"""


def test_an_adapter_is_folded_in(base: Tensors, cli: Cli) -> None:
    expected = dict(base)
    adapter: Tensors = {}
    for layer in range(LAYERS):
        a, b = torch.ones(2, WIDTH) * (layer + 1), torch.eye(3 * WIDTH, 2)
        adapter |= {f"model.h.{layer}.attn.lora_A.weight": a, f"model.h.{layer}.attn.lora_B.weight": b}
        expected[f"h.{layer}.attn.weight"] = base[f"h.{layer}.attn.weight"] + (b @ a).T * 2
    save_file(adapter, "adapter.safetensors")
    cli(write_plan(LORA)).ok()
    assert_same("merged.safetensors", expected)


def test_a_head_is_cut_out_by_slices(base: Tensors, cli: Cli) -> None:
    steps = []
    expected = dict(base)
    for layer in range(LAYERS):
        name = f"h.{layer}.attn.weight"
        pattern = name.replace(".", r"\.")
        steps += [
            "concat:",
            f"    from: ['{pattern}::[:, 0:2]', '{pattern}::[:, 4:]']",
            f"    to: cut.{name}",
            "    dim: 1",
        ]
        expected[name] = base[name][:, [0, 1, *range(4, 3 * WIDTH)]]
    body = "".join(f"  {'' if step.startswith(' ') else '- '}{step}\n" for step in steps)
    text = (
        f"inputs:\n  - model::base.safetensors\ntransforms:\n{body}"
        r"""  - delete: { target: h\.\d+\.attn\.weight }
  - move: { from: 'cut\.(.+)', to: '\1' }
  - assert: { count: { of: 'h\.\d+\.attn\.weight::[:, :10]', is: 3 } }
  - assert: { count: { of: .*, is: 14 } }
output: { path: cut.safetensors }
"""
    )
    cli(write_plan(text)).ok()
    assert_same("cut.safetensors", expected)


def test_layers_are_pruned_and_the_rest_cast(base: Tensors, cli: Cli) -> None:
    text = r"""inputs:
  - base.safetensors
transforms:
  - delete: { target: ["h", "1", "*rest"] }
  - move: { from: ["h", "2", "*rest"], to: ["h", "1", "*rest"] }
  - assert: { not: { exists: h\.2\..* } }
  - cast_: { target: '(?!(?:embed|norm)\.).+', to: bfloat16 }
  - assert: { dtype: { of: '(?:embed|norm)\..+', is: float32 } }
output:
  path: small.safetensors
  format: safetensors
"""
    cli(write_plan(text)).ok()
    expected = {name: tensor for name, tensor in base.items() if not name.startswith("h.")}
    for name, tensor in base.items():
        if name.startswith(("h.0.", "h.2.")):
            expected[name.replace("h.2.", "h.1.")] = tensor.bfloat16()
    assert_same("small.safetensors", expected)


def test_one_tensor_may_open_its_alias(base: Tensors, cli: Cli) -> None:
    text = """transforms:
  - load: { path: one.safetensors, to: model::embed.weight, format: auto }
  - load: { path: one.safetensors, to: spare::w }
  - scale_: { target: spare::w, by: 2 }
  - save: { path: spare.safetensors, alias: spare }
output: model::one_tensor.safetensors
"""
    save_file({"embed.weight": base["embed.weight"]}, "one.safetensors")
    cli(write_plan(text)).ok()
    assert_same("one_tensor.safetensors", {"embed.weight": base["embed.weight"]})
    assert_same("spare.safetensors", {"w": base["embed.weight"] * 2})


def test_undo_takes_the_new_alias_away_and_a_region_opens_none(base: Tensors, cli: Cli) -> None:
    save_file({"t": torch.ones(2)}, "one.safetensors")
    run = ("base.safetensors", "-c", "load: path: one.safetensors, to: new::t")
    assert "new::" in cli(*run, "-c", "prefixes").ok()
    assert "new::  " not in cli(*run, "-c", "undo", "-c", "prefixes").ok()
    cli("base.safetensors", "-c", "load: path: one.safetensors, to: 'new::t::[:1]'").fails(
        "unknown alias 'new'"
    )


@pytest.mark.parametrize(
    "output", ["{ path: 'a::o.safetensors', alias: b }", "'a::'", "{ path: 'nobody::o.safetensors' }"]
)
def test_an_output_with_an_alias_that_does_not_fit(base: Tensors, cli: Cli, output: str) -> None:
    text = f"inputs: [a::base.safetensors, b::base.safetensors]\noutput: {output}\n"
    assert "line 2" in cli(write_plan(text)).fails("alias", status=2)
    assert not list(Path().glob("*o.safetensors"))
