"""The ``status`` document of the command line: stable names, one order, a subset of the snapshot."""

from typing import Any, Final

from gridbot_tui.control.snapshot import AlertsView, BlockerView, BreakerView, RungView, Snapshot, SymbolView, VotesView

_ACCOUNT: Final = (
    "mode",
    "market",
    "profile",
    "state",
    "uptime_s",
    "equity",
    "wallet",
    "drawdown",
    "max_drawdown",
    "tier",
    "leverage",
    "worst_leverage",
    "leverage_cap",
)
_BLOCKER: Final = ("code", "symbol", "since", "detail", "clears_when")
_BREAKER: Final = ("name", "level", "state", "symbol", "since", "reason", "resets_when")
_RUNG: Final = ("side", "price", "quantity", "state")


def status_document(snapshot: Snapshot) -> dict[str, Any]:
    """The document; unknown values are None, symbols in name order, the ladder descending by price."""
    document: dict[str, Any] = {name: getattr(snapshot, name) for name in _ACCOUNT}
    document["symbols"] = {name: _symbol(snapshot.symbols[name]) for name in sorted(snapshot.symbols)}
    document["ages"] = {name: snapshot.ages[name] for name in sorted(snapshot.ages)}
    document["blockers"] = [_named(blocker, _BLOCKER) for blocker in snapshot.blockers]
    document["residual"] = snapshot.residual
    document["config_version"] = snapshot.config_version
    document["breakers"] = [_named(breaker, _BREAKER) for breaker in snapshot.breakers]
    document["alerts"] = _alerts(snapshot.alerts)
    document["admission_cap"] = snapshot.admission_cap
    return document


def _alerts(view: AlertsView | None) -> dict[str, Any] | None:
    """Sums over the addresses; None where no alarms are sent."""
    if view is None:
        return None
    channels = view.channels
    troubles = [view.trouble, *(f"{one.name}: {one.error}" for one in channels if one.error)]
    return {
        "source": view.source,
        "addresses": len(channels),
        "working": sum(one.up for one in channels),
        "sent": sum(one.sent for one in channels),
        "failed": sum(one.failed for one in channels),
        "dropped": sum(one.dropped for one in channels),
        "waiting": sum(one.waiting for one in channels),
        "held_back": view.held_back,
        "trouble": "; ".join(filter(None, troubles)),
    }


def _symbol(view: SymbolView) -> dict[str, Any]:
    return {
        "price": view.price,
        "position": view.position,
        "entry_price": view.entry_price,
        "liquidation_price": view.liquidation_price,
        "votes": _votes(view.votes),
        "weights": _votes(view.weights),
        "bias": view.bias,
        "spacing": view.spacing,
        "ladder": [_named(rung, _RUNG) for rung in view.ladder],
        "open_orders": view.open_orders,
        "fills": view.fills,
        "cycles": view.cycles,
        "realised": view.realised,
        "unrealised": view.unrealised,
        "fees": view.fees,
        "funding": view.funding,
    }


def _votes(votes: VotesView | None) -> dict[str, float] | None:
    return None if votes is None else {"up": votes.up, "down": votes.down, "neutral": votes.neutral}


def _named(view: BlockerView | BreakerView | RungView, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(view, name) for name in names}
