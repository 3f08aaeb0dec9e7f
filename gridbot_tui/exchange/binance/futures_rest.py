"""USD-M futures over REST. Conditional orders live in the algo service and are asked for there as well."""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from gridbot_tui.engine.events import AccountState, Cash, OpenOrders, OrderReport, Outcome
from gridbot_tui.exchange.binance import account_words, order_words
from gridbot_tui.exchange.binance.calls import Futures
from gridbot_tui.exchange.binance.errors import BinanceError, Refused, RetryLater, denies
from gridbot_tui.exchange.binance.futures_market import FuturesMarket
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.numbers import Scale
from gridbot_tui.exchange.binance.order_words import CONDITIONAL, TRIGGERED, BadAnswer, need
from gridbot_tui.exchange.binance.rest import AccountSetup, Answer, IsOurs
from gridbot_tui.exchange.binance.rest_base import KEPT, PAGE, Page, reading, together
from gridbot_tui.exchange.binance.wire import Wire
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import DAY, HOUR, MINUTE, ClientId, Ms, Symbol

Json = Mapping[str, Any]

_BATCH: Final = 5
_ALL_OPEN: Final = 40
"""Weight of the open orders of all symbols."""
_SAME_MOMENT_TRIES: Final = 3
_LATELY: Final[Ms] = 28 * DAY
"""How far back a conditional order that is denied is looked for: four requests of little weight. One that was sent from
here is looked for since then, as a rule with one."""
_SENT_KEPT: Final = 1_000
_DONE: Final = "200"
"""What the algo service says besides HTTP's own 200."""
_PAGES: Final = ((99, 1), (499, 2), (PAGE, 5))
"""Of candles, and what they weigh: a page weighs by what is asked for. Two of 1,500 weigh more than three of these."""
_BORN_WITHIN: Final[Ms] = MINUTE
"""A conditional order that has fired and been given no plain one by then ends in nothing: Binance's demo environment
leaves some so for ever, and neither lists nor cancels them. The bot closes by itself what they did not."""


