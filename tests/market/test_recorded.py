from itertools import islice, pairwise
from pathlib import Path

import pytest

from gridbot_tui.market.files import load
from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.market.source import MarketBatch, MarketSource
from gridbot_tui.units import HOUR, MINUTE
from tests.data import shared
from tests.market.candle_files import T0, funding, parquet, rows


def _ends(market: RecordedMarket) -> list[tuple[int, tuple[str, ...]]]:
    return [(batch.at, batch.episode_ends) for batch in market.batches(0) if batch.episode_ends]


def _notes(market: RecordedMarket) -> list[tuple[int, str]]:
    return [(note.at, note.code) for b in market.batches(0) for note in b.notes if "funding" not in note.code]


def _with_hole(root: Path, minutes: int, symbol: str = "SOLUSDT") -> None:
    data = rows(50) + rows(50, start=T0 + (50 + minutes) * MINUTE)
    parquet(root, data, f"um/{symbol}/1m")


def test_a_hole_of_an_hour_is_an_outage(tmp_path: Path) -> None:
    _with_hole(tmp_path, 60)
    market = load([str(tmp_path / "um")])
    assert _ends(market) == []
    assert _notes(market) == [(T0 + 111 * MINUTE, "hole")]


def test_a_longer_hole_ends_the_episode_at_the_last_bar_before_it(tmp_path: Path) -> None:
    _with_hole(tmp_path, 61)
    market = load([str(tmp_path / "um")])
    assert _ends(market) == [(T0 + 50 * MINUTE, ("SOLUSDT",))]
    assert _notes(market) == [(T0 + 112 * MINUTE, "episode")]


def test_the_end_of_all_data_ends_no_episode_but_an_earlier_end_does(tmp_path: Path) -> None:
    parquet(tmp_path, rows(300), "um/BTCUSDT/1m")
    parquet(tmp_path, rows(100), "um/ETHUSDT/1m")
    parquet(tmp_path, rows(299), "um/SOLUSDT/1m")  # within an outage of the end
    assert _ends(load([str(tmp_path / "um")])) == [(T0 + 100 * MINUTE, ("ETHUSDT",))]


def test_bars_that_close_together_come_together_in_name_order(tmp_path: Path) -> None:
    parquet(tmp_path, rows(3), "um/SOLUSDT/1m")
    parquet(tmp_path, rows(3, start=T0 + MINUTE), "um/BTCUSDT/1m")
    batches = list(load([str(tmp_path / "um")]).batches(0))
    assert [(b.at - T0, [name for name, _ in b.bars]) for b in batches] == [
        (1 * MINUTE, ["SOLUSDT"]),
        (2 * MINUTE, ["BTCUSDT", "SOLUSDT"]),
        (3 * MINUTE, ["BTCUSDT", "SOLUSDT"]),
        (4 * MINUTE, ["BTCUSDT"]),
    ]
    assert all(bar.close_at == b.at for b in batches for _, bar in b.bars)


def test_funding_settles_within_an_outage_but_not_between_episodes(tmp_path: Path) -> None:
    start = T0 - 20 * MINUTE
    data = rows(10, start=start) + rows(10, start=T0 + 10 * MINUTE) + rows(10, start=T0 + 26 * HOUR)
    path = parquet(tmp_path, data)
    funding(tmp_path, [(T0 - 8 * HOUR, 1e-4), (T0 + 5, 2e-4), (T0 + 8 * HOUR, 3e-4)])
    settled = [b for b in load([str(path)]).batches(0) if b.funding]
    assert [(b.at, b.bars, b.funding[0].rate) for b in settled] == [(T0, (), 2e-4)]


def test_iteration_can_start_anywhere_and_gives_the_same(tmp_path: Path) -> None:
    _with_hole(tmp_path, 100)
    _with_hole(tmp_path, 5, "BTCUSDT")
    parquet(tmp_path, rows(3000, start=T0 + 30 * MINUTE), "um/ETHUSDT/1m")
    funding(tmp_path, [(T0 + HOUR, 1e-4), (T0 + 9 * HOUR, 1e-4)])
    market: MarketSource = load([str(tmp_path / "um")])
    everything = list(market.batches(0))
    assert [b.at for b in everything] == sorted({b.at for b in everything})
    for after in (T0, T0 + 1, T0 + 49 * MINUTE, T0 + 50 * MINUTE, T0 + 70 * MINUTE + 7, T0 + 2000 * MINUTE):
        assert list(market.batches(after)) == [b for b in everything if b.at > after]
    assert list(market.batches(everything[-1].at)) == []


@pytest.mark.data
def test_two_loads_of_the_same_files_are_the_same_market() -> None:
    path = str(shared("um/FILUSDT/1m/2025-02-01_2025-02-28.parquet"))
    assert list(load([path]).batches(0)) == list(load([path]).batches(0))


@pytest.mark.data
def test_the_recorded_outages_of_spot_2021_are_found() -> None:
    path = shared("spot/BTCUSDT/1m/2021-09-17_2021-10-17.parquet")
    market = load([str(path)])
    assert [note.code for note in market.notes] == ["episode"]
    assert len(_ends(market)) == 1
    batches = [b for b in market.batches(0) if b.bars]
    steps = [(later.at - sooner.at) // MINUTE for sooner, later in pairwise(batches)]
    assert max(steps) == 121


@pytest.mark.data
def test_early_spot_hours_have_outages_and_episodes() -> None:
    market = load([str(shared("spot/ETHUSDT/1h/2018-02-09_2021-03-31.parquet"))])
    codes = [note.code for note in market.notes]
    assert codes.count("hole") + codes.count("episode") == 20
    assert len(_ends(market)) == codes.count("episode") > 0


@pytest.mark.data
def test_recorded_funding_and_mark_prices_are_joined() -> None:
    market = load([str(shared("um/BTCUSDT/1h/2024-12-01_2025-06-30.parquet"))])
    assert market.notes == ()
    batches = list(market.batches(0))
    rates = [rate for b in batches for rate in b.funding]
    assert len(rates) == pytest.approx(len(batches) / 8, abs=1)
    assert all(rate.at % (8 * HOUR) == 0 and rate.interval_hours == 8 for rate in rates)
    bars = [bar for b in batches for _, bar in b.bars]
    assert sum(bar.mark_close != bar.close for bar in bars) > len(bars) * 0.8
    assert all(abs(bar.mark_close / bar.close - 1) < 0.01 for bar in bars)


@pytest.mark.data
def test_a_market_folder_is_a_portfolio_with_different_coverage() -> None:
    market = load([str(shared("um"))], interval="1h")
    assert len(market.symbols) == 8
    first = next(market.batches(0))
    assert [name for name, _ in first.bars] == ["BTCUSDT"]
    for symbol in market.symbols:
        frm, to, count = market.coverage(symbol)
        assert market.start <= frm < to <= market.end
        assert 0 < count <= (to - frm) // HOUR


def test_a_replay_holds_a_window_of_bars_not_the_recording(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(5000))
    batches = load([str(path)]).batches(0)
    seen: list[MarketBatch] = list(islice(batches, 2500))
    assert [b.at for b in seen] == [T0 + i * MINUTE for i in range(1, 2501)]
