"""What an exchange says at the door of its streams, by a real handshake."""

import pytest
from aiohttp import web

from gridbot_tui.exchange.binance.sockets import AioDialer, TurnedAway, WrongDoor


async def refused(status: int, **headers: str) -> Exception:
    """What dialling ends with where the door answers that."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    async def elsewhere(request: web.Request) -> web.Response:
        raise AssertionError(f"followed to {request.path}")

    app = web.Application()
    app.router.add_get("/ws", answer)
    app.router.add_get("/elsewhere", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    site, dialer = web.TCPSite(runner, "127.0.0.1", 0), AioDialer()
    try:
        await site.start()
        port = runner.addresses[0][1]
        with pytest.raises(ConnectionError) as told:
            await dialer.open(f"ws://127.0.0.1:{port}/ws")
    finally:
        await dialer.close()
        await runner.cleanup()
    return told.value


@pytest.mark.parametrize(
    ("status", "told", "after_s"),
    [(429, "30", 30.0), (418, "7200", 7200.0), (429, "7200", 600.0), (429, "soon", 0.0), (418, "", 0.0)],
)
async def test_a_door_that_turns_away_says_for_how_long_nobody_may_dial(status: int, told: str, after_s: float) -> None:
    error = await refused(status, **({"Retry-After": told} if told else {}))
    assert isinstance(error, TurnedAway)
    assert error.after_s == after_s
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_follows_a_door_to_another_place(status: int) -> None:
    """On spot the first words of a connection are the key, and a signature."""
    error = await refused(status, Location="/elsewhere")
    assert type(error) is ConnectionError
    assert str(error) == f"the exchange answered {status} at the door"


async def test_an_address_that_is_not_there_is_told_from_a_server_in_trouble() -> None:
    for status in (400, 404):
        assert type(await refused(status)) is WrongDoor
    assert type(await refused(503)) is ConnectionError
