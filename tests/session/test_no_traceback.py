"""Whatever is typed: a step is done, or a ``SurgeryError`` says why not and nothing has changed."""

from __future__ import annotations

import contextlib
import io
import random
import re
from pathlib import Path

import pytest
import torch

from brainsurgery_shell.errors import SurgeryError, render
from brainsurgery_shell.session.lines import run_line
from conftest import Patient

SEEDS = [
    "scale_: target: '.*w', by: 2", "copy: from: [h, $i, '*r'], to: [g, '${i+1}', '*r']", "move: from: '(.*)', to: 'x.\\1'",
    "add: from_a: w, from_b: v, to: s, alpha: 2, broadcast: true", "assign: from: 'w::[0]', to: 'v::[1]'", "add_: from: w, to: v",
    "fill_: target: w, mode: rand, distribution: normal, mean: 0, std: 1, seed: 3", "fill_: target: w, mode: tensor, values: [[1, 2], [3, 4]]",
    "cast_: target: '.*', to: bf16, overflow: error", "reshape_: target: w, shape: [4, -1]", "permute_: target: w, order: [1, 0]",
    "transpose_: target: w, dim0: 0, dim1: -1", "split: from: w, to: [a, b], sizes: [1, 1], dim: 0", "split: from: w, to: [a, b], chunks: 2",
    "concat: from: [w, v], to: c, dim: 1, delete_sources: true", "renumber: target: [h, $i, '*r'], start: 2",
    "zeroes: target: z, shape: [2, 3], dtype: int8", "rand: target: r, shape: [5], low: -1, high: 1",
    "delete: target: '.*', except: [h, $i], where: { dtype: float32, rank: 2, min_size: 1MB }, expect: 0",
    "assert: shape: { of: w, is: [2, 2] }", "assert: all: [{ exists: w }, { not: { finite: v } }]", "assert: range: { of: w, ge: 0, le: 1 }",
    "assert: equal: { left: '(w)', right: '\\1', eps: 1e-6 }", "assert: count: { of: '.*', is: 3, where: { rank: 1 } }",
    "dump: target: 'w::[:, 0]', format: json, verbosity: full", "diff: left: w, right: v, eps: 0.1", "clamp_: target: w, min: -1, max: 1",
    "prefixes: mode: rename, from: model, to: m", "prefixes: mode: use, alias: model", "help: assert: shape", "undo: 1", "redo: 1", "history",
    "summarize: format: oly, resolve: true", "load: path: 'a.safetensors', alias: b, to: q", "multiply: from_a: w, from_b: w, to: w",
]  # fmt: skip
BITS = [
    "::", "[", "]", "{", "}", "'", '"', "\\", ",", ":", " ", "$", "${", "*", "~", "~[", "(", ")", "-1", "0", "1e999", ".nan", ".inf", "true",
    "null", "99999999999999999999999", "-99999999999999999999", "1e300", "''", "[]", "{}", "\t", "ü", "\u2028", "\x00", "🙂", "::[0]",
    "::[::0]", "::[99999999999999999999:]", "\\1", "\\9", "\\g<a>", "(?P<a>.)", "(?", "a{99999}", "#", " | cat >/dev/null", " > /dev/null", "!", "-", "uint16",
    "float8_e4m3fn", "complex64", "4", "float6_e2m3fn", "expect: 0", "bool", "[[[[[[[[", "2**3", "${i-99}", "${i/0}", "${99999999999*i}",
]  # fmt: skip


VALUES = [
    "w",
    "b",
    "i",
    "u",
    "q",
    "c",
    "e",
    "s",
    "'.*'",
    "'h.*'",
    "[h, $i]",
    "1.5",
    "2",
    "[1, 2]",
    "[-1]",
    "w::[0]",
    "'e::[0]'",
    "float16",
    "uint64",
    "int8",
]


def mutate(chance: random.Random, line: str) -> str:
    for _ in range(chance.choice((0, 1, 1, 2))):
        at, kind = chance.randrange(len(line) + 1), chance.randrange(8)
        bit = chance.choice(BITS)
        if kind == 0:
            line = line[:at] + bit + line[at:]
        elif kind == 1:
            line = line[:at] + bit + line[at + chance.randint(1, 6) :]
        elif kind == 2:
            line = line[:at] + line[at + 1 :]
        elif kind > 4:  # a value becomes another one
            values = list(re.finditer(r"(?<=: )[^,\s{}]+", line))
            if values:
                one = chance.choice(values)
                line = line[: one.start()] + chance.choice((*BITS, *VALUES)) + line[one.end() :]
        else:  # one whole word becomes another one
            words = line.split(" ")
            words[chance.randrange(len(words))] = (
                bit if kind == 3 else chance.choice(chance.choice(SEEDS).split(" "))
            )
            line = " ".join(words)
    return line


