"""The same events give the same actions; nothing before a moment knows what comes after it; chance earns nothing."""

from random import Random
from statistics import fmean, stdev
from typing import Any

import pytest

from gridbot_tui.strategy import facade
from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.params import VoteParams
from gridbot_tui.strategy.plan import Votes
from gridbot_tui.strategy.votes import vote
from gridbot_tui.units import DAY, HOUR, Market
from tests.simulation.market import RandomMarket, Weather
from tests.simulation.rig import Rig

LIVELY = Weather(sigma_hour=0.015)


def rig(source: RandomMarket, market: Market = Market.FUTURES) -> Rig:
    one = Rig(source, market=market, check=False, seed=1)
    one.memory.encode_state = None  # nobody dies
    return one


def upto(one: Rig, moment: int) -> list[bytes]:
    """Every fact of the journal up to a moment."""
    found: list[bytes] = []
    one.memory.bodies.clear()
    one.run(until=moment)
    found.extend(one.memory.bodies)
    return found


@pytest.mark.parametrize("market", list(Market))
def test_the_same_market_gives_the_same_journal_to_the_last_byte(market: Market) -> None:
    journals = []
    for _ in range(2):
        one = rig(RandomMarket(3, 2, market=market, days=3, weather=LIVELY), market)
        one.run()
        journals.append(one.memory.bodies)
    assert journals[0] == journals[1]
    assert len(journals[0]) > 100


@pytest.mark.parametrize(("seed", "hours"), [(1, 11), (2, 30), (3, 47)])
def test_what_comes_later_changes_nothing_before(seed: int, hours: int) -> None:
    source = RandomMarket(seed, 2, days=3, weather=LIVELY)
    moment = source.trading_from + hours * HOUR + 15 * 60_000
    journals = [upto(rig(each), moment) for each in (source, source.altered(moment, 1.07), source.altered(moment, 0.8))]
    assert journals[0] == journals[1] == journals[2]
    assert len(journals[0]) > 50


def results(weather: Weather, seeds: range, days: float = 20) -> list[tuple[float, float]]:
    """(net return, fees over capital) of the whole bot on random walks."""
    found = []
    for seed in seeds:
        one = rig(RandomMarket(1000 + seed, 1, days=days, interval=HOUR // 2, weather=weather))
        one.run()
        ledger = one.engine.desk.ledger
        equity = ledger.equity_quick()
        assert equity is not None
        funding = sum(float(book.funding) for book in ledger.books.values())
        found.append(((float(equity) - 10_000 - funding) / 10_000, float(ledger.pnl().fees_total) / 10_000))
    return found


@pytest.mark.slow
def test_on_a_random_walk_the_bot_earns_nothing_before_fees() -> None:
    lived = results(LIVELY, range(10), days=16)
    gross = [net + fees for net, fees in lived]
    error = stdev(gross) / len(gross) ** 0.5
    assert min(fees for _, fees in lived) > 0
    assert -3 * error - 0.005 < fmean(gross) < 2.5 * error


def test_without_votes_a_position_is_worked_off_not_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    source = RandomMarket(4, 1, days=4, weather=Weather(sigma_hour=0.012, drift_day=0.05))
    one = Rig(source, seed=4)
    one.run(until=source.trading_from + DAY)
    while not (position := one.engine.desk.ledger.position("BTCUSDT")):
        assert one.step() is not None
    monkeypatch.setattr(facade, "vote", lambda row, params: Votes(0.0, 0.0, 0.0))
    one.run(until=one.world.now + 8 * HOUR)
    left = one.engine.desk.ledger.position("BTCUSDT")
    assert abs(left) < abs(position)
    one.run()
    assert one.engine.desk.ledger.position("BTCUSDT") == 0
    assert one.problems == []


def test_disabled_systems_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the three votes taken away in mid-life: what it held is left, and no promise breaks."""

    def without(name: str) -> Any:
        def muted(row: FeatureRow, params: VoteParams) -> Votes:
            full = vote(row, params)
            return Votes(*(0.0 if key == name else getattr(full, key) for key in ("up", "down", "neutral")))

        return muted

    for seed, name in ((11, "up"), (12, "down"), (13, "neutral")):
        source = RandomMarket(seed, 1, days=3, weather=Weather(drift_day=Random(seed).choice((-0.05, 0.05))))
        one = Rig(source, seed=seed)
        one.run(until=source.trading_from + DAY)
        with monkeypatch.context() as patched:
            patched.setattr(facade, "vote", without(name))
            one.run()
        assert one.problems == []
