"""The ``.metadata`` of a distributed checkpoint: a pickle that says which tensors there are, and where.

A tensor consists of chunks, each a box of its index space that lies at some place of some file. The pickle
names classes of PyTorch; inert records stand for them, and nothing is imported or called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import Shape
from brainsurgery_shell.storage.invalid import CUT_OFF, invalid
from brainsurgery_shell.storage.pickles.machine import BadPickle, Forbidden, Function, Machine, Truncated
from brainsurgery_shell.storage.pickles.opcodes import OPERATIONS
from brainsurgery_shell.storage.text import is_text, printable
from brainsurgery_shell.storage.torch.globals import OddDType, forbidden, lookup, whole_numbers

METADATA = "torch.distributed.checkpoint.metadata"
FILESYSTEM = "torch.distributed.checkpoint.filesystem"

_FORMER = "torch.distributed._shard.sharded_tensor.metadata"
"""Where PyTorch up to 2.2 keeps the properties of a tensor."""

_CLASSES = {
    METADATA: (
        *("Metadata", "TensorStorageMetadata", "BytesStorageMetadata", "TensorProperties", "StorageMeta"),
        *("ChunkStorageMetadata", "MetadataIndex", "_MEM_FORMAT_ENCODING"),
    ),
    FILESYSTEM: ("_StorageInfo", "_StoragePrefix"),
    _FORMER: ("TensorProperties", "MEM_FORMAT_ENCODING"),
    "torch.serialization": ("_get_layout",),
    "pathlib": ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
    "pathlib._local": ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
}


_CHUNK_WORK = 16
"""How many steps of the pickle's machine take as long as a look at a chunk."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A box of a tensor, and the bytes of a file that hold it as ``torch.save`` writes a tensor."""

    offsets: Shape
    sizes: Shape
    file: str
    """Relative to the checkpoint's folder."""
    begin: int
    length: int


@dataclass(frozen=True, slots=True)
class Described:
    """A tensor as the metadata describe it."""

    shape: Shape
    dtype: DType
    chunks: list[Chunk]


class Record:
    """An object of one of PyTorch's classes."""

    __slots__ = ("name", "state")

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: object = None
        """What the object is built from: usually its fields by name."""


def parse_metadata(raw: bytes, shown: str) -> tuple[dict[str, Described], list[str]]:
    """The tensors by name, in order, and the names of entries that are none.

    Raises:
        StorageError: they want something run, are broken, or describe what cannot be opened.
    """
    machine = Machine(raw, 0, _stand_in, _no_storage)
    try:
        found = machine.run(_OPERATIONS)
        return _parse(machine, found, shown)
    except Forbidden as error:
        raise forbidden(error.name, shown) from error
    except Truncated as error:
        raise broken(shown, "it ends too early", CUT_OFF) from error
    except BadPickle as error:
        raise broken(shown, str(error)) from error


def broken(shown: str, problem: str, hint: str | None = None) -> StorageError:
    """The error of metadata that break a rule."""
    return invalid(f"'{shown}'", "distributed checkpoint", problem, hint)


def _class(name: str) -> Function:
    return Function(name, lambda *_: Record(name))


_STAND_INS = {(module, name): _class(name) for module, names in _CLASSES.items() for name in names}


def _stand_in(module: str, name: str) -> object:
    return _STAND_INS.get((module, name)) or lookup(module, name)


def _no_storage(found: Any) -> object:
    raise BadPickle("it refers to something outside of it")


def _build(machine: Machine, at: int) -> int:
    """Give a record its state; all else as in any pickle."""
    if len(machine.stack) > 1 and type(machine.stack[-2]) is Record:
        state = machine.stack.pop()
        machine.stack[-1].state = state
        return at
    return OPERATIONS[ord("b")](machine, at)


_OPERATIONS = OPERATIONS | {ord("b"): _build}


