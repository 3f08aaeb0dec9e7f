"""What the simulated exchange charges and how kindly it executes."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

_NONE = Decimal(0)
_TENTH = Decimal("0.1")


class ExchangeParams(BaseModel):
    """Fees, slippage, partial fills and margin rules. Rates are fractions of notional."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    futures_maker: Decimal = Field(
        Decimal("0.0002"),
        ge=_NONE,
        le=_TENTH,
        description="Futures maker fee, fraction; Binance USD-M VIP 0.",
    )
    futures_taker: Decimal = Field(
        Decimal("0.0005"),
        ge=_NONE,
        le=_TENTH,
        description="Futures taker fee, fraction; Binance USD-M VIP 0.",
    )
    spot_maker: Decimal = Field(
        Decimal("0.001"), ge=_NONE, le=_TENTH, description="Spot maker fee, fraction; Binance spot VIP 0."
    )
    spot_taker: Decimal = Field(
        Decimal("0.001"), ge=_NONE, le=_TENTH, description="Spot taker fee, fraction; Binance spot VIP 0."
    )
    bnb_fees: bool = Field(
        False,
        description="Pay fees in BNB while the account holds enough; off, because few accounts hold any.",
    )
    futures_bnb_discount: Decimal = Field(
        Decimal("0.10"),
        ge=_NONE,
        lt=1,
        description="Part of the futures fee saved by paying in BNB, fraction.",
    )
    spot_bnb_discount: Decimal = Field(
        Decimal("0.25"), ge=_NONE, lt=1, description="Part of the spot fee saved by paying in BNB, fraction."
    )
    bnb_price: Decimal = Field(
        Decimal(600), gt=0, description="Quote per BNB where the played market has no BNB symbol; about 2025."
    )
    half_spread_bp: float = Field(
        0.0,
        ge=0,
        le=500,
        description="Half the spread a taker crosses, bp; 0, because the slippage contains it.",
    )
    slippage_bp: float = Field(
        2.0,
        ge=0,
        le=500,
        description="What a taker loses against the last price, bp; as the strategy was researched.",
    )
    volume_share: float = Field(
        0.10,
        ge=0,
        le=1,
        description="Share of a bar's volume that resting orders can take together; the rest rests on."
        " A tenth is what one participant may hope for. 0 = unlimited.",
    )
    partial_probability: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Chance that a fill takes only a random part; 0, because volume_share does it.",
    )
    leverage: int = Field(20, ge=1, le=150, description="Leverage of a symbol nobody has set; Binance's default.")
    margin_call_ratio: Decimal = Field(
        Decimal("0.8"),
        gt=0,
        le=1,
        description="Maintenance over margin balance that raises a margin call; Binance's 80 %.",
    )
    liquidation_fee: Decimal = Field(
        Decimal("0.0125"),
        ge=_NONE,
        le=_TENTH,
        description="Clearance fee of a liquidation, fraction of notional; usual.",
    )
    max_stops: int = Field(
        200, ge=1, le=1000, description="Open conditional orders of a futures account; Binance's limit."
    )
    max_spot_stops: int = Field(5, ge=1, le=1000, description="Open stop orders of a spot symbol; Binance's filter.")
