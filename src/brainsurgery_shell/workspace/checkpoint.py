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

    def put(self, name: str, tensor: LazyTensor | None, place: int | None) -> None:
        """Set or (with ``None``) remove a tensor; without a place it keeps its own or goes to the end."""
        known = name in self.tensors
        if tensor is None:
            if known:
                del self.tensors[name], self.places[name]
                self._names = self._sorted = None
            return
        self.tensors[name] = tensor
        if place is None and known:
            return
        if place is None:
            place = self.next_place
        self.next_place = max(self.next_place, place + 1)
        self.places[name] = place
        self._names = None
        if not known:
            self._sorted = None

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
