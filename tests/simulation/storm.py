"""A troubled life for a bot: operator, owner, latency, faults and death, all drawn from one seed."""

from decimal import Decimal
from random import Random
from typing import Any

from msgspec import Struct

from gridbot_tui.exchange.simulated.latency import DrawnLatency
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.research.simulation.levels import Level
from gridbot_tui.research.simulation.trouble import Trouble
from gridbot_tui.strategy.params import LadderParams, LeverageParams, PortfolioParams, StrategyParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.units import MINUTE, Market, Side
from tests.simulation.market import WARM_HOURS, RandomMarket, Weather
from tests.simulation.rig import Rig, config


class Troubles(Struct, frozen=True):
    """What may happen, as chances an event."""

    commands: float = 0.0
    owner: float = 0.0
    kills: float = 0.0
    """Chance a commit."""
    latency: bool = False
    faults: bool = False


BOLD = StrategyParams(
    leverage=LeverageParams(base=1.0),
    portfolio=PortfolioParams(gross=5.0, net=5.0, crash=0.5, cluster=1.0),
)
"""As much leverage as the parameters allow, so that gate, tiers and stops have work."""


FAULTS = Level(
    "storm",
    {
        "request_drop": 0.01, "request_lose": 0.02, "request_reject": 0.01,
        "event_lost": 0.01, "event_twice": 0.02, "event_late": 0.03,
    },
    {}, 0, 0.0,
)  # fmt: skip


def build(
    seed: int,
    *,
    market: Market = Market.FUTURES,
    symbols: int = 2,
    days: float = 4.0,
    troubles: Troubles | None = None,
    weather: Weather | None = None,
    strategy: StrategyParams | None = None,
    ladder: LadderParams | None = None,
    **changes: Any,
) -> "Storm":
    """A rig of a seed, with its troubles."""
    rng = Random(f"storm/{seed}")
    troubles = troubles or Troubles()
    weather = weather or Weather(
        sigma_hour=rng.choice((0.008, 0.012, 0.02)),
        drift_day=rng.choice((-0.08, -0.03, 0.0, 0.03, 0.08)),
        jumps_a_day=rng.choice((0.0, 0.5, 2.0)),
        holes_a_day=rng.choice((0.0, 0.0, 1.0)),
        volume=rng.choice((1e9, 1e9, 40.0)),
    )
    past = WARM_HOURS if ladder is None else 48  # a plain grid needs none, and trades in it
    source = RandomMarket(seed, symbols, market=market, days=days, weather=weather, warm_hours=past)
    fields: dict[str, Any] = {}
    if strategy is not None:
        fields["strategy"] = strategy
    if ladder is not None:
        fields["ladder"] = ladder
    engine = config(market, tuple(source.instruments), **fields, **changes)
    world: dict[str, Any] = {"seed": seed}
    if troubles.latency or troubles.faults:
        world["latency"] = DrawnLatency(seed)
        world["tick_every"] = 60_000
    if troubles.faults:
        world["faults"] = Trouble(seed, FAULTS)
    partial = rng.choice((0.0, 0.3))
    rig = Rig(
        source, market=market, engine=engine, exchange=ExchangeParams(partial_probability=partial),
        reconcile_every=15 * MINUTE, **world,
    )  # fmt: skip
    if troubles.faults:
        rig.patience = 20 * MINUTE
    if not troubles.kills:
        rig.memory.encode_state = None  # nobody will ask for it
    return Storm(rig, rng, troubles)


def plain(rng: Random, market: Market) -> LadderParams:
    """Some plain grid."""
    side = "long" if market is Market.SPOT else rng.choice(("long", "short", "neutral"))
    params = PlainParams(
        side=side,  # type: ignore[arg-type]
        levels=rng.randint(5, 16),
        range_below=rng.uniform(0.03, 0.15),
        range_above=rng.uniform(0.03, 0.15),
        leverage=rng.choice((0.5, 1.0, 2.0)),
        initial_inventory=rng.random() < 0.5,
        trailing_up=rng.random() < 0.5,
        trailing_down=rng.random() < 0.5,
        reinvest=rng.random() < 0.5,
    )
    return LadderParams(kind=rng.choice(("arithmetic", "geometric")), plain=params)


