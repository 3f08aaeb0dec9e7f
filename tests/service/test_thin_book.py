"""A book so thin that the exchange takes no market order: positions are closed all the same."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gridbot_tui.exchange.simulated import exchange, filters
from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import Market, Side, Ticks
from tests.service.wire_scene import Scene, live_through


def test_a_stop_closes_by_a_limit_order_where_market_orders_meet_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_near(_: Instrument, side: Side, price: Ticks, mark: Ticks) -> bool:
        return abs(price - mark) < 0.03 * mark

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.994)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()
        monkeypatch.setattr(filters, "_outside", nobody_near)
        result = await scene.stop()
        assert result.exit_code == 0, result.text
        assert not scene.holds()
        orders = scene.ask("/fapi/v1/allOrders", symbol="BTCUSDT")
        (closed,) = [one for one in orders if one["timeInForce"] == "GTC" and one["type"] == "LIMIT"]
        assert (closed["status"], closed["reduceOnly"]) == ("FILLED", True)

    live_through(story, tmp_path)


@pytest.mark.parametrize("part", [2, 20])
def test_a_stop_closes_by_a_limit_order_where_market_orders_may_not_be_as_large_any_more(
    part: int, tmp_path: Path
) -> None:
    """Binance lowers the largest market order of a symbol: what was refused (-4005) was sent again just as large."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.97)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()
        tape, desk = scene.served.app.place.floors["futures"].tapes["BTCUSDT"], scene.served.account.futures
        assert desk is not None
        tape.instrument = replace(tape.instrument, market_max_steps=desk.account.position("BTCUSDT") // part)
        desk.venues["BTCUSDT"].instrument = tape.instrument
        result = await scene.stop()
        assert (result.exit_code, scene.holds()) == (0, False), result.text
        assert scene.contradictions() == []

    live_through(story, tmp_path)


@pytest.mark.parametrize("refused_by", ["PERCENT_PRICE_BY_SIDE", "MARKET_LOT_SIZE"])
def test_on_spot_as_well_where_a_filter_refuses_what_the_market_order_asks(
    refused_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = filters.check_spot

    def no_market_order(instrument: Instrument, order: NewOrder, reference: Ticks) -> Refusal | None:
        if order.kind is OrderKind.MARKET:
            return no.filter_failure(refused_by)
        return checked(instrument, order, reference)

    async def story(scene: Scene) -> None:
        await _bought(scene)
        monkeypatch.setattr(exchange, "check_spot", no_market_order)
        result = await scene.stop()
        assert result.exit_code == 0, result.text
        assert not scene.holds()
        (closed,) = _closing(scene)
        assert (closed["type"], closed["status"]) == ("LIMIT", "FILLED")

    live_through(story, tmp_path, market=Market.SPOT)


def test_on_spot_a_market_order_that_nobody_met_is_followed_by_one_that_waits_for_somebody(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await _bought(scene)
        scene.served.control("liquidity", symbol="BTCUSDT", steps=0)
        scene.parts.session.request_stop("test", keep_positions=False)
        await scene.until(lambda _: any(row["type"] == "LIMIT" for row in scene.standing()), "it rests")
        scene.served.control("liquidity", symbol="BTCUSDT", steps=None)
        scene.carry(0.99)
        result = await scene.ended()
        assert result.exit_code == 0, result.text
        assert not scene.holds()
        assert [(row["type"], row["status"]) for row in _closing(scene)] == [("MARKET", "EXPIRED"), ("LIMIT", "FILLED")]

    live_through(story, tmp_path, market=Market.SPOT)


async def _bought(scene: Scene) -> None:
    await scene.start()
    await scene.trading()
    scene.carry(0.985)
    await scene.until(lambda _: scene.holds(), "it has filled")
    await scene.agreed()


def _closing(scene: Scene) -> list[dict[str, str]]:
    rows = scene.ask("/api/v3/allOrders", symbol="BTCUSDT")
    return [row for row in rows if row["type"] in ("LIMIT", "MARKET")]
