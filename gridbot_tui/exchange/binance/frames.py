"""What Binance's streams say, as far as we listen: the frames' own fields, read strictly, nothing kept back.

Unknown fields are passed over, missing ones that we need make a ``BadFrame``; an amount may be a text or a number, as
in REST answers. The house's words are made of these in ``market_words``, ``futures_words`` and ``spot_words``; nothing
of this module leaves the room.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from gridbot_tui.exchange.binance.numbers import BadNumber, digits

T = TypeVar("T")


class BadFrame(Exception):
    """A frame that cannot be read. ``kind`` names the sort of it, for counting; ``symbol`` whose it is, "" = not known.
    """

    def __init__(self, kind: str, detail: str, symbol: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.symbol = symbol


READING: Final = (msgspec.MsgspecError, BadNumber, UnicodeDecodeError, RecursionError)
"""What reading a frame may raise; every one of them makes a BadFrame."""


# -- the wrapping -----------------------------------------------------------------------------------------


class Of(Struct, Generic[T], frozen=True, gc=False):
    """A frame of a combined connection."""

    data: T
    stream: str = ""


class Any_(Struct, frozen=True):
    """Whatever a connection may say, far enough to know what it is."""

    e: str = ""
    stream: str = ""
    data: Raw = Raw()
    event: Raw = Raw()
    subscriptionId: int | None = None


class Until(Struct, frozen=True):
    """Until when nothing is answered, both in ms of the exchange's clock."""

    serverTime: int = 0
    retryAfter: int = 0


class Trouble(Struct, frozen=True):
    """Why a command was refused."""

    code: int = 0
    msg: str = ""
    data: Until | None = None


class Answer(Struct, frozen=True):
    """The answer to a command of ours on the connection itself."""

    id: int | str | None = None
    result: Raw = Raw()
    status: int = 200
    error: Trouble | None = None
    code: int | None = None
    msg: str = ""

    @property
    def shut_s(self) -> float:
        """After 418 and 429: for how long nothing more is to be asked, s; 0 where it is not told."""
        until = self.error.data if self.error is not None else None
        return 0.0 if until is None else max(0.0, (until.retryAfter - until.serverTime) / 1000)

    @property
    def refusal(self) -> str:
        """Why it was refused; "" where it was not."""
        if self.error is not None:
            return f"{self.error.msg} ({self.error.code})"
        if self.code is not None:
            return f"{self.msg} ({self.code})"
        return "" if self.status == 200 else f"status {self.status}"


# -- market -----------------------------------------------------------------------------------------------


class BookTicker(Struct, frozen=True, gc=False):
    """Best bid and ask. Spot's has neither event type nor time."""

    u: int
    s: str
    b: str
    a: str
    E: int = 0


class MarkPrice(Struct, frozen=True, gc=False):
    """Mark price and the next funding time; a symbol that is closed may have neither."""

    E: int
    s: str
    p: str | None = None
    T: int | None = 0


