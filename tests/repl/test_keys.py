"""The keys that help lists, and no others, are added to prompt_toolkit's."""

from __future__ import annotations

from prompt_toolkit.keys import Keys

from brainsurgery_shell.describe.keys import KEYS
from brainsurgery_shell.repl.keys import bindings

NAMES = {
    "F1": (Keys.F1,),
    "F2": (Keys.F2,),
    "F3": (Keys.F3,),
    "Ctrl-X Ctrl-E": (Keys.ControlX, Keys.ControlE),
    "v": ("v",),
    "Alt-Enter": (Keys.Escape, Keys.ControlM),
}
OF_PROMPT_TOOLKIT = {"Tab", "Up", "Down", "Ctrl-R", "Ctrl-C", "Ctrl-D", "Ctrl-Z"}


def test_help_lists_what_is_bound() -> None:
    bound = {binding.keys for binding in bindings(print, print, str).bindings} - {(Keys.BracketedPaste,)}
    assert bound == set(NAMES.values())
    listed = {name for key in KEYS for name in key.shown.split(", ")}
    assert listed == (NAMES.keys() - {"v"}) | OF_PROMPT_TOOLKIT
    assert any("vi mode: v" in key.about for key in KEYS)
