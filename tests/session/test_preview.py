"""What a line would do is what it then does, and telling it does nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from headers import run, session_over, state
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.session.changes import by_kind, differences, preview
from brainsurgery_shell.session.foreseen import full_preview
from brainsurgery_shell.session.preview import foresee
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.views.page import Page

TENSORS = {
    "h.0.q": ("float32", [4, 6]),
    "h.0.k": ("float32", [4, 6]),
    "h.1.q": ("float16", [4, 6]),
    "h.1.k": ("float32", [2, 3]),
    "h.10.q": ("int64", [4]),
    "wte": ("float32", [8, 6]),
}
OTHERS = {"h.0.q": ("float32", [4, 6]), "wte": ("float16", [8, 6]), "extra": ("float32", [])}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = session_over(tmp_path, model=TENSORS, other=OTHERS)
    yield opened
    opened.close()


# The law: what is told is what happens.

patterns = st.sampled_from(
    [
        "h\\.(\\d+)\\.(.)",
        "h\\.(0|1)\\.(q)",
        "(h)\\.(.*)",
        "(w)(te)",
        "other::(.*)()",
        "h\\.(1).*\\.(k)",
        "(no)(pe)",
    ]
)
targets = st.sampled_from(
    ["g.\\1.\\2", "h.\\1.\\2", "x", "other::\\1\\2", "h.1\\1.\\2", "other::new.\\1.\\2", "\\3"]
)
templates = st.sampled_from(
    [
        "copy: from: '{a}', to: '{b}'",
        "move: from: '{a}', to: '{b}'",
        "assign: from: '{a}', to: '{b}'",
        "delete: '{a}'",
        "delete: target: '{a}', except: '.*q', expect: {n}",
        "scale_: target: '{a}', by: {n}",
        "scale: from: '{a}', to: '{b}', by: 0.5",
        "cast_: target: '{a}', to: float16",
        "cast: from: '{a}', to: '{b}', dtype: float16",
        "add_: from: '{a}', to: '{b}'",
        "reshape_: target: '{a}', shape: [-1]",
        "transpose_: target: '{a}'",
        "keep_: target: '{a}', dim: 0, ranges: [0:{n}]",
        "split: from: '{a}', to: ['{b}', '{b}.b'], chunks: 2",
        "concat: from: ['{a}', '{b}'], to: 'joined.\\1', delete_sources: true",
        "renumber: [h, $i, '*rest']",
        "rand: target: 'h.{n}.q', shape: [{n}], seed: 1",
        "phlora: target: '{a}', target_a: '{b}.a', target_b: '{b}.b', rank: {n}",
        "prefixes: mode: use, alias: other",
        "prefixes: mode: add, alias: third",
        "scale_: target: '{a}', by: oops",
        "scale_: target: '{a}' by: 2",
        "bogus: '{a}'",
    ]
)
lines = st.builds(
    lambda text, a, b, n: text.format(a=a, b=b, n=n), templates, patterns, targets, st.integers(0, 3)
)
groups = st.lists(lines, min_size=1, max_size=3)


def expected(session: Session, steps: list[str]) -> tuple[Session, str | None]:
    """The session after running lines, and what is wrong with the first that fails."""
    for line in steps:
        try:
            run(session, line)
        except SurgeryError as error:
            return session, error.message
    return session, None


def facts(tensor: LazyTensor | None) -> object:
    return None if tensor is None else (tensor.shape, tensor.dtype)


@settings(deadline=None, max_examples=150)
@given(groups)
def test_what_is_told_is_what_happens(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        session = session_over(Path(folder), model=TENSORS, other=OTHERS)
        before, was = session.workspace.copy(), state(session.workspace)
        found = foresee(session, "\n".join(steps))
        assert state(session.workspace) == was
        assert not session.timeline.everything
        assert not session.unsaved
        _, problem = expected(session, steps)
        assert (found.error and found.error.message) == problem
        if problem is None:
            happened = differences(before, session.workspace)
            told = {(each.alias, each.name): each for each in found.changes}
            assert told.keys() == {(each.alias, each.name) for each in happened}
            for each in happened:
                foreseen = told[each.alias, each.name]
                assert foreseen.before is each.before
                assert facts(foreseen.after) == facts(each.after)
                assert foreseen.former == each.former
        session.close()


@settings(deadline=None, max_examples=80)
@given(groups)
def test_kinds_of_change_add_up(steps: list[str]) -> None:
    """New names less deleted ones are what the checkpoints grow by."""
    with tempfile.TemporaryDirectory() as folder:
        session = session_over(Path(folder), model=TENSORS, other=OTHERS)
        kinds = by_kind(foresee(session, "\n".join(steps)).changes)
        before = sum(len(each.tensors) for each in session.workspace.checkpoints.values())
        if expected(session, steps)[1] is None:
            after = sum(len(each.tensors) for each in session.workspace.checkpoints.values())
            onto = sum(each.before is not None for each in kinds.renamed)
            left = {each.former for each in kinds.renamed}
            kept = {each.shown for each in (*kinds.renamed, *kinds.changed)}
            assert after - before == len(kinds.new) - len(kinds.deleted) + (
                len(kinds.renamed) - onto - len(left - kept)
            )
        session.close()


# In words.


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("scale_: target: 'h.0.*', by: 2", "2 tensors, 192 B; changes 2"),
        ("cast_: target: 'h.0.*', to: float16", "2 tensors, 192 B; changes 2 (192 B → 96 B)"),
        ("copy: from: 'h.0.(.)', to: 'g.\\1'", "2 tensors, 192 B; writes 2 new names (192 B)"),
        ("copy: from: 'wte::[:2]', to: w", "1 tensor, 48 B; writes 1 new name (48 B)"),
        ("move: from: 'h.0.(.)', to: 'g.\\1'", "2 tensors, 192 B; renames 2"),
        ("delete: wte", "1 tensor, 192 B; deletes 1 (192 B)"),
        ("delete: target: '.*', except: 'h.*'", "1 tensor, 192 B; deletes 1 (192 B)"),
        ("delete: target: '.*', except: '.*'", "'.*' matches nothing that except and where leave"),
        ("scale_: target: 'wte::[9]', by: 2", "index 9 of the slice"),
        ("dump: 'wte::[9]'", "index 9 of the slice"),
        ("dump: 'wte::[:2]'", "1 tensor, 48 B"),
        ("dump: '.*q'", "3 tensors, 176 B"),
        ("dump: 'nope'", "matches no tensor"),
        ("dump", ""),
        ("", ""),
        ("# nothing", ""),
        ("!rm -rf .", "runs a program"),
        ("dump: wte > out.txt", "1 tensor, 192 B"),
        ("load: path: model.safetensors, alias: two", "opens model.safetensors as two"),
        ("load: path: nowhere, alias: two", "there is no 'nowhere'"),
        ("save: path: out, alias: other", "writes 3 tensors, 196 B, to out"),
        (
            "save: path: model.safetensors, alias: model",
            "writes 6 tensors, 488 B, to model.safetensors; something is there already",
        ),
        (
            "save: path: model.safetensors, alias: model, overwrite: true",
            "writes 6 tensors, 488 B, to model.safetensors; replaces what is there",
        ),
        ("execute: nowhere.yaml", "there is no 'nowhere.yaml'"),
        ("execute: transforms: [{ delete: wte }, 'delete: wte']", "'wte' matches no tensor"),
        ("execute: transforms: [{ delete: wte }, 'delete: h.0.*']", "deletes 3 (384 B)"),
        ("assert: shape: { of: wte, is: [1] }", "expected shape [1]"),
        ("assert: finite: '.*'", "nothing in the headers is against it"),
        ("prefixes: mode: use, alias: other", "makes other the default"),
        ("exit", ""),
        ("undo", ""),
        ("set: dry-run: true", ""),
        (
            "copy: from: 'h.0.(.)', to: 'h.1.\\1'",
            "2 tensors, 192 B; the destination model::h.1.q exists already",
        ),
        ("delete: wte\ncopy: from: 'h.0.q', to: wte", "changes 1 (192 B → 96 B)"),
        ("delete: wte\ndelete: wte", "'wte' matches no tensor"),
        (
            "load: path: other.safetensors, alias: b\ndelete: 'b::.*'",
            "opens other.safetensors as b; what follows cannot be told before",
        ),
        (
            "execute: transforms: [{ load: { path: other.safetensors, alias: b } }, { delete: b::wte }]",
            "opens other.safetensors as b; what follows cannot be told before",
        ),
        ("delete: wte\nundo\ndelete: wte", "deletes 1 (192 B); what follows cannot be told before"),
        ("exit\ndelete: nope", "what follows cannot be told before"),
        ("ls: h\ndelete: wte", "deletes 1 (192 B)"),
        ("ls: h", ""),
        ("save: path: out, alias: model\ndelete: nope", "'nope' matches no tensor"),
    ],
)
def test_in_words(session: Session, line: str, told: str) -> None:
    was, files = state(session.workspace), sorted(session.folder.iterdir())
    summary = foresee(session, line).summary()
    assert summary == told or (told and told in summary), summary
    assert state(session.workspace) == was
    assert sorted(session.folder.iterdir()) == files
    assert not session.leaving
    assert not session.dry


@pytest.mark.parametrize(
    "line",
    [
        "delete: '.*q",
        'scale_: target: ".*q',
        "scale_: target: .*q, ",
        "scale_: target: .*q, b",
        "scale_: target: .*q, by: ",
        "scale_: { target: .*q, by: ",
        "scale_: { target: .*q, except: 'x",
        "delete: target: '.*q', where: { dtype: ",
        "copy: from: '.*q', to: [a, ",
    ],
)
def test_what_an_unfinished_line_matches_is_told(session: Session, line: str) -> None:
    found = foresee(session, line)
    assert found.unfinished
    assert found.summary() == "3 tensors, 176 B"


def test_a_name_that_is_being_typed_is_no_mistake(session: Session) -> None:
    assert foresee(session, "scale_: target: 'wt").matches == ""
    assert foresee(session, "scale_: target: 'wt', by: 2").error is not None


def test_a_missing_parameter_is_no_fault_of_a_place(session: Session) -> None:
    found = foresee(session, "scale_: target: '.*q'")
    assert found.lacks
    assert found.span("scale_: target: '.*q'") is None
    assert found.summary() == "3 tensors, 176 B; scale_ needs 'by': the factor"


def test_errors_have_their_place(session: Session) -> None:
    text = "delete: wte\ncopy: from: 'h.0.q', to: h.0.k"
    found = foresee(session, text)
    assert found.place == 1
    span = found.span(text.split("\n")[1])
    assert span is not None
    assert text.split("\n")[1][span.start : span.end] == "h.0.k"
    assert foresee(session, "delete: wte\ndelete: 'h").unfinished
    inner = foresee(session, "execute: transforms: ['delete: nope']")
    assert inner.error is not None
    assert inner.span("execute: transforms: ['delete: nope']") is None


def test_what_matches_is_told_early(session: Session) -> None:
    told: list[str] = []
    foresee(session, "scale_: target: '.*q', by: 2", told.append)
    assert told == ["3 tensors, 176 B"]


@pytest.mark.parametrize(
    "line",
    [
        "assert: finite: '.*'",
        "assert: equal: { left: h.0.q, right: h.0.k }",
        "dump: target: '.*', verbosity: full",
        "diff: left: '.*', right: '.*'",
        "phlora: target: 'h.0.(.)', target_a: 'a.\\1', target_b: 'b.\\1', energy: 0.9",
        "cast_: target: '.*', to: float16, overflow: error",
        "save: path: out, alias: model",
    ],
)
def test_reading_is_foreseen_and_not_done(session: Session, line: str) -> None:
    assert foresee(session, line).reads
    assert session._evaluator is None


def test_the_preview_of_each_edit(session: Session) -> None:
    """Moved tensors appear and disappear there: it is about names."""
    from brainsurgery_shell.workspace.edit import Edit

    checkpoint = session.workspace.checkpoints["model"]
    edit = Edit({"model": {"new": checkpoint.tensors["wte"], "wte": None}})
    assert preview(session.workspace, edit) == [
        "creates 1 tensor (192 B): model::new",
        "deletes 1 tensor (192 B): model::wte",
    ]
    assert preview(session.workspace, Edit()) == ["changes no tensor"]


def test_the_table_fits_and_says_what_is_wrong(session: Session) -> None:
    lines = full_preview(session, "cast_: target: 'h.0.*', to: float16", Page(60))
    assert lines[0] == "2 tensors, 192 B; changes 2 (192 B → 96 B)"
    assert any("model::h.0.q" in line and "float32 → float16" in line for line in lines)
    assert all(len(line) <= 60 for line in lines)
    assert full_preview(session, "delete: nope")[0] == "error: 'nope' matches no tensor"
    assert full_preview(session, "delete: [")[0].startswith("error: ")
    assert "without doing it" in full_preview(session, "undo")[0]


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from headers import session_over\n"
        "from brainsurgery_shell.session.foreseen import full_preview\n"
        f"session = session_over(Path({str(tmp_path)!r}), model={{'a': ('float32', [4, 4])}})\n"
        "for line in sys.stdin.read().split('\\n'):\n"
        "    full_preview(session, line)\n"
        "print(sorted({'torch', 'numpy', 'ruamel', 'prompt_toolkit'} & set(sys.modules)))\n"
    )
    lines = [
        "scale_: target: a, by: 2",
        "phlora_: target: a, energy: 0.5",
        "assert: finite: a",
        "fill_: target: a, mode: rand, distribution: normal",
        "matmul: from_a: a, from_b: a, to: b",
        "compute: to: b, let: { a: a }, expr: 'a @ a'",
        "save: out",
        "dump: target: a, verbosity: stat",
    ]
    done = subprocess.run(
        [sys.executable, "-c", program], input="\n".join(lines), capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
