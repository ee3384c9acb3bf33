"""The names that a torch checkpoint may use, and what stands for each while it is read.

They are those that ``torch.load(weights_only=True)`` allows, and NumPy's scalars and arrays, which trainers
put beside the weights and nobody here looks into. Everything else is forbidden: nothing is imported, and
nothing of a file is run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.storage.pickles.machine import BadPickle, Forbidden, Function, Machine, Unknown
from brainsurgery_shell.storage.text import printable

MAX_RANK = 64
"""Dims of a tensor, at most, as PyTorch has it."""

_LARGEST = 2**63 - 1
_INT = {int}

STORAGE_DTYPES: dict[str, str] = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
    "_UntypedStorage": "uint8",
}
"""Class of storage → dtype of what its length counts."""

_QUANTIZED = ("QInt8", "QInt32", "QUInt8", "QUInt4x2", "QUInt2x4")

_ODD_DTYPES = (
    *("complex32", "float4_e2m1fn_x2", "qint8", "qint32", "quint8", "quint4x2", "quint2x4"),
    *("bits8", "bits16", "bits1x8", "bits2x4", "bits4x2"),
    *(f"{sign}int{width}" for sign in ("", "u") for width in range(1, 8)),
)
"""Dtypes of torch that no lazy tensor has."""

_ODD_TENSORS = {
    "_rebuild_sparse_tensor": "is sparse",
    "_rebuild_qtensor": "is quantized",
    "_rebuild_nested_tensor": "is nested",
    "_rebuild_meta_tensor_no_storage": "is on the meta device: its values were not saved",
    "_rebuild_wrapper_subclass": "is of a class of its own",
    "_rebuild_device_tensor_from_numpy": "is an array of NumPy",
}
"""How torch brings back tensors that are not rows of numbers, and what is wrong with them here."""

_OPAQUE = (
    *("torch.device", "torch.serialization._get_layout", "builtins.complex", "builtins.bytearray"),
    *("numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
    *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"),
)
"""Values that are never tensors."""

_RENAMED = {"__builtin__": "builtins", "torch.tensor": "torch._tensor", "torch.cuda": "torch"}


@dataclass(frozen=True, slots=True)
class StorageKind:
    """A class of storage; without ``dtype`` one that no lazy tensor has."""

    name: str
    dtype: DType | None


@dataclass(frozen=True, slots=True)
class OddDType:
    """A dtype of torch that no lazy tensor has."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """A row of elements that lies outside of the pickle."""

    key: str
    dtype: DType
    numel: int
    offset: int = 0
    """First byte, counted from the beginning of what ``key`` names."""


class View:
    """A tensor: elements of a storage, ``stride[dim]`` apart, from element ``offset`` on."""

    __slots__ = ("dtype", "offset", "size", "storage", "stride")

    def __init__(
        self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], dtype: DType
    ) -> None:
        self.storage = storage
        self.offset = offset
        self.size = size
        self.stride = stride
        self.dtype = dtype


class Odd:
    """A tensor that cannot be opened, and why."""

    __slots__ = ("problem",)

    def __init__(self, problem: str) -> None:
        self.problem = problem


def lookup(module: str, name: str) -> object:
    """The stand-in of a global.

    Raises:
        Forbidden: there is none.
    """
    full = f"{_RENAMED.get(module, module)}.{name}"
    found = _GLOBALS.get(full)
    if found is None:
        raise Forbidden(f"os.{name} ({module}.{name})" if module in ("posix", "nt") else f"{module}.{name}")
    return found


def forbidden(name: str, shown: str) -> StorageError:
    """The error of a file that asks for the global ``name``."""
    return StorageError(
        f"cannot open '{shown}': it wants to run {printable(name)} when it is loaded; nothing of it was run",
        hint="if you trust the file, load it with torch elsewhere and save its tensors alone: "
        "torch.save(model.state_dict(), …)",
    )


def whole_numbers(found: object) -> bool:
    """Whether it is a tuple of sizes, strides or the like, one for each dim of a tensor."""
    if type(found) is not tuple or len(found) > MAX_RANK:
        return False
    return not found or (set(map(type, found)) == _INT and min(found) >= 0 and max(found) <= _LARGEST)


def _rebuild(_: Machine, *arguments: Any) -> object:
    """Storage, offset, size, stride, and three of no interest here: requires_grad, hooks, metadata."""
    storage = arguments[0]
    return _view(arguments, storage.dtype if type(storage) is Storage else None, arguments[6:7])


def _rebuild_with_dtype(_: Machine, *arguments: Any) -> object:
    """The same with the dtype in front of the metadata; the storage counts bytes."""
    return _view(arguments, arguments[6], arguments[7:8])


def _view(arguments: tuple[Any, ...], dtype: object, metadata: tuple[Any, ...]) -> object:
    storage, offset, size, stride = arguments[:4]
    if type(storage) is Odd:
        return storage
    if type(dtype) is OddDType:
        return Odd(f"has the dtype {dtype.name}")
    if type(storage) is not Storage or type(dtype) is not DType or type(offset) is not int:
        raise BadPickle("a tensor of it is not made as torch makes them")
    if offset < 0 or not whole_numbers(size) or not whole_numbers(stride) or len(size) != len(stride):
        raise BadPickle("a tensor of it has a size, stride or offset that no tensor has")
    if metadata and metadata[0]:
        return Odd(f"is a lazy view ({_keys(metadata[0])}): its values still have to be computed")
    return View(storage, offset, size, stride, dtype)


def _keys(found: object) -> str:
    texts = [key for key in islice(found, 4) if type(key) is str] if type(found) is dict else []
    return ", ".join(printable(text) for text in texts) or "unknown"


def _first(_: Machine, value: object, *__: object) -> object:
    """Parameters: what they add to the tensor is about training."""
    return value


def _from_type(machine: Machine, rebuild: object, kind: object, arguments: object, state: object) -> object:
    """A tensor of another class than ``Tensor``, or with attributes."""
    return machine.call(rebuild, arguments)


def _dict(machine: Machine, pairs: object = ()) -> dict[Any, Any]:
    if type(pairs) is dict:
        return pairs
    if type(pairs) not in (list, tuple):
        raise TypeError
    found: dict[Any, Any] = {}
    for key, value in pairs:  # type: ignore[attr-defined]
        found[machine.key(key, len(found))] = value
    return found


def _set(machine: Machine, items: object = ()) -> set[Any]:
    if type(items) not in (list, tuple, set):
        raise TypeError
    found: set[Any] = set()
    for item in items:  # type: ignore[attr-defined]
        found.add(machine.key(item, len(found)))
    return found


def _size(_: Machine, items: object = ()) -> tuple[Any, ...]:
    if type(items) not in (list, tuple):
        raise TypeError
    return tuple(items)  # type: ignore[arg-type]


def _encode(_: Machine, text: object = "", encoding: object = "latin1") -> bytes:
    """How protocol 2 writes bytes: as text to encode, or a call of ``bytes`` if there are none."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise TypeError
    return text.encode("latin-1")


