"""The lot book of one symbol: what each fill opened and closed, and what it earned."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from gridbot_tui.ledger.book_state import LotBookState
from gridbot_tui.ledger.buckets import Buckets
from gridbot_tui.ledger.carry import Carry
from gridbot_tui.ledger.closing import Closing
from gridbot_tui.ledger.dust import Dust
from gridbot_tui.ledger.exact import quotient
from gridbot_tui.ledger.model import BEFORE, FillEffect, FillLike, LedgerError, Lot
from gridbot_tui.ledger.shelf import Shelf
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Market, Money, Ms, Side, Steps, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_FUTURES = Market.FUTURES
_BUY, _SELL = Side.BUY, Side.SELL
_HIGHEST: Final[Ticks] = 1 << 62


class LotBook:
    """Lots of one symbol. They add up to ``position``; long and short ones never coexist.

    A fill closes lots of the other side and opens one with the rest. Which lot goes first: those of the
    level the caller names, then lots of the same hand (ours for our fills, external ones for foreign
    fills), of those the one ``Shelf.nearest`` finds.

    Read ``position``, ``mark``, ``tally``, ``carry``, ``dust`` and ``buckets`` freely; only this room
    writes them.
    """

    __slots__ = (
        "_cost",
        "_external",
        "_next",
        "_own",
        "buckets",
        "carry",
        "dust",
        "instrument",
        "mark",
        "position",
        "tally",
    )

    def __init__(self, instrument: Instrument, state: LotBookState | None = None) -> None:
        state = state.on(instrument) if state else LotBookState()
        self.instrument = instrument
        self._own = Shelf()
        self._external = Shelf()
        self._next = state.next_id
        self._cost = 0
        """Signed ticks x steps at the prices of the lots."""
        self.position: Steps = 0
        self.mark: Ticks | None = state.mark
        self.tally = state.tally_copy()
        self.buckets = Buckets(state.bucket_width, state.buckets)
        self.carry = Carry(state.carry)
        self.dust = Dust(instrument, state.dust)
        for lot in state.lots:
            self._put(lot)

    # -- what it holds ----------------------------------------------------------------------------------

    @property
    def lots(self) -> tuple[Lot, ...]:
        """Every lot, descending by price (as a ladder is shown), external ones among them."""
        return tuple(sorted(self, key=lambda lot: (-lot.price, lot.id)))

    def __iter__(self) -> Iterator[Lot]:
        """Our lots ascending by price, then the external ones."""
        yield from self._own
        yield from self._external

    def lot(self, number: int) -> Lot | None:
        """The lot of that id, while any of it is left."""
        return self._own.get(number) or self._external.get(number)

    @property
    def own_position(self) -> Steps:
        """The part of the position that is in lots of ours, signed."""
        return self._own.position

    @property
    def external_position(self) -> Steps:
        """The part of the position that another hand made, signed."""
        return self.position - self.own_position

    @property
    def of_before(self) -> bool:
        """True while something is left of a position that was there before the first start."""
        return any(lot.client_id == BEFORE for lot in self._external)

    @property
    def closable(self) -> Steps:
        """Steps of ours, signed, that an order can close: 0 where they are under the exchange's minimum.

        The minimum notional counts on spot only (a reduce-only order is exempt), and not while the price
        is unknown: better one refused order than a position that nobody closes.
        """
        steps, instrument = self.own_position, self.instrument
        if abs(steps) < instrument.min_steps:
            return 0
        if self._futures or self.mark is None:
            return steps
        return steps if abs(instrument.notional(self.mark, steps)) >= instrument.min_notional else 0

    @property
    def remainder(self) -> Decimal:
        """Base of ours that no order can close: dust, and lots under the minimum; signed."""
        return self.dust.quantity + self.instrument.quantity(self.own_position - self.closable)

    @property
    def holds(self) -> bool:
        """True while there is anything to value."""
        return self.position != 0 or self.dust.quantity != 0

    @property
    def quantity(self) -> Decimal:
        """All base that is ours, dust included, signed."""
        return self.instrument.quantity(self.position) + self.dust.quantity

    # -- counters ---------------------------------------------------------------------------------------

    @property
    def fills(self) -> int:
        """Executions of orders of ours."""
        return self.tally.fills

    @property
    def cycles(self) -> int:
        """Lots that a grid order closed."""
        return self.tally.cycles

    @property
    def wins(self) -> int:
        """Cycles that earned more than their fees."""
        return self.tally.wins

    @property
    def grid_profit(self) -> Money:
        """Profit of cycles, net of their fees, quote."""
        return self.tally.grid_profit

    @property
    def inventory_realised(self) -> Money:
        """Price difference of lots closed in any other way, before fees, quote."""
        return self.tally.inventory_realised

    @property
    def fees_quote(self) -> Money:
        """All fees with a known value, quote."""
        return self.tally.fees

    @property
    def funding(self) -> Money:
        """Funding received (+) or paid (-), quote."""
        return self.tally.funding

    @property
    def realised(self) -> Money:
        """Realised PnL before fees: the exchange's own figure on futures, less what a position of before the first
        start had gained by then; on spot price differences, and what the exchange's rounding has made of them."""
        return self.carry.realised if self._futures else self.tally.gross + self.carry.rounding

    # -- what it is worth -------------------------------------------------------------------------------

    @property
    def _futures(self) -> bool:
        return self.instrument.market is _FUTURES

    def lots_unrealised(self, mark: Ticks) -> Money:
        """Profit of the open lots at ``mark``, before fees, quote."""
        return self.instrument.unit * (self.position * mark - self._cost)

    def unrealised(self, mark: Ticks) -> Money:
        """What ``realised`` lacks of the position's profit: against the exchange's average entry (futures)
        or the prices of lots and dust (spot); before fees, quote."""
        if self._futures:
            return self.instrument.notional(mark, self.position) - self.carry.cost
        return self.lots_unrealised(mark) + self.dust.profit(mark)

    def inventory(self, mark: Ticks) -> Money:
        """Inventory profit: everything earned by price that is not in a cycle, quote."""
        inventory = self.tally.inventory_realised + self.lots_unrealised(mark) + self.carry.rounding
        return inventory if self._futures else inventory + self.dust.profit(mark)

    def entry_price(self) -> Decimal | None:
        """Average entry: the exchange's (futures) or that of the lots (spot); None when flat."""
        if not self.position:
            return None
        if self._futures:
            return quotient(self.carry.cost, self.instrument.quantity(self.position))
        return quotient(self._cost * self.instrument.tick, self.position)

    def break_even(self, fee_rate: Decimal = ZERO) -> Decimal | None:
        """The price at which closing all at ``fee_rate`` ends at zero since the position was last flat,
        price differences, fees and funding included; None when flat."""
        if not self.position:
            return None
        cost = self._cost * self.instrument.unit - self.tally.since_flat
        return quotient(cost, self.instrument.step * (self.position - abs(self.position) * fee_rate))

    # -- what happens to it -----------------------------------------------------------------------------

    def apply(
        self,
        fill: FillLike,
        *,
        rung: int,
        epoch: int,
        grid: bool,
        fee_quote: Money | None,
        level: int | None = None,
    ) -> FillEffect:
        """Book one fill.

        ``grid`` says that a grid order filled: only then, and not by a foreign or forced fill, is what it
        closes a cycle. ``fee_quote`` is the fee's value, None while unknown. ``level`` is that of a plain grid
        whose own lots the order was to close. Of one without steps, nothing of which was in a book here, nothing is.
        """
        before = self.position
        if not fill.steps:
            return FillEffect((), (), 0, 0, ZERO, ZERO, ZERO, ZERO, before, before)
        closing = Closing(self.instrument, fill, fee_quote, grid and fill.ours and not fill.forced)
        steps = fill.steps if self._futures else self._arrived(fill)
        closing.remaining = steps
        if before * fill.side < 0:
            self._close(fill, closing, level)
        excess = 0
        opened: tuple[int, ...] = ()
        if closing.remaining:
            if not self._futures and fill.side is _SELL:
                excess = closing.remaining
            else:
                opened = (self._open(fill, closing, rung, epoch),)
        self._book(fill, closing, before)
        foreign = ZERO if self._futures else self._clear_debt(fill.price)
        return closing.effect(opened, before, self.position, excess, foreign)

    def receive_funding(self, amount: Money) -> None:
        """Funding of this symbol, positive where received."""
        self.tally.funding += amount
        if self.position:
            self.tally.since_flat += amount

    def charge(self, fee: Money) -> None:
        """A fee whose value became known after its fill."""
        self.tally.fees += fee
        if self.position:
            self.tally.since_flat -= fee

    def adopt(self, at: Ms, steps: Steps, price: Ticks) -> int:
        """Spot: make base that was there before a lot of ours at ``price``; its id."""
        number = self._next
        self._next += 1
        self._put(Lot(number, self.instrument.symbol, _BUY, steps, price, at, ZERO, 0, 0, False))
        return number

    def lose(self, quantity: Decimal, worth: Money) -> None:
        """Spot: base of ours that left otherwise than by a sale, counted at ``worth`` where it went.

        What another hand bought goes first, then dust and the lots whose exits are farthest.
        """
        self.dust.lose(quantity, worth)
        while missing := self.dust.missing():
            lot = self._external.nearest(_BUY, _HIGHEST, 0) or self._own.nearest(_BUY, _HIGHEST, 0)
            if lot is None:
                raise LedgerError(f"{self.instrument.symbol}: {quantity} {self.instrument.base} are not ours to lose")
            self._pay_with(lot, missing)

    # -- how ----------------------------------------------------------------------------------------------

    def _put(self, lot: Lot) -> None:
        (self._external if lot.external else self._own).add(lot)
        self.position += lot.steps * lot.side
        self._cost += lot.price * lot.steps * lot.side

    def _shrink(self, lot: Lot, part: Steps, fee: Money, taken: Money) -> None:
        """Take ``part`` steps with ``fee`` of the entry fee off a lot."""
        shelf = self._external if lot.external else self._own
        self.position -= part * lot.side
        self._cost -= lot.price * part * lot.side
        if part == lot.steps:
            shelf.remove(lot)
        else:
            shelf.replace(_changed(lot, lot.steps - part, lot.fee - fee, lot.taken + taken, lot.fee_known))

    def _arrived(self, fill: FillLike) -> Steps:
        """Spot: steps that a lot gets or gives, once the fee is taken from the base where it is one."""
        dust = self.dust
        if fill.fee_asset == self.instrument.base:
            dust.add(-fill.fee, fill.price)
        if fill.side is _SELL:
            return fill.steps
        lost = min(dust.missing(), fill.steps)
        dust.add(self.instrument.quantity(lost), fill.price)
        return fill.steps - lost + dust.take_whole(fill.price)

    def _close(self, fill: FillLike, closing: Closing, level: int | None) -> None:
        side = fill.side.opposite
        first, second = (self._own, self._external) if fill.ours else (self._external, self._own)
        while closing.remaining:
            lot = (
                (None if level is None else first.of_level(level))
                or first.nearest(side, fill.price, closing.margin)
                or second.nearest(side, fill.price, closing.margin)
            )
            if lot is None:
                return
            part = min(lot.steps, closing.remaining)
            fee, net = closing.take(lot, part)
            if closing.is_cycle(lot):
                whole = part == lot.steps
                won = whole and lot.taken + net > 0
                self.buckets.add(lot.price, 0, int(whole), net)
                closing.count(whole, won)
            self._shrink(lot, part, fee, net if closing.is_cycle(lot) else ZERO)

    def _open(self, fill: FillLike, closing: Closing, rung: int, epoch: int) -> int:
        """Open a lot with what is left, or enlarge the one the same order opened last at this price."""
        steps, fee = closing.remaining, closing.fee_left
        last = self.lot(self._next - 1)
        if last and fill.client_id and (last.client_id, last.price) == (fill.client_id, fill.price):
            known = last.fee_known and closing.fee_known
            shelf = self._external if last.external else self._own
            shelf.replace(_changed(last, last.steps + steps, last.fee + fee, last.taken, known))
            self.position += steps * last.side
            self._cost += last.price * steps * last.side
            return last.id
        number = self._next
        self._next += 1
        self._put(
            Lot(
                number,
                fill.symbol,
                fill.side,
                steps,
                fill.price,
                fill.at,
                fee,
                rung,
                epoch,
                not fill.ours,
                fill.client_id,
                fee_known=closing.fee_known,
            )
        )
        return number

    def _book(self, fill: FillLike, closing: Closing, before: Steps) -> None:
        """Add the fill to the sums."""
        instrument, tally, after = self.instrument, self.tally, self.position
        closing.add_to(tally)
        if after == 0:
            tally.since_flat = ZERO
        elif before * after < 0:
            tally.since_flat = -closing.fee_left
        if fill.ours:
            tally.fills += 1
            self.buckets.add(fill.price, 1, 0, ZERO)
        if self._futures:
            value = instrument.notional(fill.price, fill.steps * fill.side)
            opened = instrument.notional(fill.price, after)
            self.carry.fill(before, after, value, instrument.unit, opened, fill.realised)
        elif fill.quote is not None:
            self.carry.rounding += (instrument.notional(fill.price, fill.steps) - fill.quote) * fill.side

    def _clear_debt(self, price: Ticks) -> Money:
        """Spot: a base fee may take more than the dust; lots give whole steps for it, at their own prices.

        What lots and dust together lack was paid from base that is not ours: its value at ``price``.
        """
        while missing := self.dust.missing():
            lot = self._own.nearest(_BUY, price, 0) or self._external.nearest(_BUY, price, 0)
            if lot is None:
                lacking = -self.dust.quantity
                self.dust.add(lacking, price)
                return lacking * self.instrument.price(price)
            self._pay_with(lot, missing)
        return ZERO

    def _pay_with(self, lot: Lot, missing: Steps) -> None:
        """Move what the dust lacks from a lot into it, as far as that goes, at the lot's own price."""
        part = min(missing, lot.steps)
        self._shrink(lot, part, lot.fee if part == lot.steps else ZERO, ZERO)
        self.dust.add(self.instrument.quantity(part), lot.price)
        if not self.position:
            self.tally.since_flat = ZERO

    def state(self) -> LotBookState:
        """Everything it is."""
        width, buckets = self.buckets.state()
        return LotBookState(
            next_id=self._next,
            lots=tuple(self),
            mark=self.mark,
            tally=replace(self.tally),
            bucket_width=width,
            buckets=buckets,
            carry=self.carry.state(),
            dust=self.dust.state(),
            instrument=self.instrument,
        )


def _changed(lot: Lot, steps: Steps, fee: Money, taken: Money, fee_known: bool) -> Lot:
    """``lot`` with another quantity."""
    return replace(lot, steps=steps, fee=fee, taken=taken, fee_known=fee_known)