@pytest.fixture
def victim(patient: Patient) -> Patient:
    patient.open(
        w=torch.rand(2, 2), v=torch.rand(2, 2), b=torch.tensor([True]), i=torch.arange(4), u=torch.ones(2, dtype=torch.uint16),
        q=torch.ones(2).to(torch.float8_e5m2), c=torch.ones(2, dtype=torch.complex64), e=torch.zeros(0, 2), s=torch.tensor(1.0),
        **{f"h__{i}": torch.rand(2) for i in range(3)},
    )  # fmt: skip
    patient.run("prefixes: mode: add, alias: spare")
    return patient


@pytest.mark.parametrize("seed", range(3))
def test_mutated_lines(victim: Patient, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that was accepted must also be computable: its tensors are evaluated."""
    monkeypatch.chdir(victim.folder)
    chance, done = random.Random(seed), 0
    for _ in range(3000):
        line = mutate(chance, chance.choice(SEEDS))
        if line.lstrip().startswith("!") or " | " in line or ">" in line.replace("> /dev/null", ""):
            continue
        before = victim.state()
        try:
            run_line(victim.session, line, stdout=io.StringIO())
            compute(victim)
            done += 1
        except SurgeryError as error:
            said = render(error)
            refused(said, victim.state() == before, line)
        except BaseException as error:
            raise AssertionError(f"{line!r} gave {type(error).__name__}: {error}") from error
        if chance.random() < 0.5:
            back_to_the_start(victim)
    assert done > 300


def back_to_the_start(victim: Patient) -> None:
    with contextlib.suppress(SurgeryError):
        while True:
            victim.run("undo")
    victim.run("prefixes: mode: add, alias: spare")


def refused(said: str, unchanged: bool, text: str) -> None:
    """An error is rendered, and left everything as it was."""
    assert said.startswith("error: "), text
    assert unchanged, text


def compute(victim: Patient) -> None:
    evaluator = victim.session.evaluator
    for checkpoint in victim.session.workspace.checkpoints.values():
        for tensor in checkpoint.tensors.values():
            if tensor.kernel is not None and tensor.numel < 10_000:
                for _ in evaluator.pieces(tensor):
                    pass


def test_mutated_plans(folder: Path) -> None:
    from safetensors.torch import save_file

    from brainsurgery_shell.session.plan_read import read_plan
    from brainsurgery_shell.session.run_plan import run_plans
    from brainsurgery_shell.session.session import Session
    from brainsurgery_shell.session.settings import Settings

    save_file({"w": torch.ones(2, 2), "v": torch.ones(2, 2)}, "m.safetensors")
    plan = (
        "inputs:\n  - base::m.safetensors\ntransforms:\n  - scale_: { target: \"w\\.x|w\", by: 2 }\n  - 'copy: from: w, to: z'\n"
        "  - copy: from: v, to: y\n  - assert:\n      shape: { of: w, is: [2, 2] }\noutput:\n  path: o.safetensors\n  shard: none\n  overwrite: true\n"
    )
    marks = [
        *BITS,
        "\n",
        "- ",
        "  ",
        "&a ",
        "*a",
        "!!int ",
        "!x ",
        "<<: ",
        "|",
        ">",
        "? ",
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "\ufeff",
    ]
    chance = random.Random(11)
    for _ in range(150):
        text = plan
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(marks) + text[at + chance.randint(0, 4) :]
        Path("p.yaml").write_text(text, encoding="utf-8")
        session = Session(Settings(memory=1 << 28, journal=False), folder=folder)
        try:
            run_plans(session, [read_plan(Path("p.yaml"), [])], stdout=io.StringIO())
        except SurgeryError as error:
            refused(render(error), True, text)
        except BaseException as error:
            raise AssertionError(f"{text!r} gave {type(error).__name__}: {error}") from error
        finally:
            session.close()
