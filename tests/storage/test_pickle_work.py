"""Short pickles that ask for endless work: refused at once, and in little memory."""

import pickle
import resource
import struct
import time

import pytest
import torch
from dcp_cases import edit_metadata
from storage_files import opened, refused
from torch_cases import torch_file, view, word

from brainsurgery_shell.storage.pickles.machine import MAX_PICKLE, Machine
from brainsurgery_shell.storage.pickles.opcodes import OPERATIONS
from brainsurgery_shell.storage.torch.globals import lookup

SECONDS, KIBIBYTES = 1, 200_000
"""Far below what each of these took: 5 s and more, or gigabytes."""

DICT, SET = b"ccollections\nOrderedDict\n", b"c__builtin__\nset\n"
SIZE = b"ctorch\nSize\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
TYPED = b"ctorch._tensor\n_rebuild_from_type_v2\n"
MERSENNE = 2**61 - 1


def number(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little")
    return b"\x8a" + bytes([len(raw)]) + raw


def remembered(value: bytes, at: int = 0) -> bytes:
    """Put aside under a number, to be had again by two bytes."""
    return value + b"q" + bytes([at]) + b"0"


def big_list(count: int) -> bytes:
    return b"](" + b"K\x01" * count + b"e"


def big_tuple(count: int) -> bytes:
    return b"(" + b"K\x01" * count + b"t"


def again(function: bytes, arguments: bytes, times: int) -> bytes:
    """``times`` calls, whose values are all kept."""
    return remembered(function, 1) + b"](" + (b"h\x01" + arguments + b"R") * times + b"e."


BIG = 50_000
SHORT_AND_ENDLESS = {
    "dicts of a list": remembered(b"](" + (b"K\x01K\x02\x86" * BIG) + b"e") + again(DICT, b"h\x00\x85", 4000),
    "sets of a list": remembered(big_list(BIG)) + again(SET, b"h\x00\x85", 4000),
    "sizes of a list": remembered(big_list(BIG)) + again(SIZE, b"h\x00\x85", 4000),
    "bytes of a text": remembered(b"X" + struct.pack("<I", 100_000) + b"x" * 100_000) + again(b"c_codecs\nencode\n", b"h\x00\x85", 4000),
    "calls with many arguments": remembered(big_tuple(BIG)) + again(b"ctorch\ndevice\n", b"h\x00", 20_000),
    "calls within a call": remembered(big_list(BIG)) + again(TYPED, b"(" + SET + b"Nh\x00\x85NtR0h\x01(" + SET + b"Nh\x00\x85Nt", 2000),
    "a long tuple as a key": remembered(big_tuple(200_000)) + b"}(" + b"h\x00N" * 4000 + b"u.",
    "keys that meet in a dict": b"}(" + b"".join(number(n * MERSENNE) + b"N" for n in range(1, 30_000)) + b"u.",
    "keys that meet in a set": b"\x8f(" + b"".join(number(n * MERSENNE) for n in range(1, 30_000)) + b"\x90.",
    "keys that meet, one by one": b"}" + b"".join(number(n * MERSENNE) + b"Ns" for n in range(1, 30_000)) + b".",
    "numbers of values that meet": b"N" + b"".join(b"p%d\n" % (n * MERSENNE) for n in range(1, 30_000)) + b".",
    "long names joined": remembered(view()[view().index(b"ctorch") : -2]) + b"}" + word("a" * 100_000) + b"](" + b"h\x00" * 20_000 + b"es.",
}  # fmt: skip


@pytest.mark.parametrize("kind", SHORT_AND_ENDLESS)
def test_refused_at_once(tmp_path, kind):
    path = torch_file(tmp_path / "x.pt", SHORT_AND_ENDLESS[kind], [bytes(24)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    refused(path, "x.pt")
    assert time.perf_counter() - begin < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KIBIBYTES


def test_a_list_that_is_walked_under_many_names(tmp_path):
    """One that holds a tensor and much else."""
    tensor = view()[view().index(b"ctorch") : -2]
    shared = remembered(b"](" + tensor + b"N" * 20_000 + b"e")
    names = b"".join(word(f"n{index}") + b"h\x00" for index in range(20_000))
    path = torch_file(tmp_path / "x.pt", shared + b"}(" + names + b"u.", [bytes(24)])
    begin = time.perf_counter()
    refused(path, "nested too deeply")
    assert time.perf_counter() - begin < 2 * SECONDS


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_is_long_and_no_more_is_read(protocol):
    """The budget is for values that are shared, not for large ones."""
    shared = [1] * 1000
    values = [
        *({n: str(n) for n in range(50_000)}, {str(n): n for n in range(50_000)}, set(range(50_000))),
        *({(n, n + 1): None for n in range(5000)}, {2**40 + n: n for n in range(5000)}, [shared] * 10_000),
    ]
    for value in values:
        data = pickle.dumps(value, protocol)
        assert Machine(data, 0, lookup, lambda found: found).run(OPERATIONS) == value


def test_tensors_have_at_most_64_dims(tmp_path):
    torch.save({"w": torch.zeros((1,) * 64)}, tmp_path / "x.pt")
    assert opened(tmp_path / "x.pt").tensors["w"].rank == 64
    path = torch_file(tmp_path / "y.pt", view(size=(1,) * 65, stride=(1,) * 65), [bytes(24)])
    refused(path, "that no tensor has")


# Distributed checkpoints


def test_lists_that_share_lists_are_not_printed(small_dcp):
    doubled = []
    for _ in range(60):
        doubled = [doubled, doubled]

    def edit(metadata):
        for info in metadata.storage_data.values():
            info.transform_descriptors = ["zstd", doubled]

    edit_metadata(small_dcp, edit)
    begin = time.perf_counter()
    refused(small_dcp, "its data went through zstd")
    assert time.perf_counter() - begin < SECONDS


def test_a_list_of_chunks_that_stands_for_those_of_many_tensors(small_dcp):
    def edit(metadata):
        entries, places = metadata.state_dict_metadata, metadata.storage_data
        entry, (index, place) = entries["a"], next(iter(places.items()))
        entry.chunks = entry.chunks * 20_000
        for number in range(3000):
            entries[f"x{number}"] = entry
            places[type(index)(f"x{number}", index.offset, 0)] = place

    edit_metadata(small_dcp, edit)
    begin = time.perf_counter()
    refused(small_dcp, "more work than any checkpoint of its size")
    assert time.perf_counter() - begin < 2 * SECONDS


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"])
def test_names_are_unicode_text(small_dcp, tmp_path, name):
    torch.save({name: torch.ones(2), "fine": torch.ones(2)}, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "is no Unicode text")

    def edit(metadata):
        metadata.state_dict_metadata[name] = metadata.state_dict_metadata.pop("a")

    edit_metadata(small_dcp, edit)
    refused(small_dcp, "is no Unicode text")


def test_a_chunk_has_a_small_pickle_and_directory(small_dcp):
    """Any number of tensors may name the same bytes."""
    path = torch_file(small_dcp / "__0_0.distcp", b"]" + b"N0" * 40_000 + b".", folder="archive")

    def edit(metadata):
        for info in metadata.storage_data.values():
            info.offset, info.length = 0, path.stat().st_size

    edit_metadata(small_dcp, edit)
    refused(small_dcp, "65536 is the most")
    assert MAX_PICKLE > 65_536
