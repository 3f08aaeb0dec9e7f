"""An exchange that does next to nothing, so that a bot's own time is measured: prices, orders taken, fills told.

One process: ``/public`` and ``/private`` as in ``stream_source``, and the few REST calls a grid at work makes. An
order that rests is filled now and then; what is measured is the time from that frame to the next order of the
symbol on the other side, both by this process's clock. ``GET /begin`` begins the fills, ``GET /took`` tells the
times in nanoseconds.
"""

import argparse
import asyncio
import json
import time
from itertools import count
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.bench import stream_source
from tests.bench.stream_source import framed

HOUR = 3_600_000
EVERY_S = 0.0997
"""So that no rung of fifty symbols is created three times in a run: the churn gate would rightly wait."""
OFFSET = HOUR - time.time_ns() // 1_000_000 % HOUR + 1_000
"""The told time is just past an hour: plans have just been made."""


def now() -> int:
    """The told time."""
    return time.time_ns() // 1_000_000 + OFFSET


class Book:
    """Orders that rest, and fills that wait for their mirrored order."""

    def __init__(self) -> None:
        self.resting: dict[str, dict[str, dict[str, str]]] = {}
        self.waiting: dict[str, tuple[str, int]] = {}
        self.took: list[int] = []
        self.numbers = count(1)
        self.turns = count()
        self.filling = asyncio.Event()

    def place(self, order: dict[str, str], at: int) -> dict[str, Any]:
        """Take an order, whatever it is; ``at`` is when all of it had come, monotonic nanoseconds."""
        symbol, side, client_id = order["symbol"], order["side"], order["newClientOrderId"]
        waited = self.waiting.get(symbol)
        if waited is not None and waited[0] != side:
            self.took.append(at - waited[1])
            del self.waiting[symbol]
        number = next(self.numbers)
        self.resting.setdefault(symbol, {})[client_id] = order | {"orderId": str(number)}
        return {"symbol": symbol, "orderId": number, "clientOrderId": client_id, "status": "NEW", "executedQty": "0"}

    def cancel(self, symbol: str, client_id: str) -> dict[str, Any]:
        """Forget an order."""
        order = self.resting.get(symbol, {}).pop(client_id, {"orderId": "0"})
        return {"symbol": symbol, "orderId": int(order["orderId"]), "status": "CANCELED", "executedQty": "0"}

    def fill(self) -> bytes | None:
        """The frame of the next fill: the nearest buy of one symbol, the nearest sell of the next time."""
        symbols = sorted(self.resting)
        if not symbols:
            return None
        turn = next(self.turns)
        symbol, side = symbols[turn % len(symbols)], "BUY" if turn // len(symbols) % 2 == 0 else "SELL"
        mine = [o for o in self.resting[symbol].values() if o["side"] == side]
        if not mine:
            return None
        order = (max if side == "BUY" else min)(mine, key=lambda one: float(one["price"]))
        del self.resting[symbol][order["newClientOrderId"]]
        raw = framed(_told(order, next(self.numbers)))
        self.waiting[symbol] = (side, time.monotonic_ns())
        return raw


def _told(order: dict[str, str], trade: int) -> bytes:
    at, quantity = now(), order["quantity"]
    o = {"s": order["symbol"], "c": order["newClientOrderId"], "S": order["side"], "o": "LIMIT", "f": "GTX",
         "q": quantity, "p": order["price"], "x": "TRADE", "X": "FILLED", "i": int(order["orderId"]), "l": quantity,
         "z": quantity, "L": order["price"], "N": "USDT", "n": "0.01", "T": at, "t": trade, "m": True, "ps": "BOTH",
         "rp": "0", "ot": "LIMIT", "er": "0"}  # fmt: skip
    return json.dumps({"e": "ORDER_TRADE_UPDATE", "E": at, "T": at, "o": o}, separators=(",", ":")).encode()


BOOK = Book()


def answer(method: str, path: str, body: str, at: int) -> Any:
    """What REST says."""
    given = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    if path.endswith("/time"):
        return {"serverTime": now()}
    if path == "/took":
        return BOOK.took
    if path == "/begin":
        BOOK.filling.set()
        return {}
    if method == "GET":
        return []
    if path.endswith("/batchOrders"):
        packed = next(part for part in body.split("&") if part.startswith("batchOrders="))
        return [BOOK.place(order, at) for order in json.loads(unquote(packed[12:]))]
    if path.endswith("/algoOrder"):
        return {"algoStatus": "NEW" if method == "POST" else "CANCELED", "code": "200"}
    if method == "POST":
        return BOOK.place(given, at)
    return BOOK.cancel(given["symbol"], given["origClientOrderId"])


async def fills(writer: asyncio.StreamWriter) -> None:
    """Ten a second, at moments that have nothing to do with the prices'."""
    await BOOK.filling.wait()
    while True:
        raw = BOOK.fill()
        if raw is not None:
            writer.write(raw)
        await asyncio.sleep(EVERY_S)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: int) -> None:
    """One connection: a socket is handed on, REST is served until it closes."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" in head.lower():
                again = asyncio.StreamReader()
                again.feed_data(head)
                await stream_source.serve(_Joined(again, reader), writer, rate)  # type: ignore[arg-type]
                return
            await _rest(head, reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _rest(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    lines = head.lower().split(b"\r\n")
    size = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    raw = await reader.readexactly(size) if size else b""
    at, body = time.monotonic_ns(), raw.decode()  # what is done with an order from here on is no time on the wire
    path, _, query = target.partition("?")
    raw = json.dumps(answer(method, path, body or query, at)).encode()
    told = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    writer.write(told % len(raw) + raw)


class _Joined:
    """A head that was read already, then the rest of the connection."""

    def __init__(self, head: asyncio.StreamReader, rest: asyncio.StreamReader) -> None:
        self.readuntil = head.readuntil
        self.readexactly = rest.readexactly


async def main() -> None:
    """Serve until told to stop; the first line says where."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=0)
    rate = parser.parse_args().rate
    stream_source.fills = fills
    server = await asyncio.start_server(lambda r, w: serve(r, w, rate), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
