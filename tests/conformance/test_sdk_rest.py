"""Binance's own SDKs over REST: every answer fits its model, with nothing unknown and nothing missing."""

from importlib.util import find_spec
from typing import Any

import pytest

from tests.conformance.models import misfits
from tests.exchange_server.serving import Served

WHY = "Binance's SDKs are not installed: pip install the dependency group 'conformance'"
MISSING = any(find_spec(name) is None for name in ("binance_sdk_spot", "binance_sdk_derivatives_trading_usds_futures"))
pytestmark = pytest.mark.skipif(MISSING, reason=WHY)  # importing them takes seconds, in each process of the suite

S = "BTCUSDT"
SPOT_SOMETIMES = frozenset((
    "preventedMatchId", "preventedQuantity", "icebergQty", "stopPrice", "strategyId", "strategyType", "trailingDelta",
    "trailingTime", "usedSor", "workingFloor", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice",
    "expiryReason", "listStatus", "count", "sors", "multiplierExponent", "priceExponent", "qtyExponent",
    "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId", "transactionTime", "orders",
    "orderReports", "fills", "code", "msg", "data",
))  # fmt: skip
"""Fields that Binance sends only with certain orders, or not over JSON."""
FUTURES_SOMETIMES = frozenset((
    "activatePrice", "priceRate", "code", "msg", "modifyId", "icebergQuantity", "callbackRate", "HEDGE", "settlePlan",
    "actualType", "actualQty", "maxQty", "minQty", "stepSize", "limit", "notional", "multiplierUp", "multiplierDown",
    "multiplierDecimal", "maxPrice", "minPrice", "tickSize",
))  # fmt: skip


class Judge:
    """Calls of one SDK; each answer is held against its model."""

    def __init__(self, api: Any, optional: frozenset[str]) -> None:
        self._api = api
        self._optional = optional

    def __call__(self, method: str, *also: str, **params: Any) -> Any:
        answer = getattr(self._api, method)(**params).data()
        wrong = misfits(answer, self._optional | set(also))
        assert [one for one in wrong if one != ".futuresType is unknown"] == [], method
        return answer


@pytest.fixture
def spot(served: Served) -> Judge:
    from binance_common.configuration import ConfigurationRestAPI
    from binance_sdk_spot import Spot

    config = ConfigurationRestAPI(api_key="key", api_secret="secret", base_path=served.http)
    return Judge(Spot(config_rest_api=config).rest_api, SPOT_SOMETIMES)


@pytest.fixture
def futures(served: Served) -> Judge:
    from binance_common.configuration import ConfigurationRestAPI
    from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

    config = ConfigurationRestAPI(api_key="key", api_secret="secret", base_path=served.http)
    return Judge(DerivativesTradingUsdsFutures(config_rest_api=config).rest_api, FUTURES_SOMETIMES)


def test_spot_market_data_fit(spot: Judge) -> None:
    for method in ("exchange_info", "time", "ticker24hr", "ticker_price", "ticker_book_ticker"):
        spot(method)
    for method in (
        "depth",
        "get_trades",
        "agg_trades",
        "avg_price",
        "ticker24hr",
        "reference_price",
        "execution_rules",
    ):
        spot(method, symbol=S)
    assert len(spot("klines", symbol=S, interval="1m", limit=7)) == 7


def test_a_spot_order_lives_its_life(spot: Judge, served: Served) -> None:
    order = spot("new_order", symbol=S, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=59_000.0)
    spot("order_amend_keep_priority", symbol=S, order_id=order.order_id, new_qty=0.008)
    served.price(S, 58_990, volume=0.003)
    assert spot("get_order", symbol=S, order_id=order.order_id).status == "PARTIALLY_FILLED"
    served.price(S, 58_980)
    assert spot("get_order", symbol=S, order_id=order.order_id).status == "FILLED"
    filled = spot("new_order", symbol=S, side="SELL", type="MARKET", quantity=0.01)
    assert filled.fills[0].commission_asset == "USDT"
    stop = spot("new_order", *ACK, symbol=S, side="SELL", type="STOP_LOSS_LIMIT", time_in_force="GTC", quantity=0.01,
                price=57_000.0, stop_price=57_500.0)  # fmt: skip
    served.price(S, 57_400)
    assert spot("get_order", symbol=S, order_id=stop.order_id).status == "FILLED"
    resting = spot("new_order", symbol=S, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=50_000.0)
    spot("order_cancel_replace", symbol=S, side="BUY", type="LIMIT", cancel_replace_mode="STOP_ON_FAILURE",
         time_in_force="GTC", quantity=0.01, price=50_100.0, cancel_order_id=resting.order_id)  # fmt: skip
    spot("delete_open_orders", symbol=S)
    assert len(spot("my_trades", symbol=S)) >= 4
    assert len(spot("all_orders", symbol=S)) == 5
    for method in ("get_account", "rate_limit_order", "get_open_orders"):
        spot(method)
    spot("account_commission", symbol=S)
    spot("order_test", symbol=S, side="BUY", type="MARKET", quantity=0.01, compute_commission_rates=True)


