"""What help shows as examples runs: on a workspace that has what they name, or the test says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.describe.topics import TOPICS
from brainsurgery_shell.session.lines import run_line
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings

load_declarations()
DECLARED = [example for each in (*OPERATIONS.all(), *EXPRESSIONS.all()) for example in each.examples]
EXAMPLES = list(dict.fromkeys([*DECLARED, *(line for topic in TOPICS.values() for line in topic.examples)]))

SHAPES = {
    "wte": "[50257, 768], dtype: bfloat16",
    "row": "[768], dtype: bfloat16",
    "ids": "[2], dtype: int64",
    **dict.fromkeys(("w", "norm", "mask", "s", "mask.w", "delta", "delta.w"), "[768, 2]"),
    "conv": "[2, 3, 4, 5]",
    "text_model.w": "[2]",
    "encoder.layer.4.w": "[2]",
    "model.layers.0.w": "[2]",
}
LAYER = {
    "attn.weight": "[4, 4]",
    "attn.bias": "[4]",
    "attn.q.weight": "[12, 4]",
    **dict.fromkeys("qkv", "[4, 4]"),
    "lora_A": "[2, 4]",
    "lora_B": "[4, 2]",
}
ALIASES = ("a", "b", "c", "base", "tuned", "small", "out")

WORLD = [
    "prefixes: mode: add, alias: model",
    *(f"prefixes: mode: add, alias: {alias}" for alias in ALIASES),
    *(f"zeroes: target: {name}, shape: {shape}" for name, shape in SHAPES.items()),
    *(
        f"zeroes: target: h.{layer}.{name}, shape: {shape}"
        for layer in range(12)
        for name, shape in LAYER.items()
    ),
    *(f"rand: target: {name}, shape: [64, 64]" for name in ("h.0.w", "h.1.w", "h.0.c_proj.weight")),
    *(f"ones: target: '{alias}::x', shape: [3]" for alias in ("a", "b", "base", "tuned")),
    *(f"zeroes: target: '{alias}::wte', shape: [200, 2]" for alias in ("base", "tuned")),
    "mark: before-merge",
    "mark: after-merge",
]

GIVEN: dict[str, list[str]] = {
    r"assert: not: { exists: '.*\.bias' }": [r"delete: '.*\.bias'"],
    "assert: dtype: { of: '.*', is: bfloat16 }": ["cast_: target: '.*', to: bfloat16"],
    "move: from: [h, $i, '*rest'], to: [h, '${i-4}', '*rest']": [r"delete: 'h\.[0-3]\..*'"],
    r"split: from: 'h\.(\d+)\.qkv', to: ['h.\1.q', 'h.\1.k', 'h.\1.v'], chunks: 3": [
        r"concat: from: ['h\.(\d+)\.q', 'h.\1.k', 'h.\1.v'], to: 'h.\1.qkv', delete_sources: true"
    ],
    "load: models/base.safetensors": ["save: path: models/base.safetensors, target: s", "prefixes: mode: remove, alias: model"],
    "load: path: models/tuned, alias: tuned": ["save: path: models/tuned, alias: a", "prefixes: mode: remove, alias: tuned"],
    "prefixes: mode: rename, from: model, to: base": ["prefixes: mode: remove, alias: base"],
    "redo": ["undo"],
    "redo: 2": ["undo: 2"],
    "redo: to: after-merge": ["delete: w", "mark: after-merge", "undo"],
    "undo: to: before-merge": ["delete: w"],
    "save: out": [f"prefixes: mode: remove, alias: {alias}" for alias in ALIASES],
}  # fmt: skip
"""What an example needs beyond the world."""

WHY_NOT = {
    "assert: all: [{ finite: '.*' }, { count: { of: '.*', is: 148 } }]": "the count is another checkpoint's",
    r"assert: count: { of: '.*\.weight', is: 74 }": "the count is another checkpoint's",
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with what the examples name, in a folder with the files that they name."""
    (tmp_path / "cleanup.oly").write_text("delete: w\n")
    (tmp_path / "cleanup.yaml").write_text("transforms:\n  - delete: w\n")
    monkeypatch.setenv("VISUAL", "sed -i s/after-merge/last/")
    session = Session(Settings(memory=2**28, journal=False), folder=tmp_path)
    with (tmp_path / "printed").open("w") as printed:
        for line in WORLD:
            run_line(session, line, stdout=printed)
    return session


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(world: Session, tmp_path: Path, example: str) -> None:
    if example in WHY_NOT:
        pytest.skip(WHY_NOT[example])
    with (tmp_path / "printed").open("w") as printed:
        for line in (*GIVEN.get(example, ()), example):
            run_line(world, line, stdout=printed)
    world.close()


def test_what_is_said_of_examples_is_of_present_ones() -> None:
    assert {*GIVEN, *WHY_NOT} <= set(EXAMPLES)
