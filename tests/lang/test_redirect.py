"""Lines of the shell and of scripts: OLY, redirects, shell commands."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from oly_corpus import accepted
from oly_lines import alphabet_lines, commands, mutated_lines

from brainsurgery_shell.errors import OlySyntaxError, render
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.redirect import Line, split_redirect
from brainsurgery_shell.lang.tree import Command


@pytest.mark.parametrize(
    ("text", "command", "mode", "target"),
    [
        ("summarize > plan.yaml", "summarize ", ">", "plan.yaml"),
        ("summarize >> plan.yaml  # more", "summarize ", ">>", "plan.yaml"),
        ("summarize > 'my plan.yaml'", "summarize ", ">", "my plan.yaml"),
        ('summarize > "my \\"plan\\".yaml" # c', "summarize ", ">", 'my "plan".yaml'),
        ("  dump: x > a#b", "  dump: x ", ">", "a#b"),
        ('dump: ".*" | less', 'dump: ".*" ', "|", "less"),
        ("dump | grep '#' > x | wc  ", "dump ", "|", "grep '#' > x | wc"),
        ("dump: (a|b) | cat", "dump: (a|b) ", "|", "cat"),
        ("dump: a|b | cat", "dump: a|b ", "|", "cat"),
        ("dump: 'a > b' > c", "dump: 'a > b' ", ">", "c"),
        ('dump: target:"a > b" > c', 'dump: target:"a > b" ', ">", "c"),
        ("dump: { target: a > b } > c", "dump: { target: a > b } ", ">", "c"),
        ("dump:\t[a, b]\t>\tc", "dump:\t[a, b]\t", ">", "c"),
        ("dump: it's > c", "dump: it's ", ">", "c"),
        (r"dump: h\( > c", r"dump: h\( ", ">", "c"),
        ("copy: from: a to: b > c", "copy: from: a to: b ", ">", "c"),
    ],
)
def test_redirect(text: str, command: str, mode: str, target: str) -> None:
    line = split_redirect(text)
    assert line.redirect is not None
    assert (line.command_text, line.redirect.mode, line.redirect.target) == (command, mode, target)
    assert not line.shell
    assert text.startswith(line.command_text)
    assert text[line.redirect.span.start :].startswith(mode)


@pytest.mark.parametrize(
    "text",
    [
        "undo",
        "",
        "# a > b",
        "undo # > file",
        "dump: 'a > b'",
        "dump: 'a > b",
        "dump: (a > b)",
        "dump: h.(0 > b",
        "dump: [a > b]",
        "dump: a>b",
        "dump: a >b",
        "dump: a> b",
        "dump: x: >",
        "dump: a|b",
        "dump: a<b",
    ],
)
def test_no_redirect(text: str) -> None:
    assert split_redirect(text) == Line(text)


def test_shell() -> None:
    assert split_redirect("!ls -l > x | y # z") == Line("ls -l > x | y # z", shell=True)
    assert split_redirect("  ! ls \n") == Line("ls", shell=True)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("summarize > ", "expected a file name after '>', found none", 11),
        ("summarize > # x", "expected a file name after '>', found none", 11),
        ("dump | ", "expected a program after '|', found none", 6),
        ("summarize > a b", "expected end of line after the file name, found 'b'", 15),
        ("summarize > 'a", "expected a closing ' of the file name, found end of line", 13),
        ("summarize > 'a'b", "expected end of line after the file name, found 'b'", 16),
        ("> a", "expected a command before '>', found none", 1),
        ("  | less", "expected a command before '|', found none", 3),
    ],
)
def test_mistakes(text: str, message: str, column: int) -> None:
    with pytest.raises(OlySyntaxError) as caught:
        split_redirect(text)
    assert caught.value.message == message
    assert caught.value.hint
    assert f"^ column {column}\n" in render(caught.value) + "\n"


@settings(deadline=None, max_examples=200)
@given(commands)
def test_what_we_print_holds_no_redirect(command: Command) -> None:
    written = print_command(command)
    assert split_redirect(written) == Line(written)
    assume(not written.endswith((" >", " >>", " |")))  # such a text must be quoted before a redirect
    line = split_redirect(written + " > 'x y'")
    assert line.redirect is not None
    assert parse_line(line.command_text) == command


@settings(deadline=None, max_examples=200)
@given(alphabet_lines() | mutated_lines([case.line for case in accepted()]))
def test_nothing_but_our_own_error(text: str) -> None:
    try:
        line = split_redirect(text)
    except OlySyntaxError:
        return
    assert line.shell or text.startswith(line.command_text)
