import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from gridbot_tui.exchange.binance.doors import StreamDoor
from gridbot_tui.exchange.binance.errors import CUT_OFF_S, Stop
from gridbot_tui.exchange.binance.frames import BadFrame
from gridbot_tui.exchange.binance.gate import Gate
from gridbot_tui.exchange.binance.supervisor import Supervisor
from gridbot_tui.exchange.binance.timing import StreamTiming
from tests.exchange_binance.virtual import HandExchange, HandSocket, VirtualClock, at_once

TIMING = StreamTiming()
CALM = StreamTiming(tick=1.0)
"""For hours that pass: everything as it is, looked at less often."""
MINUTE = 60.0


class Ear:
    """A listener that writes everything down, with the time."""

    def __init__(self) -> None:
        self.links: list[tuple[float, bool, str]] = []
        self.frames: list[bytes] = []

    def heard(self, raw: bytes, now: float) -> None:
        if not raw.startswith(b'{"stream"'):
            raise BadFrame("garbage", "no frame at all")
        self.frames.append(raw)

    def link(self, up: bool, detail: str) -> None:
        self.links.append((asyncio.get_running_loop().time(), up, detail))

    def missed(self, bad: BadFrame) -> None:
        """Counted by the supervisor."""

    @property
    def ups(self) -> list[bool]:
        return [up for _, up, _ in self.links]


class Scene:
    """A supervisor on an exchange made by hand."""

    def __init__(self, timing: StreamTiming = TIMING, *, talkative: bool = True, streams: int = 2) -> None:
        self.exchange = HandExchange()
        self.ear = Ear()
        self.clock = VirtualClock()
        names = [f"s{n}@bookTicker" for n in range(streams)]
        door = StreamDoor(["wss://exchange"], names, timing, self.clock)
        self.gate = Gate(timing, self.clock)
        self.supervisor = Supervisor("market", door, self.ear, self.exchange, self.gate, timing, self.clock,
                                     talkative=talkative)  # fmt: skip
        self._talking: list[asyncio.Task[None]] = []

    @property
    def time(self) -> float:
        return self.clock.monotonic()

    def talks(self, every: float = 1.0) -> None:
        """The market moves: every open connection hears of it."""

        async def talk() -> None:
            count = 0
            while True:
                for socket in self.exchange.sockets:
                    socket.data({"stream": "s0@bookTicker", "data": count})
                count += 1
                await asyncio.sleep(every)

        self._talking.append(asyncio.create_task(talk()))

    async def __aenter__(self) -> "Scene":
        self._running = asyncio.create_task(self.supervisor.run())
        await asyncio.sleep(0.5)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._talking, self._running):
            task.cancel()
        await asyncio.gather(*self._talking, self._running, return_exceptions=True)
        assert all(socket.closed for socket in self.exchange.sockets)


def scene(play: Callable[[Scene], Awaitable[None]], timing: StreamTiming = TIMING, **how: Any) -> Scene:
    async def run() -> Scene:
        stage = Scene(timing, **how)
        async with stage:
            await play(stage)
        return stage

    return at_once(run())


def test_it_subscribes_on_every_new_connection_and_says_that_the_link_stands() -> None:
    async def play(s: Scene) -> None:
        assert s.exchange.now.streams == ["s0@bookTicker", "s1@bookTicker"]
        s.exchange.now.cut(1006)
        await asyncio.sleep(1)
        assert s.exchange.now.streams == ["s0@bookTicker", "s1@bookTicker"], "nothing is remembered over there"

    assert scene(play).ear.ups == [True, False, True]


def test_hundreds_of_streams_go_out_in_batches_within_the_exchange_s_rate() -> None:
    async def play(s: Scene) -> None:
        await asyncio.sleep(TIMING.handshake)
        assert s.ear.ups == [True]
        said = [m["params"] for m in s.exchange.now.said if m["method"] == "SUBSCRIBE"]
        assert [len(names) for names in said] == [100] * 10 + [24]

    scene(play, StreamTiming(streams=1024), streams=1024)
    assert 1 / TIMING.batch_pause < 5, "five messages a second, pongs and probes included"
    assert 1024 / TIMING.batch * TIMING.batch_pause < TIMING.handshake, "a full connection is subscribed in time"


