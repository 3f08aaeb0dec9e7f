"""The section ``[exchange]``: where Binance is, and how patiently and sparingly it is asked."""

from pydantic import BaseModel, ConfigDict, Field


class BinanceParams(BaseModel):
    """Addresses, waits and shares of the rate limits; paper, testnet and live."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s?#@]+/?)?$",
        description='One address for everything, such as "http://127.0.0.1:9000" of gridbot exchange serve; '
        "whatever the mode; without user and password, it is shown. Empty: Binance's own addresses of the mode.",
    )
    reach_s: float = Field(
        40.0,
        ge=0,
        le=3_600,
        description="How long a start goes on trying an exchange that cannot be reached, s. A restart "
        "must not fail for a short outage; longer ones are for systemd's Restart=. A process that takes over from a "
        "terminal tries again for as long as it takes: nobody would start it.",
    )
    recv_window_ms: int = Field(
        5_000,
        ge=500,
        le=60_000,
        description="How late a signed request may arrive before the exchange refuses it, ms; Binance's "
        "default. A short window keeps an order that hung in the network from being carried out late.",
    )
    request_timeout_ms: int = Field(
        10_000,
        ge=100,
        le=60_000,
        description="Wait for an answer, ms; then the outcome is unknown and is asked for. Binance itself "
        "gives up after 10 s.",
    )
    retry_first_ms: int = Field(
        200,
        ge=1,
        le=10_000,
        description="Pause before what certainly failed is sent again, ms; doubles with every try. From "
        "Binance's advice for its 503.",
    )
    tries: int = Field(
        4,
        ge=1,
        le=10,
        description="How often a request that certainly failed is sent in all; Binance advises 3 to 5.",
    )
    absent_after_ms: int = Field(
        3_000,
        ge=10,
        le=60_000,
        description="How long the exchange must have gone on denying an order before it counts as absent, ms: "
        "its queries may lag behind its matching.",
    )
    absent_denials: int = Field(
        3, ge=2, le=10, description="How many times it must have denied it: one denial proves nothing."
    )
    clock_every_ms: int = Field(
        300_000,
        ge=1_000,
        le=3_600_000,
        description="Pause between two looks at the exchange's clock, ms. Clocks drift by seconds a day, the "
        "window is 5 s; 5 minutes are plenty.",
    )
    share_reprices: float = Field(
        0.50,
        gt=0,
        le=1,
        description="Part of a rate limit from which orders that only move a rung wait; they are shed first.",
    )
    share_entries: float = Field(
        0.75,
        gt=0,
        le=1,
        description="Part of a rate limit from which new entries wait; the rest is for questions, cancels and "
        "what reduces or protects.",
    )
    share_questions: float = Field(
        0.90,
        gt=0,
        le=1,
        description="Part of a rate limit from which questions wait; the last tenth belongs to cancels and "
        "what reduces or protects.",
    )
    queue: int = Field(
        2_000,
        ge=10,
        le=100_000,
        description="Requests that may wait; a new entry beyond that is refused here. 60 symbols with 16 "
        "orders each make 960.",
    )
    circuit_refusals: int = Field(
        3, ge=1, le=20, description="Identical refusals in a row after which a request is held back."
    )
    circuit_ms: int = Field(
        60_000, ge=100, le=3_600_000, description="How long it is held back before one more try, ms: a probe a minute."
    )
