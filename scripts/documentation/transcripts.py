"""Pages as scripts: their files are written, their commands run in order, and what they print is compared.

In a page, a fenced block with a ``title`` is a file. A ``console`` block is a transcript: lines that begin
with ``$ `` are commands, what stands below is what they print. Lines with a prompt (``model> …``) are typed
into the shell that the command opened; a block that begins with a prompt goes on with the shell of the block
before. ``...`` stands for anything on a line, alone on a line for any lines. A command that fails is followed
by ``$ echo $?``.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
INPUTS = ROOT / "examples/jobs"
TERMINAL = ROOT / "scripts/walkthrough/terminal.py"

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
PROMPT = re.compile(r"^(?:[\w-]+|no default)\*?(?: \(dry run\))?> (.*)$", re.MULTILINE)
TYPED = ".typed"


class Wrong(AssertionError):
    """A command does not do what its page says."""


@dataclass(slots=True)
class Said:
    """A command of a transcript, what it is said to print, and the place of that in the page."""

    command: str
    shown: str
    places: list[tuple[int, int]]
    """Start and end in the page's text; a session that is told in pieces has one for each."""

    @property
    def lines(self) -> list[str]:
        """What is typed into the shell that the command opens."""
        return PROMPT.findall(self.shown)


@dataclass(frozen=True, slots=True)
class File:
    """A file that a page shows."""

    path: str
    text: str


def executable() -> list[Path]:
    """The pages that are run: those with a transcript."""
    pages = (page for page in sorted(DOCS.rglob("*.md")) if "reference" not in page.parts)
    return [page for page in pages if "```console" in page.read_text(encoding="utf-8")]


def acts(page: str) -> list[File | Said]:
    """What a page does, in order."""
    found: list[File | Said] = []
    for match in FENCE.finditer(page):
        language, options, text = match.groups()
        title = TITLE.search(options)
        if title is not None:
            found.append(File(title[1], text))
        elif language == "console":
            found += _transcript(text, match.start(3), found)
    return found


def _transcript(text: str, start: int, before: list[File | Said]) -> Iterator[Said]:
    """The commands of a block at ``start``; if it begins with a prompt it is more of the last one."""
    if PROMPT.match(text):
        last = before[-1]
        if not isinstance(last, Said):
            raise Wrong(f"no shell is open for: {text}")
        last.shown += text
        last.places.append((start, start + len(text)))
        return
    if not text.startswith("$ "):
        raise Wrong(f"a transcript begins with a command: {text}")
    for match in re.finditer(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", text, re.MULTILINE):
        yield Said(match[1], match[2], [(start + match.start(2), start + match.end(2))])


def expected(shown: str) -> re.Pattern[str]:
    """What matches the output that a page shows."""
    pattern = ""
    for line in shown.rstrip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
    return re.compile(pattern)


def abridged(shown: str, printed: str) -> str:
    """What was printed, with the lines that a page shows with dots as they stand there."""
    kept = [(expected(line), line) for line in shown.splitlines() if "..." in line.strip(". ")]
    found = []
    for line in printed.splitlines():
        found.append(next((text for pattern, text in kept if pattern.fullmatch(line + "\n")), line))
    return "".join(f"{line}\n" for line in found)


def matches(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    return expected(shown).fullmatch(printed.rstrip() + "\n" if printed.strip() else "") is not None


class Run:
    """One page, run in a folder of its own. The caller has set the home and state folders."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.text = page.read_text(encoding="utf-8")
        self.wrong: list[tuple[Said, str]] = []
        """Commands that printed something else, and what."""
        self._status = 0

    def __call__(self, folder: Path) -> Run:
        """Run it.

        Raises:
            Wrong: a command failed, and the page does not say so.
        """
        if "python inputs.py" in self.text:
            shutil.copytree(INPUTS, folder / "jobs", ignore=shutil.ignore_patterns("models", "__pycache__"))
            folder = folder / "jobs"
        with contextlib.chdir(folder):
            for act in acts(self.text):
                if isinstance(act, File):
                    Path(act.path).parent.mkdir(parents=True, exist_ok=True)
                    Path(act.path).write_text(act.text, encoding="utf-8")
                else:
                    self._run(act, folder)
        if self._status:
            raise Wrong(
                f"{self.page.name}: the last command fails, and the page does not say so\n{self._printed}"
            )
        return self

    def mended(self) -> str:
        """The page's text with what was printed in place of what it shows."""
        text = self.text
        for said, printed in reversed(self.wrong):
            pieces = _pieces(said, abridged(said.shown, printed))
            for (start, end), piece in reversed(list(zip(said.places, pieces, strict=True))):
                text = text[:start] + piece + text[end:]
        return text

    def _run(self, said: Said, folder: Path) -> None:
        if said.command == "echo $?":
            printed, self._status = f"{self._status}\n", 0
        elif self._status:
            raise Wrong(f"{self.page.name}: fails before: {said.command}\n{self._printed}")
        elif said.command.startswith("cd "):
            os.chdir(said.command.removeprefix("cd "))
            printed = ""
        else:
            self._status, printed = _output(said, folder)
        self._printed = printed
        if not matches(said.shown, printed):
            self.wrong.append((said, printed))


def _pieces(said: Said, printed: str) -> list[str]:
    """What was printed, cut before the prompts where the page is."""
    text = printed.rstrip() + "\n" if printed.strip() else ""
    if len(said.places) == 1:
        return [text]
    cuts, prompts, pieces, shown = list(PROMPT.finditer(text)), 0, [], said.shown
    for start, end in said.places[:-1]:
        here, shown = shown[: end - start], shown[end - start :]
        prompts += len(PROMPT.findall(here))
        pieces.append(cuts[prompts].start())
    starts = [0, *pieces]
    return [text[start:end] for start, end in zip(starts, [*pieces, len(text)], strict=True)]


def _output(said: Said, folder: Path) -> tuple[int, str]:
    """Status, and what was printed, messages among it."""
    if said.lines:
        typed = folder / TYPED
        typed.write_text("\n".join(said.lines), encoding="utf-8")
        return _shell(shlex.join([sys.executable, str(TERMINAL), str(typed)]) + " " + said.command)
    words = _plain_words(said.command)
    if words[:1] == ["brainsurgery"]:
        return _inside(lambda: _command_line(words[1:]))
    if words[:1] == ["python"]:
        return _inside(lambda: _script(words[1:]))
    return _shell(said.command)


def _plain_words(command: str) -> list[str]:
    """The words of a command that needs no shell; none for others."""
    bare = re.sub(r"'[^']*'|\"[^\"$`]*\"", "", command)
    return [] if re.search(r"[|<>&;()*?$`]", bare) else shlex.split(command)


def _shell(command: str) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _inside(run: Callable[[], int]) -> tuple[int, str]:
    """Run something in this process, which has torch already."""
    out, stdin = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(out):
            status = run()
    finally:
        sys.stdin = stdin
    return status, out.getvalue()


def _command_line(arguments: list[str]) -> int:
    from brainsurgery_shell.cli import main

    try:
        return main(arguments)
    finally:  # it has its process for itself, and leaves the collector as it likes
        gc.unfreeze()
        gc.enable()


def _script(arguments: list[str]) -> int:
    if arguments[0] == "-c":
        exec(arguments[1], {"__name__": "__main__"})
    else:
        runpy.run_path(arguments[0], run_name="__main__")
    return 0
