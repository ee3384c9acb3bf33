"""Which files of a folder are its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from brainsurgery_shell.errors import StorageError, listed
from brainsurgery_shell.storage.names import (
    DCP_INDEX,
    FORMATS,
    INDEX_SUFFIX,
    Format,
    format_of,
    holds_model,
    is_weights,
    shard_of,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of a checkpoint, in order, relative to their folder; and what its index says, if any."""

    folder: str
    """As messages show it."""
    files: tuple[str, ...]
    index: str = ""
    weight_map: dict[str, str] = field(default_factory=dict)

    def show(self, name: str) -> str:
        """How messages call the file ``name`` of this folder."""
        return str(Path(self.folder) / name)


def find_weights(folder: Path, shown: str, layout: str | None = None) -> Weights:
    """The checkpoint that ``folder`` holds: that of its index, or its only file, or one set of shards.

    Where several formats lie side by side, safetensors goes first; ``layout`` asks for another.

    Raises:
        StorageError: there is none, several, or an incomplete one.
    """
    try:
        names = sorted(
            path.name for path in folder.iterdir() if not path.name.startswith(".") or path.name == DCP_INDEX
        )
    except OSError as error:
        raise StorageError(f"cannot read '{shown}': {error.strerror or error}") from error
    for each in FORMATS:
        if layout in (None, each.name):
            found = _find(folder, shown, names, each)
            if found is not None:
                return found
    raise _nothing(folder, shown, names, layout)


def _find(folder: Path, shown: str, names: list[str], kind: Format) -> Weights | None:
    files = _files(names, kind)
    naming = kind.naming
    indexes = [name for name in names if naming and name.endswith(naming.suffix + INDEX_SUFFIX)]
    index = naming.index if naming else ""
    if index in indexes:
        indexes = [index]
    if len(indexes) > 1:
        raise _ambiguous(shown, indexes)
    if indexes:
        weights = from_index(folder, indexes[0], shown)
        one_file = index.removesuffix(INDEX_SUFFIX)
        if indexes == [index] and one_file in files and one_file not in weights.files:
            raise _ambiguous(shown, [one_file, index])
        return weights
    if not files:
        return None
    if len(files) > 1 or shard_of(files[0]) is not None:
        _check_family(shown, files)
    return Weights(shown, tuple(files))


def _files(names: list[str], kind: Format) -> list[str]:
    """Those of ``names`` that hold weights of this format."""
    files = [name for name in names if format_of(name) == kind.name]
    if not kind.shares_suffixes:
        return files
    named = [name for name in files if is_weights(name)]
    return named or [name for name in files if holds_model(name)]


def from_index(folder: Path, index: str, shown: str) -> Weights:
    """The shards that the file ``index`` of ``folder`` names.

    Raises:
        StorageError: the index is broken, names files elsewhere, or does not name the shards that are there.
    """
    place = str(Path(shown) / index)
    try:
        found = orjson.loads((folder / index).read_bytes())
    except OSError as error:
        raise StorageError(f"cannot read '{place}': {error.strerror or error}") from error
    except orjson.JSONDecodeError as error:
        raise StorageError(f"the index '{place}' is not JSON: {error.msg} (character {error.pos})") from error
    weight_map = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise StorageError(f"the index '{place}' has no 'weight_map' from tensor names to files")
    if not weight_map:
        raise StorageError(f"the index '{place}' names no shard")
    shards = sorted(set(weight_map.values()))
    for shard in shards:
        if not shard or "\0" in shard or shard.startswith("/") or ".." in Path(shard).parts:
            raise StorageError(f"the index '{place}' names the file '{shard}', which is not in its folder")
        if not (folder / shard).is_file():
            tensor = next(name for name, where in weight_map.items() if where == shard)
            raise StorageError(
                f"the shard '{shard}' is missing: the index '{place}' says that tensor '{tensor}' is in it",
                hint="copy or download the folder again",
            )
    families = {shard_of(shard) for shard in shards}
    sets = {(family[0], family[2]) for family in families if family is not None}
    for name in sorted({path.name for path in folder.iterdir()} - set(shards)):
        family = shard_of(name)
        if family is not None and (family[0], family[2]) in sets:
            raise StorageError(
                f"the index '{place}' does not name the shard '{name}', which lies beside the others",
                hint="the folder seems to be a mixture of two checkpoints: copy or download it again",
            )
    return Weights(shown, tuple(shards), place, weight_map)


def _check_family(shown: str, files: list[str]) -> None:
    """Files without an index are one checkpoint if they are all shards 1 to n of one set."""
    shards = [shard_of(name) for name in files]
    known = [shard for shard in shards if shard is not None]
    if len(known) < len(files) or len({(family, count) for family, _, count in known}) > 1:
        raise _ambiguous(shown, files)
    count = known[0][2]
    there = {number for _, number, _ in known}
    lost = [str(number) for number in range(1, min(count, len(files) + 6) + 1) if number not in there]
    if lost or len(files) != count:
        raise StorageError(
            f"'{shown}' has {len(files)} of {count} shards; missing: number {listed(lost)}",
            hint="copy or download the folder again",
        )


def _ambiguous(shown: str, names: list[str]) -> StorageError:
    return StorageError(
        f"'{shown}' holds more than one checkpoint: {listed(names)}",
        hint=f"name the one to open, for example {Path(shown) / names[0]}",
    )


def _nothing(folder: Path, shown: str, names: list[str], layout: str | None) -> StorageError:
    inner = [name for name in names if (folder / name).is_dir()]
    deeper = [
        name
        for name in inner
        if any(format_of(path.name) in ("safetensors", "dcp") for path in (folder / name).iterdir())
    ]
    hint = f"did you mean '{Path(shown) / deeper[0]}'?" if deeper else None
    holds = f"it holds {listed(names)}" if names else "it is empty"
    what = f"{layout} checkpoint" if layout is not None else "checkpoint"
    return StorageError(f"there is no {what} in '{shown}': {holds}", hint=hint)
