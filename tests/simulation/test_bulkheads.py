"""One symbol in trouble is no reason for another to wait."""

from collections import Counter

from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.port import AskFills, AskOrder, Cancel, Place, Request
from gridbot_tui.exchange.simulated.faults import Fate
from gridbot_tui.units import HOUR, Market, Ms, Symbol
from tests.simulation.market import RandomMarket, Weather
from tests.simulation.rig import Rig


class OneSymbolLost:
    """Every request about one symbol is lost; the exchange refuses nothing and the rest works."""

    active = True
    timeout: Ms = 10_000

    def __init__(self, symbol: Symbol) -> None:
        self._symbol = symbol
        self.broken = False
        self.injected: Counter[str] = Counter()

    def request(self, request: Request, at: Ms) -> Fate:
        named = request.order.symbol if isinstance(request, Place) else getattr(request, "symbol", "")
        about = isinstance(request, Place | Cancel | AskOrder) and named == self._symbol
        return Fate.DROP if self.broken and about else Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        return (0,)


def orders_of(rig: Rig, symbol: Symbol, since: Ms) -> list[tuple[Ms, int, int, int]]:
    """When which order of a symbol stood on the exchange: everything it ever traded or has open."""
    history = rig.world.exchange.history
    traded = [(t.at, int(t.side), t.price, t.steps) for t in history.trades[symbol] if t.at >= since]
    standing = [(0, int(o.side), o.price or 0, 0) for o in history.open.values() if o.symbol == symbol]
    return sorted(traded) + sorted(standing)


def test_a_symbol_whose_every_request_is_lost_delays_no_order_of_another() -> None:
    rigs = []
    for broken in (False, True):
        source = RandomMarket(9, 2, market=Market.FUTURES, days=1, weather=Weather(sigma_hour=0.015))
        lost, well = sorted(source.instruments)
        faults = OneSymbolLost(lost)
        rig = Rig(source, seed=9, faults=faults, check=False, tick_every=30_000)
        rig.run(until=source.trading_from + HOUR)
        began = rig.world.now
        faults.broken = broken
        rig.run(until=source.trading_from + 5 * HOUR)
        rigs.append(rig)
    whole, hurt = (orders_of(rig, well, began) for rig in rigs)
    assert [one[0] for one in whole if one[0]] == [one[0] for one in hurt if one[0]]
    assert len(whole) > 3
    desk = rigs[1].engine.desk
    assert not desk.no_new_risk(well)
    assert desk.blockers.holds(lost, "unresolved") or desk.blockers.holds(lost, "exchange_errors")


def test_a_symbol_without_data_holds_up_nobody_else_and_says_so() -> None:
    source = RandomMarket(9, 2, market=Market.FUTURES, days=1, weather=Weather(sigma_hour=0.015))
    silent, well = sorted(source.instruments)
    rig = Rig(source, seed=9, check=False)
    rig.run(until=source.trading_from + HOUR)
    deaf = rig.engine.desk.symbols[silent]
    deaf.mark_at -= 10 * HOUR
    receive = rig.bot.receive

    def without(incoming: object) -> None:
        bars = getattr(incoming, "bars", None)
        if bars is not None and type(incoming).__name__ == "BarsClosed":
            incoming = type(incoming)(incoming.at, tuple(one for one in bars if one[0] != silent))  # type: ignore[attr-defined,call-arg]
        receive(incoming)  # type: ignore[arg-type]

    rig.bot.receive = without  # type: ignore[method-assign]
    before = len(rig.world.exchange.history.trades[well])
    rig.run(until=source.trading_from + 22 * HOUR)
    assert rig.engine.desk.blockers.holds(silent, "stale_mark")
    assert not rig.engine.desk.blockers.holds(well, "stale_mark")
    assert any(order.symbol == well for order in rig.world.exchange.history.open.values())
    assert len(rig.world.exchange.history.trades[well]) > before


class NoListsOfFills:
    """From now on the exchange answers no question for fills; the first cancel is lost."""

    active = True
    timeout: Ms = 10_000

    def __init__(self) -> None:
        self.broken = False
        self.lost = ""
        self.sent: list[Ms] = []
        self.injected: Counter[str] = Counter()

    def request(self, request: Request, at: Ms) -> Fate:
        if self.broken and isinstance(request, AskFills):
            return Fate.DROP
        if not self.broken or not isinstance(request, Cancel) or request.conditional:
            return Fate.PASS
        self.lost = self.lost or request.client_id
        if request.client_id == self.lost:
            self.sent.append(at)
        return Fate.DROP if len(self.sent) == 1 else Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        return (0,)


def test_a_cancel_that_was_lost_is_sent_again_although_no_list_of_fills_is_to_be_had() -> None:
    source = RandomMarket(9, 1, market=Market.FUTURES, days=1, weather=Weather(sigma_hour=0.015))
    faults = NoListsOfFills()
    rig = Rig(source, seed=9, faults=faults, check=False, tick_every=5_000)
    rig.run(until=source.trading_from + HOUR)
    faults.broken = True
    rig.run(until=rig.world.now + 6 * HOUR)
    first, again = faults.sent[:2]
    assert again - first < 2 * faults.timeout
    standing = {order.client_id for order in rig.world.exchange.history.open.values()}
    assert faults.lost not in standing
