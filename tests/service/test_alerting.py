"""Alarms leave the machine, and nothing of that is ever in the way of an order."""

import asyncio
import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.credentials.addresses import Address, Found, parse
from gridbot_tui.ops.alerts import Message
from gridbot_tui.ops.params import AlertParams
from gridbot_tui.ops.redact import forget_secrets
from gridbot_tui.service import real_runner
from gridbot_tui.service.beside import alert_lane, alerting
from gridbot_tui.service.beside.alert_channel import Channel, open_channels
from gridbot_tui.service.beside.alert_lane import MOST_HANGING, MOST_WAITING, Lane
from gridbot_tui.service.beside.alert_watch import NotStarted
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.books.telling import Level
from tests.exchange_binance.virtual import at_once
from tests.service.real_venue import PRICE, SYMBOL
from tests.service.test_real import PATIENCE_S, resting, running


def message(number: int = 1) -> Message:
    return Message("error", f"title {number}", f"body {number}", number)


class Outside:
    """Addresses whose answers a test gives, in virtual time."""

    def __init__(self) -> None:
        self.tries: list[tuple[float, asyncio.Future[str]]] = []
        self.answer: str | None = ""
        """What every try is told at once; None = it hangs until the test settles it."""
        self.reports: list[tuple[str, bool]] = []
        self.sent: list[Message] = []
        """What the tries sent, in their words."""

    def start(self, call: Callable[[], str]) -> "asyncio.Future[str]":
        call()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        self.tries.append((loop.time(), future))
        if self.answer is not None:
            future.set_result(self.answer)
        return future

    def lane(self) -> Lane:
        loop = asyncio.get_running_loop()
        return Lane(Named("json 1", self.sent), 20.0, self.heard, lambda: None, loop.time, self.start)

    def heard(self, text: str, works: bool) -> None:
        self.reports.append((text, works))

    @property
    def pauses(self) -> list[int]:
        times = [at for at, _ in self.tries]
        return [round(b - a) for a, b in itertools.pairwise(times)]


class Named:
    def __init__(self, name: str, sent: list[Message]) -> None:
        self.name = name
        self._sent = sent

    def send(self, message: Message) -> str:
        self._sent.append(message)
        return "the test answers"


