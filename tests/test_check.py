"""``brainsurgery check`` tells as much at once as it can."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from conftest import Cli


def test_it_goes_on_behind_steps_that_leave_the_names(cli: Cli) -> None:
    """Only up to a step without which the names of later ones are not there."""
    save_file({"a": torch.ones(4), "b": torch.ones(2, 2)}, "m.safetensors")
    Path("p.yaml").write_text(
        "inputs: m.safetensors\n"
        "transforms:\n"
        "  - scale_: { target: 'x.*', by: 2 }\n"
        "  - assert: { shape: { of: b, is: [3, 3] } }\n"
        "  - dump: nothing\n"
        "  - copy: { from: a, to: c }\n"
        "  - scale_: { target: c, by: 2 }\n"
        "  - save: { path: no.safetensors, alias: nobody }\n"
        "  - copy: { from: zz, to: q }\n"
        "  - scale_: { target: q, by: 2 }\n"
    )
    error = cli("check", "p.yaml").fails(status=2)
    assert [line for line in error.splitlines() if line.startswith("  at")] == [
        f"  at p.yaml, line {number}, column {column}"
        for number, column in ((3, 23), (4, 5), (5, 11), (8, 5), (9, 19))
    ]
    cli("p.yaml").fails("line 3", status=2)
    assert not list(Path.cwd().glob("no*"))


def test_a_plan_that_runs_stops_at_the_first(cli: Cli) -> None:
    save_file({"a": torch.ones(4)}, "m.safetensors")
    Path("p.yaml").write_text(
        "inputs: m.safetensors\ntransforms: [{assert: {exists: x}}, {assert: {exists: y}}]\n"
    )
    assert cli("p.yaml").fails("'x'").count("error:") == 1
    assert cli("check", "p.yaml").fails("'x'", "'y'").count("error:") == 2
