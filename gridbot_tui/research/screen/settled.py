"""A compiled run as an ``Outcome``: what it filled, in the books of the simulated exchange and of the ledger.

The compiled run says what was filled when, at which price and of which order. What that came to is reckoned here as in
any other run: the exchange's own account realises and charges, the ledger books what it is told, equity is taken at the
marks of every hour. So the figures are those of the engine's run, not merely near them.
"""

from decimal import Decimal

import numpy as np

from gridbot_tui.engine.actions import CashFact, FillFact
from gridbot_tui.engine.events import CashKind, Fill
from gridbot_tui.exchange.simulated.accounts import cut
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.liquidation import LIQUIDATION
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.exchange.simulated.wire import cash_of
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.research.outcome import Left, Outcome, counted
from gridbot_tui.research.screen.screening import Floats, Screen, Screened
from gridbot_tui.research.screen.state import (
    CASH_NOTE,
    FILL_NOTE,
    HOUR_CLOSE,
    HOUR_MARK,
    HOUR_NOTED,
    HOUR_WEIGHT,
    NOTED_AT,
)
from gridbot_tui.research.tape import Record, TierChange
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import ZERO, Money, Ms, Side

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
    books = _Books(screen, settings, screen.tape.start if start is None else start)
    return counted(name, books.left(made), screen.prepared, screen.prepared.engine_config(settings).risk.tier3_enter)


