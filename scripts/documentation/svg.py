"""An animated SVG of what stood on a terminal. Lines that stay are drawn once, for as long as they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

WIDTH, HEIGHT, SIZE, MARGIN, BAR = 8.4, 19, 14, 14, 34
"""Of a cell, of the font, around the screen, above it; in pixels."""
INK, PAPER = "#d7dae0", "#1b1e24"
WORDS = re.compile(r"\S+(?: \S+)*")
"""Text without several blanks in a row, which a viewer might draw as one."""
COLOURS = {
    "black": "#1b1e24", "red": "#e06c75", "green": "#98c379", "brown": "#e5c07b",
    "blue": "#61afef", "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#abb2bf",
    "brightblack": "#7f848e", "brightred": "#f07a84", "brightgreen": "#a9d88a", "brightbrown": "#f0d090",
    "brightblue": "#7ac0ff", "brightmagenta": "#d78ff0", "brightcyan": "#6fd0dc", "brightwhite": "#ffffff",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """Cells beside each other that look the same."""

    column: int
    text: str
    ink: str
    paper: str
    bold: bool = False
    italic: bool = False
    underlined: bool = False


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen, and how long it is shown, in seconds."""

    lines: tuple[Line, ...]
    seconds: float


def colour(name: str, otherwise: str) -> str:
    """A terminal's colour, by name or as six hexadecimal digits."""
    if name == "default":
        return otherwise
    return COLOURS.get(name) or f"#{name}"


def draw(frames: Sequence[Frame], columns: int, title: str, about: str) -> str:
    """The picture."""
    starts = [0.0, *accumulate(frame.seconds for frame in frames)]
    width, height = columns * WIDTH + 2 * MARGIN, len(frames[0].lines) * HEIGHT + BAR + MARGIN
    spans: dict[tuple[int, int], str] = {}
    drawn: dict[Line, str] = {}
    body = []
    for row in range(len(frames[0].lines)):
        for first, last, line in _stretches([frame.lines[row] for frame in frames]):
            if not line:
                continue
            drawn.setdefault(line, f"l{len(drawn)}")
            look = ""
            if (first, last) != (0, len(frames)):
                name = spans.setdefault((first, last), f"s{len(spans)}")
                look = f' class="{"f z" if last == len(frames) else "f"} {name}"'
            body.append(f'<use href="#{drawn[line]}" y="{row * HEIGHT}"{look}/>')
    rules = [
        f"@keyframes {name}{{{_keyframes(starts, first, last)}}}"
        f".{name}{{animation:{name} {starts[-1]:g}s step-end infinite}}"
        for (first, last), name in spans.items()
    ]
    style = (
        f"text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}}"
        ".b{font-weight:700}.i{font-style:italic}.u{text-decoration:underline}"
        ".f{visibility:hidden}.z{visibility:visible}"
        "@media(prefers-reduced-motion:reduce){.f{animation:none!important}}" + "".join(rules)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" '
        f'height="{height}" role="img" aria-label="{escape(about)}">',
        f"<title>{escape(about)}</title>",
        f"<style>{style}</style>",
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
        *(f'<circle cx="{18 + 18 * at}" cy="17" r="5.5" fill="#4b515c"/>' for at in range(3)),
        f'<text x="{width / 2:g}" y="21" fill="#7f848e" text-anchor="middle">{escape(title)}</text>',
        "<defs>",
        *(f'<g id="{name}">{_line(line)}</g>' for line, name in drawn.items()),
        "</defs>",
        f'<g transform="translate({MARGIN} {BAR})">',
        *body,
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _stretches(lines: Sequence[Line]) -> list[tuple[int, int, Line]]:
    """First frame, the one behind the last, and what stands there as long."""
    found: list[tuple[int, int, Line]] = []
    for at, line in enumerate(lines):
        if found and found[-1][2] == line:
            found[-1] = (found[-1][0], at + 1, line)
        else:
            found.append((at, at + 1, line))
    return found


def _keyframes(starts: Sequence[float], first: int, last: int) -> str:
    """Visible between two frames."""
    begin, end = (f"{100 * starts[at] / starts[-1]:.3f}".rstrip("0").rstrip(".") for at in (first, last))
    before = "" if first == 0 else "0%{visibility:hidden}"
    after = "" if end == "100" else f"{end}%{{visibility:hidden}}"
    return f"{before}{begin}%{{visibility:visible}}{after}"


def _line(line: Line) -> str:
    parts = []
    for run in line:
        x, width = run.column * WIDTH, len(run.text) * WIDTH
        if run.paper != PAPER:
            parts.append(f'<rect x="{x:g}" width="{width:g}" height="{HEIGHT}" fill="{run.paper}"/>')
        marks = [name for name, on in (("b", run.bold), ("i", run.italic), ("u", run.underlined)) if on]
        look = f' class="{" ".join(marks)}"' if marks else ""
        for word in WORDS.finditer(run.text):
            x, width = (run.column + word.start()) * WIDTH, len(word[0]) * WIDTH
            parts.append(
                f'<text x="{x:g}" y="{SIZE}" fill="{run.ink}" textLength="{width:g}"{look}>'
                f"{escape(word[0], quote=False)}</text>"
            )
    return "".join(parts)
