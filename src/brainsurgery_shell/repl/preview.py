"""What the line would do, shown below it while it is typed; and what is wrong with it, underlined.

Answers come from another process (see ``helper``), which is asked when no key came for ``PAUSE`` seconds.
Until there is one, the former is shown dimmed; a tenth of a second after the last key it gives way to what is
known by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, get_app_or_none
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_len
from prompt_toolkit.layout.containers import ConditionalContainer, HSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from brainsurgery_shell.errors import Span
from brainsurgery_shell.repl.helper import LONGEST, SECONDS, Answer, Helper, Tell, apart
from brainsurgery_shell.session.faults import faults, settled
from brainsurgery_shell.views.text import shortened

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session
    from brainsurgery_shell.views.page import Page

PAUSE = 0.03
"""Seconds without a key before a line is worked on: no less than a held key repeats in."""
PATIENCE = 0.1
"""Seconds after the last key when something has to be shown."""
FULL_SECONDS = 5.0
"""How long all of a preview may take."""
_SLOW_FORK = 0.012
_LONG_PAUSE = 0.6
"""Seconds without a key before the process is begun where that took long, and would be felt between keys."""
_LONGEST_TEXT = 300

STYLE = {
    "preview": "ansibrightblack",
    "preview.stale": "ansibrightblack italic",
    "preview.problem": "ansiyellow",
    "error": "underline",
}


def full_preview(session: Session, text: str, page: Page) -> list[str]:
    """What a line would do, in full. Not computed here, where nobody could stop a regex that runs away."""
    from brainsurgery_shell.session import foreseen

    def work() -> Answer:
        try:
            return {"lines": foreseen.full_preview(session, text, page)}
        except Exception as error:  # of an operation of a user, or a bug of ours
            return {"lines": [f"error: {type(error).__name__}: {error}"]}

    found = apart(work, FULL_SECONDS)
    lines: list[str] = found["lines"] if found else [f"this takes longer than {FULL_SECONDS:g} seconds"]
    return lines


class LivePreview:
    """The line below the input, for one prompt after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._helper = Helper(self._work)
        self._buffer: Buffer | None = None
        self._number = 0
        """Of the present text; answers to others are of no use."""
        self._answer: Answer | None = None
        self._stale = False
        self._timers: list[asyncio.TimerHandle] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading = -1
        self._fork_took = 0.0

    def attach(self, lines: PromptSession[str]) -> None:
        """Put the line below the input of a prompt, hear its changes and underline its errors."""
        self._buffer = lines.default_buffer
        self._buffer.on_text_changed += self._changed
        lines.input_processors = [*(lines.input_processors or ()), _Underline(self)]
        below = Window(
            FormattedTextControl(lambda: self.text(get_app().output.get_size().columns)),
            height=1,
            style="class:preview",
        )
        root = lines.layout.container
        assert isinstance(root, HSplit)
        shown = Condition(lambda: bool(self.text())) & ~is_done
        root.children.insert(1, ConditionalContainer(below, shown))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While a prompt is shown."""
        try:
            yield
        finally:
            self._end()

    def text(self, columns: int | None = None) -> StyleAndTextTuples:
        """What the line below shows, in so many columns."""
        if self._answer is None or not self._answer["text"]:
            return []
        style = "preview"
        if self._stale:
            style = "preview.stale"
        elif self._answer["problem"] and self._is_settled():
            style = "preview.problem"
        shown = f"  {self._answer['text']}"
        return [(f"class:{style}", shown if columns is None else shortened(shown, columns))]

    @property
    def reads(self) -> bool:
        """Whether the present line, as far as is known, would read data."""
        return self._answer is not None and not self._stale and bool(self._answer["reads"])

    def spans(self, row: int) -> list[Span]:
        """What the answer finds wrong in a line of the present text."""
        answer = self._answer
        if answer is None or self._stale or answer["span"] is None or answer["row"] != row:
            return []
        return [Span(*answer["span"])]

    def _is_settled(self) -> bool:
        """Whether the cursor is outside of what is wrong, so that it is not about to be mended."""
        if self._buffer is None or self._answer is None:
            return True
        document = self._buffer.document
        spans = self.spans(document.cursor_position_row)
        at_end = not document.text_after_cursor.strip()
        return bool(settled(spans, document.cursor_position_col)) if spans else not at_end

    def _changed(self, buffer: Buffer) -> None:
        self._forget_timers()
        self._number += 1
        if not buffer.text.strip() or len(buffer.text.encode(errors="surrogatepass")) > LONGEST:
            self._answer = None
            if self._helper.running:
                self._helper.ask(self._number, "")  # it drops what it does
            return
        self._stale = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # no prompt is shown yet
        fast = self._helper.running or self._fork_took < _SLOW_FORK
        self._timers = [loop.call_later(PAUSE if fast else _LONG_PAUSE, self._ask, buffer.text)]

    def _ask(self, text: str) -> None:
        if not (self._helper.running or self._begin()) or not self._helper.ask(self._number, text):
            self._end()
            return
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(PATIENCE - PAUSE, self._show_waiting),
            loop.call_later(SECONDS, self._give_up),
        ]

    def _begin(self) -> bool:
        from brainsurgery_shell.session import preview  # noqa: F401 - or each process would import it again

        began = time.perf_counter()
        try:
            self._reading = self._helper.start()
        except OSError:
            return False  # no further process is possible: it works without
        self._fork_took = time.perf_counter() - began
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reading, self._read)
        return True

    def _read(self) -> None:
        try:
            answers = [each for each in self._helper.answers() if each["number"] == self._number]
        except EOFError:
            self._end()
            return
        for answer in answers:
            self._show(answer)
            if answer["final"]:
                self._forget_timers()

    def _show(self, answer: Answer) -> None:
        self._answer, self._stale = answer, False
        app = get_app_or_none()
        if app is not None:
            app.invalidate()

    def _show_waiting(self) -> None:
        """Say that there is no answer to the present text yet; a first one is better than that."""
        if self._stale:
            self._show(_answer("matching …", final=False))

    def _give_up(self) -> None:
        known = "matching" if self._answer is None or self._stale else self._answer["text"].rstrip(" …")
        self._show(_answer(f"{known} … takes too long to be shown here", final=True))

    def _end(self) -> None:
        self._forget_timers()
        self._number += 1
        self._answer = None
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._reading)
        self._loop = None
        self._helper.end()

    def _forget_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _work(self, text: str, tell: Tell) -> None:
        """In the other process: first what the line matches, then what it would do."""
        try:
            tell(_foreseen(self._session, text, tell))
        except Exception:  # of an operation of a user, or a bug of ours: it will be seen when the line is run
            tell(_answer("", final=True))


class _Underline(Processor):
    """Underlines what is wrong in each line, but for what the cursor is in."""

    def __init__(self, live: LivePreview) -> None:
        self._live = live

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """One line of the input."""
        document, row = transformation_input.document, transformation_input.lineno
        line = document.lines[row]
        cursor = document.cursor_position_col if row == document.cursor_position_row else None
        spans = settled([*faults(line), *self._live.spans(row)], cursor)
        fragments = transformation_input.fragments
        if not spans or not line.strip():
            return Transformation(fragments)
        exploded = explode_text_fragments(fragments)
        end = fragment_list_len(exploded)
        for span in spans:
            first = min(span.start, len(line.rstrip()) - 1)  # what is missing at the end
            for at in range(first, max(min(span.end, len(line)), first + 1)):
                place = transformation_input.source_to_display(at)
                if place < end:
                    style, text, *rest = exploded[place]
                    exploded[place] = (f"{style} class:error", text, *rest)  # type: ignore[assignment]
        return Transformation(exploded)


def _foreseen(session: Session, text: str, tell: Tell) -> Answer:
    """What the line would do; what it matches is told before."""
    from brainsurgery_shell.session.preview import foresee

    found = foresee(session, text, lambda matched: tell(_answer(f"{matched} …", final=False)))
    words = found.summary()
    problem = found.error is not None and not found.unfinished and not found.lacks
    if found.error is not None and problem and found.error.hint:
        words += f" ({found.error.hint})"
    span = found.span(text.split("\n")[found.place])
    return _answer(words, final=True) | {
        "problem": problem,
        "span": None if span is None else [span.start, span.end],
        "row": found.place,
        "reads": found.reads,
    }


def _answer(text: str, *, final: bool) -> Answer:
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + "…"
    shown = "".join(char if char.isprintable() else " " for char in text)
    return {"text": shown, "final": final, "problem": False, "span": None, "row": 0, "reads": False}
