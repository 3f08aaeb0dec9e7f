"""Instruments from Binance's documents: exchangeInfo (spot and USD-M, old and new) and leverageBracket."""

import gzip
import json
import math
import zlib
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from gridbot_tui.market.derive import CONSERVATIVE_BRACKETS
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.units import Market, Symbol

_UNLIMITED: Final = 2**53
_DEFAULT_MAX_ORDERS: Final = 200
_PERPETUAL: Final = ("PERPETUAL", "TRADIFI_PERPETUAL", "PERPETUAL_DELIVERING")
"""The last is one that ends: its positions are there until they are settled."""


def read_json(path: Path) -> Any:
    """A JSON document, plain or gzipped, numbers as Decimal.

    Raises:
        DataError: missing, unreadable, or no JSON.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        return json.loads(raw, parse_float=Decimal)
    except FileNotFoundError:
        raise DataError(
            f"{path} does not exist: give an existing exchangeInfo or leverageBracket document"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): fetch it again") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON document ({error}): fetch it again") from error


def read_instruments(
    path: Path, leverage: Path | None = None, symbols: Collection[Symbol] | None = None
) -> dict[Symbol, Instrument]:
    """``instruments`` of documents on disk; errors name the file."""
    document = read_json(path)
    brackets = None if leverage is None else read_json(leverage)
    try:
        return instruments(document, brackets, symbols)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def instruments(
    document: Any, leverage: Any = None, symbols: Collection[Symbol] | None = None
) -> dict[Symbol, Instrument]:
    """Every spot pair or USD-M perpetual of a decoded exchangeInfo document, by symbol.

    ``leverage`` is a decoded leverageBracket document (Binance's list, or the map of unified symbols that
    trading libraries keep); a perpetual it lacks gets conservative brackets. The market is the document's
    own; a document of a single symbol is accepted. ``symbols`` limits the result to those asked for;
    without it, entries that cannot be traded (Binance lists coming symbols with a tick of 0) are left out.

    Raises:
        DataError: not such a document, nothing usable in it, or a symbol asked for lacks a needed filter.
    """
    entries = _entries(document)
    ladders = {} if leverage is None else parse_brackets(leverage)
    found: dict[Symbol, Instrument] = {}
    refused: DataError | None = None
    for entry in entries:
        name = entry.get("symbol")
        if not isinstance(name, str):
            raise DataError("an entry of symbols has no symbol name: fetch exchangeInfo again")
        if symbols is not None and name not in symbols:
            continue
        contract = entry.get("contractType")
        if contract is not None and contract not in _PERPETUAL:
            continue  # quarterly contracts and the like
        market = Market.SPOT if contract is None else Market.FUTURES
        try:
            found[name] = _instrument(name, entry, market, ladders)
        except DataError as error:
            if symbols is not None:
                raise
            refused = refused or error
    if refused is not None and not found:
        raise refused
    return found


def parse_brackets(document: Any) -> dict[Symbol, tuple[Bracket, ...]]:
    """Margin brackets by symbol, from either form of the document.

    Raises:
        DataError: not such a document.
    """
    try:
        if isinstance(document, dict) and "brackets" in document:
            document = [document]
        if isinstance(document, list):
            return {item["symbol"]: _ladder(item["brackets"]) for item in document}
        return {
            name.partition(":")[0].replace("/", ""): _ladder([tier["info"] for tier in tiers])
            for name, tiers in document.items()
            if "-" not in name  # BTC/USDT:USDT-250926: a dated contract
        }
    except (KeyError, TypeError, AttributeError, InvalidOperation, ValueError) as error:
        raise DataError(f"this is no leverageBracket document ({error!r}): fetch it again") from error


def _ladder(tiers: list[dict[str, Any]]) -> tuple[Bracket, ...]:
    brackets = [
        Bracket(
            floor=Decimal(str(tier["notionalFloor"])),
            cap=Decimal(str(tier["notionalCap"])),
            max_leverage=int(tier["initialLeverage"]),
            maintenance_ratio=Decimal(str(tier["maintMarginRatio"])),
            cum=Decimal(str(tier["cum"])),
        )
        for tier in tiers
    ]
    return tuple(sorted(brackets, key=lambda bracket: bracket.floor))


def _entries(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, dict):
        if "filters" in document and "symbol" in document:
            return [document]
        entries = document.get("symbols")
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            if not entries:
                raise DataError("the exchangeInfo document lists no symbols: fetch it again")
            return entries
    raise DataError("this is no exchangeInfo document (no list of symbols): fetch it again")


class _Filters:
    """The filters of one symbol; null, "" and 0 mean that a limit is not set."""

    def __init__(self, symbol: Symbol, entry: dict[str, Any]) -> None:
        self._symbol = symbol
        filters = entry.get("filters")
        if not isinstance(filters, list):
            raise DataError(f"{symbol} has no filters: fetch exchangeInfo again")
        self._by_type: dict[str, dict[str, Any]] = {str(item.get("filterType")): item for item in filters}

    def find(self, *names: tuple[str, str]) -> Decimal | None:
        """The first of (filter type, key) that is set."""
        for kind, key in names:
            value = self._by_type.get(kind, {}).get(key)
            if value is None or value == "":
                continue
            try:
                number = Decimal(str(value))
            except InvalidOperation:
                raise DataError(
                    f"{self._symbol} has {kind}.{key} = {value!r}, no number: fetch exchangeInfo again"
                ) from None
            if number > 0:
                return number
        return None

    def says(self, kind: str, key: str) -> bool:
        """Whether a filter is there and has this set to true."""
        return self._by_type.get(kind, {}).get(key) is True

    def need(self, kind: str, key: str) -> Decimal:
        """As ``find``, for what no instrument can be without."""
        value = self.find((kind, key))
        if value is None:
            raise DataError(f"{self._symbol} lacks {kind}.{key}: fetch exchangeInfo again")
        return value


def _instrument(
    symbol: Symbol, entry: dict[str, Any], market: Market, ladders: dict[Symbol, tuple[Bracket, ...]]
) -> Instrument:
    filters = _Filters(symbol, entry)
    tick = filters.need("PRICE_FILTER", "tickSize").normalize()
    step = filters.need("LOT_SIZE", "stepSize").normalize()
    # What is held must always be sold at the market, so what no market order may be is no order at all, but dust.
    smallest = max(filters.find(("LOT_SIZE", "minQty")) or step, filters.find(("MARKET_LOT_SIZE", "minQty")) or step)
    largest = filters.find(("LOT_SIZE", "maxQty"))
    market_largest = filters.find(("MARKET_LOT_SIZE", "maxQty")) or largest
    highest = filters.find(("PRICE_FILTER", "maxPrice"))
    lowest = filters.find(("PRICE_FILTER", "minPrice"))
    up = filters.find(("PERCENT_PRICE_BY_SIDE", "bidMultiplierUp"), ("PERCENT_PRICE", "multiplierUp"))
    down = filters.find(("PERCENT_PRICE_BY_SIDE", "askMultiplierDown"), ("PERCENT_PRICE", "multiplierDown"))
    orders = filters.find(("MAX_NUM_ORDERS", "limit"), ("MAX_NUM_ORDERS", "maxNumOrders"))
    notional = filters.find(
        ("MIN_NOTIONAL", "notional"), ("MIN_NOTIONAL", "minNotional"), ("NOTIONAL", "minNotional")
    )
    position = filters.find(("MAX_POSITION", "maxPosition"))
    value = filters.find(("NOTIONAL", "maxNotional"))
    max_steps = _UNLIMITED if largest is None else int(largest / step)
    ladder = ladders.get(symbol, CONSERVATIVE_BRACKETS) if market is Market.FUTURES else ()
    return Instrument(
        symbol=symbol,
        market=market,
        base=str(entry.get("baseAsset", "")),
        quote=str(entry.get("quoteAsset", "")),
        tick=tick,
        step=step,
        min_steps=math.ceil(smallest / step),
        max_steps=max_steps,
        market_max_steps=max_steps if market_largest is None else min(max_steps, int(market_largest / step)),
        min_notional=notional or Decimal(0),
        min_price=1 if lowest is None else max(1, int(lowest / tick)),
        max_price=_UNLIMITED if highest is None else int(highest / tick),
        # Documents of before 2018-07 have no such filter: anything goes.
        percent_up=up or Decimal(1_000_000),
        percent_down=down or Decimal(0),
        max_orders=_DEFAULT_MAX_ORDERS if orders is None else int(orders),
        brackets=ladder,
        max_notional=value,
        max_market_notional=value if filters.says("NOTIONAL", "applyMaxToMarket") else None,
        max_position=None if position is None else int(position / step),
    )
