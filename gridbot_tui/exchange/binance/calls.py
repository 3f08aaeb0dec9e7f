"""Every REST call the adapter makes: path, security and what it costs of the rate limits (reference prices)."""

from msgspec import Struct


class Call(Struct, frozen=True):
    """One endpoint as this room uses it."""

    method: str
    path: str
    weight: int
    signed: bool = True
    orders: int = 0
    """What it counts against the order limits."""
    version: int = 1
    """Futures only; spot has v3 throughout."""
    sapi: bool = False
    funding: bool = False
    """Counts against the limit that the funding endpoints share; they weigh nothing."""

    @property
    def name(self) -> str:
        """``POST order``: for messages and circuits."""
        return f"{self.method.upper()} {self.path}"


class Spot:
    """``/api/v3`` and ``/sapi/v1``."""

    TIME = Call("get", "time", 1, signed=False)
    INFO = Call("get", "exchangeInfo", 20, signed=False)
    KLINES = Call("get", "klines", 2, signed=False)
    BOOK = Call("get", "ticker/bookTicker", 2, signed=False)
    ACCOUNT = Call("get", "account", 20)
    COMMISSION = Call("get", "account/commission", 20)
    OPEN = Call("get", "openOrders", 6)
    ORDER = Call("get", "order", 4)
    ALL_ORDERS = Call("get", "allOrders", 20)
    TRADES = Call("get", "myTrades", 20)
    PLACE = Call("post", "order", 1, orders=1)
    CANCEL = Call("delete", "order", 1)
    RESTRICTIONS = Call("get", "account/apiRestrictions", 1, sapi=True)


class Futures:
    """``/fapi``."""

    TIME = Call("get", "time", 1, signed=False)
    INFO = Call("get", "exchangeInfo", 1, signed=False)
    FUNDING_INFO = Call("get", "fundingInfo", 0, signed=False, funding=True)
    BRACKETS = Call("get", "leverageBracket", 1)
    KLINES = Call("get", "klines", 5, signed=False)
    MARK_KLINES = Call("get", "markPriceKlines", 5, signed=False)
    BOOK = Call("get", "ticker/bookTicker", 2, signed=False)
    FUNDING = Call("get", "fundingRate", 0, signed=False, funding=True)
    ACCOUNT = Call("get", "account", 5, version=3)
    POSITIONS = Call("get", "positionRisk", 5, version=3)
    ACCOUNT_CONFIG = Call("get", "accountConfig", 5)
    SYMBOL_CONFIG = Call("get", "symbolConfig", 5)
    COMMISSION = Call("get", "commissionRate", 20)
    FEE_BURN = Call("get", "feeBurn", 30)
    OPEN = Call("get", "openOrders", 1)
    OPEN_ALGO = Call("get", "openAlgoOrders", 1)
    ORDER = Call("get", "order", 1)
    ALGO = Call("get", "algoOrder", 1)
    ALL_ORDERS = Call("get", "allOrders", 5)
    ALL_ALGO = Call("get", "allAlgoOrders", 5)
    TRADES = Call("get", "userTrades", 5)
    INCOME = Call("get", "income", 30)
    PLACE = Call("post", "order", 0, orders=1)
    PLACE_ALGO = Call("post", "algoOrder", 0, orders=1)
    PLACE_BATCH = Call("post", "batchOrders", 5, orders=5)
    CANCEL = Call("delete", "order", 1)
    CANCEL_ALGO = Call("delete", "algoOrder", 1)
    LEVERAGE = Call("post", "leverage", 1)
    MARGIN_TYPE = Call("post", "marginType", 1)
    COUNTDOWN = Call("post", "countdownCancelAll", 10)
    LISTEN_KEY = Call("post", "listenKey", 1, signed=False)
    """Needs the key, no signature."""
    RESTRICTIONS = Call("get", "account/apiRestrictions", 1, sapi=True)
