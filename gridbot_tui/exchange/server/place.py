"""Everything the exchange is, without its sockets: markets, accounts, limits, time."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import uuid4

from gridbot_tui.exchange.server import render_futures, render_spot
from gridbot_tui.exchange.server.accounts import Account, KeyConfig, ListenKey
from gridbot_tui.exchange.server.algo import AlgoOrder, AlgoService
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.exchange.server.faults import Faults, Rule
from gridbot_tui.exchange.server.floor import Floor
from gridbot_tui.exchange.server.limits import Limiter
from gridbot_tui.exchange.server.render import side
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.records import OrderUpdate
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import Market, Ms, Symbol

LISTEN_KEY_LIFE: Final = 3_600_000
EXECUTION: Final = ExchangeParams(half_spread_bp=0.0001, slippage_bp=0.0, volume_share=1.0)
"""The served book has its own levels: a taker crosses one tick to the best one, a tick's whole volume can be had."""

Publish = Callable[[str, str, dict[str, Any]], None]


class Place:
    """The served exchange. Every method is synchronous and takes effect in the moment it is called."""

    def __init__(self, options: ServeOptions, floors: dict[str, Floor], clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.floors = floors
        self.accounts: dict[str, Account] = {}
        self.limiter = Limiter(options.limits)
        self.faults = Faults(clock.now)
        self.maintenance = False
        self._moved = False
        """Something has been played that ``advance`` has not told of."""
        self.publish: Publish = lambda market, stream, frame: None
        """Called with market, stream name and payload for events that are no user's."""
        for config in options.accounts:
            self.add_account(config)
        for floor in floors.values():
            floor.on_played = self.flush

    # -- markets ------------------------------------------------------------------------------------------

    def floor(self, market: str) -> Floor:
        """A market; -1020 where it is not served."""
        floor = self.floors.get(market)
        if floor is None:
            raise Denied(-1020, msg=f"This exchange does not serve {market}.", status=404)
        return floor

    def tape(self, market: str, symbol: Symbol) -> Tape:
        """A symbol; -1121 where there is none."""
        tape = self.floor(market).tapes.get(symbol)
        if tape is None or not tape.last:
            raise Denied(-1121)
        return tape

    def befall(self, rules: list[Rule]) -> None:
        """Fault rules in place of the present ones.

        Raises:
            Denied: one is about a symbol that is not traded here; the present ones stay.
        """
        for rule in rules:
            self.known(rule)
        self.faults.load(rules)

    def known(self, rule: Rule) -> None:
        """-1121 where a rule is about a symbol that is on none of the served markets."""
        if rule.symbol and not any(rule.symbol in floor.tapes for floor in self.floors.values()):
            raise Denied(-1121, msg=f"Invalid symbol: {rule.symbol} is not served.")

    # -- accounts -----------------------------------------------------------------------------------------

    def add_account(self, config: KeyConfig) -> Account:
        """Open an account with its balances in every served market.

        Raises:
            ValueError: the key has one or is none, or an amount is none.
        """
        if not config.key or not config.secret:
            raise ValueError("an account needs a key and a secret")
        if config.key in self.accounts:
            raise ValueError(f"there is an account of the key {config.key}")
        account = Account(len(self.accounts) + 1, config)
        for name in self.floors:
            self._open_desk(account, name)
        for floor in self.floors.values():
            floor.accounts.append(account)
        self.accounts[config.key] = account
        return account

    def _open_desk(self, account: Account, name: str) -> None:
        floor, market = self.floors[name], Market(name)
        given = account.config.balances or dict(self.options.balances)
        balances = {asset: _amount(asset, amount) for asset, amount in given.items()}
        desk = Desk(floor.tapes, AccountConfig(market, balances, EXECUTION), floor.ids, seed=account.number)
        desk.take()
        desk.now = floor.now
        if market is Market.FUTURES:
            account.futures = desk
            account.algo = AlgoService(desk, lambda order: self._algo_news(account, order))
        else:
            account.spot = desk
        floor.open_desk(desk)

    def wipe(self, account: Account, market: str) -> None:
        """An account is as it was opened: nothing of before is known any more, and nobody is told.

        Testnets do so mostly every month. Trades are numbered anew.
        """
        floor = self.floor(market)
        desk = floor.desk(account)
        assert desk is not None
        floor.close_desk(desk)
        account.countdowns.clear()
        self._open_desk(account, market)

    def by_key(self, key: str | None) -> Account:
        """Whose key it is: -2014 for none, -2015 for one nobody has."""
        if not key:
            raise Denied(-2014)
        account = self.accounts.get(key)
        if account is None:
            raise Denied(-2015)
        return account

    def desk(self, account: Account, market: str, now: Ms) -> Desk:
        """An account's desk, set to the moment of the call."""
        floor = self.floor(market)
        desk = floor.desk(account)
        assert desk is not None
        desk.now = max(desk.now, now)
        desk.next_order_id = max(desk.next_order_id, floor.ids.order)
        return desk

    # -- news ---------------------------------------------------------------------------------------------

    def flush(self, account: Account) -> None:
        """Tell whoever listens what has happened to an account since the last time."""
        for market, desk in (("spot", account.spot), ("futures", account.futures)):
            if desk is None or not desk.updates:
                continue
            floor = self.floors[market]
            floor.ids.order = max(floor.ids.order, desk.next_order_id)
            updates = desk.drain()
            now = self.clock.now()
            for update in updates:
                if not isinstance(update, OrderUpdate):
                    continue
                order, trade = update.order, update.trade
                if order.kind is OrderKind.LIMIT:
                    desk.tapes[order.symbol].book.touch()
                if market == "spot" and trade is not None and order.filled == trade.steps:
                    self.limiter.give_back(account.number, now)
            made = render_spot.frames if market == "spot" else render_futures.frames
            for frame in made(desk, updates, now) if account.listeners else ():
                self._tell(account, market, frame, now)
            if market == "futures":
                self._after_futures(account, desk, updates, now)

    def _after_futures(self, account: Account, desk: Desk, updates: list[Any], now: Ms) -> None:
        """Liquidations are public; algo orders follow their plain ones; positions that close take theirs along."""
        algo = account.algo
        assert algo is not None
        for update in updates:
            if not isinstance(update, OrderUpdate):
                continue
            order = update.order
            if order.forced and update.trade is not None:
                self._force_order(desk, update, now)
            if not order.open:
                algo.finish(order.symbol)
                if update.trade is not None and not desk.account.position(order.symbol):
                    algo.expire_closers(order.symbol)

    def _force_order(self, desk: Desk, update: OrderUpdate, now: Ms) -> None:
        order, trade = update.order, update.trade
        assert trade is not None
        f = desk.tapes[order.symbol].format
        body = {
            "s": order.symbol, "S": side(order.side), "o": "LIMIT", "f": "IOC", "q": f.qty(order.steps),
            "p": f.price(trade.price), "ap": f.price(trade.price), "X": render_futures.status_of(order),
            "l": f.qty(trade.steps), "z": f.qty(order.filled), "T": update.at,
        }  # fmt: skip
        frame = {"e": "forceOrder", "E": now, "o": body}
        self.publish("futures", f"{order.symbol.lower()}@forceOrder", frame)
        self.publish("futures", "!forceOrder@arr", {**frame, "ps": order.symbol, "st": 1})

    def _algo_news(self, account: Account, order: AlgoOrder) -> None:
        """Tell of a conditional order after what came before it; of its plain order only after that."""
        desk = account.futures
        assert desk is not None
        if desk.updates and order.status != "TRIGGERED":
            self.flush(account)
        if account.listeners:
            now = self.clock.now()
            self._tell(account, "futures", render_futures.algo_update(desk, order, now), now)

    def _tell(self, account: Account, market: str, frame: dict[str, Any], now: Ms) -> None:
        for listener in list(account.listeners):
            listener(market, frame, now)

    # -- time ---------------------------------------------------------------------------------------------

    def now(self) -> Ms:
        """The time, everything played that was due until then: what is done now must not be followed by something
        earlier, which candles, and whoever listens, would not understand."""
        now = self.clock.now()
        with self.clock.standing():
            for floor in self.floors.values():
                self._moved = floor.advance(now) or self._moved
        return now

    def run_at(self, speed: float) -> None:
        """So many times real time from now on; as many points of the market a second as before."""
        self.clock.speed = speed
        for floor in self.floors.values():
            floor.tick_every = self.options.tick_every(speed)

    def advance(self) -> Ms | None:
        """Play what is due on every market, then what hangs on the clock; until when, None if no market moved."""
        now = self.now()
        for account in self.accounts.values():
            self._timers(account, now)
        moved, self._moved = self._moved, False
        return now if moved else None

    def _timers(self, account: Account, now: Ms) -> None:
        key = account.listen_key
        if key is not None and key.expires_at <= now:
            self.expire_listen_key(account)
        desk = account.futures
        if desk is not None and desk.dated and desk.dated[0][0] <= now:
            desk.expire(now)
            self.flush(account)
        if account.algo is not None:
            account.algo.expire(now)
        if account.countdowns:
            for symbol, at in list(account.countdowns.items()):
                if at <= now:
                    del account.countdowns[symbol]
                    self.cancel_all(account, "futures", symbol, now)

    def cancel_all(self, account: Account, market: str, symbol: Symbol, now: Ms) -> int:
        """Cancel the plain orders of a symbol; how many there were."""
        desk = self.desk(account, market, now)
        orders = desk.open_orders(symbol)
        for order in orders:
            desk.cancel_order(order, uuid4().hex[:22])
        self.flush(account)
        return len(orders)

    # -- listen keys --------------------------------------------------------------------------------------

    def listen_key(self, account: Account, now: Ms) -> ListenKey:
        """The account's key, made or prolonged."""
        key = account.listen_key
        if key is None:
            key = account.listen_key = ListenKey(uuid4().hex + uuid4().hex, 0)
        key.expires_at = now + self.clock.for_clients(LISTEN_KEY_LIFE)
        return key

    def expire_listen_key(self, account: Account) -> None:
        """The key dies: one last event, then silence."""
        key, account.listen_key = account.listen_key, None
        if key is not None:
            now = self.clock.now()
            self._tell(account, "futures", {"e": "listenKeyExpired", "E": now, "listenKey": key.text}, now)
        self._deafen(account)

    def close_listen_key(self, account: Account) -> None:
        """The key's owner ends it: silence without a word."""
        account.listen_key = None
        self._deafen(account)

    @staticmethod
    def _deafen(account: Account) -> None:
        account.listeners = [listener for listener in account.listeners if listener.market != "futures"]

    def holder_of(self, listen_key: str) -> Account | None:
        """Whose listen key it is."""
        for account in self.accounts.values():
            if account.listen_key is not None and account.listen_key.text == listen_key:
                return account
        return None


def _amount(asset: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"a balance is an amount of 0 or more, not {text} {asset}")
    return amount
