"""The engine as the last process left it: the newest snapshot that can be read, and the facts since."""

from collections.abc import Collection, Mapping

from gridbot_tui.engine.actions import OrderFact
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import OrderReport, Outcome
from gridbot_tui.engine.regrid import moved, written_in
from gridbot_tui.ledger.model import LedgerError
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.store.core import Store, last_of
from gridbot_tui.store.errors import damaged, other_version
from gridbot_tui.units import Symbol, plain


def restore_engine(engine: Engine, store: Store) -> bool:
    """Bring the engine to where the journal ends; False for a profile in which nothing was ever written.

    A snapshot of another version is passed over: the facts since an older one, or all of them, lead to the same.
    Facts are in the ticks and steps of the snapshot before them: where the exchange has changed those meanwhile, they
    are applied in the old ones, and the outcome is put into the new ones and kept as the snapshot for what follows.

    Raises:
        StoreDamaged: the journal cannot be read, or contradicts itself.
        StoreTooNew: another version wrote it, or all of its snapshots, and what was before them is let go of.
        LedgerError: something held does not lie on the new grid.
    """
    restored = store.load()
    if restored is None:
        return False
    left_out = _left_out(engine, store)
    seq, then = 0, _with(engine, left_out)
    unknown: ValueError | None = None
    for saved in restored.states:
        try:
            then = _with(engine, {**left_out, **moved(written_in(saved.blob), engine.desk.instruments)})
            then.restore(saved.blob)
        except ValueError as error:
            then, unknown = _with(engine, left_out), unknown or error
            continue
        seq = saved.seq
        break
    else:
        if unknown is not None and not store.is_whole():
            raise other_version(store.path, f"its snapshots cannot be read: {unknown}") from unknown
    for number, fact in enumerate(restored.facts_after(seq), start=seq + 1):
        try:
            then.apply(fact)
        except LedgerError:
            raise
        except Exception as error:  # every fact followed from the ones before it when it was written
            wrong = f"journal entry {number}, a {type(fact).__name__}, does not follow from those before it: {error!r}"
            raise damaged(store.path, wrong) from error
    _end_orders(then, store, left_out)
    if then is not engine:
        engine.restore(then.encode_state())
        store.save_state(store.last_seq, engine.now, engine.encode_state())
    if not store.was_clean:
        engine.desk.ids.leap()  # while the disk fails orders leave whose ids nobody remembers
    return True


def refuse_held(engine: Engine) -> None:
    """Raise LedgerError where something is held in a symbol that this run goes without."""
    for symbol, book in engine.desk.ledger.books.items():
        if symbol not in engine.desk.symbols and book.position:
            held = plain(book.instrument.quantity(book.position))
            raise LedgerError(
                f"{symbol} is not listed on Binance any more, and the ledger holds {held} of it that no order can close"
            )


def _left_out(engine: Engine, store: Store) -> dict[Symbol, Instrument]:
    """What the profile has traded and this run does not: its facts are of it all the same."""
    known = last_of(store.instruments())
    return {name: one for name, one in known.items() if name not in engine.desk.instruments}


def _with(engine: Engine, others: Mapping[Symbol, Instrument]) -> Engine:
    """The engine itself, or one that has these instruments besides its own, or in their place."""
    return Engine(engine.desk.config, {**engine.desk.instruments, **others}) if others else engine


def _end_orders(engine: Engine, store: Store, left_out: Collection[Symbol]) -> None:
    """Where a symbol is listed no more its orders have ended, and nobody can be asked about them."""
    why = "the symbol is not listed any more"
    ended = [
        OrderFact(engine.now, OrderReport(engine.now, one.symbol, one.client_id, Outcome.EXPIRED, detail=why))
        for one in (live.order for live in engine.desk.orders.all_live())
        if one.symbol in left_out
    ]
    if ended:
        store.append(ended)
    for fact in ended:
        engine.apply(fact)
