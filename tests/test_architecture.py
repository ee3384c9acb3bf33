"""Who may import whom, and what is never imported on the way to the prompt."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import brainsurgery_shell

PACKAGE = "brainsurgery_shell"
SOURCE = Path(brainsurgery_shell.__file__).parent

# A package or module of ours, and what it may import of ours: rows above it only, so that there is one direction.
ALLOWED: dict[str, str] = {
    "errors": "",
    "collector": "",
    "views": "",
    "interrupts": "",
    "lang": "errors collector",
    "graph": "errors",
    "storage": "errors collector interrupts graph",
    "workspace": "errors views lang graph",
    "declaration": "errors views lang graph workspace",
    "assertions": "errors lang graph workspace declaration",
    "ops": "errors views lang graph workspace declaration assertions",
    "describe": "errors views declaration assertions ops",
    "session": "errors collector interrupts views lang graph storage workspace declaration ops describe",
    "extensions": "errors lang graph workspace declaration assertions ops",
    "extend": "errors lang graph workspace declaration assertions extensions",
    "lexer": "lang",
    "completion": "errors lang graph workspace declaration describe",
    "messages": "errors",
    "progress": "",
    "usage": "",
    "configuration": "errors lang usage",
    "options": "errors lang messages usage configuration",
    "convert": "errors lang",
    "repl": "errors views lang declaration describe session lexer completion",
    "modes": "errors graph extensions messages progress options session repl",
    "schema": "errors declaration describe session extensions messages options",
    "check": "errors lang describe session extensions messages options modes",
    "sessions": "errors session usage",
    "suggest": "errors extensions completion messages options modes",
    "completion_scripts": "errors usage",
    "cli": "errors messages usage options convert modes schema check sessions suggest completion_scripts",
}

# The same within storage, for its modules and packages. Formats import each other only where one holds the other.
STORAGE: dict[str, str] = {
    "names": "",
    "invalid": "",
    "text": "",
    "strangers": "",
    "regular": "",
    "tied": "",
    "container": "",
    "layout": "container",
    "formats": "container names",
    "folder": "names",
    "pickles": "",
    "zips": "container invalid regular",
    "safetensors": "container invalid layout names regular strangers",
    "torch": "container invalid layout names pickles regular strangers text tied zips",
    "numpy": "container invalid names regular strangers text zips",
    "dcp": "container invalid layout names pickles regular strangers text torch zips",
    "output": "container folder formats layout names",
    "read": "container folder formats names output",
}

# What is not ours and not Python's, and its only homes. Annotations may name its types anywhere.
HOMES: dict[str, str] = {
    "torch": "graph",
    "orjson": "storage",
    "ruamel": "session",
    "platformdirs": "session extensions repl configuration",
    "pygments": "lexer",
    "prompt_toolkit": "repl",
}


def rooms(folder: Path = SOURCE) -> dict[str, list[Path]]:
    """The files of every package and module in a folder."""
    found: dict[str, list[Path]] = {}
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        if room != "__init__":
            found.setdefault(room, []).append(path)
    return found


def statements(node: ast.AST, *, types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports below a node; those under ``if TYPE_CHECKING`` only if ``types``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            if types:
                yield from statements(child, types=types)
        else:
            yield from statements(child, types=types)


def imported(path: Path, *, types: bool) -> Iterator[str]:
    """The dotted names that a file imports."""
    for each in statements(ast.parse(path.read_text(encoding="utf-8")), types=types):
        if isinstance(each, ast.Import):
            yield from (alias.name for alias in each.names)
        else:
            assert each.level == 0, f"{path}: imports of ours are absolute"
            assert each.module is not None
            if each.module in (PACKAGE, f"{PACKAGE}.storage"):
                yield from (f"{each.module}.{alias.name}" for alias in each.names)
            else:
                yield each.module


def imports_of_ours(room: str) -> set[str]:
    names = {name for path in rooms()[room] for name in imported(path, types=True)}
    parts = (name.split(".") for name in names if name.split(".")[0] == PACKAGE)
    return {each[1] for each in parts if len(each) > 1 and each[1] != "__version__"} - {room}


def imports_within_storage(room: str) -> set[str]:
    paths = rooms(SOURCE / "storage")[room]
    names = [name.split(".") for path in paths for name in imported(path, types=True)]
    return {each[2] for each in names if each[:2] == [PACKAGE, "storage"]} - {room}


def test_every_room_is_in_the_table() -> None:
    assert rooms().keys() == ALLOWED.keys()
    assert rooms(SOURCE / "storage").keys() == STORAGE.keys()


@pytest.mark.parametrize("table", [ALLOWED, STORAGE], ids=["all", "storage"])
def test_the_table_has_one_direction(table: dict[str, str]) -> None:
    above: set[str] = set()
    for room, allowed in table.items():
        assert set(allowed.split()) <= above, f"{room} may import only what stands above it"
        above.add(room)


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_are_those_of_the_table(room: str) -> None:
    """Both ways: a permission that nobody needs is taken back."""
    assert imports_of_ours(room) == set(ALLOWED[room].split())


@pytest.mark.parametrize("room", STORAGE)
def test_imports_within_storage_are_those_of_the_table(room: str) -> None:
    assert imports_within_storage(room) == set(STORAGE[room].split())


def test_the_page_about_it_says_the_same() -> None:
    page = (Path(__file__).parent.parent / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| ?(.*) \|$", page, re.MULTILINE)
    assert len(rows) > 10
    for room, cell in rows:
        assert cell.replace(",", "") == ALLOWED[room], room


def test_what_is_not_ours_has_a_home() -> None:
    found: dict[str, set[str]] = {}
    for room, paths in rooms().items():
        for path in paths:
            for name in imported(path, types=False):
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top != PACKAGE:
                    found.setdefault(top, set()).add(room)
    strays = {top: homes - set(HOMES.get(top, "").split()) for top, homes in found.items()}
    assert not {top: sorted(homes) for top, homes in strays.items() if homes}


def modules_after(folder: Path, *commands: list[str]) -> set[str]:
    """The modules that a fresh interpreter holds after these command lines."""
    program = (
        "import json, sys\n"
        "from brainsurgery_shell.cli import main\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    status = main(command)\n"
        "    assert status == 0, (command, status)\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """``model.safetensors`` in ``tmp_path``."""
    tensors = {
        name: {"dtype": "F32", "shape": [2], "data_offsets": [8 * at, 8 * at + 8]}
        for at, name in enumerate("ab")
    }
    header = json.dumps(tensors).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    return tmp_path


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param([], id="nothing"),
        pytest.param([["--help"]], id="help"),
        pytest.param([["--version"]], id="version"),
        pytest.param([["oly", "delete: x"], ["sessions"]], id="oly, sessions"),
    ],
)
def test_the_command_line_itself_is_light(tmp_path: Path, commands: list[list[str]]) -> None:
    heavy = {"torch", "numpy", "rich", "ruamel", "prompt_toolkit", "pygments"}
    assert not modules_after(tmp_path, *commands) & heavy


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="open"),
        pytest.param(["-c", "help", "-c", "dump", "-c", "ls", "-c", "history", "-c", "prefixes"], id="look"),
        pytest.param(
            ["-c", "scale_: target: '.*', by: 2", "-c", "cast_: target: a, to: f16"], id="compute later"
        ),
        pytest.param(
            ["-c", "move: from: a, to: c", "-c", "undo", "-c", "redo", "-c", "summarize"], id="rename"
        ),
        pytest.param(["-c", "move: from: '(.*)', to: 'x.\\1'", "-c", "save: out"], id="save renamed"),
        pytest.param(["-c", "assert: shape: { of: '.*', is: [2] }"], id="assert on headers"),
    ],
)
def test_headers_need_no_torch(checkpoint: Path, words: list[str]) -> None:
    modules = modules_after(checkpoint, ["model.safetensors", *words])
    assert not modules & {"torch", "numpy", "prompt_toolkit"}


def test_a_rename_only_plan_needs_no_torch(checkpoint: Path) -> None:
    (checkpoint / "plan.yaml").write_text(
        "inputs: [model.safetensors]\ntransforms:\n  - move: { from: '(.*)', to: 'x.\\1' }\noutput: out\n"
    )
    assert "torch" not in modules_after(checkpoint, ["plan.yaml"])


def test_computing_needs_torch(checkpoint: Path) -> None:
    """What the tests above look for can be seen."""
    words = ["model.safetensors", "-c", "scale_: target: '.*', by: 2", "-c", "save: out"]
    assert "torch" in modules_after(checkpoint, words)


def test_the_prompt_needs_no_torch(checkpoint: Path) -> None:
    program = (
        "import sys; from brainsurgery_shell.repl.prompt import Prompt; "
        "print(sorted({'torch', 'numpy', 'ruamel', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
