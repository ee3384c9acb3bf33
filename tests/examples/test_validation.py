"""The validation plan: it passes, it can fail, and after each step it has what plain PyTorch has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from example_files import EXAMPLES, StateDict, assert_same, load, prepare, script

from brainsurgery_shell.errors import CheckFailed
from brainsurgery_shell.lang.tree import Command
from brainsurgery_shell.session.plan_read import read_plan
from conftest import Cli, Patient

PLAN = EXAMPLES / "validation/validate.yaml"
mirror = script("validation/mirror.py")


@pytest.fixture
def models(folder: Path) -> Path:
    return prepare("validation", folder)


def test_the_plan_passes(models: Path, cli: Cli) -> None:
    cli("validate.yaml").ok()


def test_it_is_short_and_wide() -> None:
    """About a hundred lines, and every operation that edits or moves tensors between files."""
    lines = [line for line in PLAN.read_text().splitlines() if line.strip() and line.strip()[0] != "#"]
    assert len(lines) <= 110
    assert len({command.name for command in commands()}) > 30


def commands() -> list[Command]:
    return [command for command, _ in read_plan(PLAN, []).commands]


def state(patient: Patient) -> dict[str, StateDict]:
    """Everything that is open, evaluated."""
    checkpoints = patient.session.workspace.checkpoints
    return {
        alias: {name: patient[f"{alias}::{name}"] for name in checkpoint.names()}
        for alias, checkpoint in checkpoints.items()
    }


def agree(ours: dict[str, StateDict], theirs: dict[str, StateDict]) -> None:
    """Compare two states. What is equal within rounding alone is then taken over, so that nothing adds up."""
    assert set(ours) == set(theirs)
    for alias, wanted in theirs.items():
        actual = ours[alias]
        for name in set(actual) & set(wanted):
            if mirror.FACTORS.fullmatch(name):
                b, a = f"b.{name[2:]}", f"a.{name[2:]}"
                torch.testing.assert_close(actual[b] @ actual[a], wanted[b] @ wanted[a], rtol=1e-5, atol=1e-5)
            elif mirror.ROUNDED.fullmatch(name):
                torch.testing.assert_close(actual[name], wanted[name], rtol=1e-5, atol=1e-5)
        for name in set(actual) & set(wanted):
            if mirror.FACTORS.fullmatch(name) or mirror.ROUNDED.fullmatch(name):
                assert actual[name].shape == wanted[name].shape
                wanted[name] = actual[name].clone()
        assert_same(actual, wanted)


def test_lockstep_with_pytorch(models: Path, patient: Patient) -> None:
    patient.session.open_input("models/gpt.safetensors", "model")
    theirs = {"model": load(models / "gpt.safetensors")}
    steps = mirror.mirror(theirs, models.parent)
    mirrored = 0
    for command in commands():
        patient.session.execute(command)
        if command.name != "assert":
            assert next(steps) == command.name
            agree(state(patient), theirs)
            mirrored += 1
    assert next(steps, None) is None
    assert mirrored > 60


def test_every_step_is_under_an_assertion(models: Path, patient: Patient) -> None:
    """One wrong row in what any step made is found by a check behind it."""
    patient.session.open_input("models/gpt.safetensors", "model")
    steps = commands()
    spoiled, unchecked = 0, []
    for place, command in enumerate(steps):
        before = tensors(patient)
        patient.session.execute(command)
        made = [name for name, tensor in tensors(patient).items() if before.get(name) is not tensor]
        if made:
            correct = patient.state()
            spoil(patient, made[-1])
            if not fails_a_check(patient, steps[place + 1 :]):
                unchecked.append((place + 1, command.name, made[-1]))
            while patient.state() != correct:
                patient.run("undo")
            spoiled += 1
    assert not unchecked
    assert spoiled > 40


def test_a_wrong_factor_stops_the_plan(models: Path, cli: Cli) -> None:
    place = [command.name for command in commands()].index("scale")
    cli("validate.yaml", f"transforms[{place}].scale.by=3").fails("validate.yaml", "sum", "double")
    assert not (models / "saved").exists()


def tensors(patient: Patient) -> dict[str, object]:
    """All lazy tensors by alias and name."""
    return {
        f"{alias}::{name}": checkpoint.tensors[name]
        for alias, checkpoint in patient.session.workspace.checkpoints.items()
        for name in checkpoint.names()
    }


def spoil(patient: Patient, name: str) -> None:
    alias, _, rest = name.partition("::")
    row = "::[-1]" if patient[name].ndim else ""
    patient.run(f"fill_: target: '{alias}::{re.escape(rest)}{row}', mode: constant, value: 11")


def fails_a_check(patient: Patient, steps: list[Command]) -> bool:
    """Whether an assertion, or a diff that expects none, stops the rest of the plan."""
    try:
        for command in steps:
            patient.session.execute(command)
    except CheckFailed:
        return True
    return False
