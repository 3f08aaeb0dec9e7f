import gzip
import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.derive import CONSERVATIVE_BRACKETS, coarser, decimals_of, derive, finer, split_symbol
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.exchange_info import instruments, parse_brackets, read_instruments, read_json
from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.units import Market
from tests.data import shared

BOTH = [*builtin(Market.FUTURES).values(), *builtin(Market.SPOT).values()]


def _continuous(brackets: tuple[Bracket, ...]) -> bool:
    pairs = pairwise(brackets)
    return all(
        low.cap == high.floor
        and low.cap * low.maintenance_ratio - low.cum == low.cap * high.maintenance_ratio - high.cum
        for low, high in pairs
    )


@pytest.mark.parametrize("instrument", BOTH, ids=lambda i: f"{i.market}-{i.symbol}")
def test_a_built_in_instrument_is_whole(instrument: Instrument) -> None:
    assert instrument.base + instrument.quote == instrument.symbol
    assert 0 < instrument.min_steps <= instrument.market_max_steps <= instrument.max_steps
    assert 0 < instrument.min_price < instrument.max_price
    assert instrument.percent_down < 1 < instrument.percent_up
    assert bool(instrument.brackets) == (instrument.market is Market.FUTURES)
    assert _continuous(instrument.brackets)
    leverages = [bracket.max_leverage for bracket in instrument.brackets]
    assert leverages == sorted(leverages, reverse=True)
    # The step is small beside the minimum notional at a usual price, so that orders can be sized.
    assert instrument.min_notional > 0


def test_conservative_brackets_are_continuous_and_low() -> None:
    assert _continuous(CONSERVATIVE_BRACKETS)
    assert CONSERVATIVE_BRACKETS[0].max_leverage == 50


@pytest.mark.data
def test_built_in_brackets_are_the_published_ones() -> None:
    ladders = parse_brackets(
        read_json(shared("samples/leverage/um_leverage_brackets_freqtrade_2026.9_wheel.json.gz"))
    )
    for instrument in builtin(Market.FUTURES).values():
        assert instrument.brackets == ladders[instrument.symbol]


@pytest.mark.data
@pytest.mark.parametrize("market", list(Market))
def test_built_in_grids_are_the_published_ones(market: Market) -> None:
    name = "spot_mainnet_2024-09-08" if market is Market.SPOT else "um_testnet_2025-12-24"
    published = read_instruments(shared(f"samples/exchange_info/{name}.json.gz"))
    # Binance has refined these since the document, or coarsened its test venue.
    moved = {"SOLUSDT", "BNBUSDT", "XRPUSDT"}
    for symbol, known in builtin(market).items():
        if symbol not in moved:
            assert (known.tick, known.step) == (published[symbol].tick, published[symbol].step), symbol


DOCUMENTS = [
    ("spot_mainnet_2018-02-10.json.gz", 265, Market.SPOT, "0.01", "0.000001", "10"),
    ("spot_mainnet_2024-09-08.json.gz", 1248, Market.SPOT, "0.01", "0.00001", "5"),
    ("spot_BTCUSDT_2025-08-23_gostruct.json", 1, Market.SPOT, "0.01", "0.00001", "5"),
    ("um_testnet_2025-03-06.json.gz", None, Market.FUTURES, "0.1", "0.001", "100"),
    ("um_testnet_2025-12-24.json.gz", None, Market.FUTURES, "0.1", "0.001", "100"),
    ("um_2026-03-31_lbwnblb_reserialised.json.gz", None, Market.FUTURES, "0.1", "0.0001", "100"),
    ("um_mainnet_BTCUSDT_filters_roqdocs_2024H2.json", 1, Market.FUTURES, "0.1", "0.001", "100"),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "count", "market", "tick", "step", "notional"), DOCUMENTS)
