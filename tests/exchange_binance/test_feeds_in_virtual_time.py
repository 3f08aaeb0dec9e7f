"""Both feeds on an exchange made by hand: floods, garbage, deafness, a day in a second."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.engine.events import Event, Fill, LinkChanged, OrderReport, Quote
from gridbot_tui.exchange.binance.account_feed import AccountFeed
from gridbot_tui.exchange.binance.errors import Unresolved
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.exchange.binance.words import MARGIN_CALL, SETTINGS
from gridbot_tui.units import MINUTE, Market, Mode
from tests.exchange_binance.parts import instrument
from tests.exchange_binance.virtual import HandExchange, HandSocket, VirtualClock, at_once

TIMING = StreamTiming()
DAY_S = 24 * 3600.0


class KeyGiver:
    """REST that gives listen keys and nothing else."""

    market = Market.FUTURES

    def __init__(self) -> None:
        self.ids = KnownIds()
        self.ceilings: dict[str, int] = {}
        self.key = "key-1"
        self.asked = 0

    async def listen_key(self) -> str:
        self.asked += 1
        return self.key

    async def klines(self, *_: object) -> Any:
        raise Unresolved("no answer")

    funding = best = cash = klines


class SpotSigner:
    """REST that signs a subscription and nothing else."""

    market = Market.SPOT

    def __init__(self) -> None:
        self.ids = KnownIds()

    def sign(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**params, "signature": "s"}

    async def server_time(self) -> int:
        return 0


class Stage:
    """Market and account of futures, each on an exchange of its own."""

    def __init__(self, timing: StreamTiming) -> None:
        self.told: list[Event] = []
        self.looks: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.rest = KeyGiver()
        rest: Any = self.rest
        self.prices, self.private = HandExchange(), HandExchange()
        known = {"BTCUSDT": instrument("BTCUSDT")}
        clock, hosts = VirtualClock(), hosts_of(Mode.LIVE)
        self.market = MarketFeed(rest, hosts, known, MINUTE, self.told.append, timing=timing, clock=clock,
                                 dialer=self.prices)  # fmt: skip
        self.account = AccountFeed(rest, hosts, known, self.told.append, ours=lambda c: c.startswith("gb"),
                                   resync=self.looks.append, announce=lambda text, code: self.said.append((code, text)),
                                   timing=timing, clock=clock, dialer=self.private)  # fmt: skip

    def links(self, source: str) -> list[bool]:
        return [e.up for e in self.told if isinstance(e, LinkChanged) and e.source == source]

    @property
    def public(self) -> HandSocket:
        return next(s for s in reversed(self.prices.sockets) if "/public/" in s.url)


def played(play: Callable[[Stage], Awaitable[None]], timing: StreamTiming = TIMING, *, prices: bool = True) -> Stage:
    async def run() -> Stage:
        stage = Stage(timing)
        running = [asyncio.create_task(feed.run()) for feed in (stage.account, stage.market)[: 1 + prices]]
        await asyncio.sleep(0.5)
        try:
            await play(stage)
            assert not [task for task in running if task.done()], "no frame ends a feed"
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return stage

    return at_once(run())


def trade(number: int, client_id: str = "gb0-1") -> dict[str, Any]:
    o = {"s": "BTCUSDT", "c": client_id, "S": "BUY", "o": "LIMIT", "x": "TRADE", "X": "FILLED", "i": 7, "l": "0.001",
         "z": "0.001", "L": "60000.0", "n": "0.01", "N": "USDT", "T": 1_000, "t": number, "q": "0.001",
         "rp": "0"}  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "E": VirtualClock().now_ms(), "T": 1_000, "o": o}


def price(number: int) -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": f"{50_000 + number}.0", "a": f"{50_001 + number}.0"}
    return json.dumps({"stream": "btcusdt@bookTicker", "data": data}, separators=(",", ":")).encode()


def others(number: int) -> dict[str, Any]:
    new = {"c": f"web_{number}", "i": number, "x": "NEW", "X": "NEW", "l": "0", "z": "0", "L": "0", "t": 0}
    o = {**trade(1)["o"], **new}
    return {"e": "ORDER_TRADE_UPDATE", "E": VirtualClock().now_ms(), "T": 1_000 + number, "o": o}


def test_a_program_that_quotes_beside_the_bot_does_not_use_up_its_requests() -> None:
    marks: list[int] = []

    async def play(stage: Stage) -> None:
        for number in range(1_200):  # ten minutes
            stage.private.now.put(others(number))
            await asyncio.sleep(0.5)
            if number == 2:
                marks.append(len(stage.looks))
        marks.append(len(stage.looks))
        stage.private.now.put(others(1_200))
        await asyncio.sleep(61)
        marks.append(len(stage.looks))
        await asyncio.sleep(120)
        stage.private.now.put(others(1_201))
        await asyncio.sleep(1)
        marks.append(len(stage.looks))

    played(play, prices=False)
    first, busy, after, anew = marks
    assert first == 1, "the first one is looked at at once"
    assert busy <= 15, "then ever more seldom"
    assert after - busy == 1, "the last change is looked at as well"
    assert anew == after + 1, "and after a quiet while the next one at once"


def test_a_flood_of_prices_does_not_hold_up_a_fill_and_its_end_is_told() -> None:
    async def play(stage: Stage) -> None:
        for number in range(1, 20_001):
            stage.public.put(price(number))
        stage.private.now.put(trade(1))
        part = next(part for part in stage.market.parts if part.supervisor.name == "public")
        while not [e for e in stage.told if isinstance(e, Fill)]:  # noqa: ASYNC110 (as the loop turns, not as time passes)
            await asyncio.sleep(0)
        assert part.count < 2_000, "the fill came after the flood"
        await asyncio.sleep(1)
        assert part.count == 20_000
        assert [e.bid for e in stage.told if isinstance(e, Quote)][-1] == 700_000
        assert len([e for e in stage.told if isinstance(e, Quote)]) < 5

    played(play)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"null", b"{}", b'{"e":1}', b'{"id":7}', b"[1]", b'"x"']),
                min_size=1, max_size=TIMING.bad_frames - 1))  # fmt: skip
def test_garbage_is_counted_and_what_follows_is_heard(frames: list[bytes]) -> None:
    async def play(stage: Stage) -> None:
        for frame in frames:
            stage.public.put(frame)
            stage.private.now.put(frame)
        stage.public.put(price(1))
        stage.private.now.put(trade(1))
        await asyncio.sleep(1)

    stage = played(play)
    assert [e.trade_id for e in stage.told if isinstance(e, Fill)] == ["1"]
    assert [e.bid for e in stage.told if isinstance(e, Quote)] == [500_010]
    assert stage.links("account") == stage.links("market") == [False, True]


def test_an_account_event_that_cannot_be_read_is_asked_for() -> None:
    async def play(stage: Stage) -> None:
        odd = trade(1)
        odd["o"]["L"] = [60_000.0]  # a list where there was always one price
        stage.private.now.put(odd)
        await asyncio.sleep(0.1)

    stage = played(play)
    assert not [e for e in stage.told if isinstance(e, Fill)]
    assert ["could not be read" in reason for reason in stage.looks] == [True], "REST tells the fill, at once"


def test_a_stream_that_tells_of_an_order_in_a_word_of_its_own_is_not_deaf() -> None:
    async def play(stage: Stage) -> None:
        stage.account.answered("gb0-1")
        odd = trade(1)
        odd["o"] |= {"x": "QUEUED", "X": "QUEUED", "t": 0}
        stage.private.now.put(odd)
        stage.account.answered("gb0-2")
        algo = {"caid": "gb0-2", "s": "BTCUSDT", "X": "QUEUED", "aid": 3, "q": "0.001"}
        stage.private.now.put({"e": "ALGO_UPDATE", "E": VirtualClock().now_ms(), "T": 1_002, "o": algo})
        await asyncio.sleep(2 * TIMING.heard_of)

    stage = played(play)
    assert stage.links("account") == [False, True]
    assert [reason for reason in stage.looks if "QUEUED" in reason], "and REST is asked what it means"


def test_a_margin_call_and_another_margin_mode_are_said_and_looked_at() -> None:
    async def play(stage: Stage) -> None:
        socket = stage.private.now
        socket.put({"e": "MARGIN_CALL", "E": 1, "cw": "3.1", "p": [{"s": "BTCUSDT", "mm": "1.6"}]})
        socket.put({"e": "ACCOUNT_CONFIG_UPDATE", "E": 2, "T": 2, "ac": {"s": "BTCUSDT", "l": 25}})
        socket.put({"e": "ACCOUNT_CONFIG_UPDATE", "E": 3, "T": 3, "ai": {"j": True}})
        socket.put({"e": "ACCOUNT_CONFIG_UPDATE", "E": 4, "T": 4, "ai": {"f": True, "d": False}})
        await asyncio.sleep(10)

    stage = played(play)
    assert [code for code, _ in stage.said] == [MARGIN_CALL, SETTINGS]
    assert ["margin call" in stage.said[0][1], "multi-assets mode was switched on" in stage.said[1][1]] == [True, True]
    assert len(stage.looks) == 2


def test_the_answer_to_a_question_of_ours_is_no_event_that_was_missed() -> None:
    async def play(stage: Stage) -> None:
        await asyncio.sleep(5 * TIMING.probe)
        assert any("method" in said for said in stage.private.now.said)

    assert played(play).looks == []


@pytest.mark.parametrize(("data", "wait"), [({"serverTime": 1_000_000, "retryAfter": 1_400_000}, 400.0), (None, 120.0)])
def test_a_ban_told_on_the_spot_connection_is_sat_out(data: Any, wait: float) -> None:
    async def run() -> None:
        exchange, clock = HandExchange(), VirtualClock()
        error = {"code": -1003, "msg": "IP banned", **({"data": data} if data else {})}
        exchange.answer_with = lambda _, m: {"id": m["id"], "status": 418, "error": error}
        rest: Any = SpotSigner()
        feed = AccountFeed(rest, hosts_of(Mode.LIVE), {}, lambda _: None, ours=lambda _: False,
                           resync=lambda _: None, clock=clock, dialer=exchange)  # fmt: skip
        running = asyncio.create_task(feed.run())
        await asyncio.sleep(wait - 1)
        assert len(exchange.dialled_at) == 1, "nobody knocks while the ban lasts"
        await asyncio.sleep(TIMING.retry_most)
        assert len(exchange.dialled_at) == 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_once(run())


def test_garbage_without_end_replaces_the_connection_within_the_limits_and_never_ends_the_feed() -> None:
    async def play(stage: Stage) -> None:
        def spoil(socket: HandSocket) -> None:
            for _ in range(50):
                socket.put(b"garbage")

        stage.private.newborn = spoil
        spoil(stage.private.now)
        await asyncio.sleep(300)
        assert 10 < len(stage.private.sockets) < 2 * TIMING.dials
        stage.private.newborn = lambda _: None
        await asyncio.sleep(TIMING.retry_most + 1)
        stage.private.now.put(trade(9))
        await asyncio.sleep(1)

    stage = played(play)
    assert [e.trade_id for e in stage.told if isinstance(e, Fill)] == ["9"]
    assert stage.links("account")[-1]


def test_a_quiet_day_of_an_account_keeps_its_key_and_loses_nothing() -> None:
    async def play(stage: Stage) -> None:
        for number in range(1, 25):
            await asyncio.sleep(DAY_S / 24)
            for socket in stage.private.open_sockets:
                socket.data(trade(number))
        await asyncio.sleep(1)

    stage = played(play, StreamTiming(tick=20.0), prices=False)
    assert [e.trade_id for e in stage.told if isinstance(e, Fill)] == [str(n) for n in range(1, 25)]
    assert stage.links("account") == [False, True]
    assert stage.rest.asked > DAY_S / TIMING.listen_key, "prolonged all day"


def test_an_account_stream_that_falls_behind_is_left_for_a_fresh_one() -> None:
    async def play(stage: Stage) -> None:
        behind = stage.private.now
        behind.put(trade(1) | {"E": VirtualClock().now_ms() - 30_000})
        await asyncio.sleep(2)
        assert behind.closed
        stage.private.now.put(trade(2))
        await asyncio.sleep(60)

    stage = played(play)
    assert [e.trade_id for e in stage.told if isinstance(e, Fill)] == ["1", "2"]
    assert stage.links("account") == [False, True, False, True], "what else waits there is asked for"
    assert [e.detail for e in stage.told if isinstance(e, LinkChanged)].count("account: what it says is 30 s old") == 1


def test_an_exchange_that_tells_of_everything_late_is_asked_ever_more_seldom_and_not_dialled_for_each() -> None:
    async def play(stage: Stage) -> None:
        for number in range(900):
            stage.private.now.data(trade(number + 1) | {"E": VirtualClock().now_ms() - 30_000})
            await asyncio.sleep(1)

    stage = played(play, prices=False)
    assert len([e for e in stage.told if isinstance(e, Fill)]) > 880
    assert 7 <= len(stage.private.sockets) <= 9
    assert 12 <= len(stage.looks) <= 30


def test_a_new_listen_key_after_a_drop_is_asked_for_and_used() -> None:
    async def play(stage: Stage) -> None:
        stage.rest.key = "key-2"
        stage.private.now.cut(1006)
        await asyncio.sleep(1)
        assert stage.private.now.url.endswith("listenKey=key-2")

    assert played(play).links("account") == [False, True, False, True]


def test_a_fill_before_the_news_of_its_stop_is_told_as_the_stop_s() -> None:
    async def play(stage: Stage) -> None:
        born = trade(5, "x-unknown")
        born["o"] |= {"i": 500, "ot": "STOP_MARKET", "o": "MARKET"}
        stage.private.now.put(born)
        await asyncio.sleep(0.2)
        assert not [e for e in stage.told if isinstance(e, Fill)]
        o = {"caid": "gb0-stop", "aid": 9, "s": "BTCUSDT", "q": "0.001", "X": "TRIGGERED", "ai": "500"}
        stage.private.now.put({"e": "ALGO_UPDATE", "E": VirtualClock().now_ms(), "T": 1, "o": o})
        await asyncio.sleep(TIMING.hold_fill + 0.1)

    stage = played(play)
    assert [(e.client_id, e.ours) for e in stage.told if isinstance(e, Fill)] == [("gb0-stop", True)]
    assert [e.client_id for e in stage.told if isinstance(e, OrderReport)] == ["gb0-stop"]


def test_a_stop_of_another_hand_is_told_as_theirs_a_moment_later() -> None:
    async def play(stage: Stage) -> None:
        born = trade(5, "web-stop")
        born["o"] |= {"i": 500, "ot": "STOP_MARKET", "o": "MARKET"}
        stage.private.now.put(born)
        await asyncio.sleep(TIMING.hold_fill + 0.1)

    stage = played(play)
    assert [(e.client_id, e.ours) for e in stage.told if isinstance(e, Fill)] == [("web-stop", False)]
    assert stage.looks


def test_many_reasons_to_look_again_are_few_comparisons() -> None:
    async def play(stage: Stage) -> None:
        for number in range(100):
            stage.private.now.put(trade(number + 1, f"web-{number}"))
            await asyncio.sleep(0.1)
        await asyncio.sleep(10)

    assert 2 <= len(played(play).looks) <= 4
