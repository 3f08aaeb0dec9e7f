"""The exchange's wallet and the bot's books: what stops while they differ, and whose money others' trades move."""

from decimal import Decimal

from msgspec.structs import replace

from gridbot_tui.engine.events import Fill
from gridbot_tui.units import MINUTE, Side
from tests.engine.tape import flat
from tests.engine.test_edges import grid, resting
from tests.simulation.rig import Rig

D = Decimal


def holding() -> Rig:
    """A long grid that holds two lots, with exits above and entries below."""
    rig = grid((600_000, 602_000, 589_000, 600_000), *[flat(600_000)] * 20)
    rig.run(until=rig.source.start + 3 * MINUTE)
    assert {side for side, _ in resting(rig)} == {Side.BUY, Side.SELL}
    return rig


def changed_untold(rig: Rig, amount: str) -> None:
    """Money of the wallet comes or goes, and nothing that the exchange tells says why."""
    rig.world.exchange.account.credit("USDT", D(amount))
    asked_again(rig)


def asked_again(rig: Rig) -> None:
    """The exchange states what there is."""
    rig.bot.reconcile(rig.engine.now)
    rig.settle()


def test_a_wallet_that_differs_for_half_a_minute_stops_entries_until_it_ties_out_and_exits_stay() -> None:
    rig = holding()
    rig.checking = False  # the books differ
    before, blockers = resting(rig), rig.engine.desk.blockers
    changed_untold(rig, "-3.25")
    assert not blockers.holds("", "residual")  # the event that explains it may be on its way
    rig.run(until=rig.world.now + MINUTE)
    asked_again(rig)
    (told,) = [one for one in blockers.every() if one.code == "residual"]
    assert told.detail == "the wallet differs from the ledger by -3.25 USDT"
    assert resting(rig) == [one for one in before if one[0] is Side.SELL]
    changed_untold(rig, "3.25")
    assert not blockers.holds("", "residual")
    assert resting(rig) == before
    said = [note.detail for note in rig.memory.notes if note.code == "residual"]
    assert said == [told.detail, "the ledger ties out with the exchange again"]


def test_what_a_trade_in_a_symbol_that_is_not_traded_brings_and_costs_is_no_result_of_the_bots() -> None:
    rig = holding()
    rig.checking = False  # that world has one symbol
    ledger = rig.engine.desk.ledger
    pnl, nav, wallet = ledger.pnl(), ledger.capital.value(ledger.equity_quick() or D(0)), ledger.wallet
    lost = D("-20")
    trade = Fill(rig.world.now, "ETHUSDT", "web_1", "77", Side.SELL, 30_000, 5, D("0.4"), "USDT", False, lost, False)
    for _ in range(2):  # heard twice, booked once
        rig.bot.receive(trade)
    assert ledger.wallet == wallet - D("20.4")
    assert ledger.pnl() == replace(pnl, transfers=D("-20.4"))
    assert ledger.capital.value(ledger.equity_quick() or D(0)) == nav
