"""The shell with keys from a pipe: what is run, what is said, how one leaves."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from shells import write_checkpoint

from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.repl import shell as shell_module
from brainsurgery_shell.repl.history import history_path
from brainsurgery_shell.repl.manners import Manners
from brainsurgery_shell.repl.results import Results
from brainsurgery_shell.repl.shell import Shell, run_shell
from brainsurgery_shell.repl.state import State, state_of, status
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings

CTRL_C, CTRL_D, ENTER, UP = "\x03", "\x04", "\r", "\x1b[A"
ESCAPE, ALT_ENTER = "\x1b", "\x1b\r"
NO_PREVIEW = Manners(preview=False)
PASTE = "\x1b[200~{}\x1b[201~"


@dataclass
class Ran:
    session: Session
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    status: int = -1

    def names(self) -> list[str]:
        return self.session.workspace.checkpoints["model"].names()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm")
    opened = Session(Settings(memory=2**28, journal=False), folder=tmp_path)
    opened.open_input(str(write_checkpoint(tmp_path / "m.safetensors")), "model")
    yield opened
    opened.close()


def typed(session: Session, keys: str, manners: Manners = NO_PREVIEW) -> Ran:
    """Run the shell with these keys; at their end stands a Ctrl-D too many, so that nothing can hang."""
    ran = Ran(session)
    with create_pipe_input() as pipe:
        pipe.send_text(keys + CTRL_D + CTRL_D + CTRL_D)
        ran.status = run_shell(
            session, stdout=ran.out, stderr=ran.err, manners=manners, input=pipe, output=DummyOutput()
        )
    return ran


def test_lines_are_run_and_results_go_to_standard_output(session: Session) -> None:
    ran = typed(session, "dump: target: wte, format: compact" + ENTER + "copy: from: wte, to: new" + ENTER)
    assert ran.status == 0
    assert ran.out.getvalue().startswith("model::wte")
    assert "new" in ran.names()
    welcome, keys, *rest = ran.err.getvalue().splitlines()
    assert "model (3 tensors)" in welcome
    assert "Ctrl-D" in keys
    assert rest == ["1 tensor"]


def test_an_error_is_told_and_the_shell_goes_on(session: Session) -> None:
    ran = typed(session, "delete: nosuch" + ENTER + "delete: wte" + ENTER)
    assert "error: " in ran.err.getvalue()
    assert "\x1b" not in ran.err.getvalue()
    assert ran.names() == ["h.0.w", "h.1.w"]
    assert ran.out.getvalue() == ""


def test_ctrl_c_drops_the_line(session: Session) -> None:
    assert typed(session, "delete: wte" + CTRL_C + "delete: h.0.w" + ENTER).names() == ["h.1.w", "wte"]


def test_ctrl_c_during_a_step_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(session: Session, text: str, *, stdout: io.StringIO, page: object) -> None:
        if text == "dump":
            raise KeyboardInterrupt
        stdout.write(f"ran {text}\n")

    monkeypatch.setattr(shell_module, "run_line", interrupted)
    ran = typed(session, "dump" + ENTER + "history" + ENTER)
    assert "interrupted: nothing was changed" in ran.err.getvalue()
    assert ran.out.getvalue() == "ran history\n"


def test_pasted_lines_run_one_after_another(session: Session) -> None:
    ran = typed(session, PASTE.format("delete: wte\ncopy: from: h.0.w, to: wte2\n") + ENTER)
    assert ran.names() == ["h.0.w", "h.1.w", "wte2"]


def test_alt_enter_breaks_the_line(session: Session) -> None:
    ran = typed(session, "delete: wte" + ALT_ENTER + "delete: h.0.w" + ENTER)
    assert ran.names() == ["h.1.w"]


def test_in_vi_mode_escape_and_enter_run_the_line(session: Session) -> None:
    vi = Manners(preview=False, editing_mode="vi")
    ran = typed(
        session, "delete: wte" + ALT_ENTER + "delete: h.1.w" + ESCAPE + "o" + "delete: h.0.w" + ENTER, vi
    )
    assert ran.names() == []
    assert history_path().read_text().splitlines() == ["delete: wte", "delete: h.1.w", "delete: h.0.w"]


def test_a_further_line_of_the_welcome(session: Session) -> None:
    assert (
        typed(session, "", Manners(preview=False, offer="come back")).err.getvalue().splitlines()[2]
        == "come back"
    )


def test_the_state_is_told(session: Session) -> None:
    assert (state_of(session).prompt, status(session)) == ("model> ", session.name)
    typed(session, "delete: wte" + ENTER)
    assert (state_of(session).prompt, status(session)) == ("model*> ", f"{session.name}, unsaved")
    typed(session, "undo" + ENTER + "set: dry-run: true, verbose: true" + ENTER)
    assert (state_of(session).prompt, status(session)) == (
        "model (dry run)> ",
        f"{session.name}, dry run, verbose",
    )
    typed(
        session,
        "prefixes: mode: rename, from: model, to: a" + ENTER + "prefixes: mode: add, alias: b" + ENTER,
    )
    assert state_of(session).alias == "no default"


class Leaving:
    """Leaves at once, whatever is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, state: State) -> str:
        raise EOFError

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return "y"


