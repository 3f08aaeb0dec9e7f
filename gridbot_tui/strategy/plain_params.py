"""Parameters of the plain grids every venue offers."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LEAST: Final = 1e-12
MOST: Final = 1e12
"""Prices, quote: no coin is cheaper or dearer, and sums of them stay numbers."""


class PlainParams(BaseModel):
    """A range, a number of levels, a direction. No evidence of profit: for operators who want just that.

    Absolute prices belong to one symbol; without them, everything follows from fractions of the price at
    which the grid is first laid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Literal["long", "short", "neutral"] = Field(
        "long",
        description="long buys first; short sells first, neutral does both around its start (futures).",
    )
    levels: int = Field(20, ge=2, le=200, description="Price levels of the range, both ends included.")
    lower: float | None = Field(None, ge=LEAST, le=MOST, description="Lowest level, quote; none = range_below.")
    upper: float | None = Field(None, ge=LEAST, le=MOST, description="Highest level, quote; none = range_above.")
    range_below: float = Field(
        0.10, gt=0, le=0.9, description="Lowest level below the price when first laid, fraction of price."
    )
    range_above: float = Field(
        0.10, gt=0, le=5.0, description="Highest level above the price when first laid, fraction of price."
    )
    leverage: float = Field(
        0.5,
        ge=0.01,
        le=3.0,
        description="Exposure with every level filled, multiples of equity; at most 1 on spot.",
    )
    initial_inventory: bool = Field(
        False,
        description="Ask for the inventory of the levels already passed at the start (the plan's target).",
    )
    trailing_up: bool = Field(
        False, description="Move the range up, a level at a time, when price leaves it upwards."
    )
    trailing_down: bool = Field(False, description="Move the range down when price leaves it downwards.")
    trail_up_to: float | None = Field(
        None, ge=LEAST, le=MOST, description="Highest level trailing may reach, quote; none = trail_limit."
    )
    trail_down_to: float | None = Field(
        None, ge=LEAST, le=MOST, description="Lowest level trailing may reach, quote; none = trail_limit."
    )
    trail_limit: float = Field(
        0.5,
        ge=0.0,
        le=10.0,
        description="How far trailing may carry either end from where it was laid, fraction.",
    )
    stop: float | None = Field(
        None,
        ge=LEAST,
        le=MOST,
        description="Leave everything beyond this price, quote: losing side; below, of a neutral grid.",
    )
    stop_above: float | None = Field(
        None, ge=LEAST, le=MOST, description="Neutral grids: leave everything above this price, quote."
    )
    take_profit: float | None = Field(
        None,
        ge=LEAST,
        le=MOST,
        description="Leave everything at this price, on the winning side, quote; not of neutral grids.",
    )
    reinvest: bool = Field(False, description="Size the lots by today's equity instead of that of the start.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.lower is None) != (self.upper is None):
            raise ValueError("give both lower and upper, or neither")
        if self.lower is not None and self.upper is not None:
            if self.lower >= self.upper:
                raise ValueError(f"lower ({self.lower:g}) must be below upper ({self.upper:g})")
            self._check_exits(self.lower, self.upper)
        return self

    def _check_exits(self, lower: float, upper: float) -> None:
        """Stop and take-profit stand outside the range, on their own side of it."""
        short = self.side == "short"
        if self.stop is not None and not (self.stop > upper if short else self.stop < lower):
            raise ValueError(f"stop ({self.stop:g}) must stand {'above upper' if short else 'below lower'}")
        if self.take_profit is not None and not (
            self.take_profit < lower if short else self.take_profit > upper
        ):
            raise ValueError(
                f"take_profit ({self.take_profit:g}) must stand beyond the range, on the winning side"
            )
        if self.stop_above is not None and self.stop_above <= upper:
            raise ValueError(f"stop_above ({self.stop_above:g}) must stand above upper")

    @property
    def absolute(self) -> bool:
        """True where a price of one symbol is named."""
        named = (
            self.lower,
            self.upper,
            self.trail_up_to,
            self.trail_down_to,
            self.stop,
            self.stop_above,
            self.take_profit,
        )
        return any(price is not None for price in named)