@pytest.mark.parametrize("talkative", [True, False])
def test_an_open_and_silent_socket_is_replaced_well_within_the_minute(talkative: bool) -> None:
    async def play(s: Scene) -> None:
        s.talks()
        await asyncio.sleep(300)
        silent_at = s.time
        s.exchange.now.mute = True
        await asyncio.sleep(MINUTE)
        (down_at, _, why), (up_at, _, _) = s.ear.links[1:]
        assert "silent" in why
        assert down_at - silent_at <= TIMING.probe + TIMING.answer + 2 * TIMING.tick + 1
        assert up_at - down_at < 1
        assert s.exchange.sockets[0].closed

    assert scene(play, talkative=talkative).ear.ups == [True, False, True]


def test_six_connections_that_are_all_refused_do_not_wait_for_the_gate() -> None:
    tries = TIMING.dials_window / (0.75 * TIMING.retry_most)  # jitter makes three quarters of the longest pause
    assert 6 * tries <= TIMING.dials < 300


def test_the_promise_of_a_minute_holds_by_arithmetic() -> None:
    assert TIMING.longest_outage <= MINUTE
    assert TIMING.longest_return <= MINUTE
    deaf = TIMING.deaf + TIMING.tick + TIMING.dial + TIMING.handshake + TIMING.resync
    assert deaf <= MINUTE
    assert TIMING.heard_of + TIMING.tick + TIMING.dial + TIMING.handshake + TIMING.resync <= MINUTE
    assert TIMING.unserved + TIMING.dial + TIMING.handshake + TIMING.resync <= MINUTE


def test_the_worst_way_to_a_new_connection_is_no_longer_than_promised() -> None:
    async def play(s: Scene) -> None:
        s.talks()
        await asyncio.sleep(100)
        silent_at = s.time

        def slow_greeting(socket: HandSocket, message: Any) -> Any:
            asyncio.get_running_loop().call_later(
                TIMING.handshake - 0.1, socket.put, {"result": None, "id": message["id"]}
            )

        s.exchange.answer_with = slow_greeting
        s.exchange.now.mute = True
        # The first try fails at the end of its time, the second connects and is confirmed at the end of its.
        s.exchange.slow += (TIMING.dial + 1, TIMING.dial - 0.1)
        await asyncio.sleep(MINUTE)
        assert s.ear.ups == [True, False, False, True]
        assert s.ear.links[-1][0] - silent_at <= TIMING.longest_outage - TIMING.resync

    scene(play)


def test_a_socket_that_answers_and_delivers_nothing_is_replaced_without_a_gap_being_told() -> None:
    async def play(s: Scene) -> None:
        s.talks()
        await asyncio.sleep(100)
        s.exchange.now.deaf = True
        await asyncio.sleep(TIMING.deaf + 2)
        assert len(s.exchange.sockets) == 2
        heard = len(s.ear.frames)
        await asyncio.sleep(10)
        assert len(s.ear.frames) > heard
        assert s.exchange.sockets[0].closed

    assert scene(play).ear.ups == [True]


def test_a_market_that_is_quiet_for_hours_costs_ever_fewer_connections() -> None:
    async def play(s: Scene) -> None:
        await asyncio.sleep(3600)
        assert 5 < len(s.exchange.sockets) < 15
        s.talks()
        await asyncio.sleep(700)
        s.exchange.now.deaf = True
        before = len(s.exchange.sockets)
        await asyncio.sleep(TIMING.deaf + 2)
        assert len(s.exchange.sockets) == before + 1, "once it spoke, its silence is noticed as soon as ever"

    assert scene(play, CALM).ear.ups == [True]


