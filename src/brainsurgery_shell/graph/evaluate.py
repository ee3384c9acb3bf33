"""Evaluation: from lazy tensors to bytes, piece by piece, within a memory budget.

Elementwise chains run in pieces of at most ``PIECE_ELEMENTS``, small enough to stay in the cache. What must
be complete (the inputs of a matmul, a result that several edits read at different places) is *materialised*
first: in memory while the budget lasts, else in the arena, a memory-mapped scratch file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from brainsurgery_shell.errors import InternalError, SurgeryError
from brainsurgery_shell.graph.arena import Arena
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.kept import Kept
from brainsurgery_shell.graph.kernel import Kernel, Overflow, Piece, Request, WholeKernel
from brainsurgery_shell.graph.runtime import held_dtype, load_torch
from brainsurgery_shell.graph.schedule import Schedule, plan_schedule
from brainsurgery_shell.graph.structure import Concat
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

PIECE_ELEMENTS = 1 << 18
"""Elements in one piece. A constant: it shows in the last bits of sums."""

Provider = Literal["inmemory", "arena"]
Range: TypeAlias = tuple[LazyTensor, int, int]


@dataclass(slots=True)
class Shared:
    """A piece that ``uses`` more kernels will ask for."""

    piece: torch.Tensor
    uses: int


class Evaluator:
    """Evaluates lazy tensors; safe to use from several threads."""

    def __init__(
        self,
        *,
        memory: int,
        provider: Provider = "inmemory",
        arena_root: Path | None = None,
        files: FilePool | None = None,
    ) -> None:
        self.provider = provider
        self.files = files or FilePool()
        self.overflows: dict[Kernel, None] = {}
        """Kernels that saw values overflow, in order."""
        self._arena = Arena(arena_root)
        self._kept = Kept(memory, self._arena)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Drop what is kept and remove the scratch files."""
        self._kept.clear()

    def pieces(self, tensor: LazyTensor) -> Iterator[memoryview | LazyTensor]:
        """The tensor's bytes in order: computed ones as memory, stored ones as tensors to copy from."""
        if tensor.kernel is None:
            if tensor.numel:
                yield tensor
            return
        stored_parts = _stored_parts(tensor)
        if stored_parts is not None:
            yield from stored_parts
            return
        for piece in self.chunks(tensor):
            if piece.stride() != (1,):  # a column of something
                piece = piece.clone(memory_format=load_torch().contiguous_format)
            yield memoryview(piece.view(load_torch().uint8).numpy())  # type: ignore[arg-type]

    def chunks(self, tensor: LazyTensor, start: int = 0, stop: int | None = None) -> Iterator[torch.Tensor]:
        """The flattened tensor as consecutive 1-d torch tensors (bytes for packed dtypes)."""
        total = held_elements(tensor) if stop is None else stop
        schedule = self._prepare(tensor)
        for first in range(start, total, PIECE_ELEMENTS):
            yield self._run(tensor, first, min(total, first + PIECE_ELEMENTS), schedule)

    def whole(self, tensor: LazyTensor) -> torch.Tensor:
        """The complete tensor, with its shape (a flat one of bytes for packed dtypes)."""
        schedule = self._prepare(tensor)
        result = schedule.results.get(tensor)
        if result is None:
            result = self._complete(tensor, schedule)
        return result if tensor.dtype.packed else result.view(tensor.shape)

    def _prepare(self, tensor: LazyTensor) -> Schedule:
        """Materialise, in order, all that ``tensor`` needs complete."""
        schedule = plan_schedule(tensor, self._kept.find)
        for index, node in enumerate(schedule.complete):
            schedule.results[node] = self._complete(node, schedule)
            for used in schedule.last_used.get(index, ()):
                schedule.results.pop(used, None)
        return schedule

    def _complete(self, node: LazyTensor, schedule: Schedule) -> torch.Tensor:
        """All of ``node``, flat, in memory or in the arena; other outputs may share it."""
        return self._kept.once(node, partial(self._make, node, schedule))

    def _make(self, node: LazyTensor, schedule: Schedule) -> tuple[torch.Tensor, bool]:
        """All of ``node``, and whether it lies in the arena."""
        kernel = node.kernel
        if isinstance(kernel, WholeKernel) and kernel.whole_result:
            inputs = [
                self._run(each, 0, held_elements(each), schedule).view(each.shape) for each in kernel.inputs
            ]
            try:
                computed = kernel.compute(node, inputs).reshape(-1)
            except (RuntimeError, TypeError, ValueError) as error:
                raise refused(error) from error
            if not node.numel or not self._spills(node.nbytes):
                return computed, False
            return self._arena.copy(computed), True
        result, in_arena = self._buffer(node)
        total = held_elements(node)
        for first in range(0, total, PIECE_ELEMENTS):
            last = min(total, first + PIECE_ELEMENTS)
            result[first:last] = self._run(node, first, last, schedule)
        return result, in_arena

    def _spills(self, nbytes: int) -> bool:
        return self.provider == "arena" or self._kept.nbytes + nbytes > self._kept.memory

    def _buffer(self, node: LazyTensor) -> tuple[torch.Tensor, bool]:
        """Room for all of ``node``: in memory if the budget has it, else (and then true) in the arena."""
        dtype, itemsize = held_dtype(node.dtype)
        elements = held_elements(node)
        if elements and self._spills(node.nbytes):
            return self._arena.tensor(dtype, elements, itemsize), True
        buffer: torch.Tensor = load_torch().empty(elements, dtype=dtype)
        return buffer, False

    def _run(self, tensor: LazyTensor, start: int, stop: int, schedule: Schedule) -> torch.Tensor:
        """One range of one tensor. The stack is ours, so that chains may be of any length."""
        shared: dict[Range, Shared] = {}
        answer = self._direct(tensor, start, stop, schedule)
        if answer is not None:
            return answer
        stack: list[tuple[LazyTensor, int, int, Piece]] = [(tensor, start, stop, _start(tensor, start, stop))]
        result: torch.Tensor | None = None
        while stack:
            node, first, last, generator = stack[-1]
            try:
                wanted = next(generator) if result is None else generator.send(result)
            except (RuntimeError, TypeError, ValueError, OverflowError) as error:
                raise refused(error) from error
            except StopIteration as done:
                stack.pop()
                result = done.value
                if result is None:
                    raise InternalError("a kernel made nothing") from done
                if stack:
                    _share(
                        shared, (node, first, last), Shared(result, schedule.uses.get(node, 1) - 1), tensor
                    )
                continue
            result = None
            if isinstance(wanted, Overflow):
                with self._lock:
                    self.overflows[wanted.kernel] = None
                continue
            result = self._answer(wanted, shared, schedule)
            if result is None:
                at = (wanted.tensor, wanted.start, wanted.stop)
                stack.append((*at, _start(*at)))
        if result is None:
            raise InternalError("nothing was evaluated")
        return result

    def _answer(
        self,
        wanted: Request,
        shared: dict[Range, Shared],
        schedule: Schedule,
    ) -> torch.Tensor | None:
        key = (wanted.tensor, wanted.start, wanted.stop)
        found = shared.get(key)
        if found is None:
            return self._direct(*key, schedule)
        found.uses -= 1
        if not found.uses:
            del shared[key]
        return found.piece

    def _direct(self, tensor: LazyTensor, start: int, stop: int, schedule: Schedule) -> torch.Tensor | None:
        """A range that needs no kernel: from a file, or from what was materialised."""
        result = schedule.results.get(tensor)
        if result is not None:
            return result[start:stop]
        if tensor.file is None:
            return None
        return self._read(tensor, start, stop)

    def _read(self, tensor: LazyTensor, start: int, stop: int) -> torch.Tensor:
        dtype, itemsize = held_dtype(tensor.dtype)
        module = load_torch()
        raw = module.empty((stop - start) * itemsize, dtype=module.uint8)
        if stop > start and tensor.file is not None:
            self.files.read_into(tensor.file, tensor.offset + start * itemsize, memoryview(raw.numpy()))
        view: torch.Tensor = raw.view(dtype)
        return view


