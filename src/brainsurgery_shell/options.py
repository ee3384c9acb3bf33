"""The command line's options and what the words on it mean."""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from brainsurgery_shell import messages
from brainsurgery_shell.configuration import Configuration, read_configuration
from brainsurgery_shell.errors import SurgeryError, UsageError, did_you_mean
from brainsurgery_shell.lang.names import split_alias
from brainsurgery_shell.lang.sizes import parse_size
from brainsurgery_shell.usage import OPTIONS

DEFAULT_SHARD = 5 * 2**30
_OVERRIDE = re.compile(r"[A-Za-z_][\w.\[\]-]*=")


@dataclass(slots=True)
class Options:
    """What the command line asks for."""

    checkpoints: list[tuple[str | None, str]] = field(default_factory=list)
    """Alias, if one is given, and path."""
    plans: list[Path] = field(default_factory=list)
    scripts: list[Path] = field(default_factory=list)
    overrides: list[tuple[str, str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    interactive: bool = False
    dry_run: bool = False
    provider: str = "inmemory"
    arena_root: Path | None = None
    memory: int = 0
    workers: int = 1
    shard_size: int | None = DEFAULT_SHARD
    summarize_path: Path | None = None
    overwrite: bool = False
    ops_dirs: list[Path] = field(default_factory=list)
    """Folders with operations of the user."""
    ignore_fingerprints: bool = False
    session: str | None = None
    resume: bool = False
    journal: bool = True
    plain: bool = False
    log_level: str = "warning"
    configuration: Configuration = field(default_factory=Configuration)
    """Where it says how the shell behaves, ``NO_COLOR`` is heard."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        unknown = re.fullmatch(r"unrecognized arguments: (--[\w-]+).*", message)
        near = did_you_mean(unknown[1], self._option_string_actions) if unknown else None
        raise UsageError(message, hint=near or "brainsurgery --help lists the options")


def parse_options(arguments: list[str]) -> Options:
    """The options in ``arguments``; where they say nothing, the user's configuration does.

    Messages are told from here on as the options say, warnings about the configuration first.

    Raises:
        UsageError: an option is unknown or wrong.
    """
    resume = arguments[:1] == ["resume"]
    parsed = _parser().parse_intermixed_args(arguments[1:] if resume else arguments)
    chosen = read_configuration()
    if os.environ.get("NO_COLOR"):
        chosen.color = "never"
    options = Options(
        commands=parsed.c,
        interactive=parsed.interactive,
        dry_run=parsed.dry_run,
        provider=parsed.provider or chosen.provider or "inmemory",
        arena_root=_given_home(parsed.arena_root or chosen.arena_root),
        memory=_size("--memory", parsed.memory) or chosen.memory or default_memory(),
        workers=_workers(parsed.workers) or chosen.workers or os.cpu_count() or 1,
        shard_size=_shard_size(parsed.shard_size, chosen.shard_size),
        summarize_path=_given_home(parsed.summarize_path),
        overwrite=parsed.overwrite,
        ops_dirs=[_home(each) for each in parsed.ops_dir],
        ignore_fingerprints=parsed.ignore_fingerprints,
        session=parsed.session,
        resume=resume,
        journal=not parsed.no_journal,
        plain=parsed.plain or chosen.plain,
        log_level=parsed.log_level or chosen.log_level or "warning",
        configuration=chosen,
    )
    messages.set_manner(options.log_level, chosen.color)
    for warning in chosen.warnings:
        messages.warn(warning)
    if resume:
        _sort_resumed(parsed.words, options)
    else:
        _sort_words(parsed.words, options)
    return options


def _sort_resumed(words: list[str], options: Options) -> None:
    """A session, and inputs that lie elsewhere now."""
    names = [word for word in words if "::" not in word]
    if len(names) > 1:
        raise UsageError("resume takes one session", hint="inputs that moved are named as ALIAS::PATH")
    options.session = names[0] if names else options.session
    options.checkpoints = [split_alias(word) for word in words if "::" in word]


def _sort_words(words: list[str], options: Options) -> None:
    for word in words:
        path = _home(word)
        if word.endswith((".yaml", ".yml")):
            options.plans.append(path)
        elif word.endswith(".oly"):
            options.scripts.append(path)
        elif _OVERRIDE.match(word) and not path.exists():
            key, _, value = word.partition("=")
            options.overrides.append((key, value))
        else:
            options.checkpoints.append(split_alias(word))
    if options.overrides and not options.plans:
        key, value = options.overrides[0]
        raise UsageError(f"{key}={value} replaces a field of a plan, and there is no plan")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="brainsurgery", add_help=False, allow_abbrev=False)
    parser.add_argument("words", nargs="*")
    for option in OPTIONS:
        if not option.value:
            parser.add_argument(*option.names, action="store_true")
        elif option.choices:
            parser.add_argument(*option.names, choices=option.choices, type=str.lower)
        elif option.repeats:
            parser.add_argument(*option.names, action="append", default=[])
        else:
            parser.add_argument(*option.names)
    return parser


def _workers(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise UsageError(f"--workers takes a number from 1 up, not '{text}'")
    return int(text)


def _shard_size(text: str | None, configured: int | str | None) -> int | None:
    if text is not None:
        return _size("--shard-size", text)
    if configured is None:
        return DEFAULT_SHARD
    return configured if isinstance(configured, int) else None


def _given_home(text: str | None) -> Path | None:
    return None if text is None else _home(text)


def _home(text: str) -> Path:
    """A path whose ``~`` is the home folder; that of somebody unknown stays, as in a Unix shell."""
    return Path(os.path.expanduser(text))  # noqa: PTH111


def _size(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_size(text)
    except SurgeryError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


def default_memory() -> int:
    """A quarter of the memory that is free, at least 256 MiB."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(256 * 2**20, free // 4)
