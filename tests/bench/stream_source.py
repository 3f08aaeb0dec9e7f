"""A process that only sends frames, so that what a client can take is measured and not what a server can give.

``/public`` and ``/stream`` send best prices: as fast as they are read, or at ``--rate`` a second. ``/private``
sends fills; each one's trade number is the monotonic time in nanoseconds at which it was written.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import time

from tests.bench.stream_names import SYMBOLS

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHUNK = 256


def framed(payload: bytes) -> bytes:
    """A text frame as a server sends it."""
    size = len(payload)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + payload


def best_prices(first: int, end: int) -> bytes:
    """Frames of this moment."""
    now = time.time_ns() // 1_000_000
    return b"".join([best_price(number, now) for number in range(first, end)])


def best_price(number: int, at: int) -> bytes:
    """bookTicker of futures, one symbol after the other."""
    symbol = SYMBOLS[number % len(SYMBOLS)]
    tail = number % 90 + 10
    return framed(
        b'{"stream":"%b@bookTicker","data":{"e":"bookTicker","u":%d,"s":"%b","ps":"%b","b":"600%d.10","B":"31.210",'
        b'"a":"600%d.20","A":"40.660","T":1568014460891,"E":%d,"st":1}}'
        % (symbol.lower().encode(), number, symbol.encode(), symbol.encode(), tail, tail, at)
    )


def fill() -> bytes:
    """ORDER_TRADE_UPDATE of a maker's fill, written now."""
    at, trade = time.time_ns() // 1_000_000, time.monotonic_ns()
    return framed(
        b'{"e":"ORDER_TRADE_UPDATE","E":%d,"T":1568879465650,"o":{"s":"%b","c":"gb0-fill","S":"SELL",'
        b'"o":"LIMIT","f":"GTX","q":"0.001","p":"60000","ap":"0","sp":"0","x":"TRADE","X":"FILLED","i":8886774,'
        b'"l":"0.001","z":"0.001","L":"60000.0","N":"USDT","n":"0.012","T":1568879465650,"t":%d,"b":"0","a":"9.91",'
        b'"m":true,"R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"pP":false,"si":0,"ss":0,'
        b'"rp":"0","V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}' % (at, SYMBOLS[0].encode(), trade)
    )


async def answer_commands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Confirm whatever is asked; pings are answered."""
    while True:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        mask = await reader.readexactly(4)
        payload = bytes(b ^ mask[n & 3] for n, b in enumerate(await reader.readexactly(size)))
        if first & 0x0F == 1:
            number = json.loads(payload).get("id")
            writer.write(framed(json.dumps({"result": None, "id": number}).encode()))
        elif first & 0x0F == 9:
            writer.write(bytes((0x8A, len(payload))) + payload)
        elif first & 0x0F == 8:
            return


async def prices(writer: asyncio.StreamWriter, rate: int) -> None:
    """Without end; ``rate`` 0 = as fast as they are read."""
    number, began = 0, time.monotonic()
    while True:
        if not rate:
            writer.write(best_prices(number, number + CHUNK))
            number += CHUNK
            await writer.drain()
            continue
        due = int((time.monotonic() - began) * rate)
        if due > number:
            writer.write(best_prices(number, due))
            number = due
        await asyncio.sleep(0.002)


async def fills(writer: asyncio.StreamWriter) -> None:
    """One hundred a second, at moments that have nothing to do with the prices'."""
    while True:
        writer.write(fill())
        await asyncio.sleep(0.0097)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: int) -> None:
    """One connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    path = head.split(" ", 2)[1]
    key = next(
        line.split(":", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")  # fmt: skip
    talk = [asyncio.create_task(answer_commands(reader, writer))]
    if path.startswith("/private"):
        talk.append(asyncio.create_task(fills(writer)))
    elif path.startswith("/public"):
        talk.append(asyncio.create_task(prices(writer, rate)))
    try:
        await asyncio.wait(talk, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in talk:
            task.cancel()
        await asyncio.gather(*talk, return_exceptions=True)
        writer.transport.abort()


async def main() -> None:
    """Serve until told to stop; the first line says where."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=0)
    rate = parser.parse_args().rate
    server = await asyncio.start_server(lambda r, w: serve(r, w, rate), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
