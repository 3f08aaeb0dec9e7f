"""A look at the exchange without trading: is it there, is the clock right, what may the key do, is the account fit."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.rest import FeeRates, Rest
from gridbot_tui.service.assemble import Plan, RunRefused
from gridbot_tui.service.venues import safety
from gridbot_tui.service.venues.venue_open import (
    account_notices,
    account_objection,
    gone_notices,
    keys_of,
    listed,
    patiently,
)
from gridbot_tui.units import Mode, plain

LONGEST_S: Final = 20.0
REACH_S: Final = 3.0
"""For a first word that fails at once."""
CLOCK_OFF_MS: Final = 1_000
"""Corrected for while running, but a clock that is so far off is kept by nobody."""


class Seen(Struct, frozen=True):
    """What the look found."""

    ok: bool
    found: str
    advice: str = ""


def look(plan: Plan, say: Callable[[str], None]) -> Seen:
    """One sentence on the exchange of a real mode; nothing is changed there. ``say`` is told of a locked keyring."""
    try:
        return asyncio.run(asyncio.wait_for(_look(plan, keys_of(plan, say)), LONGEST_S))
    except TimeoutError:
        return Seen(False, f"no answer within {LONGEST_S:g} s", "check network, DNS and firewall")
    except RunRefused as refused:
        return Seen(False, str(refused), "see docs/SETUP.md")
    except (BinanceError, ValueError) as error:
        return Seen(False, str(error), "see docs/RUNBOOK.md, alarms of the connection to Binance")


async def _look(plan: Plan, keys: Keys) -> Seen:
    settings = plan.loaded.settings
    hosts = hosts_of(plan.mode, settings.exchange.base_url)
    clock = WallClock()
    rest = make_rest(plan.market, hosts, keys, ours=lambda _: False, params=settings.exchange, clock=clock)
    try:
        await patiently(rest.open, REACH_S)
        words = [f"{hosts.rest(plan.market)} answers", f"clock {clock.offset:+d} ms off"]
        if plan.mode is not Mode.PAPER:
            words += await _account(plan, rest)
    finally:
        await rest.close()
    if abs(clock.offset) >= CLOCK_OFF_MS:
        return Seen(False, ", ".join(words), "keep the clock by NTP (timedatectl set-ntp true)")
    return Seen(True, ", ".join(words))


def fees_in_words(rates: Iterable[FeeRates]) -> str:
    """The dearest of the symbols, as the bot reckons with, and what BNB would save of them."""
    known = list(rates)
    maker, taker = max(one.maker for one in known), max(one.taker for one in known)
    said = f"fees {plain(100 * maker)} % maker and {plain(100 * taker)} % taker"
    saved = min(one.discount for one in known)
    return f"{said}, {plain(100 * saved)} % less while there is BNB to pay them" if saved else said


async def _account(plan: Plan, rest: Rest) -> list[str]:
    """What speaks against key or account is raised; what does not is said."""
    powers = await rest.api_restrictions()
    params = plan.loaded.settings.safety
    objection = safety.objection(powers, plan.mode, plan.market, params)
    if objection:
        raise RunRefused(objection)
    # The doctor names what the profile has traded.
    instruments = await listed(rest, plan.symbols, plan.options.symbols)
    setup = await rest.setup(tuple(instruments))
    if account_objection(setup):
        raise RunRefused(account_objection(setup))
    fees = fees_in_words((await rest.fees(tuple(instruments))).values())
    return ["the key may trade", fees, *safety.notices(powers, params), *account_notices(rest, setup, instruments),
            *gone_notices(plan, instruments)]  # fmt: skip
