"""The sums of one fill while it is matched with lots."""

from gridbot_tui.ledger.exact import share
from gridbot_tui.ledger.model import FillEffect, FillLike, Lot
from gridbot_tui.ledger.tally import Tally
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Money, Steps


class Closing:
    """Takes parts of lots, divides the fees so that nothing of them is lost, and sums what was earned."""

    __slots__ = (
        "_closed",
        "_cycles",
        "_fee",
        "_grid",
        "_grid_fees",
        "_grid_profit",
        "_gross",
        "_inventory",
        "_price",
        "_unit",
        "_wins",
        "fee_left",
        "margin",
        "remaining",
    )

    def __init__(self, instrument: Instrument, fill: FillLike, fee: Money | None, grid: bool) -> None:
        self._unit = instrument.unit
        self._price = fill.price
        self._fee = fee
        self._grid = grid
        self.fee_left = ZERO if fee is None else fee
        """The part of the fee that no closed lot has borne."""
        self.remaining: Steps = fill.steps
        self.margin = max(0, int(2 * self.fee_left // (self._unit * fill.steps)))
        """Ticks of profit that two fees like this one eat, rounded down: a cycle needs more."""
        self._closed: list[int] = []
        self._cycles = 0
        self._wins = 0
        self._gross = ZERO
        self._grid_profit = ZERO
        self._grid_fees = ZERO
        self._inventory = ZERO

    @property
    def fee_known(self) -> bool:
        """False while the fee's asset has no price."""
        return self._fee is not None

    def is_cycle(self, lot: Lot) -> bool:
        """Whether closing this lot by this fill is grid profit."""
        return self._grid and not lot.external

    def take(self, lot: Lot, part: Steps) -> tuple[Money, Money]:
        """Close ``part`` of ``lot``: the share of its entry fee, and the profit net of both fees."""
        entry = share(lot.fee, part, lot.steps)
        leaving = share(self.fee_left, part, self.remaining)
        gross = self._unit * ((self._price - lot.price) * part * lot.side)
        net = gross - entry - leaving
        self.fee_left -= leaving
        self.remaining -= part
        self._closed.append(lot.id)
        self._gross += gross
        if self.is_cycle(lot):
            self._grid_profit += net
            self._grid_fees += entry + leaving
        else:
            self._inventory += gross
        return entry, net

    def count(self, whole: bool, won: bool) -> None:
        """Count a lot that was closed for good."""
        self._cycles += whole
        self._wins += won

    def add_to(self, tally: Tally) -> None:
        """Add everything to the symbol's sums."""
        fee = ZERO if self._fee is None else self._fee
        tally.cycles += self._cycles
        tally.wins += self._wins
        tally.gross += self._gross
        tally.grid_profit += self._grid_profit
        tally.grid_fees += self._grid_fees
        tally.inventory_realised += self._inventory
        tally.fees += fee
        tally.since_flat += self._gross - fee

    def effect(
        self, opened: tuple[int, ...], before: Steps, after: Steps, excess: Steps, foreign_fee: Money
    ) -> FillEffect:
        """All of it, for those who asked."""
        return FillEffect(
            opened,
            tuple(self._closed),
            self._cycles,
            self._wins,
            self._gross,
            self._grid_profit,
            self._inventory,
            self._fee,
            before,
            after,
            excess,
            foreign_fee,
        )
