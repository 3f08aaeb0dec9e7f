"""``gridbot why``: why something is not done, and when it will be."""

from typing import Any

import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, TimeoutOption, where
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.control.status import status_document

_ASIDE = ("blocked", "unresolved", "crossed", "waiting")
"""Slots in which no order rests, the most telling first."""


def why(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = talk.QUESTION_S,
) -> None:
    """Say why something is not done: blockers, the most severe first, and orders that are withheld.

    Example: gridbot why
    """
    at = where(ctx, home, profile, json)
    document = reasons(talk.snapshot_of(at, timeout))
    if at.json:
        output.document(document)
    else:
        print("\n".join(lines(document)), flush=True)


def reasons(snapshot: Snapshot) -> dict[str, Any]:
    """State, ranked blockers, slots without an order, and the last decision of each symbol."""
    document = status_document(snapshot)
    decisions = {view.symbol: view for view in sorted(snapshot.decisions, key=lambda view: view.at)}
    return {
        "profile": snapshot.profile,
        "state": snapshot.state,
        "blockers": document["blockers"],
        "breakers": [one for one in document["breakers"] if one["state"] == "open"],
        "withheld": [
            {
                "symbol": name,
                "side": rung.side,
                "price": rung.price,
                "quantity": rung.quantity,
                "state": rung.state,
                "reason": rung.reason,
            }
            for name in sorted(snapshot.symbols)
            for rung in sorted(snapshot.symbols[name].ladder, key=_rank)
            if rung.state in _ASIDE
        ],
        "decisions": [
            {"symbol": one.symbol, "at": one.at, "decided": one.decided, "rule": one.rule}
            for _, one in sorted(decisions.items())
        ],
    }


def _rank(rung: Any) -> int:
    return _ASIDE.index(rung.state) if rung.state in _ASIDE else len(_ASIDE)


def lines(document: dict[str, Any]) -> list[str]:
    """The answer for a person."""
    found = [f"{document['profile']} is {document['state']}"]
    blockers = document["blockers"]
    if blockers:
        rows = [
            (rank, one["code"], one["symbol"], output.moment(one["since"]), one["detail"], one["clears_when"])
            for rank, one in enumerate(blockers, 1)
        ]
        found += [
            "",
            *output.table(("", "blocker", "symbol", "since (UTC)", "detail", "clears when"), rows, left=6),
        ]
    else:
        found.append("nothing is held back by a rule")
    if document["breakers"]:
        keys = ("name", "level", "symbol", "reason", "resets_when")
        tripped = [(*(one[key] for key in keys), output.moment(one["since"])) for one in document["breakers"]]
        heads = ("breaker", "level", "symbol", "reason", "resets", "open since (UTC)")
        found += ["", *output.table(heads, tripped, left=6)]
    if document["withheld"]:
        names = ("symbol", "side", "price", "quantity", "state", "reason")
        aside = [tuple(one[name] for name in names) for one in document["withheld"]]
        found += ["", "orders that do not rest:", *output.table(names, aside, left=6)]
    if document["decisions"]:
        last = [(one["symbol"], output.moment(one["at"]), one["decided"], one["rule"]) for one in document["decisions"]]
        found += ["", *output.table(("symbol", "decided at (UTC)", "decided", "rule"), last, left=4)]
    return found
