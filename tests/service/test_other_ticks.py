"""A start after the exchange has changed a tick size or step: everything is where it was, counted anew."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import AccountState, BarsClosed, Fill, OpenOrders, Quote, RecoveryDone
from gridbot_tui.ledger.model import LedgerError
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.service.assemble import engine_config
from gridbot_tui.service.books.profile import named
from gridbot_tui.service.books.restore import restore_engine
from gridbot_tui.service.venues.venue_open import _as_begun
from gridbot_tui.settings.load import load_text
from gridbot_tui.store.core import Store
from gridbot_tui.store.identity import Identity
from gridbot_tui.units import MINUTE, Market, Mode, Side

BTC = builtin(Market.FUTURES)["BTCUSDT"]
CONFIG = """
[bot]
symbols = ["BTCUSDT"]
[ladder]
kind = "arithmetic"
[ladder.plain]
side = "neutral"
levels = 11
"""
AT = 1_789_999_200_000
PRICE = 600_000


def engine(instrument: Instrument) -> Engine:
    settings = load_text(CONFIG, None, {}, ()).settings
    return Engine(engine_config(settings, 1, Mode.TESTNET, {"BTCUSDT": instrument}), {"BTCUSDT": instrument})


def store(home: Path) -> Store:
    identity = Identity(Mode.TESTNET, Market.FUTURES, "main", "USDT")
    return Store.open(home / "gridbot.db", durable=False, identity=identity)


def lived(home: Path, *, snapshot_first: bool) -> Engine:
    """An engine with orders and a lot, written down: all of it in the snapshot, or the end in facts alone."""
    one, kept = engine(BTC), store(home)
    bar = Bar(AT - MINUTE, MINUTE, PRICE, PRICE, PRICE, PRICE, 1.0, PRICE, PRICE, PRICE)
    early = [
        AccountState(AT, {"USDT": Decimal(10_000)}, ()),
        OpenOrders(AT, ()),
        RecoveryDone(AT),
        BarsClosed(AT, (("BTCUSDT", bar),)),
        Quote(AT + 1, "BTCUSDT", PRICE - 1, PRICE + 1, PRICE, PRICE),
    ]
    one.begin_recovery(AT)
    written = 0

    def feed(*events: object) -> None:
        nonlocal written
        for event in events:
            facts = [action for action in one.handle(event) if hasattr(action, "at")]  # type: ignore[arg-type]
            if facts:
                kept.append(facts)  # type: ignore[arg-type]

    feed(*early)
    live = [order for order in one.desk.orders.all_live() if order.order.side is Side.BUY]
    assert live, one.desk.blockers.ranked()
    if snapshot_first:
        kept.save_state(kept.last_seq, one.now, one.encode_state())
    nearest = max(live, key=lambda order: order.order.price or 0).order
    feed(Fill(AT + 5_000, "BTCUSDT", nearest.client_id, "1", Side.BUY, nearest.price or 0, nearest.steps,
              Decimal("0.1"), "USDT", True, Decimal(0)))  # fmt: skip
    if not snapshot_first:
        kept.save_state(kept.last_seq, one.now, one.encode_state())
    kept.close()
    return one


def told(one: Engine) -> tuple[object, ...]:
    """What matters, in quote."""
    instrument = one.desk.instruments["BTCUSDT"]
    state = one.desk.symbols["BTCUSDT"]
    price = instrument.price
    lots = [(price(lot.price), instrument.quantity(lot.steps)) for lot in one.desk.ledger.book("BTCUSDT").lots]
    orders = sorted(
        (live.order.client_id, price(live.order.price or 0), instrument.quantity(live.remaining))
        for live in one.desk.orders.all_live()
    )
    return lots, orders, price(state.close or 0), [price(p) for p in state.touch or ()], one.desk.ledger.wallet


@pytest.mark.parametrize("snapshot_first", [False, True], ids=["in the snapshot", "in facts after it"])
@pytest.mark.parametrize(
    "change", [{"tick": Decimal("0.01")}, {"step": BTC.step / 10}], ids=["finer tick", "finer step"]
)
def test_everything_is_where_it_was(tmp_path: Path, change: dict[str, Decimal], snapshot_first: bool) -> None:
    before = told(lived(tmp_path, snapshot_first=snapshot_first))
    assert before[0], "a lot"
    assert before[1], "and orders"
    for _ in range(2):  # and what the first start has written is read again
        after, kept = engine(replace(BTC, **change)), store(tmp_path)
        assert restore_engine(after, kept)
        kept.close()
        assert told(after) == before


def test_a_paper_account_keeps_the_ticks_it_began_with(tmp_path: Path) -> None:
    profile = named(tmp_path, "paper-futures-main-usdt")
    profile.database.parent.mkdir(parents=True)
    finer = {"BTCUSDT": replace(BTC, tick=Decimal("0.01"), max_orders=100)}
    assert _as_begun(finer, profile) == finer, "it has not run yet"
    kept = Store.open(profile.database, durable=False,
                      identity=Identity(Mode.PAPER, Market.FUTURES, "main", "USDT"))  # fmt: skip
    kept.remember_instruments(AT, [BTC])
    kept.close()
    assert _as_begun(finer, profile) == {"BTCUSDT": BTC}
    same = {"BTCUSDT": replace(BTC, max_orders=100)}
    assert _as_begun(same, profile) == same


def test_a_lot_off_the_new_grid_is_said_and_not_rounded(tmp_path: Path) -> None:
    lived(tmp_path, snapshot_first=False)
    with pytest.raises(LedgerError, match="no multiple of the exchange's new size"):
        restore_engine(engine(replace(BTC, tick=Decimal(7_000))), store(tmp_path))