def _parse(machine: Machine, found: object, shown: str) -> tuple[dict[str, Described], list[str]]:
    fields = _fields(found, "Metadata")
    entries, places = fields.get("state_dict_metadata"), fields.get("storage_data")
    if type(entries) is not dict or type(places) is not dict:
        raise BadPickle("it does not say what it holds, and where")
    where = _places(places, shown)
    tensors: dict[str, Described] = {}
    others: list[str] = []
    for name, entry in entries.items():
        if type(name) is not str:
            raise BadPickle("an entry is called by what is no text")
        if not is_text(name):
            raise BadPickle(f"the name '{printable(name)}' is no Unicode text")
        if type(entry) is Record and entry.name == "BytesStorageMetadata":
            others.append(name)
        else:
            tensors[name] = _tensor(name, entry, where, machine, shown)
    return tensors, others


def _places(places: dict[Any, Any], shown: str) -> dict[tuple[str, Shape], tuple[str, int, int]]:
    """File, first byte and length by tensor and offsets."""
    where: dict[tuple[str, Shape], tuple[str, int, int]] = {}
    for index, info in places.items():
        key, place = _fields(index, "MetadataIndex"), _fields(info, "_StorageInfo")
        if place.get("transform_descriptors"):
            raise StorageError(
                f"cannot open '{shown}': its data went through {_words(place['transform_descriptors'])}",
                hint="save it again without extensions of the writer",
            )
        name, offsets = key.get("fqn"), key.get("offset")
        file, begin, length = place.get("relative_path"), place.get("offset"), place.get("length")
        if type(name) is not str or type(file) is not str or not whole_numbers((begin, length)):
            raise BadPickle("it does not say where something lies")
        if not is_text(file):
            raise BadPickle(f"the name '{printable(file)}' of a file is no Unicode text")
        if offsets is not None:  # else it is no tensor
            where[name, _shape(offsets)] = (file, cast("int", begin), cast("int", length))
    return where


def _tensor(
    name: str,
    entry: object,
    where: dict[tuple[str, Shape], tuple[str, int, int]],
    machine: Machine,
    shown: str,
) -> Described:
    fields = _fields(entry, "TensorStorageMetadata")
    properties = fields.get("properties")
    state = properties.state if type(properties) is Record else None
    dtype = (
        state[0] if type(state) is tuple and state else state.get("dtype") if type(state) is dict else None
    )
    if type(dtype) is OddDType:
        raise StorageError(f"cannot open '{shown}': tensor '{name}' has the dtype {dtype.name}")
    chunks = fields.get("chunks")
    if type(dtype) is not DType or type(chunks) is not list:
        raise BadPickle(f"the entry of tensor '{name}' is damaged")
    machine.spend(_CHUNK_WORK * len(chunks))  # one list may stand for the chunks of many tensors
    found = []
    for chunk in chunks:
        box = _fields(chunk, "ChunkStorageMetadata")
        offsets = _shape(box.get("offsets"))
        place = where.get((name, offsets))
        if place is None:
            raise BadPickle(f"it does not say where the chunk at {list(offsets)} of tensor '{name}' lies")
        found.append(Chunk(offsets, _shape(box.get("sizes")), *place))
    return Described(_shape(fields.get("size")), dtype, found)


def _fields(found: object, name: str) -> dict[str, Any]:
    """The fields of a record of this class. Raises ``BadPickle`` if it is something else."""
    if type(found) is not Record or found.name != name or type(found.state) is not dict:
        raise BadPickle(f"there is something else where a {name} is expected")
    return found.state


def _shape(found: object) -> Shape:
    if not whole_numbers(found):
        raise BadPickle("a size or an offset is no row of whole numbers")
    return cast("Shape", found)


def _words(found: object) -> str:
    """The first words of a list, for a message. Lists in it are left out: they may be endless."""
    words = found[:4] if type(found) is list or type(found) is tuple else ()
    return ", ".join(printable(word) for word in words if type(word) is str) or "an extension of the writer"
