"""What people do in a shell, on terminals of two sizes, with and without answers about the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import Screen, write_checkpoint

CTRL_C, CTRL_D = "\x03", "\x04"
F1, F2, F3 = "\x1bOP", "\x1bOQ", "\x1bOR"
PASTE = "\x1b[200~{}\x1b[201~"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "m.safetensors")
    return tmp_path


def script(folder: Path, name: str, text: str) -> str:
    """An executable to stand in for an editor or pager."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("size", [(24, 80), (40, 120)], ids=["24x80", "40x120"])
@pytest.mark.parametrize("answers", [True, False], ids=["answers", "silent"])
def test_a_session(folder: Path, size: tuple[int, int], answers: bool) -> None:
    silent = {} if answers else {"PROMPT_TOOLKIT_NO_CPR": "1"}
    with Screen(folder, "m.safetensors", size=size, answers=answers, **silent) as screen:
        screen.until("model>")
        screen.until("model (3 tensors)")
        screen.type("delete: h.")
        screen.until("1 tensor", count=2)
        screen.type("0.")
        screen.until("float32 [2]")
        screen.type("\t")
        screen.until("delete: h.0.w")
        screen.type("\r")
        screen.until("model*>")
        screen.until("1 tensor")
        screen.type("undo\r")
        screen.until("undone: delete: h.0.w")
        screen.type("redo\r")
        screen.until("redone: delete: h.0.w")
        screen.type("bogus\r")
        screen.until("error: unknown operation 'bogus'")
        assert b"\x1b[1;31merror:" in screen.raw
        screen.type(f"dump: xyz{CTRL_C}")
        screen.until("model*>", count=4)
        screen.type(CTRL_D)
        screen.until("leave? [y/N]")
        screen.type("n\r")
        screen.until("model*>", count=5)
        screen.type("save: out.safetensors\r")
        screen.until("saved 2 tensors")
        screen.until("model>", count=2)
        screen.type(CTRL_D)
        assert screen.ended() == 0
    assert (folder / "out.safetensors").exists()


def test_nothing_stands_in_the_toolbar_alone(folder: Path) -> None:
    with Screen(folder, "m.safetensors") as answering:
        answering.until("F1 help F2 preview")
        answering.type("set: dry-run: true\r")
        answering.until("model (dry run)>")
        answering.type("delete: wte\r")
        answering.until("model* (dry run)>")
        answering.until(", unsaved, dry run")
        answering.type("set: dry-run: false\r")
        answering.until("model>", count=2)


def test_a_terminal_that_never_answers(folder: Path) -> None:
    with Screen(folder, "m.safetensors", answers=False) as screen:
        screen.until("model>")
        screen.type("delete: wte\r")
        screen.until("model*>")
        assert "F1 help F2" not in screen.text


def test_lines_that_are_pasted(folder: Path) -> None:
    with Screen(folder, "m.safetensors") as screen:
        screen.until("model>")
        screen.type(PASTE.format("delete: wte\ndelete: nosuch\ndelete: h.0.w"))
        screen.until("… delete: h.0.w")
        screen.type("\r")
        screen.until("not run: delete: h.0.w")
        screen.until("model*>")
        screen.type("dump: target: .*, format: compact\r")
        screen.until("model::h.1.w")
        assert "model::wte" not in screen.text


def test_keys_explain_and_preview(folder: Path) -> None:
    with Screen(folder, "m.safetensors", size=(40, 120)) as screen:
        screen.until("model>")
        screen.type("assert: shape: { of: wte")
        screen.type(F1)
        screen.until("assert: shape: { of: 'wte', is: [50257, 768] }")
        screen.until("model> assert: shape: { of: wte")
        screen.type(CTRL_C)
        screen.until("model>", count=2)
        screen.type("move: from: wte, to: embed.weight")
        screen.type(F2)
        screen.until("embed.weight", count=2)
        screen.until("model> move: from: wte, to: embed.weight")
        screen.type("\r")
        screen.until("model*>")


def test_the_search_for_earlier_lines(folder: Path) -> None:
    with Screen(folder, "m.safetensors") as screen:
        screen.until("model>")
        screen.type("delete: wte\rundo\r")
        screen.until("undone: ")
        screen.until("model>", count=2)
        screen.type("\x12elet")
        screen.until("elet': delete: wte")
        screen.type("\r\r")  # the first ends the search
        screen.until("model*>", count=2)


