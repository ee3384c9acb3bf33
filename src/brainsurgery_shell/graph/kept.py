"""Results that are kept while the budget lasts, and made once even if several threads ask for them."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.arena import Arena
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

Make = Callable[[], "tuple[torch.Tensor, bool]"]
"""Makes a flat result, and says whether it lies in the arena."""

SCRATCH_BYTES = 1 << 33
"""Bytes of costly results that stay in the arena."""


class Kept:
    """Flat results by lazy tensor; beyond ``memory`` bytes the one longest unused is forgotten.

    Results of costly kernels are not forgotten but moved to the arena, where they do not count.
    """

    def __init__(self, memory: int, arena: Arena) -> None:
        self.memory = memory
        self.nbytes = 0
        """Of the results that count."""
        self._arena = arena
        self._results: OrderedDict[LazyTensor, torch.Tensor] = OrderedDict()
        self._scratch: OrderedDict[LazyTensor, torch.Tensor] = OrderedDict()
        self._scratch_bytes = 0
        self._making: dict[LazyTensor, Future[torch.Tensor]] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._results.clear()
            self._scratch.clear()
            self.nbytes = self._scratch_bytes = 0

    def find(self, node: LazyTensor) -> torch.Tensor | None:
        """The result, if it is kept."""
        with self._lock:
            return self._find(node)

    def once(self, node: LazyTensor, make: Make) -> torch.Tensor:
        """The result: kept, or awaited from the thread that is making it, or made now.

        Raises:
            SurgeryError: it cannot be made; likewise in all threads that wait for it.
        """
        with self._lock:
            found = self._find(node)
            if found is not None:
                return found
            making = self._making.get(node)
            ours = making is None
            if making is None:
                making = self._making[node] = Future()
        if not ours:
            return making.result()
        try:
            result, in_arena = make()
        except BaseException as error:
            with self._lock:
                del self._making[node]
            making.set_exception(error)
            raise
        with self._lock:
            self._put(node, result, in_arena)
            del self._making[node]
        making.set_result(result)
        return result

    def _find(self, node: LazyTensor) -> torch.Tensor | None:
        for results in (self._results, self._scratch):
            found = results.get(node)
            if found is not None:
                results.move_to_end(node)
                return found
        return None

    def _put(self, node: LazyTensor, result: torch.Tensor, in_arena: bool) -> None:
        if in_arena and _costly(node):
            self._put_aside(node, result)
            return
        self._results[node] = result
        self.nbytes += node.nbytes
        while self.nbytes > self.memory and len(self._results) > 1:
            oldest, former = self._results.popitem(last=False)
            self.nbytes -= oldest.nbytes
            if _costly(oldest):
                with contextlib.suppress(StorageError):  # without room for it, it is computed again
                    self._put_aside(oldest, self._arena.copy(former))

    def _put_aside(self, node: LazyTensor, result: torch.Tensor) -> None:
        self._scratch[node] = result
        self._scratch_bytes += node.nbytes
        while self._scratch_bytes > SCRATCH_BYTES and len(self._scratch) > 1:
            oldest, _ = self._scratch.popitem(last=False)
            self._scratch_bytes -= oldest.nbytes


def _costly(node: LazyTensor) -> bool:
    return node.kernel is not None and node.kernel.costly
