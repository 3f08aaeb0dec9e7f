"""What was earned today and in seven days: of trading alone, and the same number however long the bot has lived."""

from contextlib import closing
from decimal import Decimal as D
from pathlib import Path

from gridbot_tui.engine.actions import CashFact, EquityFact, Fact
from gridbot_tui.engine.events import Cash, CashKind
from gridbot_tui.ledger import Ledger
from gridbot_tui.service.operator.lately import Lately
from gridbot_tui.service.operator.picture import Recent
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms
from tests.store import making as m

MIDNIGHT: Ms = m.T0 - m.T0 % DAY + DAY
QUARTER = 15 * MINUTE
LEDGER = Ledger(Market.FUTURES, "USDT", {})
LEDGER.start(0, {"USDT": D(10_000)})


def transfer(at: Ms, amount: str, asset: str = "USDT") -> CashFact:
    return CashFact(at, Cash(at, CashKind.TRANSFER, asset, D(amount), f"t{at}{asset}"))


def point(at: Ms, equity: str) -> EquityFact:
    return m.equity(at, equity)


def test_a_deposit_is_no_profit_of_the_day() -> None:
    lately = Lately()
    lately.point(MIDNIGHT, D(10_000))
    lately.transfer("USDT", D(5_000))
    lately.transfer("BTC", D(3))
    assert lately.earned(MIDNIGHT, D(15_007), LEDGER) == D(7)
    lately.point(MIDNIGHT + HOUR, D(15_007))
    assert lately.earned(MIDNIGHT + HOUR, D(15_000), LEDGER) == D(-7)
    assert lately.earned(MIDNIGHT - 1, D(15_000), LEDGER) is None


def test_a_deposit_that_is_booked_after_a_younger_point_counts_from_there_on() -> None:
    recent = Lately()
    recent.point(MIDNIGHT, D(100))
    recent.transfer("USDT", D(50))  # of before midnight, heard of after it
    assert recent.earned(MIDNIGHT, D(150), LEDGER) == D(0)


def test_a_withdrawal_of_what_lies_beside_the_capital_is_no_profit_of_the_day() -> None:
    ledger, lately = Ledger(Market.FUTURES, "USDT", {}), Lately()
    ledger.start(0, {"USDT": D(10_000)}, D(3_000))
    lately.point(MIDNIGHT, D(3_000))
    for at, amount, left in ((1, -6_000, 3_000), (2, -2_000, 2_000), (3, 9_000, 4_000)):
        ledger.cash(Cash(at, CashKind.TRANSFER, "USDT", D(amount), f"t{at}"))
        lately.transfer("USDT", D(amount))
        assert ledger.equity_quick() == left
        assert lately.earned(MIDNIGHT, D(left + 7), ledger) == 7


def test_the_day_begins_at_its_midnight_however_long_the_curve_is_and_after_a_restart(tmp_path: Path) -> None:
    first = MIDNIGHT - 40 * DAY
    with closing(m.store(tmp_path)) as store:
        alive = Recent(store)
        for at in range(first, MIDNIGHT + 9 * HOUR + 1, QUARTER):
            facts: list[Fact] = [point(at, str(10_000 + (at - MIDNIGHT) // MINUTE))]
            if at == MIDNIGHT + 3 * HOUR:
                facts.insert(0, transfer(at, "-2000"))
            store.append(facts)
            alive.take(facts)
        now = D(10_000 + 9 * 60 - 2_000)
        for recent in (alive, Recent(store)):
            assert recent.lately.earned(MIDNIGHT, now, LEDGER) == D(9 * 60)
            assert recent.lately.earned(MIDNIGHT + 9 * HOUR - 7 * DAY, now, LEDGER) == D(7 * 24 * 60)
