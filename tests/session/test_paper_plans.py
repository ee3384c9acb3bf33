"""The plans that BrainSurgery's paper prints are read as they stand there, OLY, escapes, a missing comma and all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.session.plan import Plan
from brainsurgery_shell.session.plan_read import read_plan
from conftest import Cli

PHLORA = r"""
inputs:
  - model::models/input.safetensors
  - ref::models/reference.safetensors
transforms:
  - copy: from: "(.*experts\.1\..*)\.weight", to: "\1.delta"
  - subtract_: from: "(.*experts)\.0\.(.*)", to: "\1.1.\2.delta"
  - phlora:
      target: "(.*experts\.1\..*)\.delta"
      target_a: "\1.phlora_a"
      target_b: "\1.phlora_b"
      rank: 64
  - cast_: target: ".*experts\.1\.phlora_(a|b)" to: float16
  - delete: target: ".*experts\.1\..*\.delta"
  - assert: dtype: { of: ".*experts\.1\..*.phlora_(a|b)", is: float16 }
  - assert: not: { exists: ".*experts\.1\..*\.weight" }
output:
  path: models/output
  format: safetensors
  shard: 1GB
"""
BULK_AT_THE_TOP = r"""
inputs: [ models/input.pt ]
scale_: target: ".*self_attn\..*_proj\.weight", by: 0.5
output: models/output.pt
"""
SLICE = r"""
- copy: from: ".*\.0\..*\.self_attn.q_proj.*::[:128, :128]", to: "tmp"
"""
INVARIANTS = r"""
- assert: exists: "out::layers.0.gate.weight"
- assert: shape: { of: "out::layers.0.gate.weight", is: [2, 2048] }
- assert: equal:
    left: "src::layers.0.gate.weight::[:16, :16]"
    right: "out::layers.0.gate.weight::[:16, :16]"
- assert: not: { exists: "out::layers.0.gate.bias" }
"""
BULK = r"""
inputs: [ models/input.pt ]
transforms:
  - scale_: target: ".*self_attn\..*_proj\.weight", by: 0.5
output: models/output.pt
"""
PREFIX = r"""
move: from: "text_model\.(.*)", to: "model.\1"
"""
VALIDATION = r"""
inputs:
  - yaml::models/example_yaml_output
  - ref::models/example_reference_output
transforms:
  - diff: { mode: aliases, left_alias: ref, right_alias: yaml }
"""
UPCYCLING = r"""
inputs:
  - m0::models/dense_a.safetensors
  - m1::models/dense_b.safetensors
  - ref::models/moe_reference.safetensors
output:
  path: models/moe_output
  format: safetensors
  shard: 1GB
transforms:
  - copy: { from: "m0::model.layers\.(\d+)\.mlp\.(.*_proj)\.weight", to: "m0::model.layers.\1.mlp.experts.0.\2.weight" }
  - copy: { from: "m1::model.layers\.(\d+)\.mlp\.(.*_proj)\.weight", to: "m0::model.layers.\1.mlp.experts.1.\2.weight" }
  - fill:
      from: "m0::model.layers\.(\d+)\.self_attn\.q_proj\.weight::[:2,:]"
      to: "m0::model.layers.\1.mlp.gate.weight"
      mode: constant
      value: 0
  - delete: { target: "m0::model.layers\.(\d+)\.mlp\.(.*_proj)\.weight" }
  - assert:
      shape: { of: "m0::model.layers.0.mlp.gate.weight", is: [2, 2048] }
  - assert:
      not: { exists: "m0::model.layers.0.mlp.gate_proj.weight" }
  - assert:
      all:
        - equal: { left: "m0::(.+)", right: "ref::\1" }
        - equal: { left: "ref::(.+)", right: "m0::\1" }
"""
LOW_RANK = r"""
inputs:
  - model::models/input.safetensors
  - ref::models/low_rank_reference.safetensors
transforms:
  - subtract_:
      from: "model.layers\.(\d+)\.mlp\.experts\.0\.(.*_proj)\.weight"
      to: "model.layers.\1.mlp.experts.1.\2.weight"
  - phlora_:
      target: "model.layers\.(\d+)\.mlp\.experts\.1\.(.*_proj)\.weight"
      rank: 64
  - add_:
      from: "model.layers\.(\d+)\.mlp\.experts\.0\.(.*_proj)\.weight"
      to: "model.layers.\1.mlp.experts.1.\2.weight"
  - cast_:
      target: "model.layers\.(\d+)\.mlp\.experts\.1\.(.*_proj)\.weight"
      to: float16
  - assert:
      dtype:
        of: "model.layers.0.mlp.experts.1.gate_proj.weight"
        is: float16
  - assert:
      all:
        - equal: { left: "model::(.+)", right: "ref::\1" }
        - equal: { left: "ref::(.+)", right: "model::\1" }
output:
  path: models/low_rank_output
  format: safetensors
  shard: 1GB
