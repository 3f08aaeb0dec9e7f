"""Events of the futures user stream in the house's words."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gridbot_tui.engine.events import Fill, OrderReport, Outcome, PositionTold
from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.account_words import forced_by
from gridbot_tui.exchange.binance.frames import FuturesOrder
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.numbers import BadNumber, money
from gridbot_tui.exchange.binance.stream_words import OUTCOMES, StreamWords, side_of
from gridbot_tui.exchange.binance.words import (
    MARGIN_CALL,
    SETTINGS,
    Doubtful,
    Ended,
    Foreign,
    Leaving,
    LookAgain,
    WalletMoved,
    Word,
)
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, ClientId, Money, Ms, Symbol

_ALGO: Final = {
    "NEW": Outcome.ACCEPTED,
    "TRIGGERING": Outcome.TRIGGERED,
    "TRIGGERED": Outcome.TRIGGERED,
    "CANCELED": Outcome.CANCELED,
    "EXPIRED": Outcome.EXPIRED,
    "REJECTED": Outcome.EXPIRED,
}
_EXPIRY: Final = {
    "1": "self-trade prevention",
    "2": "immediate or cancel",
    "4": "reduce-only with nothing left to reduce",
    "5": "liquidation",
    "7": "delisting",
    "9": "rest of a market order",
    "10": "fill or kill",
    "11": "post-only would have taken",
}


class FuturesWords(StreamWords):
    """Translates. ``ids`` learns also which plain order came from which conditional one."""

    def __init__(
        self, instruments: Mapping[Symbol, Instrument], ours: Callable[[ClientId], bool], ids: KnownIds,
        ceilings: Mapping[Symbol, int] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """``ceilings``: the leverage that the bot has set, by symbol."""
        super().__init__(instruments, ours, ids)
        self._ceilings = ceilings

    def _inner(self, head: frames.Any_) -> bytes:
        return bytes(head.data) if head.stream else b""

    def client_of(self, symbol: Symbol, order_number: int) -> ClientId | None:
        """The order of ours that a number belongs to, by birth or by name."""
        client_id = self._ids.client_id(symbol, str(order_number))
        return client_id if client_id is not None and self._ours(client_id) else None

    def _read(self, kind: str, raw: bytes) -> tuple[Ms, list[Word]]:
        if kind == "ORDER_TRADE_UPDATE":
            update = frames.order_trade_update(raw)
            return update.E, self._order(update.o)
        if kind == "ALGO_UPDATE":
            news = frames.algo_update(raw)
            return news.E, self._algo(news)
        if kind == "ACCOUNT_UPDATE":
            account = frames.account_update(raw)
            return account.E, [*self._positions(account), *_wallet(account)]
        if kind == "listenKeyExpired":
            return 0, [Ended("the listen key expired")]
        if kind == "serverShutdown":
            return 0, [Leaving("the exchange announced a shutdown")]
        if kind == "MARGIN_CALL":
            return 0, [LookAgain("the exchange sent a margin call: liquidation of a position is near", MARGIN_CALL)]
        if kind == "ACCOUNT_CONFIG_UPDATE":
            return 0, self._settings(frames.config_update(raw))
        if not kind:
            raise BadNumber("it has no event type")
        return 0, []

    # -- plain orders -------------------------------------------------------------------------------------

    def _order(self, o: FuturesOrder) -> list[Word]:
        forced = forced_by(o.c)
        client_id = o.c if self._ours(o.c) else self.client_of(o.s, o.i) or o.c
        ours = self._ours(client_id)
        if ours or not _conditional(o.ot):
            self._ids.learn(o.s, str(o.i), client_id)
        if (o.ps or "BOTH") != "BOTH":
            return [LookAgain(f"an order in hedge mode ({o.ps}): the bot trades one-way accounts only")]
        if o.s not in self._scales:
            return self._elsewhere(o, client_id)
        words: list[Word] = []
        fill = self._fill(o, client_id, ours or bool(forced), forced)
        if fill is not None and (o.rp is None or (o.n is None and (forced or o.N))):
            # Of what it executes itself Binance may leave the money out here; the list of executions has it. A trade
            # without a fee is told without amount and asset.
            words.append(LookAgain(f"a trade of {o.s}{f' by {forced}' if forced else ''} without its money"))
        elif fill is not None:
            doubtful = not ours and not forced and _conditional(o.ot)
            words.append(Doubtful(fill, o.i) if doubtful else fill)
        elif o.x in ("TRADE", "CALCULATED"):
            words.append(LookAgain(f"a trade of {o.s} without a number"))
        if ours and not forced:
            words.append(self._report(o, client_id))
            if o.x == "AMENDMENT":
                words.append(LookAgain(f"order {client_id} was changed by another hand"))
        elif not forced:
            words.append(Foreign(o.s, client_id))
        return words

    def _report(self, o: FuturesOrder, client_id: ClientId) -> Word:
        outcome = OUTCOMES.get(o.X)
        if outcome is None:
            return LookAgain(f"order {client_id} of {o.s} is {o.X}", order=client_id)
        if outcome is Outcome.ACCEPTED and _conditional(o.ot) and not _conditional(o.o):
            outcome = Outcome.TRIGGERED  # the market order that a stop gave birth to stands: the stop has fired
        filled = self._scales[o.s].steps(o.z or "0")
        detail = _EXPIRY.get(str(o.er), "") if outcome is Outcome.EXPIRED else ""
        return OrderReport(o.T, o.s, client_id, outcome, filled, str(o.i), 0, detail)

    def _fill(self, o: FuturesOrder, client_id: ClientId, ours: bool, forced: str) -> Fill | None:
        if o.x not in ("TRADE", "CALCULATED") or not o.t:
            return None
        scale = self._scales[o.s]
        fee, asset = money(o.n or "0"), o.N or scale.instrument.quote
        realised = money(o.rp or "0")
        side = side_of(o.S)
        price, steps = scale.some_price(o.L or ""), scale.some_steps(o.l or "")
        return Fill(o.T, o.s, client_id, str(o.t), side, price, steps, fee, asset, o.m, realised, ours, forced)

    def _elsewhere(self, o: FuturesOrder, client_id: ClientId) -> list[Word]:
        """A symbol that the bot does not trade. A trade is told without its money: only the list of income says which
        asset the profit is in, and trades of coin-margined contracts, whose wallet is another, come here as well."""
        if o.x not in ("TRADE", "CALCULATED"):
            return []  # another program may place hundreds a minute there, and none of them concerns us
        words: list[Word] = [Foreign(o.s, client_id)]
        if o.t:
            asset = o.N or ""
            words.append(Fill(o.T, o.s, client_id, str(o.t), side_of(o.S), 0, 0, ZERO, asset, o.m, ZERO, False))
            if asset and (fee := money(o.n or "0")):
                words.append(WalletMoved(o.T, asset, -fee, f"trade {o.t} of {o.s}"))
        return words

    # -- conditional orders ---------------------------------------------------------------------------------

    def _algo(self, news: frames.AlgoUpdate) -> list[Word]:
        o = news.o
        if not self._ours(o.caid):
            return [Foreign(o.s, o.caid)] if o.s in self._scales else []
        born = str(o.ai or "")
        if born.isdecimal() and born.isascii() and born != "0":
            self._ids.learn(o.s, born, o.caid)
        scale = self._scales.get(o.s)
        if scale is None:
            return [LookAgain(f"conditional order {o.caid} of {o.s}, which the bot does not trade")]
        filled = scale.steps(o.aq) if o.aq else 0
        outcome = _ALGO.get(o.X)
        if o.X == "FINISHED" and filled:
            outcome = Outcome.FILLED if filled >= scale.steps(o.q or "0") else Outcome.EXPIRED
        if outcome is None:
            return [LookAgain(f"conditional order {o.caid} is {o.X}", order=o.caid)]
        at = news.T or news.E
        report = OrderReport(at, o.s, o.caid, outcome, filled, str(o.aid), 0, o.rm or "")
        if o.tt and outcome is Outcome.EXPIRED:  # the word for the trigger itself may be lost, or come later
            return [OrderReport(at, o.s, o.caid, Outcome.TRIGGERED), report]
        return [report]

    # -- positions ------------------------------------------------------------------------------------------

    def _positions(self, update: frames.AccountUpdate) -> list[Word]:
        """What is left of the positions that changed: where news of a trade is lost, this still tells of it."""
        return [
            PositionTold(update.T, row.s, self._scales[row.s].instrument.steps_down(money(row.pa)))
            for row in update.a.P or ()
            if row.pa is not None and row.s in self._scales and (row.ps or "BOTH") == "BOTH"
        ]

    # -- settings -------------------------------------------------------------------------------------------

    def _settings(self, update: frames.ConfigUpdate) -> list[Word]:
        """Leverage is set by ourselves as well; who counts what as margin, and how positions are kept, is not."""
        words = _of_the_account(update.ai)
        now = update.ac
        ceiling = None if now is None else self._ceilings.get(now.s)
        if now is not None and ceiling is not None and now.l != ceiling:
            said = (
                f"the leverage of {now.s} was set to {now.l}x on Binance, and not by the bot: margin and limits there "
                f"go by it now, and orders may be refused for it (-2019, -2027); set it back to {ceiling}x, or start "
                "the bot again, which does"
            )
            words.append(LookAgain(said, SETTINGS))
        return words or [LookAgain("the leverage of a symbol, or another setting, was changed")]


def _of_the_account(account: frames.AccountSettings | None) -> list[Word]:
    words = list[Word]()
    if account is not None and account.j is not None:
        said = "on: other assets are margin and can be lost too" if account.j else "off"
        words.append(LookAgain(f"multi-assets mode was switched {said}", SETTINGS))
    if account is not None and account.d:  # told with whatever else was changed: off is no news
        said = "the account is in hedge mode: gridbot trades one-way, its orders are refused until that is switched off"
        words.append(LookAgain(said, SETTINGS))
    return words


def _margin_mode(update: frames.AccountUpdate) -> Word:
    """Set before the bot listens; changed later it was another hand."""
    modes = [f"{row.s} is {row.mt}" for row in update.a.P or () if row.s and row.mt]
    named = ", ".join(modes) or "Binance does not say how"
    said = f"the margin mode of a symbol was changed ({named})"
    return LookAgain(f"{said}: gridbot counts its risk across the account, on cross margin", SETTINGS)


def _wallet(update: frames.AccountUpdate) -> list[Word]:
    """A fill's own changes come with its order; everything else is money that came or went."""
    reason = update.a.m
    if reason == "ORDER":
        return []
    moved: list[Word] = []
    for row in update.a.B or ():
        amount: Money = money(row.bc or "0")
        if amount != ZERO:
            moved.append(WalletMoved(update.T, row.a, amount, reason))
    if reason == "MARGIN_TYPE_CHANGE":
        moved.append(_margin_mode(update))
    return moved or [LookAgain(f"the account changed: {reason}")]


def _conditional(kind: str | None) -> bool:
    return kind is not None and kind.startswith(("STOP", "TAKE_PROFIT", "TRAILING"))
