"""Balances, positions, executions, wallet changes and candles of REST in our words."""

from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from gridbot_tui.engine.events import Cash, CashKind, Fill, PositionState
from gridbot_tui.exchange.binance.numbers import Scale, money
from gridbot_tui.exchange.binance.order_words import BadAnswer, need, whole_tick
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import HOUR, MINUTE, ZERO, Asset, ClientId, Market, Money, Ms, Side, Symbol, Ticks

Json = Mapping[str, Any]

INTERVALS: Final = {
    MINUTE: "1m", 3 * MINUTE: "3m", 5 * MINUTE: "5m", 15 * MINUTE: "15m", 30 * MINUTE: "30m", HOUR: "1h",
    2 * HOUR: "2h", 4 * HOUR: "4h",
}  # fmt: skip
"""Base intervals in the exchange's words."""
CREDITS: Final = "BNFCR"
"""What futures are settled in where Binance may hold no margin in stablecoins: one is worth about one dollar."""
FORCED: Final = (
    ("autoclose-", "liquidation"),
    ("adl_autoclose", "deleveraging"),
    ("settlement_autoclose-", "settlement"),
    ("delivery_autoclose-", "settlement"),
)
"""How the ids of orders begin that the exchange places itself."""
IN_FILLS: Final = {"REALIZED_PNL": "realised", "COMMISSION": "fee"}
"""Income that the executions carry already, where they are looked at."""
_KINDS: Final = {
    "FUNDING_FEE": CashKind.FUNDING,
    "SPECIAL_FUNDING_FEE": CashKind.FUNDING,
    "INSURANCE_CLEAR": CashKind.INSURANCE,
    "LIQUIDATION_FEE": CashKind.INSURANCE,
    "TRANSFER": CashKind.TRANSFER,
    "INTERNAL_TRANSFER": CashKind.TRANSFER,
    "CROSS_COLLATERAL_TRANSFER": CashKind.TRANSFER,
    "STRATEGY_UMFUTURES_TRANSFER": CashKind.TRANSFER,
    "COIN_SWAP_DEPOSIT": CashKind.TRANSFER,
    "COIN_SWAP_WITHDRAW": CashKind.TRANSFER,
    "AUTO_EXCHANGE": CashKind.TRANSFER,
}
"""Of other income we know that it is none of these: bonuses, rebates, rewards."""


def forced_by(client_id: ClientId) -> str:
    """Why the exchange placed an order itself; "" where it did not."""
    return next((word for start, word in FORCED if client_id.startswith(start)), "")


# -- balances and positions -----------------------------------------------------------------------------------


def spot_balances(rows: Iterable[Json], wanted: frozenset[Asset]) -> dict[Asset, Money]:
    """Free and locked together, of every asset that has any or is ``wanted``."""
    found = dict.fromkeys(wanted, ZERO)
    for row in rows:
        asset, amount = need(row, "asset"), money(need(row, "free")) + money(need(row, "locked"))
        if amount or asset in wanted:
            found[asset] = amount
    return found


def futures_balances(rows: Iterable[Json]) -> dict[Asset, Money]:
    """Wallet balances that are not zero."""
    return {need(row, "asset"): amount for row in rows if (amount := money(need(row, "walletBalance")))}


def in_credits(rows: Iterable[Json], *, several: bool) -> bool:
    """Whether futures are settled in credits: they are in the list then, and other assets are their margin."""
    found = [money(need(row, "walletBalance")) for row in rows if row["asset"] == CREDITS]
    return any(found) or (bool(found) and several)


def position_amounts(rows: Iterable[Json]) -> dict[Symbol, Decimal]:
    """Signed quantities that are not zero, by symbol.

    Raises:
        BadAnswer: a long or short leg: the account is in hedge mode.
    """
    found: dict[Symbol, Decimal] = {}
    for row in rows:
        amount = money(need(row, "positionAmt"))
        if not amount:
            continue
        if row.get("positionSide", "BOTH") != "BOTH":
            raise BadAnswer("the account is in hedge mode: switch it to one-way mode in Binance's settings")
        found[need(row, "symbol")] = amount
    return found


def position(row: Json, scale: Scale | None) -> PositionState:
    """One row of ``positionRisk``; of a symbol that is not traded the quantity's own last digit is the step."""
    amount, mark = money(need(row, "positionAmt")), money(str(row.get("markPrice") or "0"))
    liquidation = money(str(row.get("liquidationPrice") or "0"))
    return PositionState(
        symbol=need(row, "symbol"),
        steps=_own_steps(amount) if scale is None else signed_steps(amount, scale),
        entry_price=money(need(row, "entryPrice")),
        liquidation_price=liquidation if liquidation > 0 else None,
        mark=scale.instrument.ticks_near(mark) if scale is not None and mark > 0 else None,
    )


def signed_steps(amount: Decimal, scale: Scale) -> int:
    """A signed quantity in steps, exactly."""
    steps = scale.steps(format(abs(amount), "f"))
    return -steps if amount < 0 else steps


