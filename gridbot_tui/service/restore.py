"""The engine as the last process left it: the newest snapshot that can be read, and the facts since."""

from gridbot_tui.engine.core import Engine
from gridbot_tui.store.core import Store


def restore_engine(engine: Engine, store: Store) -> bool:
    """Bring the engine to where the journal ends; False for a profile in which nothing was ever written.

    A snapshot of another version is passed over: the facts since an older one, or all of them, lead to the same.

    Raises:
        StoreDamaged: the journal cannot be read.
    """
    restored = store.load()
    if restored is None:
        return False
    seq = 0
    for saved in restored.states:
        try:
            engine.restore(saved.blob)
        except ValueError:
            continue
        seq = saved.seq
        break
    for fact in restored.facts_after(seq):
        engine.apply(fact)
    if not store.was_clean:
        engine.desk.ids.leap()  # while the disk fails orders leave whose ids nobody remembers
    return True