def test_an_account_that_has_nothing_to_say_is_asked_and_left_alone() -> None:
    async def play(s: Scene) -> None:
        await asyncio.sleep(900)
        asked = [m for m in s.exchange.now.said if m.get("method") == "LIST_SUBSCRIPTIONS"]
        assert len(asked) > 100
        assert len(s.exchange.sockets) == 1

    assert scene(play, CALM, talkative=False).ear.ups == [True]


def test_where_commands_are_never_answered_a_pong_is_enough() -> None:
    async def play(s: Scene) -> None:
        s.exchange.answers = False
        await asyncio.sleep(1)
        line = s.exchange.sockets[0]
        await asyncio.sleep(600)
        assert len(s.exchange.sockets) == 1
        line.mute = True
        await asyncio.sleep(2 * (TIMING.probe + TIMING.answer))
        assert len(s.exchange.sockets) == 2

    class Mum(StreamDoor):
        async def greet(self, line: object) -> None:
            """Like the futures user stream: nothing is said, so nothing is confirmed."""

    async def run() -> None:
        s = Scene(talkative=False)
        s.supervisor._door = Mum(["wss://exchange"], [], TIMING, s.clock)
        async with s:
            await play(s)

    at_once(run())


def test_a_connection_is_renewed_before_its_day_is_over_and_both_listen_for_a_while() -> None:
    short = StreamTiming(renew=200.0, renew_spread=50.0)
    assert TIMING.renew + TIMING.tick + 100 * TIMING.retry_most < 24 * 3600, "with an hour for a hundred tries"

    async def play(s: Scene) -> None:
        s.talks(every=0.5)
        await asyncio.sleep(short.renew - short.renew_spread - 0.5)
        assert len(s.exchange.sockets) == 1
        await asyncio.sleep(s.supervisor._renew_at + 2 - s.time)
        assert [socket.closed for socket in s.exchange.sockets] == [False, False]
        await asyncio.sleep(TIMING.overlap + 1)
        assert s.exchange.sockets[0].closed
        assert {b'{"stream":"s0@bookTicker","data":%d}' % n for n in range(1, 100)} <= set(s.ear.frames), "none is lost"

    done = scene(play, short)
    assert done.ear.ups == [True]
    assert done.supervisor._renewed == 1
    numbers = [int(raw.partition(b'"data":')[2][:-1]) for raw in done.ear.frames]
    assert {b - a for a, b in pairwise(numbers)} <= {0, 1}, "some twice, none missing"


def test_connections_made_together_are_not_renewed_together() -> None:
    ages = set()
    for _ in range(5):

        async def play(s: Scene) -> None:
            ages.add(s.supervisor._renew_at)

        scene(play)
    assert len(ages) == 5


def test_a_renewal_that_cannot_be_had_is_tried_again_while_the_old_connection_serves() -> None:
    async def play(s: Scene) -> None:
        s.talks()
        await asyncio.sleep(100)
        s.exchange.away = True
        s.supervisor.renew("the exchange announced a shutdown")
        await asyncio.sleep(30)
        assert s.ear.ups == [True]
        s.exchange.away = False
        await asyncio.sleep(TIMING.retry_most + 1)
        assert len(s.exchange.open_sockets) <= 2
        assert s.supervisor.health().renewals == 1

    assert scene(play).ear.ups == [True]


def test_an_old_connection_that_dies_before_its_successor_stands_leaves_a_gap_that_is_told() -> None:
    async def play(s: Scene) -> None:
        await asyncio.sleep(1)
        s.exchange.slow.append(5)
        s.supervisor.renew("the exchange announced a shutdown")
        await asyncio.sleep(1)
        s.exchange.sockets[0].cut(1001)
        await asyncio.sleep(1)
        assert s.ear.ups == [True, False]
        await asyncio.sleep(5)

    assert scene(play).ear.ups == [True, False, True]


