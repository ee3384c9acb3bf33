"""``save``."""

from __future__ import annotations

from dataclasses import replace

from brainsurgery_shell.declaration.context import Context, SaveRequest
from brainsurgery_shell.declaration.kinds import Boolean, Choice, Size, Text
from brainsurgery_shell.declaration.operation import EXPECT, Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import fail, listed
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.ops.load import FORMATS
from brainsurgery_shell.ops.prefixes import ALIAS
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.matching import find

UNSET = -1
"""``shard`` was not given; ``None`` says that there is no limit."""


@operation(
    "save",
    Parameter("path", Text("a path", "paths"), "a file (.safetensors), or a folder"),
    Parameter("alias", ALIAS, "the checkpoint, if several are open", required=False),
    Parameter("target", Tensors(), "save this one tensor only", required=False),
    Parameter(
        "format", Choice(FORMATS), "the format; by the path's suffix, else safetensors", required=False
    ),
    Parameter("shard", Size(), "largest shard in a folder, as in 5GB", required=False, default=UNSET),
    Parameter("overwrite", Boolean(), "replace what is there", required=False, default=False),
    Parameter(
        "resume",
        Boolean(),
        "keep the shards that a killed save of the same had finished",
        required=False,
        default=False,
    ),
    EXPECT,
    aka=("write", "export"),
    examples=("save: out", "save: path: out.safetensors, alias: tuned, overwrite: true"),
    counts=False,
    replays=False,
)
def save(
    context: Context,
    path: str,
    alias: str | None,
    target: Reference | None,
    format_: str | None,
    shard: int | None,
    overwrite: bool,
    resume: bool,
    expect: int | None,
) -> Report:
    """Write a checkpoint. The output appears whole or not at all."""
    workspace = context.workspace
    if target is not None:
        if alias is not None and target.alias not in (None, alias):
            fail(f"alias: {alias} and target: {target.text} name two checkpoints", span=target.span)
        if alias is not None and target.alias is None:
            target = replace(target, alias=alias)
        found = find(workspace, target)
        if len(found) != 1:
            fail(
                f"target matches {len(found)} tensors, and save takes one: {listed([m.name for m in found])}",
                span=target.span,
            )
        match = found.matches[0]
        tensors, alias = {match.name: match.selected()}, match.alias
    else:
        alias = workspace.alias(alias) if alias is not None else which_alias(context)
        checkpoint = workspace.checkpoints[alias]
        tensors = {name: checkpoint.tensors[name] for name in checkpoint.names()}
    if expect not in (None, len(tensors)):
        fail(f"expected {expect} tensors, found {len(tensors)}")
    request = SaveRequest(
        path,
        alias,
        tensors,
        format_,
        None if shard == UNSET else shard,
        shard != UNSET,
        overwrite,
        whole=target is None,
        resume=resume,
    )
    return context.services.save(request)


def which_alias(context: Context) -> str:
    """The only alias, else the only one that steps changed, the chosen default, or a plan's only input.

    Of several that steps changed, those that they emptied were scratch space and do not count.

    Raises:
        StepError: several could be meant.
    """
    checkpoints = context.workspace.checkpoints
    aliases = list(checkpoints)
    if not aliases:
        fail("no checkpoint is open", hint="load one: load: path/to/model")
    if len(aliases) == 1:
        return aliases[0]
    changed = [alias for alias in context.services.changed_aliases() if alias in aliases]
    changed = [alias for alias in changed if checkpoints[alias].tensors] or changed
    if len(changed) == 1:
        return changed[0]
    candidates = changed or aliases
    if context.workspace.chosen in candidates:
        return context.workspace.chosen
    only_input = context.services.only_input()
    if only_input in candidates:
        return only_input
    fail(
        f"which checkpoint is to be saved? Candidates: {', '.join(candidates)}",
        hint=f"name it: save: path: …, alias: {candidates[0]} (in a plan, output: alias: {candidates[0]})",
    )
