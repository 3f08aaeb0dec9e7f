"""What is kept between two snapshots is what would be made anew."""

from collections import deque

from gridbot_tui.engine.view_kept import Mapped, SymbolKept
from gridbot_tui.engine.view_symbol import symbol_view
from tests.engine.tape import BTC, flat
from tests.engine.test_walk import FALLS, walked


def test_an_item_is_made_into_a_view_once_for_as_long_as_it_is_listed() -> None:
    made: list[str] = []

    def make(word: tuple[str]) -> str:
        made.append(word[0])
        return word[0].upper()

    words = deque([("a",), ("b",)], maxlen=3)
    mapped = Mapped(make)
    assert mapped.of(words) == ("A", "B")
    assert mapped.of(words) is mapped.of(words)
    words.append(("c",))
    words.append(("d",))
    assert mapped.of(words) == ("B", "C", "D")
    assert mapped.of(()) == ()
    assert mapped.of(words) == ("B", "C", "D")
    assert made == ["a", "b", "c", "d", "b", "c", "d"]


def test_a_view_made_with_what_was_kept_equals_one_made_without_at_every_step() -> None:
    kept, rig = SymbolKept(), walked(*[FALLS, flat(600_000)] * 40)
    desk = rig.engine.desk
    looked = 0
    while rig.step():
        state = desk.symbols[BTC]
        assert symbol_view(desk, state, kept) == symbol_view(desk, state)
        looked += 1
    assert looked > 40
    assert symbol_view(desk, desk.symbols[BTC], kept).bars
