"""``config.toml`` of the user: what holds where the command line does not say otherwise.

A mistake in it never stops anything: it is warned about, by line, and the rest holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from brainsurgery_shell.errors import SurgeryError, did_you_mean
from brainsurgery_shell.lang.sizes import parse_size
from brainsurgery_shell.usage import LEVELS, PROVIDERS

FILE = "config.toml"


@dataclass(slots=True)
class Configuration:
    """What the user set, and what is to be said of the file. ``None``: not set."""

    editing_mode: Literal["emacs", "vi"] = "emacs"
    pager: str = "auto"
    """``auto``, ``never``, or a command."""
    preview: bool = True
    color: Literal["auto", "never", "always"] = "auto"
    plain: bool = False
    memory: int | None = None
    shard_size: int | str | None = None
    """Bytes, or ``none``."""
    workers: int | None = None
    provider: str | None = None
    arena_root: str | None = None
    log_level: str | None = None
    warnings: list[str] = field(default_factory=list)


def config_path() -> Path:
    """Where the file would be: beside the user's own operations."""
    from platformdirs import user_config_path

    return user_config_path("brainsurgery") / FILE


def read_configuration() -> Configuration:
    """What the user's file says; all defaults where there is none."""
    configuration = Configuration()
    path = config_path()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return configuration
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        configuration.warnings.append(f"cannot read {path}: {reason}")
        return configuration
    import tomllib

    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        configuration.warnings.append(f"{path}: {str(error).lower()}; nothing of it holds")
        return configuration
    for key, value in values.items():
        problem = _take(configuration, key, value)
        if problem is not None:
            configuration.warnings.append(f"{path}, line {_line_of(key, text)}: {problem}")
    return configuration


def _take(configuration: Configuration, key: str, value: Any) -> str | None:
    """Set what a key says, or say what is wrong with it."""
    known = _KEYS.get(key)
    if known is None:
        near = did_you_mean(key, _KEYS)
        return f"there is no setting '{key}'; {near or 'settings: ' + ', '.join(_KEYS)}"
    wanted, accept = known
    try:
        setattr(configuration, key, accept(value))
    except (SurgeryError, ValueError):
        return f"{key} takes {wanted}, not {value!r}"
    return None


def _line_of(key: str, text: str) -> int:
    """The line of a key or table: TOML's reader does not tell."""
    start = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(text.split("\n"), 1) if start.match(line)), 1)


def _one_of(*words: str) -> tuple[str, Callable[[Any], Any]]:
    def accept(value: Any) -> Any:
        if value not in words:
            raise ValueError
        return value

    return f"{', '.join(map(repr, words[:-1]))} or {words[-1]!r}", accept


def _is(kind: type) -> Callable[[Any], Any]:
    def accept(value: Any) -> Any:
        if type(value) is not kind or value == "":
            raise ValueError
        return value

    return accept


def _positive(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError
    return value


def _bytes(value: Any) -> int:
    size = _size(value)
    if not isinstance(size, int):
        raise ValueError
    return size


def _size(value: Any) -> int | str:
    """Bytes; where there is no limit, the word for it, for ``None`` says that nothing is set."""
    if type(value) is int:
        return _positive(value)
    size = parse_size(_is(str)(value))
    return "none" if size is None else size


_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "editing_mode": _one_of("emacs", "vi"),
    "pager": ("'auto', 'never' or a command", _is(str)),
    "preview": ("true or false", _is(bool)),
    "color": _one_of("auto", "never", "always"),
    "plain": ("true or false", _is(bool)),
    "memory": ("a size, as in '2GB'", _bytes),
    "shard_size": ("a size, as in '5GB', or 'none'", _size),
    "workers": ("a whole number from 1 up", _positive),
    "provider": _one_of(*PROVIDERS),
    "arena_root": ("the path of a folder", _is(str)),
    "log_level": _one_of(*LEVELS),
}
