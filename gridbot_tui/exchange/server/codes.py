"""The error codes that are ever sent, and the exception that carries one to the client."""

from typing import Any, Final

from msgspec import Struct

from gridbot_tui.exchange.simulated.refusals import Refusal


class Code(Struct, frozen=True):
    """One row of the table of errors."""

    code: int
    name: str
    text: str
    """The usual message; ``{}`` stands for what the call adds."""
    status: int = 400
    market: str = "both"


ROWS: Final = (
    Code(-1000, "UNKNOWN", "An unknown error occurred while processing the request."),
    Code(-1003, "TOO_MANY_REQUESTS", "Too many requests; current limit of IP({}) is {}.", 429),
    Code(-1006, "UNEXPECTED_RESP", "An unexpected response was received from the message bus.", 500),
    Code(-1007, "TIMEOUT", "Timeout waiting for response from backend server. Send status unknown; execution status"
         " unknown.", 408),
    Code(-1008, "SERVER_BUSY", "Request throttled by system-level protection. Reduce-only/close-position orders are"
         " exempt. Please try again.", 503),
    Code(-1013, "INVALID_MESSAGE", "Filter failure: {}", market="spot"),
    Code(-1014, "UNKNOWN_ORDER_COMPOSITION", "Unsupported order combination."),
    Code(-1015, "TOO_MANY_ORDERS", "Too many new orders; current limit is {}.", 429),
    Code(-1016, "SERVICE_SHUTTING_DOWN", "This service is no longer available.", 503),
    Code(-1020, "UNSUPPORTED_OPERATION", "This operation is not supported."),
    Code(-1021, "INVALID_TIMESTAMP", "Timestamp for this request is outside of the recvWindow."),
    Code(-1022, "INVALID_SIGNATURE", "Signature for this request is not valid."),
    Code(-1100, "ILLEGAL_CHARS", "Illegal characters found in parameter '{}'; legal range is '{}'."),
    Code(-1101, "TOO_MANY_PARAMETERS", "Duplicate values for a parameter detected."),
    Code(-1102, "MANDATORY_PARAM_EMPTY_OR_MALFORMED",
         "Mandatory parameter '{}' was not sent, was empty/null, or malformed."),
    Code(-1104, "UNREAD_PARAMETERS", "Not all sent parameters were read; read '{}' parameter(s) but was sent '{}'."),
    Code(-1105, "PARAM_EMPTY", "Parameter '{}' was empty."),
    Code(-1106, "PARAM_NOT_REQUIRED", "Parameter '{}' sent when not required."),
    Code(-1111, "BAD_PRECISION", "Precision is over the maximum defined for this asset."),
    Code(-1115, "INVALID_TIF", "Invalid timeInForce."),
    Code(-1116, "INVALID_ORDER_TYPE", "Invalid orderType."),
    Code(-1117, "INVALID_SIDE", "Invalid side."),
    Code(-1118, "EMPTY_NEW_CL_ORD_ID", "New client order ID was empty."),
    Code(-1120, "INVALID_INTERVAL", "Invalid interval."),
    Code(-1121, "INVALID_SYMBOL", "Invalid symbol."),
    Code(-1122, "INVALID_SYMBOL_STATUS", "Invalid symbol status."),
    Code(-1125, "INVALID_LISTEN_KEY", "This listenKey does not exist."),
    Code(-1127, "MORE_THAN_XX_HOURS", "More than {} hours between startTime and endTime."),
    Code(-1128, "OPTIONAL_PARAMS_BAD_COMBO", "Combination of optional parameters invalid."),
    Code(-1130, "INVALID_PARAMETER", "Data sent for parameter '{}' is not valid."),
    Code(-1131, "BAD_RECV_WINDOW", "'recvWindow' must be less than 60000."),
    Code(-1154, "SBE_DISABLED", "SBE is not enabled.", market="spot"),
    Code(-1220, "SYMBOL_DOES_NOT_MATCH_STATUS", "The symbol's status does not match the requested symbolStatus.",
         market="spot"),
    Code(-2010, "NEW_ORDER_REJECTED", "{}", market="spot"),
    Code(-2011, "CANCEL_REJECTED", "Unknown order sent."),
    Code(-2013, "NO_SUCH_ORDER", "Order does not exist."),
    Code(-2014, "BAD_API_KEY_FMT", "API-key format invalid.", 401),
    Code(-2015, "REJECTED_MBX_KEY", "Invalid API-key, IP, or permissions for action.", 401),
    Code(-2018, "BALANCE_NOT_SUFFICIENT", "Balance is insufficient.", market="futures"),
    Code(-2019, "MARGIN_NOT_SUFFICIENT", "Margin is insufficient.", market="futures"),
    Code(-2021, "ORDER_WOULD_IMMEDIATELY_TRIGGER (spot: cancel-replace failed in part)",
         "Order would immediately trigger."),
    Code(-2022, "REDUCE_ONLY_REJECT (spot: cancel-replace failed)", "ReduceOnly Order is rejected."),
    Code(-2025, "MAX_OPEN_ORDER_EXCEEDED", "Reach max open order limit.", market="futures"),
    Code(-2027, "MAX_LEVERAGE_RATIO", "Exceeded the maximum allowable position at current leverage.",
         market="futures"),
    Code(-2028, "MIN_LEVERAGE_RATIO", "Leverage is smaller than permitted: insufficient margin balance.",
         market="futures"),
    Code(-2035, "SUBSCRIPTION_ACTIVE", "User Data Stream subscription already active.", market="spot"),
    Code(-2036, "SUBSCRIPTION_INACTIVE", "User Data Stream subscription not active.", market="spot"),
    Code(-2038, "AMEND_REJECTED", "{}", market="spot"),
    Code(-2039, "CLIENT_ORDER_ID_INVALID", "Client order ID is not correct for this order ID.", market="spot"),
    Code(-4001, "PRICE_LESS_THAN_ZERO", "Price less than 0.", market="futures"),
    Code(-4002, "PRICE_GREATER_THAN_MAX_PRICE", "Price greater than max price.", market="futures"),
    Code(-4003, "QTY_LESS_THAN_ZERO", "Quantity less than zero.", market="futures"),
    Code(-4004, "QTY_LESS_THAN_MIN_QTY", "Quantity less than min quantity.", market="futures"),
    Code(-4005, "QTY_GREATER_THAN_MAX_QTY", "Quantity greater than max quantity.", market="futures"),
    Code(-4013, "PRICE_LESS_THAN_MIN_PRICE", "Price less than min price.", market="futures"),
    Code(-4014, "PRICE_NOT_INCREASED_BY_TICK_SIZE", "Price not increased by tick size.", market="futures"),
    Code(-4015, "INVALID_CL_ORD_ID_LEN", "Client order id is not valid.", market="futures"),
    Code(-4016, "PRICE_HIGHTER_THAN_MULTIPLIER_UP", "Limit price can't be higher than {}.", market="futures"),
    Code(-4023, "QTY_NOT_INCREASED_BY_STEP_SIZE", "Qty not increased by step size.", market="futures"),
    Code(-4024, "PRICE_LOWER_THAN_MULTIPLIER_DOWN", "Limit price can't be lower than {}.", market="futures"),
    Code(-4028, "INVALID_LEVERAGE", "Leverage {} is not valid", market="futures"),
    Code(-4045, "MAX_STOP_ORDER_EXCEEDED", "Reach max stop order limit.", market="futures"),
    Code(-4046, "NO_NEED_TO_CHANGE_MARGIN_TYPE", "No need to change margin type.", market="futures"),
    Code(-4056, "INVALID_API_KEY_TYPE", "{} API key is not supported."),
    Code(-4047, "THERE_EXISTS_OPEN_ORDERS", "Margin type cannot be changed if there exists open orders.",
         market="futures"),
    Code(-4048, "THERE_EXISTS_QUANTITY", "Margin type cannot be changed if there exists position.", market="futures"),
    Code(-4049, "ADD_ISOLATED_MARGIN_REJECT", "Add margin only support for isolated position.", market="futures"),
    Code(-4050, "CROSS_BALANCE_INSUFFICIENT", "Cross balance insufficient.", market="futures"),
    Code(-4051, "ISOLATED_BALANCE_INSUFFICIENT", "Isolated balance insufficient.", market="futures"),
    Code(-4054, "ADD_ISOLATED_MARGIN_NO_POSITION_REJECT", "Cannot add position margin: position is 0.",
         market="futures"),
    Code(-4055, "AMOUNT_MUST_BE_POSITIVE", "Amount must be positive.", market="futures"),
    Code(-4059, "NO_NEED_TO_CHANGE_POSITION_SIDE", "No need to change position side.", market="futures"),
    Code(-4060, "INVALID_POSITION_SIDE", "Invalid position side.", market="futures"),
    Code(-4061, "POSITION_SIDE_NOT_MATCH", "Order's position side does not match user's setting.", market="futures"),
    Code(-4116, "DUPLICATED_CLIENT_ORDER_ID", "ClientOrderId is duplicated.", market="futures"),
    Code(-4120, "STOP_ORDER_SWITCH_ALGO", "Order type not supported for this endpoint. Please use the Algo Order API"
         " endpoints instead.", market="futures"),
    Code(-4130, "CLOSE_POSITION_ORDER_EXISTS", "An open stop or take profit order with GTE and closePosition in the"
         " direction is existing.", market="futures"),
    Code(-4131, "MARKET_ORDER_REJECT", "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
         market="futures"),
    Code(-4136, "INVALID_CLOSE_POSITION_TYPE", "Target strategy invalid for orderType {},closePosition true",
         market="futures"),
    Code(-4137, "CLOSE_POSITION_WITH_QUANTITY", "Quantity must be zero with closePosition equals true.",
         market="futures"),
    Code(-4138, "CLOSE_POSITION_WITH_REDUCE_ONLY", "Reduce only must be true with closePosition equals true.",
         market="futures"),
    Code(-4140, "INVALID_SYMBOL_STATUS_FOR_OPENING", "Invalid symbol status for opening position.", market="futures"),
    Code(-4141, "SYMBOL_ALREADY_CLOSED", "Symbol is closed.", market="futures"),
    Code(-4164, "MIN_NOTIONAL", "Order's notional must be no smaller than {} (unless you choose reduce only)",
         market="futures"),
    Code(-4161, "ISOLATED_LEVERAGE_REJECT_WITH_POSITION",
         "Leverage reduction is not supported in Isolated Margin Mode with open positions.", market="futures"),
    Code(-4171, "UNABLE_TO_SWITCH_MULTI_ASSETS", "No need to change multi-assets mode.", market="futures"),
    Code(-4531, "HEDGE_NOT_SERVED", "Position side cannot be changed: this exchange is one-way.", market="futures"),
    Code(-5021, "FOK_ORDER_REJECT", "Due to the order could not be filled immediately, the FOK order has been rejected."
         " The order will not be recorded in the order history", market="futures"),
    Code(-5022, "GTX_ORDER_REJECT", "Due to the order could not be executed as maker, the Post Only order will be"
         " rejected. The order will not be recorded in the order history", market="futures"),
    Code(-5026, "MAX_MODIFIED", "Exceed maximum modify order limit.", market="futures"),
    Code(-5027, "NO_NEED_TO_MODIFY", "No need to modify the order.", market="futures"),
    Code(-5028, "ME_RECVWINDOW_REJECT", "Timestamp for this request is outside of the ME recvWindow.",
         market="futures"),
    Code(-5041, "NO_DEPTH", "No depth matches this order.", market="futures"),
)  # fmt: skip

CODES: Final = {row.code: row for row in ROWS}


class Denied(Exception):
    """A definite no, as JSON with a code. ``data`` goes beside code and msg where Binance adds some."""

    def __init__(self, code: int, *words: object, msg: str | None = None, status: int | None = None,
                 data: Any = None, headers: dict[str, str] | None = None) -> None:  # fmt: skip
        row = CODES[code]
        text = row.text
        for word in words:
            text = text.replace("{}", str(word), 1)
        self.code = code
        self.msg = text if msg is None else msg
        self.status = row.status if status is None else status
        self.data = data
        self.headers = headers or {}
        super().__init__(f"{code}: {self.msg}")

    def body(self) -> dict[str, Any]:
        """What the client reads."""
        found: dict[str, Any] = {"code": self.code, "msg": self.msg}
        if self.data is not None:
            found["data"] = self.data
        return found


def raise_for(refusal: Refusal | None) -> None:
    """Raise what the simulated exchange refuses; nothing for None."""
    if refusal is not None:
        raise Denied(refusal.code, msg=refusal.detail)
