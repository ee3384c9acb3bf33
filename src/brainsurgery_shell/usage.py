"""The words of the command line, once: what ``--help`` prints, the parser takes and shells complete."""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option."""

    names: tuple[str, ...]
    value: str
    """What follows it: ``DIR``, ``FILE``, ``a|b`` or another word; empty for a switch."""
    about: str
    repeats: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it may have, where those are few."""
        return tuple(self.value.split("|")) if "|" in self.value else ()


class Command(NamedTuple):
    """One subcommand: a first word that names no file."""

    name: str
    arguments: str
    about: str
    words: str
    """What its words are: ``sessions``, ``files``, ``a|b``, or nothing that can be completed."""
    options: tuple[Option, ...] = ()
    """Those of its own."""
    takes_options: bool = False
    """Whether it takes those of an invocation without a subcommand, too."""


LEVELS = ("error", "warning", "info")
PROVIDERS = ("inmemory", "arena")
SHELLS = ("bash", "zsh", "fish")
SESSION_VERBS = {
    "rename": ("OLD NEW", "give a session another name"),
    "delete": ("NAME ...", "delete sessions that are not open"),
    "export": ("NAME [FILE]", "its plan (YAML), as a script (.oly), or its journal (.jsonl)"),
}

OPTIONS = (
    Option(("-i", "--interactive"), "", "after plans, scripts and -c, stay in the shell"),
    Option(("-c",), "'OLY'", "run this command; repeatable", repeats=True),
    Option(("--dry-run",), "", "check and show, but change and write nothing"),
    Option(("--provider",), "|".join(PROVIDERS), "where intermediates live (default: inmemory)"),
    Option(("--arena-root",), "DIR", "folder of the arena's scratch files"),
    Option(("--memory",), "SIZE", "memory for intermediates, as in 2GB (default: a quarter of what is free)"),
    Option(("--workers",), "N", "threads of a save (default: one a core)"),
    Option(("--shard-size",), "SIZE", "largest shard of a folder that is saved (default: 5GB)"),
    Option(("--summarize-path",), "FILE", "at the end, write the plan of what was done"),
    Option(("--ops-dir",), "DIR", "a folder with operations of your own; repeatable", repeats=True),
    Option(("--overwrite",), "", "saves may replace what is there"),
    Option(("--ignore-fingerprints",), "", "run a plan on other inputs than those it was made on"),
    Option(("--session",), "NAME", "name this session"),
    Option(("--no-journal",), "", "keep no journal: this session cannot be resumed"),
    Option(("--plain",), "", "in the shell: no colours, no menus"),
    Option(("--log-level",), "|".join(LEVELS), "which messages are shown (default: warning)"),
)
ALONE = (
    Option(("--version",), "", "print the version"),
    Option(("--help", "-h"), "", "print this"),
)
"""What is no part of an invocation."""

COMMANDS = (
    Command(
        "resume",
        "[SESSION] [ALIAS::FILE ...]",
        "bring back a session, or the last; inputs that moved by alias",
        "sessions",
        takes_options=True,
    ),
    Command(
        "sessions",
        "[--json | --names]",
        "list the sessions, the latest first",
        "|".join(SESSION_VERBS),
        (Option(("--json",), "", "all that is known of them"), Option(("--names",), "", "their names alone")),
    ),
    Command("check", "FILE ... [key=value ...]", "check plans and scripts; write nothing", "files", (), True),
    Command(
        "oly",
        "[--to yaml|oly|json] 'LINE'",
        "print a line in another form",
        "",
        (Option(("--to",), "yaml|oly|json", "the form"),),
    ),
    Command(
        "complete",
        "'LINE' [--cursor N] [FILE | ALIAS::FILE ...]",
        "what may stand at a place of a line, as JSON",
        "files",
        (Option(("--cursor",), "N", "where the cursor is, in characters (default: at the end)"),),
        takes_options=True,
    ),
    Command("schema", "", "print the JSON Schema of plans, for editors", "", takes_options=True),
    Command("completion", "|".join(SHELLS), "print a completion script for a shell", "|".join(SHELLS)),
)

_HEAD = """\
usage: brainsurgery [OPTIONS] [FILE | ALIAS::FILE ...] [key=value ...]
       brainsurgery COMMAND ...

  FILE                a checkpoint: open it in the shell
                      plan.yaml: run it, then exit; key=value replaces its fields
                      script.oly: run it line by line
"""
_FOOT = """
Defaults of yours stand in config.toml in the configuration folder (on Linux ~/.config/brainsurgery).
"""
_WIDTH = 20


def usage() -> str:
    """The text of ``--help``."""
    lines = [_HEAD]
    for option in OPTIONS:
        lines.append(_row(f"{', '.join(option.names)} {option.value}".rstrip(), option.about))
    lines.append(f"  {', '.join(each.names[0] for each in ALONE)}\n\ncommands:\n")
    for command in COMMANDS:
        lines.append(_row(f"{command.name} {command.arguments}".rstrip(), command.about))
        if command.name == "sessions":
            lines += [_row(f"sessions {verb} {words}", said) for verb, (words, said) in SESSION_VERBS.items()]
    return "".join((*lines, _FOOT))


def _row(left: str, about: str) -> str:
    return f"  {left:<{_WIDTH - 1}} {about}\n" if len(left) < _WIDTH else f"  {left}    {about}\n"
