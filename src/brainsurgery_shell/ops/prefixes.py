"""``prefixes``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Label
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.names import is_name
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import DefaultAlias, Edit, Report
from brainsurgery_shell.workspace.workspace import Workspace

ALIAS = Label("an alias", "aliases")


@operation(
    "prefixes",
    Parameter(
        "mode",
        Choice(("list", "add", "remove", "rename", "use")),
        "what to do",
        required=False,
        default="list",
    ),
    Parameter("alias", ALIAS, "the alias (add, remove, use)", required=False),
    Parameter("from", ALIAS, "the alias to rename", required=False),
    Parameter("to", ALIAS, "its new name", required=False),
    Parameter("format", Choice(("table", "json")), "how the list is shown", required=False, default="table"),
    examples=(
        "prefixes",
        "prefixes: mode: use, alias: base",
        "prefixes: mode: rename, from: model, to: base",
    ),
)
def prefixes(
    context: Context, mode: str, alias: str | None, from_: str | None, to: str | None, format_: str
) -> Edit | Report:
    """List the open checkpoints, add an empty one, remove or rename one, or choose the default."""
    workspace = context.workspace
    if mode == "rename":
        if from_ is None or to is None or alias is not None:
            fail("prefixes: mode: rename takes from and to")
        return _rename(workspace, from_, to)
    if from_ is not None or to is not None:
        fail(f"prefixes: mode: {mode} takes no from and to", hint="they belong to mode: rename")
    if mode == "list":
        return _list(workspace, format_)
    if alias is None:
        fail(f"prefixes: mode: {mode} needs 'alias'")
    if mode == "add":
        require_free(workspace, alias)
        return Edit(aliases={alias: Checkpoint()})
    alias = workspace.alias(alias)
    if mode == "use":
        return Edit(default=DefaultAlias(alias))
    forget = DefaultAlias(None) if workspace.chosen == alias else None
    return Edit(aliases={alias: None}, default=forget)


def require_free(workspace: Workspace, alias: str) -> None:
    """Fail unless ``alias`` can name one more checkpoint."""
    if not is_name(alias):
        fail(f"'{alias}' is no alias", hint="letters, digits, _ and -, beginning with a letter or _")
    if alias in workspace.checkpoints:
        fail(f"the alias '{alias}' is taken", hint="choose another, or remove it: prefixes: mode: remove, …")


def _rename(workspace: Workspace, old: str, new: str) -> Edit:
    old = workspace.alias(old)
    require_free(workspace, new)
    use = DefaultAlias(new) if workspace.chosen == old else None
    return Edit(aliases={old: None, new: workspace.checkpoints[old]}, default=use)


def _list(workspace: Workspace, format_: str) -> Report:
    default = workspace.default_alias()
    rows = []
    for alias, checkpoint in workspace.checkpoints.items():
        nbytes = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
        rows.append(
            {
                "alias": alias,
                "default": alias == default,
                "tensors": len(checkpoint.tensors),
                "nbytes": nbytes,
                "path": ", ".join(origin.shown for origin in checkpoint.origins),
            }
        )
    if format_ == "json":
        return Report.document(rows, len(rows))
    lines = [
        f"{'*' if row['default'] else ' '} {row['alias']}::  {row['tensors']} tensors, "
        f"{size_words(int(str(row['nbytes'])))}  {row['path']}".rstrip()
        for row in rows
    ]
    return Report(lines or ["no checkpoint is open"], rows, len(rows))
