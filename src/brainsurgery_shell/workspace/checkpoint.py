"""An open checkpoint: ordered names of lazy tensors, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.graph.tensor import LazyTensor


@dataclass(frozen=True, slots=True)
class Origin:
    """What an alias was opened from."""

    path: Path
    """Absolute."""
    shown: str
    """As the user typed it."""
    folder: Path | None
    """The folder whose companion files belong to it, if a folder was opened."""
    fingerprint: str


@dataclass(slots=True)
class Checkpoint:
    """Names, in checkpoint order, and their tensors.

    ``places`` orders the names: a tensor that moves takes its place along, a new one gets the next.
    """

    tensors: dict[str, LazyTensor] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    next_place: int = 0
    tied: tuple[tuple[str, ...], ...] = ()
    """Groups of names that shared their data when it was opened."""
    _names: list[str] | None = None
    _sorted: list[str] | None = None

    @classmethod
    def of(
        cls, tensors: Mapping[str, LazyTensor], metadata: Mapping[str, str], origins: tuple[Origin, ...]
    ) -> Checkpoint:
        """A checkpoint with tensors in the order given."""
        places = {name: place for place, name in enumerate(tensors)}
        return cls(dict(tensors), places, dict(metadata), origins, len(places))

    def names(self) -> list[str]:
        """All names in checkpoint order. Not to be changed."""
        if self._names is None:
            self._names = sorted(self.tensors, key=self.places.__getitem__)
        return self._names

    def sorted_names(self) -> list[str]:
        """All names sorted, for bisection. Not to be changed."""
        if self._sorted is None:
            self._sorted = sorted(self.tensors)
        return self._sorted

    def change(self, changes: Mapping[str, LazyTensor | None], places: Mapping[str, int]) -> None:
        """Set or (with ``None``) remove tensors; one without a place keeps its own or goes to the end."""
        if not places and changes.keys() <= self.tensors.keys() and None not in changes.values():
            self.tensors.update(changes)  # type: ignore[arg-type]
            return
        gone = [name for name, tensor in changes.items() if tensor is None]
        self.tensors.update(changes)  # type: ignore[arg-type]  # what is gone goes next
        self.places.update(places)
        for name in gone:
            del self.tensors[name]
            self.places.pop(name, None)
        if places:
            self.next_place = max(self.next_place, 1 + max(places.values()))
        known = self.places
        fresh = [name for name, tensor in changes.items() if tensor is not None and name not in known]
        self.places.update(zip(fresh, range(self.next_place, self.next_place + len(fresh)), strict=True))
        self.next_place += len(fresh)
        self._names = self._sorted = None

    def copy(self) -> Checkpoint:
        """A copy that can be edited by itself; the tensors, being immutable, are shared."""
        return Checkpoint(
            dict(self.tensors),
            dict(self.places),
            dict(self.metadata),
            self.origins,
            self.next_place,
            self.tied,
        )
