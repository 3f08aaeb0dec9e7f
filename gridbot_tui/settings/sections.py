"""The sections that belong to no room: who the bot is, and how it is stored, logged, shown and stopped."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.units import Market, Mode


def _symbol(name: str) -> str:
    # Not only A-Z: Binance lists symbols with Chinese names.
    if not (5 <= len(name) <= 30 and name.isalnum() and name == name.upper()):
        raise ValueError("a symbol is written as Binance writes it, such as BTCUSDT")
    return name


SymbolName = Annotated[str, AfterValidator(_symbol)]
"""A symbol as Binance writes it."""

VIRTUAL_CAPITAL = Decimal(10_000)
"""Quote that sim, replay and paper start with unless ``bot.capital`` says otherwise."""


class Section(BaseModel):
    """Base of the sections: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def unit(name: str, applies: str | None = None) -> dict[str, Any]:
    """The metadata of a field: its unit, and its class of key where it differs from its section's."""
    return {"unit": name} if applies is None else {"unit": name, "applies": applies}


class BotParams(Section):
    """Who the bot is and what it trades.

    Together with the profile: nothing here changes under a running bot. A profile keeps the symbols and the capital
    that it began with: others are traded in a profile of their own (--profile).
    """

    mode: Mode = Field(
        Mode.SIM,
        description="Where prices come from and where orders go. sim needs no network, no keys and no "
        "money, so it is what starts when nothing is said; --mode overrides it.",
    )
    market: Market = Field(
        Market.FUTURES,
        description="USD-M futures or spot. Futures by default: the evidence for the strategy is from "
        "perpetuals, and its fees are a fifth of spot's; --market overrides it.",
    )
    name: str = Field(
        "gb",
        pattern=r"^[A-Za-z0-9]{1,2}$",
        description="First letters of every client order id: they prove which orders are ours. Two bots on "
        "one account need two names; short, because an id has 36 characters for all it must "
        "say. A profile takes another one only after a stop that left nothing.",
    )
    account: str = Field(
        "main",
        pattern=r"^[A-Za-z0-9]{1,4}$",
        description="Tag of the account: follows name in client order ids and is part of the profile's "
        "name, so that two accounts never share a database.",
    )
    quote: str = Field(
        "USDT",
        pattern=r"^[A-Z0-9]{2,10}$",
        description="Asset that capital, equity and profit are counted in. Every traded symbol must be "
        "quoted in it; a recording's own counts in replays and back-tests.",
    )
    symbols: tuple[SymbolName, ...] = Field(
        ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        min_length=1,
        max_length=60,
        description="What paper, testnet and live trade, an equal share of the capital each unless "
        "[symbols.NAME] says otherwise (sim trades simulation.symbols, replay what its files "
        "hold). The three deepest books; 8 to 20 symbols diversify better once the capital "
        "covers their minimum orders.",
    )
    capital: Decimal | None = Field(
        None,
        gt=0,
        le=Decimal(1_000_000_000),
        description="Money the bot may size by; drawdown is measured on it. Not set: 10000 in sim, replay "
        "and paper; on testnet and live the whole wallet in the quote asset, and never more than that holds. "
        "Later deposits raise it, and withdrawals lower it once what the wallet holds beside it is used up; a profile "
        "that has begun takes no other one. On spot the rest of the wallet is yours, with all that you buy and sell "
        "with it by hand.",
        json_schema_extra=unit("quote"),
    )


class SimulationParams(SyntheticParams):
    """The mode sim: the invented market, how long the bot has lived in it at the first screen, its pace.

    A profile keeps the market that it began with: what makes one counts for a new profile (--profile).
    """

    speed: float = Field(
        120.0,
        ge=1.0,
        le=100_000.0,
        description="Virtual time over real time after the warm-up. At 120 a one-minute bar closes twice a "
        "second: lively enough to watch, slow enough to read.",
        json_schema_extra=unit("x", "now"),
    )
    warmup_days: int = Field(
        21,
        ge=0,
        le=120,
        description="Days lived through at full speed before the first screen. 14 are the features' "
        "warm-up; the week after them leaves fills, cycles, weights and an equity curve to "
        "look at.",
        json_schema_extra=unit("days"),
    )
    exchange: ExchangeParams = Field(
        default_factory=ExchangeParams,
        description="The simulated exchange of sim, replay, paper and back-tests: what it charges, how it "
        "executes.",
    )


class StoreParams(Section):
    """What the database keeps.

    Fills, cash, weights, config versions and orders that filled are kept for ever.
    """

    retention_days: int = Field(
        90,
        ge=7,
        le=3650,
        description="Age at which decisions, plans and orders that never filled are dropped and the equity "
        "curve is thinned to a point an hour. A quarter explains nearly every open lot; older "
        "ones only grow the file.",
        json_schema_extra=unit("days"),
    )
    equity_every_minutes: int = Field(
        15,
        ge=1,
        le=60,
        description="Time between two stored points of the equity curve. A day is 96 points, enough for a "
        "chart; drawdown itself is watched on every mark.",
        json_schema_extra=unit("minutes", "next_decision"),
    )


