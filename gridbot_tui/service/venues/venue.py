"""What a run in real time needs of the exchange behind it, real or paper."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.exchange.port import Incoming, Port
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Asset, Money, Ms, Symbol

Countdown = Callable[[Symbol, Ms], Awaitable[None]]


class Desk(Protocol):
    """What a venue may say to the bot, and ask of it. None of it blocks."""

    def take(self, incoming: Incoming) -> None:
        """Something from the exchange."""
        ...

    def timed(self, symbol: Symbol, took: Ms) -> None:
        """A request about a symbol ("" = about none) was answered after so long on the wire."""
        ...

    def resync(self, reason: str) -> None:
        """Something happened that only a comparison with the exchange can tell in full."""
        ...

    def announce(self, text: str, code: str) -> None:
        """Something the operator should know, of a symbol (``listing``) or of the account (any other code)."""
        ...

    def relisted(self) -> None:
        """Filters, or what liquidation goes by, are not what this run has taken in."""
        ...

    def next_open(self, symbol: Symbol) -> Ms | None:
        """Open time of the first bar the books lack; None = the recovery asks for it itself."""
        ...

    def wallets(self) -> Mapping[Asset, Money]:
        """What the ledger says is in the wallets; empty before it has begun."""
        ...


    def fee_assets(self) -> Collection[Asset]:
        """Assets that fees were paid in and that no traded symbol prices."""
        ...


class Fees(Struct, frozen=True):
    """What the account pays, fractions of notional: of its symbols the dearest."""

    maker: Decimal
    taker: Decimal


class Venue(Protocol):
    """One exchange, connected and looked over: nothing of it speaks before its jobs run."""

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """What is traded."""
        ...

    @property
    def fees(self) -> Fees:
        """What the account pays as the run begins; later changes are events."""
        ...

    @property
    def port(self) -> Port:
        """Where requests go."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know of the account before anything is traded."""
        ...

    @property
    def countdown(self) -> Countdown | None:
        """Arms the exchange's dead-man switch of a symbol; None where it has none."""
        ...

    @property
    def weight_limit(self) -> int:
        """Request weight a minute."""
        ...

    def now(self) -> Ms:
        """The exchange's time."""
        ...

    def jobs(self, desk: "Desk") -> list[Coroutine[Any, Any, None]]:
        """Everything that must run for as long as the bot does; each ends by being cancelled."""
        ...

    def links(self) -> tuple[LinkView, ...]:
        """Every connection as it stands now."""
        ...

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
        ...
