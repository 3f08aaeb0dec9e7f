"""The back-test beside a running bot: what it answers, and what it never looks at."""

import math
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path

import msgspec
import polars as pl
import pytest

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.research import lookback, lookback_market
from gridbot_tui.research.history.fetch import Budget
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.metrics import Daily
from gridbot_tui.research.outcome import by_engine
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.sensitivity import Change
from gridbot_tui.service.beside.lookback import Ask, Past, Told
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR, Market, Ms
from tests.research.markets import START, series

QUICK = (("bot.capital", "10000"),)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """46 days of hours, the two weeks of the warm-up included."""
    one = series("SOLUSDT", 46, seed=3, sigma_hour=0.012, interval=HOUR)
    return written(tmp_path / "um" / "SOLUSDT" / "1h", one)


def written(folder: Path, one: Series) -> Path:
    columns = {name: getattr(one, name) * one.instrument.tick_f for name in ("open", "high", "low", "close")}
    folder.mkdir(parents=True)
    frame = pl.DataFrame({"open_time": one.times, **columns, "volume": one.volume})
    frame.write_parquet(folder / "a.parquet")
    return folder


def ask(past: Past, *texts: str, days: int = 60) -> Ask:
    names = ("running", "edited")
    begun = tuple(TrialView(names[i], "playing", f"hash {i}", past.end) for i in range(len(texts)))
    return Ask(past, begun, texts, QUICK, days)


def of_files(folder: Path, end: Ms) -> Past:
    return Past(Market.FUTURES, ("SOLUSDT",), end, data=(str(folder),))


def known(value: float | None) -> float:
    assert value is not None
    return value


def last(asked: Ask) -> Told:
    return list(lookback.answers(asked))[-1]


def test_running_and_edited_are_told_with_days_and_interval_and_compared_on_the_same_days(recording: Path) -> None:
    past = of_files(recording, START + 46 * DAY)
    first, *_, told = lookback.answers(ask(past, "", "[strategy.leverage]\nbase = 0.9\n"))
    assert [one.state for one in first.trials] == ["done", "playing"]
    running, edited = told.trials
    assert (running.name, edited.name) == ("running", "edited")
    for one in told.trials:
        assert one.state == "done"
        assert one.days in (32, 33)
        assert known(one.low) < known(one.daily) < known(one.high)
        assert known(one.fills_day) > 0
        assert known(one.max_drawdown) < 0
        assert "SOLUSDT, 60 min bars" in one.detail
    assert edited.ahead == pytest.approx(known(edited.daily) - known(running.daily))
    assert running.ahead is None
    assert running.config == "hash 0"


def test_days_that_are_too_few_are_said_and_give_no_interval_and_no_suggestion(recording: Path) -> None:
    told = last(ask(of_files(recording, START + 20 * DAY), "")).trials[0]
    assert told.days < 30
    assert told.daily is not None
    assert told.low is None
    assert "too few" in told.suggestion
    short = last(ask(of_files(recording, START + 14 * DAY), "")).trials[0]
    assert (short.state, short.daily) == ("done", None)
    assert "nothing is left to judge" in short.detail


def test_nothing_after_the_moment_of_the_question_is_looked_at(tmp_path: Path) -> None:
    one = series("SOLUSDT", 24, seed=5, sigma_hour=0.012, interval=HOUR)
    end = START + 19 * DAY
    other = msgspec.structs.replace(one, close=one.close.copy(), low=one.low.copy())
    after = one.times >= end
    for column in (other.close, other.low):
        column[after] //= 2
    told = [
        last(ask(of_files(written(tmp_path / name / "um" / "SOLUSDT" / "1h", kind), end), ""))
        for name, kind in (("a", one), ("b", other))
    ]
    assert told[0] == told[1]
    assert told[0].trials[0].fills_day


def test_a_symbol_that_the_recent_days_lack_keeps_its_share_of_the_capital(tmp_path: Path) -> None:
    end = START + 20 * DAY
    for one in (series("SOLUSDT", 22, seed=3, sigma_hour=0.012, interval=HOUR), series("ETHUSDT", 22, interval=HOUR)):
        name = one.instrument.symbol
        listed = msgspec.structs.replace(one, times=one.times + 30 * DAY) if name == "ETHUSDT" else one
        written(tmp_path / "um" / name / "1h", listed)
    past = Past(Market.FUTURES, ("ETHUSDT", "SOLUSDT"), end, data=(str(tmp_path),))
    told = last(ask(past, "")).trials[0]
    settings = load(None, {}, QUICK).settings
    market = lookback_market.market_of(past, START, settings)
    assert market.symbols == ("SOLUSDT",)
    half = by_engine("half", Prepared(settings, market, past.symbols)).daily(START + 14 * DAY)
    assert told.net_return == pytest.approx(math.prod(1.0 + value for value in half.returns) - 1.0)
    assert told.net_return


