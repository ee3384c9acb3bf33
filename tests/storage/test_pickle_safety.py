"""Hostile pickles: nothing of them runs, and none of them takes the process down."""

import builtins
import contextlib
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_files import in_time, opened, refused
from torch_cases import torch_file, view, word

from brainsurgery_shell.storage.pickles.machine import INLINE, BadPickle, Forbidden, Machine, Truncated
from brainsurgery_shell.storage.pickles.opcodes import OPERATIONS
from brainsurgery_shell.storage.torch.globals import lookup

TOUCH = b"touch sentinel"


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments, state=None):
        self.result = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.result


@pytest.fixture(autouse=True)
def nothing_ran(folder):
    yield
    assert not (folder / "sentinel").exists()


def write_all(folder, pickled: bytes):
    """The pickle as each kind of file that reads one."""
    magic = torch_magic()
    (folder / "bare.bin").write_bytes(pickled)
    (folder / "old.pth").write_bytes(magic + pickled + b"\x80\x02].")
    (folder / "first.ckpt").write_bytes(pickled + magic)
    torch_file(folder / "zip.pt", pickled)
    return ["bare.bin", "old.pth", "first.ckpt", "zip.pt"]


def torch_magic() -> bytes:
    """What an old file begins with, up to its object."""
    buffer = io.BytesIO()
    torch.save({}, buffer, _use_new_zipfile_serialization=False)
    data = buffer.getvalue()
    at = 0
    for _ in range(3):
        machine = Machine(data, at, lookup, lambda found: found)
        machine.run(OPERATIONS)
        at = machine.at
    return data[:at]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Calls(os.system, TOUCH.decode()), "os.system"),
        (Calls(builtins.eval, "open('sentinel', 'w')"), "eval"),
        (Calls(builtins.exec, "open('sentinel', 'w')"), "exec"),
        (Calls(builtins.open, "sentinel", "w"), "open"),
        (Calls(subprocess.check_output, [b"touch", b"sentinel"]), "check_output"),
        (Calls(builtins.__import__, "os"), "__import__"),
        (Calls(builtins.getattr, "x", "y"), "getattr"),
        (Calls(Path, "sentinel"), "pathlib"),
    ],
)
def test_what_pickle_itself_writes(folder, value, name, protocol):
    for wrapped in (
        value,
        {"w": value},
        {"state_dict": {"w": torch.ones(2).tolist()}, "args": [({}, value)]},
    ):
        for file in write_all(folder, pickle.dumps(wrapped, protocol)):
            refused(folder / file, f"cannot open '{file}': it wants to run ", name, "nothing of it was run")


def test_the_pickle_would_run_if_it_were_let(tmp_path):
    """What the tests above rely on."""
    pickle.loads(pickle.dumps(Calls(os.system, f"touch {tmp_path}/ran")))
    assert (tmp_path / "ran").exists()


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


SYSTEM = b"cos\nsystem\n"
COMMAND = b"(S'touch sentinel'\nt"
DICT = b"ccollections\nOrderedDict\n)R"


@pytest.mark.parametrize(
    "pickled",
    [
        pytest.param(SYSTEM + COMMAND + b"R.", id="REDUCE"),
        pytest.param(b"(S'touch sentinel'\nios\nsystem\n.", id="INST"),
        pytest.param(b"(" + SYSTEM + b"S'touch sentinel'\no.", id="OBJ"),
        pytest.param(b"\x80\x02" + SYSTEM + COMMAND + b"\x81.", id="NEWOBJ"),
        pytest.param(b"\x80\x04" + SYSTEM + COMMAND + b"}\x92.", id="NEWOBJ_EX"),
        pytest.param(
            b"\x80\x04" + short("os") + short("system") + b"\x93" + COMMAND + b"R.", id="STACK_GLOBAL"
        ),
        pytest.param(b"\x80\x02\x82\x01)R.", id="EXT1"),
        pytest.param(b"\x80\x02\x83\x01\x00)R.", id="EXT2"),
        pytest.param(b"\x80\x02\x84\x01\x00\x00\x00)R.", id="EXT4"),
        pytest.param(DICT + b"}" + word("__setstate__") + SYSTEM + b"sb" + COMMAND + b"b.", id="BUILD"),
        pytest.param(b"}" + SYSTEM + COMMAND + b"RNs.", id="key"),
        pytest.param(SYSTEM + b"0" + b"}.", id="never called"),
        pytest.param(b"P" + b"os.system\n.", id="PERSID"),
        pytest.param(b"(" + word("module") + SYSTEM + b"NNtQ.", id="BINPERSID"),
    ],
)
def test_every_way_to_call(folder, pickled):
    for file in write_all(folder, pickled):
        refused(folder / file)