def test_an_exchange_that_is_away_is_tried_within_its_limits_and_found_again_soon() -> None:
    async def play(s: Scene) -> None:
        await asyncio.sleep(100)
        s.exchange.away = True
        s.exchange.now.cut()
        await asyncio.sleep(3600)
        tries = s.exchange.dialled_at
        for start in tries:
            assert sum(start <= at < start + TIMING.dials_window for at in tries) <= TIMING.dials
        s.exchange.away = False
        back = s.time
        await asyncio.sleep(TIMING.retry_most + 1)
        assert s.ear.links[-1][1]
        assert s.ear.links[-1][0] - back <= TIMING.retry_most + CALM.tick
        assert len([up for up in s.ear.ups if not up]) <= 2, "the same reason is told once"

    scene(play, CALM)


def test_an_exchange_that_drops_every_connection_at_once_meets_a_back_off() -> None:
    async def play(s: Scene) -> None:
        s.exchange.newborn = lambda socket: socket.cut(1008)
        s.exchange.now.cut(1008)
        await asyncio.sleep(600)
        assert len(s.exchange.sockets) < 90
        gaps = [b - a for a, b in pairwise(s.exchange.dialled_at[8:])]
        assert all(TIMING.retry_most / 2 <= gap <= TIMING.retry_most + 1 for gap in gaps)

    scene(play)


def test_all_connections_of_a_process_share_one_limit() -> None:
    async def play(s: Scene) -> None:
        for _ in range(TIMING.dials - 1):
            await s.gate.enter()
        began = s.time
        s.exchange.now.cut()
        await asyncio.sleep(1)
        assert len(s.exchange.sockets) == 1
        await asyncio.sleep(TIMING.dials_window)
        assert len(s.exchange.sockets) == 2
        assert s.exchange.dialled_at[-1] - began >= TIMING.dials_window - 2

    scene(play)


def test_a_ban_at_the_door_is_sat_out() -> None:
    async def play(s: Scene) -> None:
        s.exchange.banned_s = 300.0
        s.exchange.now.cut()
        await asyncio.sleep(2)
        dialled = len(s.exchange.dialled_at)
        await asyncio.sleep(297)
        assert len(s.exchange.dialled_at) == dialled
        s.exchange.banned_s = None
        await asyncio.sleep(TIMING.retry_most + 2 + CUT_OFF_S)
        assert s.supervisor.up
        assert "418" in s.ear.links[-2][2]

    scene(play)


def test_pings_are_answered_with_their_own_words() -> None:
    async def play(s: Scene) -> None:
        s.exchange.now.ask_ping(b"1718")
        await asyncio.sleep(0.1)
        assert s.exchange.now.said[-1] == {"pong": b"1718"}

    scene(play)


def test_a_bad_frame_is_counted_and_passed_and_many_condemn_the_connection() -> None:
    async def play(s: Scene) -> None:
        s.talks()
        for _ in range(TIMING.bad_frames - 1):
            s.exchange.now.put(b"garbage")
        await asyncio.sleep(TIMING.bad_window + 1)
        assert s.ear.ups == [True]
        for _ in range(TIMING.bad_frames):
            s.exchange.now.put(b"garbage")
        await asyncio.sleep(2)
        assert s.ear.ups == [True, False, True]
        assert "unreadable" in s.ear.links[1][2]

    assert scene(play).supervisor.bad_frames == {"garbage": 2 * TIMING.bad_frames - 1}


def test_a_refused_subscription_is_a_reason_and_no_crash() -> None:
    async def play(s: Scene) -> None:
        s.exchange.answer_with = lambda _, m: {"error": {"code": 2, "msg": "Too many streams."}, "id": m["id"]}
        s.exchange.now.cut()
        await asyncio.sleep(5)
        assert "Too many streams." in s.ear.links[-1][2]
        s.exchange.answer_with = None
        await asyncio.sleep(TIMING.retry_most + 1)
        assert s.supervisor.up

    scene(play)


def test_a_connection_that_forgot_a_stream_is_replaced() -> None:
    async def play(s: Scene) -> None:
        s.exchange.answer_with = lambda _, m: {
            "result": ["s0@bookTicker"] if m["method"] == "LIST_SUBSCRIPTIONS" else None, "id": m["id"]}  # fmt: skip
        await asyncio.sleep(TIMING.probe + 1)
        assert "forgot" in s.ear.links[1][2]

    scene(play)