def test_a_plain_grid_is_laid_with_the_days_it_is_judged_on(recording: Path) -> None:
    plain = '[ladder]\nkind = "geometric"\n[ladder.plain]\nrange_below = 0.4\nrange_above = 0.4\n'
    past = of_files(recording, START + 46 * DAY)
    edited = last(ask(past, "", plain)).trials[1]
    market = lookback_market.market_of(past, START, load(None, {}, QUICK).settings)
    kinds = (("ladder.kind", "geometric"), ("ladder.plain.range_below", "0.4"), ("ladder.plain.range_above", "0.4"))
    prepared = Prepared(load(None, {}, (*QUICK, *kinds)).settings, market)
    late = by_engine("late", prepared, START + 14 * DAY)
    assert known(edited.fills_day) == len(late.marks) / edited.days
    assert len(late.marks) != len(by_engine("early", prepared).marks)


def test_a_suggestion_says_its_interval_and_how_many_were_tried(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def played(market: RecordedMarket, settings: Settings, since: Ms) -> lookback.Played:
        gain = 0.002 * settings.strategy.leverage.base + 0.0001 * settings.ladder.spacing_trend
        return lookback.Played(Daily(tuple(range(32)), (gain,) * 32), 40, -0.01)

    monkeypatch.setattr(lookback, "_play", played)
    told = last(ask(of_files(recording, START + 46 * DAY), "")).trials[0]
    assert told.suggestion.startswith("strategy.leverage.base 0.5 to 0.6667 would have made +0.033 % a day [")
    assert "the best of 6 changes of one parameter: chosen afterwards, so expect less" in told.suggestion


def test_only_a_change_that_luck_does_not_explain_is_suggested() -> None:
    change = Change("ladder.skew", 1.0, 1.25)
    unsure = lookback._best([(Interval(0.001, -0.001, 0.003), change)])
    assert unsure.startswith("no change is suggested")
    assert "shows no difference" in unsure
    sure = lookback._best([(Interval(0.001, 0.0005, 0.003), change), (Interval(0.0, -0.1, 0.1), change)])
    assert sure.startswith("ladder.skew 1 to 1.25 would have made +0.100 % a day [+0.050 %, +0.300 %] more")
    assert "best of 2 changes" in sure


def test_what_cannot_be_played_is_an_answer_with_its_reason(tmp_path: Path) -> None:
    told = last(ask(of_files(tmp_path / "gone", START + DAY), "", "[ladder]\nskew = 1.1\n"))
    assert {one.state for one in told.trials} == {"failed"}
    assert "gone" in told.trials[0].detail


def test_the_past_of_a_sim_is_the_synthetic_market_itself(tmp_path: Path) -> None:
    params = SyntheticParams(symbols=("DOGEUSDT",), seed=4)
    market = SyntheticMarket(params, market=Market.FUTURES, start=START)
    path = tmp_path / "market.json"
    path.write_bytes(msgspec.json.encode(market.state()))
    end = START + 3 * DAY + 5 * HOUR
    past = Past(Market.FUTURES, ("DOGEUSDT",), end, synthetic=str(path))
    found = lookback_market.market_of(past, START - 30 * DAY, load(None, {}, ()).settings)
    assert (found.start, found.end) == (START, end)
    played = takewhile(lambda batch: batch.at <= end, market.batches(START))
    theirs = [bar for batch in played for _, bar in batch.bars]
    ours = list(found.series["DOGEUSDT"].bars(0, found.bars_total, found.interval))
    assert ours == theirs


def test_candles_of_an_exchange_are_asked_for_slowly_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    pauses: list[float] = []
    end = START + 20 * DAY + 7 * HOUR

    def answered(
        url: str, params: dict[str, object], sleep: Callable[[float], None], budget: Budget
    ) -> Sequence[object]:
        asked.append(url)
        frm, to, most = int(str(params["startTime"])), int(str(params["endTime"])), int(str(params["limit"]))
        if "fundingRate" in url:
            return [{"fundingTime": at, "fundingRate": "0.0001"} for at in range(frm, to, 8 * HOUR)]
        step = 15 * 60_000
        first = -(-frm // step) * step
        return [[at, "10", "11", "9", "10", "5"] for at in range(first, to, step)][:most]

    monkeypatch.setattr("gridbot_tui.research.history.sources.get_json", answered)
    monkeypatch.setattr("gridbot_tui.research.lookback_market.time.sleep", pauses.append)
    past = Past(Market.FUTURES, ("SOLUSDT",), end, rest="http://x/fapi", kept=str(tmp_path))
    settings = load(None, {}, ()).settings
    found = lookback_market.market_of(past, end - 20 * DAY, settings)
    assert found.end == end
    assert found.bars_total == 20 * 96
    assert len(found.series["SOLUSDT"].funding) >= 58
    assert asked == ["http://x/fapi/v1/klines"] * 2 + ["http://x/fapi/v1/fundingRate"]
    assert len(pauses) == 3
    assert min(pauses) >= 1.0
    lookback_market.market_of(msgspec.structs.replace(past, end=end + HOUR), end - 20 * DAY, settings)
    assert len(asked) == 3  # an hour later what is kept will do
    lookback_market.market_of(msgspec.structs.replace(past, end=end + 9 * HOUR), end - 20 * DAY, settings)
    assert len(asked) > 3