@pytest.mark.parametrize(
    "name",
    [
        *("os system", "posix system", "nt system", "builtins eval", "__builtin__ eval", "runpy run_module"),
        *(
            "torch load",
            "torch.hub load",
            "torch._utils _import_dotted_name",
            "torch.storage _load_from_bytes",
        ),
        *("torch.nn.modules.linear Linear", "transformers.training_args TrainingArguments"),
        *("argparse Namespace", "numpy load", "numpy.core.multiarray fromfile", "operator attrgetter"),
        *("collections defaultdict", "functools partial", "torch.serialization.os system", "_codecs decode"),
        *(" ", "a b", "os.path join", "__main__ x", "codecs encode", "torch __class__", "torch "),
    ],
)
def test_names_that_stand_for_nothing(folder, name):
    module, last = name.split(" ")
    with pytest.raises(Forbidden) as caught:
        lookup(module, last)
    assert f"{module}.{last}" in caught.value.name
    torch_file(folder / "x.pt", f"c{module}\n{last}\n.".encode())
    refused(folder / "x.pt", f"{module}.{last}", "nothing of it was run")


@pytest.mark.parametrize(
    "pickled",
    [
        pytest.param(b"ctorch._utils\n_rebuild_tensor_v2\n}" + word("__call__") + b"Nsb.", id="build a function"),
        pytest.param(b"ctorch\nFloatStorage\n}b.", id="build a class"),
        pytest.param(b"ctorch\nFloatStorage\n)R.", id="call a class"),
        pytest.param(b"ctorch\nfloat32\n)R.", id="call a dtype"),
        pytest.param(word("text") + b")R.", id="call text"),
        pytest.param(b"K\x01)R.", id="call a number"),
        pytest.param(b"ctorch._utils\n_rebuild_tensor_v2\n)R.", id="too few arguments"),
        pytest.param(b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.", id="arguments of other types"),
        pytest.param(b"ctorch._tensor\n_rebuild_from_type_v2\n(K\x01NNNtR.", id="rebuild by a number"),
        pytest.param(b"ccollections\nOrderedDict\n(K\x01tR.", id="a dict of a number"),
        pytest.param(b"ccollections\nOrderedDict\n(](K\x01K\x02K\x03tatR.", id="a dict of triples"),
        pytest.param(b"ccollections\nOrderedDict\n(](]K\x01tatR.", id="a list as a key"),
        pytest.param(b"c__builtin__\nset\n(]]atR.", id="a list in a set"),
        pytest.param(b"c_codecs\nencode\n(K\x01tR.", id="encode a number"),
        pytest.param(b"c_codecs\nencode\n(" + word("x") + word("rot13") + b"tR.", id="another codec"),
        pytest.param(b"K\x01K\x02a.", id="append to a number"),
        pytest.param(b"K\x01(K\x02e.", id="extend a number"),
        pytest.param(b"]K\x01K\x02s.", id="set an entry of a list"),
        pytest.param(b"}(K\x01u.", id="a key without a value"),
        pytest.param(b"}]Ns.", id="a list as a key"),
        pytest.param(b"](K\x01\x90.", id="add to a list"),
        pytest.param(b"t.", id="no mark"),
        pytest.param(b".", id="nothing"),
        pytest.param(b"K\x01K\x02.", id="two values"),
        pytest.param(b"h\x05.", id="nothing remembered"),
        pytest.param(b"\x97.", id="a buffer elsewhere"),
        pytest.param(b"\x8b\xff\xff\xff\x7f.", id="a huge number"),
        pytest.param(b"L" + b"9" * 5000 + b"\n.", id="a number of many digits"),
        pytest.param(b"Ix\n.", id="no number"),
        pytest.param(b"X\x01\x00\x00\x00\xff.", id="no text"),
        pytest.param(b"N\x85\x86\x87.", id="tuples of nothing"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(folder, pickled):
    for file in write_all(folder, pickled):
        refused(folder / file, file)


@pytest.mark.parametrize(
    "sign", [b"X\xff\xff\xff\xff", b"\x8d" + b"\xff" * 8, b"B\xff\xff\xff\xff", b"\x8e" + b"\x7f" * 8]
)
def test_nothing_is_allocated_for_what_is_not_there(folder, sign):
    torch_file(folder / "x.pt", sign + b"ab.")
    refused(folder / "x.pt", "ends too early")


def test_messages_hold_nothing_that_a_terminal_obeys(folder):
    torch_file(folder / "x.pt", b"c\x1b[2Jmodule" + b"x" * 500 + b"\nname\n.")
    said = refused(folder / "x.pt", "?[2Jmodule")
    assert "\x1b" not in said
    assert len(said) < 300
    torch.save({"a": torch.ones(2), "\x1b[2J": 1}, folder / "y.pt")
    assert "\x1b" not in opened(folder / "y.pt").notes[0]


def test_tuples_in_tuples_are_no_keys(folder):
    """Hashing them would take for ever, or overflow the stack."""
    doubled = b"}" + b")" + b"2\x86" * 200 + b"Ns."
    deep = b"}" + b")" + b"\x85" * 1_000_000 + b"Ns."
    for pickled in (doubled, deep):
        torch_file(folder / "x.pt", pickled)
        in_time(20, lambda: refused(folder / "x.pt", "a tuple of tuples"))


@pytest.mark.parametrize("innermost", [b"}", b"]"])
def test_laughs_are_not_counted(folder, innermost):
    """Dicts that share their values: short to write, endless to walk through."""
    levels = b"".join(b"q\x000}" + word("a") + b"h\x00s" + word("b") + b"h\x00s" for _ in range(64))
    torch_file(folder / "x.pt", innermost + levels + b".")
    in_time(20, lambda: refused(folder / "x.pt", "no tensor of a model"))
    tensor = view()[view().index(b"ctorch") : -2]
    torch_file(folder / "x.pt", tensor + levels + b".", [bytes(24)])
    in_time(20, lambda: refused(folder / "x.pt", "nested too deeply"))


def test_what_contains_itself(folder):
    torch_file(folder / "x.pt", b"]q\x00h\x00a.")
    in_time(20, lambda: refused(folder / "x.pt"))
    torch_file(folder / "x.pt", b"}q\x00" + word("model") + b"h\x00s.")
    in_time(20, lambda: refused(folder / "x.pt"))


@pytest.mark.parametrize("level", [b"]", b"}", b"("])
def test_depth_alone_does_no_harm(folder, level):
    ends = {b"]": b"]" + b"]" * 300_000 + b"a" * 300_000, b"(": b"(" * 300_000 + b"t" * 300_000}
    pickled = ends.get(level, (b"}" + b"K\x01}" * 300_000) + b"s" * 300_000) + b"."
    torch_file(folder / "x.pt", pickled)
    in_time(20, lambda: refused(folder / "x.pt"))


def test_old_files_that_are_nested_deeply(folder):
    """In every one of their pickles."""
    deep = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    data = torch_magic() + b"\x80\x02}." + b"\x80\x02]."
    ends = [
        index + 1
        for index in range(len(data))
        if data[index : index + 1] == b"." and data[index + 1 : index + 2] in (b"\x80", b"")
    ]
    assert len(ends) == 5
    for begin, end in zip([0, *ends], ends, strict=False):
        (folder / "x.pt").write_bytes(data[:begin] + deep + data[end:])
        refused(folder / "x.pt", "x.pt")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*sorted(OPERATIONS), *sorted(INLINE)]), max_size=40), st.binary(max_size=8))
