"""The table of endpoints: dispatch, checks, weights and the document come from it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from gridbot_tui.exchange.server.fields import Spec, Values
from gridbot_tui.units import Ms

if TYPE_CHECKING:
    from gridbot_tui.exchange.server.accounts import Account
    from gridbot_tui.exchange.server.place import Place

Weight = int | Callable[[Values], int]


class Call:
    """One admitted request: who asks what, and when."""

    __slots__ = ("_account", "ip", "now", "place", "values", "weight")

    def __init__(self, place: "Place", values: Values, now: Ms, account: "Account | None", ip: str) -> None:
        self.place = place
        self.values = values
        self.now = now
        self.ip = ip
        self._account = account
        self.weight: int | None = None
        """What the call costs if not what the table says."""

    @property
    def account(self) -> "Account":
        """Whose call it is; only where the table asks for a key."""
        assert self._account is not None
        return self._account

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default."""
        return self.values.get(name, default)


Handler = Callable[[Call], Any]


class Endpoint(Struct, frozen=True):
    """One row."""

    method: str
    path: str
    market: str
    """``spot`` or ``futures``: whose rules and limits apply."""
    security: str
    """``NONE``, ``KEY`` (only the API key), ``SIGNED``."""
    weight: Weight
    orders: int
    """How many orders it counts as."""
    spec: Spec
    handler: Handler
    weight_text: str
    method_name: str
    """The same call's name in the ws-api; empty where it has none."""

    @property
    def trades(self) -> bool:
        """Whether it may create or change an order."""
        return self.orders > 0


REST: Final[dict[tuple[str, str], Endpoint]] = {}
WS_API: Final[dict[tuple[str, str], Endpoint]] = {}
"""By (market, method name)."""


def endpoint(method: str, path: str, params: str = "", *, security: str = "NONE", weight: Weight = 1, orders: int = 0,
             weight_text: str = "", ws: str = "") -> Callable[[Handler], Handler]:  # fmt: skip
    """Enter a handler into the table; ``path`` may name several, separated by blanks."""
    spec = Spec(params, spot=path.startswith(("/api", "/sapi")))

    def enter(handler: Handler) -> Handler:
        for one in path.split():
            market = "futures" if one.startswith(("/fapi", "/futures", "/dapi", "/eapi")) else "spot"
            text = weight_text or (str(weight) if isinstance(weight, int) else "see docs")
            row = Endpoint(method, one, market, security, weight, orders, spec, handler, text, ws)
            REST[method, one] = row
            if ws:
                WS_API[market, ws] = row
        return handler

    return enter


def by_symbol(one: int, all_: int) -> Callable[[Values], int]:
    """A weight that depends on whether a symbol was given."""
    return lambda values: one if "symbol" in values else all_


def by_limit(default: int, *steps: tuple[int, int]) -> Callable[[Values], int]:
    """A weight by ``limit``: (at most, weight) pairs; the last weight above them."""

    def weigh(values: Values) -> int:
        limit = values.get("limit", default)
        return next((weight for most, weight in steps if limit <= most), steps[-1][1])

    return weigh
