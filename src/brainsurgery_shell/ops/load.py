"""``load``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Text
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names
from brainsurgery_shell.errors import fail, listed
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.ops.prefixes import ALIAS, require_free
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.workspace import Workspace
from brainsurgery_shell.workspace.writes import Destination, Must, Writes, literal_name

FORMATS = ("safetensors", "torch", "numpy", "dcp")
BY_PATH = "auto"


@operation(
    "load",
    Parameter("path", Text("a path", "paths"), "a checkpoint: a file, or a folder with one or with shards"),
    Parameter("alias", ALIAS, "its alias; 'model' if that is free", required=False),
    Parameter(
        "to",
        Names("a new name"),
        "load a file's one tensor under this name; an alias not open is opened for it",
        required=False,
    ),
    Parameter(
        "format", Choice((*FORMATS, BY_PATH)), "the format, where the path does not tell", required=False
    ),
    aka=("open", "read"),
    examples=("load: models/base.safetensors", "load: path: models/tuned, alias: tuned"),
)
def load(context: Context, path: str, alias: str | None, to: Template | None, format_: str | None) -> Edit:
    """Open a checkpoint under an alias (headers only), or one tensor of a file under a name."""
    workspace = context.workspace
    format_ = None if format_ == BY_PATH else format_
    if to is not None:
        return _load_tensor(context, path, alias, to, format_)
    if alias is None:
        alias = _free_alias(workspace)
    require_free(workspace, alias)
    checkpoint = context.services.open(path, alias, format_)
    return Edit(aliases={alias: checkpoint}, count=len(checkpoint.tensors))


def _free_alias(workspace: Workspace) -> str:
    if "model" in workspace.checkpoints:
        fail("the alias 'model' is taken", hint="give another: load: path: …, alias: NAME")
    return "model"


def _load_tensor(context: Context, path: str, alias: str | None, to: Template, layout: str | None) -> Edit:
    workspace = context.workspace
    if alias is not None and to.alias not in (None, alias):
        fail(f"alias: {alias} and to: {to.text} name two checkpoints")
    owner = to.alias or alias or ("model" if not workspace.checkpoints else workspace.alias(None, to.span))
    opened = context.services.open(path, owner, layout)
    names = list(opened.tensors)
    if len(names) != 1:
        fail(
            f"'{path}' holds {len(names)} tensors, and 'to' takes one: {listed(names)}",
            hint="load it under an alias, then copy what you need",
        )
    name = literal_name(to)
    if owner not in workspace.checkpoints and to.slice is None:
        require_free(workspace, owner)
        return Edit(aliases={owner: Checkpoint.of({name: opened.tensors[names[0]]}, {}, ())}, count=1)
    owner = workspace.alias(owner, to.span)
    writes = Writes(workspace, 1)
    must = Must.BE_NEW if to.slice is None else Must.EXIST
    writes.put(Destination(owner, name, to.slice, to.span), opened.tensors[names[0]], must, path)
    return writes.edit()
