"""The command line's options and what the words on it mean."""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from brainsurgery_shell.errors import SurgeryError, UsageError, did_you_mean
from brainsurgery_shell.lang.names import split_alias
from brainsurgery_shell.lang.sizes import parse_size
from brainsurgery_shell.messages import LEVELS

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
    shard_size: int | None = None
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        unknown = re.fullmatch(r"unrecognized arguments: (--[\w-]+).*", message)
        near = did_you_mean(unknown[1], self._option_string_actions) if unknown else None
        raise UsageError(message, hint=near or "brainsurgery --help lists the options")


def parse_options(arguments: list[str]) -> Options:
    """The options in ``arguments``.

    Raises:
        UsageError: an option is unknown or wrong.
    """
    resume = arguments[:1] == ["resume"]
    parsed = _parser().parse_intermixed_args(arguments[1:] if resume else arguments)
    options = Options(
        commands=parsed.c,
        interactive=parsed.interactive,
        dry_run=parsed.dry_run,
        provider=parsed.provider,
        arena_root=_home(parsed.arena_root) if parsed.arena_root else None,
        memory=_size("--memory", parsed.memory) or default_memory(),
        workers=(os.cpu_count() or 1) if parsed.workers is None else parsed.workers,
        shard_size=_size("--shard-size", parsed.shard_size),
        summarize_path=_home(parsed.summarize_path) if parsed.summarize_path else None,
        overwrite=parsed.overwrite,
        ops_dirs=[_home(each) for each in parsed.ops_dir],
        ignore_fingerprints=parsed.ignore_fingerprints,
        session=parsed.session,
        resume=resume,
        journal=not parsed.no_journal,
        plain=parsed.plain,
        log_level=parsed.log_level,
    )
    if options.workers < 1:
        raise UsageError("--workers takes a number from 1 up")
    words = list(parsed.words)
    if resume:
        if len(words) > 1:
            raise UsageError("resume takes one session")
        options.session = words[0] if words else options.session
        return options
    _sort_words(words, options)
    return options


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
    parser.add_argument("-i", "--interactive", action="store_true")
    parser.add_argument("-c", action="append", default=[])
    for flag in ("--dry-run", "--overwrite", "--ignore-fingerprints", "--no-journal", "--plain"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--provider", choices=("inmemory", "arena"), default="inmemory")
    for option in ("--arena-root", "--memory", "--summarize-path", "--session"):
        parser.add_argument(option)
    parser.add_argument("--shard-size", default="5GB")
    parser.add_argument("--ops-dir", action="append", default=[])
    parser.add_argument("--workers", type=int)
    parser.add_argument("--log-level", choices=LEVELS, default="warning", type=str.lower)
    return parser


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
