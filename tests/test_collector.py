"""The pause of the garbage collector."""

from __future__ import annotations

import gc
import weakref

from brainsurgery_shell.collector import collector_paused


class Thing:
    pass


def test_what_was_made_in_a_pause_is_not_looked_through_and_still_goes() -> None:
    gc.enable()
    before = gc.get_freeze_count()
    try:
        with collector_paused():
            assert not gc.isenabled()
            made = [[] for _ in range(100_000)]
            thing = Thing()
            made[0].append(thing)
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + 100_000
        gone = weakref.ref(thing)
        del thing, made
        assert gone() is None
    finally:
        gc.unfreeze()


def test_a_small_pause_hides_nothing() -> None:
    before = gc.get_freeze_count()
    with collector_paused():
        made = [[] for _ in range(100)]
    assert len(made) == 100
    assert gc.get_freeze_count() == before
