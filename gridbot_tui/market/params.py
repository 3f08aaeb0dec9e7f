"""Parameters of market data: what counts as a hole, and the synthetic market."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DataParams(BaseModel):
    """How recorded and live bars are judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    episode_gap_minutes: int = Field(
        60,
        ge=1,
        le=1440,
        description="Longest hole in a symbol's bars, minutes, that is lived through as an outage; a longer "
        "one ends the episode (close at the last close, warm up anew). 60: exchange outages that short were "
        "tradable after.",
    )
    bad_rows_percent: float = Field(
        1.0,
        ge=0.0,
        le=10.0,
        description="Share of a file's rows, percent, that may be impossible or off the grid and are dropped "
        "with a note; with more the file is refused. 1: a stray row is an accident, one in a hundred is "
        "another format.",
    )
    assumed_funding: float = Field(
        0.0001,
        ge=-0.01,
        le=0.01,
        description="Funding of 8 hours, fraction, charged in replays where none is recorded. 0.0001: the "
        "rate Binance settles in quiet times, and what the strategy was researched with. 0 charges none.",
    )
    exchange_info: str | None = Field(
        None,
        description="File with an exchangeInfo document of Binance (JSON, also .gz): its filters are used before the "
        "built-in ones. Not set: built-in instruments, or ones derived from the data.",
    )
    leverage_brackets: str | None = Field(
        None,
        description="File with a leverageBracket document to go with exchange_info. Not set: the built-in brackets.",
    )


class SyntheticParams(BaseModel):
    """The seeded market of the sim mode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(
        1,
        ge=0,
        le=2**63 - 1,
        description="Seed; the same seed gives the same market, always. 1: its first three weeks rest, rise "
        "and range, without a crash.",
    )
    symbols: tuple[str, ...] = Field(
        ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT"),
        min_length=1,
        max_length=50,
        description="Symbols to invent, of the built-in instruments. Six: a portfolio that fits one screen.",
    )
    volatility_low: float = Field(
        0.95,
        ge=0.05,
        le=5.0,
        description="Lowest yearly volatility of a symbol, fraction of price. 0.95: realised values stay "
        "above 0.90, where NEUTRAL is awake.",
    )
    volatility_high: float = Field(
        1.40,
        ge=0.05,
        le=5.0,
        description="Highest yearly volatility of a symbol, fraction of price. 1.40: realised values stay "
        "below 1.50.",
    )
    correlation: float = Field(
        0.65,
        ge=0.0,
        le=0.95,
        description="Correlation of the symbols' returns through their common factor. 0.65: large coins of "
        "2021-2025.",
    )
    crash_days: float = Field(
        24.0,
        ge=2.0,
        le=10_000.0,
        description="Mean days between market-wide crashes of 6-18 %. 24: six seeds in ten have one within the three "
        "weeks lived through at the start, so that the risk tiers are seen at work; seed 1 has none.",
    )
    gap_days: float = Field(
        9.0,
        ge=1.0,
        le=10_000.0,
        description="Mean days between price gaps of 1-3 % of one symbol. 9: every week some symbol gaps.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.volatility_low > self.volatility_high:
            raise ValueError("volatility_low must not exceed volatility_high")
        return self