def test_exchange_info_of_every_age_is_read(
    name: str, count: int | None, market: Market, tick: str, step: str, notional: str
) -> None:
    found = read_instruments(shared(f"samples/exchange_info/{name}"))
    assert count is None or len(found) == count
    bitcoin = found["BTCUSDT"]
    assert bitcoin.market is market
    assert (bitcoin.tick, bitcoin.step, bitcoin.min_notional) == (
        Decimal(tick),
        Decimal(step),
        Decimal(notional),
    )
    assert (bitcoin.base, bitcoin.quote, bitcoin.min_steps) == ("BTC", "USDT", 1)
    assert bitcoin.market_max_steps <= bitcoin.max_steps
    assert all(item.tick > 0 and item.step > 0 and item.min_steps >= 1 for item in found.values())
    assert not any("_" in symbol for symbol in found if market is Market.FUTURES)


@pytest.mark.data
def test_leverage_brackets_go_with_exchange_info() -> None:
    found = read_instruments(
        shared("samples/exchange_info/um_testnet_2025-12-24.json.gz"),
        shared("samples/leverage/um_leverage_brackets_freqtrade_2025-07.json.gz"),
        {"BTCUSDT", "ETHUSDT"},
    )
    assert sorted(found) == ["BTCUSDT", "ETHUSDT"]
    assert found["BTCUSDT"].brackets[0] == Bracket(
        Decimal(0), Decimal(300_000), 125, Decimal("0.004"), Decimal(0)
    )


def _symbol(**changes: Any) -> dict[str, Any]:
    filters = {
        "PRICE_FILTER": {"tickSize": "0.01", "minPrice": "0", "maxPrice": "0"},
        "LOT_SIZE": {"stepSize": "0.5", "minQty": "1.2", "maxQty": "100"},
    }
    for name, change in changes.items():
        filters[name] = filters.get(name, {}) | change
    return {"symbol": "ABCUSDT", "filters": [{"filterType": k} | v for k, v in filters.items()]}


def test_a_limit_of_zero_is_no_limit() -> None:
    found = instruments({"symbols": [_symbol(MARKET_LOT_SIZE={"maxQty": "0", "stepSize": "0"})]})["ABCUSDT"]
    assert found.min_price == 1
    assert found.max_price > 10**12
    assert (found.min_steps, found.max_steps, found.market_max_steps) == (3, 200, 200)
    assert found.max_orders == 200


def test_what_no_market_order_may_be_is_no_order_at_all() -> None:
    found = instruments({"symbols": [_symbol(MARKET_LOT_SIZE={"minQty": "2.2"})]})["ABCUSDT"]
    assert found.min_steps == 5, "what is held is sold at the market in the end"
    found = instruments({"symbols": [_symbol(MARKET_LOT_SIZE={"minQty": "0.5"})]})["ABCUSDT"]
    assert found.min_steps == 3


def test_what_an_order_may_be_worth_and_an_account_may_hold_is_read() -> None:
    notional = {"minNotional": "5", "maxNotional": "900", "applyMaxToMarket": False}
    found = instruments({"symbols": [_symbol(NOTIONAL=notional, MAX_POSITION={"maxPosition": "40.7"})]})["ABCUSDT"]
    assert (found.max_notional, found.max_market_notional, found.max_position) == (Decimal(900), None, 81)
    assert found.most_steps(1_000) == 180, "at 10.00 a step of 0.5 is worth 5"
    assert found.most_steps(10) == found.max_steps
    assert found.most_market_steps(1_000) == found.market_max_steps
    found = instruments({"symbols": [_symbol(NOTIONAL={**notional, "applyMaxToMarket": True})]})["ABCUSDT"]
    assert found.max_position is None
    assert found.most_market_steps(1_000) == 162, "less than a limit order's: it is judged by an average price"
    found = instruments({"symbols": [_symbol()]})["ABCUSDT"]
    assert (found.max_notional, found.max_position, found.most_steps(1_000)) == (None, None, found.max_steps)


