"""The edits that are compared: ours, the plain script's, and the copying that bounds both."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import BRAINSURGERY

PLAIN = Path(__file__).with_name("plain.py")
PROVIDERS = ("inmemory", "arena")
OUTPUT = "out"
MEMORY_LIMIT = 400.0  # MB
RATIO_FROM = 2.0
"""The smallest size, in GB, at which limits against a copy hold: below, most is starting Python and torch."""
MLP = r"(model\.layers\.\d+\.mlp)"


@dataclass(frozen=True)
class Row:
    """One edit of the inputs ``a``, ``b`` …, as lines of ours.

    Attributes:
        limit: largest ratio to the reference; none where computing, not copying, is what takes the time.
        largest: in GB, where larger ones are left out by default.
        written: size of the output over that of an input.
    """

    name: str
    title: str
    inputs: tuple[str, ...]
    lines: tuple[str, ...]
    limit: float | None = None
    memory_limit: float | None = MEMORY_LIMIT
    largest: float = 8
    written: float = 1

    def ours(self, *options: str) -> tuple[str, ...]:
        steps = self.lines if not self.written else (*self.lines, f"save: path: {OUTPUT}, alias: a")
        opened = [f"{name}::{name}" for name in self.inputs]
        commands = [word for line in steps for word in ("-c", line)]
        return (*BRAINSURGERY, *opened, "--shard-size", "512MB", "--arena-root", "arena", *options, *commands)

    def plain(self) -> tuple[str, ...]:
        return (sys.executable, str(PLAIN), self.name, *self.inputs)

    def reference(self) -> tuple[str, ...]:
        """``cp -r`` of the input; with several, or nothing written, all are read first, by ``cat``."""
        steps = []
        if len(self.inputs) > 1:
            steps.append(f"cat {' '.join(f'{name}/*' for name in self.inputs)} > /dev/null")
        if self.written:
            steps.append(f"cp -r a {OUTPUT} && sync {OUTPUT}/*")
        return ("sh", "-ec", "\n".join(steps))

    def sides(self) -> dict[str, tuple[str, ...]]:
        ours = {name: self.ours("--provider", name) for name in PROVIDERS}
        return {"reference": self.reference(), "plain": self.plain(), **ours}


ROWS = (
    Row("rename", "rename all", ("a",), (r"move: from: 'model\.(.*)', to: 'decoder.\1'",), 1.15, largest=16),
    Row("scale", "scale all by 0.5", ("a",), (r"scale_: target: '.*\.weight', by: 0.5",), 1.6, largest=16),
    Row("cast", "cast all, bf16 to f16", ("a",), ("cast_: target: '.*', to: float16",), 2),
    Row(
        "upcycle",
        "upcycle to 2 experts",
        ("a",),
        (
            rf"copy: from: '{MLP}\.([^.]*_proj\.weight)', to: '\1.experts.1.\2'",
            rf"fill: from: '{MLP}\.gate_proj\.weight::[:2, :]', to: '\1.gate.weight', value: 0",
            rf"move: from: '{MLP}\.([^.]*_proj\.weight)', to: '\1.experts.0.\2'",
        ),
        written=1.7,
    ),
    Row(
        "phlora",
        "phlora, rank 64, 4 of 2048²",
        ("a",),
        (
            r"phlora: target: '(model\.layers\.0\.self_attn\..*)\.weight', "
            r"target_a: '\1.a', target_b: '\1.b', rank: 64",
        ),
        memory_limit=None,
        largest=0.4,
    ),
    Row("diff", "diff of two", ("a", "d"), ("diff: left: 'a::.*', right: 'd::.*'",), written=0),
    Row(
        "merge",
        "0.25 a + 0.75 b",
        ("a", "b"),
        (
            "scale_: target: 'a::.*', by: 0.25",
            "scale_: target: 'b::.*', by: 0.75",
            r"add_: from: 'b::(.*)', to: 'a::\1'",
        ),
        1.3,
    ),
    Row(
        "task_vectors",
        "a + 0.5 (b - a) + 0.25 (c - a)",
        ("a", "b", "c"),
        (
            r"compute: to: 'a::\1', let: { a: 'a::(.*)', b: 'b::\1', c: 'c::\1' }, "
            "expr: 'a + 0.5 * (b - a) + 0.25 * (c - a)'",
        ),
        1.3,
    ),
)