def held_elements(tensor: LazyTensor) -> int:
    """How many elements evaluation counts: bytes for packed dtypes."""
    return tensor.nbytes if tensor.dtype.packed else tensor.numel


def refused(error: Exception) -> SurgeryError:
    """What torch would not compute, as an error of ours."""
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    return SurgeryError(f"torch cannot compute this: {reason}")


def _share(shared: dict[Range, Shared], done: Range, answer: Shared, target: LazyTensor) -> None:
    """Keep a piece for the other kernels that will ask for it."""
    if answer.uses:
        shared[done] = answer
    elif target.kernel is not None and target.kernel.whole_result and done[0] in target.kernel.inputs:
        shared.clear()  # a reduction goes from block to block: what is left over will not be asked for


def _start(tensor: LazyTensor, start: int, stop: int) -> Piece:
    if tensor.kernel is None:
        raise InternalError(f"{tensor!r} is neither stored nor computed")
    return tensor.kernel.piece(tensor, start, stop)


def _stored_parts(tensor: LazyTensor) -> list[LazyTensor] | None:
    """The stored pieces that a concatenation consists of, if it is nothing else."""
    if not isinstance(tensor.kernel, Concat) or sum(tensor.kernel.widths) != tensor.numel:
        return None
    parts: list[LazyTensor] = []
    stack = [tensor]
    while stack:
        node = stack.pop()
        if node.kernel is None:
            parts.append(node)
        elif isinstance(node.kernel, Concat) and sum(node.kernel.widths) == node.numel:
            stack.extend(reversed(node.kernel.inputs))
        else:
            return None
    return [part for part in parts if part.numel]
