"""The exchange's address is looked up beside the loop, by nobody whom its end would wait for."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gridbot_tui.exchange.binance.client import Client
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.resolver import Resolver
from gridbot_tui.exchange.binance.sockets import AioDialer
from gridbot_tui.units import Mode


async def test_a_name_has_the_addresses_that_the_system_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    system = socket.getaddrinfo

    def known(host: str, port: int, family: int, kind: int, *_: int) -> list[Any]:
        assert host == "here.test"  # "localhost" has no address where a machine has nothing but itself
        return system("127.0.0.1", port, family, kind)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    found = await Resolver().resolve("here.test", 80, socket.AF_INET)
    assert [(one["hostname"], one["host"], one["port"], one["family"]) for one in found] == [
        ("here.test", "127.0.0.1", 80, socket.AF_INET)
    ]


async def test_a_name_that_is_not_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OSError, match="not known"):
        await Resolver().resolve("nowhere.test", 80)


PATIENCE_S = 60.0


async def dialled() -> None:
    dialer = AioDialer()
    try:
        await dialer.open("ws://exchange.test/ws")
    finally:
        await dialer.close()


async def asked() -> None:
    client = Client(hosts_of(Mode.TESTNET, "http://exchange.test"), Keys(), BinanceParams(), lambda headers: None)
    try:
        await client.session.get("http://exchange.test/")
    finally:
        await client.close()


@pytest.mark.parametrize("reach", [dialled, asked])
def test_a_name_server_that_does_not_answer_keeps_no_loop_from_its_end(
    reach: Callable[[], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, looked_up = threading.Event(), threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        looked_up.set()
        answered.wait(PATIENCE_S)
        answered.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def main() -> None:
        reaching = asyncio.create_task(reach())
        async with asyncio.timeout(PATIENCE_S):
            while not looked_up.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.001)
        reaching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reaching

    asyncio.run(main())
    assert not answered.is_set(), "the end has waited for it"
    answered.set()
