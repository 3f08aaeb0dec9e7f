"""The table of events: every frame the streams ever carry."""

from typing import Final

from msgspec import Struct


class EventRow(Struct, frozen=True):
    """One kind of frame."""

    market: str
    event: str
    """Its ``e``; in brackets where the frame has none."""
    stream: str
    door: str
    """Futures: ``public``, ``market`` or ``private``."""
    when: str


EVENTS: Final = (
    EventRow("spot", "aggTrade", "<symbol>@aggTrade", "", "every trade"),
    EventRow("spot", "trade", "<symbol>@trade", "", "every trade"),
    EventRow("spot", "kline", "<symbol>@kline_<interval>[@+08:00]", "", "2000 ms (1s: 1000 ms), once when it closes"),
    EventRow("spot", "24hrMiniTicker", "<symbol>@miniTicker, !miniTicker@arr", "", "1000 ms"),
    EventRow("spot", "24hrTicker", "<symbol>@ticker", "", "1000 ms"),
    EventRow("spot", "1hTicker", "<symbol>@ticker_1h, !ticker_1h@arr", "", "1000 ms"),
    EventRow("spot", "4hTicker", "<symbol>@ticker_4h, !ticker_4h@arr", "", "1000 ms"),
    EventRow("spot", "1dTicker", "<symbol>@ticker_1d, !ticker_1d@arr", "", "1000 ms"),
    EventRow("spot", "(bookTicker)", "<symbol>@bookTicker, !bookTicker", "", "every change"),
    EventRow("spot", "avgPrice", "<symbol>@avgPrice", "", "1000 ms"),
    EventRow("spot", "referencePrice", "<symbol>@referencePrice", "", "1000 ms"),
    EventRow("spot", "depthUpdate", "<symbol>@depth[@100ms]", "", "1000 ms or 100 ms; U = last u + 1"),
    EventRow("spot", "(partial depth)", "<symbol>@depth<5|10|20>[@100ms]", "", "1000 ms or 100 ms"),
    EventRow("spot", "serverShutdown", "any; !serverShutdown where combined", "", "before the exchange closes a link"),
    EventRow("spot", "executionReport", "user stream of the ws-api", "", "news of an order"),
    EventRow("spot", "outboundAccountPosition", "user stream of the ws-api", "", "balances that changed"),
    EventRow("spot", "listStatus", "user stream of the ws-api", "", "an order list begins or ends"),
    EventRow("spot", "balanceUpdate", "user stream of the ws-api", "", "deposit or withdrawal"),
    EventRow("spot", "eventStreamTerminated", "user stream of the ws-api", "", "the subscription ends"),
    EventRow("futures", "bookTicker", "<symbol>@bookTicker, !bookTicker", "public", "every change; all: 5000 ms"),
    EventRow("futures", "depthUpdate", "<symbol>@depth[@0ms|@100ms|@500ms]", "public", "250 ms; pu = last u"),
    EventRow("futures", "depthUpdate", "<symbol>@depth<5|10|20>[@0ms|@100ms|@500ms]", "public", "250 ms, whole levels"),
    EventRow("futures", "depthUpdate", "<symbol>@rpiDepth@500ms", "public", "500 ms"),
    EventRow("futures", "trade", "<symbol>@trade", "public", "every trade; Binance does not document it"),
    EventRow("futures", "aggTrade", "<symbol>@aggTrade", "market", "every trade"),
    EventRow("futures", "kline", "<symbol>@kline_<interval>", "market", "250 ms, and once when it closes"),
    EventRow("futures", "continuous_kline", "<pair>_perpetual@continuousKline_<interval>", "market", "250 ms"),
    EventRow("futures", "markPriceUpdate", "<symbol>@markPrice[@1s], !markPrice@arr[@1s]", "market", "3000 or 1000 ms"),
    EventRow("futures", "24hrMiniTicker", "<symbol>@miniTicker, !miniTicker@arr", "market", "500 ms; all: 1000 ms"),
    EventRow("futures", "24hrTicker", "<symbol>@ticker, !ticker@arr", "market", "2000 ms; all: 1000 ms"),
    EventRow("futures", "forceOrder", "<symbol>@forceOrder, !forceOrder@arr", "market", "a liquidation"),
    EventRow("futures", "contractInfo", "!contractInfo", "market", "a symbol is delisted"),
    EventRow("futures", "ORDER_TRADE_UPDATE", "listen key", "private", "news of a plain order"),
    EventRow("futures", "TRADE_LITE", "listen key", "private", "an execution, shorter and earlier"),
    EventRow("futures", "ACCOUNT_UPDATE", "listen key", "private", "balances and positions that changed"),
    EventRow("futures", "ALGO_UPDATE", "listen key", "private", "news of a conditional order"),
    EventRow("futures", "ACCOUNT_CONFIG_UPDATE", "listen key", "private", "leverage was set"),
    EventRow("futures", "MARGIN_CALL", "listen key", "private", "maintenance at 80 % of the margin balance"),
    EventRow("futures", "listenKeyExpired", "listen key", "private", "the last word of a listen key"),
)
