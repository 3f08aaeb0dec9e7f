"""The streams: who listens to what, and the JSON commands of a stream connection."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import web

from gridbot_tui.exchange.server.accounts import Account
from gridbot_tui.exchange.server.feed import Feed
from gridbot_tui.exchange.server.link import Link
from gridbot_tui.exchange.server.micro import in_micros
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.topics import Topic, futures_topic, spot_topic
from gridbot_tui.units import Ms

encode = msgspec.json.Encoder().encode
DOORS: Final = ("public", "market", "private")


class Listener:
    """One user stream on one connection, with the faults that may befall its events."""

    def __init__(self, hub: "Hub", account: Account, market: str, send: Callable[[dict[str, Any]], None],
                 events: frozenset[str] = frozenset()) -> None:  # fmt: skip
        self._hub = hub
        self.market = market
        self._send = send
        self._events = events
        self._held: dict[str, Any] | None = None
        self.account = account
        account.listeners.append(self)

    def __call__(self, market: str, frame: dict[str, Any], now: Ms) -> None:
        """Pass an event on, or do to it what a fault says."""
        if market != self.market or (self._events and frame["e"] not in self._events):
            return
        frame, faults = _dated(frame, self._hub.place.clock.skew), self._hub.place.faults
        rule = faults.event(frame["e"]) if faults.active else None
        if rule is None or (rule.kind == "reorder" and self._held is not None):
            self._send(frame)
            held, self._held = self._held, None
            if held is not None:
                self._send(held)
        elif rule.kind == "duplicate":
            for _ in range(rule.count + 1):
                self._send(frame)
        elif rule.kind == "delay":
            asyncio.get_running_loop().call_later(rule.ms / 1000, self._send, frame)
        elif rule.kind == "reorder":
            self._held = frame

    def stop(self) -> None:
        """Hear no more."""
        if self in self.account.listeners:
            self.account.listeners.remove(self)


class StreamLink:
    """A connection to the streams."""

    def __init__(self, hub: "Hub", link: Link, door: str) -> None:
        self.hub = hub
        self.link = link
        self.door = door
        """``spot``; ``public``, ``market``, ``private``; or empty: a futures address that leads nowhere."""
        self.names: dict[str, Topic | None] = {}
        self.users: dict[str, Listener] = {}

    def subscribe(self, names: list[str]) -> str:
        """Listen to streams. What does not exist, or is behind another door, is accepted and stays silent."""
        if len(self.names) + len(names) > self.link.options.streams:
            return "Too many streams."
        for name in names:
            if name in self.names or name in self.users:
                continue
            if self.door == "private":
                self.listen(name, frozenset())
                continue
            topic = self.hub.topic(self.door, name)
            self.names[name] = topic
            if topic is not None:
                self.hub.join(self, topic)
        return ""

    def unsubscribe(self, names: list[str]) -> None:
        """Listen no more."""
        for name in names:
            topic = self.names.pop(name, None)
            if topic is not None:
                self.hub.leave(self, topic)
            user = self.users.pop(name, None)
            if user is not None:
                user.stop()

    def listen(self, listen_key: str, events: frozenset[str]) -> None:
        """A user stream, by its listen key; an unknown one is accepted and stays silent."""
        account = self.hub.place.holder_of(listen_key)
        if account is None:
            self.names[listen_key] = None
            return

        def send(frame: dict[str, Any]) -> None:
            self.link.send({"stream": listen_key, "data": frame} if self.link.combined else frame)

        self.users[listen_key] = Listener(self.hub, account, "futures", send, events)

    def on_text(self, text: str) -> None:
        """One JSON command."""
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self._complain(None, 3, "Invalid JSON: expected value at line 1 column 1")
            return
        number = message.get("id") if isinstance(message, dict) else None
        method = message.get("method") if isinstance(message, dict) else None
        params = message.get("params") if isinstance(message, dict) else None
        if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
                self._complain(number, 2, "Invalid request: missing field `params`")
                return
            if method == "SUBSCRIBE":
                wrong = self.subscribe(params)
                if wrong:
                    self._complain(number, 2, wrong)
                    return
            else:
                self.unsubscribe(params)
            self.link.send({"result": None, "id": number})
        elif method == "LIST_SUBSCRIPTIONS":
            self.link.send({"result": [*self.names, *self.users], "id": number})
        elif method in ("SET_PROPERTY", "GET_PROPERTY"):
            self._property(method, params, number)
        else:
            self._complain(number, 2, "Invalid request: unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`,"
                           " `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`")  # fmt: skip

    def _property(self, method: str, params: Any, number: Any) -> None:
        if not isinstance(params, list) or not params or params[0] != "combined":
            self._complain(number, 0, "Unknown property")
        elif method == "GET_PROPERTY":
            self.link.send({"result": self.link.combined, "id": number})
        elif len(params) == 2 and isinstance(params[1], bool):
            self.link.combined = params[1]
            self.link.send({"result": None, "id": number})
        else:
            self._complain(number, 1, "Invalid value type: expected Boolean")

    def _complain(self, number: Any, code: int, text: str) -> None:
        if self.door == "spot" or not self.door:
            self.link.send({"code": code, "msg": text, **({"id": number} if number is not None else {})})
        else:
            self.link.send({"error": {"code": code, "msg": text}, "id": number})

    def gone(self) -> None:
        """The connection has ended."""
        self.unsubscribe([*self.names, *self.users])


class Hub:
    """All stream connections."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.links: set[StreamLink] = set()
        self.sent = 0
        self._joined: dict[tuple[str, str], dict[StreamLink, None]] = {}
        self._held: dict[tuple[str, str], Any] = {}
        """By market and stream: a frame that changes places with the next one."""
        self._feeds = {name: Feed(floor, self._emitter(name)) for name, floor in place.floors.items()}
        place.publish = self.publish

    def _emitter(self, market: str) -> Callable[[Topic, Any], None]:
        return lambda topic, frame: self.publish(market, topic.name, frame)

    def topic(self, door: str, name: str) -> Topic | None:
        """The stream behind a name at a door; None = nothing ever comes."""
        if door == "spot":
            return spot_topic(name)
        topic = futures_topic(name)
        return topic if topic is not None and topic.door == door else None

    def join(self, link: StreamLink, topic: Topic) -> None:
        """A connection begins to listen."""
        market = link.link.market
        listeners = self._joined.setdefault((market, topic.name), {})
        if not listeners and market in self._feeds:
            self._feeds[market].subscribe(topic)
        listeners[link] = None

    def leave(self, link: StreamLink, topic: Topic) -> None:
        """A connection listens no more."""
        market = link.link.market
        listeners = self._joined.get((market, topic.name), {})
        listeners.pop(link, None)
        if not listeners:
            self._joined.pop((market, topic.name), None)
            self._held.pop((market, topic.name), None)
            if market in self._feeds:
                self._feeds[market].unsubscribe(topic)

    def publish(self, market: str, stream: str, frame: Any) -> None:
        """Send one payload to everybody who listens; encoded once."""
        listeners = self._joined.get((market, stream))
        if not listeners:
            return
        frame, faults = _dated(frame, self.place.clock.skew), self.place.faults
        if faults.active:
            rule = faults.event(stream)
            if rule is not None and not (rule.kind == "reorder" and (market, stream) in self._held):
                self._faulty(rule.kind, rule.count, rule.ms, market, stream, frame)
                return
        self._deliver(listeners, stream, frame)
        if self._held and (held := self._held.pop((market, stream), None)) is not None:
            self._deliver(listeners, stream, held)

    def _deliver(self, listeners: dict[StreamLink, None], stream: str, frame: Any) -> None:
        raw = encode(frame)
        wrapped = micros = None
        for link in listeners:
            self.sent += 1
            if link.link.micros:
                micros = micros or in_micros(frame)
                link.link.send({"stream": stream, "data": micros} if link.link.combined else micros)
            elif link.link.combined:
                wrapped = wrapped or b'{"stream":"' + stream.encode() + b'","data":' + raw + b"}"
                link.link.send_bytes(wrapped)
            else:
                link.link.send_bytes(raw)

    def _faulty(self, kind: str, count: int, ms: int, market: str, stream: str, frame: Any) -> None:
        listeners = self._joined.get((market, stream), {})
        if kind == "duplicate":
            for _ in range(count + 1):
                self._deliver(listeners, stream, frame)
        elif kind == "reorder":
            self._held[market, stream] = frame
        elif kind == "delay":
            loop = asyncio.get_running_loop()
            loop.call_later((ms or 300) / 1000, self._deliver, dict(listeners), stream, frame)

    def advance(self, now: Ms) -> None:
        """The market moved: send what is due."""
        for feed in self._feeds.values():
            feed.advance(now)

    # -- connections --------------------------------------------------------------------------------------

    async def serve(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        """A connection to the streams, whichever door it comes to."""
        door, market, combined, names = self.route(path, query)
        place = self.place
        link = Link(path, market, combined, place.clock, place.options.link, place.limiter.on)
        given = parse_qsl(query)
        link.micros = market == "spot" and dict(given).get("timeUnit", "").upper() == "MICROSECOND"
        streams = StreamLink(self, link, door)
        self.links.add(streams)
        life = asyncio.create_task(self._live(streams), name=f"life {path}")
        try:
            streams.subscribe(names)
            if door == "private":
                _listen_to_query(streams, given)
            return await link.serve(request, streams.on_text)
        finally:
            life.cancel()
            streams.gone()
            self.links.discard(streams)
            await asyncio.gather(life, return_exceptions=True)

    def route(self, path: str, query: str) -> tuple[str, str, bool, list[str]]:
        """(door, market, combined, streams) of an address."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        door = ""
        market = "spot" if "spot" in self.place.floors else "futures"
        if parts[0] in DOORS:
            door, market = parts[0], "futures"
            parts = parts[1:]
        elif market == "spot":
            door = "spot"
        combined = bool(parts) and parts[0] == "stream"
        names = [name for name in parts[1:] if name]
        for key, value in parse_qsl(query):
            if key == "streams":  # a plus sign as it is, too: @+08:00
                names += [name for name in value.replace(" ", "+").split("/") if name]
        return door, market, combined, names

    async def _live(self, streams: StreamLink) -> None:
        """Twenty-four hours, then the end; spot says so first."""
        clock, options = self.place.clock, self.place.options.link
        born = clock.now()
        await clock.reach(born + options.life - options.notice)
        self.say_shutdown(streams)
        await clock.reach(born + options.life)
        streams.link.close(1001)

    def say_shutdown(self, streams: StreamLink) -> None:
        """serverShutdown, on spot."""
        if streams.link.market != "spot":
            return
        frame = {"e": "serverShutdown", "E": self.place.clock.now()}
        streams.link.send({"stream": "!serverShutdown", "data": frame} if streams.link.combined else frame)


def _dated(frame: Any, skew: Ms) -> Any:
    """An event as of the clock that the exchange tells its time by: a fault may have put that wrong."""
    if not skew:
        return frame
    if isinstance(frame, list):
        return [_dated(one, skew) for one in frame]
    return {**frame, "E": frame["E"] + skew} if "E" in frame else frame


def _listen_to_query(streams: StreamLink, given: list[tuple[str, str]]) -> None:
    """``listenKey=K1&events=A/B&listenKey=K2``: each key with the events that follow it."""
    key, events = "", ""
    for name, value in [*given, ("listenKey", "")]:
        if name == "listenKey":
            if key and key not in streams.users:
                streams.listen(key, frozenset(filter(None, events.split("/"))))
            key, events = value, ""
        elif name == "events":
            events = value