class Storm:
    """Steps a rig and lets things happen between the steps."""

    def __init__(self, rig: Rig, rng: Random, troubles: Troubles) -> None:
        self.rig = rig
        self.rng = rng
        self.troubles = troubles
        self.manual: dict[str, NewOrder] = {}
        """Orders by hand that were accepted and not cancelled by hand."""
        if troubles.kills:
            rig.memory.kill_at = lambda commit, sent: rng.random() < troubles.kills

    def run(self) -> None:
        """To the end of the market. Faults begin with trading: before it there is nothing but questions to lose."""
        rig, faults = self.rig, self.rig.world._faults
        active, faults.active = faults.active, False
        rig.run(until=rig.source.trading_from, each=self._between)  # type: ignore[attr-defined]
        faults.active = active
        rig.run(each=self._between)

    def _between(self) -> None:
        rig, rng = self.rig, self.rng
        if rig.world.now < rig.source.trading_from:  # type: ignore[attr-defined]
            return
        if rng.random() < self.troubles.commands:
            self._command()
        if rng.random() < self.troubles.owner:
            self._owner()
        if self.manual:
            self._look_after()

    def _command(self) -> None:
        rig, rng = self.rig, self.rng
        symbol = rng.choice(("", *rig.engine.symbols))
        what = rng.choices(
            ("pause", "resume", "flatten", "kill", "reset kill", "reset drawdown", "reset stop", "learning"),
            (3, 8, 2, 0.5, 3, 1, 2, 1),
        )[0]
        if what.startswith("reset"):
            rig.order("reset", symbol, what=what.split()[1])
        elif what == "learning":
            rig.order("learning", action=rng.choice(("freeze", "thaw", "reset")))
        elif what == "kill":
            rig.order("kill")
        else:
            rig.order(what, symbol)

    def _owner(self) -> None:
        rig, rng = self.rig, self.rng
        owner, exchange = rig.world.owner, rig.world.exchange
        symbol = rng.choice(rig.engine.symbols)
        venue = exchange.venues[symbol]
        if not venue.last:
            return
        steps = max(1, int(500 / (venue.last * venue.instrument.unit_f)))
        deed = rng.choice(("deposit", "withdraw", "order", "cancel", "trade", "withdraw_bot"))
        if deed == "deposit":
            owner.deposit("USDT", Decimal(rng.randint(1, 500)))
        elif deed == "withdraw":
            if exchange.account.spendable("USDT") > 1000:
                owner.withdraw("USDT", Decimal(rng.randint(1, 200)))
        elif deed == "order":
            side = rng.choice((Side.BUY, Side.SELL))
            order = NewOrder(
                f"web_{exchange.next_order_id}", symbol, side, OrderKind.LIMIT, steps,
                round(venue.last * (1 - 0.03 * side)), Purpose.GRID, exchange.now,
            )  # fmt: skip
            if owner.manual_order(order) is None:
                self.manual[order.client_id] = order
        elif deed == "cancel" and self.manual:
            client_id = rng.choice(sorted(self.manual))
            owner.manual_cancel(self.manual.pop(client_id).symbol, client_id)
        elif deed == "trade":
            owner.manual_trade(symbol, rng.choice((Side.BUY, Side.SELL)), steps)
        elif deed == "withdraw_bot":
            ours = [o for o in exchange.history.open.values() if not o.manual]
            if ours:
                order_there = rng.choice(sorted(ours, key=lambda o: o.client_id))
                owner.manual_cancel(order_there.symbol, order_there.client_id, order_there.conditional)

    def _look_after(self) -> None:
        """Orders by hand end by their own fills or by hand, never by the bot."""
        for client_id, order in list(self.manual.items()):
            there = self.rig.world.exchange.history.find((order.symbol, client_id, False))
            if there is None or not there.open:
                if there is None or there.left:
                    self.rig._problem("ours_only", f"{client_id}, placed by hand, is gone: {there}")
                del self.manual[client_id]
