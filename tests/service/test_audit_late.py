"""Audit lines that a kill kept from being written."""

from pathlib import Path

import pytest

from gridbot_tui.engine.actions import Fact
from gridbot_tui.ops.audit import AuditTrail, audit_of, verify
from gridbot_tui.ops.verify import last_lines
from gridbot_tui.service.books import audit_late
from gridbot_tui.service.books.audit_late import write_late
from tests.store import making as m

FACTS: list[Fact] = [fact for n in range(1, 8) for fact in (m.intent(n), m.cash(n))]


def lived(folder: Path, told: int, written: int = len(FACTS)) -> AuditTrail:
    """The trail of a process that was killed when so many facts were told, and so many in the state file."""
    store = m.store(folder)
    store.append(FACTS[:written])
    store.connection.close()
    trail = AuditTrail(folder / "audit.jsonl", at=1)
    for fact in FACTS[:told]:
        tell(trail, fact)
    trail.write("command", 2, {"kind": "pause"})  # what an operator does is told at once
    return trail


def tell(trail: AuditTrail, fact: Fact) -> None:
    audited = audit_of(fact)
    assert audited is not None
    trail.write(audited[0], fact.at, audited[1])


def kinds(trail: AuditTrail) -> list[str]:
    return [line.kind for line in last_lines(trail.path)]


@pytest.mark.parametrize("told", [1, 9, 13])
def test_what_was_durable_and_not_told_is_written_at_the_next_start(tmp_path: Path, told: int) -> None:
    trail = lived(tmp_path, told)
    whole = AuditTrail(tmp_path / "whole.jsonl", at=1)
    for fact in FACTS:
        tell(whole, fact)
    assert write_late(trail, m.store(tmp_path), 9) == len(FACTS) - told
    lines = [line for line in last_lines(trail.path) if line.kind not in ("command", "late")]
    assert [(line.kind, line.at, line.body) for line in lines] == [
        (line.kind, line.at, line.body) for line in last_lines(whole.path)
    ]
    assert kinds(trail).count("late") == 1
    assert verify(trail.path).ok
    assert write_late(trail, m.store(tmp_path), 9) == 0, "and only once"


def test_a_process_that_was_killed_before_its_first_line_has_all_of_them_written(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append(FACTS)
    trail = AuditTrail(tmp_path / "audit.jsonl", at=1)
    assert write_late(trail, store, 9) == len(FACTS)
    assert verify(trail.path).ok


def test_a_loss_of_power_that_took_many_lines_is_looked_through_farther(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_late, "REACHES", (2, 20))
    assert write_late(lived(tmp_path, 3), m.store(tmp_path), 9) == len(FACTS) - 3


def test_nothing_is_made_up_where_the_trail_is_ahead_or_was_moved_away(tmp_path: Path) -> None:
    ahead = lived(tmp_path, told=6, written=4)
    assert write_late(ahead, m.store(tmp_path), 9) == 0, "the exchange is asked for what the state file lacks"
    ahead.close()
    anchor = ahead.head
    ahead.path.unlink()
    assert write_late(AuditTrail(ahead.path, at=1, anchor=anchor), m.store(tmp_path), 9) == 0
