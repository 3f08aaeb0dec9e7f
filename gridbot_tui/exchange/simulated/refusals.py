"""Why the exchange says no: Binance's error codes and words."""

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """A definite no: nothing happened."""

    code: int
    detail: str


UNKNOWN_SYMBOL = Refusal(-1121, "Invalid symbol.")
BAD_CLIENT_ID = Refusal(
    -1100, "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."
)
BAD_CLIENT_ID_FUTURES = Refusal(-4015, "Client order id is not valid.")
UNKNOWN_ORDER = Refusal(-2011, "Unknown order sent.")
NO_SUCH_ORDER = Refusal(-2013, "Order does not exist.")
MISSING_PRICE = Refusal(-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed.")
MISSING_TRIGGER = Refusal(-1102, "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed.")

# spot
SPOT_CLOSED = Refusal(-1013, "Market is closed.")
SPOT_DUPLICATE = Refusal(-2010, "Duplicate order sent.")
SPOT_WOULD_TAKE = Refusal(-2010, "Order would immediately match and take.")
SPOT_BALANCE = Refusal(-2010, "Account has insufficient balance for requested action.")
SPOT_WOULD_TRIGGER = Refusal(-2010, "Stop price would trigger immediately.")

# futures
FUTURES_CLOSED = Refusal(-4141, "Symbol is closed.")
FUTURES_DUPLICATE = Refusal(-4116, "ClientOrderId is duplicated.")
WOULD_TAKE = Refusal(
    -5022,
    "Due to the order could not be executed as maker, the Post Only order will be rejected."
    " The order will not be recorded in the order history",
)
REDUCE_ONLY = Refusal(-2022, "ReduceOnly Order is rejected.")
MARGIN = Refusal(-2019, "Margin is insufficient.")
POSITION_LIMIT = Refusal(-2027, "Exceeded the maximum allowable position at current leverage.")
LEVERAGE_MARGIN = Refusal(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
LEVERAGE_INVALID = Refusal(-4028, "Leverage is not valid.")
WOULD_TRIGGER = Refusal(-2021, "Order would immediately trigger.")
QUANTITY_ZERO = Refusal(-4003, "Quantity less than zero.")
QUANTITY_MIN = Refusal(-4004, "Quantity less than min quantity.")
QUANTITY_MAX = Refusal(-4005, "Quantity greater than max quantity.")
PRICE_ZERO = Refusal(-4001, "Price less than 0.")
PRICE_MIN = Refusal(-4013, "Price less than min price.")
PRICE_MAX = Refusal(-4002, "Price greater than max price.")
TICK = Refusal(-4014, "Price not increased by tick size.")
STEP = Refusal(-4023, "Qty not increased by step size.")
PERCENT_HIGH = Refusal(-4016, "Limit price can't be higher than the multiplier up allows.")
PERCENT_LOW = Refusal(-4024, "Limit price can't be lower than the multiplier down allows.")
MARKET_PERCENT = Refusal(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
TOO_MANY_ORDERS = Refusal(-2025, "Reach max open order limit.")
TOO_MANY_STOPS = Refusal(-4045, "Reach max stop order limit.")
CLOSE_WITH_QUANTITY = Refusal(-4137, "Quantity must be zero with closePosition equals true.")
CLOSE_WITH_REDUCE_ONLY = Refusal(-4138, "Reduce only can't be sent with close position.")
NOT_CONDITIONAL = Refusal(-4136, "Target strategy invalid for orderType with closePosition true.")


def filter_failure(name: str) -> Refusal:
    """Spot's one code for every filter, with the filter's name."""
    return Refusal(-1013, f"Filter failure: {name}")


def min_notional(smallest: object) -> Refusal:
    """Futures: the order is worth too little."""
    return Refusal(-4164, f"Order's notional must be no smaller than {smallest} (unless you choose reduce only)")
