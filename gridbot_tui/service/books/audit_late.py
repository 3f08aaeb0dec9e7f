"""Audit lines of facts that were durable when the process was killed, and not yet told: written at the next start.

Facts are told a moment after the orders that waited for them have left, and a thread writes the lines. Both are in
one order, so what is missing is what follows, in the journal, the fact of the trail's last line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from gridbot_tui.ops.audit import OF_FACTS, AuditTrail, audit_of
from gridbot_tui.ops.verify import last_lines
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreUnusable
from gridbot_tui.units import Ms

REACHES: Final = (500, 20_000)
"""Facts that are looked through: what a kill leaves behind, and what a loss of power does."""

_Line = tuple[str, Ms, dict[str, Any]]


def write_late(trail: AuditTrail, store: Store, at: Ms) -> int:
    """Write what is missing behind a line that says so; how many. ``at``: the time of that line."""
    last = next((line for line in reversed(last_lines(trail.path)) if line.kind in OF_FACTS), None)
    if last is None and trail.head.seq:
        return 0  # a trail that was moved away is not made up
    told: _Line | None = None if last is None else (last.kind, last.at, last.body)
    for reach in REACHES:
        try:
            facts = store.facts_until(store.last_seq, reach)
        except StoreUnusable:
            return 0  # what the start itself needs can be read, older entries only explain
        lines = [(kind[0], fact.at, _plain(kind[1])) for fact in facts if (kind := audit_of(fact)) is not None]
        missing = _after(lines, told)
        if missing is not None:
            return _write(trail, at, missing)
    return 0


def has_facts(path: Path) -> bool:
    """True where an audit trail tells of a life that was remembered in a state file."""
    return any(line.kind in OF_FACTS for line in last_lines(path))


def _after(lines: Sequence[_Line], told: _Line | None) -> Sequence[_Line] | None:
    """The lines behind the one that was told last (None: all of them); None where it is not among them."""
    if told is None:
        return lines
    for index in range(len(lines) - 1, -1, -1):
        if lines[index] == told:
            return lines[index + 1 :]
    return None


def _write(trail: AuditTrail, at: Ms, missing: Sequence[_Line]) -> int:
    if missing:
        trail.write("late", at, {"lines": len(missing), "text": "what follows happened before the process ended"})
    for kind, when, body in missing:
        trail.write(kind, when, body)
    return len(missing)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """As it is read back from the trail."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body, enc_hook=str))
    return plain
