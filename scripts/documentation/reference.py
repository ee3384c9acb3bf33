"""The reference pages, from the declarations: operations, assertions, kinds, the command line."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

from brainsurgery_shell import cli
from brainsurgery_shell.configuration import _KEYS
from brainsurgery_shell.declaration.operation import (
    EXPRESSIONS,
    OPERATIONS,
    SELECTION,
    Operation,
    Parameter,
    Registry,
    summary_of,
)
from brainsurgery_shell.declaration.references import Conditions, ListOf
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.graph import dtypes

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs/reference"
MADE = "<!-- Written by `scripts/docs reference` from the declarations: change those, not this page. -->\n"

STATUSES = (
    ("0", "done"),
    (
        "1",
        "a failed assertion; a failed step of `-c`, a script or standard input; a failure while a plan runs",
    ),
    ("2", "wrong usage, a line that does not parse, a plan that does not check"),
    ("130", "interrupted"),
    ("141", "whoever read the output has left"),
)

FILES = (
    (
        "journals, and links to sources that a save replaced",
        "`$XDG_STATE_HOME/brainsurgery/sessions/` (`~/.local/state/…`)",
    ),
    ("lines typed in the shell", "`$XDG_STATE_HOME/brainsurgery/history`"),
    ("settings", "`$XDG_CONFIG_HOME/brainsurgery/config.toml` (`~/.config/…`)"),
    ("operations of your own", "`$XDG_CONFIG_HOME/brainsurgery/ops/`, and `--ops-dir DIR`"),
    ("scratch files of `--provider arena`", "`--arena-root`, else the folder for temporary files"),
)


def main(words: list[str]) -> int:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)
    return 0


def pages() -> dict[str, str]:
    """The pages by file name."""
    load_declarations()
    return {
        "operations.md": _operations(),
        "assertions.md": _assertions(),
        "kinds.md": _kinds(),
        "command-line.md": _command_line(),
    }


def _ours(registry: Registry) -> list[Operation]:
    return [each for each in registry.all() if each.origin is None]


def _operations() -> str:
    known = _ours(OPERATIONS)
    return _page(
        "Operations",
        "Those whose names end in `_` change tensors in place. In the shell, `help: NAME` shows the same.",
        _table(("operation", ""), ((f"[`{each.name}`](#{each.name})", _sentence(each)) for each in known)),
        "## Which tensors",
        "Operations that match names by pattern have these parameters too:",
        _parameters(SELECTION, None),
        *(_operation(each) for each in known),
    )


def _assertions() -> str:
    known = _ours(EXPRESSIONS)
    return _page(
        "Assertions",
        "What `assert` understands. A failed assertion ends a plan with status 1. Everything that a "
        "reference matches must hold; a reference that matches nothing is an error (in `exists` and `count` "
        "it is an answer). Where a reference alone stands, `{ of: REFERENCE }` does too.",
        _table(("assertion", ""), ((f"[`{each.name}`](#{each.name})", _sentence(each)) for each in known)),
        *(_operation(each) for each in known),
    )


def _operation(declared: Operation) -> str:
    own = [each for each in declared.parameters if each not in SELECTION and not each.whole_payload]
    parts = [f"## {declared.name}", _sentence(declared), _place(declared)]
    if declared.parameters and not own and declared.parameters[0].whole_payload:
        parts.append(f"Takes {_escaped(declared.parameters[0].kind.words)}.")
    if own:
        parts.append(_parameters(own, declared.primary))
    if all(each in declared.parameters for each in SELECTION):
        parts.append("Also [`except`, `where` and `expect`](#which-tensors).")
    elif SELECTION[-1] in declared.parameters:
        parts.append("Also `expect`: how many tensors it must report.")
    if declared.examples:
        parts.append("```oly\n" + "\n".join(declared.examples) + "\n```")
    return "\n\n".join(part for part in parts if part)


def _place(declared: Operation) -> str:
    """Where it may stand, if not everywhere."""
    return "" if declared.in_plans else "*In the shell, scripts and `-c`; not in plans.*"


def _parameters(parameters: Iterable[Parameter], primary: str | None) -> str:
    rows = [
        (
            f"`{each.name}`" + ("" if each.required else "?"),
            _escaped(each.about) + (". A bare value goes here" if each.name == primary else ""),
            _escaped(each.kind.words) + _default(each),
        )
        for each in parameters
    ]
    return _table(("parameter (? optional)", "", "takes"), rows)


def _default(parameter: Parameter) -> str:
    default = parameter.default
    if default is None or not isinstance(default, (str, bool, int, float)):
        return ""
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    return f"; default `{shown}`"


def _kinds() -> str:
    """Kinds by class, with where they are used."""
    used: dict[str, list[str]] = {}
    about: dict[str, tuple[str, set[str]]] = {}
    for declared in (*_ours(OPERATIONS), *_ours(EXPRESSIONS)):
        for parameter in declared.parameters:
            for kind in _nested(parameter.kind):
                name = type(kind).__name__
                about.setdefault(name, (summary_of(type(kind)), set()))[1].add(kind.words)
                place = parameter.name if parameter in SELECTION else f"{declared.name}: {parameter.name}"
                if place not in used.setdefault(name, []):
                    used[name].append(place)
    rows = []
    for name in sorted(about):
        sentence, words = about[name]
        examples = ", ".join(f"`{place}`" for place in used[name][:3])
        more = f" and {len(used[name]) - 3} more" if len(used[name]) > 3 else ""
        rows.append((f"`{name}`", _escaped(sentence), _escaped(_few(words)), examples + more))
    return _page(
        "Kinds of parameter",
        "Each parameter has a kind, which accepts a value or says what is wrong with it. "
        "[Operations of your own](../extending.md) use the same kinds.",
        _table(("kind", "", "takes", "for example"), rows),
        "## Conditions of `where`",
        _table(
            ("condition", "takes"),
            ((f"`{name}`", _escaped(kind.words)) for name, kind in Conditions.fields.items()),
        ),
        "## Dtypes",
        "By their torch names, with or without `torch.`. Those without arithmetic can be renamed, sliced, "
        "compared, saved and cast, but not computed with.",
        _table(("dtype", "also", "bits", "arithmetic"), _dtypes()),
    )


def _nested(kind: object) -> Iterator[object]:
    yield kind
    if isinstance(kind, ListOf):
        yield from _nested(kind.item)


def _few(words: set[str]) -> str:
    """One wording, or the shortest of several."""
    first = min(words, key=lambda text: (len(text), text))
    return first if len(words) == 1 else f"{first}, …"


def _dtypes() -> Iterator[tuple[str, ...]]:
    for dtype in dtypes.ALL:
        short = [f"`{each}`" for each in dtypes._SHORT if dtypes.parse_dtype(each) is dtype]
        yield f"`{dtype.name}`", ", ".join(short), str(dtype.bits), "yes" if dtype.arithmetic else "no"


def _command_line() -> str:
    return _page(
        "Command line",
        "What `brainsurgery --help` prints:",
        f"```text\n{_usage()}```",
        "## Exit status",
        _table(("status", ""), STATUSES),
        "Results go to standard output, messages and progress to standard error.",
        "## Where files go",
        _table(("what", "where"), FILES),
        "`--no-journal` writes no journal.",
        "## Settings",
        "Keys of `config.toml` in your configuration folder (on Linux `~/.config/brainsurgery`). What the "
        "command line says comes first.",
        _table(("key", "takes"), ((f"`{key}`", _escaped(wanted)) for key, (wanted, _) in _KEYS.items())),
    )


def _usage() -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        cli.main(["--help"])
    return out.getvalue()


def _page(title: str, *parts: str) -> str:
    return MADE + f"\n# {title}\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _sentence(declared: Operation) -> str:
    return _escaped(declared.summary)


def _escaped(text: str) -> str:
    """Plain text as Markdown; what stands between two backticks stays code."""
    pieces = re.split(r"``([^`]+)``", inspect.cleandoc(text))
    return "".join(
        f"`{piece}`" if at % 2 else re.sub(r"([\\*<>|\[\]`])", r"\\\1", piece)
        for at, piece in enumerate(pieces)
    )
