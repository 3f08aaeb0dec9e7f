"""What an account stream has to say besides orders and fills."""

from typing import Final

from msgspec import Struct

from gridbot_tui.engine.events import Cash, Fill, OrderReport, PositionTold
from gridbot_tui.units import Asset, ClientId, Money, Ms, Symbol


class WalletMoved(Struct, frozen=True):
    """A wallet changed otherwise than by a fill; REST knows the exchange's own id of it."""

    at: Ms
    asset: Asset
    amount: Money
    reason: str


class LookAgain(Struct, frozen=True):
    """Something that only REST can tell in full."""

    reason: str
    code: str = ""
    """What the operator is told at once under (``MARGIN_CALL``, ``SETTINGS``); "" = it is for the log alone."""
    order: ClientId = ""
    """The order of ours that it is about: it was heard of, whatever was said."""


class Doubtful(Struct, frozen=True):
    """A fill under an id that is not ours, which may be the order that a stop of ours gave birth to."""

    fill: Fill
    order_number: int


class Ended(Struct, frozen=True):
    """This stream says nothing more (its listen key died, its subscription was ended)."""

    reason: str


class Leaving(Struct, frozen=True):
    """The exchange will close this connection soon."""

    reason: str


class Foreign(Struct, frozen=True):
    """An order that is not ours changed."""

    symbol: Symbol
    client_id: ClientId


MARGIN_CALL: Final = "margin_call"
"""The exchange is about to liquidate."""
SETTINGS: Final = "settings_changed"
"""Another hand has changed what risk is counted by."""

Word = Fill | OrderReport | Cash | PositionTold | WalletMoved | LookAgain | Doubtful | Ended | Leaving | Foreign

SILENT: Final = frozenset(
    {
        "TRADE_LITE", "STRATEGY_UPDATE", "GRID_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT", "ACCOUNT_UPDATE",
        "outboundAccountPosition", "listStatus", "balanceUpdate", "ORDER_TRADE_UPDATE", "ALGO_UPDATE",
        "executionReport",
    }
)  # fmt: skip
"""Events that may say nothing to us: what they tell comes by others, or none of it is ours."""
