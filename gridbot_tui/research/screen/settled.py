"""A compiled run as an ``Outcome``: what it filled, in the books of the simulated exchange and of the ledger.

The compiled run says what was filled when, at which price and of which order. What that came to is reckoned here as in
any other run: the exchange's own account realises and charges, the ledger books what it is told, equity is taken at the
marks of every hour. So the figures are those of the engine's run, not merely near them.
"""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from gridbot_tui.engine.actions import CashFact, FillFact
from gridbot_tui.engine.events import CashKind, Fill
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.liquidation import LIQUIDATION
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.exchange.simulated.wire import cash_of
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.research.outcome import Left, Outcome, counted
from gridbot_tui.research.screen.bars import CLOSE, MARK
from gridbot_tui.research.screen.screening import Floats, Integers, Screen, Screened
from gridbot_tui.research.screen.state import (
    CASH_NOTE,
    FILL_NOTE,
    HOUR_NOTED,
    HOUR_WEIGHT,
    NOTED_AT,
)
from gridbot_tui.research.screen.tape import Tape
from gridbot_tui.research.tape import Record, TierChange
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import ZERO, Money, Ms, Side, Symbol, cut

NEAR = 1e-6
"""Of the equity, how far the compiled run's own reckoning in floats may be from the books."""


class Parted(Exception):
    """The compiled run and the books of its fills do not tell the same: it is not to be believed."""


def outcome(
    name: str,
    screen: Screen,
    settings: Settings | None = None,
    weights: tuple[float, float, float] | None = None,
    start: Ms | None = None,
) -> Outcome:
    """Play a set compiled and count it up as ``outcome_of`` does a run of the engine.

    What held orders back, hour by hour, is not known afterwards: ``reasons`` and ``codes`` stay empty.

    Args:
        name: of the run.
        screen: the market.
        settings: others than the prepared ones.
        weights: fixed weights instead of learned ones, (up, down, neutral).
        start: when the run begins, where that is before the market's first bar.

    Raises:
        Parted: the run must be played by the engine.
    """
    settings = settings or screen.prepared.settings
    made = screen.run(settings, weights=weights)
    if made.noted > len(made.notes):
        raise Parted(f"{made.noted} fills are more than can be written down")
    if made.counts["near_most"]:
        raise Parted("a position comes near to what the margin brackets allow")
    books = _Books(screen, settings, screen.tape.start if start is None else start)
    return counted(name, books.left(made), screen.prepared, screen.prepared.engine_config(settings))


