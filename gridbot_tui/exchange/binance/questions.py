"""The port's questions, answered out of REST."""

from collections.abc import Callable, Mapping, Sequence

from gridbot_tui.engine.events import Cash, OrderReport
from gridbot_tui.exchange.binance.candles import candles
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.differences import Differences
from gridbot_tui.exchange.binance.errors import Refused
from gridbot_tui.exchange.binance.fate import Fate
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskFills,
    AskFunding,
    AskOpenOrders,
    AskOrder,
    Query,
    Reply,
)
from gridbot_tui.units import Asset, Market, Money, Ms, Symbol

Expected = Callable[[], Mapping[Asset, Money]]


class Questions:
    """One answer to one query; raises what REST raises."""

    def __init__(
        self, rest: Rest, symbols: Sequence[Symbol], clock: Clock, fate: Fate, expected: Expected | None
    ) -> None:
        self._rest = rest
        self._symbols = symbols
        self._clock = clock
        self._fate = fate
        self._expected = expected
        self._differences = Differences()

    async def answer(self, query: Query) -> tuple[Sequence[OrderReport], Reply]:
        """(news to be told first, the reply).

        Raises:
            BinanceError: it can't be answered now.
        """
        rest, number = self._rest, query.request_id
        match query:
            case AskAccount():
                account = await rest.account()
                return (), Reply(number, account.at, account=account)
            case AskOpenOrders():
                listed = await rest.open_orders(self._symbols)
                return (), Reply(number, listed.at, open_orders=listed)
            case AskOrder():
                *before, last = await self._fate.ask(query.symbol, query.client_id, query.conditional)
                return before, Reply(number, last.at, order=last)
            case AskFills():
                fills = await rest.fills(query.symbol, query.after_trade_id, query.since)
                return (), Reply(number, self._now, fills=tuple(fills))
            case AskCash():
                cash = tuple(await self._cash(query.since))
                return (), Reply(number, self._now, cash=cash)
            case AskBars():
                bars = await candles(rest, query)
                return (), Reply(number, self._now, bars=tuple(bars))
            case AskFunding():
                funding = await rest.funding(self._symbols, query.since)
                return (), Reply(number, self._now, funding=tuple(funding))
        raise Refused(f"the exchange is not asked for {type(query).__name__}")

    async def _cash(self, since: Ms) -> list[Cash]:
        if self._rest.market is not Market.SPOT or self._expected is None:
            return await self._rest.cash(since)
        account = await self._rest.account()
        booked = self._expected()
        # Before the ledger has begun everything would be a difference.
        return self._differences.look(account.balances, booked, account.at) if booked else []

    @property
    def _now(self) -> Ms:
        return self._clock.now_ms()
