"""A back-test is the truth about the engine: the same as a replay, the same twice, and blind to the future."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from msgspec import structs

from gridbot_tui.engine.core import Engine
from gridbot_tui.ledger.state import LedgerState
from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.research.backtest import document, study_of
from gridbot_tui.research.lookback_market import market_of
from gridbot_tui.research.outcome import ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.ring import Ring
from gridbot_tui.service import app, parts
from gridbot_tui.service.assemble import market_source, understand
from gridbot_tui.service.beside.lookback import Past
from gridbot_tui.service.options import RunOptions
from gridbot_tui.units import MINUTE, Market, Mode
from tests.data import shared
from tests.research.markets import GAP, prepared, series


def written(folder: Path, *parts: Series) -> list[str]:
    """The parts as Parquet files under the paths that tell market, symbol and interval."""
    paths = []
    for part in parts:
        tick = part.instrument.tick_f
        path = folder / "um" / part.instrument.symbol / "5m" / "made.parquet"
        path.parent.mkdir(parents=True)
        pl.DataFrame(
            {
                "open_time": part.times,
                "open": part.open * tick,
                "high": part.high * tick,
                "low": part.low * tick,
                "close": part.close * tick,
                "volume": part.volume,
            }
        ).write_parquet(path)
        paths.append(str(path))
    return paths


def replayed(paths: list[str]) -> tuple[Engine, dict[str, object]]:
    """The engine of a whole service that has replayed these files, and its status."""
    seen: list[Engine] = []

    class Seen(Engine):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            seen.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "Engine", Seen)
        result = app.run_headless(RunOptions(mode=Mode.REPLAY, data=tuple(paths), speed="max", json=True))
    assert result.status is not None, result.text
    return seen[0], result.status


def backtested(paths: list[str]) -> tuple[Ring, Prepared]:
    one = prepare(Request(tuple(paths)))
    ring = ring_of(one)
    ring.run()
    return ring, one


def booked(engine: Engine) -> LedgerState:
    """The ledger; but for when the exchange last confirmed it, which a back-test asks at the start only."""
    state = engine.desk.ledger.state()
    return structs.replace(state, account=structs.replace(state.account, reported_at=0))


def assert_same_books(paths: list[str]) -> None:
    engine, status = replayed(paths)
    ring, _ = backtested(paths)
    ours = ring.engine.desk
    assert booked(engine) == booked(ring.engine)
    assert engine.desk.tiers.state() == ours.tiers.state()
    assert engine.desk.strategy.state() == ours.strategy.state()
    assert status["residual"] == "0"


def test_a_replay_by_the_service_gives_the_same_fills_and_ledger(tmp_path: Path) -> None:
    parts = (
        series("BTCUSDT", 17, seed=31, sigma_hour=0.012),
        series("ETHUSDT", 17, seed=32, sigma_hour=0.014, holes=((15.2, 0.6),)),
    )
    paths = written(tmp_path, *parts)
    ring, _ = backtested(paths)
    assert len(ring.tape.fills) > 10
    assert_same_books(paths)


@pytest.mark.data
@pytest.mark.slow
def test_filters_that_the_config_names_are_those_of_replay_back_test_and_look_back(tmp_path: Path) -> None:
    paths = written(tmp_path, series("ETHUSDT", 2), series("SOLUSDT", 2))
    info = tmp_path / "info.json"
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "stepSize": "0.5", "minQty": "0.5", "maxQty": "1000"},
    ]
    one = {"contractType": "PERPETUAL", "filters": filters}
    info.write_text(json.dumps({"symbols": [one | {"symbol": name} for name in ("ETHUSDT", "SOLUSDT")]}))
    given = (("market.exchange_info", str(info)),)
    made = prepare(Request(tuple(paths), symbols=("ETHUSDT", "SOLUSDT"), overrides=given))
    past = Past(Market.FUTURES, ("ETHUSDT",), made.market.end, data=tuple(paths))
    beside = market_of(past, made.market.start, made.settings)
    replay = RunOptions(mode=Mode.REPLAY, data=tuple(paths), overrides=given)
    played, _ = market_source(understand(replay), None)  # type: ignore[arg-type]
    for market in (made.market, beside, played):
        assert str(market.instruments["ETHUSDT"].step) == "0.5"


def test_files_of_symbols_that_are_not_asked_for_are_not_read(tmp_path: Path) -> None:
    paths = written(tmp_path, series("BTCUSDT", 2), series("ETHUSDT", 2), series("SOLUSDT", 2))
    Path(paths[2]).write_bytes(b"PAR1 cut off")
    made = prepare(Request((str(tmp_path),), symbols=("BTCUSDT", "ETHUSDT")))
    assert made.market.symbols == ("BTCUSDT", "ETHUSDT")


def test_a_recorded_month_replayed_gives_the_same_fills_and_ledger() -> None:
    assert_same_books([str(shared("um/FILUSDT/1m/2025-02-01_2025-02-28.parquet"))])


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    paths = tuple(written(tmp_path, series("ETHUSDT", 17, seed=33, sigma_hour=0.013)))

    def told() -> bytes:
        result = document(study_of(prepare(Request(paths)), processes=1))
        del result["elapsed_s"], result["bars_per_s"]
        return json.dumps(result).encode()

    assert told() == told()


def test_baselines_in_processes_of_their_own_are_the_same(tmp_path: Path) -> None:
    one = prepared(series("BTCUSDT", 16, seed=34, sigma_hour=0.012))
    alone, forked = study_of(one, processes=1), study_of(one, processes=2)
    assert {n: o.figures for n, o in alone.others.items()} == {n: o.figures for n, o in forked.others.items()}


def test_what_happens_after_a_moment_changes_nothing_before_it() -> None:
    whole = series("ETHUSDT", 20, seed=35, sigma_hour=0.013)
    half = len(whole.times) * 9 // 10
    moment = int(whole.times[half])
    opened, high, low, close = (column.copy() for column in (whole.open, whole.high, whole.low, whole.close))
    for column in (opened, high, low, close):
        column[half:] = np.rint(column[half:] * 1.3)
    other = Series(whole.instrument, whole.times, opened, high, low, close, whole.volume, None, whole.funding, [])
    rings = []
    for one in (whole, other):
        ring = ring_of(Prepared(prepared(whole).settings, RecordedMarket([one], 5 * MINUTE, GAP)))
        ring.run()
        rings.append(ring)
    before = [[f for f in ring.tape.fills if f.at <= moment] for ring in rings]
    assert before[0] == before[1]
    assert before[0]
    assert rings[0].tape.fills != rings[1].tape.fills
    curves = [[v for at, v in zip(r.tape.curve.at, r.tape.curve.equity, strict=True) if at <= moment] for r in rings]
    assert curves[0] == curves[1]


def test_the_end_of_the_data_marks_to_the_last_close_and_flattens_nothing(tmp_path: Path) -> None:
    one = prepared(series("ETHUSDT", 20, seed=36, sigma_hour=0.013))
    ring = ring_of(one)
    ring.run()
    assert ring.engine.open_positions()
    desk = ring.engine.desk
    assert desk.symbols["ETHUSDT"].mark == int(one.market.series["ETHUSDT"].close[-1])
    assert desk.ledger.account.residual() in (None, 0)
