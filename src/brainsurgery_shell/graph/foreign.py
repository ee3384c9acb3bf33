"""Kernels over stored bytes that are not the elements themselves: in the other byte order, or deflated."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Generator
from typing import TYPE_CHECKING, TypeAlias

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.kernel import Kernel, Overflow, Piece, Request
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

_PACKED_CHUNK = 1 << 16
"""Bytes of deflated data that are read at once."""

_CHUNK = 1 << 18
"""Most bytes inflated by one call; deflated data may grow a thousandfold."""

_Requests: TypeAlias = "Generator[Request | Overflow, torch.Tensor, None]"


class SwapBytes(Kernel):
    """Elements whose most significant byte comes first. The input holds the bytes, as uint8."""

    __slots__ = ()

    def __init__(self, raw: LazyTensor) -> None:
        super().__init__((raw,))

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Turn the bytes of each number round; a complex element is two numbers."""
        size = out.dtype.itemsize
        width = size // 2 if out.dtype.cls == "complex" else size
        raw = yield Request(self.inputs[0], start * size, stop * size)
        turned = raw.view((stop - start) * size // width, width).flip(1)
        return turned.reshape(-1).view(torch_dtype(out.dtype))


class Inflate(Kernel):
    """Elements that lie deflated in the input, behind ``skip`` bytes of something else.

    Ranges in ascending order cost one pass. Going back costs a pass from the beginning.
    """

    __slots__ = ("_former", "_lock", "crc", "size", "skip", "what")

    def __init__(self, packed: LazyTensor, skip: int, size: int, crc: int, what: str) -> None:
        super().__init__((packed,))
        self.skip = skip
        self.size = size
        """Bytes when inflated, ``skip`` included."""
        self.crc = crc
        self.what = what
        self._lock = threading.Lock()
        self._former: _Stream | None = None
        """Where the last range ended."""

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Inflate on from where the last range ended, or from the beginning."""
        first, last = self.skip + start * out.dtype.itemsize, self.skip + stop * out.dtype.itemsize
        with self._lock:
            stream, self._former = self._former, None
        if stream is None or stream.at > first:
            stream = _Stream()
        module = load_torch()
        result = module.empty(last - first, dtype=module.uint8)
        view = memoryview(result.numpy())
        while stream.at < last:
            begin = stream.at
            part = yield from self._next(stream, last - begin)
            wanted = part[max(0, first - begin) :]
            if wanted:
                offset = max(begin, first) - first
                view[offset : offset + len(wanted)] = wanted
        if last == self.size:
            yield from self._finish(stream)
        else:
            with self._lock:
                self._former = stream
        elements: torch.Tensor = result.view(torch_dtype(out.dtype))
        return elements

    def _next(self, stream: _Stream, most: int) -> Generator[Request | Overflow, torch.Tensor, bytes]:
        """The next bytes, between 1 and ``most`` of them."""
        while True:
            yield from self._feed(stream)
            part = self._inflate(stream, min(most, _CHUNK))
            if part:
                stream.at += len(part)
                stream.crc = zlib.crc32(part, stream.crc)
                return part
            if stream.unpack.eof:
                raise self._damaged()

    def _feed(self, stream: _Stream) -> _Requests:
        packed = self.inputs[0]
        if stream.fed or stream.read == packed.numel:
            return
        end = min(packed.numel, stream.read + _PACKED_CHUNK)
        stream.fed = bytes((yield Request(packed, stream.read, end)).numpy())
        stream.read = end

    def _finish(self, stream: _Stream) -> _Requests:
        """Check that nothing follows, and the checksum of everything."""
        while not stream.unpack.eof:
            yield from self._feed(stream)
            if self._inflate(stream, 1):
                raise self._damaged()
        if stream.crc != self.crc:
            raise self._damaged()

    def _inflate(self, stream: _Stream, most: int) -> bytes:
        """Up to ``most`` bytes from what was read; none if that does not suffice."""
        fed = stream.fed
        try:
            part = stream.unpack.decompress(fed, most)
        except zlib.error as error:
            raise self._damaged() from error
        stream.fed = stream.unpack.unconsumed_tail
        if not (part or fed or stream.unpack.eof):  # nothing is left to read
            raise self._damaged()
        return part

    def _damaged(self) -> StorageError:
        return StorageError(
            f"{self.what} cannot be read: its compressed data are damaged, or not as many as declared",
            hint="copy or download the file again",
        )


class _Stream:
    """How far inflating has come."""

    __slots__ = ("at", "crc", "fed", "read", "unpack")

    def __init__(self) -> None:
        self.unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        self.fed = b""
        """Read, but not inflated yet."""
        self.read = 0
        """Bytes of the packed data that were read."""
        self.at = 0
        """Bytes that were inflated."""
        self.crc = 0
