"""The served exchange under load: signed orders of python-binance, stream messages, memory.

The server is a process of its own, as it is used; the clients share the machine with it.
"""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic, perf_counter, process_time, sleep
from typing import Any

import aiohttp

from tests.bench.report import Report, ninety_ninth

ROOT = Path(__file__).resolve().parents[2]
ORDERS = 6_000
WORKERS = (1, 8, 32)
STREAM_S = 4.0
ORDERS_EXPECTED = 2_000


def run(report: Report) -> None:
    """Order round trips, streams to one and ten clients, memory."""
    asyncio.run(_orders(report))
    asyncio.run(_streams(report))
    _memory(report)


@contextmanager
def _server(*words: str) -> Iterator[tuple[str, int]]:
    """(address, process id) of a served exchange without limits."""
    command = [sys.executable, "-m", "gridbot_tui", "exchange", "serve", "--port", "0", "--limits", "0", "--control"]
    child = subprocess.Popen([*command, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())["http"], child.pid
    finally:
        child.terminate()
        child.wait()


# -- orders -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Any]:
    from binance import AsyncClient

    class Client(AsyncClient):  # type: ignore[misc]  # the library has no types
        API_URL = address + "/api"
        FUTURES_URL = address + "/fapi"

    client = await Client.create("key", "secret")
    try:
        yield client
    finally:
        await client.session.close()


async def _orders(report: Report) -> None:
    report.title(f"served exchange: {ORDERS} signed orders and cancels, one python-binance client")
    with _server("--hold", "--symbol", "BTCUSDT") as (address, pid):
        _control(address, "price", symbol="BTCUSDT", price="60000")
        for workers in WORKERS:
            await _burst(report, address, pid, workers, f"{workers} at a time", ORDERS_EXPECTED)
    report.say("the same client on a server that does nothing: its own limit here and now")
    with _echo() as (address, pid):
        for workers in WORKERS:
            await _burst(report, address, pid, workers, f"{workers} at a time, no exchange", None)


async def _burst(report: Report, address: str, pid: int, workers: int, name: str, expected: float | None) -> None:
    """Orders and cancels from so many tasks of one client: rate, latency, and what each side spent."""
    took: list[float] = []
    async with _client(address) as client:
        await asyncio.gather(*(_place(client, n, 10, []) for n in range(workers)))
        before, own, began = _processor_s(pid), process_time(), perf_counter()
        await asyncio.gather(*(_place(client, workers + n, ORDERS // workers, took) for n in range(workers)))
        rate = len(took) / (perf_counter() - began)
        own = process_time() - own
    served = _processor_s(pid) - before
    report.figure(f"{name}: round trips", rate, "/s", above=expected)
    report.figure(f"{name}: p50", 1e3 * sorted(took)[len(took) // 2], "ms")
    report.figure(f"{name}: p99", 1e3 * ninety_ninth(took), "ms")
    report.figure(f"{name}: processor time of the client", 1e6 * own / len(took), "us")
    report.figure(f"{name}: processor time of the server", 1e6 * served / len(took), "us")


@contextmanager
def _echo() -> Iterator[tuple[str, int]]:
    """(address, process id) of a server that does nothing."""
    child = subprocess.Popen([sys.executable, "-m", "tests.bench.echo_server"], cwd=ROOT, stdout=subprocess.PIPE,
                             text=True)  # fmt: skip
    try:
        assert child.stdout is not None
        yield child.stdout.readline().strip(), child.pid
    finally:
        child.terminate()
        child.wait()


async def _place(client: Any, worker: int, count: int, took: list[float]) -> None:
    """Orders and their cancels by turns."""
    for n in range(count):
        began = perf_counter()
        name = f"w{worker}-{n // 2}"
        if n % 2 == 0:
            await client.futures_create_order(symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                                              quantity="0.001", price="59000", newClientOrderId=name)  # fmt: skip
        else:
            await client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId=name)
        took.append(perf_counter() - began)


def _control(address: str, word: str, **body: Any) -> None:
    request = urllib.request.Request(f"{address}/control/{word}", json.dumps(body).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        answer.read()


def _processor_s(pid: int) -> float:
    """Processor seconds a process has used; 0 where the platform does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


# -- streams ----------------------------------------------------------------------------------------------


async def _streams(report: Report) -> None:
    report.title("served exchange: best prices and depth of 50 symbols, each moved 200 times a second")
    words = ("--market", "futures", "--speed", "50", "--tick", "5", "--symbols", "50")
    with _server(*words) as (address, pid):
        symbols = _symbols(address)
        names = [f"{s.lower()}@{kind}" for s in symbols for kind in ("bookTicker", "depth@100ms")]
        for clients in (1, 10):
            before = _processor_s(pid)
            counts = await asyncio.gather(*(_listen(address, names) for _ in range(clients)))
            name = f"messages to {clients} client{'s' * (clients > 1)}"
            report.figure(f"{name}, all together", sum(counts) / STREAM_S, "/s")
            report.figure(f"{name}: processor time a message", 1e6 * (_processor_s(pid) - before) / sum(counts), "us")


def _symbols(address: str) -> list[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address + "/fapi/v1/exchangeInfo") as answer:
        return [row["symbol"] for row in json.loads(answer.read())["symbols"]]


async def _listen(address: str, names: list[str]) -> int:
    """How many frames arrive in the time."""
    url = f"{address}/public/stream?streams={'/'.join(names)}"
    count, end = 0, monotonic() + STREAM_S
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
        while (left := end - monotonic()) > 0:
            try:
                message = await socket.receive(timeout=left)
            except TimeoutError:
                break
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            count += 1
    return count


# -- memory -----------------------------------------------------------------------------------------------


def _memory(report: Report) -> None:
    """Fifty symbols of each market; and how much more it is after hours of the exchange's time."""
    report.title("served exchange: memory with 50 symbols")
    for market, name in (("futures", "50 futures symbols"), ("both", "50 symbols on each of both markets")):
        with _server("--market", market, "--symbols", "50") as (_, pid):
            report.figure(f"{name}: resident", _resident(pid), "MiB")
    with _server("--market", "futures", "--symbols", "50", "--speed", "1200") as (address, pid):
        sleep(10.0)
        before, at = _resident(pid), _told(address)
        sleep(20.0)
        hours = (_told(address) - at) / 3_600_000
        report.figure(f"50 futures symbols: grown in {hours:.1f} hours of its time", _resident(pid) - before, "MiB")


def _told(address: str) -> int:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address + "/fapi/v1/time") as answer:
        return int(json.loads(answer.read())["serverTime"])


def _resident(pid: int) -> float:
    """MiB; NaN where the platform does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
