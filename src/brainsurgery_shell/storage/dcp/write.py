"""Lay out a distributed checkpoint: files of tensors, and the pickle that says where each of them lies.

Every tensor is one chunk, as one process would write it. The classes of PyTorch are only named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor, Shape
from brainsurgery_shell.storage.container import OutFile
from brainsurgery_shell.storage.dcp.metadata import FILESYSTEM, METADATA
from brainsurgery_shell.storage.names import DCP_INDEX, DCP_SUFFIX
from brainsurgery_shell.storage.torch.pickle import Writer, pickle_tensor
from brainsurgery_shell.storage.zips.layout import Member, Sum, lay_out_zip, seals_of

_VERSION = "1.0.0"


class Place(NamedTuple):
    """Where the archive of a tensor lies."""

    file: str
    begin: int
    length: int


def lay_out_dcp(shards: Sequence[Mapping[str, LazyTensor]]) -> list[OutFile]:
    """One file a shard, and the metadata of all."""
    places: dict[str, Place] = {}
    files = [_file(f"__0_{number}{DCP_SUFFIX}", shard, places) for number, shard in enumerate(shards)]
    tensors = {name: tensor for shard in shards for name, tensor in shard.items()}
    metadata = pickle_metadata(tensors, places)
    return [*files, OutFile(DCP_INDEX, len(metadata), ((0, metadata),), weights=False)]


def pickle_metadata(tensors: Mapping[str, LazyTensor], places: Mapping[str, Place]) -> bytes:
    """The pickle of ``torch.distributed.checkpoint.metadata.Metadata``."""
    writer = Writer()
    writer.parts.append(b"\x80\x02")
    _begin(writer, METADATA, "Metadata")
    writer.word("state_dict_metadata")
    writer.parts.append(b"}(")
    for name, tensor in tensors.items():
        writer.word(name)
        _tensor(writer, tensor.shape, tensor.dtype)
    writer.parts.append(b"u")
    writer.word("planner_data")  # the path of each name in nested dicts: here none are nested
    writer.parts.append(b"}(")
    for name in tensors:
        writer.word(name)
        writer.word(name)
        writer.parts.append(b"\x85")
    writer.parts.append(b"u")
    writer.word("storage_data")
    writer.parts.append(b"}(")
    for name, tensor in tensors.items():
        _index(writer, name, tensor.rank)
        _place(writer, places[name])
    writer.parts.append(b"u")
    writer.word("storage_meta")
    writer.parts.append(b"N")
    writer.word("version")
    writer.word(_VERSION)
    _end(writer)
    writer.parts.append(b".")
    return b"".join(writer.parts)


def _file(name: str, tensors: Mapping[str, LazyTensor], places: dict[str, Place]) -> OutFile:
    """Each tensor as ``torch.save`` writes it, one archive behind the other."""
    end = 0
    literals: list[tuple[int, bytes]] = []
    starts: list[int] = []
    sums: list[Sum] = []
    for each, tensor in tensors.items():
        members = (
            Member("archive/data.pkl", pickle_tensor(tensor)),
            Member("archive/byteorder", b"little"),
            Member("archive/data/0", nbytes=tensor.nbytes),
            Member("archive/version", b"3\n"),
        )
        layout = lay_out_zip(members, end)
        literals += layout.literals
        starts += layout.starts
        sums += layout.sums
        places[each] = Place(name, end, layout.end - end)
        end = layout.end
    held = {each: tensor for each, tensor in tensors.items() if tensor.nbytes}
    return OutFile(name, end, tuple(literals), held, tuple(starts), seals_of(sums))


def _tensor(writer: Writer, shape: Shape, dtype: DType) -> None:
    """Shape, dtype, and the one chunk that is all of it."""
    _begin(writer, METADATA, "TensorStorageMetadata")
    writer.word("properties")
    _properties(writer, dtype)
    writer.word("size")
    _size(writer, shape)
    writer.word("chunks")
    writer.parts.append(b"]")
    _begin(writer, METADATA, "ChunkStorageMetadata")
    writer.word("offsets")
    _size(writer, (0,) * len(shape))
    writer.word("sizes")
    _size(writer, shape)
    _end(writer)
    writer.parts.append(b"a")
    _end(writer)


def _properties(writer: Writer, dtype: DType) -> None:
    """Dtype, layout, requires_grad, memory format, pin_memory: all but the first deprecated."""
    if writer.again(f"properties {dtype}"):
        return
    writer.name(METADATA, "TensorProperties")
    writer.parts.append(b")\x81(")
    writer.name("torch", dtype.name)
    writer.name("torch.serialization", "_get_layout")
    writer.word("torch.strided")
    writer.parts.append(b"\x85R\x89")
    writer.name(METADATA, "_MEM_FORMAT_ENCODING")
    writer.number(0)
    writer.parts.append(b"\x85R\x89t")
    writer.put(b"b", f"properties {dtype}")


def _index(writer: Writer, name: str, rank: int) -> None:
    """The key of a chunk: its tensor, and where it begins in it."""
    _begin(writer, METADATA, "MetadataIndex")
    writer.word("fqn")
    writer.word(name)
    writer.word("index")
    writer.number(0)
    writer.word("offset")
    _size(writer, (0,) * rank)
    _end(writer)


def _place(writer: Writer, place: Place) -> None:
    _begin(writer, FILESYSTEM, "_StorageInfo")
    writer.word("relative_path")
    writer.word(place.file)
    writer.word("offset")
    writer.number(place.begin)
    writer.word("length")
    writer.number(place.length)
    _end(writer)


def _size(writer: Writer, shape: Shape) -> None:
    if not writer.again(f"size {shape}"):
        writer.name("torch", "Size")
        writer.sizes(shape)
        writer.parts.append(b"\x85")
        writer.put(b"R", f"size {shape}")


def _begin(writer: Writer, module: str, name: str) -> None:
    """An object of a class, whose fields follow."""
    writer.name(module, name)
    writer.parts.append(b")\x81}(")


def _end(writer: Writer) -> None:
    writer.parts.append(b"ub")
