"""The exchange's address is looked up beside the loop, by nobody whom its end would wait for."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gridbot_tui.exchange.binance.client import Client
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.resolver import Resolver
from gridbot_tui.exchange.binance.sockets import AioDialer
from gridbot_tui.units import Mode


async def test_a_name_has_the_addresses_that_the_system_knows() -> None:
    found = await Resolver().resolve("localhost", 80, socket.AF_INET)
    assert {(one["host"], one["port"], one["family"]) for one in found} == {("127.0.0.1", 80, socket.AF_INET)}


async def test_a_name_that_is_not_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OSError, match="not known"):
        await Resolver().resolve("nowhere.test", 80)


async def dialled() -> None:
    dialer = AioDialer()
    try:
        await asyncio.wait_for(dialer.open("ws://exchange.test/ws"), 0.05)
    finally:
        await dialer.close()


async def asked() -> None:
    client = Client(hosts_of(Mode.TESTNET, "http://exchange.test"), Keys(), BinanceParams(), lambda headers: None)
    try:
        await asyncio.wait_for(client.session.get("http://exchange.test/"), 0.05)
    finally:
        await client.close()


@pytest.mark.parametrize("reach", [dialled, asked])
def test_a_name_server_that_does_not_answer_keeps_no_loop_from_its_end(
    reach: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, looked_up = threading.Event(), threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        looked_up.set()
        answered.wait(10)
        answered.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            await reach()

    asyncio.run(main())
    assert looked_up.is_set()
    assert not answered.is_set(), "the end has waited for it"
    answered.set()
