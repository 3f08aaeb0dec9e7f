"""Numbers as Binance writes them: always strings, with the places of their market."""

from decimal import Decimal
from functools import lru_cache

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Market, Steps, Ticks

ZERO8 = "0.00000000"


def places_of(size: Decimal) -> int:
    """Decimals needed to write multiples of ``size``."""
    return max(0, -int(size.normalize().as_tuple().exponent))


class Format:
    """How prices and quantities of one instrument are written."""

    __slots__ = ("_p_mult", "_p_places", "_p_scale", "_q_mult", "_q_places", "_q_scale", "price_places", "qty_places",
                 "unit_exponent", "unit_mult")  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        spot = instrument.market is Market.SPOT
        self.price_places = places_of(instrument.tick)
        self.qty_places = places_of(instrument.step)
        self._p_places = 8 if spot else max(self.price_places, 2 if instrument.tick < 1 else 0)
        self._q_places = 8 if spot else self.qty_places
        self._p_scale, self._q_scale = 10**self._p_places, 10**self._q_places
        self._p_mult = int(instrument.tick * self._p_scale)
        self._q_mult = int(instrument.step * self._q_scale)
        self.unit_exponent = self._p_places + self._q_places
        self.unit_mult = self._p_mult * self._q_mult

    def price(self, ticks: Ticks | None) -> str:
        """A price, with all its places."""
        whole = (ticks or 0) * self._p_mult
        if not self._p_places:
            return str(whole)
        return f"{whole // self._p_scale}.{whole % self._p_scale:0{self._p_places}d}"

    def qty(self, steps: Steps) -> str:
        """A quantity, with all its places; signed."""
        if steps < 0:
            return "-" + self.qty(-steps)
        whole = steps * self._q_mult
        if not self._q_places:
            return str(whole)
        return f"{whole // self._q_scale}.{whole % self._q_scale:0{self._q_places}d}"

    def amount(self, ticks_steps: int, places: int = 8) -> str:
        """A quote amount given as ticks x steps, cut to ``places``."""
        whole = ticks_steps * self.unit_mult
        shift = self.unit_exponent - places
        whole = whole // 10**shift if shift >= 0 else whole * 10**-shift
        scale = 10**places
        return f"{whole // scale}.{whole % scale:0{places}d}"


@lru_cache(maxsize=4096)
def plain(value: Decimal) -> str:
    """As short as it can be written: ``20000``, ``0.010`` -> ``0.01``, ``0``."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(value: Decimal, places: int = 8) -> str:
    """With exactly ``places`` decimals, cut towards zero by the caller's own rounding."""
    return format(value, f".{places}f")
