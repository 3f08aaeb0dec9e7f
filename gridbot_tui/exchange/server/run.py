"""Serves until a signal says stop."""

import asyncio
import signal

from gridbot_tui.exchange.server.answers import encode
from gridbot_tui.exchange.server.app import App
from gridbot_tui.exchange.server.place import Place


async def run_until_told(place: Place) -> None:
    """Start, print the addresses as one JSON line, and stop cleanly at SIGINT, SIGTERM or SIGHUP.

    Raises:
        OSError: the address cannot be listened on.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    app = App(place)
    try:
        await app.start()
        print(encode(app.addresses()).decode(), flush=True)
        stopped = asyncio.create_task(told.wait())
        pacer = app.pacer()
        await asyncio.wait({stopped, pacer}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if pacer.done():
            pacer.result()  # the market can no longer be played: say why
    finally:
        await app.stop()
