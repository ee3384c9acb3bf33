"""Record a session of the real shell on a terminal, key by key, as ``docs/session.svg``.

The screens come from the program. How long each is shown is said here, not measured, so that a second
recording of the same program is the same picture.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pexpect
import pyte

from documentation.svg import INK, PAPER, Frame, Line, Run, colour, draw

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "docs/session.svg"
COLUMNS, ROWS = 104, 30
QUIET = 0.5
"""Seconds without output after which a screen is complete; more than the preview waits for the next key."""
PATIENCE = 30.0
TAB, ENTER = "\t", "\r"

STORY: list[tuple[str, float]] = [
    ("ls: model.layers", 0.4),
    (ENTER, 2.5),
    ("sca", 0.8),
    (TAB, 0.6),
    (TAB, 1.5),
    ("target: '.*q_proj\\.weight'", 1.5),
    (", by: 0.5", 1.0),
    (ENTER, 1.0),
    ("move: from: [model, layers, $i, '*rest'], to: [h, '${i+1}', '*rest']", 2.0),
    (ENTER, 1.5),
    ("undo", 0.4),
    (ENTER, 1.5),
    ("summarize", 0.4),
    (ENTER, 4.0),
]
"""Keys, and how long their result is looked at. Words are typed a few letters at a time."""
LETTERS, STROKE = 4, 0.16
UNWANTED = {"NO_COLOR", "COLUMNS", "LINES", "EDITOR", "VISUAL", "PAGER"}
"""Settings of whoever records."""


def main(words: list[str]) -> int:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "llama")
        frames = record(folder)
    title = "brainsurgery llama"
    PICTURE.write_text(draw(frames, COLUMNS, title, "A session in Brainsurgery Shell"), encoding="utf-8")
    print(f"{PICTURE}: {len(frames)} screens, {PICTURE.stat().st_size // 1024} KiB")
    return 0


def record(folder: Path) -> list[Frame]:
    """The screens of the story."""
    terminal = Terminal(folder, "brainsurgery", "llama", "--session", "tour")
    frames = [Frame(terminal.shown(), 1.0)]
    for keys, seconds in STORY:
        strokes = (
            [keys[at : at + LETTERS] for at in range(0, len(keys), LETTERS)] if keys.isprintable() else [keys]
        )
        shown = [terminal.press(stroke) for stroke in strokes]
        frames += [Frame(screen, STROKE) for screen in shown[:-1]]
        frames.append(Frame(shown[-1], seconds))
        if any(line and line[0].text.startswith("error") for line in shown[-1]):
            raise SystemExit(f"error: the shell refuses {keys!r}: mend the story")
    terminal.end()
    return frames


class Terminal:
    """A program on a terminal that answers, and what stands there."""

    def __init__(self, folder: Path, *command: str) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        home = {name: str(folder / "home") for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        inherited = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=folder,
            env={**inherited, "PATH": path, "TERM": "xterm-256color", "LANG": "C.UTF-8", **home},
            dimensions=(ROWS, COLUMNS),
        )
        self._screen.write_process_input = self._child.send  # the answer to a cursor-position request
        self._wait("> ")

    def press(self, keys: str) -> tuple[Line, ...]:
        """The screen after these keys."""
        self._child.send(keys)
        self._wait()
        return self.shown()

    def shown(self) -> tuple[Line, ...]:
        """The screen, the cursor on it."""
        return tuple(self._line(row) for row in range(ROWS))

    def end(self) -> None:
        """Leave the program."""
        self._child.close(force=True)

    def _wait(self, wanted: str = "") -> None:
        """Until nothing comes any more, and ``wanted`` stands there."""
        deadline, last = time.monotonic() + PATIENCE, time.monotonic()
        while time.monotonic() - last < QUIET or not any(wanted in line for line in self._screen.display):
            if time.monotonic() > deadline:
                raise TimeoutError("\n".join(self._screen.display))
            try:
                data = self._child.read_nonblocking(65536, timeout=0.05)
            except pexpect.TIMEOUT:
                continue
            self._stream.feed(data)
            last = time.monotonic()

    def _line(self, row: int) -> Line:
        """Cells that look the same as runs, without blanks that nobody sees."""
        runs: list[Run] = []
        cursor = self._screen.cursor
        for column in range(COLUMNS):
            cell = self._screen.buffer[row][column]
            ink, paper = colour(cell.fg, INK), colour(cell.bg, PAPER)
            here = row == cursor.y and column == cursor.x and not cursor.hidden
            if cell.reverse != here:
                ink, paper = paper, ink
            look = (ink, paper, cell.bold, cell.italics, cell.underscore)
            if runs and (*_look(runs[-1]),) == look:
                last = runs.pop()
                runs.append(Run(last.column, last.text + cell.data, *look))
            else:
                runs.append(Run(column, cell.data, *look))
        if runs and runs[-1].paper == PAPER:
            runs[-1] = replace(runs[-1], text=runs[-1].text.rstrip())
        return tuple(run for run in runs if run.text.strip() or run.paper != PAPER)


def _look(run: Run) -> tuple[str, str, bool, bool, bool]:
    return run.ink, run.paper, run.bold, run.italic, run.underlined


def write_model(folder: Path) -> None:
    """A checkpoint with the shapes of a language model of a billion values, its data a hole in the file."""
    shapes = {"model.embed_tokens.weight": [32000, 2048]}
    for layer in range(16):
        at = f"model.layers.{layer}"
        shapes[f"{at}.input_layernorm.weight"] = [2048]
        shapes |= {f"{at}.self_attn.{each}_proj.weight": [2048, 2048] for each in "qkvo"}
        shapes |= {f"{at}.mlp.{each}_proj.weight": [5632, 2048] for each in ("gate", "up")}
        shapes[f"{at}.mlp.down_proj.weight"] = [2048, 5632]
    shapes |= {"model.norm.weight": [2048], "lm_head.weight": [32000, 2048]}
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
