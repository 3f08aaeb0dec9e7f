"""The portfolio's books as one: lots, account and capital, each event booked once, equity at every mark."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from gridbot_tui.ledger.account import AccountBook
from gridbot_tui.ledger.book_state import kept
from gridbot_tui.ledger.capital import Capital, CapitalState
from gridbot_tui.ledger.exact import product, quantised, quotient
from gridbot_tui.ledger.lost import lost, of_others, without, worth
from gridbot_tui.ledger.lots import LotBook
from gridbot_tui.ledger.model import CashLike, FillEffect, FillLike, Found, LedgerError, UnknownSymbolError
from gridbot_tui.ledger.pnl import Flows, Pnl, over_books, summed
from gridbot_tui.ledger.seen import Seen
from gridbot_tui.ledger.state import LedgerState
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Asset, Market, Money, Ms, Side, Steps, Symbol, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_SPOT = Market.SPOT

_SCALE = 16
"""Open value is summed as an int of 1e-16 quote: no tick x step is finer (both have at most 8 decimals)."""
_PIECE = Decimal(1).scaleb(-_SCALE)


class Ledger:
    """All books of one profile.

    Equity is the allotted capital plus the change of the quote wallet plus what open positions are worth
    beyond what they cost, less fees paid from other wallets. Base bought by us is in it, base and other
    assets that were there before are not, nor is quote beside the capital and what another hand buys with it on spot;
    what leaves a wallet is theirs first, and ours where they are used up.

    Not thread-safe; every method is synchronous and exact. Money is in quote unless an asset is named.
    """

    __slots__ = (
        "_allotted",
        "_books",
        "_carried",
        "_cash",
        "_cash_part",
        "_equity",
        "_flows",
        "_open",
        "_owed",
        "_prices",
        "_scales",
        "_trades",
        "_unmarked",
        "_unvalued",
        "_worth",
        "account",
        "capital",
        "last_cash_at",
        "market",
        "quote",
        "started_at",
    )

    def __init__(self, market: Market, quote: Asset, instruments: Mapping[Symbol, Instrument]) -> None:
        self.market = market
        self.quote = quote
        self.account = AccountBook(quote)
        self.capital = Capital()
        self.started_at: Ms | None = None
        """When ``start`` was called; None before."""
        self.last_cash_at: Ms | None = None
        """Time of the latest cash booked, where to ask for more; None = none yet."""
        self._books: dict[Symbol, LotBook] = {}
        self._scales: dict[Symbol, int] = {}
        self._trades: dict[Symbol, Seen] = {}
        self._cash = Seen(rising=False)
        self._flows = Flows()
        self._unvalued: dict[Symbol, dict[Asset, Money]] = {}
        self._prices: dict[Asset, Decimal] = {}
        self._allotted = ZERO
        self._owed = ZERO
        self._cash_part = ZERO
        self._carried = ZERO
        self._open = 0
        self._worth: tuple[int, Money | None] = 0, None
        """(open value, cash part) of ``_equity``, the last answer: asked for many times between two marks."""
        self._equity = ZERO
        self._unmarked = 0
        for instrument in instruments.values():
            self.add_instrument(instrument)

    def add_instrument(self, instrument: Instrument) -> None:
        """Keep a book for one more symbol; one that has a book already stays as it is."""
        if instrument.market is not self.market or instrument.quote != self.quote:
            raise LedgerError(f"{instrument.symbol} is no {self.market.value} symbol quoted in {self.quote}")
        if instrument.symbol not in self._books:
            self._add(LotBook(instrument), Seen(rising=True))

    def _add(self, book: LotBook, trades: Seen) -> None:
        symbol, unit = book.instrument.symbol, book.instrument.unit
        scale = int(unit.scaleb(_SCALE))
        if scale * _PIECE != unit:
            raise LedgerError(f"{symbol}: tick x step {unit} is finer than 1e-{_SCALE} {self.quote}")
        self._books[symbol] = book
        self._scales[symbol] = scale
        self._trades[symbol] = trades
        self._put(book)

    def start(self, at: Ms, balances: Mapping[Asset, Money], capital: Money | None = None) -> None:
        """Begin with these wallets and ``capital`` of the quote wallet allotted (None: all of it)."""
        if any(book.holds or book.tally.fees or book.tally.gross for book in self._books.values()):
            raise LedgerError("a ledger that has booked fills can't be started again")
        self.started_at = at
        self.account.start(balances, at)
        self._allotted = self.account.wallet(self.quote) if capital is None else capital
        self.capital.start(at, self._allotted)
        self._refresh()

    # -- what it holds ----------------------------------------------------------------------------------

    @property
    def books(self) -> Mapping[Symbol, LotBook]:
        """The lot book of every symbol. Read only."""
        return self._books

    def book(self, symbol: Symbol) -> LotBook:
        """The lot book of one symbol.

        Raises:
            UnknownSymbolError: It has none here.
        """
        book = self._books.get(symbol)
        if book is None:
            raise UnknownSymbolError(symbol)
        return book

    def position(self, symbol: Symbol) -> Steps:
        """Signed position of one symbol, external lots included."""
        book = self._books.get(symbol)
        return self.book(symbol).position if book is None else book.position

    def closable(self, symbol: Symbol) -> Steps:
        """Signed steps of ours that an order can close; see ``LotBook.closable``."""
        return self.book(symbol).closable

    def dust(self) -> dict[Symbol, Decimal]:
        """Base of ours that no order can close, where there is any; signed."""
        return {symbol: left for symbol, book in self._books.items() if (left := book.remainder)}

    @property
    def started(self) -> bool:
        """True once there is a balance to count from."""
        return self.started_at is not None

    @property
    def allotted(self) -> Money:
        """Capital at the start."""
        return self._allotted

    @property
    def owes(self) -> bool:
        """True while a transfer waits for equity to be known."""
        return bool(self._owed)

    @property
    def wallet(self) -> Money:
        """Balance of the quote wallet by the account book."""
        return self.account.wallet(self.quote)

    def has(self, symbol: Symbol, trade_id: str) -> bool:
        """Whether a trade is booked."""
        return symbol in self._trades and trade_id in self._trades[symbol]

    def last_trade_id(self, symbol: Symbol) -> str:
        """The highest trade id booked, where to ask for more; "" = none yet."""
        return self._trades[symbol].last

    # -- what happens to it -----------------------------------------------------------------------------

    def fill(
        self, fill: FillLike, *, rung: int = 0, epoch: int = 0, grid: bool = True, level: int | None = None
    ) -> FillEffect | None:
        """Book one fill once; None for a duplicate. For ``grid`` and ``level`` see ``LotBook.apply``.

        What another hand sells of base that is in no book here is capital brought in, net of its fee; where there is
        quote beside the capital, it comes to that, and what another hand buys is paid out of it.

        Raises:
            UnknownSymbolError: No book for the symbol; nothing was booked.
            LedgerError: The fill is impossible; nothing was booked.
        """
        book = self.book(fill.symbol)
        if fill.steps <= 0 or fill.price <= 0:
            raise LedgerError(f"{fill.symbol}: fill {fill.trade_id} of {fill.steps} steps at {fill.price}")
        if not self._trades[fill.symbol].add(fill.trade_id):
            return None
        equity_before = self.equity_quick()
        theirs = of_others(book, fill, self.account.wallet(book.instrument.base), self.beside)
        self.account.fill(fill, book.instrument)
        paid = fill.fee
        if theirs:
            whole, fill = worth(fill, book.instrument), without(fill, theirs)
            brought = (worth(fill, book.instrument) - whole) * fill.side
            brought -= paid - fill.fee if fill.fee_asset == self.quote else ZERO
            if self.account.sums(self.quote).start > self._allotted:
                moved = self._moved()
                self._flows.beside -= brought
                brought = self._moved() - moved
            if brought:
                self._transfer(fill.at, brought, equity_before)
            equity_before = None if equity_before is None else equity_before + brought
        fee = self._fee_value(fill, book.instrument)
        self._lift(book)
        effect = book.apply(fill, rung=rung, epoch=epoch, grid=grid, fee_quote=fee, level=level)
        self._book_outside_fee(fill, book.instrument, fee, effect.foreign_fee)
        self._put(book)
        self._refresh()
        if effect.excess:
            self._transfer(fill.at, book.instrument.notional(fill.price, effect.excess), equity_before)
        if paid > 0 and fill.fee_asset not in (self.quote, book.instrument.base):
            gone = self._lose(fill.fee_asset, paid, None if not fee else quotient(fee, fill.fee))
            if gone is not None:
                self._flows.outside_fees -= gone[1]
                self._refresh()
                effect = replace(effect, also=gone[0])
        return effect

    def cash(self, cash: CashLike) -> bool:
        """Book funding, a transfer and the like once; False for a duplicate."""
        if not self._cash.add(cash.cash_id):
            return False
        self.last_cash_at = max(cash.at, self.last_cash_at or cash.at)
        equity_before, moved = self.equity_quick(), self._moved()
        self.account.cash(cash)
        if cash.asset != self.quote:
            # No part of equity, the account book has it; but for base of ours that went with it.
            gone = self._lose(cash.asset, -cash.amount)
            if gone is not None:
                self._transfer(cash.at, -gone[1], equity_before)
            return True
        kind, amount = cash.cash_kind, cash.amount
        if kind == "funding":
            book = self._books.get(cash.symbol)
            if book is None:
                self._flows.funding += amount
            else:
                book.receive_funding(amount)
        elif kind == "insurance":
            self._flows.insurance += amount
        elif kind != "transfer":
            self._flows.other += amount
        self._refresh()
        if kind == "transfer":
            self._transfer(cash.at, self._moved() - moved, equity_before)
        return True

    def of_capital(self, transfers: Money) -> Money:
        """What deposits less withdrawals of so much have changed of the capital.

        The quote wallet may hold money beside it, which is no business of the bot's: withdrawals take what deposits
        have brought, then that, and the capital last; deposits make it good in the opposite order.
        """
        beside = self.account.sums(self.quote).start - self._allotted - self._flows.beside
        return transfers if transfers >= 0 or beside <= 0 else min(ZERO, transfers + beside)

    @property
    def beside(self) -> Money:
        """Quote in the wallet beside the capital: what is bought with it on spot by another hand is not ours."""
        sums = self.account.sums(self.quote)
        return max(ZERO, sums.start - self._allotted - self._flows.beside + min(ZERO, sums.transfers))

    def _moved(self) -> Money:
        return self.of_capital(self.account.sums(self.quote).transfers)

    def adopt(self, at: Ms, symbol: Symbol, steps: Steps, price: Ticks) -> int:
        """Spot: make base that was there before ours, as capital brought in at ``price``; the lot's id."""
        if self.market is not _SPOT or steps <= 0 or price <= 0:
            raise LedgerError(f"{symbol}: can't adopt {steps} steps at {price} ({self.market.value})")
        book = self.book(symbol)
        equity_before = self.equity_quick()
        self._lift(book)
        number = book.adopt(at, steps, price)
        self._put(book)
        self._refresh()
        self._transfer(at, book.instrument.notional(price, steps), equity_before)
        return number

    def hold(self, at: Ms, symbol: Symbol, steps: Steps, price: Ticks, cost: Money) -> None:
        """Futures: signed steps that were there before the first start become an external lot at their mark ``price``.

        ``cost`` is what the exchange's entry price makes of the whole position. What it had gained until now came into
        equity with it, as capital brought in, and is no result.
        """
        if self.market is _SPOT or not steps or price <= 0:
            raise LedgerError(f"{symbol}: can't hold {steps} steps at {price} ({self.market.value})")
        book = self.book(symbol)
        self.mark(symbol, price)
        brought = book.instrument.notional(price, steps) + book.carry.cost - cost
        side = Side.BUY if steps > 0 else Side.SELL
        found = Found(at, symbol, side, price, abs(steps), -brought, self.quote)
        equity_before = self.equity_quick()
        self._lift(book)
        book.apply(found, rung=0, epoch=0, grid=False, fee_quote=ZERO)
        self._put(book)
        self._refresh()
        self._transfer(at, brought, equity_before)

    def set_asset_price(self, asset: Asset, price: Decimal) -> None:
        """The price of a fee asset in quote; fees that waited for one are valued now."""
        if price <= 0:
            raise LedgerError(f"{asset}: a price of {price}")
        self._prices[asset] = price
        if not self._unvalued:
            return
        for symbol, waiting in list(self._unvalued.items()):
            amount = waiting.pop(asset, None)
            if amount is not None:
                value = quantised(amount * price)
                self._books[symbol].charge(value)
                self._flows.outside_fees += value
            if not waiting:
                del self._unvalued[symbol]
        self._refresh()

    def fee_assets(self) -> frozenset[Asset]:
        """Assets that fees were paid in and that are neither the quote nor any symbol's base."""
        told = {self.quote, *(book.instrument.base for book in self._books.values())}
        return frozenset(asset for asset in self.account if self.account.sums(asset).fees) - told

    def unvalued_fees(self) -> dict[Asset, Money]:
        """Fees in assets that have no known price, in that asset: their value is unknown, not zero."""
        found: dict[Asset, Money] = {}
        for waiting in self._unvalued.values():
            for asset, amount in waiting.items():
                found[asset] = found.get(asset, ZERO) + amount
        return found

    # -- what it is worth -------------------------------------------------------------------------------

    def mark(self, symbol: Symbol, price: Ticks) -> None:
        """The mark price of one symbol. Every bar of every symbol comes through here."""
        book = self._books[symbol]
        old = book.mark
        if old == price:
            return
        book.mark = price
        position = book.position
        if old is None:
            self._unmarked -= book.holds
            self._open += self._scales[symbol] * position * price
        elif position:
            self._open += self._scales[symbol] * position * (price - old)

    def equity_quick(self) -> Money | None:
        """Equity at the marks given to ``mark``; None while a held symbol has none."""
        if self._unmarked:
            return None
        if self.market is not _SPOT:
            if self._open != self._worth[0] or self._cash_part is not self._worth[1]:
                self._worth, self._equity = (self._open, self._cash_part), self._cash_part + _PIECE * self._open
            return self._equity
        equity = self._cash_part + _PIECE * self._open
        for book in self._books.values():
            if book.dust.quantity and book.mark is not None:
                equity += book.dust.value(book.mark)
        return equity

    def equity(self, marks: Mapping[Symbol, Ticks] | None = None) -> Money | None:
        """Equity at these marks (none given: the last ones); None while a held symbol has none."""
        if marks is None:
            return self.equity_quick()
        equity = self._cash_part
        for symbol, book in self._books.items():
            if book.holds:
                mark = marks.get(symbol)
                if mark is None:
                    return None
                equity += book.quantity * book.instrument.price(mark)
        return equity

    def unrealised(self, marks: Mapping[Symbol, Ticks] | None = None) -> Money | None:
        """Open profit, so that on futures wallet + unrealised = equity; None as for ``equity``."""
        return over_books(self._books, marks, LotBook.unrealised)

    def fund(self) -> tuple[CapitalState, Money]:
        """The capital, and what came or went while equity was unknown."""
        return self.capital.state(), self._owed

    def recall_fund(self, fund: CapitalState, owed: Money) -> None:
        """What ``fund`` said in another life: a replay knows other prices than the life had."""
        self.capital, self._owed = Capital(fund), owed

    def sample(self, at: Ms) -> float | None:
        """Mark the capital at the last marks; drawdown <= 0, None while equity is unknown."""
        return self.capital.drawdown if self.take(at) else None

    def take(self, at: Ms) -> bool:
        """Mark the capital at the last marks; False while equity is unknown."""
        equity = self.equity_quick()
        if equity is None:
            return False
        if self._owed:
            amount, self._owed = self._owed, ZERO
            self.capital.transfer(at, amount, equity - amount)
        self.capital.take(at, equity)
        return True

    def pnl(self, marks: Mapping[Symbol, Ticks] | None = None) -> Pnl:
        """Where the money came from since the start; its parts sum to the change of equity exactly."""
        return summed(self._books, self._flows, marks, self.unvalued_fees())

    # -- to and from the store --------------------------------------------------------------------------

    def state(self) -> LedgerState:
        """Everything it is; shares nothing with it that will change."""
        return LedgerState(
            allotted=self._allotted,
            account=self.account.state(),
            capital=self.capital.state(),
            books={symbol: book.state() for symbol, book in self._books.items()},
            trades={symbol: seen.state() for symbol, seen in self._trades.items()},
            cash=self._cash.state(),
            flows=replace(self._flows),
            unvalued={symbol: dict(waiting) for symbol, waiting in self._unvalued.items()},
            prices=dict(self._prices),
            owed=self._owed,
            started_at=self.started_at,
            last_cash_at=self.last_cash_at,
        )

    @classmethod
    def restore(
        cls, market: Market, quote: Asset, instruments: Mapping[Symbol, Instrument], state: LedgerState
    ) -> "Ledger":
        """The ledger that ``state`` was taken of. A symbol that is not traded any more keeps its book.

        Raises:
            LedgerError: A lot does not fit an instrument whose tick or step the exchange has changed.
        """
        ledger = cls(market, quote, instruments)
        ledger.load(state)
        return ledger

    def load(self, state: LedgerState) -> None:
        """Become what ``state`` was taken of, in the instruments given here. Raises as ``restore``."""
        known = {symbol: book.instrument for symbol, book in self._books.items()}
        loaded = [
            LotBook(known[symbol] if symbol in known else kept(book, symbol), book)
            for symbol, book in state.books.items()
        ]
        self.account = AccountBook(self.quote, state.account)
        self.capital = Capital(state.capital)
        self.started_at, self.last_cash_at = state.started_at, state.last_cash_at
        self._allotted, self._owed = state.allotted, state.owed
        self._cash = Seen(rising=False, state=state.cash)
        self._flows = replace(state.flows)
        self._unvalued = {symbol: dict(waiting) for symbol, waiting in state.unvalued.items()}
        self._prices = dict(state.prices)
        self._books, self._scales, self._trades = {}, {}, {}
        self._open, self._unmarked, self._carried = 0, 0, ZERO
        for book in loaded:
            symbol = book.instrument.symbol
            self._add(book, Seen(rising=True, state=state.trades[symbol]))
        for instrument in known.values():
            self.add_instrument(instrument)
        self._refresh()

    # -- how ----------------------------------------------------------------------------------------------

    def _lift(self, book: LotBook) -> None:
        """Take a book out of the running sums, before it changes."""
        self._carried -= book.carry.cost
        if book.mark is None:
            self._unmarked -= book.holds
        else:
            self._open -= self._scales[book.instrument.symbol] * book.position * book.mark

    def _put(self, book: LotBook) -> None:
        """Put it back, as it is now."""
        self._carried += book.carry.cost
        if book.mark is None:
            self._unmarked += book.holds
        else:
            self._open += self._scales[book.instrument.symbol] * book.position * book.mark

    def _refresh(self) -> None:
        """The part of equity that no mark moves."""
        sums = self.account.sums(self.quote)
        paid = self._carried + self._flows.outside_fees - self._flows.beside
        if sums.transfers < 0:
            paid += sums.transfers - self.of_capital(sums.transfers)  # it was beside the capital
        self._cash_part = self._allotted + (sums.wallet - sums.start) - paid

    def _fee_value(self, fill: FillLike, instrument: Instrument) -> Money | None:
        """The fee in quote; None while its asset has no price."""
        if not fill.fee or fill.fee_asset == self.quote:
            return fill.fee
        if fill.fee_asset == instrument.base:
            return fill.fee * instrument.price(fill.price)
        price = self._prices.get(fill.fee_asset)
        return None if price is None else quantised(fill.fee * price)

    def _book_outside_fee(
        self, fill: FillLike, instrument: Instrument, fee: Money | None, foreign: Money
    ) -> None:
        """A fee that was not paid from what is in equity comes off it at its value."""
        if fee is None:
            waiting = self._unvalued.setdefault(fill.symbol, {})
            waiting[fill.fee_asset] = waiting.get(fill.fee_asset, ZERO) + fill.fee
        elif fill.fee_asset == self.quote:
            return
        elif self.market is _SPOT and fill.fee_asset == instrument.base:
            self._flows.outside_fees += foreign
        else:
            self._flows.outside_fees += fee

    def _lose(self, asset: Asset, left: Money, price: Decimal | None = None) -> tuple[Symbol, Money] | None:
        """Take out of our base what went with ``left`` of an asset; the symbol, and its worth at ``price`` (None:
        the mark)."""
        found = lost(self._books.values(), asset, self.account.wallet(asset), left) if self.market is _SPOT else None
        if found is None:
            return None
        book, missing = found
        if price is None:
            price = self._prices.get(asset, ZERO) if book.mark is None else book.instrument.price(book.mark)
        worth = quantised(product(missing, price))
        self._lift(book)
        book.lose(missing, worth)
        self._put(book)
        return book.instrument.symbol, worth

    def _transfer(self, at: Ms, amount: Money, equity_before: Money | None) -> None:
        """Capital came or went; into the units at once, or at the next sample where equity is unknown."""
        self._flows.transfers += amount
        if equity_before is None or self._owed:
            self._owed += amount
        else:
            self.capital.transfer(at, amount, equity_before)
