"""The table of formats, and what follows from it."""

import importlib.util

import pytest

from brainsurgery_shell.ops import load
from brainsurgery_shell.storage.formats import container, formats, suffixes
from brainsurgery_shell.storage.names import FORMATS, format_of, is_companion, is_weights, shard_of


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_a_row_of_the_table_is_a_format(each):
    assert importlib.util.find_spec(f"brainsurgery_shell.storage.{each.name}.files")
    assert container(each.name).name == each.name
    for name in [f"x{suffix}" for suffix in each.suffixes] + [each.index] * (each.index is not None):
        assert format_of(name) == each.name
        assert not is_companion(name)
    if each.naming is not None:
        shard = each.naming.file(2, 3)
        assert shard_of(shard) == (each.naming.file(), 2, 3)
        for name in (each.naming.file(), shard, each.naming.index):
            assert is_weights(name)
            assert not is_companion(name)


def test_what_load_and_save_offer_are_the_formats():
    """They may not import the table, and say it once themselves."""
    assert set(load.FORMATS) == set(formats())


def test_no_suffix_is_that_of_two_formats():
    assert len(suffixes()) == sum(len(each.suffixes) for each in FORMATS)
