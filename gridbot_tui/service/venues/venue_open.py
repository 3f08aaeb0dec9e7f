"""Opens the exchange of a run in real time: keys, connection, what is traded, and what speaks against it.

Everything is looked at before any file of the profile is opened; each objection is a sentence with its exit code.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from gridbot_tui.credentials.errors import CredentialError
from gridbot_tui.credentials.model import Owner
from gridbot_tui.credentials.sources import resolve
from gridbot_tui.engine.regrid import counted_on, moved
from gridbot_tui.exchange.binance import listing_watch
from gridbot_tui.exchange.binance.client import BadKey
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.errors import BinanceError, ClockOff, Refused, RetryLater, Stop, Unresolved
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import Hosts, hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.margin_mode import cross_margin
from gridbot_tui.exchange.binance.rest import AccountSetup, Rest
from gridbot_tui.exchange.binance.rest_base import KEPT
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.service.assemble import EXIT_REFUSED, Plan, RunRefused, in_its_quote
from gridbot_tui.service.beside.heartbeat import notify
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.venues import safety
from gridbot_tui.service.venues.binance_venue import BinanceVenue
from gridbot_tui.service.venues.kept_books import kept_books
from gridbot_tui.service.venues.paper_venue import PaperVenue
from gridbot_tui.service.venues.venue import Fees, Venue
from gridbot_tui.store.core import last_of
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.reader import reading
from gridbot_tui.units import DAY, Market, Mode, Ms, Symbol

FIRST_PAUSE_S: Final = 0.5
"""Pause before an exchange that cannot be reached is tried again; doubles with every try."""
MOST_PAUSE_S: Final = 16.0
LONGEST_BAN_S: Final = 600.0
"""A start waits for the end of a ban that is no longer than this; Binance's shortest are two minutes."""
ASKING_S: Final = 90.0
"""Beyond a pause, for the question after it with its own tries; as much as systemd gives a start by itself."""
SURELY_LISTED: Final = 6 * DAY
"""Without a time futures may list a week only: that nothing is known of an older trade stops no real money's start."""
LIST_LAGS_S: Final = (2.0, 5.0, 0.0)
"""A list may be some seconds behind an execution: it is asked again after so long, and believed at last."""

T = TypeVar("T")


async def open_venue(
    plan: Plan, profile: Profile, keys: Keys, say: Callable[[str], None] = lambda text: None
) -> Venue:
    """Connect and look everything over. ``say`` is told while the exchange cannot be reached.

    Raises:
        RunRefused: something of it speaks against trading.
    """
    settings = plan.loaded.settings
    try:
        hosts = hosts_of(plan.mode, settings.exchange.base_url)
    except ValueError as wrong:
        raise RunRefused(str(wrong)) from wrong
    clock = WallClock()
    ours = IdFactory(settings.bot.name, settings.bot.account).is_ours
    rest = make_rest(plan.market, hosts, keys, ours=ours, params=settings.exchange, clock=clock)
    try:
        await _reached(rest, plan, say)
        if plan.mode is Mode.PAPER:
            return await _paper(plan, profile, rest, hosts, clock)
        said = await _powers(plan, rest)
        known = _remembered(profile)
        found = await patiently(lambda: listed(rest, plan.symbols, known))
        in_its_quote(plan, found)
        instruments = {symbol: counted_on(known.get(symbol, one), one) for symbol, one in found.items()}
        rest.go_by(instruments)
        said += await _setup(rest, instruments)
        said += gone_notices(plan, instruments)
        await _same_account(plan, profile, rest, instruments, clock.now_ms())
        rates = await patiently(lambda: rest.fees(tuple(instruments)))
        return BinanceVenue(rest, hosts, instruments, rates, clock, ours, settings.exchange, notices=said)
    except BinanceError as error:
        await rest.close()
        raise _refusal(error, hosts.rest(plan.market)) from error
    except BadKey as wrong:
        raise RunRefused(str(wrong)) from wrong
    except BaseException:
        await rest.close()
        raise


def keys_of(plan: Plan, say: Callable[[str], None] = lambda text: None) -> Keys:
    """The API key of the account; none on paper. May wait for a locked keyring, and says so: not while a bot trades.

    Raises:
        RunRefused: there is none, or nothing that can be one.
    """
    if plan.mode is Mode.PAPER:
        return Keys()
    owner = Owner(plan.mode, plan.market, plan.loaded.settings.bot.account)
    try:
        found = resolve(owner, say=say)
    except CredentialError as error:
        raise RunRefused(str(error)) from error
    return Keys(found.key.reveal(), found.secret.reveal())


