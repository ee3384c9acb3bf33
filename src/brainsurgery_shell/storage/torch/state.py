"""Which tensors of a torch file are the checkpoint, and what they are called.

A file holds whatever object was saved: a state dict, or a trainer's dict with the state dict among its
entries, or dicts of dicts. What is no tensor of the checkpoint is left aside and said so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from brainsurgery_shell.errors import StorageError, listed
from brainsurgery_shell.storage.text import is_text, printable
from brainsurgery_shell.storage.torch.globals import Odd, View

_ENTRIES = (
    *("state_dict", "model_state_dict", "model_state", "model", "module"),
    *("params", "params_ema", "model_ema", "net", "network", "weights"),
)
"""What trainers call the state dict, the surest first."""

_TRAINING = re.compile(
    r"(optim|optimizers?|(lr_)?schedulers?|(grad_)?scaler|amp|rng|random|callbacks|loops)(_states?)?(_dicts?)?"
)
"""Entries that hold tensors of the training, not of the model."""

_PLAIN = (str, int, float, bool, type(None))

_MOST_AGAIN = 1_000_000
"""Items of containers that are walked through a second time, under another name."""

_DEEPEST = 100
_LONGEST_JOINED = 1000
"""Characters of a name that is joined from several: one may stand in front of any number of others."""


def named_views(value: object, stem: str, shown: str) -> tuple[dict[str, View], tuple[str, ...]]:
    """The tensors of a checkpoint by name, and what a user should know about how they were found.

    ``stem`` names a tensor that was saved alone.

    Raises:
        StorageError: there is no tensor, one that cannot be opened, or two of one name.
    """
    entry, value, aside = _entry(value)
    collector = _Collector(shown, aside)
    collector.collect(value, stem if type(value) in (View, Odd) else "", 0)
    if not collector.views and (value != {} or entry):
        raise StorageError(f"there is no tensor of a model in '{shown}': it holds {_described(value)}")
    said = [f"opened the entry '{entry}'"] if entry else []
    if collector.nested:
        said.append("joined the names of nested entries with dots")
    if aside:
        said.append(f"left aside: {listed([printable(name) for name in aside])}")
    return collector.views, ("; ".join(said),) if said else ()


def _entry(value: Any) -> tuple[str, Any, list[str]]:
    """Go down to the state dict: its place, itself, and the entries beside the way."""
    path: list[str] = []
    aside: list[str] = []
    seen = {id(value)}
    while type(value) is dict:
        known = [key for key in _ENTRIES if type(value.get(key)) is dict]
        chosen = next((key for key in known if _holds_tensors(value[key])), None)
        if chosen is None or id(value[chosen]) in seen:
            break
        aside += [_joined(path, key) for key in value if key != chosen]
        path.append(chosen)
        value = value[chosen]
        seen.add(id(value))
    return ".".join(path), value, aside


def _holds_tensors(value: object) -> bool:
    """Whether there is a tensor anywhere in ``value``."""
    seen: set[int] = set()
    pending: list[Any] = [value]
    while pending:
        each = pending.pop()
        if type(each) in (View, Odd):
            return True
        if type(each) in (dict, list, tuple) and id(each) not in seen:
            seen.add(id(each))
            pending.extend(each.values() if type(each) is dict else each)
    return False


class _Collector:
    """Gathers tensors in the order of the file."""

    def __init__(self, shown: str, aside: list[str]) -> None:
        self.views: dict[str, View] = {}
        self.nested = False
        self._shown = shown
        self._aside = aside
        self._seen: set[int] = set()
        self._again = 0
        self._barren: set[int] = set()
        """Containers (by ``id``; all of them live as long as this) in which there is no tensor."""

    def collect(self, value: Any, name: str, depth: int) -> bool:
        """Add the tensors of ``value``, which is called ``name``; whether there are any."""
        kind = type(value)
        if kind is View:
            self._add(name, value)
            self.nested = self.nested or depth > 1
            return True
        if kind is Odd:
            raise StorageError(f"cannot open '{self._shown}': tensor '{printable(name)}' {value.problem}")
        if kind not in (dict, list, tuple) or id(value) in self._barren:
            return False
        if id(value) in self._seen:
            self._again += len(value)
        self._seen.add(id(value))
        if self._collect_all(value.items() if kind is dict else enumerate(value), name, depth):
            return True
        self._barren.add(id(value))
        return False

    def _collect_all(self, items: Iterable[tuple[Any, Any]], name: str, depth: int) -> bool:
        if depth > _DEEPEST or self._again > _MOST_AGAIN:
            raise StorageError(f"cannot open '{self._shown}': its entries are nested too deeply")
        found = False
        before = len(self._aside)
        prefix = [name] if name else []
        for key, value in items:
            inner = key if not prefix and type(key) is str else _joined(prefix, key)
            if prefix and len(inner) > _LONGEST_JOINED:
                raise StorageError(f"cannot open '{self._shown}': the names of its entries are too long")
            skipped = depth == 0 and type(value) is not View and _TRAINING.fullmatch(inner)
            if not skipped and self.collect(value, inner, depth + 1):
                found = True
            else:
                self._aside.append(inner)
        if not found and depth:
            del self._aside[before:]  # its name says enough
        return found

    def _add(self, name: str, view: View) -> None:
        if not is_text(name):
            raise StorageError(
                f"cannot open '{self._shown}': the name '{printable(name)}' of a tensor is no Unicode text"
            )
        if name in self.views:
            raise StorageError(
                f"cannot open '{self._shown}': two tensors of it would be called '{printable(name)}'"
            )
        self.views[name] = view


def _joined(path: list[str], key: object) -> str:
    if type(key) is bytes:
        text = key.decode("utf-8", "replace")
    else:
        text = str(key) if type(key) in _PLAIN else f"a {type(key).__name__}"
    return ".".join([*path, text])


def _described(value: object) -> str:
    if type(value) is dict:
        return (
            f"the entries {listed([printable(_joined([], key)) for key in value])}" if value else "no entries"
        )
    return f"a {type(value).__name__}"
