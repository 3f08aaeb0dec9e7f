import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from gridbot_tui.engine.events import BarsClosed, FundingSettled, LinkChanged, Quote
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.units import MINUTE, Market, Mode
from tests.exchange_binance.listening import BRISK, SYMBOLS, Ears, ears
from tests.exchange_binance.parts import instrument
from tests.exchange_binance.virtual import HandExchange, VirtualClock, at_once
from tests.exchange_server.serving import Served, serving

BOTH = pytest.mark.parametrize("market", list(Market))
DOORS = {Market.FUTURES: ("/market*", "/public*"), Market.SPOT: ("/stream*",)}


async def minutes(e: Ears, count: int) -> None:
    """So many minutes pass, the price moving in each, up to a moment after the last one's close."""
    for _ in range(count):
        for n, symbol in enumerate(SYMBOLS):
            base = 60_000 if n == 0 else 3_000
            await e.price(symbol, base + e.clock.now_ms() // MINUTE % 50)
        await e.jump(MINUTE - e.clock.now_ms() % MINUTE + 20)
        await e.price("BTCUSDT", 60_001)


def whole(e: Ears, symbol: str) -> bool:
    """No minute twice, none left out, in order."""
    opens = e.bars(symbol)
    return all(b - a == MINUTE for a, b in pairwise(opens))


@BOTH
async def test_prices_are_told_as_they_move(served: Served, market: Market) -> None:
    async with ears(served, market, account=False) as e:
        await e.price("BTCUSDT", 61_000)
        tick = e.rest.traded["BTCUSDT"].tick
        mark = await e.until(lambda: [q for q in e.quotes("BTCUSDT") if q.mark and abs(q.mark * tick - 61_000) < 300])
        best = await e.until(lambda: [q for q in e.quotes("BTCUSDT") if q.bid and q.ask and q.bid * tick > 60_900])
        assert mark
        assert best[-1].bid < best[-1].ask  # type: ignore[operator]
        if market is Market.FUTURES:  # spot tells the candle that forms every two seconds only
            await e.until(lambda: [q for q in e.quotes("BTCUSDT") if q.last and q.last * tick == 61_000])


@BOTH
async def test_bars_are_the_exchange_s_own_all_symbols_together(served: Served, market: Market) -> None:
    async with ears(served, market, account=False, timing=replace(BRISK, late_bar_ms=15_000)) as e:
        await minutes(e, 3)
        await e.until(lambda: len(e.bars("BTCUSDT")) >= 3 and len(e.bars("ETHUSDT")) >= 3)
        assert whole(e, "BTCUSDT")
        assert [len(told.bars) for told in e.of(BarsClosed)[:3]] == [2, 2, 2]
        listed = {bar.open_at: bar for bar in await e.rest.klines("BTCUSDT", e.bars("BTCUSDT")[0])}
        for told in e.of(BarsClosed):
            for name, bar in told.bars:
                if name == "BTCUSDT":
                    theirs = listed[bar.open_at]
                    assert (bar.open, bar.high, bar.low, bar.close) == (
                        theirs.open, theirs.high, theirs.low, theirs.close)  # fmt: skip


@BOTH
async def test_bars_that_never_came_are_fetched(served: Served, market: Market) -> None:
    async with ears(served, market, account=False) as e:
        await e.faults({"kind": "drop", "on": "btcusdt@kline_1m", "times": 0})
        await minutes(e, 2)
        await e.jump(BRISK.late_bar_ms)
        await e.until(lambda: len(e.bars("BTCUSDT")) >= 2 and len(e.bars("ETHUSDT")) >= 2)
        assert e.bars("BTCUSDT")[:2] == e.bars("ETHUSDT")[:2]
        assert whole(e, "BTCUSDT")


@BOTH
async def test_frames_doubled_and_late_make_no_bar_twice(served: Served, market: Market) -> None:
    async with ears(served, market, account=False) as e:
        await e.faults({"kind": "duplicate", "on": "btcusdt@*", "count": 3, "times": 0},
                       {"kind": "delay", "on": "ethusdt@*", "ms": 100, "times": 0})  # fmt: skip
        await minutes(e, 3)
        await e.until(lambda: len(e.bars("BTCUSDT")) >= 3 and len(e.bars("ETHUSDT")) >= 3)
        assert whole(e, "BTCUSDT")
        assert whole(e, "ETHUSDT")


@BOTH
async def test_minutes_missed_while_disconnected_are_told_before_it_goes_on(served: Served, market: Market) -> None:
    async with ears(served, market, account=False) as e:
        await minutes(e, 1)
        await e.until(lambda: len(e.bars("ETHUSDT")) >= 1)
        for door in DOORS[market]:
            await e.control("act", kind="disconnect", on=door)
        await e.until(lambda: e.links("market")[2:3] == [False])
        await e.jump(7 * MINUTE)
        await e.until(lambda: e.links("market")[-1])
        await minutes(e, 1)
        await e.until(lambda: len(e.bars("BTCUSDT")) >= 9 and len(e.bars("ETHUSDT")) >= 9)
        assert whole(e, "BTCUSDT")
        assert whole(e, "ETHUSDT")
        times = [told.at for told in e.of(BarsClosed)]
        assert times == sorted(times)


async def test_it_begins_where_the_books_end(served: Served) -> None:
    now = served.now()
    first = now - now % MINUTE - 5 * MINUTE
    async with ears(served, Market.FUTURES, account=False, known={"BTCUSDT": first, "ETHUSDT": first + MINUTE}) as e:
        await e.until(lambda: len(e.bars("BTCUSDT")) >= 5 and len(e.bars("ETHUSDT")) >= 4)
        assert (e.bars("BTCUSDT")[0], e.bars("ETHUSDT")[0]) == (first, first + MINUTE)


async def test_open_and_silent_connections_are_replaced(served: Served) -> None:
    async with ears(served, Market.FUTURES, timing=replace(BRISK, answer=1.0)) as e:
        await e.control("act", kind="silence", on="/p*", ms=0)  # public and private
        await e.until(lambda: e.links("market")[2:4] == e.links("account")[2:4] == [False, True])
        assert len({link.source for link in e.of(LinkChanged) if "silent" in link.detail}) == 2
        before = len(e.quotes("BTCUSDT"))
        await e.price("BTCUSDT", 60_500)
        await e.until(lambda: len(e.quotes("BTCUSDT")) > before)
        await e.call("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                     quantity="0.01", price="59000", newClientOrderId="gb-after")  # fmt: skip
        await e.until(lambda: e.reports("gb-after"))


async def test_streams_at_the_wrong_door_are_heard_to_be_silent(served: Served) -> None:
    hosts = hosts_of(Mode.LIVE, served.http)
    wrong = replace(hosts, futures_market=hosts.futures_public)
    async with ears(served, Market.FUTURES, account=False) as e:
        told: list[Any] = []
        timing = replace(BRISK, deaf=0.3)
        feed = MarketFeed(e.rest, wrong, e.rest.traded, MINUTE, told.append, timing=timing, clock=e.clock)
        running = asyncio.create_task(feed.run())
        await e.until(lambda: feed.health()[0].renewals)
        assert "no data" in feed.health()[0].detail
        assert not [q for q in told if getattr(q, "mark", None)], "and nothing is made up"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_symbol_whose_best_prices_stopped_coming_is_looked_up_and_its_stream_replaced(served: Served) -> None:
    async with ears(served, Market.SPOT, account=False, timing=replace(BRISK, quiet=0.3)) as e:
        await e.price("BTCUSDT", 60_100)
        await e.until(lambda: e.quotes("BTCUSDT"))
        await e.faults({"kind": "drop", "on": "btcusdt@*", "times": 0})
        await e.price("BTCUSDT", 60_700)
        await e.until(lambda: (e.quotes("BTCUSDT")[-1].bid or 0) > 6_060_000)
        await e.until(lambda: e.market.health()[0].renewals)
        assert "did not say so" in e.market.health()[0].detail


async def test_a_quiet_spot_symbol_stays_fresh_while_its_connection_speaks() -> None:
    """Nothing trades: the engine must not take prices that still hold for stale ones."""

    def play() -> Any:
        async def run() -> Any:
            exchange, clock = HandExchange(), VirtualClock()
            told: list[Any] = []
            feed = hand_feed(exchange, clock, told.append, ["BTCUSDT", "ETHUSDT"], Market.SPOT)
            running = asyncio.create_task(feed.run())
            await asyncio.sleep(1)
            frame = {"u": 1, "s": "BTCUSDT", "b": "60000.00", "B": "1", "a": "60000.10", "A": "1"}
            exchange.now.data({"stream": "btcusdt@bookTicker", "data": frame})
            for n in range(2, 16):
                await asyncio.sleep(1)
                other = {"u": n, "s": "ETHUSDT", "b": "3000.00", "B": "1", "a": "3000.10", "A": "1"}
                exchange.now.data({"stream": "ethusdt@bookTicker", "data": other})
            spoken = [q.at for q in told if getattr(q, "symbol", "") == "BTCUSDT"]
            exchange.now.mute = True
            await asyncio.sleep(10)
            silent = [q.at for q in told if getattr(q, "symbol", "") == "BTCUSDT"][len(spoken) :]
            await ended(running)
            return spoken, silent

        return at_once(run())

    spoken, silent = await asyncio.to_thread(play)
    assert all(b - a < 5_000 for a, b in pairwise(spoken))
    assert len(spoken) >= 6
    assert len(silent) <= 2, "and must take them for stale once nobody speaks"


async def test_settled_funding_is_told_after_its_time(served: Served) -> None:
    async with ears(served, Market.FUTURES, account=False) as e:
        await e.price("BTCUSDT", 60_010)
        await e.jump(2_000)
        await e.until(lambda: all(any(q.mark for q in e.quotes(symbol)) for symbol in SYMBOLS))
        due = {symbol: next(q.funding_at for q in e.quotes(symbol) if q.funding_at) for symbol in SYMBOLS}
        await e.jump(min(due.values()) - e.clock.now_ms() + 2_000)
        await e.jump(2_000)
        for symbol in SYMBOLS:
            await e.control("funding", symbol=symbol, rate=0.0001)
        await e.until(lambda: {rate.symbol for told in e.of(FundingSettled) for rate in told.rates} == set(SYMBOLS))
        rates = [rate for told in e.of(FundingSettled) for rate in told.rates]
        assert {abs(rate.at - due[rate.symbol]) < 30_000 for rate in rates} == {True}
        assert len(rates) == 2, "each once"
        await e.until(lambda: max(e.bars("BTCUSDT"), default=0) >= due["BTCUSDT"] - MINUTE)
        assert whole(e, "BTCUSDT"), "the hours that passed in between are there too"


@BOTH
async def test_an_announced_shutdown_costs_nothing(served: Served, market: Market) -> None:
    async with ears(served, market, account=False) as e:
        for door in DOORS[market]:
            await e.control("act", kind="shutdown", on=door, ms=5_000 if market is Market.SPOT else 50)
        if market is Market.SPOT:  # futures announce nothing
            await e.until(lambda: e.market.health()[0].renewals)
            assert e.links("market") == [False, True]
        else:
            await e.until(lambda: e.links("market")[2:4] == [False, True])


async def test_an_exchange_that_restarts_is_found_again() -> None:
    with serving(Market.SPOT) as first:
        port = first.port
        clients = ears(first, Market.SPOT)
        e = await clients.__aenter__()
    await e.until(lambda: e.links("market")[-1] is False and e.links("account")[-1] is False)
    with serving(Market.SPOT, port=port) as second:
        await e.until(lambda: e.links("market")[-1] and e.links("account")[-1])
        before = len(e.quotes("BTCUSDT"))
        await asyncio.to_thread(second.price, "BTCUSDT", 60_123)
        await e.until(lambda: len(e.quotes("BTCUSDT")) > before)
        await clients.__aexit__(None, None, None)


# -- many symbols, in virtual time --------------------------------------------------------------------------------


class NoRest:
    """REST that is never there; the streams must live without."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        from gridbot_tui.exchange.binance.errors import Unresolved

        async def fail(*_: object) -> Any:
            self.asked.append(name)
            raise Unresolved("no answer")

        return fail


def hand_feed(exchange: HandExchange, clock: VirtualClock, sink: Callable[[Any], None], symbols: list[str],
              market: Market, timing: StreamTiming | None = None) -> MarketFeed:  # fmt: skip
    known = {s: instrument(s, "0.01", "0.001", market) for s in symbols}
    rest: Any = NoRest(market)
    return MarketFeed(rest, hosts_of(Mode.LIVE), known, MINUTE, sink, timing=timing or StreamTiming(), clock=clock,
                      dialer=exchange)  # fmt: skip


async def ended(running: "asyncio.Task[None]") -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_hundreds_of_symbols_are_spread_over_connections_each_at_the_right_door() -> None:
    symbols = [f"S{n}USDT" for n in range(700)]

    async def run() -> None:
        exchange = HandExchange()
        feed = hand_feed(exchange, VirtualClock(), lambda _: None, symbols, Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(10)
        assert all(link.up for link in feed.health())
        by_door: dict[str, list[str]] = {}
        for socket in exchange.sockets:
            assert len(socket.streams) <= StreamTiming().streams < 1024
            by_door.setdefault(socket.url.rsplit("/", 2)[1], []).extend(socket.streams)
        assert sorted(by_door["public"]) == sorted(f"{s.lower()}@bookTicker" for s in symbols)
        wanted = [f"{s.lower()}@{kind}" for s in symbols for kind in ("kline_1m", "markPrice@1s")]
        assert sorted(by_door["market"]) == sorted(wanted)
        await ended(running)

    at_once(run())


def candle(opens: int, told: int | None = None) -> dict[str, Any]:
    """A closed candle, told at its end unless said otherwise."""
    k = {"t": opens, "i": "1m", "o": "1.00", "c": "1.00", "h": "1.00", "l": "1.00", "v": "1", "x": True}
    event = {"e": "kline", "E": opens + MINUTE if told is None else told, "s": "BTCUSDT", "k": k}
    return {"stream": "btcusdt@kline_1m", "data": event}


def test_a_bar_from_the_future_is_a_bad_frame_and_the_feed_can_be_run_again() -> None:
    told: list[Any] = []

    async def run() -> None:
        exchange, clock = HandExchange(), VirtualClock()
        feed = hand_feed(exchange, clock, told.append, ["BTCUSDT"], Market.SPOT)
        for _ in range(2):
            running = asyncio.create_task(feed.run())
            await asyncio.sleep(1)
            minute = clock.now_ms() // MINUTE * MINUTE
            exchange.now.data(candle(minute + 1_000 * MINUTE, told=minute))
            await asyncio.sleep(61)
            exchange.now.data(candle(minute))
            await asyncio.sleep(1)
            await ended(running)
        assert feed.health()[0].bad_frames == 2

    at_once(run())
    bars = [bar.open_at for e in told if isinstance(e, BarsClosed) for _, bar in e.bars]
    assert len(bars) == 2
    assert [e.up for e in told if isinstance(e, LinkChanged)] == [False, True, False, True]


def spoken(symbol: str, price: str | None, at: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A second of a symbol: what the market connection says of it, and the public one."""
    mark = {"e": "markPriceUpdate", "E": at, "s": symbol, "p": price, "T": at + MINUTE}
    book = {"u": at, "s": symbol, "b": price, "a": price, "E": at}
    low = symbol.lower()
    return {"stream": f"{low}@markPrice@1s", "data": mark}, {"stream": f"{low}@bookTicker", "data": book}


@pytest.mark.parametrize("order", [("stream", "data"), ("data", "stream")])
def test_a_symbol_that_nobody_can_read_costs_the_others_one_connection_and_not_one_after_the_other(
    order: tuple[str, str],
) -> None:
    told: list[Any] = []

    async def run() -> None:
        exchange, clock = HandExchange(), VirtualClock()
        feed = hand_feed(exchange, clock, told.append, ["BTCUSDT", "ETHUSDT"], Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(1)
        for second in range(600):
            for symbol, price in (("BTCUSDT", f"{60_000 + second}.00"), ("ETHUSDT", "cheap")):
                for number, frame in enumerate(spoken(symbol, price, clock.now_ms())):
                    door = ("/market/", "/public/")[number]
                    for socket in [one for one in exchange.open_sockets if door in one.url]:
                        socket.data({key: frame[key] for key in order})
            await asyncio.sleep(1)
        await ended(running)

    at_once(run())
    assert [e.up for e in told if isinstance(e, LinkChanged)].count(False) <= 3, "one each, and the begin"
    quotes = [e for e in told if isinstance(e, Quote)]
    assert {e.symbol for e in quotes} == {"BTCUSDT"}
    assert [e.mark for e in quotes if e.mark][-1] == 6_059_900


@pytest.mark.parametrize("part", [0, 1], ids=["mark prices", "best prices"])
def test_a_connection_that_says_nothing_readable_is_given_up_every_time(part: int) -> None:
    told: list[Any] = []

    async def run() -> None:
        exchange, clock = HandExchange(), VirtualClock()
        feed = hand_feed(exchange, clock, told.append, ["BTCUSDT"], Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(1)
        for _ in range(120):
            for socket in exchange.open_sockets:
                socket.data(spoken("BTCUSDT", "cheap", clock.now_ms())[part])
            await asyncio.sleep(1)
        await ended(running)

    at_once(run())
    assert [e.up for e in told if isinstance(e, LinkChanged)].count(False) > 5


def test_a_first_connection_has_lost_nothing_until_it_fails() -> None:
    told: list[Any] = []

    async def run() -> None:
        exchange = HandExchange()
        exchange.away = True
        feed = hand_feed(exchange, VirtualClock(), told.append, ["BTCUSDT"], Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(30)
        exchange.away = False
        await asyncio.sleep(60)
        await ended(running)

    at_once(run())
    links = [e for e in told if isinstance(e, LinkChanged)]
    assert [(e.up, e.begins) for e in links] == [(False, True), (False, False), (True, False)]
    assert links[1].detail != "connecting"


def test_one_connection_down_is_the_market_down_and_rest_that_fails_ends_nothing() -> None:
    told: list[Any] = []

    async def run() -> None:
        exchange = HandExchange()
        feed = hand_feed(exchange, VirtualClock(), told.append, ["BTCUSDT"], Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(3 * 60)
        exchange.away = True
        exchange.sockets[-1].cut()
        await asyncio.sleep(60)
        assert [e.up for e in told if isinstance(e, LinkChanged)] == [False, True, False]
        assert sum(link.up for link in feed.health()) == 1
        exchange.away = False
        await asyncio.sleep(20)
        assert [e.up for e in told if isinstance(e, LinkChanged)] == [False, True, False, True]
        await ended(running)

    at_once(run())


BEHIND_MS = 40_000


def test_a_connection_that_falls_behind_is_replaced_and_what_it_says_is_told_as_old_as_it_is() -> None:
    told: list[Any] = []

    async def run() -> tuple[int, str]:
        exchange, clock = HandExchange(), VirtualClock()
        feed = hand_feed(exchange, clock, told.append, ["BTCUSDT"], Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(1)
        first = list(exchange.sockets)
        for _ in range(60):
            for socket in exchange.open_sockets:
                door = ("/market/", "/public/").index(next(d for d in ("/market/", "/public/") if d in socket.url))
                late = BEHIND_MS if socket in first else 20
                socket.data(spoken("BTCUSDT", "60000.00", clock.now_ms() - late)[door])
            await asyncio.sleep(1)
        details = {link.detail for link in feed.health()}
        await ended(running)
        return len(exchange.sockets), "; ".join(sorted(details))

    sockets, detail = at_once(run())
    assert (sockets, detail) == (4, "renewed: what it says is 40 s old")
    assert [e.up for e in told if isinstance(e, LinkChanged)] == [False, True], "without a gap"
    marks = [e for e in told if isinstance(e, Quote) and e.mark]
    assert {e.late for e in marks} == {BEHIND_MS, 20}
    assert {e.late for e in marks[-25:]} == {20}


def test_an_exchange_whose_streams_are_all_behind_is_dialled_ever_more_seldom() -> None:
    async def run() -> int:
        exchange, clock = HandExchange(), VirtualClock()
        feed = hand_feed(exchange, clock, lambda _: None, ["BTCUSDT"], Market.FUTURES)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(1)
        for _ in range(1_800):
            for socket in exchange.open_sockets:
                socket.data(spoken("BTCUSDT", "60000.00", clock.now_ms() - BEHIND_MS)["/public/" in socket.url])
            await asyncio.sleep(1)
        await ended(running)
        return len(exchange.sockets)

    assert 8 <= at_once(run()) <= 16


def test_on_spot_the_candle_tells_how_old_the_prices_beside_it_are() -> None:
    told: list[Any] = []

    async def run() -> None:
        exchange, clock = HandExchange(), VirtualClock()
        feed = hand_feed(exchange, clock, told.append, ["BTCUSDT"], Market.SPOT)
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(1)
        for number in range(1, 40):
            now, late = clock.now_ms(), BEHIND_MS if number <= 10 else 0
            k = {"t": now // MINUTE * MINUTE, "i": "1m", "o": "1.00", "c": "1.00", "h": "1.00", "l": "1.00", "v": "1",
                 "x": False}  # fmt: skip
            if number <= 10:  # then nobody trades any more
                data = {"e": "kline", "E": now - late, "s": "BTCUSDT", "k": k}
                exchange.now.data({"stream": "btcusdt@kline_1m", "data": data})
            book = {"u": number, "s": "BTCUSDT", "b": "1.00", "B": "1", "a": "1.01", "A": "1"}
            exchange.now.data({"stream": "btcusdt@bookTicker", "data": book})
            await asyncio.sleep(1)
        await ended(running)

    at_once(run())
    lates = [e.late for e in told if isinstance(e, Quote) and e.mark]
    assert set(lates[2:18]) == {BEHIND_MS}
    assert set(lates[-15:]) == {0}, "a candle of long ago says nothing of now"