class _Books:
    """The exchange's and the ledger's books of one run."""

    def __init__(self, screen: Screen, settings: Settings, start: Ms) -> None:
        prepared = screen.prepared
        config = prepared.engine_config(settings)
        account = prepared.account(config, settings)
        self._tape, self._start = screen.tape, start
        self._symbols, self._instruments = screen.symbols, prepared.market.instruments
        self._quote = config.quote
        self._exchange = Exchange(prepared.market.instruments, account)
        self._orders = {(symbol, side): _order(symbol, side) for symbol in screen.symbols for side in Side}
        self._ledger = Ledger(config.market, config.quote, prepared.market.instruments)
        self._ledger.start(start, dict(account.balances), config.capital)
        self._record = Record(prepared.market.symbols)
        self._plain = {name for name in screen.symbols if config.ladder_of(name).kind != "adaptive"}
        """Whose fills close the lots of their own level."""
        self._charged: dict[Symbol, Money] = {}
        """Clearance fees of a liquidation that are still to be paid."""

    def left(self, made: Screened) -> Left:
        """Book everything in order, hour by hour."""
        notes, sums, times = made.notes.tolist(), made.sums.tolist(), self._tape.times
        done, marks = 0, self._draw(made.hours)
        for until, mark in zip(made.hours[:, HOUR_NOTED].astype(np.int64).tolist(), marks.tolist(), strict=True):
            for row in range(done, until):
                self._book(notes[row], sums[row], int(times[notes[row][NOTED_AT]]))
            done = until
            self._sample(mark)
        for row in range(done, len(notes)):
            self._book(notes[row], sums[row], int(times[notes[row][NOTED_AT]]))
        self._mark(made.marks)
        self._check(made)
        return Left(
            record=self._record,
            ledger=self._ledger,
            start=self._start,
            end=int(times[-1]),
            fall=-made.fall,
            worst=made.worst,
            observed=made.held,
            liquidations=made.counts["liquidations"],
            shadows=made.shadows,
            residual=self._residual(),
        )

    # -- one thing after the other ---------------------------------------------------------------------------

    def _book(self, note: list[int], sums: list[float], at: Ms) -> None:
        what, moment, side, price, steps, maker, grid, rung, epoch, order, mark, place = note
        self._exchange.now = at
        if what not in (FILL_NOTE, CASH_NOTE):
            self._tier(at, side, sums)
            return
        symbol = self._symbols[place]
        if mark:
            self._ledger.mark(symbol, mark)
        if what == FILL_NOTE:
            self._fill(at, symbol, Side(side), price, steps, bool(maker), bool(grid), rung, epoch, order)
        else:
            self._cash(at, place, moment, price, insured=bool(side))

    def _fill(
        self, at: Ms, symbol: Symbol, side: Side, price: int, steps: int, maker: bool, grid: bool, rung: int,
        epoch: int, order: int,
    ) -> None:  # fmt: skip
        exchange, forced = self._exchange, order < 0
        settled = exchange.account.settle(exchange.venues[symbol], self._orders[symbol, side], price, steps, maker)
        fill = Fill(
            at, symbol, LIQUIDATION if forced else str(order), str(exchange.next_trade_id), side, price, steps,
            settled.fee, settled.fee_asset, maker, settled.realised, True, LIQUIDATION if forced else "",
        )  # fmt: skip
        exchange.next_trade_id += 1
        if forced:
            value = abs(self._instruments[symbol].notional(price, steps))
            self._charged[symbol] = cut(value * exchange.params.liquidation_fee)
        level = rung if grid and symbol in self._plain else None
        effect = self._ledger.fill(fill, rung=rung, epoch=epoch, grid=grid, level=level)
        assert effect is not None
        self._record.fills.append(FillFact(at, fill, effect.grid_profit, effect.cycles, rung=rung, epoch=epoch))

    def _cash(self, at: Ms, place: int, moment: int, mark: int, *, insured: bool) -> None:
        exchange, quote, symbol, tape = self._exchange, self._quote, self._symbols[place], self._tape
        before = len(exchange.history.cash)
        if not insured:
            exchange.venues[symbol].mark = mark
            rate = float(tape.funding[moment]) if isinstance(tape, Tape) else tape.rate(place, at)
            exchange.settle_funding(FundingRate(symbol, at, rate, 8))
        else:
            assert exchange.futures is not None
            amount = -self._charged.pop(symbol, ZERO) or max(-exchange.futures.wallets[quote], ZERO)
            exchange.pay(CashKind.INSURANCE, quote, amount, symbol, "INSURANCE_CLEAR")
        exchange.take()
        for record in exchange.history.cash[before:]:
            cash = cash_of(record)
            self._ledger.cash(cash)
            self._record.cash.append(CashFact(at, cash))

    def _tier(self, at: Ms, tier: int, sums: list[float]) -> None:
        marks = self._marks_at(np.array([at]))[0].tolist()
        self._mark(marks)
        equity = float(self._ledger.equity_quick() or 0)
        positions = [(symbol, self._ledger.position(symbol)) for symbol in self._symbols]
        held = tuple((symbol, steps, mark) for (symbol, steps), mark in zip(positions, marks, strict=True) if steps)
        peak, fills = sums[1] * float(self._ledger.allotted), len(self._record.fills)
        self._record.tiers.append(TierChange(at, tier, equity, self._leverage(marks, equity), peak, held, fills))

    def _draw(self, hours: Floats) -> Integers:
        """What of the curve needs no books; the marks of every hour."""
        curve, tape = self._record.curve, self._tape
        curve.at.frombytes(tape.sampled.tobytes())
        for column, weights in zip(curve.weights, hours[:, HOUR_WEIGHT:].T, strict=True):
            column.frombytes(weights.tobytes())
        for place, symbol in enumerate(self._symbols):
            closes = self._column(place, tape.sampled, CLOSE) * self._instruments[symbol].tick_f
            curve.prices[symbol].frombytes(closes.tobytes())
        return self._marks_at(tape.sampled)

    def _marks_at(self, times: Integers) -> Integers:
        """The last mark of each symbol at each of these times; 0 before its first."""
        return np.column_stack([self._column(place, times, MARK) for place in range(len(self._symbols))])

    def _column(self, place: int, times: Integers, column: int) -> Integers:
        rows = self._tape.last_rows(place, times)
        values: Integers = np.where(rows < 0, 0, self._tape.bars[rows, column])
        return values

    def _mark(self, marks: Iterable[int]) -> None:
        for symbol, mark in zip(self._symbols, marks, strict=True):
            if mark:
                self._ledger.mark(symbol, mark)

    def _sample(self, marks: list[int]) -> None:
        """The account at the end of an hour."""
        self._mark(marks)
        curve, equity = self._record.curve, float(self._ledger.equity_quick() or 0)
        curve.equity.append(equity)
        curve.leverage.append(self._leverage(marks, equity))

    def _leverage(self, marks: list[int], equity: float) -> float:
        """As ``engine.watch.observed_leverage``; 0 where there is no equity."""
        if equity <= 0:
            return 0.0
        held = 0.0
        for symbol, mark in zip(self._symbols, marks, strict=True):
            position = self._ledger.position(symbol)
            if position:
                held += abs(position) * mark * self._instruments[symbol].unit_f
        return held / equity

    # -- at the end --------------------------------------------------------------------------------------------

    def _check(self, made: Screened) -> None:
        equity = float(self._ledger.equity_quick() or 0)
        if abs(equity - made.final) > NEAR * max(abs(equity), 1.0):
            raise Parted(f"the compiled run ended at {made.final:.8f}, its fills come to {equity:.8f}")

    def _residual(self) -> Decimal | None:
        """What the exchange's wallet has beyond the ledger's."""
        account, quote = self._exchange, self._quote
        wallet = next((one.wallet for one in account.account.balances() if one.asset == quote), ZERO)
        return wallet - self._ledger.account.wallet(quote)


def _order(symbol: str, side: Side) -> Order:
    """All that an account looks at in an order that fills."""
    return Order(
        exchange_id=0, symbol=symbol, client_id="", side=side, kind=OrderKind.LIMIT, steps=0, price=None, trigger=None,
        post_only=True, reduce_only=False, close_position=False, manual=False, created_at=0, updated_at=0,
    )  # fmt: skip
