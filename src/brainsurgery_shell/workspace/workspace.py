"""The workspace: open checkpoints by alias. Edits are applied here, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

from brainsurgery_shell.errors import Span, StepError, did_you_mean
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import DefaultAlias, Edit


@dataclass(slots=True)
class Workspace:
    """Alias → checkpoint, and the alias that references without one mean."""

    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    chosen: str | None = None
    """The default alias chosen by ``prefixes: mode: use``."""

    def default_alias(self) -> str | None:
        """The chosen alias, else ``model``, else the only one, else ``None``."""
        if self.chosen is not None:
            return self.chosen
        if "model" in self.checkpoints:
            return "model"
        return next(iter(self.checkpoints)) if len(self.checkpoints) == 1 else None

    def alias(self, alias: str | None, span: Span | None = None) -> str:
        """The alias meant, checked.

        Raises:
            StepError: nothing has that alias, or several checkpoints are open and none is the default.
        """
        if alias is None:
            alias = self.default_alias()
            if alias is None and not self.checkpoints:
                raise StepError("no checkpoint is open", hint="load one: load: path/to/model", span=span)
            if alias is None:
                raise StepError(
                    f"which checkpoint? Several are open: {', '.join(self.checkpoints)}",
                    hint=f"name it, as in {next(iter(self.checkpoints))}::…, or choose a default: "
                    f"prefixes: mode: use, alias: {next(iter(self.checkpoints))}",
                    span=span,
                )
        if alias not in self.checkpoints:
            known = ", ".join(self.checkpoints) or "none is open"
            raise StepError(
                f"unknown alias '{alias}'",
                hint=did_you_mean(alias, self.checkpoints)
                or f"open checkpoints: {known}; prefixes: mode: add, alias: {alias} makes an empty one",
                span=span,
            )
        return alias

    def apply(self, edit: Edit) -> Edit:
        """Change what the edit says and return its inverse."""
        inverse = Edit(count=edit.count)
        for alias in edit.tensors.keys() - edit.aliases.keys():
            self._change_tensors(alias, edit, inverse)
        if edit.aliases:
            inverse.order = list(self.checkpoints)
        for alias, replacement in edit.aliases.items():
            inverse.aliases[alias] = self.checkpoints.get(alias)
            if replacement is None:
                self.checkpoints.pop(alias, None)
            else:
                self.checkpoints[alias] = replacement
        if edit.order is not None:
            self.checkpoints = {alias: self.checkpoints[alias] for alias in edit.order}
        if edit.default is not None:
            inverse.default = DefaultAlias(self.chosen)
            self.chosen = edit.default.alias
        return inverse

    def _change_tensors(self, alias: str, edit: Edit, inverse: Edit) -> None:
        checkpoint, changes = self.checkpoints[alias], edit.tensors[alias]
        places = edit.places.get(alias, {})
        inverse.tensors[alias] = dict(zip(changes, map(checkpoint.tensors.get, changes), strict=True))
        known = checkpoint.places
        inverse.places[alias] = {
            name: known[name]
            for name, tensor in changes.items()
            if (tensor is None or name in places) and name in known
        }
        checkpoint.change(changes, places)

    def copy(self) -> Workspace:
        """A scratch workspace: editing it leaves this one alone."""
        return Workspace({alias: each.copy() for alias, each in self.checkpoints.items()}, self.chosen)
