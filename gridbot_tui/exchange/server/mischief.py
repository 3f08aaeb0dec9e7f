"""What befalls the exchange rather than a request: dropped lines, maintenance, delisting, forced trades."""

import asyncio
from collections.abc import Iterator
from fnmatch import fnmatchcase

from gridbot_tui.exchange.server.accounts import Account
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.exchange.server.faults import ACTIONS, Rule
from gridbot_tui.exchange.server.link import Link
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.streams import Hub
from gridbot_tui.exchange.server.wsapi import WsApi
from gridbot_tui.exchange.simulated.liquidation import _liquidate
from gridbot_tui.exchange.simulated.records import Execution, Order, Status
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import Side, Steps, Symbol


class Mischief:
    """Carries out the actions of the fault menu."""

    def __init__(self, place: Place, hub: Hub, api: WsApi) -> None:
        self._place = place
        self._hub = hub
        self._api = api
        self._timers: set[asyncio.TimerHandle] = set()
        self._reopening: asyncio.TimerHandle | None = None
        """The end of a maintenance."""

    def tick(self) -> None:
        """Do what is due."""
        for rule in self._place.faults.due():
            self.do(rule)

    def do(self, rule: Rule) -> None:
        """One action, now.

        Raises:
            ValueError: the rule is about requests or events, not an action.
            Denied: it is about a symbol that is not traded here.
        """
        if rule.kind not in ACTIONS:
            raise ValueError(f"{rule.kind} is no action: there are {', '.join(ACTIONS)}")
        self._place.known(rule)
        getattr(self, f"_{rule.kind}")(rule)

    def stop(self) -> None:
        """Nothing more happens later."""
        for timer in self._timers:
            timer.cancel()

    def _later(self, ms: int, act: object, *args: object) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        self._timers = {timer for timer in self._timers if timer.when() > loop.time()}
        timer = loop.call_later(ms / 1000, act, *args)  # type: ignore[arg-type]
        self._timers.add(timer)
        return timer

    # -- connections --------------------------------------------------------------------------------------

    def _links(self, rule: Rule) -> Iterator[Link]:
        """Connections whose address or one of whose streams matches."""
        for streams in list(self._hub.links):
            names = [streams.link.name, *streams.names, *streams.users]
            if any(fnmatchcase(name, rule.on) for name in names):
                yield streams.link
        for api in list(self._api.links):
            if fnmatchcase(api.link.name, rule.on):
                yield api.link

    def _disconnect(self, rule: Rule) -> None:
        for link in self._links(rule):
            link.abort()

    def _silence(self, rule: Rule) -> None:
        for link in self._links(rule):
            link.silence(rule.ms)

    def _ping_stop(self, rule: Rule) -> None:
        for link in self._links(rule):
            link.answers_pings = False

    def _shutdown(self, rule: Rule) -> None:
        links = set(self._links(rule))
        for streams in self._hub.links:
            if streams.link in links:
                self._hub.say_shutdown(streams)
        for api in self._api.links:
            if api.link in links:
                self._api.say_shutdown(api)
        for link in links:
            self._later(rule.ms, link.close, 1001)

    # -- the exchange -------------------------------------------------------------------------------------

    def _flood(self, rule: Rule) -> None:
        """So many trades of every symbol at its price, in one breath."""
        now = self._place.now()
        for floor in self._place.floors.values():
            for tape in floor.tapes.values():
                for _ in range(rule.count if tape.last else 0):
                    tape.trade(now, tape.last, 1, True)
        self._hub.advance(now)

    def _skew(self, rule: Rule) -> None:
        self._place.clock.skew = rule.ms

    def _maintenance(self, rule: Rule) -> None:
        """The latest word counts: what an earlier one would have ended goes on."""
        if self._reopening is not None:
            self._reopening.cancel()
        self._place.maintenance = True
        self._reopening = self._later(rule.ms, setattr, self._place, "maintenance", False) if rule.ms else None

    def _expire_listen_key(self, rule: Rule) -> None:
        for account in self._place.accounts.values():
            self._place.expire_listen_key(account)

    def _delist(self, rule: Rule) -> None:
        """Orders are cancelled, positions settled at the mark price, the symbol is closed."""
        now = self._place.now()
        for name, floor in self._place.floors.items():
            tape = floor.tapes.get(rule.symbol)
            if tape is None:
                continue
            for account in floor.accounts:
                desk = self._place.desk(account, name, now)
                for order in desk.open_orders(rule.symbol):
                    desk.end(order, Status.EXPIRED, Execution.EXPIRED, "settlement")
                if name == "futures" and account.algo is not None:
                    account.algo.expire_all(rule.symbol, "settlement")
                position = desk.account.position(rule.symbol)
                if position:
                    self._force(account, desk, rule.symbol, -position, "settlement", f"settlement_autoclose-{now}")
                self._place.flush(account)
            tape.status = "SETTLING" if name == "futures" else "BREAK"
            tape.delivery_at = now
            if name == "futures":
                info = {"e": "contractInfo", "E": now, "s": rule.symbol, "ct": "PERPETUAL", "dt": now,
                        "ot": 1_569_398_400_000, "cs": "SETTLING", "bks": [], "st": 1}  # fmt: skip
                self._place.publish("futures", "!contractInfo", info)

    def _liquidate(self, rule: Rule) -> None:
        """Whoever holds a position loses it, whatever the margin."""
        now = self._place.now()
        for account in self._place.accounts.values():
            desk = account.futures
            if desk is None or desk.futures is None:
                continue
            desk = self._place.desk(account, "futures", now)
            held = [s for s in desk.venues if desk.account.position(s) and (not rule.symbol or s == rule.symbol)]
            if held:
                venue = desk.venues[held[0]]
                _liquidate(desk, venue, venue.last)
                self._place.flush(account)

    def _deleverage(self, rule: Rule) -> None:
        """Half of every position of the symbol goes to somebody who was liquidated."""
        now = self._place.now()
        for account in self._place.accounts.values():
            if account.futures is None:
                continue
            desk = self._place.desk(account, "futures", now)
            position = desk.account.position(rule.symbol)
            half = -position // 2 if position > 0 else (-position + 1) // 2
            if position and half:
                self._force(account, desk, rule.symbol, half, "deleveraging", "adl_autoclose")
                self._place.flush(account)

    def _force(self, account: Account, desk: Desk, symbol: Symbol, signed: Steps, why: str, client_id: str) -> None:
        """An order of the exchange's own against the account, at the mark price."""
        venue = desk.venues.get(symbol)
        if venue is None:
            raise Denied(-1121)
        number = desk.next_order_id
        desk.next_order_id += 1
        order = Order(number, symbol, client_id, Side.BUY if signed > 0 else Side.SELL, OrderKind.MARKET, abs(signed),
                      None, None, False, True, False, False, desk.now, desk.now, forced=why)  # fmt: skip
        desk.history.open[desk.key(symbol, client_id, False)] = order
        desk.news(Execution.NEW, order)
        desk.execute(venue, order, venue.mark, abs(signed), maker=False)