def test_binances_own_bracket_document_is_read() -> None:
    tier = {
        "bracket": 1,
        "initialLeverage": 75,
        "notionalCap": 5000,
        "notionalFloor": 0,
        "maintMarginRatio": 0.0065,
    }
    ladder = parse_brackets([{"symbol": "ABCUSDT", "brackets": [tier | {"cum": 0.0}]}])["ABCUSDT"]
    assert ladder == (Bracket(Decimal(0), Decimal(5000), 75, Decimal("0.0065"), Decimal(0)),)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "no exchangeInfo document"),
        ({}, "no exchangeInfo document"),
        ({"symbols": []}, "lists no symbols"),
        ({"symbols": [{"filters": []}]}, "no symbol name"),
        ({"symbols": [{"symbol": "ABCUSDT"}]}, "ABCUSDT has no filters"),
        ({"symbols": [_symbol(PRICE_FILTER={"tickSize": "0"})]}, "ABCUSDT lacks PRICE_FILTER.tickSize"),
        ({"symbols": [_symbol(LOT_SIZE={"stepSize": None})]}, "ABCUSDT lacks LOT_SIZE.stepSize"),
        ({"symbols": [_symbol(LOT_SIZE={"stepSize": "x"})]}, "LOT_SIZE.stepSize = 'x', no number"),
    ],
)
def test_a_bad_exchange_info_says_what_is_wrong(document: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        instruments(document)


def test_an_entry_that_cannot_be_traded_is_left_out_unless_asked_for() -> None:
    coming = _symbol(PRICE_FILTER={"tickSize": "0"}) | {"symbol": "NEWUSDT"}
    document = {"symbols": [coming, _symbol()]}
    assert list(instruments(document)) == ["ABCUSDT"]
    with pytest.raises(DataError, match="NEWUSDT lacks"):
        instruments(document, symbols={"NEWUSDT"})


@pytest.mark.parametrize("document", [[{"symbol": "A"}], {"A/B:B": [{}]}, "x", [1]])
def test_a_bad_bracket_document_says_so(document: Any) -> None:
    with pytest.raises(DataError, match="no leverageBracket document"):
        parse_brackets(document)


def test_an_unreadable_document_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_json(tmp_path / "none.json")
    path = tmp_path / "bad.json"
    path.write_text("{")
    with pytest.raises(DataError, match="is no JSON document"):
        read_json(path)
    packed = gzip.compress(json.dumps({"a": 1}).encode())
    for damaged in (packed[:-9], packed[:10] + b"\xff" * 20):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="cannot be read"):
            read_json(path)


@pytest.mark.parametrize(
    ("prices", "tick", "step"),
    [
        ([60123.4, 59999.9], "0.1", "0.00001"),
        ([0.1234, 0.2], "0.0001", "1"),
        ([0.00000917, 0.0000092], "1E-8", "1E+5"),
        ([2500.12, 2600.0], "0.01", "0.0001"),
        ([100.0, 101.0], "1", "0.001"),
        ([95123.12345678, 95000.87654321], "0.01", "0.00001"),
        ([2.5e8, 2.6e8], "1E+2", "1E-8"),
        ([1.2345e-7, 1.3e-7], "1E-10", "1E+6"),
    ],
)
def test_tick_and_step_follow_decimals_and_price_level(prices: list[float], tick: str, step: str) -> None:
    made = derive("ABCUSDT", Market.FUTURES, np.array(prices))
    assert (made.tick, made.step) == (Decimal(tick), Decimal(step))
    assert made.derived
    assert made.brackets == CONSERVATIVE_BRACKETS
    assert derive("ABCUSDT", Market.SPOT, np.array(prices)).brackets == ()


@pytest.mark.parametrize(("level", "unit", "tick"), [(25, 1e-8, "1E-8"), (60, 1e-3, "0.001"), (7, 1e-2, "0.01")])
def test_a_market_of_few_ticks_keeps_its_own(level: int, unit: float, tick: str) -> None:
    told = [round((level + step % 3) * unit, 10) for step in range(60)]
    assert derive("XYZUSDT", Market.FUTURES, np.array(told)).tick == Decimal(tick)


