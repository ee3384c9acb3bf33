"""Evaluation: from lazy tensors to bytes, piece by piece, within a memory budget.

Elementwise chains run in pieces of at most ``PIECE_ELEMENTS``, small enough to stay in the cache. What must
be complete (a computed input of a matmul, a result that several edits read at different places) is
*materialised* first: in memory while the budget lasts, else in the arena.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from brainsurgery_shell.errors import InternalError, SurgeryError
from brainsurgery_shell.graph.arena import Arena
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.kept import Kept
from brainsurgery_shell.graph.kernel import LANES, Kernel, Overflow, Piece, Request, Rows, Wanted, WholeKernel
from brainsurgery_shell.graph.results import Result, bytes_of
from brainsurgery_shell.graph.runtime import empty_flat, held_dtype, out_of_memory
from brainsurgery_shell.graph.schedule import Block, Schedule, plan_schedule, streams
from brainsurgery_shell.graph.sharing import SharedPieces
from brainsurgery_shell.graph.structure import Concat, join
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

PIECE_ELEMENTS = 1 << 18
"""Elements in one piece. A constant: it shows in the last bits of statistics."""
PIECES = 32
"""So many pieces may wait in memory; where a graph would hold more, they are made of smaller ones."""

Provider = Literal["inmemory", "arena"]


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
        self.files = files or FilePool()
        self.overflows: dict[Kernel, None] = {}
        """Kernels that saw values overflow, in order."""
        self._kept = Kept(memory, Arena(arena_root), in_arena=provider == "arena")
        self._announced: dict[LazyTensor, list[list[LazyTensor]]] = {}
        """What the outputs that were announced share with others, for each time that they are listed."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Drop what is kept, and with it the scratch files."""
        self._kept.clear()

    def forget(self) -> None:
        """Drop what is kept, but for what is costly: a step is over."""
        self._kept.forget()

    @contextmanager
    def outputs(self, tensors: Iterable[LazyTensor]) -> Iterator[None]:
        """Within this the pieces of each of ``tensors`` will be asked for, once each time it is listed.

        So results that several of them need are kept as long as that, and no longer.
        """
        for tensor, times in Counter(each for each in tensors if not _simple(each)).items():
            nodes = plan_schedule(tensor).shareable
            if nodes:
                again = [tensor] if tensor in nodes else nodes
                self._announced[tensor] = [nodes, *[again] * (times - 1)]
                for each in self._announced[tensor]:
                    self._kept.want(each)
        try:
            yield
        finally:
            self._announced.clear()
            self._kept.forget()

    def pieces(self, tensor: LazyTensor) -> Iterator[memoryview | LazyTensor]:
        """The tensor's bytes in order: computed ones as memory, stored ones as tensors to copy from.

        Memory is to be used before the next piece is asked for.
        """
        if tensor.kernel is None:
            if tensor.numel:
                yield tensor
            return
        stored_parts = _stored_parts(tensor)
        if stored_parts is not None:
            yield from stored_parts
        else:
            for piece in self.chunks(tensor):
                yield bytes_of(piece)
        left = self._announced.get(tensor)
        if left:
            self._kept.release(left.pop(0))

    def chunks(self, tensor: LazyTensor, start: int = 0, stop: int | None = None) -> Iterator[torch.Tensor]:
        """The flattened tensor as consecutive 1-d torch tensors (bytes for packed dtypes)."""
        total = held_elements(tensor) if stop is None else stop
        schedule = self._prepare(tensor)
        for first in range(start, total, PIECE_ELEMENTS):
            yield self._piece(tensor, first, min(total, first + PIECE_ELEMENTS), schedule)

    def whole(self, tensor: LazyTensor) -> torch.Tensor:
        """The complete tensor, with its shape (a flat one of bytes for packed dtypes).

        It belongs to others too, and must not be changed.
        """
        flat = self._flat(tensor, self._prepare(tensor))
        return flat if tensor.dtype.packed else flat.view(tensor.shape)

    def _prepare(self, tensor: LazyTensor) -> Schedule:
        """Materialise, in order, all that ``tensor`` needs complete."""
        schedule = plan_schedule(tensor, self._kept.find, self._kept.shared)
        for index, node in enumerate(schedule.complete):
            schedule.results[node] = self._kept.once(node, partial(self._make, node, schedule))
            for used in schedule.last_used.get(index, ()):
                schedule.results.pop(used, None)
                schedule.blocks.clear()
        return schedule

    def _make(self, node: LazyTensor, schedule: Schedule) -> Result:
        """All of ``node``, in memory or in the arena."""
        kernel = node.kernel
        if isinstance(kernel, WholeKernel):
            inputs = [self._flat(each, schedule).view(each.shape) for each in kernel.inputs]
            try:
                computed = kernel.compute(node, inputs).reshape(-1)
            except (RuntimeError, TypeError, ValueError) as error:
                raise refused(error) from error
            return self._kept.adopt(node, computed)
        return self._filled(node, schedule)

    def _filled(self, node: LazyTensor, schedule: Schedule) -> Result:
        """All of ``node``, made piece by piece."""
        result = self._kept.room(node)
        total = held_elements(node)
        for first in range(0, total, PIECE_ELEMENTS):
            result.write(first, self._piece(node, first, min(total, first + PIECE_ELEMENTS), schedule))
        schedule.blocks.pop(node, None)
        return result

    def _flat(self, node: LazyTensor, schedule: Schedule) -> torch.Tensor:
        """All of ``node`` as one torch tensor: mapped, if it does not fit the budget."""
        result = schedule.results.get(node) or self._filled(node, schedule)
        return result.whole()

    def _piece(self, tensor: LazyTensor, start: int, stop: int, schedule: Schedule) -> torch.Tensor:
        """One piece of one tensor: at one go, unless the graph would hold too many of that size."""
        if schedule.pieces <= PIECES:
            return self._run(tensor, start, stop, schedule)
        size = max(LANES, PIECE_ELEMENTS * PIECES // schedule.pieces // LANES * LANES)
        return join(
            [self._run(tensor, at, min(stop, at + size), schedule) for at in range(start, stop, size)]
        )

    def _run(self, tensor: LazyTensor, start: int, stop: int, schedule: Schedule) -> torch.Tensor:
        """One range of one tensor. The stack is ours, so that chains may be of any length."""
        answer = self._direct(tensor, start, stop, schedule)
        if answer is not None:
            return answer
        shared = SharedPieces()
        stack = [(tensor, start, stop, self._start(tensor, start, stop, schedule))]
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
                uses = schedule.uses.get(node, 1) - 1
                if stack and uses:
                    shared.put((node, first, last), result, uses)
                continue
            result = None
            if isinstance(wanted, Overflow):
                with self._lock:
                    self.overflows[wanted.kernel] = None
                continue
            result = self._answer(wanted, shared, schedule)
            if result is None:
                at = (wanted.tensor, wanted.start, wanted.stop)  # type: ignore[union-attr]
                stack.append((*at, self._start(*at, schedule)))
        if result is None:
            raise InternalError("nothing was evaluated")
        return result

    def _answer(self, wanted: Wanted, shared: SharedPieces, schedule: Schedule) -> torch.Tensor | None:
        """What needs no kernel, or is there already."""
        if isinstance(wanted, Request):
            at = (wanted.tensor, wanted.start, wanted.stop)
            found = shared.take(at)
            return found if found is not None else self._direct(*at, schedule)
        if not isinstance(wanted, Rows):
            raise InternalError("a kernel asks for nothing that there is")
        result = schedule.results.get(wanted.tensor)
        if result is not None:
            return result.rows(wanted.start, wanted.count, wanted.stride, wanted.length)
        return self._read(wanted.tensor, wanted.start, wanted.count, wanted.stride, wanted.length)

    def _start(self, tensor: LazyTensor, start: int, stop: int, schedule: Schedule) -> Piece:
        """The computation of a range."""
        kernel = tensor.kernel
        if kernel is None:
            raise InternalError(f"{tensor!r} is neither stored nor computed")
        size = kernel.block(tensor)
        if size:
            return _from_blocks(kernel, tensor, start, stop, size, schedule.blocks)
        return kernel.piece(tensor, start, stop)

    def _direct(self, tensor: LazyTensor, start: int, stop: int, schedule: Schedule) -> torch.Tensor | None:
        """A range that needs no kernel: from a file, or from what was materialised."""
        result = schedule.results.get(tensor)
        if result is not None:
            return result.read(start, stop)
        if tensor.file is None:
            return None
        return self._read(tensor, start, 1, 0, stop - start)

    def _read(self, tensor: LazyTensor, start: int, count: int, stride: int, length: int) -> torch.Tensor:
        """``count`` runs of ``length`` elements of a stored tensor."""
        if tensor.file is None:
            raise InternalError(f"{tensor!r} should be complete and is not")
        dtype, itemsize = held_dtype(tensor.dtype)
        raw = empty_flat(count * length, dtype)
        if count * length:
            view, offset = bytes_of(raw), tensor.offset + start * itemsize
            self.files.read_runs(tensor.file, offset, view, count, stride * itemsize)
        return raw


def _from_blocks(
    kernel: Kernel, tensor: LazyTensor, start: int, stop: int, size: int, blocks: dict[LazyTensor, Block]
) -> Piece:
    """A range of a result that is made in blocks of ``size``; the last block stays for the next range."""
    total = held_elements(tensor)
    joined: torch.Tensor | None = None
    at = start
    while at < stop:
        block = blocks.get(tensor)
        if block is None or not block.start <= at < block.stop:
            blocks.pop(tensor, None)
            block = None  # or it would still take its memory
            first = at // size * size
            last = min(total, first + size)
            block = blocks[tensor] = Block(first, last, (yield from kernel.piece(tensor, first, last)))
        end = min(stop, block.stop)
        part = block.values[at - block.start : end - block.start]
        if at == start and end == stop:
            # The last part is still in use while the next block is made; as a view it would hold all of this.
            return part.clone() if stop == block.stop else part
        if joined is None:  # not a list of parts: many small ones would leave holes in the heap
            joined = part.new_empty(stop - start)
        joined[at - start : end - start] = part
        at = end
    if joined is None:
        raise InternalError("an empty range was asked for")
    return joined


def held_elements(tensor: LazyTensor) -> int:
    """How many elements evaluation counts: bytes for packed dtypes."""
    return tensor.nbytes if tensor.dtype.packed else tensor.numel


def refused(error: Exception) -> SurgeryError:
    """What torch would not compute, as an error of ours."""
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    if "allocate memory" in reason:
        return out_of_memory()
    return SurgeryError(f"torch cannot compute this: {reason}")


def _simple(tensor: LazyTensor) -> bool:
    """Whether it shares nothing with other outputs for certain; most tensors of most saves."""
    return streams(tensor) and all(
        each.kernel is None for each in (tensor.kernel.inputs if tensor.kernel is not None else ())
    )


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
