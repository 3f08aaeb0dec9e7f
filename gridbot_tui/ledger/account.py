"""The account book: every wallet as the exchange's own figures make it, tied out to the last digit."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.ledger.model import CashLike, FillLike
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Asset, Market, Money, Ms

GRACE: Ms = 30_000
"""A residual that outlives a resync by this much is no race between events and REST any more."""


class AssetSums(Struct):
    """One asset since the start, all amounts in that asset. Mutable: it is its own state.

    ``wallet - start = realised - fees + funding + transfers + insurance + other``, always.
    """

    start: Money = ZERO
    wallet: Money = ZERO
    realised: Money = ZERO
    """Futures: the exchange's realised PnL."""
    fees: Money = ZERO
    """Positive = paid."""
    funding: Money = ZERO
    transfers: Money = ZERO
    insurance: Money = ZERO
    other: Money = ZERO
    """Spot: base and quote that changed hands; and cash of no other kind."""

    def gap(self) -> Money:
        """What the tie-out lacks; 0 unless the book itself is broken."""
        flows = self.realised - self.fees + self.funding + self.transfers + self.insurance + self.other
        return self.wallet - self.start - flows


class AccountState(Struct, frozen=True):
    """Everything an ``AccountBook`` is."""

    sums: dict[Asset, AssetSums] = {}
    reported: dict[Asset, Money] = {}
    reported_at: Ms | None = None
    pending: dict[Asset, Ms] = {}


class AccountBook:
    """Wallets per asset, and how far they are from what the exchange reports.

    A reported balance is carried forward by the events after it, so the residual is the difference at the
    time of the report, less what arrives late. It is *pending* from the first report that shows it.
    """

    __slots__ = ("_pending", "_reported", "_reported_at", "_sums", "quote")

    def __init__(self, quote: Asset, state: AccountState | None = None) -> None:
        state = state or AccountState()
        self.quote = quote
        self._sums = {asset: replace(sums) for asset, sums in state.sums.items()}
        self._sums.setdefault(quote, AssetSums())
        self._reported = dict(state.reported)
        self._reported_at = state.reported_at
        self._pending = dict(state.pending)

    def start(self, balances: Mapping[Asset, Money], at: Ms) -> None:
        """Begin with these wallets, as the exchange stated them at ``at``."""
        self._sums = {asset: AssetSums(amount, amount) for asset, amount in balances.items()}
        self._sums.setdefault(self.quote, AssetSums())
        self._reported = {asset: sums.wallet for asset, sums in self._sums.items()}
        self._reported_at = at
        self._pending = {}

    # -- what it says -----------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Asset]:
        """Every asset that ever had a wallet here."""
        return iter(self._sums)

    def sums(self, asset: Asset) -> AssetSums:
        """The sums of one asset; all zero for one that was never seen. Read only."""
        return self._sums.get(asset) or AssetSums()

    def wallet(self, asset: Asset) -> Money:
        """Wallet balance of one asset; 0 for one that was never seen."""
        sums = self._sums.get(asset)
        return ZERO if sums is None else sums.wallet

    def gaps(self) -> dict[Asset, Money]:
        """Assets whose own sums do not tie out: always empty."""
        return {asset: gap for asset, sums in self._sums.items() if (gap := sums.gap())}

    # -- what happens to it -----------------------------------------------------------------------------

    def fill(self, fill: FillLike, instrument: Instrument) -> None:
        """Book one execution: realised and fee (futures), or base, quote and fee (spot)."""
        if instrument.market is Market.FUTURES:
            if fill.realised:
                sums = self._of(instrument.quote)
                sums.realised += fill.realised
                self._move(sums, instrument.quote, fill.realised, fill.at)
        else:
            self._other(instrument.base, instrument.quantity(fill.steps * fill.side), fill.at)
            value = instrument.notional(fill.price, fill.steps) if fill.quote is None else fill.quote
            self._other(instrument.quote, -value * fill.side, fill.at)
        if fill.fee:
            sums = self._of(fill.fee_asset)
            sums.fees += fill.fee
            self._move(sums, fill.fee_asset, -fill.fee, fill.at)

    def cash(self, cash: CashLike) -> None:
        """Book a wallet change that is no fill."""
        sums = self._of(cash.asset)
        kind = cash.cash_kind
        if kind == "funding":
            sums.funding += cash.amount
        elif kind == "transfer":
            sums.transfers += cash.amount
        elif kind == "insurance":
            sums.insurance += cash.amount
        else:
            sums.other += cash.amount
        self._move(sums, cash.asset, cash.amount, cash.at)

    def _of(self, asset: Asset) -> AssetSums:
        sums = self._sums.get(asset)
        if sums is None:
            sums = self._sums[asset] = AssetSums()
        return sums

    def _other(self, asset: Asset, amount: Money, at: Ms) -> None:
        sums = self._of(asset)
        sums.other += amount
        self._move(sums, asset, amount, at)

    def _move(self, sums: AssetSums, asset: Asset, amount: Money, at: Ms) -> None:
        sums.wallet += amount
        if self._reported_at is None:
            return
        if at > self._reported_at:
            self._reported[asset] = self._reported.get(asset, ZERO) + amount
        elif self._reported.get(asset, ZERO) == sums.wallet:
            self._pending.pop(asset, None)
        else:
            self._pending.setdefault(asset, at)

    # -- against the exchange ---------------------------------------------------------------------------

    def reported(self, balances: Mapping[Asset, Money], at: Ms) -> dict[Asset, Money]:
        """The exchange's complete balances as of ``at``; the residual of every asset that has one.

        An asset that is not listed has balance 0. A report older than the last one is ignored.
        """
        if self._reported_at is not None and at < self._reported_at:
            return self.residuals()
        self._reported_at = at
        self._reported = dict(balances)
        found = self.residuals()
        self._pending = {asset: self._pending.get(asset, at) for asset in found}
        return found

    def residual(self, asset: Asset | None = None) -> Money | None:
        """Reported less booked balance of an asset (the quote asset); None before the first report."""
        if self._reported_at is None:
            return None
        asset = asset or self.quote
        return self._reported.get(asset, ZERO) - self.wallet(asset)

    def residuals(self) -> dict[Asset, Money]:
        """Every residual that is not zero; empty before the first report."""
        if self._reported_at is None:
            return {}
        known = self._reported
        assets = sorted(self._sums.keys() | known.keys())
        return {asset: gap for asset in assets if (gap := known.get(asset, ZERO) - self.wallet(asset))}

    def pending_since(self) -> Ms | None:
        """Since when the oldest residual stands; None where everything agrees."""
        return min(self._pending.values(), default=None)

    def confirmed(self, at: Ms, grace: Ms = GRACE) -> bool:
        """True where a residual has stood for ``grace`` and a later report did not clear it."""
        last = self._reported_at
        return last is not None and any(
            at - since >= grace and last > since for since in self._pending.values()
        )

    def state(self) -> AccountState:
        """Everything it is."""
        return AccountState(
            {asset: replace(sums) for asset, sums in self._sums.items()},
            dict(self._reported),
            self._reported_at,
            dict(self._pending),
        )
