"""``brainsurgery sessions``: list, rename, delete and export the sessions on disk."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

from brainsurgery_shell.errors import StorageError, UsageError, did_you_mean, listed
from brainsurgery_shell.session.store import (
    SessionFacts,
    delete_sessions,
    list_sessions,
    rename_session,
    require_session,
    session_names,
)
from brainsurgery_shell.usage import SESSION_VERBS


def sessions(arguments: list[str]) -> int:
    """Do what the arguments ask for; the return value is the exit status.

    Raises:
        UsageError: they are wrong, or name no session.
        StorageError: a session is open, or cannot be changed.
    """
    verb, *words = arguments or ["--list"]
    flags = [word for word in arguments if word.startswith("-")]
    if flags and (verb in SESSION_VERBS or len(arguments) > 1 or verb not in ("--json", "--names")):
        raise UsageError(
            f"sessions has no option '{flags[0]}'", hint=did_you_mean(flags[0], ("--json", "--names"))
        )
    if verb == "--names":
        print("".join(f"{name}\n" for name in session_names()), end="")
    elif verb == "--json":
        print(json.dumps([_as_json(each) for each in list_sessions()], indent=2, ensure_ascii=False))
    elif verb == "--list":
        _show(list_sessions())
    elif verb == "rename":
        old, new = _expect(verb, words, 2, 2)
        rename_session(old, new)
    elif verb == "delete":
        delete_sessions(_expect(verb, words, 1, None))
    elif verb == "export":
        _export(*_expect(verb, words, 1, 2))
    else:
        hint = did_you_mean(verb, SESSION_VERBS) or f"sessions lists them; {listed(list(SESSION_VERBS))}"
        raise UsageError(f"sessions does not know '{verb}'", hint=hint)
    return 0


def _expect(verb: str, words: list[str], least: int, most: int | None) -> list[str]:
    if len(words) < least or (most is not None and len(words) > most):
        what = SESSION_VERBS[verb][0]
        raise UsageError(f"sessions {verb} takes {what}", hint=f"brainsurgery sessions {verb} {what}")
    return words


def _show(found: list[SessionFacts]) -> None:
    """A row a session; on a terminal that is too narrow, inputs are cut."""
    rows = [(each.name, _when(each), _state(each), _steps(each), _inputs(each)) for each in found]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(4)]
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for row in rows:
        line = "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[4]])
        cut = columns is not None and len(line) > columns
        print(f"{line[: columns - 1]}…" if cut and columns else line.rstrip())


def _when(facts: SessionFacts) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.modified))


def _state(facts: SessionFacts) -> str:
    return f"{facts.state}, unsaved" if facts.unsaved else facts.state


def _steps(facts: SessionFacts) -> str:
    return f"{facts.steps} step" if facts.steps == 1 else f"{facts.steps} steps"


def _inputs(facts: SessionFacts) -> str:
    plain = len(facts.inputs) == 1 and facts.inputs[0][0] == "model"
    return ", ".join(path if plain else f"{alias}::{path}" for alias, path in facts.inputs)


def _as_json(facts: SessionFacts) -> dict[str, object]:
    return {
        "name": facts.name,
        "state": facts.state,
        "modified": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(facts.modified)),
        "steps": facts.steps,
        "unsaved": list(facts.unsaved),
        "inputs": [{"alias": alias, "path": path} for alias, path in facts.inputs],
    }


def _export(name: str, target: str | None = None) -> None:
    """By the file's suffix: the journal as it is, a script, else a plan. The inputs need not be there."""
    journal = require_session(name)
    path = None if target is None else Path(os.path.expanduser(target))  # noqa: PTH111
    if path is not None and path.suffix == ".jsonl":
        content = journal.read_bytes()
    else:
        from brainsurgery_shell.session.export import plan_of

        layout = "oly" if path is not None and path.suffix == ".oly" else "yaml"
        base = Path.cwd() if path is None else path.absolute().parent
        text = "".join(f"{line}\n" for line in plan_of(name, layout, base))
        if path is None:
            print(text, end="")
            return
        content = text.encode("utf-8")
    from brainsurgery_shell.session.lines import replace_file

    try:
        replace_file(path, content)
    except OSError as error:
        raise StorageError(f"cannot write '{target}': {error.strerror or error}") from error
