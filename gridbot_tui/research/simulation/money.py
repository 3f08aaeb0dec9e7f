"""Every cent: fills, wallets, unit value and drawdown, from the exchange's own books."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from gridbot_tui.engine.actions import FillFact
from gridbot_tui.units import ZERO, Market, Money, Ms

if TYPE_CHECKING:
    from gridbot_tui.research.simulation.judge import Judge
    from gridbot_tui.research.simulation.process import Process

PATIENCE: Final = 240_000
"""ms in which books must agree while the line works: four reconciles."""
DRAWDOWN_SLACK: Final = 0.015
"""Between two reckonings of the drawdown: not every mark is heard by both."""
DRAWDOWN_PATIENCE: Final = 600_000
HALT: Final = 0.165
"""Drawdown at which tier 3 is certainly due, some for marks that the bot did not hear of."""


class Nav:
    """Unit value of the account as an outsider reckons it: transfers change units, nothing else does."""

    def __init__(self, wallet: Decimal) -> None:
        self.base = float(wallet)
        self.value = 1.0
        self.peak = 1.0
        self.now = 1.0
        self.believed = 1.0
        """Highest value that a bot could believe in that had not yet heard of a fill: its drawdown may go by it."""
        self.unsure = False
        """A reset may or may not have been carried out: nothing is judged until the next one."""
        self.came = ZERO
        """Capital that came, less what went."""
        self.before = ZERO
        """How much less of it the ledger has when it knows all: what came before it began."""

    def reset(self) -> None:
        """Measured anew from here."""
        self.peak = self.believed = self.now
        self.unsure = False

    @property
    def drawdown(self) -> float:
        """Fall from the peak, >= 0."""
        return self.fall(self.peak)

    def fall(self, peak: float) -> float:
        """Fall from any value to the present one, >= 0."""
        return max(0.0, 1.0 - self.now / peak) if peak > 0 else 0.0

    def equity(self, judge: "Judge") -> float:
        """Equity at the marks the bot last heard of."""
        exchange = judge.sim.world.exchange
        if exchange.futures is None:
            return _spot_equity(judge)
        total = float(exchange.futures.wallets[exchange.futures.quote])
        for symbol, held in exchange.futures.held.items():
            if held.steps:
                venue = exchange.venues[symbol]
                mark = judge.marks[symbol][0] if symbol in judge.marks else venue.mark
                total += mark * held.steps * venue.instrument.unit_f - float(held.cost)
        return total

    def mark(self, equity: float) -> None:
        """Take a sample."""
        self.now = self.value * equity / self.base if self.base > 0 else self.value
        self.peak = max(self.peak, self.now)

    def transfer(self, asset: str, amount: Money, judge: "Judge") -> None:
        """Capital came or went; the wallet has it already."""
        after = self.equity(judge)
        before = after - float(amount)
        self.came += amount
        self.value = self.value * before / self.base if self.base > 0 and before > 0 else self.value
        self.base = max(after, 1e-9)
        self.now = self.value


def _spot_equity(judge: "Judge") -> float:
    process = judge.sim.process
    equity = None if process is None else process.engine.desk.ledger.equity_quick()
    return float(equity) if equity is not None else float(judge.sim.scenario.wallet)


def drawdown(judge: "Judge", at: Ms) -> None:
    """A new mark of time ``at``, as the bot is about to hear of it: how far the account has fallen.

    Bars that come late all at once are no news: they would meet a position that was not held at the time.
    """
    if judge.sim.scenario.market is Market.SPOT:
        return
    process = judge.sim.process
    if process is None or not process.bot.recovered:
        return  # a bot that recovers marks nothing either
    if judge.sim.world.now - at > process.engine.desk.config.stale_after:
        return
    equity = judge.nav.equity(judge)
    judge.nav.mark(equity)
    exchange = judge.sim.world.exchange
    held = 0.0
    for symbol in judge.sim.scenario.symbols:
        venue = exchange.venues[symbol]
        held += abs(exchange.account.position(symbol)) * venue.mark * venue.instrument.unit_f
    if equity > 0 and not judge.touched:
        judge.max_observed = max(judge.max_observed, held / equity)
    if judge.nav.drawdown >= HALT and agreed(judge, process) and not judge.nav.unsure:
        if judge.sim.world.now > judge.halt_counted:  # bars that were held up come several at once: one look
            judge.halt_due += 1
            judge.halt_counted = judge.sim.world.now
    elif judge.nav.drawdown < HALT and judge.halt_due < 3:
        judge.halt_due = 0


def first_mark(judge: "Judge", process: "Process") -> None:
    """A bot that has recovered marks the account at once, at the prices that it asked for: no bar need follow them."""
    if judge.sim.scenario.market is Market.FUTURES and agreed(judge, process):
        judge.nav.mark(judge.nav.equity(judge))


def believed(judge: "Judge", process: "Process") -> None:
    """The bot has taken a mark on books that miss something: how much it may think the account was worth.

    Capital it has not heard of yet it reckons with later, at the worth of that moment.
    """
    ledger, nav = process.engine.desk.ledger, judge.nav
    sums = ledger.account.sums(ledger.quote)
    booked = sums.transfers + sums.insurance
    if agreed(judge, process):
        nav.before = nav.came - booked
        return
    ours, truth = ledger.equity_quick(), nav.equity(judge) - float(nav.came - booked - nav.before)
    if ours is not None and truth > 0:
        nav.believed = max(nav.believed, nav.now * float(ours) / truth)


def fill(judge: "Judge", fact: FillFact) -> None:
    """The bot books a fill: it must be one of the exchange's, to the digit, and booked once."""
    one = fact.fill
    key = (one.symbol, one.trade_id)
    process = judge.sim.process
    if key in judge.booked and process is not None:
        row = process.store.connection.execute(
            "SELECT count(*) FROM fills WHERE symbol = ? AND trade_id = ?", key
        ).fetchone()
        if row[0] > 1:
            judge.violated("fills_are_booked_once", f"{key} is booked {row[0]} times")
    judge.booked.add(key)
    trades = judge.sim.world.exchange.history.trades_after(one.symbol, int(one.trade_id) - 1, 0)
    trade = trades[0] if trades else None
    if trade is None or str(trade.trade_id) != one.trade_id:
        judge.violated("fills_are_real", f"{key} is no trade of the exchange")
        return
    theirs = (trade.side, trade.price, trade.steps, trade.fee, trade.fee_asset, trade.realised)
    ours = (one.side, one.price, one.steps, one.fee, one.fee_asset, one.realised)
    if theirs != ours:
        judge.violated("fills_are_real", f"{key}: booked {ours}, the exchange says {theirs}")


