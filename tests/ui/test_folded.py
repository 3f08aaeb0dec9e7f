"""What a pane of few lines tells of many events."""

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.ui.folded import folded


def event(at: int, code: str, symbol: str, text: str) -> EventView:
    return EventView(at, "info", code, symbol, text)


def texts(*events: EventView) -> list[tuple[str, str]]:
    return [(one.symbol, one.text) for one in folded(events)]


def test_orders_of_a_symbol_that_left_at_one_moment_are_one_line_at_the_place_of_the_first() -> None:
    assert texts(
        event(2, "sent", "A", "stop: sell 1 118 at mark 0.5143"),
        event(2, "sent", "B", "stop: buy 1 at mark 9"),
        event(2, "gap_budget", "A", "1 order withheld"),
        event(2, "sent", "A", "buy 0.003 @ 44 636"),
        event(2, "sent", "A", "buy 0.003 @ 8 003.2  exit of lot 7"),
        event(2, "sent", "A", "sell 0.003 @ 51 811"),
        event(2, "sent", "A", "sell 2 at market"),
        event(1, "sent", "A", "buy 0.003 @ 43 003.2"),
    ) == [
        ("A", "2 buys 8 003.2 to 44 636, 1 sell 51 811, 1 stop, 1 other order"),
        ("B", "stop: buy 1 at mark 9"),
        ("A", "1 order withheld"),
        ("A", "buy 0.003 @ 43 003.2"),
    ]


def test_funding_of_one_moment_is_summed_and_a_plan_that_changed_nothing_is_left_to_the_log() -> None:
    assert texts(
        event(2, "funding", "A", "funding paid −0.50 USDT"),
        event(2, "plan", "A", "epoch 1 → 2: no visible change"),
        event(2, "plan", "B", "epoch 1 → 2: spacing 2.00% → 2.10%"),
        event(2, "funding", "B", "funding received +0.125 USDT"),
        event(1, "funding", "B", "funding received +0.125 USDT"),
    ) == [
        ("", "2 symbols, together −0.3750 USDT"),
        ("B", "epoch 1 → 2: spacing 2.00% → 2.10%"),
        ("B", "funding received +0.125 USDT"),
    ]


def test_funding_said_in_other_words_is_never_summed_up_wrongly() -> None:
    told = texts(event(1, "funding", "A", "unknown as yet"), event(1, "funding", "B", "funding paid −1 USDT"))
    assert told == [("", "unknown as yet; funding paid −1 USDT")]