async def listed(
    rest: Rest, wanted: tuple[Symbol, ...], remembered: Collection[Symbol]
) -> dict[Symbol, Instrument]:
    """Instruments of what is to be traded, without those that were traded before and that are listed no more.

    Raises:
        BinanceError: as the exchange answers; ``Refused`` for a name that was never traded here, or where none is left.
    """
    try:
        return await rest.instruments(wanted)
    except Refused:
        there = await rest.listings(wanted)
        if not there or not set(remembered) >= set(wanted) - there.keys():
            raise
        return await rest.instruments([symbol for symbol in wanted if symbol in there])


def gone_notices(plan: Plan, instruments: Mapping[Symbol, Instrument]) -> tuple[str, ...]:
    """One sentence for each symbol that this run goes without."""
    gone = [symbol for symbol in plan.symbols if symbol not in instruments]
    return tuple(
        f"{symbol} is not listed on Binance any more: this run goes without it, and its share of the capital lies "
        "idle; leave it in bot.symbols, or name another profile with --profile"
        for symbol in gone
    )


async def _reached(rest: Rest, plan: Plan, say: Callable[[str], None]) -> None:
    """The first word with the exchange: a start or a handover during an outage waits for its end for a while."""
    patience = plan.loaded.settings.exchange.reach_s
    host = hosts_of(plan.mode, plan.loaded.settings.exchange.base_url).rest(plan.market)

    await patiently(rest.open, patience, lambda error, pause: say(_waits(host, error, pause, patience)))


def _waits(host: str, error: BinanceError, pause: float, patience: float) -> str:
    """What a start waits for; the end of a ban is waited for besides its patience."""
    in_all = "" if isinstance(error, Stop) else f", for {patience:g} s in all"
    return f"{host} cannot be reached yet ({error.detail}); trying again in {pause:.1f} s{in_all}"


