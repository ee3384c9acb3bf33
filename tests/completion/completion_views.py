"""Sessions for completion: just open checkpoints and a folder; and whether a line can still become one that parses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.completion import Candidate, complete
from brainsurgery_shell.declaration.offers import Offer
from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.redirect import operators, split_redirect
from brainsurgery_shell.lang.tokens import Place, Walker
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.workspace import Workspace

GPT = [
    "wte.weight",
    "ln_f.bias",
    *(f"h.{i}.{part}" for i in range(12) for part in ("attn.weight", "attn.bias", "mlp.weight")),
]


@dataclass
class View:
    """What completion sees of a session."""

    workspace: Workspace = field(default_factory=Workspace, repr=False)
    folder: Path = Path("/nowhere")
    names: dict[str, list[str]] = field(default_factory=dict)

    def known(self, what: str) -> Iterable[Offer]:
        return [Offer(name, "known") for name in self.names.get(what, ())]

    def at(self, text: str, cursor: int | None = None) -> list[Candidate]:
        return complete(text, len(text) if cursor is None else cursor, self)

    def shown(self, text: str) -> list[str]:
        """What the menu shows, without notes and variants."""
        return [each.display for each in self.at(text) if not each.variant and not each.is_note]

    def lines(self, text: str) -> list[str]:
        """The lines with each candidate taken, without notes and variants."""
        return [
            each.applied(text, len(text)) for each in self.at(text) if not each.variant and not each.is_note
        ]

    def variants(self, text: str) -> dict[str, str]:
        """By the line that it makes, what each variant says."""
        return {each.applied(text, len(text)): each.meta for each in self.at(text) if each.variant}

    def notes(self, text: str) -> list[str]:
        return [f"{each.display}: {each.meta}" for each in self.at(text) if each.is_note]


def view(folder: Path = Path("/nowhere"), **checkpoints: Iterable[str]) -> View:
    """A session with checkpoints by alias."""
    return View(Workspace({alias: checkpoint(names) for alias, names in checkpoints.items()}), folder)


def checkpoint(names: Iterable[str]) -> Checkpoint:
    return Checkpoint.of({name: LazyTensor((8, 4), BY_NAME["bfloat16"]) for name in names}, {}, ())


def finished(line: str) -> str:
    """The line, with what is missing at its end written in the plainest way."""
    if any(True for _ in operators(line)):
        return line + "x" if line.endswith(" ") else line
    walker = Walker(line)
    tokens = list(walker.tokens())
    last = line[tokens[-1].start :] if tokens else ""
    if last[:1] in ("'", '"') and tokens[-1].place in (Place.VALUE, Place.PAYLOAD):
        if scan.quoted_end(last, 0) is None:
            escaped = len(last) - len(last.rstrip("\\"))
            line += ("\\" if last[0] == '"' and escaped % 2 else "") + last[0]
    elif last and tokens[-1].place in (Place.VALUE, Place.PAYLOAD) and last[0] not in "[{" + scan.BLANKS:
        line += _balance(last)
    return _closed(line)


def _balance(bare: str) -> str:
    opened: list[str] = []
    at = 0
    while at < len(bare):
        if bare[at] == "\\":
            at += 1
        elif bare[at] in scan.CLOSER:
            opened.append(scan.CLOSER[bare[at]])
        elif opened and bare[at] == opened[-1]:
            opened.pop()
        at += 1
    # a backslash takes one more along, and a colon at the end would make it a key
    return ("x" if at > len(bare) or bare[-1] == ":" else "") + "".join(reversed(opened))


def _closed(line: str) -> str:
    walker = Walker(line)
    for _ in walker.tokens():
        pass
    if walker.place is Place.KEY:
        # what is being typed may be the beginning of another key; what a blank follows is one
        complete = line[-1:] in scan.BLANKS and line.rstrip(scan.BLANKS)[-1:] not in ("{", ",", "")
        line += ": x" if complete else "x_: x"
    elif walker.place is Place.COLON and walker.frames:
        line += ": x"
    elif walker.place is Place.VALUE:
        line += " x"
    closers = [scan.CLOSER[frame.opener] for frame in reversed(walker.frames) if frame.opener]
    return line + " " * bool(closers) + "".join(closers)


def parses(line: str) -> bool:
    """Whether a line, redirects and all, is right."""
    try:
        parse_line(split_redirect(line).command_text)
    except OlySyntaxError:
        return False
    return True


def may_become_right(line: str) -> bool:
    """Whether something can be written behind the line so that it parses."""
    return parses(finished(line))
