"""Isolated margin: a position's own wallet, over REST and in the account's events."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from gridbot_tui.units import Market
from tests.exchange_server.listening import user_stream
from tests.exchange_server.serving import Served, serving

S = "BTCUSDT"


@pytest.fixture
def own() -> Iterator[Served]:
    """An exchange of its own, one symbol of which is on isolated margin at a leverage of ten."""
    with serving(Market.FUTURES) as served:
        served.good("POST", "/fapi/v1/leverage", symbol=S, leverage=10)
        assert served.good("POST", "/fapi/v1/marginType", symbol=S, marginType="ISOLATED")["code"] == 200
        yield served


def market(served: Served, side: str, quantity: str, symbol: str = S) -> Any:
    return served.good("POST", "/fapi/v1/order", symbol=symbol, side=side, type="MARKET", quantity=quantity,
                       newOrderRespType="RESULT")  # fmt: skip


def risk(served: Served, symbol: str = S, version: int = 2) -> Any:
    return served.good("GET", f"/fapi/v{version}/positionRisk", symbol=symbol)[0]


def account(served: Served) -> dict[str, Decimal]:
    found = served.good("GET", "/fapi/v3/account")
    return {name: Decimal(found[name]) for name in found if name.startswith(("total", "avail"))}


def test_a_position_takes_its_margin_along_and_gives_back_its_part(own: Served) -> None:
    began = account(own)
    with user_stream(own) as ears:
        order = market(own, "BUY", "0.2")
        bought = Decimal(own.good("GET", "/fapi/v1/order", symbol=S, orderId=order["orderId"])["cumQuote"])
        told = [f["a"]["P"][0] for f in ears.rest() if f["e"] == "ACCOUNT_UPDATE"][-1]
    held = risk(own)
    assert (held["marginType"], Decimal(held["isolatedWallet"])) == ("isolated", bought / 10)
    assert (told["mt"], Decimal(told["iw"])) == ("isolated", bought / 10)
    now = account(own)
    assert now["totalCrossWalletBalance"] == now["totalWalletBalance"] - bought / 10
    assert began["availableBalance"] - now["availableBalance"] == pytest.approx(bought / 10, abs=10)  # and the fee
    market(own, "SELL", "0.05")
    assert Decimal(risk(own)["isolatedWallet"]) == bought / 10 * 3 / 4
    market(own, "SELL", "0.15")
    after = account(own)
    assert after["totalCrossWalletBalance"] == after["totalWalletBalance"]


def test_what_it_loses_is_its_own_wallet_s_and_no_other_position_s(own: Served) -> None:
    market(own, "BUY", "0.2")
    market(own, "BUY", "1", "ETHUSDT")
    own.good("POST", "/fapi/v1/order", symbol=S, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01",
             price="57100")  # fmt: skip
    before, gone_at = account(own)["totalWalletBalance"], Decimal(risk(own)["liquidationPrice"])
    wallet = Decimal(risk(own)["isolatedWallet"])
    assert 54_000 < gone_at < 55_000, "a tenth below, less the maintenance margin"
    own.good("DELETE", "/fapi/v1/allOpenOrders", symbol=S)
    own.price(S, float(gone_at) + 100)
    assert Decimal(risk(own)["positionAmt"]) == Decimal("0.2")
    own.price(S, float(gone_at) - 3_000)
    assert Decimal(risk(own)["positionAmt"]) == 0
    assert Decimal(risk(own, "ETHUSDT")["positionAmt"]) == 1
    assert before - account(own)["totalWalletBalance"] == wallet, "a gap beyond it is the insurance fund's"


def test_a_position_near_its_end_is_called_for_margin_once(own: Served) -> None:
    market(own, "BUY", "0.2")
    gone_at = float(risk(own)["liquidationPrice"])
    with user_stream(own) as ears:
        for price in (gone_at + 3_000, gone_at + 20, gone_at + 15):
            own.price(S, price)
        calls = [f["p"][0] for f in ears.rest() if f["e"] == "MARGIN_CALL"]
    assert [(row["s"], row["mt"]) for row in calls] == [(S, "ISOLATED")]
    assert Decimal(calls[0]["iw"]) == Decimal(risk(own)["isolatedWallet"])
    assert Decimal(risk(own)["positionAmt"]) == Decimal("0.2")


def test_margin_is_added_and_taken_as_far_as_there_is_some(own: Served) -> None:
    change = {"symbol": S, "amount": "500", "type": "1"}
    assert own.signed("POST", "/fapi/v1/positionMargin", **change)[1]["code"] == -4054
    market(own, "BUY", "0.2")
    before, at = Decimal(risk(own)["isolatedWallet"]), Decimal(risk(own)["liquidationPrice"])
    with user_stream(own) as ears:
        assert own.good("POST", "/fapi/v1/positionMargin", **change)["amount"] == 500
        assert [f["a"]["m"] for f in ears.rest() if f["e"] == "ACCOUNT_UPDATE"] == ["MARGIN_TRANSFER"]
    assert Decimal(risk(own)["isolatedWallet"]) == before + 500
    assert Decimal(risk(own)["liquidationPrice"]) < at
    refused = {"amount=0": -4055, "amount=999999": -4050, "amount=600&type=2": -4051}
    for text, code in refused.items():
        more = dict(pair.split("=") for pair in text.split("&"))
        assert own.signed("POST", "/fapi/v1/positionMargin", **{**change, **more})[1]["code"] == code, text
    own.good("POST", "/fapi/v1/positionMargin", symbol=S, amount="400", type="2")
    rows = own.good("GET", "/fapi/v1/positionMargin/history", symbol=S)
    assert [(row["type"], row["amount"]) for row in rows] == [(1, "500"), (2, "400")]


def test_funding_is_paid_from_the_position_s_own_wallet(own: Served) -> None:
    market(own, "BUY", "0.2")
    before = Decimal(risk(own)["isolatedWallet"])
    with user_stream(own) as ears:
        own.control("funding", symbol=S, rate=0.001)
        told = [f["a"] for f in ears.rest() if f["e"] == "ACCOUNT_UPDATE"][-1]
    paid = Decimal(told["B"][0]["bc"])
    assert (told["m"], Decimal(told["P"][0]["iw"])) == ("FUNDING_FEE", before + paid)
    assert paid < 0


def test_the_kind_of_margin_changes_only_where_nothing_stands(own: Served) -> None:
    def asked(kind: str) -> int:
        return int(own.signed("POST", "/fapi/v1/marginType", symbol=S, marginType=kind)[1]["code"])

    assert asked("ISOLATED") == -4046
    order = own.good("POST", "/fapi/v1/order", symbol=S, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01",
                     price="58000")  # fmt: skip
    assert asked("CROSSED") == -4047
    own.good("DELETE", "/fapi/v1/order", symbol=S, orderId=order["orderId"])
    market(own, "BUY", "0.01")
    assert asked("CROSSED") == -4048
    assert own.signed("POST", "/fapi/v1/leverage", symbol=S, leverage=5)[1]["code"] == -4161
    market(own, "SELL", "0.01")
    assert asked("CROSSED") == 200
    assert own.good("GET", "/fapi/v1/symbolConfig", symbol=S)[0]["marginType"] == "CROSSED"
