"""The command line: statuses, standard input, redirects, ``-c``, dry runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli

BINARY = [sys.executable, "-c", "from brainsurgery_shell.cli import main; raise SystemExit(main())"]


@pytest.fixture(autouse=True)
def model(folder: Path) -> Path:
    path = folder / "m.safetensors"
    save_file({"a": torch.arange(4.0), "b": torch.ones(2, 2)}, path)
    return path


@pytest.mark.parametrize(
    ("arguments", "stdin", "status"),
    [
        (["m.safetensors", "-c", "scale_: target: a, by: 2", "-c", "undo"], "", 0),
        (["m.safetensors", "-c", "scale_: target: a by: 2"], "", 2),
        (["m.safetensors", "-c", "scale_: target: nope, by: 2"], "", 1),
        (["m.safetensors", "-c", "scael_: target: a, by: 2"], "", 1),
        (["m.safetensors", "-c", "assert: iszero: a"], "", 1),
        (["m.safetensors", "--wat"], "", 2),
        (["m.safetensors", "--workers", "0"], "", 2),
        (["m.safetensors", "--workers", "x"], "", 2),
        (["m.safetensors", "--workers", "1" * 5000], "", 2),
        (["m.safetensors", "--memory", "1" * 5000], "", 2),
        (["m.safetensors", "--shard-size", f"{'1' * 500}.5GB"], "", 2),
        (["m.safetensors", "--memory", "lots"], "", 2),
        (["m.safetensors", "--provider", "cloud"], "", 2),
        (["m.safetensors", "--log-level", "shout"], "", 2),
        (["m.safetensors", "x=1"], "", 2),
        (["resume", "nothing-like-it"], "", 2),
        (["resume"], "", 2),
        (["sessions", "x"], "", 2),
        (["sessions", "--all"], "", 2),
        (["sessions", "delete"], "", 2),
        (["sessions", "delete", "x"], "", 2),
        (["sessions", "rename", "x"], "", 2),
        (["sessions", "export", "x", "y", "z"], "", 2),
        (["completion"], "", 2),
        (["completion", "tcsh"], "", 2),
        (["complete"], "", 2),
        (["complete", "dump", "--cursor", "9"], "", 2),
        (["complete", "dump", "x.yaml"], "", 2),
        (["oly"], "", 2),
        (["oly", "a: b: c: d"], "", 2),
        (["oly", "dump > x"], "", 2),
        (["oly", "--to", "xml", "dump"], "", 2),
        (["nope.yaml"], "", 2),
        (["nope.oly"], "", 2),
        (["m.safetensors"], "scale_: target: a, by: 2\n\n# a comment\ndump\nundo\n", 0),
        (["m.safetensors"], "dump\nscale_: target: nope, by: 2\n", 1),
        (["m.safetensors"], "exit\nnonsense nonsense\n", 0),
        (["--version"], "", 0),
        (["--help"], "", 0),
        (["sessions"], "", 0),
        (["sessions", "--json"], "", 0),
        (["sessions", "--names"], "", 0),
        (["completion", "bash"], "", 0),
        (["complete", "du"], "", 0),
        (["oly", "dump"], "", 0),
    ],
)
def test_statuses(cli: Cli, arguments: list[str], stdin: str, status: int) -> None:
    done = cli(*arguments, stdin=stdin)
    assert done.status == status, done.err
    assert "Traceback" not in done.err
    assert bool(done.err) == bool(status)
    if status:
        assert done.err.startswith("error: ")


def test_a_missing_checkpoint(cli: Cli) -> None:
    done = cli("mm.safetensors")
    assert done.status in (1, 2)
    assert "mm.safetensors" in done.err


def test_standard_input_stops_at_the_first_error_with_its_line(cli: Cli) -> None:
    done = cli("m.safetensors", stdin="delete: a\n\nscale_: target: a, by: 2\nsave: o.safetensors\n")
    done.fails("line 3", "scale_: target: a, by: 2")
    assert not Path("o.safetensors").exists()


def test_a_script_stops_at_the_first_error_with_its_line(cli: Cli) -> None:
    Path("s.oly").write_text("delete: a\n# nothing\nscale_: target: a, by: 2\n")
    cli("m.safetensors", "s.oly").fails("s.oly", "line 3")
    Path("t.oly").write_text("load: m.safetensors\ndelete: a\nsave: t.safetensors\n")
    cli("t.oly", stdin="nonsense that is not read").ok()
    assert list(load_file("t.safetensors")) == ["b"]


def test_commands_run_in_order(cli: Cli) -> None:
    done = cli(
        "m.safetensors",
        "-c",
        "scale_: target: a, by: 2",
        "-c",
        "dump: target: a, format: json, verbosity: full",
    )
    assert json.loads(done.ok())[0]["values"] == [0, 2, 4, 6]


def test_interactive_reads_standard_input_after_commands(cli: Cli) -> None:
    done = cli("m.safetensors", "-i", "-c", "delete: a", stdin="dump: format: compact\n")
    assert done.ok().startswith("model::b")
    assert cli("m.safetensors", "-c", "delete: a", stdin="nonsense nonsense").ok() == ""


def test_redirects(cli: Cli) -> None:
    cli("m.safetensors", "-c", "dump: target: a, format: compact > out.txt").ok()
    first = Path("out.txt").read_text()
    assert first.startswith("model::a")
    cli("m.safetensors", "-c", "dump: target: b, format: compact >> out.txt").ok()
    both = Path("out.txt").read_text()
    assert both.startswith(first)
    assert "model::b" in both
    for line in (
        "dump: nope > out.txt",
        "assert: iszero: a > out.txt",
        "dump: nope >> out.txt",
        "dmp > out.txt",
    ):
        cli("m.safetensors", "-c", line).fails()
        assert Path("out.txt").read_text() == both
    cli("m.safetensors", "-c", "dump: target: 'a b > c', expect: 0 > 'with blank.txt'").ok()
    cli("m.safetensors", "-c", "dump > no/such/folder/x").fails("no/such/folder/x")
    cli("m.safetensors", "-c", "dump > .").fails()


def test_pipes_and_shell_commands(cli: Cli, capfd: pytest.CaptureFixture[str]) -> None:
    cli("m.safetensors", "-c", "dump: format: compact | sort -r > sorted.txt").ok()
    assert [line[:8] for line in Path("sorted.txt").read_text().splitlines()] == ["model::b", "model::a"]
    cli("m.safetensors", "-c", "!echo hello > hello.txt").ok()
    assert Path("hello.txt").read_text() == "hello\n"
    cli("m.safetensors", "-c", "dump | false").fails("false")
    cli("m.safetensors", "-c", "!exit 3").fails("3")
    cli("m.safetensors", "-c", "dump: nope | cat > x.txt").fails("nope")
    assert not Path("x.txt").exists()
    capfd.readouterr()


def test_saves_do_not_overwrite_unasked(cli: Cli, model: Path) -> None:
    before = model.read_bytes()
    cli("m.safetensors", "-c", "delete: a", "-c", "save: m.safetensors").fails("overwrite")
    assert model.read_bytes() == before
    cli("m.safetensors", "-c", "delete: a", "-c", "save: path: m.safetensors, overwrite: true").ok()
    cli(
        "m.safetensors",
        "--overwrite",
        "-c",
        "delete: target: b, expect: 1",
        "-c",
        "save: m.safetensors",
    ).ok()
    assert load_file(model) == {}


def test_save_one_tensor_and_expect(cli: Cli) -> None:
    cli("m.safetensors", "-c", "save: path: one.safetensors, target: b").ok()
    assert list(load_file("one.safetensors")) == ["b"]
    cli("m.safetensors", "-c", "save: path: x.safetensors, target: '.*'").fails("2", "one")
    cli("m.safetensors", "-c", "save: path: x.safetensors, expect: 3").fails("3", "2")
    assert not Path("x.safetensors").exists()


def test_providers_and_budgets_give_the_same_bytes(cli: Cli) -> None:
    lines = [
        "-c",
        "transpose_: target: b",
        "-c",
        "add_: from: b, to: b",
        "-c",
        "reshape_: target: a, shape: [2, 2]",
    ]
    outputs = []
    for number, options in enumerate(
        (
            [],
            ["--memory", "1"],
            ["--provider", "arena", "--arena-root", "scratch"],
            ["--workers", "1"],
            ["--workers", "7"],
        )
    ):
        cli("m.safetensors", *options, *lines, "-c", f"save: o{number}.safetensors").ok()
        outputs.append(Path(f"o{number}.safetensors").read_bytes())
    assert len(set(outputs)) == 1


def test_several_checkpoints_need_aliases(cli: Cli) -> None:
    cli("m.safetensors", "m.safetensors").fails("alias", status=2)
    cli("a::m.safetensors", "a::m.safetensors").fails("twice", status=2)
    cli(
        "a::m.safetensors", "b::m.safetensors", "-c", "assert: equal: { left: 'a::(.*)', right: 'b::\\1' }"
    ).ok()


def test_errors_point_into_the_line(cli: Cli) -> None:
    error = cli("m.safetensors", "-c", "scale_: target: a, by: x").fails("^ column 24")
    line, caret = (each for each in error.splitlines() if each.startswith("  "))
    assert line[caret.index("^")] == "x"


def test_an_interrupt_has_status_130() -> None:
    process = subprocess.Popen(
        [*BINARY, "m.safetensors"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("dump: format: compact\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith("model::")
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in error


def test_torch_is_not_taken_to_pieces_at_the_end() -> None:
    """That takes half a second. What was printed is there all the same."""
    code = (
        "import atexit, sys, torch; from brainsurgery_shell.cli import main; "
        "atexit.register(print, 'taken to pieces'); sys.argv[1:] = ['--version']; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"brainsurgery \S+\n", done.stdout)


def test_bytes_that_are_no_text() -> None:
    """On standard input, in an argument, in a script: an error, and no traceback."""
    Path("bad.oly").write_bytes(b"dump: '\xff'\n")
    environment = {**os.environ, "PYTHONUTF8": "1"}
    runs: list[tuple[list[object], bytes]] = [
        (["m.safetensors"], b"dump: '\xff\xfe'\n"),
        (["m.safetensors", "bad.oly"], b""),
        (["m.safetensors", "-c", b"copy: from: a, to: 'x\xff'"], b""),
        (["m.safetensors", "-c", b"dump > 'x\xff'"], b""),
        ([b"nope\xff.safetensors"], b""),
    ]
    for arguments, stdin in runs:
        done = subprocess.run(
            [*BINARY, *arguments], input=stdin, capture_output=True, env=environment, check=False
        )  # type: ignore[list-item]
        assert b"Traceback" not in done.stderr, (arguments, done.stderr.decode(errors="replace"))
        assert done.returncode in (0, 1, 2)


def test_a_reader_that_leaves() -> None:
    done = subprocess.run(
        f"{sys.executable} -c '{BINARY[2]}' m.safetensors -c dump -c dump | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not re.search("Traceback|Exception", done.stderr)


@pytest.mark.parametrize("arguments", ["--version", "m.safetensors -c dump"])
def test_output_that_cannot_be_written(arguments: str) -> None:
    """A reader that left, and a full disk: a status, and nothing of Python's own."""
    command = f"{sys.executable} -c '{BINARY[2]}' {arguments}"
    for redirect, status, said in (
        ("| true", 141, ""),
        ("> /dev/full", 1, "error: standard output: No space left on device\n"),
    ):
        done = subprocess.run(
            ["bash", "-c", f"(sleep 0.3; exec {command}) {redirect}; exit ${{PIPESTATUS[0]}}"],
            env={**os.environ, "PYTHONUNBUFFERED": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (status, said)


def test_closed_streams() -> None:
    """Nothing to read, nowhere to print; and no file of ours gets the number of a closed stream."""
    command = f"{sys.executable} -c '{BINARY[2]}' m.safetensors"
    for redirects, status in (("<&-", 0), ("-c dump >&-", 0), ("-c nope 2>&-", 1)):
        done = subprocess.run(f"{command} {redirects}", shell=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (status, b"")
    subprocess.run(f"{command} -c 'save: o.safetensors' <&- >&- 2>&-", shell=True, check=True)
    assert load_file("o.safetensors").keys() == {"a", "b"}


def test_a_dry_run_writes_no_summary(cli: Cli, model: Path) -> None:
    done = cli(model, "--dry-run", "--summarize-path", "p.yaml", "-c", "delete: a")
    done.ok()
    assert "would write the summary p.yaml" in done.err
    assert not Path("p.yaml").exists()


def test_paths_that_are_none(cli: Cli, model: Path) -> None:
    """Nothing at all, a NUL, the home of somebody unknown."""
    cli("~nobody-here/x.safetensors").fails("~nobody-here/x.safetensors")
    cli("~nobody-here/x.yaml").fails("~nobody-here/x.yaml", status=2)
    cli(model, "-c", "dump > ~nobody-here/x").fails("~nobody-here/x")
    cli(model, "-c", "save: ''").fails("'' is no path")
    cli(model, "-c", "load: path: '', alias: x").fails("'' is no path")
    Path("p.yaml").write_text('inputs: m.safetensors\noutput: "a\\0b.pt"\n')
    cli("p.yaml").fails("is no path", "line 2", status=2)


def test_log_levels(cli: Cli, model: Path) -> None:
    """Warnings and less important messages can be silenced, errors cannot."""
    lines = ("-c", "scale_: target: a, by: 1e30", "-c", "cast_: target: a, to: float16", "-c", "save: o")
    said = {
        level: cli(model, "--overwrite", "--log-level", level, *lines)
        for level in ("error", "warning", "info")
    }
    assert {level: "overflowed" in done.err for level, done in said.items()} == {
        "error": False, "warning": True, "info": True
    }  # fmt: skip
    cli(model, "--session", "a", "-c", "delete: a").ok()
    assert "resumed a" in cli("resume", "a", "--log-level", "info", "-c", "dump").err
    assert cli("resume", "a", "--log-level", "warning", "-c", "dump").err == ""
    cli(model, "--log-level", "error", "-c", "nope").fails("nope")
    for level in ("debug", "critical"):
        cli(model, "--log-level", level).fails("'error', 'warning', 'info'", status=2)


def test_shard_sizes(cli: Cli, folder: Path) -> None:
    """The option is what ``shard`` is where a step does not say it; sizes are powers of 1024."""
    save_file({name: torch.zeros(256) for name in "abc"}, "k.safetensors")

    def files(*arguments: str) -> int:
        cli("k.safetensors", "--overwrite", *arguments).ok()
        return len(list((folder / "o").glob("*.safetensors")))

    assert files("-c", "save: o") == 1
    assert files("--shard-size", "2KB", "-c", "save: o") == 2
    assert files("--shard-size", "2KiB", "-c", "save: o") == 2
    assert files("--shard-size", "2047", "-c", "save: o") == 3
    assert files("--shard-size", "none", "-c", "save: o") == 1
    assert files("--shard-size", "1KB", "-c", "save: path: o, shard: none") == 1
    assert files("--shard-size", "none", "-c", "save: path: o, shard: 1KB") == 3


def test_yaml_at_the_prompt_is_told_what_to_write(cli: Cli) -> None:
    cli("m.safetensors", stdin="- copy: { from: a, to: c }\n").fails("leave out the '-'", "line 1", status=2)
    cli("m.safetensors", stdin="{ copy: { from: a, to: c } }\n").fails("leave out the outer braces", status=2)
    cli("m.safetensors", stdin="copy: { from: a, to: c }\nassert: exists: c\n").ok()


def test_words_and_options_in_any_order(cli: Cli, model: Path) -> None:
    Path("s.oly").write_text("dump\n")
    assert "float32" in cli(model, "--no-journal", "s.oly").ok()


def test_an_unknown_option_names_the_nearest(cli: Cli, model: Path) -> None:
    cli(model, "--num-workers", "2").fails("--num-workers", "did you mean '--workers'?", status=2)


def test_names_of_tensors_do_not_reach_the_terminal(cli: Cli, folder: Path) -> None:
    save_file({"a\x1b[31m": torch.ones(1)}, folder / "x.safetensors")
    assert "\x1b" not in cli("x.safetensors", "-c", "delete: a").fails("its names are like")


def test_help_and_version(cli: Cli) -> None:
    assert "--shard-size SIZE" in cli("--help").ok()
    assert cli("--version").ok().startswith("brainsurgery ")


def test_names_that_the_locale_cannot_write_are_shown_with_escapes(tmp_path: Path) -> None:
    save_file({"é.漢": torch.ones(2)}, tmp_path / "odd.safetensors")
    words = ["--no-journal", "odd.safetensors", "-c", "dump"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*BINARY, *words], cwd=tmp_path, env=environment, capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "model::\n  \\xe9\n    \\u6f22  float32 [2]  8 B\n"
