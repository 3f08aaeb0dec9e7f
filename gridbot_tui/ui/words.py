"""Numbers and times as the operator reads them. None is unknown and is ``-``; nothing here knows a locale."""

import math
from datetime import UTC, datetime

from gridbot_tui.units import DAY, HOUR, MINUTE, Ms

UNKNOWN = "-"
MINUS = "−"


def grouped(text: str | None) -> str:
    """A decimal string with thousands apart: ``60 010.5``; below 10 000 as it is."""
    if text is None:
        return UNKNOWN
    sign = ""
    if text[:1] in "+-":
        sign, text = (MINUS if text[0] == "-" else "+"), text[1:]
    whole, dot, rest = text.partition(".")
    if len(whole) >= 5:
        head = len(whole) % 3
        parts = [whole[:head]] if head else []
        parts += [whole[at : at + 3] for at in range(head, len(whole), 3)]
        whole = " ".join(parts)
    return sign + whole + dot + rest


def size(text: str | None) -> str:
    """What is held, without the noughts behind it: a wallet of Binance's writes eight places of everything."""
    if text is not None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return grouped(text)


def money(text: str | None, places: int = 2, *, signed: bool = False) -> str:
    """An amount of quote currency, rounded half to even to ``places`` without ever passing through float."""
    if text is None:
        return UNKNOWN
    from decimal import ROUND_HALF_EVEN, Decimal, localcontext

    with localcontext() as context:
        context.prec = 60
        value = Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    if value == 0:
        value = abs(value)
    return grouped(format(value, "+f" if signed and value else "f"))


def negated(text: str | None) -> str | None:
    """The same amount with the other sign, without a calculation: what is paid, as a change of money."""
    if text is None or not text.strip("-0."):
        return text
    return text[1:] if text.startswith("-") else f"-{text}"


def places(capital: str) -> int:
    """Decimals of amounts in a quote of which the account began with so much: cents of 10 000 USDT, six of 0.05 BTC."""
    size = abs(float(capital))
    return 2 if size == 0 or size >= 100 else min(6, 6 - math.floor(math.log10(size)))


def short_money(text: str | None, places: int = 2, *, signed: bool = False) -> str:
    """An amount in at most about ten cells: big ones lose their cents, then become M, bn, T.

    Of millions a thousand is still told: an account of twelve of them moves by less than a tenth of one a day.
    """
    if text is None:
        return UNKNOWN
    size = abs(float(text))
    if size < 100_000:
        return money(text, places, signed=signed)
    if size < 10_000_000:
        return money(text, 0, signed=signed)
    unit, scale = next((pair for pair in _UNITS if size >= pair[1] * 10), _UNITS[-1])
    places = 3 if size < 1e9 else 1
    return _minus(f"{float(text) / scale:{'+' if signed else ''}.{places}f}") + unit


def in_cells(shown: str, width: int) -> str:
    """A number as it is shown, in M, bn, T where ``width`` has no room for its whole digits: what a cut would leave
    of them reads as a thousandth."""
    if len(shown) <= width or len(shown.partition(".")[0]) < width:
        return shown
    return short_money(shown.replace(" ", "").replace(MINUS, "-"))


def percent(fraction: float | None, places: int = 1, *, signed: bool = True) -> str:
    """A fraction as percent: ``+2.14 %``."""
    if fraction is None:
        return UNKNOWN
    text = f"{100 * fraction:.{places}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    elif signed and fraction > 0:
        text = "+" + text
    return _minus(text) + " %"


def ratio(value: float | None, places: int = 2, *, signed: bool = False) -> str:
    """A plain number with fixed places."""
    if value is None:
        return UNKNOWN
    text = f"{value:.{places}f}"
    if float(text) == 0:
        return text.lstrip("-")
    return _minus(("+" if signed and value > 0 else "") + text)


def times(value: float | None, places: int = 2) -> str:
    """A leverage: ``1.12x``."""
    return UNKNOWN if value is None else f"{ratio(value, places)}x"


def limit(value: float, places: int = 0) -> str:
    """A limit of leverage, ``6x``: with the places it needs, for a limit that is rounded up is another one."""
    return times(value, next((count for count in range(places, 2) if round(value, count) == value), 2))


def span(milliseconds: Ms | None) -> str:
    """A length of time in at most four cells: ``9s``, ``41m``, ``12h``, ``30d``."""
    if milliseconds is None:
        return UNKNOWN
    left = max(0, milliseconds)
    if left < MINUTE:
        return f"{left // 1000}s"
    if left < HOUR:
        return f"{left // MINUTE}m"
    if left < 2 * DAY:
        return f"{left // HOUR}h"
    return f"{left // DAY}d"


def clock(at: Ms | None) -> str:
    """Time of day, UTC."""
    return UNKNOWN if at is None else _utc(at).strftime("%H:%M:%S")


def moment(at: Ms | None) -> str:
    """Date and time of day, UTC: ``21 Nov 14:03`` (month names are English everywhere)."""
    if at is None:
        return UNKNOWN
    utc = _utc(at)
    return f"{utc.day:2d} {_MONTHS[utc.month - 1]} {utc:%H:%M}"


def since(at: Ms | None, now: Ms) -> str:
    """How a past moment is named: time of day within the last day, else with its date."""
    if at is None:
        return UNKNOWN
    return clock(at)[:5] if now - at < DAY else moment(at)


def change(before: str | None, after: str | None) -> float | None:
    """Relative distance of two prices; None where one is unknown or zero."""
    if before is None or after is None:
        return None
    base = float(before)
    return None if base == 0 else float(after) / base - 1.0


def plural(count: int, one: str) -> str:
    """``1 order``, ``2 orders``."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


_UNITS = (("T", 1e12), ("bn", 1e9), ("M", 1e6))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _utc(at: Ms) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _minus(text: str) -> str:
    return MINUS + text[1:] if text.startswith("-") else text