@pytest.mark.parametrize("moves", [0, 5])
def test_a_few_round_prices_tell_no_coarse_tick(moves: int) -> None:
    told = [0.5] * 500 + [0.5 + 0.1 * (step % 2) for step in range(moves)]
    assert derive("XYZUSDT", Market.FUTURES, np.array(told)).tick == Decimal("0.001")


@pytest.mark.parametrize(
    ("level", "decimals", "tick"),
    [(25.0, 1, "0.1"), (25.0, 0, "1"), (250.0, 1, "0.01"), (55.0, 1, "0.01"), (25.0, 2, "0.01")],
)
def test_prices_of_far_fewer_decimals_than_the_tick_are_the_tick(level: float, decimals: int, tick: str) -> None:
    known = builtin(Market.FUTURES)["SOLUSDT"]
    told = np.array([round(level + step % 7 * 10.0**-decimals, decimals) for step in range(60)])
    made = coarser(known, told)
    assert made.tick == Decimal(tick)
    assert made.max_price * made.tick == pytest.approx(known.max_price * known.tick, rel=1e-6)
    assert coarser(known, told[:10]) is known, "a few prices may be round by chance"


def test_a_pair_quoted_in_a_coin_has_filters_worth_as_little_as_others_have() -> None:
    made = derive("ETHBTC", Market.SPOT, np.array([0.05312, 0.0481]))
    assert (made.quote, made.tick, made.step) == ("BTC", Decimal("0.00001"), Decimal("0.0001"))
    assert made.min_notional == Decimal("0.0001")


@given(st.integers(0, 8), st.lists(st.integers(10_001, 9_999_999), min_size=1, max_size=50))
def test_decimals_are_found_whatever_the_price(digits: int, units: list[int]) -> None:
    prices = np.array([unit / 10**digits for unit in [*units, 10_001]])
    assert decimals_of(prices) == digits


@given(st.sampled_from(BOTH), st.integers(1, 10_000_000))
def test_a_price_on_the_grid_survives_float_and_back(instrument: Instrument, ticks: int) -> None:
    price = float(instrument.price(ticks))
    assert instrument.ticks_near(price) == instrument.ticks_down(price) == instrument.ticks_up(price) == ticks
    assert int(np.rint(np.array([price]) / instrument.tick_f)[0]) == ticks
    assert finer(instrument, np.array([price])) is instrument


@given(st.sampled_from(BOTH), st.floats(1e-6, 1e6))
def test_rounding_goes_to_the_side_it_says(instrument: Instrument, price: float) -> None:
    down, near, up = (f(price) for f in (instrument.ticks_down, instrument.ticks_near, instrument.ticks_up))
    slack = price * 2e-9
    assert down <= near <= up <= down + 1
    assert float(instrument.price(down)) <= price + slack
    assert float(instrument.price(up)) >= price - slack


@given(st.sampled_from(BOTH), st.decimals("-1000000", "1000000", places=9))
def test_quantities_round_towards_zero(instrument: Instrument, quantity: Decimal) -> None:
    steps = instrument.steps_down(quantity)
    assert (
        abs(instrument.quantity(steps)) <= abs(quantity) < abs(instrument.quantity(steps)) + instrument.step
    )
    assert steps * quantity >= 0


def test_notional_is_exact() -> None:
    bitcoin = builtin(Market.FUTURES)["BTCUSDT"]
    assert bitcoin.notional(600_001, -3) == Decimal("-180.0003")
    assert bitcoin.unit_f == pytest.approx(bitcoin.tick_f * bitcoin.step_f)


def test_symbols_split_by_their_quote() -> None:
    assert split_symbol("1000PEPEUSDT") == ("1000PEPE", "USDT")
    assert split_symbol("ETHBTC") == ("ETH", "BTC")
    assert split_symbol("XYZ") == ("XYZ", "USDT")