def test_random_opcodes(codes, operands):
    """Only our own three exceptions come out, and only plain values."""
    data = b"".join(bytes([code]) + operands[: code % 5] for code in codes)
    with contextlib.suppress(Forbidden, Truncated, BadPickle):
        Machine(data, 0, lookup, lambda found: found).run(OPERATIONS)


def test_plain_values_are_those_of_pickle():
    values = [
        *(None, True, False, 0, 255, 65535, -1, 1 << 31, -(1 << 40), 1 << 2000, 1.5, float("inf")),
        *("", "é", "x" * 300, "\ud800", b"", b"x" * 300, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        *(
            [1, [2]],
            {"a": {"b": 1}},
            {1: 2, (1, 2): 3},
            {1, 2},
            list(range(2500)),
            {str(i): i for i in range(2500)},
        ),
    ]
    for protocol in range(6):
        for value in values:
            data = pickle.dumps(value, protocol)
            assert Machine(data, 0, lookup, lambda found: found).run(OPERATIONS) == pickle.loads(data)


def test_nothing_is_imported(folder):
    """Not even what a hostile file names, in a process of its own."""
    (folder / "evil_module.py").write_text("open('sentinel', 'w')")
    torch_file(folder / "x.pt", b"cevil_module\nf\n.")
    torch.save({"w": torch.ones(2)}, folder / "y.pt")
    program = f"""
import sys
sys.path.insert(0, {str(folder)!r})
from brainsurgery_shell.cli import main
assert main(["x.pt", "-c", "dump", "--no-journal"]) == 1
assert main(["y.pt", "-c", "dump", "-c", "save: z.pt", "--no-journal"]) == 0
print(sorted({{"pickle", "torch", "numpy", "evil_module"}} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder
    )
    assert "it wants to run evil_module.f" in done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert list(torch.load(folder / "z.pt")) == ["w"]