"""
FIGURES = {
    "2 and 13": PHLORA,
    "3": BULK_AT_THE_TOP,
    "7": SLICE,
    "8": INVARIANTS,
    "9": BULK,
    "10": PREFIX,
    "11": VALIDATION,
    "12": UPCYCLING,
    "14": LOW_RANK,
}
STEPS = {"2 and 13": 7, "3": 1, "7": 1, "8": 4, "9": 1, "10": 1, "11": 1, "12": 7, "14": 6}


def plan_of(text: str, folder: Path) -> Plan:
    path = folder / "plan.yaml"
    path.write_text(text)
    return read_plan(path, [])


@pytest.mark.parametrize("figure", FIGURES)
def test_every_step_is_read_and_bound(folder: Path, figure: str) -> None:
    text = FIGURES[figure]
    plan = plan_of(text, folder)
    for command, source in plan.commands:
        bind(command)
        line = (source.text.split("\n"))[command.name_span.line - 1]
        assert line[command.name_span.start : command.name_span.end] == command.name
    assert len(plan.commands) == STEPS[figure]
    assert len(plan.notices) == (figure == "2 and 13")


def test_what_they_mean(folder: Path) -> None:
    lines = [print_command(command) for command, _ in plan_of(PHLORA, folder).commands]
    assert lines[0] == r"copy: from: (.*experts\.1\..*)\.weight, to: \1.delta"
    assert "rank: 64" in lines[2]
    assert lines[3].endswith("to: float16")
    [equal] = [
        print_command(c) for c, _ in plan_of(INVARIANTS, folder).commands if "equal" in print_command(c)
    ]
    assert equal == (
        "assert: equal: { left: src::layers.0.gate.weight::[:16, :16], right: out::layers.0.gate.weight::[:16, :16] }"
    )
    plan = plan_of(BULK_AT_THE_TOP, folder)
    assert [each.path for each in plan.inputs] == ["models/input.pt"]
    same = plan_of(BULK, folder)
    assert [command for command, _ in plan.commands] == [command for command, _ in same.commands]
    assert plan.output == same.output


def test_the_missing_comma_is_told(folder: Path, cli: Cli) -> None:
    save_file({"a": torch.ones(2)}, "m.safetensors")
    Path("p.yaml").write_text(
        'inputs: [m.safetensors]\ntransforms:\n  - cast_: target: "(a|b)" to: float16\noutput: o.safetensors\n'
    )
    done = cli("p.yaml")
    done.ok()
    assert (
        done.err == "warning: p.yaml, line 3, column 28: a comma is missing here; read as if it stood there\n"
    )
    assert load_file("o.safetensors")["a"].dtype == torch.float16
    cli("oly", 'cast_: target: "(a|b)" to: float16').fails("expected ','", status=2)


@pytest.mark.parametrize(
    "item", ["cast_: target: (a|b) to: float16", "cast_: target: 'a' to float16", "cast_: target: 'a'to: f16"]
)
def test_only_that_comma_may_be_missing(folder: Path, item: str) -> None:
    with pytest.raises(SurgeryError, match="expected"):
        plan_of(f"transforms:\n  - {item}\n", folder)


def test_the_fragments_run(folder: Path, cli: Cli) -> None:
    names = ("text_model.a", "text_model.b.c", "d")
    save_file({name: torch.ones(2) for name in names}, "m.safetensors")
    Path("p.yaml").write_text(PREFIX)
    cli("m.safetensors", "p.yaml", "-c", "save: o.safetensors").ok()
    assert sorted(load_file("o.safetensors")) == ["d", "model.a", "model.b.c"]
    Path("q.yaml").write_text(
        "inputs: [m.safetensors]\ndelete: d\nmove: from: text_model.a, to: a\noutput: q.safetensors\n"
    )
    cli("q.yaml").ok()
    assert sorted(load_file("q.safetensors")) == ["a", "text_model.b.c"]
    Path("r.yaml").write_text("inputs: [m.safetensors]\ndelete: d\ntransforms: []\n")
    cli("r.yaml").fails("line 2", "item of transforms", status=2)


def test_wrong_names_in_a_published_plan_are_explained(folder: Path, cli: Cli) -> None:
    """The second step of Figure 2 does not fit the names that its own baseline has."""
    (folder / "models").mkdir()
    experts = {f"model.layers.0.mlp.experts.{e}.gate_proj.weight": torch.rand(4, 4) for e in (0, 1)}
    save_file(experts, "models/input.safetensors")
    save_file(experts, "models/reference.safetensors")
    Path("p.yaml").write_text(PHLORA)
    cli("p.yaml").fails("experts.1.gate_proj.weight.delta", "experts.1.gate_proj.delta", "line 7", status=2)


@pytest.mark.parametrize("indent", [1, 2, 3, 4, 8])
def test_an_item_may_begin_as_oly_and_go_on_as_yaml(folder: Path, indent: int) -> None:
    body = "".join(f"  {' ' * indent}{line}\n" for line in ('left: "a::x"', "right: 'b::x'"))
    text = f"transforms:\n  - assert: equal:  # as published\n{body}  - delete: a, expect: 1\n"
    if indent > 0:
        plan = plan_of(text.replace("delete: a,", "delete: target: a,"), folder)
        commands = [print_command(command) for command, _ in plan.commands]
        assert commands == ["assert: equal: { left: a::x, right: b::x }", "delete: target: a, expect: 1"]
        payload = plan.commands[0][0].payload
        assert payload is not None
        assert (payload.pairs[0].key_span.line, payload.pairs[0].key_span.start) == (2, 12)  # type: ignore[union-attr]
        right = payload.pairs[0].value.pairs[1]  # type: ignore[union-attr]
        assert (right.key_span.line, right.key_span.start) == (4, 2 + indent)


def test_oly_below_oly(folder: Path) -> None:
    text = "- assert: all:\n    - equal: left: a, right: b\n    - exists: c\n"
    [(command, _)] = plan_of(text, folder).commands
    assert print_command(command) == "assert: all: [{ equal: { left: a, right: b } }, { exists: c }]"


def test_block_scalars_are_left_alone(folder: Path) -> None:
    text = "- copy: from: a, to: b\n- >-\n  delete:\n  x\n"
    commands = [print_command(command) for command, _ in plan_of(text, folder).commands]
    assert commands == ["copy: from: a, to: b", "delete: x"]
