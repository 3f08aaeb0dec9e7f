"""Reference cycles are searched for seldom while a run lasts, and as before after it."""

import gc

import pytest

from gridbot_tui.ops.collecting import leave_out_what_stands, seldom_collecting


def test_what_ends_with_an_error_is_searched_as_before_all_the_same() -> None:
    before = gc.get_threshold()
    found = []

    def fails() -> None:
        with seldom_collecting():
            found.append(gc.get_threshold())
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert found[0] > before
    assert gc.get_threshold() == before


def test_what_stands_is_left_out_and_what_comes_later_is_searched() -> None:
    before = gc.get_freeze_count()
    try:
        leave_out_what_stands()
        assert gc.get_freeze_count() > before
        one: list[object] = []
        one.append(one)
        del one
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()