def test_the_question_names_the_checkpoint_among_several(session: Session) -> None:
    reader = Leaving()
    for line in ("", "delete: wte", "prefixes: mode: add, alias: other"):
        command = parse_line(line)
        if command is not None:
            session.execute(command)
        Shell(session, reader, Results(io.StringIO(), NO_PREVIEW), io.StringIO()).loop()
    assert reader.asked == ["unsaved edits: leave? [y/N] ", "unsaved edits of model: leave? [y/N] "]


def test_the_line_feed_behind_pasted_lines_opens_no_further_line(session: Session) -> None:
    ran = typed(session, PASTE.format("delete: h.0.w\r\ncopy: from: wte, to: n\r\n") + "ew" + ENTER)
    assert set(ran.names()) == {"h.1.w", "wte", "new"}


def test_behind_a_mistake_pasted_lines_are_left_out(session: Session) -> None:
    ran = typed(session, PASTE.format("delete: wte\ndelete: nosuch\ndelete: h.0.w") + ENTER)
    assert ran.names() == ["h.0.w", "h.1.w"]
    assert "not run: delete: h.0.w" in ran.err.getvalue()


def test_up_brings_back_the_last_line(session: Session) -> None:
    typed(session, "copy: from: wte, to: new" + ENTER + "undo" + ENTER)
    assert history_path().read_text().splitlines() == ["copy: from: wte, to: new", "undo"]
    assert "new" in typed(session, UP + UP + ENTER).names()


@pytest.mark.parametrize("answer", ["y" + ENTER, "YES" + ENTER, CTRL_D, "exit" + ENTER])
@pytest.mark.parametrize("wish", [CTRL_D, "exit" + ENTER])
def test_unsaved_edits_raise_one_question(session: Session, wish: str, answer: str) -> None:
    ran = typed(session, "delete: wte" + ENTER + wish + answer + "delete: h.0.w" + ENTER)
    assert ran.status == 0
    assert ran.names() == ["h.0.w", "h.1.w"]


@pytest.mark.parametrize("answer", ["n" + ENTER, "t" + ENTER, ENTER, CTRL_C])
def test_anything_else_stays(session: Session, answer: str) -> None:
    ran = typed(session, "delete: wte" + ENTER + "exit" + ENTER + answer + "delete: h.0.w" + ENTER)
    assert ran.names() == ["h.1.w"]
    assert not session.leaving or ran.status == 0


@pytest.mark.parametrize("wish", [CTRL_D, "exit" + ENTER])
def test_the_second_wish_is_granted(session: Session, wish: str) -> None:
    ran = typed(session, "delete: wte" + ENTER + wish + "n" + ENTER + wish + "delete: h.0.w" + ENTER)
    assert ran.names() == ["h.0.w", "h.1.w"]


def test_answers_are_not_remembered(session: Session) -> None:
    typed(session, "delete: wte" + ENTER + "exit" + ENTER + "y" + ENTER)
    assert history_path().read_text().splitlines() == ["delete: wte", "exit"]


def test_without_edits_nothing_is_asked(session: Session) -> None:
    assert typed(session, "dump: wte" + ENTER + "exit" + ENTER + "delete: wte" + ENTER).names()[-1] == "wte"


def test_several_checkpoints_without_a_default(session: Session) -> None:
    ran = typed(
        session,
        "prefixes: mode: rename, from: model, to: a" + ENTER + "prefixes: mode: add, alias: b" + ENTER,
    )
    assert ran.status == 0


def test_only_line_breaks_end_a_line(session: Session) -> None:
    ran = typed(session, PASTE.format("copy: from: wte, to: 'a\u2028b\x85c'") + ENTER)
    assert ran.names() == ["h.0.w", "h.1.w", "wte", "a\u2028b\x85c"]
    assert history_path().read_text() == "copy: from: wte, to: 'a\u2028b\x85c'\n"