async def patiently(
    ask: Callable[[], Awaitable[T]],
    patience: float = 10.0,
    trouble: Callable[[BinanceError, float], None] = lambda error, pause: None,
) -> T:
    """Ask again for ``patience`` seconds where the exchange does not answer, and after a ban that ends soon.

    Whoever starts us again would ask at once, and what is asked during a ban makes it longer.
    """
    now = asyncio.get_running_loop().time
    pause, end = FIRST_PAUSE_S, now() + patience
    while True:
        try:
            return await ask()
        except Stop as banned:
            if banned.wait_s is None or banned.wait_s > LONGEST_BAN_S:
                raise
            pause, end = banned.wait_s + 1.0, end + banned.wait_s
            trouble(banned, pause)
        except (RetryLater, Unresolved, ClockOff) as error:
            left = end - now()
            if left <= 0:
                raise
            pause = min(pause, left)
            trouble(error, pause)
        # systemd gives a start 90 s: killed and started again, it would ask in the middle of a ban.
        notify(f"EXTEND_TIMEOUT_USEC={round((pause + ASKING_S) * 1_000_000)}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, MOST_PAUSE_S)


async def _powers(plan: Plan, rest: Rest) -> tuple[str, ...]:
    """What the key may do, before anything else is asked with it."""
    powers = await patiently(rest.api_restrictions)
    params = plan.loaded.settings.safety
    objection = safety.objection(powers, plan.mode, plan.market, params)
    if objection:
        raise RunRefused(objection, EXIT_REFUSED)
    return safety.notices(powers, params)


async def _setup(rest: Rest, instruments: Mapping[Symbol, Instrument]) -> tuple[str, ...]:
    """Position mode, margin modes, permissions: what cannot be traded with is refused."""
    setup = await patiently(lambda: rest.setup(tuple(instruments)))
    objection = account_objection(setup) or await patiently(lambda: cross_margin(rest, setup, tuple(instruments)))
    if objection:
        raise RunRefused(objection, EXIT_REFUSED)
    return account_notices(rest, setup, instruments)


async def _same_account(
    plan: Plan, profile: Profile, rest: Rest, instruments: Mapping[Symbol, Instrument], now: Ms
) -> None:
    """Lots and ids of one account mean nothing in another: exits of theirs would sell what somebody else holds there.

    A testnet is another one, too, once it has been reset, mostly every month: it numbers its trades anew.

    Raises:
        RunRefused: it knows none of the last trades that were booked.
    """
    try:
        with reading(profile.database) as reader:
            booked = reader.last_trades()
    except StoreError:
        return  # it has not run yet, or opening its state file will say what is wrong with it
    since = now - (KEPT if plan.mode is Mode.TESTNET else SURELY_LISTED)
    last = {
        symbol: int(name)
        for symbol, (name, at) in booked.items()
        if symbol in instruments and name.isdecimal() and at > since
    }
    for pause in LIST_LAGS_S:
        for symbol, number in last.items():
            before = str(max(0, number - 1))
            fills = await patiently(lambda: rest.fills(symbol, before, 0))  # noqa: B023 - asked at once
            if any(fill.trade_id == str(number) for fill in fills):
                return
        if last:
            await asyncio.sleep(pause)
    if last:
        symbol, number = next(iter(last.items()))
        raise RunRefused(_of_another_account(plan.mode, profile, symbol, number), EXIT_REFUSED)


def _of_another_account(mode: Mode, profile: Profile, symbol: Symbol, number: int) -> str:
    nothing = f"it knows nothing of {symbol}'s trade {number}"
    if mode is Mode.TESTNET:
        return (
            f"the testnet has been reset since this profile's last trade, or the API key is of another account: "
            f"{nothing} any more. Move {profile.database} away, or name another profile with --profile, to begin with "
            "the account as it is there now"
        )
    return (
        f"the API key is of another account than the one that this profile has traded on: {nothing}. Give the key of "
        "that account, or name another profile with --profile to begin with the account as it is there now"
    )


def account_objection(setup: AccountSetup) -> str:
    """Why the account cannot be traded with as it is set; "" where it can."""
    if setup.can_trade is False:
        return "Binance does not let this account trade at present; its website says why"
    if setup.hedge_mode:
        return (
            "the account is in hedge mode, and gridbot trades one-way: switch Position Mode to One-way on Binance "
            "(Futures, Preferences)"
        )
    if setup.in_credits:
        return (
            "the account is in Binance's credits trading mode (the EU's): margin, profit and fees are in BNFCR, and "
            "gridbot counts in the quote asset of what it trades; use spot, or an account without that mode"
        )
    return ""


def account_notices(rest: Rest, setup: AccountSetup, instruments: Mapping[Symbol, Instrument]) -> tuple[str, ...]:
    """What the operator should know of account and symbols."""
    said = list(listing_watch.notices({symbol: rest.listed[symbol] for symbol in instruments}))
    if setup.multi_assets:
        said.append(
            "the account is in multi-assets mode: other assets count as margin and can be lost too; "
            "the bot sizes by its quote asset alone"
        )
    return tuple(said)


async def _paper(plan: Plan, profile: Profile, rest: Rest, hosts: Hosts, clock: WallClock) -> Venue:
    """Live public data joined to a simulated account."""
    settings = plan.loaded.settings
    found = await patiently(lambda: rest.instruments(plan.symbols))
    in_its_quote(plan, found)
    instruments = _as_begun({symbol: _bracketed(one) for symbol, one in found.items()}, profile)
    rest.go_by(instruments)
    params, futures = settings.simulation.exchange, plan.market is Market.FUTURES
    fees = Fees(
        params.futures_maker if futures else params.spot_maker, params.futures_taker if futures else params.spot_taker
    )
    capital = settings.capital(plan.mode)
    assert capital is not None
    account = AccountConfig(plan.market, {settings.bot.quote: capital}, params)
    path = profile.exchange_database
    try:
        books = kept_books(profile)
        venue = PaperVenue(rest, hosts, instruments, account, fees, clock, books)
    except (sqlite3.Error, ValueError) as wrong:
        raise RunRefused(
            f"{path}: the simulated account's books cannot be used ({wrong}); name another profile, "
            "or move this one's folder away to start anew",
            EXIT_REFUSED,
        ) from wrong
    await patiently(venue.port.catch_up)
    return venue


def _as_begun(found: Mapping[Symbol, Instrument], profile: Profile) -> dict[Symbol, Instrument]:
    """The books of a paper account are in the ticks and steps it began with: it keeps them, whatever Binance's are."""
    kept = _remembered(profile)
    old = {symbol: kept[symbol] for symbol in moved(kept, found)}
    return {**found, **old}


def _remembered(profile: Profile) -> dict[Symbol, Instrument]:
    """What the profile has traded, as it was then; nothing where it has not run yet."""
    try:
        with reading(profile.database) as reader:
            return last_of(reader.instruments())
    except StoreError:
        return {}  # opening its state file will say what is wrong with it


def _bracketed(instrument: Instrument) -> Instrument:
    """Without keys the exchange tells no margin brackets: those of the built-in table, or its strictest."""
    if instrument.brackets or instrument.market is Market.SPOT:
        return instrument
    known = builtin(Market.FUTURES)
    brackets = known[instrument.symbol if instrument.symbol in known else "APEUSDT"].brackets
    return replace(instrument, brackets=brackets)


def _refusal(error: BinanceError, host: str) -> RunRefused:
    if isinstance(error, Stop):
        return RunRefused(f"Binance refuses this account: {error.detail}", EXIT_REFUSED)
    if isinstance(error, RetryLater | Unresolved):
        return RunRefused(f"{host} cannot be reached: {error.detail}", 1)
    if isinstance(error, ClockOff):  # a slow network or a clock that is being set: another start may well succeed
        return RunRefused(f"Binance takes requests for too old or too new ({error.code}), a slow network or a wrong "
                          f"clock: {error.detail}", 1)  # fmt: skip
    return RunRefused(f"Binance refused{f' ({error.code})' if error.code else ''}: {error.detail}", 2)
