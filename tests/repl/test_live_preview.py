"""What is told of a line while it is typed: when, how, and that keys never wait for it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.input.base import PipeInput
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import TransformationInput
from prompt_toolkit.output import DummyOutput
from shells import Screen, write_checkpoint

from brainsurgery_shell.repl import preview as live_preview
from brainsurgery_shell.repl.preview import LivePreview, full_preview
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.views.page import PLAIN
from brainsurgery_shell.workspace.checkpoint import Checkpoint

SECONDS = 20
"""After which a test gives up."""
RUNAWAY = "delete: '(.+)+x'"
LONG_NAME = "x" + "y" * 40
"""Holds the x that every match needs, but not at its end: ``RUNAWAY`` takes ages to find that out."""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(Settings(memory=1 << 26, journal=False), folder=tmp_path)
    opened.open_input(str(write_checkpoint(tmp_path / "m.safetensors")), "model")
    tensors = opened.workspace.checkpoints["model"].tensors
    opened.workspace.checkpoints["model"] = Checkpoint.of(tensors | {LONG_NAME: tensors["wte"]}, {}, ())
    yield opened
    opened.close()


class Typist:
    """Types into a prompt, and looks at what stands below it."""

    def __init__(self, session: Session, keys: PipeInput) -> None:
        self.lines: PromptSession[str] = PromptSession(input=keys, output=DummyOutput())
        self.live = LivePreview(session)
        self.live.attach(self.lines)
        self._keys = keys

    @property
    def below(self) -> str:
        return "".join(text for _, text in ((style, text) for style, text, *_ in self.live.text())).strip()

    @property
    def style(self) -> str:
        return self.live.text()[0][0] if self.live.text() else ""

    def type(self, text: str) -> None:
        self._keys.send_text(text)

    async def until(self, wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not wanted():
            assert time.monotonic() < deadline, (self.lines.default_buffer.text, self.below)
            await asyncio.sleep(0.002)


def typed(session: Session, act: Callable[[Typist], Awaitable[None]]) -> str:
    """Show a prompt while ``act`` types; what was entered in the end."""
    with create_pipe_input() as keys:
        typist = Typist(session, keys)

        async def both() -> str:
            prompt = asyncio.ensure_future(typist.lines.prompt_async("> "))
            try:
                await act(typist)
                typist.type("\r")
                return await asyncio.wait_for(prompt, SECONDS)
            finally:
                prompt.cancel()

        with typist.live.watching():
            entered = asyncio.run(both())
        assert not typist.live._helper.running
        assert typist.below == ""
        return entered


def test_it_says_what_the_line_would_do(session: Session) -> None:
    was = dict(session.workspace.checkpoints["model"].tensors)

    async def act(typist: Typist) -> None:
        typist.type("scale_: target: 'h.*', by: 2")
        await typist.until(lambda: typist.below == "2 tensors, 16 B; changes 2")
        assert typist.live.text(12) == [("class:preview", "  2 tensors…")]
        assert typist.style == "class:preview"
        typist.type("\x15delete: 'nope' ")
        await typist.until(lambda: "'nope' matches no tensor" in typist.below)
        assert typist.style == "class:preview.problem"
        assert typist.live.spans(0)
        typist.type("x")
        await typist.until(lambda: typist.style == "class:preview.stale")
        assert not typist.live.spans(0)  # it is about another text
        typist.type("\x15")
        await typist.until(lambda: typist.below == "")
        typist.type("assert: finite: wte")
        await typist.until(lambda: typist.live.reads)

    assert typed(session, act) == "assert: finite: wte"
    assert session.workspace.checkpoints["model"].tensors == was


def test_what_is_being_typed_is_not_wrong_yet(session: Session) -> None:
    async def act(typist: Typist) -> None:
        typist.type("delete: nope")
        await typist.until(lambda: "matches no tensor" in typist.below)
        assert typist.style == "class:preview"

    typed(session, act)


def test_bytes_that_are_no_text_may_be_typed(session: Session) -> None:
    async def act(typist: Typist) -> None:
        typist._keys.send_bytes(b"delete: \xff")
        await typist.until(lambda: "matches no tensor" in typist.below)

    assert typed(session, act) == "delete: \udcff"


def test_the_former_answer_stands_until_there_is_a_new_one(session: Session) -> None:
    async def act(typist: Typist) -> None:
        typist.type("delete: 'h.*'")
        await typist.until(lambda: typist.style == "class:preview" and "deletes 2" in typist.below)
        typist.type("\x7f")
        await typist.until(lambda: typist.style == "class:preview.stale")
        assert "deletes 2" in typist.below
        await typist.until(lambda: typist.below == "2 tensors, 16 B")

    typed(session, act)


def test_keys_do_not_wait_for_a_runaway(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(typist: Typist) -> None:
        typist.type(RUNAWAY)
        await typist.until(lambda: typist.below == "matching …")
        slowest = 0.0
        for key in "abcdefghij":
            typist.type(key)
            began = time.perf_counter()
            await typist.until(lambda key=key: typist.lines.default_buffer.text.endswith(key))  # type: ignore[misc]
            slowest = max(slowest, time.perf_counter() - began)
            await asyncio.sleep(0.05)
        assert slowest < 1  # a regex that holds this process would hold it for ever
        typist.type("\x15delete: wte")
        await typist.until(lambda: typist.below == "1 tensor, 8 B; deletes 1 (8 B)")
        typist.type("\x15" + RUNAWAY)
        await typist.until(lambda: typist.below == "matching …")

    began = time.monotonic()
    assert typed(session, act) == RUNAWAY
    assert time.monotonic() - began < SECONDS


def test_a_runaway_is_given_up(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_preview, "SECONDS", 0.3)

    async def act(typist: Typist) -> None:
        typist.type(RUNAWAY)
        await typist.until(lambda: "takes too long to be shown here" in typist.below)

    typed(session, act)
    monkeypatch.setattr(live_preview, "FULL_SECONDS", 0.3)
    assert full_preview(session, RUNAWAY, PLAIN) == ["this takes longer than 0.3 seconds"]


def test_where_no_process_can_be_forked_it_is_silent(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(helper: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr("brainsurgery_shell.repl.helper.Helper.start", refuse)

    async def act(typist: Typist) -> None:
        typist.type("delete: wte")
        await asyncio.sleep(0.1)
        assert typist.below == ""

    assert typed(session, act) == "delete: wte"


def test_the_full_preview_is_the_table(session: Session) -> None:
    lines = full_preview(session, "cast_: target: wte, to: f16", PLAIN)
    assert lines[0] == "1 tensor, 8 B; changes 1 (8 B → 4 B)"
    assert "model::wte" in lines[2]


def underlined(session: Session, line: str, cursor: int) -> str:
    """What of a line is underlined."""
    with create_pipe_input() as keys:
        typist = Typist(session, keys)
        (processor,) = typist.lines.input_processors or ()
        fragments: StyleAndTextTuples = [("class:a", line[:3]), ("class:b", line[3:])]
        given = TransformationInput(
            BufferControl(), Document(line, cursor), 0, lambda at: at, fragments, 80, 24
        )
        done = processor.apply_transformation(given).fragments
    assert "".join(text for _, text, *_ in done) == line
    return "".join(text for style, text, *_ in done if "class:error" in style)


@pytest.mark.parametrize(
    ("line", "cursor", "wrong"),
    [
        ("bogus: x", 8, "bogus"),
        ("bogus: x", 3, ""),
        ("scale_: target: a, bi: 2", 24, "bi"),
        ("scale_: target: a, by: tw", 25, ""),
        ("scale_: target: a, by: tw", 0, "tw"),
        ("delete: [a", 10, ""),
        ("delete: [a", 0, "a"),
        ("delete: 'a", 10, ""),
        ("delete: a", 9, ""),
        ("", 0, ""),
    ],
)
def test_errors_are_underlined_but_where_the_cursor_is(
    session: Session, line: str, cursor: int, wrong: str
) -> None:
    assert underlined(session, line, cursor) == wrong


@pytest.mark.parametrize("size", [(24, 80), (40, 120)], ids=["24x80", "40x120"])
@pytest.mark.parametrize("answers", [True, False], ids=["answers", "silent"])
def test_on_a_terminal(tmp_path: Path, size: tuple[int, int], answers: bool) -> None:
    write_checkpoint(tmp_path / "m.safetensors")
    silent = {} if answers else {"PROMPT_TOOLKIT_NO_CPR": "1"}
    with Screen(tmp_path, "m.safetensors", size=size, answers=answers, **silent) as screen:
        screen.until("model>")
        screen.type("scale_: target: 'h.*', by: 2")
        screen.until("2 tensors, 16 B; changes 2")
        screen.type("\r")
        screen.until("model*>")
        assert "16 B; changes" not in screen.text
        screen.type("undo\r")
        screen.until("model>", count=2)
        screen.type("\x04")
        assert screen.ended() == 0


def test_a_runaway_on_a_terminal(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "m.safetensors")
    with Screen(tmp_path, "m.safetensors") as screen:
        screen.until("model>")
        screen.type(f"copy: from: wte, to: {LONG_NAME}\r")
        screen.until("model*>")
        screen.type(RUNAWAY)
        screen.until("matching …")
        screen.type("\x15delete: wte")
        screen.until("deletes 1 (8 B)")
        screen.type("\x03\x04")
        screen.until("leave? [y/N]")
        screen.type("y\r")
        assert screen.ended() == 0


def test_it_imports_nothing_heavy() -> None:
    import subprocess

    program = (
        "import sys; import brainsurgery_shell.repl.preview; "
        "print(sorted({'torch', 'numpy', 'ruamel', 'pygments'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