def _make_unknown(name: str) -> Callable[..., object]:
    def make(_: Machine, *arguments: object) -> Unknown:
        return Unknown(name)

    return make


def _make_odd(problem: str) -> Callable[..., object]:
    def make(_: Machine, *arguments: object) -> Odd:
        return Odd(problem)

    return make


def _table() -> dict[str, object]:
    functions: dict[str, Callable[..., object]] = {
        "collections.OrderedDict": _dict,
        "collections.Counter": _dict,
        "builtins.set": _set,
        "_codecs.encode": _encode,
        "builtins.bytes": _encode,
        "torch.Size": _size,
        "torch.nn.parameter.Parameter": _first,
        "torch.nn.parameter.Buffer": _first,
        "torch.Tensor": _first,
        "torch._utils._rebuild_tensor": _rebuild,
        "torch._utils._rebuild_tensor_v2": _rebuild,
        "torch._utils._rebuild_tensor_v3": _rebuild_with_dtype,
        "torch._utils._rebuild_parameter": _first,
        "torch._utils._rebuild_parameter_with_state": _first,
        "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
        "torch._tensor._rebuild_from_type_v2": _from_type,
        **{name: _make_unknown(name) for name in _OPAQUE},
        **{f"torch._utils.{name}": _make_odd(problem) for name, problem in _ODD_TENSORS.items()},
    }
    table: dict[str, object] = {name: Function(name, call) for name, call in functions.items()}
    for name, held in STORAGE_DTYPES.items():
        table[f"torch.{name}"] = table[f"torch.storage.{name}"] = StorageKind(name, BY_NAME[held])
    for name in _QUANTIZED:
        table[f"torch.{name}Storage"] = StorageKind(f"{name}Storage", None)
    for dtype in BY_NAME.values():
        if not dtype.packed:
            table[f"torch.{dtype.name}"] = dtype
    table |= {f"torch.{name}": OddDType(name) for name in _ODD_DTYPES}
    for scheme in ("per_tensor_affine", "per_tensor_symmetric", "per_channel_affine",
                   "per_channel_symmetric", "per_channel_affine_float_qparams"):  # fmt: skip
        table[f"torch.{scheme}"] = Unknown(scheme)
    return table


_GLOBALS = _table()
