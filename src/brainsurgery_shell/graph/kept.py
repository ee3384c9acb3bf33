"""Results that others will ask for: kept while the budget lasts, made once even if several threads ask."""

from __future__ import annotations

import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StorageError, SurgeryError
from brainsurgery_shell.graph.arena import Arena
from brainsurgery_shell.graph.results import InArena, InMemory, Result
from brainsurgery_shell.graph.runtime import empty_flat, held_dtype
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

Make = Callable[[], Result]

SCRATCH_BYTES = 1 << 33
"""Bytes of costly results that stay in the arena."""


class Kept:
    """Complete results by lazy tensor, and the memory that all of them take.

    A result stays as long as outputs that were announced will ask for it. Without that, one in memory stays
    until its room is needed, and one in the arena goes. Results of costly kernels stay in any case: where
    they do not fit the memory, in the arena.
    """

    def __init__(self, memory: int, arena: Arena, *, in_arena: bool = False) -> None:
        self.memory = memory
        self.nbytes = 0
        """Of all results that are in memory, also those that are only in use."""
        self._arena = arena
        self._in_arena = in_arena
        self._results: OrderedDict[LazyTensor, Result] = OrderedDict()
        self._wanted: Counter[LazyTensor] = Counter()
        self._making: dict[LazyTensor, Future[Result]] = {}
        self._lock = threading.RLock()  # a result may be collected while we hold it

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._results.clear()
            self._wanted.clear()

    def forget(self) -> None:
        """Forget everything that is not costly."""
        with self._lock:
            self._wanted.clear()
            for node in [node for node in self._results if not _costly(node)]:
                del self._results[node]

    def want(self, nodes: Iterable[LazyTensor]) -> None:
        """Announce an output that will ask for the results of ``nodes``."""
        with self._lock:
            self._wanted.update(nodes)

    def release(self, nodes: Iterable[LazyTensor]) -> None:
        """An output that was announced is done: what no other wants goes."""
        with self._lock:
            for node in nodes:
                self._wanted[node] -= 1
                if self._wanted[node] <= 0:
                    del self._wanted[node]
                    if not _costly(node):
                        self._results.pop(node, None)

    def shared(self, node: LazyTensor) -> bool:
        """Whether several outputs that are not done yet want ``node``."""
        return self._wanted[node] > 1

    def find(self, node: LazyTensor) -> Result | None:
        """The result, if it is kept."""
        with self._lock:
            found = self._results.get(node)
            if found is not None:
                self._results.move_to_end(node)
            return found

    def once(self, node: LazyTensor, make: Make) -> Result:
        """The result: kept, or awaited from the thread that is making it, or made now.

        Raises:
            SurgeryError: it cannot be made; likewise in all threads that wait for it.
        """
        while True:
            with self._lock:
                found = self.find(node)
                if found is not None:
                    return found
                other = self._making.get(node)
                if other is None:
                    making = self._making[node] = Future()
                    break
            failure = other.exception()
            if failure is None:
                return other.result()
            if isinstance(failure, Exception):
                raise failure
            # Its step was given up, and ours was not.
        try:
            result = make()
        except BaseException as error:
            with self._lock:
                del self._making[node]
            making.set_exception(error)
            raise
        with self._lock:
            wanted = self._wanted[node]
            if wanted > 1 or _costly(node) or (not wanted and isinstance(result, InMemory)):
                self._results[node] = result
            del self._making[node]
        making.set_result(result)
        if isinstance(result, InArena):
            self._limit_scratch()
        return result

    def room(self, node: LazyTensor) -> Result:
        """Room for all of ``node``: in memory if the budget has it, else in the arena.

        Raises:
            StorageError: there is no room in the arena either.
        """
        dtype, itemsize = held_dtype(node.dtype)
        elements = node.nbytes // itemsize
        if not elements or self._reserve(node.nbytes):
            try:
                return self._in_memory(empty_flat(elements, dtype))
            except SurgeryError:  # the budget is more than there is
                self._freed(node.nbytes)
        return InArena(self._arena.room(dtype, elements), dtype)

    def adopt(self, node: LazyTensor, flat: torch.Tensor) -> Result:
        """A result of ``node`` that was made in memory: there if the budget has room, else in the arena."""
        if not flat.numel() or self._reserve(node.nbytes):
            return self._in_memory(flat)
        result = InArena(self._arena.room(flat.dtype, flat.numel()), flat.dtype)
        result.write(0, flat)
        return result

    def _in_memory(self, flat: torch.Tensor) -> Result:
        result = InMemory(flat)
        weakref.finalize(result, self._freed, flat.nbytes)
        return result

    def _freed(self, nbytes: int) -> None:
        with self._lock:
            self.nbytes -= nbytes

    def _reserve(self, nbytes: int) -> bool:
        """Take ``nbytes`` of the budget, if need be from results that nobody wants; whether it has them."""
        if self._in_arena or nbytes > self.memory:
            return False
        while True:
            with self._lock:
                if self.nbytes + nbytes <= self.memory:
                    self.nbytes += nbytes
                    return True
                oldest = self._oldest()
                if oldest is None:
                    return False
                result = self._results.pop(oldest)
                if not _costly(oldest):
                    del result  # or it would still take its memory
                    continue
                moving = self._making[oldest] = Future()
            moved = result
            try:
                moved = self._moved(result)
            finally:
                stays = moved is result
                del result
                with self._lock:
                    self._results[oldest] = moved
                    del self._making[oldest]
                moving.set_result(moved)
            if stays:
                return False
            self._limit_scratch()

    def _oldest(self) -> LazyTensor | None:
        """The result in memory that was unused longest: one that no output wants, or that can be moved."""
        for node, result in self._results.items():
            if isinstance(result, InMemory) and (_costly(node) or not self._wanted[node]):
                return node
        return None

    def _moved(self, result: Result) -> Result:
        """A costly result, in the arena; without room there it stays where it is."""
        flat = result.whole()
        try:
            moved = InArena(self._arena.room(flat.dtype, flat.numel()), flat.dtype)
            moved.write(0, flat)
        except StorageError:
            return result
        return moved

    def _limit_scratch(self) -> None:
        with self._lock:
            aside = [node for node, result in self._results.items() if isinstance(result, InArena)]
            aside = [node for node in aside if not self._wanted[node]]
            total = sum(node.nbytes for node in aside)
            for node in aside[:-1]:
                if total <= SCRATCH_BYTES:
                    break
                total -= node.nbytes
                del self._results[node]


def _costly(node: LazyTensor) -> bool:
    return node.kernel is not None and node.kernel.costly