def _own_steps(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return int(amount.scaleb(-exponent)) if isinstance(exponent, int) and exponent < 0 else int(amount)


# -- executions ---------------------------------------------------------------------------------------------


def fill(row: Json, scale: Scale, client_id: ClientId, ours: bool) -> Fill:
    """One row of ``myTrades`` or ``userTrades``."""
    buyer = row["isBuyer"] if "isBuyer" in row else row.get("buyer")
    maker = row["isMaker"] if "isMaker" in row else row.get("maker")
    if not isinstance(buyer, bool) or not isinstance(maker, bool):
        raise BadAnswer("an execution without its side")
    forced, futures = forced_by(client_id), scale.instrument.market is Market.FUTURES
    price, steps = _price(need(row, "price"), scale), scale.some_steps(need(row, "qty"))
    return Fill(
        at=int(need(row, "time")),
        symbol=scale.instrument.symbol,
        client_id=client_id,
        trade_id=need(row, "id"),
        side=Side.BUY if buyer else Side.SELL,
        price=price,
        steps=steps,
        fee=money(need(row, "commission")),
        fee_asset=need(row, "commissionAsset"),
        maker=maker,
        realised=money(need(row, "realizedPnl")) if futures else ZERO,
        ours=ours or bool(forced),
        forced=forced,
        quote=None if futures else scale.booked(price, steps, _as_text(row, "quoteQty")),
    )


def fills_of_answer(row: Json, scale: Scale, client_id: ClientId, side: Side) -> tuple[Fill, ...]:
    """The ``fills`` in the FULL answer to a spot order: what took at once.

    Their quote amounts are told in one sum only. Where that is not what they come to, they are left to those who tell
    each one's: the stream, and the list of trades.
    """
    fills = tuple(_fill_of_answer(row, part, scale, client_id, side) for part in row.get("fills", ()))
    instrument, total = scale.instrument, _as_text(row, "cummulativeQuoteQty")
    if instrument.cents or total is None or not fills:
        return fills
    if len(fills) == 1:
        only = fills[0]
        return (replace(only, quote=scale.booked(only.price, only.steps, total)),)
    whole = sum((instrument.booked(one.price, one.steps) for one in fills), ZERO)
    return fills if whole == money(total) else ()


def _as_text(row: Json, name: str) -> str | None:
    """An amount that may be missing; not everybody who speaks this protocol writes numbers as texts."""
    value = row.get(name)
    return None if value is None else str(value)


def _fill_of_answer(row: Json, part: Json, scale: Scale, client_id: ClientId, side: Side) -> Fill:
    price, steps = scale.some_price(need(part, "price")), scale.some_steps(need(part, "qty"))
    return Fill(
        at=int(need(row, "transactTime")),
        symbol=scale.instrument.symbol,
        client_id=client_id,
        trade_id=need(part, "tradeId"),
        side=side,
        price=price,
        steps=steps,
        fee=money(need(part, "commission")),
        fee_asset=need(part, "commissionAsset"),
        maker=False,
        realised=ZERO,
        quote=scale.booked(price, steps, None),
    )


def income(row: Json, traded: Container[Symbol]) -> Cash | None:
    """One row of ``income``; None for what the executions carry.

    Executions of symbols that are not traded are asked for by nobody: what another hand makes or loses there, by
    funding too, comes and goes as a transfer.
    """
    kind, symbol = need(row, "incomeType"), str(row.get("symbol") or "")
    elsewhere = symbol != "" and symbol not in traded
    if kind in IN_FILLS and not elsewhere:
        return None
    number, trade_id = f"{kind}-{need(row, 'tranId')}", ""
    if kind in IN_FILLS and row.get("tradeId"):
        trade_id = str(row["tradeId"])
        cash_id = f"trade-{symbol}-{trade_id}-{IN_FILLS[kind]}"
    else:
        cash_id = f"{number}-{symbol}" if symbol else number
    return Cash(
        at=int(need(row, "time")),
        cash_kind=CashKind.TRANSFER if elsewhere else _KINDS.get(kind, CashKind.OTHER),
        asset=need(row, "asset"),
        amount=money(need(row, "income")),
        cash_id=cash_id,
        symbol=symbol,
        trade_id=trade_id,
    )


def _price(text: str, scale: Scale) -> Ticks:
    ticks = whole_tick(text, scale)
    if ticks <= 0:
        raise BadAnswer(f"a price of {text!r}")
    return ticks


# -- candles ------------------------------------------------------------------------------------------------

Marks = Mapping[Ms, tuple[Ticks, Ticks, Ticks]]
"""(high, low, close) of the mark price by open time."""


def marks(rows: Iterable[list[Any]], scale: Scale) -> Marks:
    """The mark-price candles; of a time without mark prices (before a symbol was traded) there are none."""
    near = scale.near
    return {
        int(row[0]): (near(str(row[2])), near(str(row[3])), near(str(row[4])))
        for row in rows
        if str(row[3]).strip("0.")
    }


def bar(row: list[Any], scale: Scale, interval: Ms, known: Marks) -> Bar:
    """One candle, with its mark prices where they are known, else its own."""
    opened, high, low, close = (_price(str(price), scale) for price in row[1:5])
    mark = known.get(int(row[0]), (high, low, close))
    return Bar(int(row[0]), interval, opened, high, low, close, float(row[5]), mark[0], mark[1], mark[2])