def test_the_line_in_an_editor(folder: Path) -> None:
    editor = script(folder, "ed.sh", 'sed -i "s/wte/h.0.w/" "$1"')
    with Screen(folder, "m.safetensors", VISUAL=editor, EDITOR="false") as screen:
        screen.until("model>")
        screen.type(f"delete: wte{F3}")
        screen.until("model> delete: h.0.w")
        screen.type("\r")
        screen.until("model*>")
        screen.type("dump: target: wte")
        screen.type("\x18\x05")
        screen.until("dump: target: h.0.w")
        screen.type("\r")
        screen.until("error: ")


def test_an_editor_that_fails_leaves_the_line(folder: Path) -> None:
    with Screen(folder, "m.safetensors", VISUAL="false") as screen:
        screen.until("model>")
        screen.type(f"delete: wte{F3}")
        screen.until("the editor 'false' ended with status 1")
        screen.until("model> delete: wte")


def test_the_last_steps_in_an_editor(folder: Path) -> None:
    editor = script(folder, "ed.sh", 'sed -i "s/h.0.w/h.1.w/" "$1"')
    with Screen(folder, "m.safetensors", EDITOR=editor) as screen:
        screen.until("model>")
        screen.type("delete: h.0.w\r")
        screen.until("model*>")
        screen.type("edit\r")
        screen.until("model*>", count=2)
        screen.type("dump: target: .*, format: compact\r")
        screen.until("model::wte")
        assert "model::h" not in screen.text


def test_long_results_are_paged_and_ctrl_c_is_the_pager_s(folder: Path) -> None:
    with Screen(folder, "m.safetensors", PAGER="less") as screen:
        screen.until("model>")
        screen.type("help\r")
        screen.until("\n:")
        assert "model>" not in screen.text
        screen.type(CTRL_C)
        screen.type("G")
        screen.until("the shell's keys")
        screen.type("q")
        screen.until("model>")
        screen.type("help: exit\r")  # fits
        screen.until("model>", count=2)


def test_a_pager_that_ends_early_does_no_harm(folder: Path) -> None:
    with Screen(folder, "m.safetensors", PAGER="head -n 1") as screen:
        screen.until("model>")
        screen.type("help\r")
        screen.until("operations (")
        screen.until("model>", count=2)
        screen.type("help > help.txt\r")
        screen.until("model>", count=3)
        assert len((folder / "help.txt").read_text().splitlines()) > 50


@pytest.mark.parametrize("pager", ["no-such-pager", "false"])
def test_a_pager_that_is_not_there(folder: Path, pager: str) -> None:
    with Screen(folder, "m.safetensors", PAGER=pager) as screen:
        screen.until("model>")
        screen.type("help\r")
        screen.until("model>" if pager == "false" else "the shell's keys", count=2 if pager == "false" else 1)


def test_it_can_be_suspended(folder: Path) -> None:
    with Screen.of_bash(folder, "m.safetensors") as screen:
        screen.until("model>")
        screen.type("delete: wte\x1a")
        screen.until("Stopped")
        screen.type("fg\r")
        screen.until("bash: fg")
        screen.until("model> delete: wte")
        screen.type("\r")
        screen.until("model*>")


def test_vi_keys(folder: Path) -> None:
    (folder / "config" / "brainsurgery").mkdir(parents=True)
    (folder / "config" / "brainsurgery" / "config.toml").write_text('editing_mode = "vi"\n')
    with Screen(folder, "m.safetensors", XDG_CONFIG_HOME=str(folder / "config")) as screen:
        screen.until("insert, ")
        screen.type("delete: wte\x1b")
        screen.until("normal, ")
        screen.type("0cwdump\x1b")
        screen.until("dump: wte")
        screen.type("oundo\x1b\r")
        screen.until("float32")
        screen.until("there is nothing to undo")


def test_the_screen_reader_s_prompt_shows_the_state(folder: Path) -> None:
    with Screen(folder, "--plain", "m.safetensors") as screen:
        screen.until("model>")
        screen.type("set: dry-run: true\r")
        screen.until("model (dry run)>")
        screen.type("delete: wte\r")
        screen.until("model* (dry run)>")
        screen.type(CTRL_D)
        screen.until("leave? [y/N]")
        screen.type(CTRL_D)
        assert screen.ended() == 0
    assert b"\x1b[" not in screen.raw.replace(b"\x1b[?2004h", b"").replace(b"\x1b[?2004l", b"")
