"""``gridbot status``: how the bot stands."""

from typing import Any

import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, TimeoutOption, where

_PRICES = ("price", "position", "entry_price", "liquidation_price")
_COUNTS = ("open_orders", "fills", "cycles", "realised", "unrealised", "fees", "funding")
_TOGETHER = "\u00a0"
"""A space at which no line is broken."""
_HEAD = ("symbol", *_PRICES, "up/down/neutral", "bias", "spacing", *_COUNTS)


def status(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = talk.QUESTION_S,
) -> None:
    """Show how the running bot stands.

    Example: gridbot status --profile sim-futures-main-usdt --json
    """
    at = where(ctx, home, profile, json)
    document = talk.status_of(at, timeout)
    if at.json:
        output.document(document)
        return
    try:
        told = lines(document, output.columns())
    except KeyError as missing:  # the document is the bot's own, as its version has it
        raise CommandFailed(
            f"the running bot is another version of gridbot: its answer has no {missing}; "
            "use the version that it runs, or --json",
            Exit.FAILED,
        ) from missing
    print("\n".join(told), flush=True)


def lines(document: dict[str, Any], width: int | None = None) -> list[str]:
    """The document for a person; numbers as they stand in it, and whole on a terminal of ``width``."""
    show, percent = output.shown, output.percent
    head = [
        f"{document['profile']}  {document['state']}  up {output.span(document['uptime_s'])}"
        f"  config {document['config_version']}",
        f"equity {show(document['equity'])}  wallet {document['wallet']}  residual {document['residual']}",
        f"drawdown {percent(document['drawdown'])} (deepest {percent(document['max_drawdown'])})"
        f"  tier T{document['tier']}",
        f"leverage {show(document['leverage'])}x  worst case {show(document['worst_leverage'])}x"
        f"  cap {_cap(document)}",
        *_folded("ages  " + "  ".join(_age(name, age) for name, age in document["ages"].items()), width),
        "",
    ]
    rows = [_row(name, view) for name, view in document["symbols"].items()]
    table = output.stacked([name.replace("_", " ") for name in _HEAD], rows, width)
    rest = [*_blockers(document), *_breakers(document), *_alerts(document)]
    return [*head, *table, "", *(line for text in rest for line in _folded(text, width))]


def _cap(document: dict[str, Any]) -> str:
    """What entries stop at, and what no order passes where that is more; a bot of before tells only the latter."""
    hard, cap = document["leverage_cap"], document.get("admission_cap")
    return f"{output.shown(hard)}x" if cap in (None, hard) else f"{output.shown(cap)}x  hard {output.shown(hard)}x"


def _row(name: str, view: dict[str, Any]) -> list[Any]:
    plan = [output.three(view["votes"]), view["bias"], output.percent(view["spacing"])]
    return [name, *(view[key] for key in _PRICES), *plan, *(view[key] for key in _COUNTS)]


def _folded(text: str, width: int | None) -> list[str]:
    return [text.replace(_TOGETHER, " ")] if width is None else output.wrapped(text, width, hang=2)


def _age(name: str, age: int | None) -> str:
    told = output.UNKNOWN if age is None else f"{age / 1000:.1f} s"
    return f"{name} {told}".replace(" ", _TOGETHER)


def _blockers(document: dict[str, Any]) -> list[str]:
    blockers = document["blockers"]
    if not blockers:
        return ["nothing is held back"]
    words = [f"{one['code']} {one['symbol']}".strip() for one in blockers]
    return [f"held back: {', '.join(words)} ('gridbot why' says more)"]


def _breakers(document: dict[str, Any]) -> list[str]:
    tripped = [one for one in document["breakers"] if one["state"] == "open"]
    words = [f"{one['level']} {one['name']} {one['symbol']}".strip() for one in tripped]
    return [f"breakers open: {', '.join(words)}"] if words else []


def _alerts(document: dict[str, Any]) -> list[str]:
    told = document.get("alerts")
    if told is None:
        return []
    words = [f"alerts: {told['working']} of {told['addresses']} addresses work, {told['sent']} sent"]
    words += [f"{told[name]} {name}" for name in ("failed", "waiting", "dropped") if told[name]]
    return [", ".join(words) + (f" ({told['trouble']})" if told["trouble"] else "")]
