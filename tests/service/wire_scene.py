"""A whole bot and a whole served exchange in one loop whose time jumps: HTTP and WebSocket between them are real.

The bot is what ``gridbot --mode testnet`` runs, with its own waits and the exchange's; what a minute of silence takes
is a few milliseconds. What it did is judged by the exchange's books.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.ask import new_id
from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.exchange.server.accounts import Account, KeyConfig
from gridbot_tui.exchange.server.app import App
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.settings import LimitOptions, ServeOptions
from gridbot_tui.exchange.server.web import Answer, Request
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.service import real
from gridbot_tui.service.assemble import open_profile, understand
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.history import WithHistory
from gridbot_tui.service.options import InForce, RunOptions, RunResult
from gridbot_tui.service.real import RealParts, open_real
from gridbot_tui.store.reader import reading
from gridbot_tui.units import HOUR, Market, Mode, Ms, Symbol
from tests.exchange_server.serving import Served
from tests.service.jumping import BEGIN, JumpingLoop, jumping

KEY, SECRET = "k3y" * 8, "s3cret" * 8
SYMBOL = "BTCUSDT"
PLAIN = {
    "ladder.kind": "arithmetic",
    "ladder.plain.side": "neutral",
    "ladder.plain.levels": "21",
    "ladder.plain.range_below": "0.05",
    "ladder.plain.range_above": "0.05",
    "orders.depth": "6",
}
"""A plain grid of half a percent (on spot, where fees are higher, of 1.3): something happens at every move."""
LOOK_S = 0.25
"""Pause between two looks."""
WITHIN_S = 60.0
"""The promise: so long after a fault everything is connected and resynchronised."""
_STRIKES_S = 30.0
"""In so long something happens that a fault can strike."""
LINKS = {"link_down", "position_unknown", "residual", "stale_mark", "unresolved"}
"""Blockers that speak of something still open with the exchange."""


class Here(Served):
    """The served exchange in this loop: asked past its sockets, so that asking takes no time."""

    def __init__(self, app: App, loop: JumpingLoop) -> None:
        super().__init__(app, loop)

        self._asked = 0

    def now(self) -> int:
        return self.app.place.clock.told()

    def call(self, method: str, target: str, body: str = "", key: str | None = KEY) -> tuple[int, Any]:
        path, _, query = target.partition("?")
        headers = {} if key is None else {"x-mbx-apikey": key}
        self._asked += 1  # every time from another address: whoever judges uses up nobody's limits
        where = f"10.{self._asked >> 16 & 255}.{self._asked >> 8 & 255}.{self._asked & 255}"
        answer = self.app._handle(Request(method, path, query, headers, body.encode(), where))
        assert isinstance(answer, Answer), "a fault stands in the test's own way"
        raw = answer.body
        return answer.status, json.loads(raw) if answer.kind.startswith("application/json") and raw else raw

    def signed(self, method: str, path: str, key: str = KEY, secret: str = SECRET,
               **params: Any) -> tuple[int, Any]:  # fmt: skip
        return super().signed(method, path, key=key, secret=secret, **params)

    @property
    def account(self) -> Account:
        """The bot's."""
        return self.app.place.accounts[KEY]


