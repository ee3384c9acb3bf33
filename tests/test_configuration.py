"""``config.toml``: it holds where the command line says nothing; mistakes in it are told and stop nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainsurgery_shell import messages
from brainsurgery_shell.configuration import Configuration, config_path, read_configuration
from brainsurgery_shell.options import Options, parse_options
from conftest import Cli


@pytest.fixture(autouse=True)
def _messages_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_level", "warning")
    monkeypatch.setattr(messages, "_color", "auto")


def write(text: str) -> Path:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


EVERYTHING = """\
editing_mode = "vi"
pager = "less -R"
preview = false
color = "always"
plain = true
memory = "1GB"
shard_size = "none"
workers = 3
provider = "arena"
arena_root = "~/scratch"
log_level = "error"
"""


def test_without_a_file_all_is_as_ever() -> None:
    assert read_configuration() == Configuration()


def test_it_holds_where_the_command_line_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    write(EVERYTHING)
    options = parse_options([])
    chosen = options.configuration
    assert not chosen.warnings
    assert (chosen.editing_mode, chosen.pager, chosen.preview, chosen.color) == (
        "vi",
        "less -R",
        False,
        "always",
    )
    assert (options.memory, options.shard_size, options.workers, options.provider) == (
        2**30,
        None,
        3,
        "arena",
    )
    assert (options.arena_root, options.log_level, options.plain) == (Path.home() / "scratch", "error", True)
    words = ["--memory", "2GB", "--shard-size", "1KB", "--workers", "1", "--provider", "inmemory",
             "--arena-root", "here", "--log-level", "info"]  # fmt: skip
    options = parse_options(words)
    assert (options.memory, options.shard_size, options.workers, options.provider) == (
        2**31,
        2**10,
        1,
        "inmemory",
    )
    assert (options.arena_root, options.log_level) == (Path("here"), "info")


def test_every_setting_is_tried() -> None:
    names = {line.split(" = ")[0] for line in EVERYTHING.splitlines()}
    assert names == {name for name in Configuration.__dataclass_fields__ if name != "warnings"}


def test_no_color_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    write('color = "always"\n')
    monkeypatch.setenv("NO_COLOR", "1")
    assert parse_options([]).configuration.color == "never"
    monkeypatch.setenv("NO_COLOR", "")
    assert parse_options([]).configuration.color == "always"


def test_colour_of_messages(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    write('color = "always"\n')
    assert "\x1b" not in cli("nope.safetensors").err
    monkeypatch.delenv("NO_COLOR")
    assert cli("nope.safetensors").err.startswith("\x1b[1;31merror:\x1b[0m there is no file")
    write('color = "never"\n')
    assert "\x1b" not in cli("nope.safetensors").err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\ncolour = "never"\n', "line 2: there is no setting 'colour'; did you mean 'color'?"),
        ("zzzz = 1\n", "line 1: there is no setting 'zzzz'; settings: editing_mode, pager"),
        ('# nothing\nediting_mode = "vim"\n', "line 2: editing_mode takes 'emacs' or 'vi', not 'vim'"),
        ("workers = 0\n", "line 1: workers takes a whole number from 1 up, not 0"),
        ("workers = true\n", "line 1: workers takes a whole number from 1 up, not True"),
        ('memory = "none"\n', "line 1: memory takes a size, as in '2GB', not 'none'"),
        ('"memory" = "lots"\n', "line 1: memory takes a size, as in '2GB', not 'lots'"),
        ("shard_size = -1\n", "line 1: shard_size takes a size, as in '5GB', or 'none', not -1"),
        ('preview = "yes"\n', "line 1: preview takes true or false, not 'yes'"),
        ('pager = ""\n', "line 1: pager takes 'auto', 'never' or a command, not ''"),
        ("pager = [1]\n", "line 1: pager takes 'auto', 'never' or a command, not [1]"),
        ('\n[shell]\ncolor = "never"\n', "line 2: there is no setting 'shell'"),
        pytest.param(f"workers = {'1' * 5000}\n", "nothing of it holds", id="digits"),
        pytest.param(f"memory = '{'1' * 5000}'\n", "line 1: memory takes a size", id="digits of a size"),
        pytest.param(f"pager = {'[' * 5000}\n", "nothing of it holds", id="depth"),
        ("preview = \n", "config.toml: invalid value (at line 1, column 11); nothing of it holds"),
    ],
)
def test_mistakes(cli: Cli, text: str, said: str) -> None:
    """Warned about in one line; what else stands there holds, and what was asked for is done."""
    path = write(text)
    done = cli("--no-journal", "-c", "summarize")
    assert done.ok() == "transforms: []\n"
    assert done.err.startswith(f"warning: {path}")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_what_else_stands_there_holds() -> None:
    write('workers = "many"\nprovider = "arena"\nshard_size = 4096\n')
    options = parse_options([])
    assert (options.provider, options.shard_size) == ("arena", 4096)
    assert options.workers >= 1
    assert Options().shard_size == 5 * 2**30


def test_files_that_cannot_be_read(cli: Cli) -> None:
    path = config_path()
    path.mkdir(parents=True)
    done = cli("--no-journal", "-c", "summarize")
    done.ok()
    assert f"cannot read {path}" in done.err
    path.rmdir()
    path.write_bytes(b"color = '\xff'\n")
    assert "it is not UTF-8 text" in cli("--no-journal", "-c", "summarize").err
