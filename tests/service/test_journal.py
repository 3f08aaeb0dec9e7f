"""The journal of virtual time where the disk comes and goes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.engine import actions as a
from gridbot_tui.engine.events import Tick
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import get_logger
from gridbot_tui.service.books import journal
from gridbot_tui.service.books.journal import InlineJournal
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.units import MINUTE
from tests.engine.tape import flat
from tests.engine.test_edges import grid
from tests.store import making


def test_what_waited_for_the_disk_is_followed_by_the_state_as_it_then_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "TRY_AGAIN_S", 0.0)
    store = making.store(tmp_path)
    whole, saved, broken = store.append, store.save_state, [True, True]

    def append(facts: Sequence[a.Fact], **more: Any) -> int:
        if broken[0]:
            raise StoreUnavailable("full")
        return whole(facts, **more)

    def save_state(*words: Any) -> None:
        if broken[1]:
            raise StoreUnavailable("full")
        saved(*words)

    monkeypatch.setattr(store, "append", append)
    monkeypatch.setattr(store, "save_state", save_state)
    audit = AuditTrail(tmp_path / "audit.jsonl", at=0, durable=False)
    one = InlineJournal(
        store, audit, Feed(), lambda _: None, get_logger("test"), {}, lambda: b"after the reset", 10**9
    )
    weights = making.weights(3)
    one.commit([making.intent(1)], lambda: None)
    one.commit([weights], lambda: None)
    assert one.failing
    broken[0] = False
    one.flush()
    assert not one.failing
    restored = store.load()
    assert restored is not None
    assert not restored.states  # written, but not yet explained
    one.commit([making.cash(4)], lambda: None)
    restored = store.load()
    assert restored is not None
    assert restored.states[0].blob == b"after the reset"
    broken[:] = [True, False]
    one.commit([weights], lambda: None)
    broken[0] = False
    one.flush()
    restored = store.load()
    assert restored is not None
    assert list(restored.facts_after(restored.states[0].seq)) == []
    audit.close()
    store.close()


def test_what_waits_for_the_disk_is_tried_again_as_time_passes_not_only_with_the_next_fact() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    tried: list[int] = []

    def flush() -> None:
        tried.append(rig.engine.now)
        rig.memory.failing = ""

    rig.memory.flush = flush  # type: ignore[method-assign]
    rig.memory.failing = "the disk is full"
    rig.bot.receive(Tick(rig.world.now + 1_000))
    assert tried
    tried.clear()
    rig.bot.receive(Tick(rig.world.now + 2_000))
    assert not tried
