"""A WebSocket client for tests of the wire: connects, says things, collects frames."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.exchange_server.serving import PATIENCE_S, Served

Frame = Any


class Ears:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._marks = 0

    def next(self, timeout: float = PATIENCE_S) -> Frame:
        """The next frame; TimeoutError where none comes."""
        return json.loads(self.socket.recv(timeout=timeout))

    def silent(self) -> bool:
        """Whether nothing has been said: an answer to a question comes behind whatever was."""
        return not self.rest()

    def mute(self, for_s: float = 0.3) -> bool:
        """Whether nothing comes for a while, not even answers."""
        try:
            self.socket.recv(timeout=for_s)
        except TimeoutError:
            return True
        return False

    def until(self, wanted: Callable[[Frame], bool], timeout: float = PATIENCE_S) -> list[Frame]:
        """Everything up to and including the first frame that is wanted."""
        heard, end = [], time.monotonic() + timeout
        while True:
            heard.append(self.next(max(0.01, end - time.monotonic())))
            if wanted(heard[-1]):
                return heard

    def rest(self, for_s: float = 0.0) -> list[Frame]:
        """Everything that has been said up to now; of what comes by the clock, for so long as well.

        The answer to a question comes behind whatever was said before it, however slow the machine is.
        """
        heard, end = [], time.monotonic() + for_s
        while (left := end - time.monotonic()) > 0:
            try:
                heard.append(self.next(left))
            except (TimeoutError, ConnectionClosed):
                break
        try:
            self._marks += 1
            mark = f"mark {self._marks}"
            self.socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": mark}))
            heard += self.until(lambda f: isinstance(f, dict) and f.get("id") == mark)[:-1]
        except (TimeoutError, ConnectionClosed):
            pass  # a connection that has ended, or says nothing more: there is nothing behind this
        return heard

    def ask(self, **message: Any) -> Frame:
        """Send a command and return the next frame with its id."""
        self.socket.send(json.dumps(message))
        return self.until(lambda f: isinstance(f, dict) and f.get("id", "?") == message["id"])[-1]

    def closed(self, timeout: float = PATIENCE_S) -> int:
        """Read until the end; its close code."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                self.socket.recv(timeout=timeout)
            except ConnectionClosed as why:
                return why.rcvd.code if why.rcvd is not None else 1006
        raise AssertionError("the connection stayed open")


@contextmanager
def listening(served: Served, path: str, **options: Any) -> Iterator[Ears]:
    """A connection to a path of the served exchange."""
    with connect(served.ws + path, proxy=None, close_timeout=1, **options) as socket:
        yield Ears(socket)


@contextmanager
def user_stream(served: Served, events: str = "") -> Iterator[Ears]:
    """The futures user stream of the first account."""
    key = served.call("POST", "/fapi/v1/listenKey")[1]["listenKey"]
    query = f"?listenKey={key}" + (f"&events={events}" if events else "")
    with listening(served, f"/private/ws{query}") as ears:
        yield ears


@contextmanager
def spot_user_stream(served: Served) -> Iterator[Ears]:
    """The spot user stream of the first account, over the WebSocket API."""
    with listening(served, "/ws-api/v3") as ears:
        answer = ears.ask(id="s", method="userDataStream.subscribe.signature", params=signed_params(served))
        assert (answer["status"], answer["result"]) == (200, {"subscriptionId": 0})
        yield ears


def signed_params(served: Served, secret: str = "secret", **params: Any) -> dict[str, Any]:
    """Parameters of a signed WebSocket API request."""
    import hashlib
    import hmac

    found = {"apiKey": "key", "timestamp": served.now(), **params}
    payload = "&".join(f"{name}={value}" for name, value in sorted(found.items()))
    return {**found, "signature": hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()}
