"""Two states of a workspace: which tensors came, went, have another name, or are no longer the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.matching import Selection, everything, find, sliced
from brainsurgery_shell.workspace.workspace import Workspace


@dataclass(slots=True)
class Changes:
    """What lies between two states. Names have their alias in front."""

    came: list[str] = field(default_factory=list)
    went: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Former and present name of tensors that nothing else happened to."""
    pairs: list[tuple[str, LazyTensor, LazyTensor]] = field(default_factory=list)
    """Tensors whose name stayed and that may differ, before and now."""
    same: int = 0
    """Tensors that nothing happened to."""


def changes(before: Workspace, now: Workspace, target: Reference | None, selection: Selection) -> Changes:
    """What lies between two states, of the tensors that ``target`` (``None``: all) matches in either.

    Raises:
        StepError: ``target`` matches nothing in either.
    """
    aliases = dict.fromkeys((*before.checkpoints, *now.checkpoints))
    references = [everything(alias) for alias in aliases] if target is None else [target]
    found = Changes()
    came: dict[str, LazyTensor] = {}
    went: dict[str, LazyTensor] = {}
    for reference in references:
        alias = reference.alias
        if alias not in aliases:
            alias = now.alias(alias, reference.span)
        reference = replace(reference, alias=alias)
        names = _names(reference, before, now, selection)
        if not names:
            find(
                now if alias in now.checkpoints else before, reference, selection, none_is_fine=target is None
            )
        for name in names:
            shown = f"{alias}::{name}"
            former, present = (_tensor(state, alias, name) for state in (before, now))
            if former is present:
                found.same += 1
            elif former is None and present is not None:
                came[shown] = present
            elif present is None and former is not None:
                went[shown] = former
            elif former is not None and present is not None:
                part = partial(sliced, by=reference.slice, what=shown)
                found.pairs.append((shown, part(former), part(present)))
    _sort_out(found, came, went)
    return found


def _names(reference: Reference, before: Workspace, now: Workspace, selection: Selection) -> dict[str, None]:
    """What matches in either state: in the order that it has now, then what is gone."""
    names: dict[str, None] = {}
    for state in (now, before):
        if reference.alias in state.checkpoints:
            names |= dict.fromkeys(find(state, reference, selection, none_is_fine=True).names)
    return names


def _tensor(state: Workspace, alias: str, name: str) -> LazyTensor | None:
    checkpoint = state.checkpoints.get(alias)
    return None if checkpoint is None else checkpoint.tensors.get(name)


def _sort_out(found: Changes, came: dict[str, LazyTensor], went: dict[str, LazyTensor]) -> None:
    """A tensor that went under one name and came under another was renamed."""
    arrived: dict[LazyTensor, list[str]] = {}
    for name in reversed(came):
        arrived.setdefault(came[name], []).append(name)
    for name, tensor in went.items():
        if arrived.get(tensor):
            found.renamed.append((name, arrived[tensor].pop()))
        else:
            found.went.append(name)
    taken = {name for _, name in found.renamed}
    found.came = [name for name in came if name not in taken]
