"""Metrics over HTTP on the loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gridbot_tui.ops.params import MetricsParams, host_and_port
from gridbot_tui.service.beside.metrics_server import MOST, MetricsServer
from tests.control.fake_bot import FakeBot
from tests.control.scene import PATIENCE_S, until


class Scene:
    """A server, what it said, and a client."""

    def __init__(self, listen: str, session: aiohttp.ClientSession) -> None:
        self.bot = FakeBot()
        self.said: list[tuple[str, str]] = []
        self.server = MetricsServer(
            listen, self.bot.snapshot, lambda level, _, text: self.said.append((level, text)), again_s=0.02
        )
        self.session = session

    async def get(self, listen: str, path: str = "/metrics") -> tuple[int, str]:
        async with self.session.get(f"http://{listen}{path}") as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def scene(listen: str) -> AsyncIterator[Scene]:
    async with aiohttp.ClientSession() as session:
        made = Scene(listen, session)
        task = asyncio.create_task(made.server.run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def test_a_scrape_is_answered_and_nothing_else_is() -> None:
    listen = free()
    async with scene(listen) as one:
        await until(lambda: one.said)
        status, text = await one.get(listen)
        assert status == 200
        assert "gridbot_equity 9999.688" in text
        assert (await one.get(listen, "/"))[0] == 404
        async with one.session.post(f"http://{listen}/metrics") as answer:
            assert answer.status == 405


async def test_however_many_scrape_one_picture_is_made() -> None:
    listen = free()
    async with scene(listen) as one:
        await until(lambda: one.said)
        answers = await asyncio.gather(*(one.get(listen) for _ in range(20)))
        assert {status for status, _ in answers} == {200}
        assert one.bot.made == 1


async def test_junk_is_refused_and_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    listen = free()
    async with scene(listen) as one:
        await until(lambda: one.said)
        host, port = host_and_port(listen)
        endless = b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"
        for junk in (b"GARBAGE\x00\xff\r\n\r\n", endless, b"\x16\x03\x01" * 50):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(junk)
            assert b" 400 " in await asyncio.wait_for(reader.readline(), PATIENCE_S)
            writer.close()
        assert (await one.get(listen))[0] == 200
    assert len(one.said) == 1
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]


async def test_connections_that_say_nothing_use_up_no_files_and_keep_no_scrape_out() -> None:
    listen = free()
    async with scene(listen) as one:
        await until(lambda: one.said)
        host, port = host_and_port(listen)
        silent = [await asyncio.open_connection(host, port) for _ in range(2 * MOST)]
        assert (await one.get(listen))[0] == 200
        for reader, _ in silent[:MOST]:
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b"", "the oldest are left"
        for _, writer in silent:
            writer.close()


async def test_a_page_that_cannot_be_made_is_told_to_both_sides() -> None:
    listen = free()
    async with scene(listen) as one:
        await until(lambda: one.said)
        one.bot.broken = KeyError("BTCUSDT")
        assert [(await one.get(listen))[0] for _ in range(3)] == [500] * 3
        assert len(one.said) == 2
        assert one.said[-1] == ("error", "metrics cannot be made (KeyError: 'BTCUSDT')")
        one.bot.broken = None
        assert (await one.get(listen))[0] == 200


async def test_without_an_address_no_port_is_opened_until_the_config_names_one() -> None:
    listen = free()
    async with scene("") as one:
        await asyncio.sleep(0)
        assert not await reached(listen)
        one.server.obey(listen)
        await until(lambda: one.said)
        assert (await one.get(listen))[0] == 200
        one.server.obey("")
        async with asyncio.timeout(PATIENCE_S):
            while await reached(listen):  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)


async def reached(listen: str) -> bool:
    try:
        async with aiohttp.ClientSession() as fresh, fresh.get(f"http://{listen}/metrics"):
            return True
    except aiohttp.ClientConnectionError:
        return False


async def test_a_port_that_is_taken_is_said_once_and_had_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        async with scene(listen) as one:
            await until(lambda: one.said)
            await asyncio.sleep(0.1)  # tried again several times
            ((level, text),) = one.said
            assert level == "warning"
            assert listen in text
            other.close()
            await until(lambda: len(one.said) > 1)
            assert (await one.get(listen))[0] == 200


@pytest.mark.parametrize("text", ["127.0.0.1:9464", "[::1]:9464", "localhost:1", "metrics.example:65535"])
def test_an_address_has_a_port(text: str) -> None:
    host, port = host_and_port(text)
    assert f":{port}" in text
    assert host in text


@pytest.mark.parametrize(
    "text", ["9464", ":9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "::1:9464", "a b:1", "[]:1"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 127\.0\.0\.1:9464"):
        MetricsParams(listen=text)


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
async def test_a_name_that_no_host_can_have_is_said_and_another_address_is_taken_up(host: str) -> None:
    listen = free()
    async with scene(f"{host}:9464") as one:
        await until(lambda: one.said)
        assert one.said[0][0] == "warning"
        assert "cannot be served" in one.said[0][1]
        one.server.obey(listen)
        await until(lambda: len(one.said) == 2)
        assert (await one.get(listen))[0] == 200
