"""Plans that run as one: their inputs, requirements and outputs together."""

from __future__ import annotations

from pathlib import Path

from brainsurgery_shell.errors import PlanError
from brainsurgery_shell.lang.tree import Command, Mapping, Pair, Scalar
from brainsurgery_shell.session.overrides import placed
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.session.plan import Plan, PlanInput, PlanStep, Requirement


def merged_inputs(plans: list[Plan]) -> list[tuple[PlanInput, Plan]]:
    """Every input once, with the plan that has it first.

    Raises:
        PlanError: two plans open different checkpoints under one alias.
    """
    found: dict[str, tuple[PlanInput, Plan]] = {}
    for plan in plans:
        for each in plan.inputs:
            former, owner = found.setdefault(each.alias, (each, plan))
            if _path(former, owner) != _path(each, plan):
                raise PlanError(
                    f"the alias '{each.alias}' is '{former.path}' in '{owner.source.file}', "
                    f"and '{each.path}' in '{plan.source.file}'",
                    hint="give one of them another alias",
                    span=each.span,
                ).located(source=plan.source)
    return list(found.values())


def merged_requires(plans: list[Plan]) -> list[tuple[str, Requirement, Plan]]:
    """Every requirement.

    Raises:
        PlanError: two plans want different fingerprints of one alias.
    """
    found: dict[str, tuple[str, Requirement, Plan]] = {}
    for plan in plans:
        for alias, each in plan.requires.items():
            _, former, owner = found.setdefault(alias, (alias, each, plan))
            if former.fingerprint != each.fingerprint:
                raise PlanError(
                    f"'{owner.source.file}' and '{plan.source.file}' require two different inputs '{alias}'",
                    span=each.span,
                ).located(source=plan.source)
    return list(found.values())


def merged_steps(plans: list[Plan]) -> list[PlanStep]:
    """The steps of all plans in their order, then the output."""
    steps = [PlanStep(command, source, plan.folder) for plan in plans for command, source in plan.commands]
    return [*steps, *merged_output(plans)]


def merged_output(plans: list[Plan]) -> list[PlanStep]:
    """The one output: each of its fields is that of the last plan that has it."""
    having = [(plan, plan.output) for plan in plans if plan.output is not None]
    if not having:
        return []
    last, command = having[-1]
    pairs: dict[str, Pair] = {}
    folder = last.folder
    for plan, output in having:
        payload = output.payload if isinstance(output.payload, Mapping) else Mapping(())
        for pair in payload.pairs:
            # What another file says has no place in the one that messages show.
            value = pair.value if plan is last else placed(pair.value, command.name_span)
            pairs[pair.key] = Pair(pair.key, value, pair.key_span if plan is last else command.name_span)
            folder = plan.folder if pair.key == "path" else folder
    merged = Mapping(tuple(pairs.values()), command.name_span)
    step = Command(command.name, merged, command.name_span)
    return [PlanStep(step, last.source, folder, is_output=True)]


def replaced_outputs(plans: list[Plan]) -> list[str]:
    """What is to be said of outputs that later plans replace."""
    paths = [
        (plan.source.file, path.value)
        for plan in plans
        if plan.output is not None
        and isinstance(plan.output.payload, Mapping)
        and isinstance(path := plan.output.payload.get("path"), Scalar)
    ]
    return [
        f"the output '{path}' of '{file}' is not written: '{paths[-1][0]}' has the output '{paths[-1][1]}'"
        for file, path in paths[:-1]
    ]


def _path(each: PlanInput, plan: Plan) -> Path:
    return absolute(each.path, plan.folder)
