"""Edits: written in columns as one by one, applied at once, taken back by their inverses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph.build import full
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Columns
from brainsurgery_shell.workspace.workspace import Workspace
from brainsurgery_shell.workspace.writes import Destination, Destinations, Must, Writes

NAMES = list("abcdefgh")
names = st.sampled_from(NAMES)


def tensor(size: int) -> LazyTensor:
    return full((size,), BY_NAME["float32"], 0)


def workspace(count: int) -> Workspace:
    tensors = {name: tensor(at % 2) for at, name in enumerate(NAMES[:count])}
    return Workspace({"model": Checkpoint.of(tensors, {}, ())})


def state(workspace: Workspace) -> list[tuple[str, int]]:
    """Names in order, each with its tensor's identity."""
    checkpoint = workspace.checkpoints["model"]
    assert checkpoint.tensors.keys() == checkpoint.places.keys()
    return [(name, id(checkpoint.tensors[name])) for name in checkpoint.names()]


@given(
    st.integers(0, 6),
    st.lists(
        st.tuples(
            st.dictionaries(names, st.sampled_from(["new", "gone"])),
            st.dictionaries(names, names).filter(lambda moves: len(set(moves.values())) == len(moves)),
        ),
        max_size=4,
    ),
)
def test_what_is_taken_back_is_as_it_was(
    count: int, steps: list[tuple[dict[str, str], dict[str, str]]]
) -> None:
    edited = workspace(count)
    states, inverses = [state(edited)], []
    for changes, moves in steps:
        there = edited.checkpoints["model"].tensors
        writes = Writes(edited)
        moved = {new: old for old, new in moves.items() if old in there}
        for name, what in changes.items():
            if what == "gone":
                writes.remove_all(Columns("model", [name], [tensor(1)]))
            elif name not in {*moved, *moved.values()}:  # a place is one tensor's
                writes.put(Destination("model", name), tensor(1), Must.BE_ANY, "x")
        olds = list(moved.values())
        which = Columns("model", olds, [there[old] for old in olds])
        writes.move_all(which, Destinations("model", list(moved)), Must.BE_ANY)
        inverses.append(edited.apply(writes.edit()))
        states.append(state(edited))
    forth: list[Edit] = []
    for inverse, before in zip(reversed(inverses), reversed(states[:-1]), strict=True):
        forth.append(edited.apply(inverse))
        assert state(edited) == before
    for again, after in zip(reversed(forth), states[1:], strict=True):
        edited.apply(again)
        assert state(edited) == after


def test_what_is_new_goes_to_the_end_and_what_is_replaced_stays() -> None:
    edited = workspace(3)
    changes: dict[str, LazyTensor | None] = {"h": tensor(1), "b": tensor(1), "g": tensor(1), "a": None}
    edited.apply(Edit({"model": changes}))
    assert edited.checkpoints["model"].names() == ["b", "c", "h", "g"]


@given(
    st.integers(0, 6),
    st.lists(st.tuples(names, st.integers(0, 1), st.sampled_from(["s", "t", "u"])), max_size=5),
    st.sets(names),
    st.sampled_from(list(Must)),
)
def test_writing_all_is_writing_one_by_one(
    count: int, written: list[tuple[str, int, str]], removed: set[str], must: Must
) -> None:
    """Edits and errors alike."""
    rows = [(name, tensor(size), source) for name, size, source in written]
    found: list[object] = []
    for at_once in (False, True):
        there = workspace(count)
        writes = Writes(there)
        gone = [name for name in sorted(removed) if name in there.checkpoints["model"].tensors]
        writes.remove_all(Columns("model", gone, [tensor(1)] * len(gone)))
        try:
            if at_once:
                columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
                writes.put_all(Destinations("model", columns[0]), columns[1], must, columns[2])
            else:
                for name, result, source in rows:
                    writes.put(Destination("model", name), result, must, source)
            found.append([(name, id(each)) for name, each in writes.edit().tensors.get("model", {}).items()])
        except StepError as error:
            found.append((error.message, error.hint))
    assert found[0] == found[1]
    sources = [name for name, _, _ in written]
    if len(set(sources)) < len(sources):
        assert "two sources for one destination" in str(found[0])
