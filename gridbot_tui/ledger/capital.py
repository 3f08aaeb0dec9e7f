"""The allotted capital as a fund: transfers change its units, only trading changes a unit's value."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.ledger.exact import product, quotient
from gridbot_tui.units import Money, Ms

ONE = Decimal(1)


class CapitalState(Struct, frozen=True):
    """Everything a ``Capital`` is."""

    base_nav: Decimal = ONE
    base_equity: Money = Decimal(0)
    nav: Decimal = ONE
    peak: Decimal = ONE
    top: Decimal = ONE
    max_drawdown: float = 0.0
    at: Ms | None = None


class Capital:
    """Unit value (NAV), its peaks and drawdowns. NAV is 1 at the start.

    Between transfers NAV moves in proportion to equity. A transfer sets a new base at the NAV it finds, so
    the value before and after it is the same number, not merely a near one.
    """

    __slots__ = ("_base_equity", "_base_nav", "_deepest", "_nav", "_peak", "_top", "at", "max_drawdown")

    def __init__(self, state: CapitalState | None = None) -> None:
        self._become(state or CapitalState())

    def _become(self, state: CapitalState) -> None:
        self._base_nav = state.base_nav
        self._base_equity = state.base_equity
        self._nav = state.nav
        self._peak = state.peak
        self._top = state.top
        self._deepest = state.top
        """A unit value at which the fall from the all-time peak is no new depth: nor is it at any above."""
        self.max_drawdown: float = state.max_drawdown
        """Deepest fall from the all-time peak, <= 0."""
        self.at: Ms | None = state.at
        """When equity was last marked."""

    def start(self, at: Ms, equity: Money) -> None:
        """Begin at NAV 1."""
        self._become(CapitalState(base_equity=equity, at=at))

    def value(self, equity: Money) -> Decimal:
        """NAV at ``equity``; that of the last base while there is no capital."""
        if self._base_equity <= 0:
            return self._base_nav
        return product(self._base_nav, quotient(equity, self._base_equity))

    def mark(self, at: Ms, equity: Money) -> float:
        """Take a sample of equity at mark prices; the drawdown from the peak, <= 0."""
        self.take(at, equity)
        return self.drawdown

    def take(self, at: Ms, equity: Money) -> None:
        """As ``mark``, for who asks nothing: every bar comes through here."""
        self.at = at
        nav = self._nav = self.value(equity)
        if nav > self._peak:
            self._peak = nav
        if nav > self._top:
            self._top = self._deepest = nav
        elif nav < self._deepest:
            self._deepest = nav
            lost = self.total_drawdown
            if lost < self.max_drawdown:
                self.max_drawdown = lost

    def transfer(self, at: Ms, amount: Money, equity_before: Money) -> None:
        """Capital comes (+) or goes (-). ``equity_before`` is equity without it.

        New money into a fund that has lost everything starts a new one at NAV 1; ``max_drawdown`` stays.
        """
        nav = self.value(equity_before)
        self.at = at
        if nav <= 0:
            nav = self._peak = self._top = self._deepest = ONE
        self._nav = self._base_nav = nav
        self._base_equity = equity_before + amount

    def rebase(self, drawdown: float) -> None:
        """Re-arm: move the peak so that the drawdown is now ``drawdown`` (<= 0). The all-time peak stays."""
        if not -1.0 < drawdown <= 0.0:
            raise ValueError(f"a drawdown to re-arm at is in (-1, 0], not {drawdown}")
        if self._nav > 0:
            self._peak = quotient(self._nav, ONE + Decimal(repr(drawdown)))

    @property
    def nav(self) -> Decimal:
        """Unit value at the last mark."""
        return self._nav

    @property
    def base_nav(self) -> Decimal:
        """Unit value at the last transfer, 1 before the first: from there NAV follows equity."""
        return self._base_nav

    @property
    def base_equity(self) -> Money:
        """Equity at the last transfer, or at the start."""
        return self._base_equity

    @property
    def units(self) -> Decimal:
        """Units outstanding, of one quote each at the start."""
        return quotient(self._base_equity, self._base_nav)

    @property
    def peak(self) -> Decimal:
        """Highest NAV since the start or the last re-arm: what the tiers measure from."""
        return self._peak

    @property
    def all_time_peak(self) -> Decimal:
        """Highest NAV ever."""
        return self._top

    @property
    def drawdown(self) -> float:
        """Fall from ``peak`` at the last mark, <= 0."""
        return min(0.0, float(quotient(self._nav, self._peak)) - 1.0)

    @property
    def total_drawdown(self) -> float:
        """Fall from ``all_time_peak`` at the last mark, <= 0."""
        return min(0.0, float(quotient(self._nav, self._top)) - 1.0)

    def state(self) -> CapitalState:
        """Everything it is."""
        return CapitalState(
            self._base_nav,
            self._base_equity,
            self._nav,
            self._peak,
            self._top,
            self.max_drawdown,
            self.at,
        )
