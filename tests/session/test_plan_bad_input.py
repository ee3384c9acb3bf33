"""What is no plan is refused quickly, with file, line and column; what YAML allows besides is read."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsurgery_shell.errors import PlanError
from brainsurgery_shell.lang.tree import to_value
from brainsurgery_shell.session.plan_read import read_plan
from brainsurgery_shell.session.plan_yaml import read_yaml
from conftest import Cli

NINES = "9" * 5000
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 3000))

BAD = {
    "a tag": ("transforms:\n  - delete: !!python/object/apply:os.system ['x']\n", "tags", (2, 13)),
    "a tag of a key": ("inputs: []\n!x transforms: []\n", "tags", (2, 1)),
    "a core tag": ("inputs: []\noutput: !!str 3\n", "tags", (2, 9)),
    "anchors without bound": (LAUGHS, "expand", (6, 4)),
    "a long chain of anchors": (CHAIN, "expand", (101, 7)),
    "an anchor in itself": ("inputs: &a [*a]\n", "inside itself", (1, 9)),
    "a map in itself": ("&a {inputs: *a}\n", "inside itself", (1, 1)),
    "an unknown anchor": ("inputs: *x\n", "'x'", (1, 9)),
    "a key twice": ("inputs: []\ninputs: []\n", "'inputs' stands twice", (2, 1)),
    "an inner key twice": ("transforms:\n  - &s { scale_: { by: 1, by: 2 } }\n  - *s\n", "'by' stands twice", (2, 27)),
    "a list as key": ("? [a]\n: b\n", "a key is a name", (1, 3)),
    "an empty key": (": b\n", "no key ''", (1, 1)),
    "a number as key": ("1: b\n", "no key '1'", (1, 1)),
    "a bad merge": ("transforms:\n  - scale_: { <<: 3, by: 3 }\n", "'<<'", (2, 19)),
    "two documents": ("inputs: []\n---\ninputs: []\n", "one document", (2, 1)),
    "a tab": ("inputs:\n\t- a\n", "YAML", (2, 1)),
    "a zero byte": ("inputs: [a\0]\n", "U+0000", (1, 11)),
    "a control character": ("inputs: []\noutput: 'a\x1b[3m'\n", "U+001B", (2, 11)),
    "half a character": ('inputs: []\noutput: "\\ud800"\n', "half of a character", (2, 9)),
    "a huge number": (f"inputs: []\noutput: {NINES}\n", "too long", (2, 9)),
    "deep lists": ("inputs: []\ntransforms: " + "[" * 5000 + "]" * 5000, "100", (2, 113)),
    "deep maps": ("\n".join(" " * i + "a:" for i in range(500)), "100", (101, 101)),
    "a word": ("hello\n", "a plan is a map", (1, 1)),
    "nothing": ("", "empty", (1, 1)),
    "a comment": ("# nothing\n", "empty", (1, 1)),
    "a step beside its parameters": ("transforms:\n  - scale_:\n    target: a\n    by: 2\n", "one key", (2, 5)),
    "no step": ("transforms:\n  - delete: a\n  -\n", "a step is", (3, 4)),
    "a step that is a number": ("transforms: [3]\n", "a step is", (1, 14)),
    "transforms that are no list": ("transforms: { delete: a }\n", "list of steps", (1, 13)),
    "an input that is a map": ("inputs:\n  - base: m\n", "as in base::m", (2, 5)),
    "an input that is a number": ("inputs: [a::b, 3]\n", "quote it", (1, 16)),
    "an input without a path": ("inputs: ['base::']\n", "no path", (1, 10)),
    "an output that is a number": ("output: 3\n", "output is a path", (1, 9)),
    "an output without a path": ("output: { path: null, shard: none }\n", "output needs 'path'", (1, 9)),
    "an output's path that is a number": ("output: { path: 3 }\n", "output: path", (1, 17)),
    "an output's size": ("output: { path: o, shard: -1 }\n", "output: shard", (1, 27)),
    "an output's format": ("output: { path: o, format: safetensor }\n", "'safetensors'", (1, 28)),
    "an output's overwrite": ("output: { path: o, overwrite: maybe }\n", "true or false", (1, 31)),
    "an output's alias": ("output: { path: o, alias: [a] }\n", "output: alias", (1, 27)),
    "requires that is no map": ("requires: x\n", "map from aliases", (1, 11)),
    "a fingerprint that is a number": ("requires: { model: 3 }\n", "a fingerprint is a string", (1, 20)),
    "a requirement for no input": ("requires: { modle: x }\n", "no input has that alias", (1, 13)),
    "an unknown key near an operation": ("scle_: { target: a, by: 2 }\n", "'scale_'", (1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_plans_are_refused_where_they_are_wrong(cli: Cli, case: str) -> None:
    text, words, (line, column) = BAD[case]
    Path("p.yaml").write_bytes(text.encode())
    began = time.perf_counter()
    cli("--no-journal", "p.yaml").fails(words, f"at p.yaml, line {line}, column {column}\n", status=2)
    assert time.perf_counter() - began < 2


def test_a_folder_or_bytes_are_no_plan(cli: Cli) -> None:
    Path("d.yaml").mkdir()
    cli("d.yaml").fails("cannot read the plan 'd.yaml'", status=2)
    Path("b.yaml").write_bytes(b"inputs: [\xff]\n")
    cli("b.yaml").fails("not UTF-8", status=2)
    cli("none.yaml").fails("none.yaml", status=2)


READ = {
    "a mark at the start": "\ufefftransforms: [delete: a]\n",
    "Windows line ends": "transforms:\r\n  - delete: a\r\n",
    "a merge": "transforms:\n  - delete: &d { target: a }\n  - delete: { <<: *d, expect: 1 }\n",
    "merges, the first wins": "- delete: { <<: [{ target: a, expect: 2 }, { target: b }], expect: 1 }\n",
    "an anchor used again": "transforms: [&s { delete: a }, *s, *s]\n",
    "a directive and an end": "%YAML 1.1\n---\ntransforms:\n  - delete: a\n...\n",
    "JSON": '{"transforms": [{"delete": "\\ud83d\\ude00"}], "output": null, "inputs": null, "requires": null}',
    "a string as OLY": "transforms: ['# a comment', 'delete: a']\n",
}


@pytest.mark.parametrize("case", READ)
def test_what_else_is_read(tmp_path: Path, case: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(READ[case].encode())
    assert read_plan(path, []).commands


def test_merged_keys_do_not_replace_own_ones() -> None:
    document = read_yaml(READ["merges, the first wins"], "p")
    assert document.root is not None
    assert to_value(document.root) == [{"delete": {"expect": 1, "target": "a"}}]


@given(st.text(alphabet="-:{}[],&*!|>'\"%@#? \n\tab0.~<\\x"))
def test_no_text_is_too_strange(text: str) -> None:
    try:
        read_yaml(text, "p")
    except PlanError as error:
        span, source = error.details.span, error.details.source
        assert span is not None
        assert source is not None
        assert source.line(span.line) is not None