@contextlib.asynccontextmanager
async def served(lane: Lane) -> Any:
    task = asyncio.create_task(lane.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_an_address_that_fails_is_tried_again_and_again_until_it_takes_the_message() -> None:
    async def scene() -> None:
        outside = Outside()
        outside.answer = "500"
        lane = outside.lane()
        async with served(lane):
            lane.put(message(1))
            lane.put(message(2))
            await asyncio.sleep(400)
            assert outside.pauses == [5, 15, 60, 300]
            assert (lane.sent, lane.failed, lane.view().waiting, lane.view().up) == (0, 5, 2, False)
            outside.answer = ""
            await asyncio.wait_for(lane.empty(), 400)
            assert (lane.sent, lane.dropped, lane.view().up, lane.view().error) == (2, 0, True, "")
            assert [works for _, works in outside.reports] == [False, True], "said once, not at every try"

    at_once(scene())


def test_an_address_that_hangs_keeps_few_threads_and_a_late_yes_is_not_sent_twice() -> None:
    async def scene() -> None:
        outside = Outside()
        outside.answer = None
        lane = outside.lane()
        async with served(lane):
            lane.put(message())
            await asyncio.sleep(3_600)
            assert len(outside.tries) == MOST_HANGING, "no thread after thread is left behind"
            assert "no answer within 20 s" in lane.view().error
            outside.tries[1][1].set_result("")
            await asyncio.sleep(1)
            assert (lane.sent, len(outside.tries), lane.view().waiting) == (1, MOST_HANGING, 0)

    at_once(scene())


def test_a_queue_is_bounded_and_what_is_no_news_any_more_is_given_up() -> None:
    async def scene() -> None:
        outside = Outside()
        outside.answer = "no route"
        lane = outside.lane()
        async with served(lane):
            for number in range(3 * MOST_WAITING):
                lane.put(message(number))
            await asyncio.sleep(1)
            assert (lane.view().waiting, lane.dropped) == (MOST_WAITING, 2 * MOST_WAITING)
            await asyncio.sleep(2 * alert_lane.KEPT_S + MOST_WAITING * 300)
            assert (lane.view().waiting, lane.dropped) == (0, 3 * MOST_WAITING)

    at_once(scene())


def test_what_an_address_hears_late_says_of_when_it_is_and_that_others_are_missing() -> None:
    async def scene() -> None:
        outside = Outside()
        outside.answer = "no route"
        lane = outside.lane()
        async with served(lane):
            for number in range(MOST_WAITING + 2):
                lane.put(message(number * 3_600_000))
            await asyncio.sleep(8 * 3_600)
            outside.answer = ""
            await asyncio.wait_for(lane.empty(), 400)
            lane.put(message(7))
            await asyncio.wait_for(lane.empty(), 400)
        taken = [one.body.splitlines()[1:] for one in outside.sent[-MOST_WAITING - 1 :]]
        late = "(of 1970-01-01 02:00 UTC: it could not be delivered before)"
        assert taken[0] == [late, "(2 earlier could not be delivered at all)"]
        assert taken[1] == ["(of 1970-01-01 03:00 UTC: it could not be delivered before)"]
        assert taken[-1] == [], "what comes at once has nothing to explain"

    at_once(scene())


def test_a_storm_of_warnings_takes_no_error_out_of_a_full_queue() -> None:
    async def scene() -> None:
        outside = Outside()
        outside.answer = "no route"
        lane = outside.lane()
        async with served(lane):
            lane.put(message(0))
            for number in range(1, 3 * MOST_WAITING):
                lane.put(Message("warning", f"title {number}", f"body {number}", number))
            waiting = [one for _, one in lane.waiting()]
        assert waiting[0] == message(0)
        newest = [one.at for one in waiting[1:]]
        assert newest == list(range(2 * MOST_WAITING + 1, 3 * MOST_WAITING)), "of equal ones the oldest goes"

    at_once(scene())


class Server:
    """An HTTP address of this machine that takes what apprise sends."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if "refuse" not in self.path and "moved" not in self.path:
                    outer.taken.append(json.loads(body))
                self.send_response(403 if "refuse" in self.path else 302 if "moved" in self.path else 200)
                self.send_header("Location", "/login")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"json://127.0.0.1:{self.server.server_address[1]}/{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.server.shutdown()
    one.server.server_close()
    forget_secrets()


def test_apprise_delivers_says_why_not_and_never_the_address(server: Server) -> None:
    words = (server.url("TOKEN1234567890"), server.url("refuse/TOKEN0987654321"), "nonsense://TOKEN5555566666")
    addresses = parse("\n".join(words), "a test")
    channels, wrong = open_channels(addresses)
    assert [one.name for one in channels] == ["json 1", "json 2"]
    said = [one.send(message()) for one in channels]
    assert said[0] == ""
    assert "403" in said[1]
    assert wrong[0].startswith("nonsense 3: ")
    assert [(one["title"], one["message"], one["type"]) for one in server.taken] == [("title 1", "body 1", "failure")]
    assert "TOKEN" not in repr((said, wrong, channels, addresses))


def test_an_address_that_only_says_where_else_to_go_has_taken_nothing(server: Server) -> None:
    (channel,), _ = open_channels(parse(server.url("moved/TOKEN1234567890"), "a test"))
    assert "302" in channel.send(message())
    assert server.taken == []


# -- beside a whole bot, in real time -----------------------------------------------------------------------------


class Hanging:
    """Never comes back."""

    name = "hanging 1"

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.leave = threading.Event()

    def send(self, message: Message) -> str:
        self.asked.set()
        self.leave.wait()
        return ""


class Kept:
    """Takes everything."""

    name = "kept 2"

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def send(self, message: Message) -> str:
        self.taken.append(message)
        return ""


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Hanging, Kept]]:
    hanging, kept = Hanging(), Kept()
    found = Found(parse("hanging://x kept://x", "a test"), "a test", "")

    def opener(_: Sequence[Address]) -> tuple[list[Channel], list[str]]:
        return [hanging, kept], []

    monkeypatch.setattr(alerting, "find", lambda: found)
    monkeypatch.setattr(alerting, "open_channels", opener)
    monkeypatch.setattr(alerting, "LOOK_S", 0.05)
    monkeypatch.setattr(alerting, "LAST_WORDS_S", 1.0)
    monkeypatch.setattr(real_runner, "TICK_S", 0.05)
    yield hanging, kept
    hanging.leave.set()


async def test_an_address_that_hangs_delays_no_order_and_no_other_address(
    tmp_path: Path, outside: tuple[Hanging, Kept]
) -> None:
    hanging, kept = outside
    async with running(tmp_path, ("alerts.level", "info")) as run:
        await run.until(lambda p: p.alerts is not None and p.alerts.channels[1].sent > 0)
        await asyncio.to_thread(hanging.asked.wait, PATIENCE_S)
        before = await run.until(lambda p: p.state == "running" and resting(p) > 4)
        run.venue.quote(PRICE - 30_000)
        after = await run.until(lambda p: p.symbols[SYMBOL].fills > 0 and any(o.purpose == "stop" for o in p.orders))
        assert {o.client_id for o in after.orders} - {o.client_id for o in before.orders}, "orders go on"
        assert not hanging.leave.is_set()
        assert {"alert hanging 1", "alert kept 2"} < {link.name for link in after.links}
        run.parts.session.request_stop("stop", keep_positions=False)
        result = await asyncio.wait_for(run.task, PATIENCE_S)
    assert result.exit_code == 0, result
    assert result.status is not None
    async with asyncio.timeout(PATIENCE_S):
        while not kept.taken[-1].title.endswith(": stop"):  # noqa: ASYNC110 - its thread may be at it
            await asyncio.sleep(0.01)
    assert kept.taken[0].title.endswith(": restart")
    assert "verified" in kept.taken[-1].body


async def test_a_run_that_fails_while_its_addresses_are_being_opened_is_told_of_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, asked, go = Kept(), threading.Event(), threading.Event()

    def slow(_: Sequence[Address]) -> tuple[list[Channel], list[str]]:
        asked.set()
        go.wait(PATIENCE_S)
        return [kept], []

    class Settled(NotStarted):
        def settled(self) -> bool:
            return True

    monkeypatch.setattr(alerting, "find", lambda: Found(parse("kept://x", "a test"), "a test", ""))
    monkeypatch.setattr(alerting, "open_channels", slow)
    watched = Settled()
    alarms = alerting.Alerting(AlertParams(), Profile("test", tmp_path), watched)
    async with alarms.awake():
        await asyncio.to_thread(asked.wait, PATIENCE_S)
        ending = asyncio.create_task(alarms.last_words(EventView(2, "error", "defect", "", "it failed")))
        await asyncio.sleep(0)
        go.set()
        await ending
    assert any("it failed" in one.body for one in kept.taken)


async def test_a_defect_of_the_alarms_does_not_hide_how_a_run_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Told(NotStarted):
        def say(self, level: Level, code: str, text: str) -> None:
            said.append(text)

    def broken(_: Sequence[Address]) -> tuple[list[Channel], list[str]]:
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(alerting, "find", lambda: Found(parse("kept://x", "a test"), "a test", ""))
    monkeypatch.setattr(alerting, "open_channels", broken)
    watched = Told()
    alarms = alerting.Alerting(AlertParams(), Profile("test", tmp_path), watched)
    async with alarms.awake():
        await alarms.last_words(watched.refusal("no key"))
    assert said == ["the last alarm was not sent (ZeroDivisionError: of the test)"]
