"""Events as a pane of few lines tells them: a decision's orders in one line, and nothing of what changed nothing.

The log page has every line by itself.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.ui import words

SENT, FUNDING = "sent", "funding"
_PAID = r"(?P<sum>[+−-]?[\d.]+) (?P<asset>\S+)$"
_PRICED = r"^(?P<side>buy|sell) .* @ (?P<price>[\d .]*\d)"


def folded(events: Sequence[EventView]) -> list[EventView]:
    """The events in their order; orders of one symbol that left at one moment are one event."""
    sent: dict[tuple[int, str], list[str]] = {}
    for event in events:
        if event.code == SENT:
            sent.setdefault((event.at, event.symbol), []).append(event.text)
    paid: dict[int, list[str]] = {}
    for event in events:
        if event.code == FUNDING:
            paid.setdefault(event.at, []).append(event.text)
    found: list[EventView] = []
    for event in events:
        if event.code == FUNDING:
            if texts := paid.pop(event.at, []):
                found.append(event if len(texts) == 1 else replace(event, symbol="", text=_settled(texts)))
        elif event.code != SENT:
            if not _says_nothing(event):
                found.append(event)
        elif texts := sent.pop((event.at, event.symbol), []):
            found.append(event if len(texts) == 1 else replace(event, text=_orders(texts)))
    return found


def _says_nothing(event: EventView) -> bool:
    return event.code == "plan" and event.text.endswith(": no visible change")


def _settled(texts: Sequence[str]) -> str:
    """``6 symbols, together −0.0112 USDT``."""
    sums: dict[str, Decimal] = {}
    for text in texts:
        match = re.search(_PAID, text)
        if match is None:
            return "; ".join(texts)
        sums[match["asset"]] = sums.get(match["asset"], Decimal(0)) + Decimal(match["sum"].replace(words.MINUS, "-"))
    # Four decimals, but an amount that is less than that is no nothing: of a coin it may be all of it.
    totals = " ".join(
        f"{words.money(format(total, 'f'), 4 if abs(total) >= Decimal('0.0005') else 8, signed=True)} {asset}"
        for asset, total in sums.items()
    )
    return f"{len(texts)} symbols, together {totals}"


def _orders(texts: Sequence[str]) -> str:
    """``4 buys 0.7036 to 0.7853, 3 sells 0.8415 to 0.9253, 1 stop``."""
    prices: dict[str, list[str]] = {"buy": [], "sell": []}
    stops = others = 0
    for text in texts:
        match = re.match(_PRICED, text)
        if match:
            prices[match["side"]].append(match["price"])
        elif text.startswith("stop"):
            stops += 1
        else:
            others += 1
    parts = [f"{words.plural(len(one), side)} {_range(one)}" for side, one in prices.items() if one]
    parts += [words.plural(stops, "stop")] if stops else []
    parts += [words.plural(others, "other order")] if others else []
    return ", ".join(parts)


def _range(prices: Sequence[str]) -> str:
    ascending = sorted(prices, key=lambda price: float(price.replace(" ", "")))
    low, high = ascending[0], ascending[-1]
    return low if low == high else f"{low} to {high}"