class FuturesRest(FuturesMarket):
    """See ``rest.Rest``."""

    def __init__(self, wire: Wire, ours: IsOurs, interval: Ms) -> None:
        super().__init__(wire, ours, interval)
        self._sent: OrderedDict[ClientId, Ms] = OrderedDict()
        """When conditional orders left, by the exchange's clock; the last ones."""

    @property
    def batch_size(self) -> int:
        """Five, where the library signs them rightly."""
        return _BATCH if self.wire.batches_verify else 1

    # -- orders --------------------------------------------------------------------------------------------

    async def place(self, order: NewOrder, rank: Rank) -> Answer:
        """Send one order, plain or conditional."""
        scale = self.scale(order.symbol)
        if order.kind is OrderKind.STOP_MARKET:
            params = order_words.algo_order(order, scale.instrument)
            self._sent.setdefault(order.client_id, self.now)
            if len(self._sent) > _SENT_KEPT:
                self._sent.popitem(last=False)
            row = await self.wire.act(Futures.PLACE_ALGO, rank, params)
            with reading("the answer to an order", changes=True):
                return Answer(order_words.algo_report(row, order.symbol, self.now, order.client_id))
        row = await self.wire.act(Futures.PLACE, rank, order_words.plain_order(order, scale.instrument))
        return self._placed(row, scale, order)

    def _placed(self, row: Json, scale: Scale, order: NewOrder) -> Answer:
        with reading("the answer to an order", changes=True):
            report = order_words.placed_report(row, scale, self.now, order.client_id)
        self.ids.learn(order.symbol, report.exchange_id, order.client_id)
        return Answer(report)

    async def place_batch(self, orders: Sequence[NewOrder], rank: Rank) -> list[Answer | BinanceError]:
        """Up to five plain orders in one request."""
        rows = [order_words.plain_order(order, self.scale(order.symbol).instrument) for order in orders]
        packed = quote(json.dumps(rows, separators=(",", ":"), ensure_ascii=False))
        answers = await self.wire.act(Futures.PLACE_BATCH, rank, {"batchOrders": packed}, encoded=True)
        with reading("the answer to a batch", changes=True):
            if len(answers) != len(orders):
                raise BadAnswer(f"{len(answers)} answers to {len(orders)} orders")
            return [self._one_of_batch(row, order) for row, order in zip(answers, orders, strict=True)]

    def _one_of_batch(self, row: Json, order: NewOrder) -> Answer | BinanceError:
        """The answers stand in the order of the batch; each is an order or an error."""
        code = row.get("code")
        if isinstance(code, int) and code < 0:
            return self.wire.of_batch(code, str(row.get("msg", "")))
        if row.get("clientOrderId") != order.client_id:
            raise BadAnswer(f"an answer for {row.get('clientOrderId')!r} where {order.client_id} was placed")
        return self._placed(row, self.scale(order.symbol), order)

    async def cancel(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> OrderReport:
        """Cancel one order."""
        scale = self.scale(symbol)
        if conditional:
            row = await self.wire.act(Futures.CANCEL_ALGO, Rank.PROTECT, {"symbol": symbol, "clientAlgoId": client_id})
            with reading("the answer to a cancel", changes=True):
                if str(row.get("code", _DONE)) != _DONE:
                    raise BadAnswer(f"{row.get('msg')} ({row['code']})")
            return order_words.algo_report({"algoStatus": "CANCELED"}, symbol, self.now, client_id)
        row = await self.wire.act(Futures.CANCEL, Rank.PROTECT, {"symbol": symbol, "origClientOrderId": client_id})
        with reading("the answer to a cancel", changes=True):
            return order_words.plain_report(row, scale, self.now, client_id)

    async def order(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> list[OrderReport]:
        """What has become of an order."""
        scale = self.scale(symbol)
        call, key = (Futures.ALGO, "clientAlgoId") if conditional else (Futures.ORDER, "origClientOrderId")
        try:
            row = await self.wire.ask(call, {"symbol": symbol, key: client_id})
        except Refused as refused:
            if not denies(refused) and not await self._gone(refused, symbol):
                raise
            # Ended conditional orders have been denied by name and listed all the same.
            back = self.now - self._sent.get(client_id, self.now - _LATELY) + HOUR
            row = await self._listed_algo(symbol, "clientAlgoId", client_id, back) if conditional else None
            if row is None:
                return []
        with reading("an order"):
            if conditional:
                return await self._algo_history(row, scale, client_id)
            report = order_words.plain_report(row, scale, self.now, client_id)
            self.ids.learn(symbol, report.exchange_id, client_id)
            return [report]

    async def _algo_history(self, row: Json, scale: Scale, client_id: ClientId) -> list[OrderReport]:
        """A conditional order, and the plain one it gave birth to when it triggered."""
        symbol = scale.instrument.symbol
        fired = need(row, "algoStatus") in TRIGGERED or bool(row.get("triggerTime"))
        reports = [order_words.triggered(symbol, client_id, self.now)] if fired else []
        number = str(row.get("actualOrderId") or "")
        if number and number != "0":
            self.ids.learn(symbol, number, client_id)
            born = await self.wire.ask(Futures.ORDER, {"symbol": symbol, "orderId": number})
            reports.append(order_words.plain_report(born, scale, self.now, client_id))
        elif need(row, "algoStatus") not in TRIGGERED:
            reports.append(order_words.algo_report(row, symbol, self.now, client_id))
        elif self.now - int(row.get("triggerTime") or row.get("updateTime") or self.now) >= _BORN_WITHIN:
            reports.append(OrderReport(self.now, symbol, client_id, Outcome.EXPIRED, detail="no order came of it"))
        return reports

    async def open_orders(self, symbols: Sequence[Symbol]) -> OpenOrders:
        """Plain and conditional orders, anybody's, as of the question: what ended meanwhile may be named."""
        asked = self.now
        wanted: list[Symbol | None] = list(symbols) if len(symbols) < _ALL_OPEN else [None]
        plain = [partial(self._open, Futures.OPEN, symbol) for symbol in wanted]
        algo = [partial(self._open, Futures.OPEN_ALGO, symbol) for symbol in wanted]
        pages = await together(plain + algo)
        found = []
        with reading("open orders"):
            for number, page in enumerate(pages):
                read = order_words.open_order if number < len(wanted) else order_words.open_algo
                found += [read(row, self.scale(row["symbol"])) for row in page if row["symbol"] in symbols]
                for row in page:
                    if number < len(wanted):
                        await self._learn_row(row["symbol"], row)
        return OpenOrders(asked, tuple(found))

    async def _open(self, call: Any, symbol: Symbol | None) -> list[Json]:
        if symbol is not None:
            return await self._rows_of(call, {"symbol": symbol})
        rows: list[Json] = await self.wire.ask(call, weight=_ALL_OPEN)
        return rows

    # -- the account ---------------------------------------------------------------------------------------

    async def account(self) -> AccountState:
        """Balances and positions, from one moment: the two lists must agree on the positions."""
        for _ in range(_SAME_MOMENT_TRIES):
            wallet = await self.wire.ask(Futures.ACCOUNT)
            at = self.now  # what moves the wallet while the positions are asked for came after this
            rows = await self.wire.ask(Futures.POSITIONS)
            with reading("the account"):
                held = account_words.position_amounts(rows)
                if account_words.position_amounts(wallet["positions"]) != held:
                    continue  # something filled between the two
                balances = account_words.futures_balances(wallet["assets"])
                positions = tuple(
                    account_words.position(row, self._scales.get(row["symbol"]))
                    for row in rows
                    if row["symbol"] in held
                )
                return AccountState(at, balances, positions)
        raise RetryLater("the account changes faster than it can be read")

    async def setup(self, symbols: Sequence[Symbol]) -> AccountSetup:
        """Position mode, margin modes, leverage."""
        config = await self.wire.ask(Futures.ACCOUNT_CONFIG)
        rows = await self.wire.ask(Futures.SYMBOL_CONFIG)
        wallet = await self.wire.ask(Futures.ACCOUNT)
        with reading("the account's settings"):
            traded = [row for row in rows if row["symbol"] in symbols]
            several = bool(config["multiAssetsMargin"])
            return AccountSetup(
                can_trade=bool(config["canTrade"]),
                hedge_mode=bool(config["dualSidePosition"]),
                multi_assets=several,
                leverage={row["symbol"]: int(row["leverage"]) for row in traded},
                isolated=frozenset(row["symbol"] for row in traded if row["marginType"] != "CROSSED"),
                in_credits=account_words.in_credits(wallet["assets"], several=several),
            )

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        """Cross margin and this leverage, where they are not so already."""
        self.ceilings[symbol] = leverage  # before it is set: the stream may tell of it before the answer comes
        rows = await self.wire.ask(Futures.SYMBOL_CONFIG, {"symbol": symbol})
        with reading("a symbol's settings"):
            row = {row["symbol"]: row for row in rows}[symbol]
            crossed, set_to = row["marginType"] == "CROSSED", int(row["leverage"])
        if not crossed:
            await self._cross(symbol)
        if set_to != leverage:
            await self.wire.act(Futures.LEVERAGE, Rank.QUESTION, {"symbol": symbol, "leverage": leverage})

    async def _cross(self, symbol: Symbol) -> None:
        try:
            await self.wire.act(Futures.MARGIN_TYPE, Rank.QUESTION, {"symbol": symbol, "marginType": "CROSSED"})
        except Refused as refused:
            if refused.code != -4046:  # it is so already
                raise

    async def countdown(self, symbol: Symbol, ms: Ms) -> None:
        """Arm the dead-man switch of a symbol; 0 disarms."""
        await self.wire.act(Futures.COUNTDOWN, Rank.QUESTION, {"symbol": symbol, "countdownTime": ms})

    async def listen_key(self) -> str:
        """The listen key that holds from now on for an hour."""
        row = await self.wire.ask(Futures.LISTEN_KEY)
        with reading("a listen key"):
            return need(row, "listenKey")

    # -- money ---------------------------------------------------------------------------------------------

    async def cash(self, since: Ms) -> list[Cash]:
        """Funding, transfers and the like at or after ``since``."""
        start, found = max(since, self.now - KEPT), dict[str, Cash]()
        while start <= self.now:
            end, before = start + 7 * DAY - 1, None
            for page in range(1, 1_000):
                params = {"startTime": start, "endTime": end, "limit": PAGE, "page": page}
                rows = await self.wire.ask(Futures.INCOME, params)
                if rows and rows == before:
                    raise RetryLater("income: the exchange answers the same page again")
                before = rows
                with reading("income"):
                    cash = [one for row in rows if (one := account_words.income(row, self.traded)) is not None]
                found |= {one.cash_id: one for one in cash}
                if len(rows) < PAGE:
                    break
            start = end + 1
        return sorted(found.values(), key=lambda one: (one.at, one.cash_id))

    # -- whose executions ------------------------------------------------------------------------------------

    async def _learn_row(self, symbol: Symbol, row: Json) -> None:
        """As of any order; one that a conditional order of ours gave birth to has that one's id."""
        number, client_id = need(row, "orderId"), need(row, "clientOrderId")
        if not self._ours(client_id) and str(row.get("origType", "")).startswith(CONDITIONAL):
            client_id = await self._parent(symbol, number) or client_id
        self.ids.learn(symbol, number, client_id)

    async def _parent(self, symbol: Symbol, number: str) -> ClientId | None:
        """The client id of the conditional order behind a plain one."""
        known = self.ids.client_id(symbol, number)
        if known is not None:
            return known
        row = await self._listed_algo(symbol, "actualOrderId", number, KEPT)
        return None if row is None else need(row, "clientAlgoId")

    async def _listed_algo(self, symbol: Symbol, name: str, value: str, back: Ms) -> Json | None:
        """The conditional order with such a field, of those of the last while."""
        end = self.now
        while end > self.now - back:
            start = end - 7 * DAY + 1
            params = {"symbol": symbol, "startTime": start, "endTime": end, "limit": PAGE}
            rows = await self._rows_of(Futures.ALL_ALGO, params)
            with reading("conditional orders"):
                found = next((row for row in rows if str(row.get(name) or "") == value), None)
            if found is not None:
                return found
            end = start - 1
        return None

    def _page_for(self, count: int) -> tuple[int, int]:
        return next((page for page in _PAGES if count < page[0]), _PAGES[-1])

    async def _candles(self, params: Mapping[str, Any], scale: Scale, weight: int) -> Page:
        calls = (Futures.KLINES, Futures.MARK_KLINES)
        rows, marked = await together([partial(self.wire.ask, call, params, weight=weight) for call in calls])
        with reading("mark prices"):
            return rows, account_words.marks(marked, scale)
