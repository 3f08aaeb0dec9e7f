"""The engine as the last process left it: the newest snapshot that can be read, and the facts since."""

from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.regrid import moved, written_in
from gridbot_tui.store.core import Store


def restore_engine(engine: Engine, store: Store) -> bool:
    """Bring the engine to where the journal ends; False for a profile in which nothing was ever written.

    A snapshot of another version is passed over: the facts since an older one, or all of them, lead to the same.
    Facts are in the ticks and steps of the snapshot before them: where the exchange has changed those meanwhile, they
    are applied in the old ones, and the outcome is put into the new ones and kept as the snapshot for what follows.

    Raises:
        StoreDamaged: the journal cannot be read.
        LedgerError: something held does not lie on the new grid.
    """
    restored = store.load()
    if restored is None:
        return False
    seq, then = 0, engine
    for saved in restored.states:
        try:
            then = _of_its_time(engine, saved.blob)
            then.restore(saved.blob)
        except ValueError:
            then = engine
            continue
        seq = saved.seq
        break
    for fact in restored.facts_after(seq):
        then.apply(fact)
    if then is not engine:
        engine.restore(then.encode_state())
        store.save_state(restored.last_seq, engine.now, engine.encode_state())
    if not store.was_clean:
        engine.desk.ids.leap()  # while the disk fails orders leave whose ids nobody remembers
    return True


def _of_its_time(engine: Engine, blob: bytes) -> Engine:
    """The engine itself, or one on the grid that a snapshot was written on."""
    now = engine.desk.instruments
    old = moved(written_in(blob), now)
    return Engine(engine.desk.config, {**now, **old}) if old else engine
