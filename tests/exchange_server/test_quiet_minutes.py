"""Candles of minutes in which nobody traded."""

from gridbot_tui.exchange.server.series import QUIET, Series
from gridbot_tui.units import MINUTE


def opens(series: Series, now: int, limit: int = 7) -> list[int]:
    return [one.open_at // MINUTE for one in series.candles("1m", MINUTE, None, None, limit, now)]


def test_minutes_without_a_trade_are_candles_without_volume_at_the_last_price() -> None:
    series = Series(MINUTE, 1_000)
    series.tick(10 * MINUTE, 100, 5, True, 1)
    series.tick(14 * MINUTE, 107, 5, True, 2)
    now = 16 * MINUTE + 30_000
    found = series.candles("1m", MINUTE, None, None, 7, now)
    assert [one.open_at // MINUTE for one in found] == [10, 11, 12, 13, 14, 15, 16]
    assert [one.close for one in found] == [100, 100, 100, 100, 107, 107, 107]
    assert [one.volume for one in found] == [5, 0, 0, 0, 5, 0, 0]
    assert [one.closed for one in found] == [True] * 6 + [False]


def test_a_hole_longer_than_an_hour_stays_a_hole() -> None:
    series = Series(MINUTE, 1_000)
    series.tick(10 * MINUTE, 100, 5, True, 1)
    series.tick((12 + QUIET) * MINUTE, 107, 5, True, 2)
    assert opens(series, (12 + QUIET) * MINUTE, 500) == [10, 12 + QUIET]


def test_what_is_asked_for_ends_where_it_is_asked_to_end() -> None:
    series = Series(MINUTE, 1_000)
    series.tick(10 * MINUTE, 100, 5, True, 1)
    found = series.candles("1m", MINUTE, 10 * MINUTE, 12 * MINUTE, 500, 30 * MINUTE)
    assert [one.open_at // MINUTE for one in found] == [10, 11, 12]
