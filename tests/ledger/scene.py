"""Instruments, events and random histories that the ledger's tests share."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from gridbot_tui.engine.events import Cash, CashKind, Fill
from gridbot_tui.ledger import AverageCost, Ledger
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Asset, Market, Money, Side, Symbol

D = Decimal
SYMBOLS = ("BTCUSDT", "ETHUSDT")
START = {"USDT": D("10000.00000001"), "BNB": D("3.5"), "BTC": D("0.70000000")}


def instrument(symbol: Symbol = "BTCUSDT", market: Market = Market.FUTURES, **change: Any) -> Instrument:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "market": market,
        "base": symbol.removesuffix("USDT"),
        "quote": "USDT",
        "tick": D("0.1") if symbol == "BTCUSDT" else D("0.01"),
        "step": D("0.001"),
        "min_steps": 1,
        "max_steps": 10**6,
        "market_max_steps": 10**6,
        "min_notional": D(5),
        "min_price": 1,
        "max_price": 10**9,
        "percent_up": D("1.1"),
        "percent_down": D("0.9"),
        "max_orders": 200,
    }
    return Instrument(**{**fields, **change})


def instruments(market: Market) -> dict[Symbol, Instrument]:
    return {symbol: instrument(symbol, market) for symbol in SYMBOLS}


def ledger(market: Market = Market.FUTURES, capital: Money | None = None) -> Ledger:
    made = Ledger(market, "USDT", instruments(market))
    made.start(0, START, capital)
    return made


def fill(
    side: Side,
    price: int,
    steps: int,
    trade: str,
    *,
    fee: str | Money = "0",
    asset: Asset = "USDT",
    realised: str | Money = "0",
    symbol: Symbol = "BTCUSDT",
    client: str = "",
    ours: bool = True,
    forced: str = "",
    at: int = 1,
    quote: str | Money | None = None,
) -> Fill:
    return Fill(
        at,
        symbol,
        client,
        trade,
        side,
        price,
        steps,
        D(fee),
        asset,
        True,
        D(realised),
        ours,
        forced,
        None if quote is None else D(quote),
    )


def cash(
    kind: CashKind, amount: str | Money, name: str, *, asset: str = "USDT", symbol: str = "", at: int = 1
) -> Cash:
    return Cash(at, kind, asset, D(amount), name, symbol)


@dataclass
class Step:
    """One thing that happens: a fill with how it is booked, cash, a mark, or a price of BNB."""

    event: Fill | Cash | None = None
    grid: bool = True
    mark: tuple[Symbol, int] | None = None
    bnb: Decimal | None = None


@dataclass
class History:
    """Steps, and what the exchange knows after all of them."""

    market: Market
    steps: list[Step]
    averages: dict[Symbol, AverageCost] = field(default_factory=dict)

    @property
    def events(self) -> list[Fill | Cash]:
        return [step.event for step in self.steps if step.event is not None]


def play(book: Ledger, step: Step) -> None:
    if isinstance(step.event, Fill):
        book.fill(step.event, rung=step.event.price % 7, epoch=1, grid=step.grid)
    elif isinstance(step.event, Cash):
        book.cash(step.event)
    elif step.mark:
        book.mark(*step.mark)
    elif step.bnb:
        book.set_asset_price("BNB", step.bnb)
        book.set_asset_price("ETH", 7 * step.bnb)


@st.composite
def histories(draw: st.DrawFn, market: Market, *, size: int = 30) -> History:
    """Fills of every kind, funding, transfers, marks and fee prices; duplicates of what came before."""
    history = History(market, [], {s: AverageCost(instrument(s)) for s in SYMBOLS})
    for number in range(draw(st.integers(1, size))):
        kind = draw(st.sampled_from(("fill",) * 6 + ("cash", "mark", "mark", "bnb", "again")))
        if kind == "fill":
            history.steps.append(draw(_fills(history, number)))
        elif kind == "cash":
            history.steps.append(Step(draw(_cash(number))))
        elif kind == "mark":
            price = draw(st.integers(900, 1100)) * 500
            history.steps.append(Step(mark=(draw(st.sampled_from(SYMBOLS)), price)))
        elif kind == "bnb":
            history.steps.append(Step(bnb=draw(st.integers(40000, 90000)) * D("0.01")))
        elif history.events:
            history.steps.append(Step(draw(st.sampled_from(history.events))))
    return history


@st.composite
def _fills(draw: st.DrawFn, history: History, number: int) -> Step:
    symbol = draw(st.sampled_from(SYMBOLS))
    side = draw(st.sampled_from(Side))
    price = draw(st.integers(900, 1100)) * 500
    steps = draw(st.integers(1, 30))
    spot = history.market is Market.SPOT
    traded = instrument(symbol, history.market)
    received = traded.base if spot and side is Side.BUY else "USDT"
    others = ("BNB", traded.base, "ETH") if spot else ("BNB", "USDT")
    asset = draw(st.sampled_from((received, received, *others)))
    value = traded.notional(price, steps)
    fee = {"USDT": value * D("0.0002"), "BNB": D("0.00013877") * steps}.get(
        asset, traded.quantity(steps) * D("0.00075")
    )
    fee = draw(st.sampled_from((fee, fee, ZERO, -fee if asset == "USDT" else fee)))
    hand = draw(st.sampled_from(("ours",) * 5 + ("external", "forced")))
    event = fill(
        side,
        price,
        steps,
        str(number + 100) if draw(st.booleans()) else f"t{number}",
        fee=fee.quantize(D("1e-8")),
        asset=asset,
        realised=ZERO if spot else history.averages[symbol].fill(side, price, steps),
        symbol=symbol,
        client=draw(st.sampled_from(("", "a", "b"))),
        ours=hand != "external",
        forced="liquidation" if hand == "forced" else "",
        at=number + 1,
        quote=draw(st.sampled_from((None, value - D("0.0000034"), value + D("0.0000017")))) if spot else None,
    )
    return Step(event, grid=draw(st.booleans()))


@st.composite
def _cash(draw: st.DrawFn, number: int) -> Cash:
    kind = draw(st.sampled_from(CashKind))
    amount = draw(st.integers(-(10**10), 10**10)) * D("1e-8")
    asset = draw(st.sampled_from(("USDT", "USDT", "BNB", "BTC", "ETH")))
    amount = amount if asset in ("USDT", "BNB") else amount / 1000
    symbol = draw(st.sampled_from((*SYMBOLS, "", "XRPUSDT"))) if kind is CashKind.FUNDING else ""
    return cash(kind, amount, f"c{number}", asset=asset, symbol=symbol, at=number + 1)
