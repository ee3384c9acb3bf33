"""What README.md shows is true: its commands parse, its sessions run and print what it says they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from brainsurgery_shell.describe import help_topics
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.options import parse_options

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TERMINAL = ROOT / "scripts/walkthrough/terminal.py"
PROMPT = re.compile(r"^model\*?> (.*)$", re.MULTILINE)


def fenced(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shell_lines() -> list[str]:
    return PROMPT.findall(fenced("console")[0])


def oly_lines(text: str = README) -> list[str]:
    return [line for block in fenced("oly", text) for line in block.splitlines()]


def invocations() -> list[str]:
    """Command lines of ours, from indented and console blocks."""
    return re.findall(r"^(?:    |\$ )(brainsurgery .*)$", README, re.MULTILINE)


def minilm_tensors() -> dict[str, tuple[str, list[int]]]:
    """Names, dtypes and shapes of all-MiniLM-L6-v2, in the order of its file."""
    found: dict[str, tuple[str, list[int]]] = {"embeddings.position_ids": ("I64", [1, 512])}

    def add(name: str, weight: list[int], bias: bool = True) -> None:
        if bias:
            found[f"{name}.bias"] = ("F32", weight[:1])
        found[f"{name}.weight"] = ("F32", weight)

    add("embeddings.LayerNorm", [384])
    for name, rows in (("position", 512), ("token_type", 2), ("word", 30522)):
        add(f"embeddings.{name}_embeddings", [rows, 384], bias=False)
    for layer in range(6):
        at = f"encoder.layer.{layer}"
        add(f"{at}.attention.output.LayerNorm", [384])
        add(f"{at}.attention.output.dense", [384, 384])
        for part in ("key", "query", "value"):
            add(f"{at}.attention.self.{part}", [384, 384])
        add(f"{at}.intermediate.dense", [1536, 384])
        add(f"{at}.output.LayerNorm", [384])
        add(f"{at}.output.dense", [384, 1536])
    add("pooler.dense", [384, 384])
    return found


@pytest.fixture
def minilm(folder: Path) -> Path:
    """A folder like that of the real model, all zeros: nothing that README shows depends on values."""
    header: dict[str, object] = {}
    end = 0
    for name, (dtype, shape) in minilm_tensors().items():
        start, end = end, end + {"I64": 8, "F32": 4}[dtype] * eval("*".join(map(str, shape)))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    (folder / "minilm").mkdir()
    (folder / "minilm/config.json").write_text("{}")
    with (folder / "minilm/model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return folder


def run(command: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_session_and_its_replay(minilm: Path) -> None:
    session, replay = fenced("console")
    command, shown = session.split("\n", 1)
    (minilm / "lines").write_text("\n".join(shell_lines()))
    words = shlex.split(command.removeprefix("$ "))
    assert run([sys.executable, str(TERMINAL), "lines", *words], minilm).strip() == shown.strip()
    assert (minilm / "plan.yaml").read_text().strip() in shown
    batch, said, compared = replay.strip().split("\n")
    assert run(shlex.split(batch.removeprefix("$ ")), minilm).strip() == said
    assert run(shlex.split(compared.removeprefix("$ ")), minilm) == ""


def test_the_commands_run(minilm: Path) -> None:
    script = minilm / "commands.oly"
    script.write_text("\n".join(oly_lines()))
    assert "undone: copy" in run(["brainsurgery", "minilm", "commands.oly"], minilm)


def test_the_plan_runs(minilm: Path) -> None:
    (plan,) = fenced("yaml")
    (minilm / "plan.yaml").write_text(plan)
    assert run(["brainsurgery", "plan.yaml"], minilm) == "saved 104 tensors, 86.6 MiB, to out (2 files)\n"


@pytest.mark.parametrize("line", [*oly_lines(), *[line for line in shell_lines() if ">" not in line]])
def test_every_line_parses(line: str) -> None:
    assert parse_line(line) is not None


@pytest.mark.parametrize("command", invocations())
def test_every_invocation_is_understood(command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    if words[0] in ("check", "schema"):
        words = words[1:]
    options = parse_options(words)
    for line in options.commands:
        assert parse_line(line) is not None


def test_the_operations_named_are_those_there_are() -> None:
    table = README.split("| operations | |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", table))
    topics = set(help_topics())
    assert named == {name for name in topics if not name.endswith("_") or name[:-1] not in topics}
    twins = README.split("have in-place twins")[0].rsplit("\n\n", 1)[1]
    assert {f"{name}_" for name in re.findall(r"`(\w+)`", twins)} == {
        name for name in topics if name.endswith("_") and name[:-1] in topics
    }


def test_links_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / link).exists(), f"{page}: {link}"
