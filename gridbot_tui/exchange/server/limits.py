"""Weights, order counts and raw requests: 429, then 418."""

from typing import Final

from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.settings import LimitOptions
from gridbot_tui.units import DAY, MINUTE, Ms

TRAILING: Final = 10, 2_000
"""Spot: least and most of trailingDelta, hundredths of a percent."""
ICEBERG_PARTS: Final = 100
"""Spot: into so many parts an order may be cut."""

_LONGEST_BAN: Final = 3 * DAY


class Window:
    """A count that starts anew with every interval of the clock."""

    __slots__ = ("_began", "count", "length", "most", "refused")

    def __init__(self, length: Ms, most: int) -> None:
        self.length = length
        self.most = most
        self.count = 0
        self.refused = 0
        """What it has refused in this interval."""
        self._began = 0

    def at(self, now: Ms) -> int:
        """The count as of now."""
        began = now // self.length
        if began != self._began:
            self._began, self.count, self.refused = began, 0, 0
        return self.count

    def add(self, now: Ms, amount: int) -> int:
        """Count, and return the sum."""
        self.count = max(0, self.at(now) + amount)
        return self.count

    def left(self, now: Ms) -> Ms:
        """Until it starts anew."""
        return self.length - now % self.length


class Ban:
    """An address that went on after 429."""

    __slots__ = ("length", "until")

    def __init__(self) -> None:
        self.until: Ms = 0
        self.length: Ms = 0


class Limiter:
    """Counts by address and by account. With a factor of 0 it only counts."""

    STRIKES: Final = 10
    """429s within one interval that make a ban."""

    def __init__(self, options: LimitOptions) -> None:
        self.options = options
        self.on = options.factor > 0
        self._weights: dict[tuple[str, str], Window] = {}
        self._raw: dict[str, Window] = {}
        self._funding: dict[str, Window] = {}
        self._orders: dict[tuple[int, str], tuple[Window, Window]] = {}
        self._bans: dict[str, Ban] = {}
        self._connects: dict[str, Window] = {}

    def _most(self, limit: int) -> int:
        return max(1, int(limit * self.options.factor)) if self.on else limit

    def limit(self, name: str) -> int:
        """A limit of the options with the factor applied, as exchangeInfo tells it."""
        return self._most(getattr(self.options, name))

    def weight_window(self, market: str, ip: str) -> Window:
        """Used weight of an address on a market."""
        key = (market, ip)
        window = self._weights.get(key)
        if window is None:
            name = "spot_weight" if market == "spot" else "futures_weight"
            window = self._weights[key] = Window(MINUTE, self.limit(name))
        return window

    def order_windows(self, market: str, account: int) -> tuple[Window, Window]:
        """(10 s, longer) order counts of an account."""
        key = (account, market)
        found = self._orders.get(key)
        if found is None:
            if market == "spot":
                found = Window(10_000, self.limit("spot_orders_10s")), Window(DAY, self.limit("spot_orders_day"))
            else:
                short, long = self.limit("futures_orders_10s"), self.limit("futures_orders_1m")
                found = Window(10_000, short), Window(MINUTE, long)
            self._orders[key] = found
        return found

    def admit(self, market: str, ip: str, weight: int, now: Ms, *, funding: bool = False) -> Window:
        """Count a request, or refuse it.

        Raises:
            Denied: -1003 with 429, or 418 once an address has gone on too long.
        """
        window = self.weight_window(market, ip)
        ban = self._bans.get(ip)
        if ban is not None and now < ban.until:
            raise _banned(ban, now)
        if self.on and market == "spot":
            raw = self._raw.setdefault(ip, Window(5 * MINUTE, self.limit("spot_raw_5m")))
            if raw.add(now, 1) > raw.most:
                raise self._too_many(ip, raw, now, "raw requests per 5 MINUTE")
        if funding:
            shared = self._funding.setdefault(ip, Window(5 * MINUTE, self.limit("funding_5m")))
            if shared.add(now, 1) > shared.most and self.on:
                raise self._too_many(ip, shared, now, "funding requests per 5 MINUTE")
            return window
        if window.add(now, weight) > window.most and self.on:
            raise self._too_many(ip, window, now, "request weight per 1 MINUTE")
        return window

    def admit_orders(self, market: str, account: int, count: int, now: Ms) -> None:
        """Count new orders, or refuse them with -1015."""
        short, long = self.order_windows(market, account)
        short.add(now, count)
        long.add(now, 1 if market == "futures" else count)  # a batch counts once a minute
        for window, words in ((short, "10 SECOND"), (long, "1 DAY" if market == "spot" else "1 MINUTE")):
            if window.count > window.most and self.on:
                raise Denied(-1015, f"{window.most} orders per {words}", headers=_retry(window.left(now)))

    def admit_socket(self, ip: str, now: Ms) -> bool:
        """Count a new WebSocket connection to spot; False beyond 300 in five minutes."""
        window = self._connects.setdefault(ip, Window(5 * MINUTE, self.limit("spot_connects_5m")))
        return window.add(now, 1) <= window.most or not self.on

    def give_back(self, account: int, now: Ms) -> None:
        """Spot counts only unfilled orders: the first fill of one, in part or whole, gives its count back."""
        for window in self.order_windows("spot", account):
            window.add(now, -1)

    def ban(self, ip: str, length: Ms, now: Ms) -> None:
        """Shut an address out."""
        found = self._bans.setdefault(ip, Ban())
        found.until, found.length = now + length, length

    def pardon(self) -> None:
        """Forget every count and ban."""
        for store in (self._weights, self._raw, self._funding, self._orders, self._bans, self._connects):
            store.clear()

    def _too_many(self, ip: str, window: Window, now: Ms, words: str) -> Denied:
        window.refused += 1
        if window.refused > self.STRIKES:
            window.refused = 0
            ban = self._bans.setdefault(ip, Ban())
            ban.length = min(_LONGEST_BAN, ban.length * 2 if ban.length else self.options.ban_ms)
            ban.until = now + ban.length
            return _banned(ban, now)
        text = f"Too much request weight used; current limit is {window.most} {words}. Please use WebSocket Streams" \
               " for live updates to avoid polling the API."  # fmt: skip
        return Denied(-1003, msg=text, headers=_retry(window.left(now)))


def _banned(ban: Ban, now: Ms) -> Denied:
    text = f"Way too much request weight used; IP banned until {ban.until}. Please use WebSocket Streams for live" \
           " updates to avoid bans."  # fmt: skip
    return Denied(-1003, msg=text, status=418, headers=_retry(ban.until - now))


def _retry(left: Ms) -> dict[str, str]:
    return {"Retry-After": str(max(1, -(-left // 1000)))}
