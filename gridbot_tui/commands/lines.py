"""What a headless run shows at a terminal: one line a moment."""

from gridbot_tui.commands.output import UNKNOWN, moment, percent
from gridbot_tui.control.snapshot import Snapshot, SymbolView, VotesView


def status_line(snapshot: Snapshot) -> str:
    """One line: the account first, then each symbol's price, position and votes."""
    account = [
        moment(snapshot.at),
        snapshot.state,
        f"equity {snapshot.equity or UNKNOWN}",
        f"grid {snapshot.pnl.grid}",
        f"dd {percent(snapshot.drawdown)}",
        f"T{snapshot.tier}",
        f"{UNKNOWN if snapshot.leverage is None else format(snapshot.leverage, '.2f')}x",
    ]
    if snapshot.blockers:
        account.append(f"blocked: {snapshot.blockers[0].code}")
    symbols = [_symbol(name, snapshot.symbols[name]) for name in sorted(snapshot.symbols)]
    return " | ".join(["  ".join(account), *symbols])


def _symbol(name: str, view: SymbolView) -> str:
    return f"{name} {view.price or UNKNOWN}  {view.position}  {_votes(view.votes)}"


def _votes(votes: VotesView | None) -> str:
    return UNKNOWN if votes is None else f"{votes.up:.2f}/{votes.down:.2f}/{votes.neutral:.2f}"
