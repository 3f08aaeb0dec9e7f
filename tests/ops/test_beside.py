"""Lines that a thread writes: a disk or a terminal that hangs holds up nobody."""

import threading
from pathlib import Path
from typing import Any

from gridbot_tui.ops import audit_aside, log
from gridbot_tui.ops.audit import AuditTrail, verify
from gridbot_tui.ops.audit_aside import AsideTrail
from gridbot_tui.ops.beside import Beside

PATIENCE_S = 60.0


def test_jobs_are_done_in_order_and_all_of_them_before_the_end() -> None:
    done: list[int] = []
    beside = Beside("test")
    for number in range(500):
        assert beside.put(lambda number=number: done.append(number))  # type: ignore[misc]
    assert beside.close(PATIENCE_S)
    assert done == list(range(500))
    assert not beside.put(lambda: None)


def test_a_job_that_hangs_holds_up_nobody_and_what_waits_is_bounded() -> None:
    hold, began = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        hold.wait(PATIENCE_S)

    beside = Beside("test", most=10)
    assert beside.put(hang)
    assert began.wait(PATIENCE_S)
    taken = [beside.put(lambda: None) for _ in range(30)]
    assert sum(taken) == 9
    assert beside.stuck_s > 0.0
    assert not beside.drain(0.0)
    hold.set()
    assert beside.close(PATIENCE_S)
    assert beside.stuck_s == 0.0


def test_a_job_that_raises_is_told_and_those_behind_it_are_done() -> None:
    done: list[int] = []
    beside = Beside("test")
    beside.put(lambda: done.append(1 // 0))
    beside.put(lambda: done.append(2))
    assert beside.close(PATIENCE_S)
    assert done == [2]
    assert "ZeroDivisionError" in beside.defect


def test_an_audit_trail_beside_is_the_same_trail_and_says_when_its_disk_does_not_answer(
    tmp_path: Path, monkeypatch: Any
) -> None:
    hold, began = threading.Event(), threading.Event()
    trail = AuditTrail(tmp_path / "audit.jsonl", at=0, durable=False)
    aside = AsideTrail(trail, lambda text: None)
    whole = trail._write

    def slow(data: bytes, size: int) -> None:
        began.set()
        hold.wait(PATIENCE_S)
        whole(data, size)

    monkeypatch.setattr(trail, "_write", slow)
    for number in range(100):
        aside.write("intent", number, {"number": number})
    assert began.wait(PATIENCE_S)
    assert aside.head.seq == 0, "the caller has not waited"
    monkeypatch.setattr(audit_aside, "STUCK_S", 0.0)
    assert "100 audit lines wait" in aside.failing
    monkeypatch.setattr(audit_aside, "STUCK_S", 5.0)
    hold.set()
    aside.close()
    assert (aside.head.seq, aside.failing) == (100, "")
    assert verify(tmp_path / "audit.jsonl").ok


class Held:
    """A terminal that is held with Ctrl+S."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = threading.Event()
        self.lines: list[str] = []

    def write(self, text: str) -> int:
        self.asked.set()
        self.go.wait(PATIENCE_S)
        self.lines.append(text)
        return len(text)

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return False


def test_a_terminal_that_is_held_keeps_neither_the_caller_nor_the_log_file(tmp_path: Path) -> None:
    held: Any = Held()
    log.configure(file=tmp_path / "gridbot.log", terminal=held, beside=True)
    logger = log.get_logger("test")
    logger.info("first")
    assert held.asked.wait(PATIENCE_S)
    for number in range(2 * log.MOST_SHOWN):
        logger.info(f"line {number}")
    lost = log.lost_lines()
    held.go.set()
    log.close()
    assert len((tmp_path / "gridbot.log").read_text().splitlines()) == 2 * log.MOST_SHOWN + 1
    assert lost == 0, "what a held terminal does not show is in the file"
