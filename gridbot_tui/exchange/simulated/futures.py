"""A USD-M futures account: one wallet per asset, one-way positions, cross margin in the quote asset."""

from decimal import ROUND_HALF_EVEN, Decimal

from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.accounts import BNB, Fees, Settlement
from gridbot_tui.exchange.simulated.margin import (
    bracket_for,
    liquidation_price,
    maintenance,
    max_leverage,
    max_notional,
)
from gridbot_tui.exchange.simulated.records import BalanceView, Order, PositionView
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.venue import NEVER_HIGH, NEVER_LOW, Venue
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import CENT, ZERO, Asset, Money, Side, Steps, Symbol, Ticks, cut

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL


class Position:
    """One symbol's signed position. ``cost`` is its exact signed entry value."""

    __slots__ = ("cost", "realised", "steps")

    def __init__(self, steps: Steps = 0, cost: Money = ZERO, realised: Money = ZERO) -> None:
        self.steps = steps
        self.cost = cost
        self.realised = realised


class FuturesAccount:
    """Wallets, positions, leverage and every margin figure that follows from them."""

    def __init__(
        self, quote: Asset, venues: dict[Symbol, Venue], fees: Fees, leverage: int, call_ratio: Decimal
    ) -> None:
        self.quote = quote
        self.wallets: dict[Asset, Money] = {quote: ZERO}
        self.held: dict[Symbol, Position] = {}
        self.leverage: dict[Symbol, int] = {}
        self.called = False
        """A margin call was raised and the account has not recovered since."""
        self.called_alone: set[Symbol] = set()
        """The same of positions with a wallet of their own."""
        self._venues = venues
        self._fees = fees
        self._default_leverage = leverage
        self._call_ratio = call_ratio
        self._most: dict[tuple[Symbol, int], int] = {}
        self.room: float | None = None
        """Margin that is available at least, at ``_room_marks``; None = to be counted anew."""
        self._room_marks: list[Ticks] = []

    # -- what the exchange needs of any account -----------------------------------------------------------

    def admit(self, venue: Venue, order: Order, price: Ticks) -> Refusal | None:
        """-2019 or -2027 for an order that grows the exposure beyond the margin or the bracket."""
        if order.reduce_only or order.close_position or (order.conditional and not order.triggered_at):
            return None
        instrument = venue.instrument
        added = price * order.steps
        now = self._exposure(venue)
        grown = self._exposure(venue, added if order.side is _BUY else 0, added if order.side is _SELL else 0)
        if grown <= now:
            return None
        leverage = self.leverage_of(venue.symbol)
        if grown > self._most_of(instrument, leverage):
            return no.POSITION_LIMIT
        needed = instrument.unit_f * (grown - now) / leverage
        if self._clear_of(needed):
            return None  # float is safely clear of the edge; the exact figure is only worth its time near it
        exact = instrument.unit * (grown - now) / leverage
        return None if self.available() >= exact else no.MARGIN

    def _most_of(self, instrument: Instrument, leverage: int) -> int:
        """The largest ticks x steps that the brackets allow at a leverage."""
        key = (instrument.symbol, leverage)
        most = self._most.get(key)
        if most is None:
            most = self._most[key] = int(max_notional(instrument, leverage) // instrument.unit)
        return most

    def _clear_of(self, needed: float) -> bool:
        """True where the margin is there beyond doubt; what was found last is used up order by order.

        Orders that end only add to it; marks are compared, and ``credit`` forgets it.
        """
        marks = [venue.mark for venue in self._venues.values()]
        for known in (True, False):
            if known and (self.room is None or marks != self._room_marks):
                continue
            room = self.room if known and self.room is not None else self._roughly_available()
            if room - needed > 1e-6 * (abs(room) + needed) + 1.0:
                self.room, self._room_marks = room - needed, marks
                return True
        return False

    def release(self, order: Order) -> None:
        """Futures orders hold no funds back one by one."""

    def settle(self, venue: Venue, order: Order, price: Ticks, steps: Steps, maker: bool) -> Settlement:
        """Close what the execution closes, open the rest, charge the fee."""
        instrument = venue.instrument
        position = self.held.get(venue.symbol)
        if position is None:
            position = self.held[venue.symbol] = Position()
        signed = steps if order.side is _BUY else -steps
        realised = ZERO
        if position.steps * signed < 0:
            closed = min(abs(position.steps), steps) * (1 if position.steps > 0 else -1)
            whole = closed == position.steps
            part = position.cost if whole else (position.cost * closed / position.steps).quantize(CENT, ROUND_HALF_EVEN)
            realised = cut(instrument.notional(price, closed) - part)
            position.cost = ZERO if whole else position.cost - part
            position.steps -= closed
            signed += closed
        if signed:
            position.cost += instrument.notional(price, signed)
            position.steps += signed
        position.realised += realised
        quote = instrument.notional(price, steps)
        fee, asset = self._fee(venue, order.side, quote, steps, maker)
        self.credit(self.quote, realised)
        self.credit(asset, -fee)
        return Settlement(quote, fee, asset, realised)

    def _fee(self, venue: Venue, side: Side, quote: Money, steps: Steps, maker: bool) -> tuple[Money, Asset]:
        held = self.wallets.get(BNB, ZERO)
        in_bnb = self._fees.in_bnb(venue, quote, maker, held) if held > 0 else None
        if in_bnb is not None:
            return in_bnb, BNB
        return self._fees.of(venue, side, quote, steps, maker, spot=False)

    def position(self, symbol: Symbol) -> Steps:
        """Signed steps held."""
        position = self.held.get(symbol)
        return 0 if position is None else position.steps

    def credit(self, asset: Asset, amount: Money) -> None:
        """Add a signed amount to a wallet."""
        self.room = None
        self.wallets[asset] = self.wallets.get(asset, ZERO) + amount

    def spendable(self, asset: Asset) -> Money:
        """The wallet, of the quote asset less what margin needs."""
        wallet = self.wallets.get(asset, ZERO)
        return wallet if asset != self.quote else max(ZERO, min(wallet, self.available()))

    def balances(self) -> list[BalanceView]:
        """Every asset ever held."""
        return [BalanceView(asset, wallet, ZERO) for asset, wallet in sorted(self.wallets.items())]

    def positions(self) -> list[PositionView]:
        """Every symbol ever traded."""
        return [self.view(symbol) for symbol in sorted(self.held)]

    # -- futures only -------------------------------------------------------------------------------------

    def view(self, symbol: Symbol) -> PositionView:
        """One position as the exchange states it."""
        position = self.held.get(symbol) or Position()
        instrument = self._venues[symbol].instrument
        entry = ZERO
        if position.steps:
            entry = (position.cost / instrument.quantity(position.steps)).quantize(CENT, ROUND_HALF_EVEN)
        unrealised = self.unrealised(symbol)
        return PositionView(symbol, position.steps, entry, position.cost, position.realised, unrealised)

    def leverage_of(self, symbol: Symbol) -> int:
        """The exchange leverage set for a symbol, or the default, at most what its brackets allow."""
        found = self.leverage.get(symbol)
        if found is None:
            found = min(self._default_leverage, max_leverage(self._venues[symbol].instrument))
            self.leverage[symbol] = found
        return found

    def unrealised(self, symbol: Symbol) -> Money:
        """Unrealised PnL at the mark price."""
        position = self.held.get(symbol)
        if position is None or not position.steps:
            return ZERO
        venue = self._venues[symbol]
        return venue.instrument.notional(venue.mark, position.steps) - position.cost

    def shared(self) -> Money:
        """The wallet that all cross-margined positions draw on."""
        return self.wallets[self.quote]

    def alone(self, symbol: Symbol) -> Money | None:
        """The wallet of a symbol that is margined by itself; None where the whole account stands for it, as all do."""
        return None

    def margin_alone(self, symbol: Symbol, wallet: Money) -> tuple[Money, Money]:
        """(margin balance, maintenance margin) of a symbol with a wallet of its own, at its mark price."""
        venue = self._venues[symbol]
        notional = abs(venue.instrument.notional(venue.mark, self.position(symbol)))
        return wallet + self.unrealised(symbol), maintenance(venue.instrument, notional)

    def margin(self) -> tuple[Money, Money]:
        """(margin balance, maintenance margin) of the account at the mark prices."""
        balance, needed = self.shared(), ZERO
        for symbol, position in self.held.items():
            if position.steps:
                venue = self._venues[symbol]
                notional = venue.instrument.notional(venue.mark, position.steps)
                balance += notional - position.cost
                needed += maintenance(venue.instrument, abs(notional))
        return balance, needed

    def available(self) -> Money:
        """Margin balance less the initial margin of positions and open orders."""
        total = self.margin()[0]
        for symbol, venue in self._venues.items():
            exposure = self._exposure(venue)
            if exposure:
                total -= venue.instrument.unit * exposure / self.leverage_of(symbol)
        return total

    def liquidation_price_of(self, symbol: Symbol) -> Money | None:
        """Mark price of ``symbol`` that liquidates the account while all others stand still."""
        position = self.held.get(symbol)
        if position is None or not position.steps:
            return None
        venue = self._venues[symbol]
        balance, needed = self.margin()
        notional = venue.instrument.notional(venue.mark, position.steps)
        free = balance - (notional - position.cost) - needed + maintenance(venue.instrument, abs(notional))
        price = liquidation_price(venue.instrument, position.steps, position.cost, free)
        return None if price is None else price.quantize(venue.instrument.tick, ROUND_HALF_EVEN)

    def rebuild_bands(self) -> None:
        """Share the distance to the next margin event among the positions as mark-price bands.

        While every mark price stays inside its band the sum of all losses cannot reach that distance,
        so a quiet bar needs no margin arithmetic: two comparisons a symbol.
        """
        open_positions = [(s, p) for s, p in self.held.items() if p.steps]
        for venue in self._venues.values():
            if venue.band_low != NEVER_LOW or venue.band_high != NEVER_HIGH:
                venue.band_low, venue.band_high = NEVER_LOW, NEVER_HIGH
                venue.watch()
        if not open_positions:
            return
        balance, needed = self.margin()
        ratio = 1.0 if self.called else float(self._call_ratio)
        room = (ratio * float(balance) - float(needed)) / len(open_positions)
        for symbol, position in open_positions:
            self._band(self._venues[symbol], position.steps, room)

    def _band(self, venue: Venue, position: Steps, room: float) -> None:
        """Bound the marks between which a position cannot lose ``room``, quote."""
        if room <= 0:  # already beyond: whatever the next bar does must be looked at
            venue.band_low = NEVER_HIGH
            venue.watch()
            return
        notional = abs(venue.instrument.notional(venue.mark, position))
        # A rising short may climb into a higher bracket: the ratio at twice the notional bounds it.
        slope = 1.0 + float(bracket_for(venue.instrument, 2 * notional).maintenance_ratio)
        move = int(0.999 * room / (venue.instrument.unit_f * abs(position) * slope))
        if position > 0:
            venue.band_low = venue.mark - move
        else:
            venue.band_high = venue.mark + min(move, venue.mark)
        venue.watch()

    def _exposure(self, venue: Venue, buys: int = 0, sells: int = 0) -> int:
        """Ticks x steps that initial margin is taken on: the worse side if all its orders fill."""
        held = self.position(venue.symbol) * venue.mark
        return max(abs(held + venue.buy_exposure + buys), abs(held - venue.sell_exposure - sells))

    def _roughly_available(self) -> float:
        total = float(self.wallets[self.quote])
        for symbol, venue in self._venues.items():
            instrument = venue.instrument
            position = self.held.get(symbol)
            if position is not None and position.steps:
                total += instrument.unit_f * (position.steps * venue.mark) - float(position.cost)
            exposure = self._exposure(venue)
            if exposure:
                total -= instrument.unit_f * exposure / self.leverage_of(symbol)
        return total