class _Books:
    """The exchange's and the ledger's books of one run."""

    def __init__(self, screen: Screen, settings: Settings, start: Ms) -> None:
        prepared = screen.prepared
        config = prepared.engine_config(settings)
        account = prepared.account(config, settings)
        self._tape, self._start = screen.tape, start
        (self._symbol,) = prepared.market.symbols
        self._instrument = prepared.market.instruments[self._symbol]
        self._exchange = Exchange(prepared.market.instruments, account)
        self._venue = self._exchange.venues[self._symbol]
        self._orders = {side: _order(self._symbol, side) for side in Side}
        self._ledger = Ledger(config.market, config.quote, prepared.market.instruments)
        self._ledger.start(start, dict(account.balances), config.capital)
        self._record = Record(prepared.market.symbols)
        self._charged: Money = ZERO
        """Clearance fee of a liquidation that is still to be paid."""

    def left(self, made: Screened) -> Left:
        """Book everything in order, hour by hour."""
        notes, sums, times = made.notes.tolist(), made.sums.tolist(), self._tape.plan[:, 0]
        done, hours = 0, made.hours
        self._draw(hours)
        whole = hours[:, [HOUR_NOTED, HOUR_MARK]].astype(np.int64).tolist()
        for until, mark in whole:
            for row in range(done, until):
                self._book(notes[row], sums[row], int(times[notes[row][NOTED_AT]]))
            done = until
            self._sample(mark)
        for row in range(done, len(notes)):
            self._book(notes[row], sums[row], int(times[notes[row][NOTED_AT]]))
        if made.mark:
            self._ledger.mark(self._symbol, made.mark)
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
        what, moment, side, price, steps, maker, grid, rung, epoch, order, mark = note
        self._exchange.now = at
        if mark:
            self._ledger.mark(self._symbol, mark)
        if what == FILL_NOTE:
            self._fill(at, Side(side), price, steps, bool(maker), bool(grid), rung, epoch, order)
        elif what == CASH_NOTE:
            self._cash(at, moment, price, insured=bool(side))
        else:
            self._tier(at, side, sums, steps, mark)

    def _fill(
        self, at: Ms, side: Side, price: int, steps: int, maker: bool, grid: bool, rung: int, epoch: int, order: int
    ) -> None:
        exchange, forced = self._exchange, order < 0
        settled = exchange.account.settle(self._venue, self._orders[side], price, steps, maker)
        fill = Fill(
            at, self._symbol, LIQUIDATION if forced else str(order), str(exchange.next_trade_id), side, price, steps,
            settled.fee, settled.fee_asset, maker, settled.realised, True, LIQUIDATION if forced else "",
        )  # fmt: skip
        exchange.next_trade_id += 1
        if forced:
            self._charged = cut(abs(self._instrument.notional(price, steps)) * exchange.params.liquidation_fee)
        effect = self._ledger.fill(fill, rung=rung, epoch=epoch, grid=grid)
        assert effect is not None
        self._record.fills.append(FillFact(at, fill, effect.grid_profit, effect.cycles, rung=rung, epoch=epoch))

    def _cash(self, at: Ms, moment: int, mark: int, *, insured: bool) -> None:
        exchange, quote = self._exchange, self._instrument.quote
        before = len(exchange.history.cash)
        if not insured:
            self._venue.mark = mark
            exchange.settle_funding(FundingRate(self._symbol, at, float(self._tape.funding[moment]), 8))
        else:
            assert exchange.futures is not None
            amount = -self._charged or max(-exchange.futures.wallets[quote], ZERO)
            self._charged = ZERO
            exchange.pay(CashKind.INSURANCE, quote, amount, self._symbol, "INSURANCE_CLEAR")
        exchange.take()
        for record in exchange.history.cash[before:]:
            cash = cash_of(record)
            self._ledger.cash(cash)
            self._record.cash.append(CashFact(at, cash))

    def _tier(self, at: Ms, tier: int, sums: list[float], position: int, mark: int) -> None:
        equity = float(self._ledger.equity_quick() or 0)
        held = ((self._symbol, position, mark),) if position else ()
        peak, fills = sums[1] * float(self._ledger.allotted), len(self._record.fills)
        self._record.tiers.append(TierChange(at, tier, equity, self._leverage(mark, equity), peak, held, fills))

    def _draw(self, hours: Floats) -> None:
        """What of the curve needs no books."""
        curve = self._record.curve
        curve.at.frombytes(self._tape.sampled.tobytes())
        for column, weights in zip(curve.weights, hours[:, HOUR_WEIGHT:].T, strict=True):
            column.frombytes(weights.tobytes())
        curve.prices[self._symbol].frombytes((hours[:, HOUR_CLOSE] * self._instrument.tick_f).tobytes())

    def _sample(self, mark: int) -> None:
        """The account at the end of an hour."""
        if mark:
            self._ledger.mark(self._symbol, mark)
        curve, equity = self._record.curve, float(self._ledger.equity_quick() or 0)
        curve.equity.append(equity)
        curve.leverage.append(self._leverage(mark, equity))

    def _leverage(self, mark: int, equity: float) -> float:
        """As ``engine.watch.observed_leverage``; 0 where there is no equity."""
        position = self._ledger.position(self._symbol)
        return abs(position) * mark * self._instrument.unit_f / equity if position and equity > 0 else 0.0

    # -- at the end --------------------------------------------------------------------------------------------

    def _check(self, made: Screened) -> None:
        equity = float(self._ledger.equity_quick() or 0)
        if abs(equity - made.final) > NEAR * max(abs(equity), 1.0):
            raise Parted(f"the compiled run ended at {made.final:.8f}, its fills come to {equity:.8f}")

    def _residual(self) -> Decimal | None:
        """What the exchange's wallet has beyond the ledger's."""
        account, quote = self._exchange, self._instrument.quote
        wallet = next((one.wallet for one in account.account.balances() if one.asset == quote), ZERO)
        return wallet - self._ledger.account.wallet(quote)


def _order(symbol: str, side: Side) -> Order:
    """All that an account looks at in an order that fills."""
    return Order(
        exchange_id=0, symbol=symbol, client_id="", side=side, kind=OrderKind.LIMIT, steps=0, price=None, trigger=None,
        post_only=True, reduce_only=False, close_position=False, manual=False, created_at=0, updated_at=0,
    )  # fmt: skip