def test_where_one_way_leads_to_nothing_the_other_is_taken() -> None:
    async def run() -> None:
        s = Scene(CALM)
        s.supervisor._door = StreamDoor(["wss://demo/public", "wss://demo"], ["s0@bookTicker"], TIMING, s.clock)
        s.exchange.newborn = lambda socket: setattr(socket, "deaf", socket.url == "wss://demo/public/stream")
        async with s:
            s.talks()
            await asyncio.sleep(TIMING.deaf + 2)
            assert s.ear.frames
            await asyncio.sleep(900)
            assert [socket.url for socket in s.exchange.sockets] == ["wss://demo/public/stream", "wss://demo/stream"]

    at_once(run())


def test_a_way_that_brought_data_is_kept_when_it_falls_quiet() -> None:
    async def run() -> None:
        s = Scene(CALM)
        s.supervisor._door = StreamDoor(["wss://demo/public", "wss://demo"], ["s0@bookTicker"], TIMING, s.clock)
        async with s:
            s.talks()
            await asyncio.sleep(5)
            s.exchange.now.deaf = True
            await asyncio.sleep(TIMING.deaf + 5)
            assert [socket.url for socket in s.exchange.sockets] == ["wss://demo/public/stream"] * 2

    at_once(run())


def test_a_key_that_is_refused_is_not_tried_every_few_seconds() -> None:
    class Locked(StreamDoor):
        tries = 0

        async def address(self) -> str:
            self.tries += 1
            raise Stop("Invalid API-key, IP, or permissions for action.", -2015)

    async def run() -> None:
        s = Scene(CALM)
        door = s.supervisor._door = Locked(["wss://exchange"], [], TIMING, s.clock)
        async with s:
            await asyncio.sleep(3600)
            assert 100 < door.tries <= 3600 / TIMING.unserved + 1
            assert "Invalid API-key" in s.ear.links[-1][2]

    at_once(run())


def test_a_right_key_that_was_called_wrong_is_back_within_the_minute() -> None:
    """In its troubles Binance says -2015 to right keys, too: for two minutes after them no news of the account came."""

    class Locked(StreamDoor):
        open = False

        async def address(self) -> str:
            if not self.open:
                raise Stop("Invalid API-key, IP, or permissions for action.", -2015)
            return await super().address()

    async def run() -> None:
        s = Scene(CALM)
        door = s.supervisor._door = Locked(["wss://exchange"], ["s0@bookTicker"], TIMING, s.clock)
        async with s:
            await asyncio.sleep(600)
            door.open = True
            await asyncio.sleep(60 - TIMING.resync)
            assert s.supervisor.up

    at_once(run())


def test_a_ban_that_rest_tells_of_holds_a_stream_back_no_longer_than_it_lasts() -> None:
    """The listen key was asked for in its last second, and the stream stayed away as long as for a wrong key."""

    told = [900.0, 1.0]

    class Banned(StreamDoor):
        async def address(self) -> str:
            if told:
                raise Stop("IP banned until 1789999999000.", -1003, wait_s=told.pop(0))
            return await super().address()

    async def run() -> None:
        s = Scene(CALM)
        s.supervisor._door = Banned(["wss://exchange"], ["s0@bookTicker"], TIMING, s.clock)
        began = s.time
        async with s:
            await asyncio.sleep(899)
            assert not s.exchange.dialled_at
            await asyncio.sleep(1 + TIMING.retry_most)
            assert s.supervisor.up
            assert s.exchange.dialled_at[0] - began < 901 + TIMING.retry_most

    at_once(run())


def test_an_answer_is_one_in_whatever_order_its_fields_come() -> None:
    async def run() -> None:
        s = Scene()
        s.exchange.answer_with = lambda _, m: {"rateLimits": [], "unknown": 1, "result": None, "id": m["id"]}
        async with s:
            assert s.supervisor.up

    at_once(run())