def agreed(judge: "Judge", process: "Process") -> bool:
    """Wallets and positions of bot and exchange are the same now."""
    ledger = process.engine.desk.ledger
    account = judge.sim.world.exchange.account
    for view in account.balances():
        if view.wallet != ledger.account.wallet(view.asset):
            return False
    if judge.sim.scenario.market is Market.FUTURES:
        for symbol in judge.sim.scenario.symbols:
            if account.position(symbol) != ledger.position(symbol):
                return False
    return True


def differences(judge: "Judge", process: "Process") -> list[str]:
    """Where the books of the bot and the exchange differ now."""
    ledger = process.engine.desk.ledger
    account = judge.sim.world.exchange.account
    found = []
    for view in account.balances():
        booked = ledger.account.wallet(view.asset)
        if view.wallet != booked:
            judge.residual_max = max(judge.residual_max, abs(float(view.wallet - booked)))
            found.append(f"{view.asset}: the exchange has {view.wallet}, the ledger {booked}")
    if judge.sim.scenario.market is Market.FUTURES:
        for symbol in judge.sim.scenario.symbols:
            theirs, ours = account.position(symbol), ledger.position(symbol)
            if theirs != ours:
                found.append(f"{symbol}: the exchange holds {theirs} steps, the ledger {ours}")
    gaps = ledger.account.gaps()
    if gaps:
        judge.violated("wallets_tie_out", f"the account book misses {gaps}")
    return found


def look(judge: "Judge", process: "Process") -> None:
    """Every few seconds."""
    found = differences(judge, process)
    judge.lasting("books_agree", "", bool(found), PATIENCE, "; ".join(found))
    if judge.sim.scenario.market is Market.FUTURES:
        said, seen = -process.engine.desk.tiers.drawdown, judge.nav.drawdown
        most = judge.nav.fall(max(judge.nav.peak, judge.nav.believed))
        wrong = not seen - DRAWDOWN_SLACK <= said <= most + DRAWDOWN_SLACK and not judge.nav.unsure
        words = f"the bot reckons with a drawdown of {100 * said:.2f} %, it is {100 * seen:.2f} %"
        judge.lasting("drawdown_is_true", "", wrong, DRAWDOWN_PATIENCE, words)


def final(judge: "Judge", process: "Process") -> None:
    """When all is quiet: not a fill, not a cent is missing, in the ledger or in the database."""
    found = differences(judge, process)
    ledger = process.engine.desk.ledger.account
    left = [abs(gap) for gap in ledger.residuals().values()]
    judge.residual_end = max(judge.residual_end, float(max(left, default=ZERO)))
    if found:
        judge.violated("books_agree", "; ".join(found))
    if left:
        judge.violated("residual_is_zero", f"{ledger.residuals()} when all is quiet")
    process.bot.flush()
    rows = process.store.connection.execute("SELECT symbol, trade_id FROM fills").fetchall()
    stored = {(symbol, trade_id) for symbol, trade_id in rows}
    began = process.engine.desk.ledger.started_at or 0
    traded = {
        (symbol, str(trade.trade_id))
        for symbol, trades in judge.sim.world.exchange.history.trades.items()
        for trade in trades
        if trade.at >= began
    }
    if len(rows) != len(stored):
        judge.violated("fills_are_booked_once", f"{len(rows) - len(stored)} fills are in the database twice")
    if traded - stored:
        judge.lost_fills += len(traded - stored)
        judge.violated(
            "no_fill_is_lost", f"{len(traded - stored)} trades are not in the database: {sorted(traded - stored)[:5]}"
        )