def test_a_spot_order_list_fits(spot: Judge) -> None:
    placed = spot("order_list_oco", symbol=S, side="SELL", quantity=0.1, above_type="LIMIT_MAKER", above_price=61_000.0,
                  below_type="STOP_LOSS_LIMIT", below_stop_price=59_000.0, below_price=58_900.0,
                  below_time_in_force="GTC")  # fmt: skip
    spot("get_order_list", order_list_id=placed.order_list_id)
    spot("open_order_list")
    spot("delete_order_list", symbol=S, order_list_id=placed.order_list_id)
    first = {"working_type": "LIMIT", "working_side": "BUY", "working_price": 59_000.0, "working_quantity": 0.1,
             "working_time_in_force": "GTC", "pending_side": "SELL", "pending_quantity": 0.1}  # fmt: skip
    spot("order_list_oto", symbol=S, **first, pending_type="MARKET")
    placed = spot("order_list_otoco", symbol=S, **first, pending_above_type="LIMIT_MAKER", pending_above_price=61_000.0,
                  pending_below_type="STOP_LOSS", pending_below_trailing_delta=100)  # fmt: skip
    spot("delete_order_list", symbol=S, order_list_id=placed.order_list_id)
    spot("all_order_list")


ACK = ("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce", "type",
       "side", "workingTime", "selfTradePreventionMode")  # fmt: skip


def test_futures_market_data_fit(futures: Judge) -> None:
    for method in ("exchange_information", "check_server_time", "mark_price", "get_funding_rate_history",
                   "get_funding_rate_info", "ticker24hr_price_change_statistics", "symbol_price_ticker",
                   "symbol_order_book_ticker", "adl_risk"):  # fmt: skip
        futures(method)
    for method in ("order_book", "recent_trades_list", "compressed_aggregate_trades_list", "mark_price",
                   "ticker24hr_price_change_statistics", "symbol_price_ticker_v2", "open_interest"):  # fmt: skip
        futures(method, symbol=S)
    for method in ("kline_candlestick_data", "mark_price_kline_candlestick_data"):
        assert len(futures(method, symbol=S, interval="1m", limit=7)) == 7


def test_a_futures_order_lives_its_life(futures: Judge, served: Served) -> None:
    new = {"symbol": S, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
    assert futures("change_initial_leverage", symbol=S, leverage=20).leverage == 20
    order = futures("new_order", **new, quantity=0.1, price=59_000.0)
    futures("modify_order", symbol=S, side="BUY", quantity=0.2, price=59_001.0, order_id=order.order_id, modify_id=7)
    futures("get_order_modify_history", symbol=S, order_id=order.order_id)
    served.price(S, 58_990, volume=0.05)
    assert futures("query_order", symbol=S, order_id=order.order_id).status == "PARTIALLY_FILLED"
    futures("current_all_open_orders")
    futures("query_current_open_order", symbol=S, order_id=order.order_id)
    served.price(S, 58_980)
    assert futures("query_order", symbol=S, order_id=order.order_id).avg_price == "59001.00000"
    row = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "57000"}
    placed = futures("place_multiple_orders", batch_orders=[row, row])
    futures("cancel_multiple_orders", symbol=S, order_id_list=[placed[0].order_id])
    futures("cancel_order", symbol=S, order_id=placed[1].order_id)
    futures("cancel_all_open_orders", symbol=S)
    futures("auto_cancel_all_open_orders", symbol=S, countdown_time=100_000)
    assert len(futures("all_orders", symbol=S)) == 3
    assert len(futures("account_trade_list", symbol=S)) == 2
    futures("test_order", symbol=S, side="BUY", type="MARKET", quantity=0.1)


def test_a_conditional_order_fires_funding_is_paid_and_a_liquidation_ends_it(futures: Judge, served: Served) -> None:
    algo = {"algo_type": "CONDITIONAL", "symbol": S, "side": "SELL", "type": "STOP_MARKET"}
    futures("new_order", symbol=S, side="BUY", type="MARKET", quantity=1.0)
    stop = futures("new_algo_order", **algo, quantity=0.5, trigger_price=59_000.0)
    futures("current_all_algo_open_orders")
    served.price(S, 58_900)
    assert futures("query_algo_order", algo_id=stop.algo_id).algo_status == "FINISHED"
    other = futures("new_algo_order", **algo, quantity=0.1, trigger_price=50_000.0)
    futures("cancel_algo_order", algo_id=other.algo_id)
    futures("cancel_all_algo_open_orders", symbol=S)
    assert len(futures("query_all_algo_orders", symbol=S)) == 2
    served.control("funding", symbol=S, rate=0.0005)
    assert futures("get_income_history", symbol=S, income_type="FUNDING_FEE")[0].income.startswith("-")
    for method in ACCOUNT:
        futures(method)
    served.control("deposit", key="key", market="futures", asset="USDT", amount=-94_000)
    served.price(S, 48_000)
    served.price(S, 45_000)
    assert futures("users_force_orders")[0].client_order_id.startswith("autoclose-")
    assert futures("position_information_v3") == []


ACCOUNT = (
    "account_information_v2", "account_information_v3", "futures_account_balance_v2", "futures_account_balance_v3",
    "futures_account_configuration", "symbol_configuration", "get_current_position_mode",
    "get_current_multi_assets_mode", "get_bnb_burn_status", "query_user_rate_limit", "get_income_history",
    "position_adl_quantile_estimation", "position_information_v2", "position_information_v3",
    "notional_and_leverage_brackets", "start_user_data_stream", "keepalive_user_data_stream", "close_user_data_stream",
)  # fmt: skip


def test_a_value_with_signs_in_it_is_signed_right(futures: Judge, served: Served) -> None:
    order = futures("new_order", symbol=S, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.1, price=59_000.0,
                    new_client_order_id="a:b/c")  # fmt: skip
    assert order.client_order_id == "a:b/c"
