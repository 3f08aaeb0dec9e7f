"""A past in which quiet bars are passed over is the same past, in the engine and in the exchange's own books."""

from pathlib import Path

import pytest

from gridbot_tui.engine.core import Engine
from gridbot_tui.exchange.simulated.books import BooksFile, read_books
from gridbot_tui.exchange.simulated.queries import closed_bars
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.research.ring import Ring
from gridbot_tui.service.assemble import SIM_START, account_config, engine_config
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR, Market, Mode


def lived(path: Path, *, quick: bool) -> Ring:
    settings: Settings = load(None, {}, (("ladder.kind", "geometric"),)).settings
    source = SyntheticMarket(SyntheticParams(symbols=("ETHUSDT", "SOLUSDT")), market=Market.FUTURES, start=SIM_START)
    config = engine_config(settings, 1, Mode.SIM, source.instruments)
    books = BooksFile(path)
    world = World(source, account_config(settings, Mode.SIM, config), books=books)
    ring = Ring(Engine(config, source.instruments), world, source if quick else None)
    for day in range(1, 4):
        with books.bulk():
            ring.run(SIM_START + day * DAY + HOUR)
    books.close()
    return ring


def test_a_past_with_quiet_bars_passed_over_is_the_same_past(tmp_path: Path) -> None:
    quick, slow = (lived(tmp_path / f"{name}.db", quick=name == "quick") for name in ("quick", "slow"))
    assert quick.spent.passed_over > quick.spent.one_by_one > 0
    assert len(slow.tape.fills) > 5
    assert quick.tape.fills == slow.tape.fills
    assert quick.engine.encode_state() == slow.engine.encode_state()
    assert read_books(tmp_path / "quick.db") == read_books(tmp_path / "slow.db")


def test_bars_that_were_passed_over_can_be_asked_for(tmp_path: Path) -> None:
    quick = lived(tmp_path / "quick.db", quick=True)
    world, since = quick.world, quick.world.now - 90 * 60_000
    bars = closed_bars(world.exchange, world.source, "ETHUSDT", since)
    assert [bar.open_at for bar in bars] == [since + i * 60_000 for i in range(90)]


def test_nothing_is_passed_over_while_every_step_is_committed(tmp_path: Path) -> None:
    source = SyntheticMarket(SyntheticParams(symbols=("ETHUSDT",)), market=Market.FUTURES, start=SIM_START)
    settings: Settings = load(None, {}, ()).settings
    config = engine_config(settings, 1, Mode.SIM, source.instruments)
    books = BooksFile(tmp_path / "books.db")
    world = World(source, account_config(settings, Mode.SIM, config), books=books)
    world.next()  # the first bar settles the margin bands
    assert not world.plain
    with books.bulk():
        assert world.plain
    books.close()


@pytest.mark.parametrize("after", [0, 90, 8 * 60 - 1, 8 * 60, 24 * 60 - 1, 24 * 60])
def test_what_comes_next_is_what_the_batches_bring(after: int) -> None:
    source = SyntheticMarket(SyntheticParams(symbols=("ETHUSDT", "SOLUSDT")), market=Market.FUTURES, start=SIM_START)
    at = SIM_START + after * 60_000
    count, runs = source.ahead(at, at + HOUR)
    batches = source.batches(at)
    for index in range(count):
        batch = next(batches)
        assert not batch.funding
        for name, bar in batch.bars:
            run = runs[name]
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (
                run.open[index], run.high[index], run.low[index], run.close[index], run.volume[index],
            )  # fmt: skip
            assert (bar.mark_high, bar.mark_low, bar.mark_close) == (
                run.mark_high[index], run.mark_low[index], run.mark[index],
            )  # fmt: skip
    following = next(batches)
    assert count == 60 or following.funding or following.at % DAY == 60_000
