"""Operations of users: where they are found, that they are operations like ours, and what broken ones do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
from brainsurgery_shell.extensions.load import forget_user_operations, load_user_operations
from completion.completion_views import view
from conftest import Cli

PAGE = (Path(__file__).parent.parent / "docs/extending.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HEAD = "from brainsurgery_shell.extend import *\n"
DOUBLED = (
    HEAD + "@tensorwise('NAME')\ndef double(tensor, *, name):\n    '''Twice.'''\n"
    "    return elementwise(lambda x: x.mul(2), tensor)\n"
)


@pytest.fixture(autouse=True)
def _built_in_only() -> Iterator[None]:
    yield
    forget_user_operations()


@pytest.fixture
def ops(folder: Path) -> Path:
    """An empty folder for operations, beside ``m.safetensors``."""
    torch.manual_seed(0)
    save_file(
        {"a": torch.randn(3, 4), "b": torch.randn(3, 4), "i": torch.arange(3)}, folder / "m.safetensors"
    )
    (folder / "ops").mkdir()
    return folder / "ops"


def doubled(name: str) -> str:
    return DOUBLED.replace("NAME", name)


def with_body(body: str) -> str:
    """An operation ``op_`` (and ``op``) whose function has this body, from line 5 on."""
    return HEAD + "@tensorwise('op')\ndef op(tensor, *, name):\n    '''An operation.'''\n" + f"    {body}\n"


def test_the_examples_of_the_page(cli: Cli, ops: Path) -> None:
    for number, text in enumerate(EXAMPLES):
        (ops / f"example{number}.py").write_text(text)
    before = load_file("m.safetensors")
    cli(
        "--ops-dir", ops, "m.safetensors",
        "-c", "soft_threshold: from: '([ab])', to: 's.\\1', by: 0.5",
        "-c", "mean_of: from: '[ab]', to: m, expect: 2",
        "-c", "soft_threshold_: target: a, by: 1",
        "-c", "save: out.safetensors",
    ).ok()  # fmt: skip
    after = load_file("out.safetensors")

    def shrunk(x: torch.Tensor, by: float) -> torch.Tensor:
        return x.sign() * torch.maximum(x.abs() - by, torch.zeros(()))

    for name in "ab":
        assert torch.equal(after[f"s.{name}"], shrunk(before[name], 0.5))
    assert torch.equal(after["a"], shrunk(before["a"], 1))
    assert torch.equal(after["m"], (before["a"] + before["b"]) / 2)
    assert "cast it to a float" in cli(
        "--ops-dir", ops, "m.safetensors", "-c", "soft_threshold_: target: i, by: 1"
    ).fails("int64")
    assert [path.name for path in ops.iterdir() if path.suffix != ".py"] == []


def test_what_help_shows_of_the_examples_binds(ops: Path) -> None:
    from brainsurgery_shell.declaration.bind import bind
    from brainsurgery_shell.lang.parser import parse_line

    for number, text in enumerate(EXAMPLES):
        (ops / f"example{number}.py").write_text(text)
    load_user_operations([ops], pytest.fail)
    lines = [line for each in OPERATIONS.all() if each.origin for line in each.examples]
    assert len(lines) == 3
    for line in lines:
        command = parse_line(line)
        assert command is not None
        bind(command)


def test_all_places_together(cli: Cli, ops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ops / "one.py").write_text(doubled("one"))
    own = Path(os.environ["XDG_CONFIG_HOME"]) / "brainsurgery/ops"
    own.mkdir(parents=True)
    (own / "two.py").write_text(doubled("two"))
    site = ops.parent / "site"
    (site / "pack-1.2.dist-info").mkdir(parents=True)
    (site / "pack-1.2.dist-info/METADATA").write_text("Name: pack\nVersion: 1.2\n")
    (site / "pack-1.2.dist-info/entry_points.txt").write_text(
        "[brainsurgery.ops]\nthree = pack_for_test.three\nfour = pack_for_test.four\ngone = pack_for_test.gone\n"
    )
    (site / "pack_for_test").mkdir()
    (site / "pack_for_test/__init__.py").write_text("from . import four\n")
    (site / "pack_for_test/three.py").write_text(doubled("three"))
    (site / "pack_for_test/four.py").write_text(doubled("four"))
    monkeypatch.syspath_prepend(str(site))
    for _ in range(2):  # the second time nothing is new to Python
        words = [word for name in ("one", "two", "three", "four") for word in ("-c", f"{name}_: a")]
        done = cli(
            "--ops-dir",
            ops,
            "m.safetensors",
            *words,
            "-c",
            "help: three",
            "-c",
            "save: out.safetensors",
            "--overwrite",
        )
        assert "pack_for_test.three (pack 1.2)" in done.ok()
        assert done.err.count("warning") == 1
        assert "No module named 'pack_for_test.gone'" in done.err
        assert torch.equal(load_file("out.safetensors")["a"], load_file("m.safetensors")["a"] * 16)
    cli("m.safetensors", "-c", "one_: a").fails("unknown operation 'one_'")


def test_folders_count_once_and_private_files_not_at_all(ops: Path) -> None:
    (ops / "one.py").write_text(doubled("one"))
    (ops / "_shared.py").write_text("1 / 0")
    (ops / "notes.txt").write_text("1 / 0")
    load_user_operations([ops, ops / "..", ops / "../ops", Path("ops")], pytest.fail)
    assert OPERATIONS.get("one_") is not None


@pytest.mark.parametrize("name", ["nowhere", "m.safetensors"])
def test_a_folder_that_is_none(cli: Cli, ops: Path, name: str) -> None:
    cli("--ops-dir", name, "m.safetensors").fails("--ops-dir", name, status=2)


BROKEN = {
    "syntax": ("x = (\n", 1, "SyntaxError"),
    "import": (HEAD + "import no_such_module_at_all\n", 2, "ModuleNotFoundError"),
    "not stable": ("from brainsurgery_shell.extend import nothing_like_it\n", 1, "ImportError"),
    "exception": (doubled("half") + "\n\n1 / 0\n", 8, "ZeroDivisionError"),
    "leaves": (doubled("half") + "raise SystemExit(3)\n", 6, "SystemExit"),
    "no docstring": (HEAD + "@operation('half')\ndef half(context):\n    pass\n", 2, "needs a docstring"),
    "built in": (doubled("half") + doubled("scale"), 7, "'scale' exists already: it is built in"),
    "twin built in": (doubled("keep"), 2, "exists already"),
    "of another file": (doubled("half") + doubled("good"), 7, "declared in"),
    "nothing": (HEAD, None, "declares no operation"),
    "no name": (doubled("two words"), 2, "cannot name an operation"),
    "no kind": (HEAD + "@operation('half', Parameter('by', float, 'x'))\ndef half(context, by):\n    'Half.'\n", 2, "Parameter("),
    "same parameter": (HEAD + "@operation('half', FROM, FROM)\ndef half(context, by):\n    'Half.'\n", 2, "names two"),
    "example": (HEAD + "@operation('half', examples=('half: a: b: c',))\ndef half(context):\n    'Half.'\n", 2, "expected"),
    "not utf-8": (b"x = '\xff'\n", 1, "SyntaxError"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_reported_and_leaves_nothing(cli: Cli, ops: Path, case: str) -> None:
    text, line, words = BROKEN[case]
    (ops / "broken.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    (ops / "a_good.py").write_text(doubled("good"))
    known, expressions = OPERATIONS.names(), EXPRESSIONS.names()
    modules = set(sys.modules)
    done = cli("--ops-dir", ops, "m.safetensors", "-c", "good_: a", "-c", "help: hal")
    err = done.fails(words, "unknown operation or topic 'hal'", "not loaded: ")
    assert err.count("warning: ") == 1
    where = str(ops / "broken.py") + (f", line {line}" if line is not None else "")
    assert f"warning: {where}" in err
    assert err.count(where) == 2, "the hint names it again"
    assert OPERATIONS.get("half") is None
    assert OPERATIONS.get("half_") is None
    assert {each for each in sys.modules if "broken.py" in each} <= modules
    forget_user_operations()
    assert set(known) <= set(OPERATIONS.names())
    assert not any(each.origin for each in OPERATIONS.all())
    assert set(expressions) <= set(EXPRESSIONS.names())


def test_no_warning_where_none_is_wanted(cli: Cli, ops: Path) -> None:
    (ops / "broken.py").write_text("1 / 0")
    assert cli("--ops-dir", ops, "--log-level", "error", "m.safetensors", "-c", "dump").err == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("return 1 / 0", ["ZeroDivisionError: division by zero", "line 5"], id="exception"),
        pytest.param("raise SystemExit", ["SystemExit", "line 5"], id="leaves"),
        pytest.param("return missing(tensor)", ["NameError", "line 5"], id="name"),
        pytest.param("raise StopIteration", ["StopIteration", "line 5"], id="stop"),
        pytest.param("return None", ["found NoneType"], id="nothing"),
        pytest.param("return 'x'", ["found str"], id="a string"),
        pytest.param("fail('not today')", ["not today"], id="refusal"),
        pytest.param("return elementwise(lambda x: 1 / 0, tensor)", ["ZeroDivisionError", "line 5"], id="later"),
        pytest.param("return elementwise(lambda x: x.nothing(), tensor)", ["AttributeError", "line 5"], id="attribute"),
        pytest.param("return elementwise(lambda x: x.view(7, 99), tensor)", ["RuntimeError", "line 5"], id="torch"),
        pytest.param("return elementwise(lambda x: {}[0], tensor)", ["KeyError", "line 5"], id="key"),
        pytest.param("return elementwise(lambda x: x.double(), tensor)", ["float64", "expected torch.float32"], id="dtype"),
        pytest.param("return elementwise(lambda x: x.int(), tensor)", ["int32", "expected torch.float32"], id="same size"),
        pytest.param("return elementwise(lambda x: x[:-1], tensor)", ["shape"], id="length"),
        pytest.param("return elementwise(lambda x: 3, tensor)", ["expected a torch tensor, found int"], id="number"),
        pytest.param("return elementwise(lambda x: x.mul_(2), tensor)", ["changes a tensor"], id="in place"),
        pytest.param("return whole(lambda x: x.T, tensor, shape=(3, 4))", ["[4, 3]"], id="whole shape"),
        pytest.param("return whole(lambda x: 1 / 0, tensor, shape=(3, 4))", ["ZeroDivisionError", "line 5"], id="whole"),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_an_operation_changes_nothing(
    cli: Cli, ops: Path, body: str, words: list[str]
) -> None:
    (ops / "op.py").write_text(with_body(body))
    script = "op_: a\nsave: out.safetensors\n"
    err = cli("--ops-dir", ops, "m.safetensors", "--session", "s", stdin=script).fails("op")
    for word in words:
        assert word in err, err
    assert "not today" in err or str(ops / "op.py") in err
    assert not Path("out.safetensors").exists()


def test_what_a_whole_function_makes(cli: Cli, ops: Path) -> None:
    (ops / "op.py").write_text(
        with_body("return whole(lambda x: x.sort(0).values, tensor, shape=tensor.shape)")
    )
    for words in ([], ["--provider", "arena", "--memory", "1", "--workers", "3"]):
        lines = ["-c", "scale_: target: '[ab]', by: 3", "-c", "op_: .*", "-c", "save: out.safetensors"]
        cli("--ops-dir", ops, "--overwrite", *words, "m.safetensors", *lines).ok()
        for name, before in load_file("m.safetensors").items():
            scaled = before if name == "i" else before * 3
            assert torch.equal(load_file("out.safetensors")[name], scaled.sort(0).values)


EXPRESSION = (
    HEAD
    + "@expression('tall', OF, examples=('assert: tall: a',))\ndef tall(context, of):\n    '''Rank 2.'''\n    RESULT\n"
)


@pytest.mark.parametrize(
    ("result", "status", "words"),
    [
        ("return None", 0, ""),
        ("return 'it is small'", 1, "assertion failed: it is small"),
        ("return False", 1, "returned bool"),
        ("return {}[1]", 1, "KeyError"),
        ("raise Undecided", 1, ""),
    ],
)
def test_expressions(cli: Cli, ops: Path, result: str, status: int, words: str) -> None:
    (ops / "tall.py").write_text(EXPRESSION.replace("RESULT", result))
    if "Undecided" not in result:
        done = cli("--ops-dir", ops, "m.safetensors", "-c", "assert: tall: a")
        assert (done.status, "Traceback" in done.err) == (status, False)
        assert words in done.err
    else:
        cli("--ops-dir", ops, "--dry-run", "m.safetensors", "-c", "assert: tall: a").ok()
    assert "tall" in cli("--ops-dir", ops, "-c", "help").ok()
    assert str(ops / "tall.py") in cli("--ops-dir", ops, "-c", "help: assert: tall").ok()
    cli("--ops-dir", ops, "m.safetensors", "-c", "assert: { exists: a }").ok()


def test_a_kind_of_ones_own(cli: Cli, ops: Path) -> None:
    (ops / "op.py").write_text(
        HEAD
        + "class Odd(Kind):\n    words = 'an odd number'\n    def accept(self, node):\n        return 1 / node.value\n"
        "@operation('odd', Parameter('by', Odd(), 'how odd'))\ndef odd(context, by):\n    '''Odd.'''\n    return Report([str(by)])\n"
    )
    assert "0.5" in cli("--ops-dir", ops, "-c", "odd: 2").ok()
    cli("--ops-dir", ops, "-c", "odd: 0").fails("odd: by: ZeroDivisionError", str(ops / "op.py"))


def test_help_and_completion(cli: Cli, ops: Path) -> None:
    (ops / "double.py").write_text(doubled("zz_double"))
    out = cli("--ops-dir", ops, "-c", "help", "-c", "help: zz_double_").ok()
    assert "  zz_double, zz_double_" in out
    assert f"declared in {ops / 'double.py'}" in out
    session = view(model=["x.weight"])
    assert {"zz_double", "zz_double_"} <= set(session.shown("zz_"))
    assert "target" in session.shown("zz_double_: ")
    assert any("x.weight" in line for line in session.lines("zz_double_: target: x."))


def test_plans_are_checked_before_anything_is_written(cli: Cli, ops: Path) -> None:
    (ops / "double.py").write_text(doubled("double"))
    plan = "inputs: [m.safetensors]\ntransforms:\n  - double_: { target: NAME }\noutput: out.safetensors\n"
    Path("plan.yaml").write_text(plan.replace("NAME", "nowhere"))
    cli("--ops-dir", ops, "plan.yaml").fails("nowhere", "line 3", status=2)
    Path("plan.yaml").write_text(plan.replace("NAME", "a"))
    cli("plan.yaml").fails("unknown operation 'double_'", status=2)
    cli("--ops-dir", ops, "plan.yaml").ok()
    assert torch.equal(load_file("out.safetensors")["a"], load_file("m.safetensors")["a"] * 2)


def test_check_and_schema_know_it(cli: Cli, ops: Path) -> None:
    (ops / "double.py").write_text(doubled("double"))
    Path("plan.yaml").write_text(
        "inputs: [m.safetensors]\ntransforms:\n  - double_: a\noutput: out.safetensors\n"
    )
    cli("check", "--ops-dir", ops, "plan.yaml").ok()
    assert cli("check", "plan.yaml").status == 2
    assert '"double_"' in cli("schema", "--ops-dir", ops).ok()
    assert '"double_"' not in cli("schema").ok()


def test_a_session_resumes_with_the_operation_and_says_what_it_misses_without(cli: Cli, ops: Path) -> None:
    (ops / "double.py").write_text(doubled("double"))
    cli("--ops-dir", ops, "--session", "s", "m.safetensors", "-c", "double_: a").ok()
    cli("resume", "s").fails("'double_'", f"brainsurgery resume s --ops-dir {ops}")
    out = cli(
        "resume", "s", "--ops-dir", ops, "-c", "save: out.safetensors", "-c", "undo", "-c", "history"
    ).ok()
    assert "double_: a" in out
    assert torch.equal(load_file("out.safetensors")["a"], load_file("m.safetensors")["a"] * 2)
    (ops / "double.py").write_text("1 / 0")
    cli("resume", "s", "--ops-dir", ops).fails(f"not loaded: {ops / 'double.py'}, line 1")


def test_without_files_of_users_nothing_heavy_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from brainsurgery_shell.cli import main; main(['-c', 'help']); "
        "print('importlib.metadata' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "False"
