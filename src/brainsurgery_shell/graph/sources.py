"""Kernels without inputs: constants, listed values, random numbers."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from brainsurgery_shell.graph.kernel import Kernel, Piece
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

RANDOM_BLOCK = 1 << 16
"""Elements drawn from one generator. A constant: it decides which numbers come out."""


class Source(Kernel):
    """A kernel without inputs: it only has to make a range."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(())

    @abstractmethod
    def make(self, out: LazyTensor, start: int, stop: int) -> torch.Tensor:
        """Elements ``start`` to ``stop`` of the tensor."""

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Ask for nothing."""
        yield from ()
        return self.make(out, start, stop)


class Full(Source):
    """One value everywhere."""

    __slots__ = ("value",)

    def __init__(self, value: float | int | bool | complex) -> None:
        super().__init__()
        self.value = value

    def make(self, out: LazyTensor, start: int, stop: int) -> torch.Tensor:
        """As many values as asked for."""
        return _as_dtype([self.value], out).expand(stop - start).contiguous()


class Values(Source):
    """Values that were written out, in row-major order."""

    __slots__ = ("values",)

    def __init__(self, values: tuple[float | int | bool | complex, ...]) -> None:
        super().__init__()
        self.values = values

    def make(self, out: LazyTensor, start: int, stop: int) -> torch.Tensor:
        """The values of the range."""
        return _as_dtype(list(self.values[start:stop]), out)


@dataclass(frozen=True, slots=True)
class Distribution:
    """What random numbers are drawn from: ``a`` and ``b`` are low and high, or mean and std."""

    kind: Literal["uniform", "normal"]
    a: float
    b: float


class Random(Source):
    """Random numbers from a stream of the tensor's own.

    The stream depends on the seed and the tensor's name alone: blocks of ``RANDOM_BLOCK`` elements, each with
    a generator seeded from (seed, name, block). So neither order nor number of workers shows in the result.
    """

    __slots__ = ("distribution", "name", "seed")

    def __init__(self, seed: int, name: str, distribution: Distribution) -> None:
        super().__init__()
        self.seed = seed
        self.name = name
        self.distribution = distribution

    def make(self, out: LazyTensor, start: int, stop: int) -> torch.Tensor:
        """Draw every block the range touches, in float32 (float64 for float64), then round to the dtype."""
        module = load_torch()
        drawn = module.float64 if out.dtype.name == "float64" else module.float32
        first, last = start // RANDOM_BLOCK, -(-stop // RANDOM_BLOCK)
        parts = []
        for block in range(first, last):
            size = min(RANDOM_BLOCK, out.numel - block * RANDOM_BLOCK)
            part = module.empty(size, dtype=drawn)
            generator = module.Generator().manual_seed(self._block_seed(block))
            if self.distribution.kind == "uniform":
                part.uniform_(self.distribution.a, self.distribution.b, generator=generator)
            else:
                part.normal_(self.distribution.a, self.distribution.b, generator=generator)
            parts.append(part)
        joined = module.cat(parts) if parts else module.empty(0, dtype=drawn)
        offset = first * RANDOM_BLOCK
        drawn_range: torch.Tensor = joined[start - offset : stop - offset].to(torch_dtype(out.dtype))
        return drawn_range

    def _block_seed(self, block: int) -> int:
        text = f"{self.seed}\0{self.name}\0{block}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def _as_dtype(values: list[float | int | bool | complex], out: LazyTensor) -> torch.Tensor:
    """Values as a tensor; through float64 where torch does not make the dtype from numbers."""
    module, dtype = load_torch(), torch_dtype(out.dtype)
    if out.dtype.cls == "float" and not out.dtype.arithmetic:
        through: torch.Tensor = module.tensor(values, dtype=module.float64).to(dtype)
        return through
    made: torch.Tensor = module.tensor(values, dtype=dtype)
    return made
