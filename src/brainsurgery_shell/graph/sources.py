"""Kernels without inputs: constants, listed values, random numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from brainsurgery_shell.graph.kernel import Kernel, Piece
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.tensor import LazyTensor

RANDOM_BLOCK = 1 << 16
"""Elements drawn from one generator. A constant: it decides which numbers come out."""


class Full(Kernel):
    """One value everywhere."""

    __slots__ = ("value",)

    def __init__(self, value: float | int | bool | complex) -> None:
        super().__init__(())
        self.value = value

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """As many values as asked for; through float32 where torch does not fill the dtype."""
        return (
            load_torch().full((stop - start,), self.value).to(torch_dtype(out.dtype))
            if (out.dtype.cls == "float" and not out.dtype.arithmetic)
            else load_torch().full((stop - start,), self.value, dtype=torch_dtype(out.dtype))
        )
        yield  # never reached; it makes this a generator


class Values(Kernel):
    """Values that were written out, in row-major order."""

    __slots__ = ("values",)

    def __init__(self, values: tuple[float | int | bool, ...]) -> None:
        super().__init__(())
        self.values = values

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """The values of the range."""
        return load_torch().tensor(self.values[start:stop], dtype=torch_dtype(out.dtype))
        yield  # never reached; it makes this a generator


@dataclass(frozen=True, slots=True)
class Distribution:
    """What random numbers are drawn from: ``a`` and ``b`` are low and high, or mean and std."""

    kind: Literal["uniform", "normal"]
    a: float
    b: float


class Random(Kernel):
    """Random numbers from a stream of the tensor's own.

    The stream depends on the seed and the tensor's name alone: blocks of ``RANDOM_BLOCK`` elements, each with
    a generator seeded from (seed, name, block). So neither order nor number of workers shows in the result.
    """

    __slots__ = ("distribution", "name", "seed")

    def __init__(self, seed: int, name: str, distribution: Distribution) -> None:
        super().__init__(())
        self.seed = seed
        self.name = name
        self.distribution = distribution

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Draw every block the range touches, in float32 (float64 for float64), then round to the dtype."""
        torch = load_torch()
        drawn = torch.float64 if out.dtype.name == "float64" else torch.float32
        first, last = start // RANDOM_BLOCK, -(-stop // RANDOM_BLOCK)
        parts = []
        for block in range(first, last):
            size = min(RANDOM_BLOCK, out.numel - block * RANDOM_BLOCK)
            part = torch.empty(size, dtype=drawn)
            generator = torch.Generator().manual_seed(self._block_seed(block))
            if self.distribution.kind == "uniform":
                part.uniform_(self.distribution.a, self.distribution.b, generator=generator)
            else:
                part.normal_(self.distribution.a, self.distribution.b, generator=generator)
            parts.append(part)
        joined = torch.cat(parts) if parts else torch.empty(0, dtype=drawn)
        offset = first * RANDOM_BLOCK
        return joined[start - offset : stop - offset].to(torch_dtype(out.dtype))
        yield  # never reached; it makes this a generator

    def _block_seed(self, block: int) -> int:
        text = f"{self.seed}\0{self.name}\0{block}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1