class Candle(Struct, frozen=True, gc=False):
    """The candle of a kline frame."""

    t: int
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 (the exchange's name)
    v: str
    x: bool


class Kline(Struct, frozen=True, gc=False):
    """A candle, forming or closed."""

    E: int
    s: str
    k: Candle


# -- futures account ----------------------------------------------------------------------------------------


class FuturesOrder(Struct, frozen=True):
    """An order as ORDER_TRADE_UPDATE tells it. What the exchange does itself may carry nulls."""

    s: str
    c: str
    S: str
    x: str
    X: str
    i: int
    T: int
    o: str | None = ""
    ot: str | None = ""
    l: str | None = "0"  # noqa: E741 (the exchange's name)
    z: str | None = "0"
    L: str | None = "0"
    n: str | None = None
    N: str | None = None
    t: int | None = 0
    m: bool = False
    ps: str | None = "BOTH"
    rp: str | None = None
    er: str | int | None = "0"


class OrderTradeUpdate(Struct, frozen=True):
    """News of a plain order."""

    E: int
    o: FuturesOrder


class WalletRow(Struct, frozen=True):
    """One asset of ACCOUNT_UPDATE: ``bc`` is the change that is neither profit nor commission."""

    a: str
    bc: str | None = "0"


class PositionRow(Struct, frozen=True):
    """One position of ACCOUNT_UPDATE: ``mt`` is its margin mode, ``pa`` the signed quantity."""

    s: str = ""
    pa: str | None = None
    ps: str | None = "BOTH"
    mt: str | None = ""


class WalletNews(Struct, frozen=True):
    """What ACCOUNT_UPDATE wraps: ``m`` is why."""

    m: str
    B: tuple[WalletRow, ...] | None = ()
    P: tuple[PositionRow, ...] | None = ()


class AccountUpdate(Struct, frozen=True):
    """Balances and positions that changed."""

    E: int
    T: int
    a: WalletNews


class AlgoOrder(Struct, frozen=True):
    """A conditional order: ``caid`` its client id, ``tt`` when it fired, ``ai`` the number of the plain order that it
    gave birth to."""

    caid: str
    s: str
    X: str
    aid: int
    q: str | None = "0"
    ai: str | int | None = ""
    aq: str | None = None
    rm: str | None = ""
    tt: int | None = 0


class AlgoUpdate(Struct, frozen=True):
    """News of a conditional order."""

    E: int
    o: AlgoOrder
    T: int = 0


class AccountSettings(Struct, frozen=True):
    """``j``: whether every asset counts as margin; ``d``, which not every source has: hedge mode."""

    j: bool | None = None
    d: bool | None = None


class SymbolSettings(Struct, frozen=True):
    """The leverage that a symbol has now."""

    s: str = ""
    l: int = 0  # noqa: E741 (the exchange's name)


class ConfigUpdate(Struct, frozen=True):
    """A setting of the account was changed: of a symbol (``ac``), or of all of it (``ai``)."""

    E: int = 0
    ac: SymbolSettings | None = None
    ai: AccountSettings | None = None


# -- spot account -------------------------------------------------------------------------------------------


class ExecutionReport(Struct, frozen=True):
    """News of a spot order. On a cancel ``c`` is the cancel's own id and ``C`` the order's."""

    E: int
    s: str
    c: str
    S: str
    x: str
    X: str
    i: int
    T: int
    q: str = "0"
    o: str = ""
    C: str = ""
    l: str = "0"  # noqa: E741 (the exchange's name)
    z: str = "0"
    L: str = "0"
    n: str | None = None
    N: str | None = None
    t: int = -1
    Y: str | None = None
    I: int = 0  # noqa: E741 (the exchange's name)
    w: bool = False
    m: bool = False
    r: str = "NONE"


class BalanceUpdate(Struct, frozen=True):
    """A deposit, a withdrawal, a transfer."""

    E: int
    a: str
    d: str
    T: int


# -- reading --------------------------------------------------------------------------------------------------

_loosely: Final = msgspec.json.Decoder(float_hook=Decimal).decode


def _texts(value: Any) -> Any:
    """Every number as text, the digits as they came."""
    if isinstance(value, dict):
        return {name: _texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return digits(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _reader(kind: type[T]) -> Callable[[bytes], T]:
    """Reads frames of a kind. Binance writes amounts as texts and counts as numbers; who else speaks its protocol may
    not tell the two apart, in REST answers or here: such a frame is read once more, more slowly."""
    strictly = msgspec.json.Decoder(kind).decode

    def read(raw: bytes) -> T:
        try:
            return strictly(raw)
        except msgspec.ValidationError as wrong:
            try:
                return msgspec.convert(_texts(_loosely(raw)), kind, strict=False)
            except msgspec.ValidationError:
                raise wrong from None

    return read


any_frame: Final = msgspec.json.Decoder(Any_).decode
answer: Final = msgspec.json.Decoder(Answer).decode
book_ticker: Final = _reader(Of[BookTicker])
mark_price: Final = _reader(Of[MarkPrice])
kline: Final = _reader(Of[Kline])
order_trade_update: Final = _reader(OrderTradeUpdate)
account_update: Final = _reader(AccountUpdate)
algo_update: Final = _reader(AlgoUpdate)
config_update: Final = _reader(ConfigUpdate)
execution_report: Final = _reader(ExecutionReport)
balance_update: Final = _reader(BalanceUpdate)