class Scene:
    """One bot on one exchange; everything an operator could have read so far is in ``seen``."""

    def __init__(self, loop: JumpingLoop, served: Here, market: Market, home: Path, sets: dict[str, str],
                 symbols: tuple[Symbol, ...], mode: Mode) -> None:  # fmt: skip
        self.loop = loop
        self.served = served
        self.market = market
        self.home = home
        self.sets = sets
        self.symbols = symbols
        self.mode = mode
        self.seen: set[str] = set()
        self.high = False
        self.in_force: InForce | None = None
        """What another process handed over."""
        self.cancels = False
        """Whether the operator pauses and resumes at every move, so that orders are cancelled."""
        self.homes: dict[Symbol, float] = {}
        """Where the market's own candles end: a grid is laid around it."""
        self.bare_s = 0.0
        """The longest that the exchange held a position of ours without a stop."""
        self.parts: RealParts
        self.options: RunOptions
        self.profile: Profile
        self._run: asyncio.Task[RunResult] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._bare_since: float | None = None
        self._old: set[str] = set()

    # -- the bot ----------------------------------------------------------------------------------------------

    async def start(self, **sets: str) -> None:
        """Open and begin to run."""
        spot = {"ladder.plain.side": "long", "ladder.plain.levels": "8", "orders.depth": "2",
                "orders.churn_creates": "200"} if self.market is Market.SPOT else {}
        pairs = {**PLAIN, **spot, "exchange.base_url": self.served.http, **self.sets, **sets}
        options = RunOptions(mode=self.mode, market=self.market, home=self.home, symbols=self.symbols,
                             overrides=tuple(pairs.items()), yes_live=self.mode is Mode.LIVE, json=True,
                             in_force=self.in_force)  # fmt: skip
        self.options = options
        plan = understand(options)
        with open_profile(plan) as profile:
            self.profile = profile
        self._go(await open_real(plan, self.profile, screen=True))

    def _go(self, parts: RealParts) -> None:
        self.parts = parts
        parts.runner._monotonic = parts.journal._clock = self.loop.time
        self._run = asyncio.create_task(parts.run(None, 5.0, None))
        self._watch = asyncio.create_task(self._look_on())

    async def trading(self) -> Snapshot:
        """Until it trades and is at rest."""
        return await self.until(quiet, "it trades")

    async def leave(self) -> RunResult:
        """The process goes without touching an order."""
        self.parts.runner.leaving = True
        self.parts.runner.wake()
        return await self.ended()

    async def gone(self, seconds: float) -> RunResult:
        """It leaves by itself."""
        assert self._run is not None
        await asyncio.wait([self._run], timeout=seconds)
        assert self._run.done(), sorted(self.seen)
        return await self.ended()

    async def follow(self) -> None:
        """The run that follows one which has left by itself, in the same process."""
        following = await self.parts.next_run()
        assert following is not None
        self._go(following)

    async def stop(self) -> RunResult:
        """The graceful shutdown, to its verified end."""
        self.parts.session.request_stop("test", keep_positions=False)
        return await self.ended()

    async def ended(self) -> RunResult:
        """How the run ends."""
        assert self._run is not None
        result = await self._run
        self._run = None
        await self._unwatch()
        return result

    async def abandon(self) -> None:
        """Whatever still runs ends: a test has failed, or does not care."""
        await self._unwatch()
        if self._run is not None:
            self.parts.runner.leaving = True
            self.parts.runner.wake()
            await asyncio.wait([self._run], timeout=WITHIN_S)

    async def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def order(self, kind: CommandKind, **args: str) -> None:
        """An order of the operator's, as from the keyboard."""
        self.parts.session.submit(Command(new_id(), kind, args), "test")

    # -- what is to be seen -------------------------------------------------------------------------------------

    async def _look_on(self) -> None:
        """Four times a second: what an operator reads, and what the exchange holds."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
            self._mind_protection()

    def look(self) -> Snapshot:
        """What a face shows now."""
        picture = self.parts.session.snapshot()
        self.seen |= _read(picture) - self._old
        return picture

    def forget(self) -> None:
        """What could be read so far is no news."""
        self._old = _read(self.parts.session.snapshot())
        self.seen.clear()

    def saw(self, word: str) -> bool:
        """Whether the operator has read something with this in it."""
        return any(word in text for text in self.seen)

    def _mind_protection(self) -> None:
        desk = self.served.account.futures
        if desk is None:
            return
        held = [s for s in self.symbols if desk.account.position(s)]
        stops = {row["symbol"] for row in self.ask("/fapi/v1/openAlgoOrders")} if held else set()
        if all(symbol in stops for symbol in held):
            self._bare_since = None
            return
        if self._bare_since is None:
            self._bare_since = self.loop.time()
        self.bare_s = max(self.bare_s, self.loop.time() - self._bare_since)

    async def until(self, true: Callable[[Snapshot], Any], what: str, seconds: float = WITHIN_S) -> Snapshot:
        """Wait, in the loop's time, until the picture is as wanted."""
        deadline = self.loop.time() + seconds
        while True:
            assert self._run is not None
            assert not self._run.done(), self._run.result()
            picture = self.look()
            if true(picture):
                return picture
            told = picture.state, picture.blockers, picture.residual, picture.links, picture.orders
            assert self.loop.time() < deadline, f"not within {seconds:g} s: {what}; last seen: {told}"
            await asyncio.sleep(LOOK_S)

    async def agreed(self, *, entries: bool = True, seconds: float = WITHIN_S) -> float:
        """Until the bot is at rest and its books are the exchange's; how long that took, in the loop's seconds."""
        began, found = self.loop.time(), ["nothing was compared"]
        while found:
            left = began + seconds - self.loop.time()
            assert left > 0, found
            await self.until(quiet if entries else calm, "it is at rest", left)
            found = self.contradictions()
            if found:
                await asyncio.sleep(4 * LOOK_S)
        return self.loop.time() - began

    async def meet(self, *rules: dict[str, Any], said: str = "", lasts: float = 3.0) -> float:
        """The faults, trading under them until they have struck, and what follows.

        The operator must read ``said`` and everything be connected and compared within a minute of the fault's end;
        the seconds that took. Then the bot trades again: where a breaker has opened, once it has closed.

        Args:
            lasts: seconds in which a fault that has struck goes on by itself.
        """
        self.forget()
        injected = self.served.app.place.faults.injected
        before, deadline, moves = sum(injected.values()), self.loop.time() + _STRIKES_S, 0
        self.served.faults(*rules)
        while moves < 4 or moves % 2 or sum(injected.values()) == before:
            assert self.loop.time() < deadline, "the fault never struck"
            self.stir()
            moves += 1
            await asyncio.sleep(1.0)
        self.served.faults()
        await asyncio.sleep(lasts)
        over = self.loop.time()
        await self.until(lambda _: self.saw(said), f"{said!r} in {sorted(self.seen)}")
        await self.agreed(entries=False, seconds=over + WITHIN_S - self.loop.time())
        took = self.loop.time() - over
        await self.agreed(seconds=5 * WITHIN_S)
        return took

    # -- the market ---------------------------------------------------------------------------------------------

    def carry(self, share: float, symbol: Symbol = SYMBOL) -> None:
        """The price stands at this share of where it began."""
        if not self.homes:
            floor = self.served.app.place.floors[self.market.value]
            self.homes = {name: tape.last * tape.instrument.tick_f for name, tape in floor.tapes.items()}
        tick = self.served.app.place.floors[self.market.value].tapes[symbol].instrument.tick
        price = Decimal(str(self.homes[symbol] * share))
        self.served.price(symbol, format(price // tick * tick, "f"))

    def stir(self) -> None:
        """From one side of home to the other: rungs fill, others are made."""
        self.high = not self.high
        far = 0.015 if self.market is Market.SPOT else 0.006
        self.carry(1 + far if self.high else 1 - far)
        if self.cancels:
            self.order(CommandKind.PAUSE if self.high else CommandKind.RESUME)

    # -- the exchange's books -----------------------------------------------------------------------------------

    def ask(self, path: str, **params: Any) -> Any:
        """Something that the exchange knows of the account."""
        status, answer = self.served.signed("GET", path, **params)
        assert status == 200, answer
        return answer

    def standing(self) -> list[dict[str, Any]]:
        """Everything that stands, conditional orders with ``clientAlgoId``."""
        if self.market is Market.SPOT:
            return list(self.ask("/api/v3/openOrders"))
        return [*self.ask("/fapi/v1/openOrders"), *self.ask("/fapi/v1/openAlgoOrders")]

    def by_hand(self, client_id: str, share: float = 0.9) -> None:
        """Somebody rests a buy (futures)."""
        self._did("POST", side="BUY", type="LIMIT", timeInForce="GTX", quantity="0.01",
                  price=str(round(self.homes[SYMBOL] * share)), newClientOrderId=client_id)  # fmt: skip

    def bought_by_hand(self, client_id: str, quantity: str) -> None:
        """Somebody buys at the market (futures)."""
        self._did("POST", side="BUY", type="MARKET", quantity=quantity, newClientOrderId=client_id)

    def sold_by_hand(self, client_id: str, quantity: str) -> None:
        """Somebody sells at the market (futures)."""
        self._did("POST", side="SELL", type="MARKET", quantity=quantity, newClientOrderId=client_id)

    def cancelled_by_hand(self, client_id: str) -> None:
        """Somebody cancels (futures)."""
        self._did("DELETE", origClientOrderId=client_id)

    def changed_by_hand(self, row: dict[str, Any], price: float, quantity: float) -> None:
        """Somebody moves an order to this share of its price, and makes it so many times as large (futures)."""
        size = f"{float(row['origQty']) * quantity:.3f}"
        self._did("PUT", side=row["side"], price=str(round(float(row["price"]) * price)), quantity=size,
                  origClientOrderId=row["clientOrderId"])  # fmt: skip

    def _did(self, method: str, **params: Any) -> None:
        status, answer = self.served.signed(method, "/fapi/v1/order", symbol=SYMBOL, **params)
        assert status == 200, answer

    def stops(self) -> list[dict[str, Any]]:
        """What protects."""
        return [row for row in self.standing() if "clientAlgoId" in row]

    def holds(self) -> bool:
        """Whether a position of ours is on the exchange (spot: base that could be sold)."""
        if self.market is Market.SPOT:
            rows = self.ask("/api/v3/account")["balances"]
            return any(float(row["free"]) > 1e-4 for row in rows if f"{row['asset']}USDT" in self.symbols)
        return any(float(row["positionAmt"]) for row in self.ask("/fapi/v3/positionRisk"))

    def trades(self) -> int:
        """How many there were."""
        return len(self._history()[1])

    def orders(self) -> list[dict[str, Any]]:
        """All that were ever sent to stand by themselves; conditional ones of futures are on another list."""
        return self._history()[0]

    def _history(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        root = "/api/v3" if self.market is Market.SPOT else "/fapi/v1"
        trades = "myTrades" if self.market is Market.SPOT else "userTrades"
        orders = [row for s in self.symbols for row in self.ask(f"{root}/allOrders", symbol=s, limit=1000)]
        return orders, [row for s in self.symbols for row in self.ask(f"{root}/{trades}", symbol=s, limit=1000)]

    def contradictions(self) -> list[str]:
        """Where the bot's database and the exchange's books differ, and what no exchange should hold."""
        ours = IdFactory("gb", "main").is_ours
        orders, trades = self._history()
        sent = Counter(row["clientOrderId"] for row in orders)
        found = [f"{ident} was sent {count} times" for ident, count in sent.items() if count > 1]
        there = {row.get("clientAlgoId") or row["clientOrderId"] for row in self.standing()}
        there = {ident for ident in there if ours(ident)}
        with reading(self.profile.database) as db:
            here = {row.order.client_id for row in db.open_orders()}
            fills = [(fill.symbol, fill.trade_id) for fill in db.each_fill()]
        found += [f"orphan {one}: it stands, and no record of it is open" for one in sorted(there - here)]
        found += [f"ghost {one}: open here, gone there" for one in sorted(here - there)]
        found += ["a fill is booked twice"] if len(set(fills)) != len(fills) else []
        happened = {(row["symbol"], str(row["id"])) for row in trades}
        found += [f"trade {one} is not in the ledger" for one in sorted(happened - set(fills))]
        found += [f"fill {one} never happened" for one in sorted(set(fills) - happened)]
        return found


def _read(picture: Snapshot) -> set[str]:
    """Everything that stands on the screen."""
    seen = {f"{one.code}: {one.detail}" for one in picture.blockers}
    seen |= {f"{one.code}: {one.text}" for one in picture.events}
    seen |= {f"order {one.state}" for one in picture.orders}
    return seen | {f"{link.name}: {link.detail}" for link in picture.links if link.detail}


def calm(picture: Snapshot) -> bool:
    """Nothing is under way and nothing is owed."""
    return (
        all(order.state in ("resting", "partly_filled") for order in picture.orders)
        and Decimal(picture.residual) == 0
        and all(link.up for link in picture.links)
        and not {blocker.code for blocker in picture.blockers} & LINKS
    )


def quiet(picture: Snapshot) -> bool:
    """It trades, and nothing is under way or owed."""
    return calm(picture) and picture.state in ("running", "reducing") and bool(picture.orders)


def live_through(
    story: Callable[[Scene], Awaitable[None]],
    home: Path,
    *,
    market: Market = Market.FUTURES,
    symbols: tuple[Symbol, ...] = (SYMBOL,),
    sets: dict[str, str] | None = None,
    limits: float = 1.0,
    mode: Mode = Mode.TESTNET,
    balances: dict[str, str] | None = None,
    past: Ms = 2 * HOUR,
    begin: Ms = BEGIN,
) -> None:
    """Serve an exchange, tell a story on it, take everything down; all in the time that jumps.

    ``past``: how much of it a new bot asks for; a plain grid needs none to speak of.
    """
    with jumping(begin) as loop, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDBOT_API_KEY", KEY)
        patch.setenv("GRIDBOT_API_SECRET", SECRET)
        patch.setattr(real, "WithHistory", partial(WithHistory, history=past))
        loop.run_until_complete(_told(loop, story, home, market, symbols, sets or {}, limits, mode, balances))


async def _told(loop: JumpingLoop, story: Callable[[Scene], Awaitable[None]], home: Path, market: Market,
                symbols: tuple[Symbol, ...], sets: dict[str, str], limits: float, mode: Mode,
                balances: dict[str, str] | None) -> None:  # fmt: skip
    account = KeyConfig(KEY, SECRET, balances or {"USDT": "10000"})
    options = ServeOptions(control=True, accounts=(account,), limits=LimitOptions(factor=limits), hold=True)
    clock = Clock(1.0, lambda: round(loop.wall() * 1_000_000))
    app = App(build((market,), options, symbols=symbols, history=HOUR, clock=clock))
    await app.start()
    served = Here(app, loop)
    scene = Scene(loop, served, market, home, sets, symbols, mode)
    try:
        for symbol in symbols:
            scene.carry(1.0, symbol)
        await story(scene)
    finally:
        await scene.abandon()
        await app.stop()
        assert app.failed() is None