class LogParams(Section):
    """The log file of the profile, and what a terminal sees of it."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least severe line that is written. info tells what is decided and held back, what is wrong, and "
        "how bot and connections are; debug adds every order, fill and payment, which the audit trail has in any case.",
    )
    terminal_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least severe line that --no-ui also writes to the terminal; never more than level "
        "lets through.",
    )
    size_mb: int = Field(
        10,
        ge=1,
        le=1024,
        description="Size at which the log file is rotated. 10 MB still opens in a pager over SSH.",
        json_schema_extra=unit("MB", "restart"),
    )
    count: int = Field(
        5,
        ge=1,
        le=100,
        description="Rotated files kept. With 10 MB each years at level info, a year of six symbols at debug.",
        json_schema_extra=unit("files", "restart"),
    )


class UiParams(Section):
    """The terminal."""

    theme: Literal["auto", "dark", "light", "colour-blind", "ansi-16"] = Field(
        "auto",
        description="Colours. auto: light where the terminal says that its background is, else dark; ansi-16 are its "
        "own sixteen. Every meaning is also carried by a sign and a word. NO_COLOR in the environment wins.",
    )
    symbols: Literal["auto", "braille", "block", "ascii"] = Field(
        "auto",
        description="What graphs and frames are drawn with. auto: braille where the locale is UTF-8, else ASCII; "
        "block where the font has no braille.",
    )
    refresh_hz: float = Field(
        4.0,
        ge=0.5,
        le=10.0,
        description="Times a second the screen takes the newest snapshot. 4 reads as live; 1 or 2 spare a "
        "thin line.",
        json_schema_extra=unit("1/s"),
    )
    mouse: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether the app takes the mouse. auto is off: reporting every motion costs bandwidth over SSH "
        "and breaks the terminal's own text selection.",
        json_schema_extra={"applies": "restart"},
    )
    keymap: dict[str, str] = Field(
        {},
        description='Keys by the name of their action, such as { pause = "p,f9" }. Empty: the keys '
        "shown in the help.",
    )


class ServiceParams(Section):
    """The shell around the engine: how often it looks, and how long it may take to stop."""

    reconcile_s: float = Field(
        60.0,
        ge=10.0,
        le=600.0,
        description="Time between two full comparisons of our books with the exchange's. A minute bounds "
        "how long a lost event goes unseen and costs a fraction of a percent of the request "
        "budget. In engine time; a replay and the past of a sim compare every six hours, since nobody else "
        "touches their account.",
        json_schema_extra=unit("s", "now"),
    )
    heartbeat_s: float = Field(
        5.0,
        ge=1.0,
        le=60.0,
        description="Time between two signs of life (heartbeat file, systemd watchdog). A third of the "
        "usual 15 s watchdog.",
        json_schema_extra=unit("s"),
    )
    snapshot_facts: int = Field(
        1000,
        ge=50,
        le=100_000,
        description="Facts in the journal after which the engine's whole state is saved anew. A restart "
        "replays at most this many, a few milliseconds.",
        json_schema_extra=unit("facts", "now"),
    )
    shutdown_stage_s: float = Field(
        75.0,
        ge=1.0,
        le=600.0,
        description="Longest each stage of a graceful stop (recover, cancel, flatten, verify) waits without "
        "progress before it reports what is left (exit code 6). Outlasts one reconnect, and the minute after which "
        "the exchange's request limits are free again; systemd's TimeoutStopSec must exceed four of them.",
        json_schema_extra=unit("s", "now"),
    )
    lookback_days: int = Field(
        60,
        ge=0,
        le=365,
        description="Days before now on which the what-if screen's back-test judges the running config and an "
        "edited one, in a process of its own at the lowest priority and only while somebody looks on. 60 give an "
        "interval (30 are the least) and cost four requests a symbol on a real market. 0 = none.",
        json_schema_extra=unit("days", "now"),
    )


class SafetyParams(Section):
    """What the bot accepts of an account with real money, and what the exchange does should the bot go silent."""

    accept_keys_that_can_withdraw: bool = Field(
        False,
        description="Trade with an API key that may also withdraw or transfer. Off: such a key is refused, "
        "because whoever steals it takes the money along.",
    )
    accept_keys_open_to_any_ip: bool = Field(
        False,
        description="Trade with an API key that is not limited to trusted addresses. Off: such a key is "
        "refused on live, because it works for whoever finds it.",
    )
    cancel_all_after_s: float = Field(
        120.0,
        ge=0.0,
        le=3600.0,
        description="Futures: the exchange itself cancels a symbol's orders when the bot has not been heard of "
        "for so long (the resting stop stays). Renewed four times as often; stretched where symbols are so "
        "many that this would cost a tenth of the request budget; not armed where an order that is not the "
        "bot's rests. 0 = never.",
        json_schema_extra=unit("s"),
    )

    @field_validator("cancel_all_after_s")
    @classmethod
    def _long_enough(cls, seconds: float) -> float:
        if 0.0 < seconds < 30.0:
            raise ValueError("is 0 (never) or at least 30: a reconnect takes that long")
        return seconds
