"""Pieces that several kernels of one evaluation ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

SHARED_BYTES = 32 << 20
"""Bytes of pieces that wait for others to ask for them."""

Range: TypeAlias = tuple[LazyTensor, int, int]


class SharedPieces:
    """Pieces by range, each until it was taken as often as it is expected to be.

    That is a guess: who reads a tensor need not ask for the very same ranges of it. So the oldest pieces go
    when there are too many bytes of them. That is always safe: a piece that is not here is computed again.
    """

    def __init__(self) -> None:
        self._pieces: dict[Range, tuple[torch.Tensor, int]] = {}
        self._nbytes = 0

    def put(self, at: Range, piece: torch.Tensor, uses: int) -> None:
        """Keep a piece that ``uses`` (at least one) more kernels are expected to ask for."""
        self._pieces[at] = piece, uses
        self._nbytes += piece.nbytes
        while self._nbytes > SHARED_BYTES and len(self._pieces) > 1:
            self._drop(next(iter(self._pieces)))

    def take(self, at: Range) -> torch.Tensor | None:
        """The piece, if it is here."""
        found = self._pieces.get(at)
        if found is None:
            return None
        piece, uses = found
        if uses == 1:
            self._drop(at)
        else:
            self._pieces[at] = piece, uses - 1
        return piece

    def _drop(self, at: Range) -> None:
        piece, _ = self._pieces.pop(at)
        self._nbytes -= piece.nbytes
