"""The state file is gone: what the account holds is adopted from the exchange alone, to the last digit."""

from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.engine.events import AccountState, Cash, CashKind, Fill
from gridbot_tui.service.books.profile import named
from gridbot_tui.service.dialogs.adopting import begins_at, first_statement, since_flat
from gridbot_tui.units import Side
from tests.service.living import NAME, Living, contradictions, live_once, options
from tests.service.wire_scene import Scene, live_through

BTC = "BTCUSDT"


def fill(number: int, steps: int, *, ours: bool = True) -> Fill:
    """A fill of signed steps; what it realised and cost is told by its number."""
    side = Side.BUY if steps > 0 else Side.SELL
    realised, fee = Decimal(number), Decimal(number) / 100
    return Fill(1_000 * number, BTC, "", str(number), side, 1, abs(steps), fee, "USDT", True, realised, ours=ours)


@given(st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=40), st.data())
def test_a_position_begins_where_it_was_last_flat(moves: list[int], data: st.DataObject) -> None:
    known = data.draw(st.integers(0, len(moves) - 1))  # the lists do not reach back to the first
    fills = [fill(number, steps) for number, steps in enumerate(moves, 1)]
    position = sum(moves)
    if not position:
        return
    flat = [at for at in range(known, len(moves)) if sum(moves[at:]) == position]
    found = since_flat(fills[known:], position)
    if not flat:
        assert found is None
        return
    assert found is not None
    assert found.fills == tuple(fills[flat[-1] :])
    assert found.after == (str(flat[-1]) if flat[-1] > known else "")
    cash = Cash(5, CashKind.FUNDING, "USDT", Decimal("-0.5"), "f1", BTC)
    now = AccountState(99_000, {"USDT": Decimal(1_000), "BNB": Decimal(2)}, ())
    first = first_statement(now, begins_at([found]), [found], [cash], {BTC: "USDT"})
    assert first.at < found.fills[0].at
    after = first.balances["USDT"] + sum(one.realised - one.fee for one in found.fills) + cash.amount
    assert (after, first.balances["BNB"]) == (Decimal(1_000), Decimal(2))


def test_a_position_that_our_orders_had_no_part_in_is_not_adopted() -> None:
    assert since_flat([fill(1, 2, ours=False), fill(2, 1, ours=False)], 3) is None
    assert since_flat([fill(1, 2, ours=False), fill(2, 1)], 3) is not None


def lots(picture: Snapshot) -> dict[str, list[tuple[str, str, str]]]:
    return {
        name: sorted((lot.side, lot.quantity, lot.price) for lot in view.lots) for name, view in picture.symbols.items()
    }


def test_without_its_state_file_a_bot_has_the_same_lots_and_the_same_money_again(home: Path) -> None:
    before: list[Snapshot] = []

    async def until_something_is_held(bot: Living) -> None:
        for _ in range(200):
            if any(view.lots for view in bot.parts.picture.snapshot().symbols.values()):
                break
            await bot.days(1 / 24)
        before.append(bot.parts.picture.snapshot())
        bot.crash()

    live_once(options(home), until_something_is_held)
    folder = named(home, NAME).folder
    for path in folder.glob("gridbot.db*"):
        path.unlink()
    after: list[Snapshot] = []

    async def look(bot: Living) -> None:
        after.append(bot.parts.picture.snapshot())

    live_once(options(home, ("simulation.warmup_days", "0")), look)
    was, now = before[0], after[0]
    assert any(lots(was).values())
    assert lots(now) == lots(was)
    assert (now.wallet, now.residual) == (was.wallet, "0")
    assert not [one for one in now.blockers if one.code in ("position_unknown", "residual", "foreign_position")]
    assert all(view.stop is not None for view in now.symbols.values() if view.lots), "and they are protected"
    older = ("is not in the ledger", "cash differs")  # of a time before its first lot
    assert [one for one in contradictions(home) if not any(word in one for word in older)] == []


def test_over_binances_protocol_the_same_lots_come_back_and_can_be_closed(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.stir()
        await scene.until(lambda p: p.symbols[BTC].lots and bool(scene.stops()), "a position with its stop")
        await scene.agreed()
        was = scene.look()
        await scene.leave()
        for path in scene.profile.folder.glob("gridbot.db*"):
            path.unlink()
        await scene.start()
        await scene.trading()
        now = scene.look()
        assert lots(now) == lots(was)
        assert (now.wallet, now.residual) == (was.wallet, "0")
        assert (await scene.stop()).exit_code == 0
        assert (scene.standing(), scene.holds()) == ([], False)

    live_through(story, tmp_path)
