"""What a key may be able to do, and what it must not, before real money is traded with it."""

import pytest
from msgspec.structs import replace

from gridbot_tui.exchange.binance.rest import ApiRestrictions
from gridbot_tui.service.venues.safety import notices, objection
from gridbot_tui.settings.sections import SafetyParams
from gridbot_tui.units import Market, Mode

GOOD = ApiRestrictions(
    ip_restricted=True,
    reading=True,
    withdrawals=False,
    internal_transfer=False,
    spot_trading=True,
    futures=True,
)
STRICT = SafetyParams()
WITHDRAWING = SafetyParams(accept_keys_that_can_withdraw=True)
ANYWHERE = SafetyParams(accept_keys_open_to_any_ip=True)


def key(**may: bool) -> ApiRestrictions:
    return replace(GOOD, **may)


def judged(
    powers: ApiRestrictions = GOOD,
    mode: Mode = Mode.LIVE,
    safety: SafetyParams = STRICT,
    market: Market = Market.FUTURES,
) -> str:
    return objection(powers, mode, market, safety)


def test_a_key_limited_to_trading_and_to_an_address_is_taken() -> None:
    assert judged() == ""


@pytest.mark.parametrize("power", ["withdrawals", "internal_transfer"])
@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.TESTNET])
def test_a_key_that_takes_money_out_is_refused_and_the_way_out_named(power: str, mode: Mode) -> None:
    said = judged(key(**{power: True}), mode)
    assert "safety.accept_keys_that_can_withdraw" in said
    assert judged(key(**{power: True}), mode, WITHDRAWING) == ""
    assert notices(key(**{power: True}), WITHDRAWING) != (), "what was accepted is said at every start"


def test_a_key_open_to_any_address_is_refused_on_live_only() -> None:
    assert "safety.accept_keys_open_to_any_ip" in judged(key(ip_restricted=False))
    assert judged(key(ip_restricted=False), Mode.TESTNET) == ""
    assert judged(key(ip_restricted=False), safety=ANYWHERE) == ""


def test_accepting_one_thing_accepts_nothing_else() -> None:
    assert judged(key(withdrawals=True), safety=ANYWHERE) != ""
    assert judged(key(ip_restricted=False), safety=WITHDRAWING) != ""


@pytest.mark.parametrize(
    ("market", "power"), [(Market.FUTURES, "futures"), (Market.SPOT, "spot_trading"), (Market.FUTURES, "reading")]
)
def test_a_key_that_lacks_a_right_is_told_which(market: Market, power: str) -> None:
    assert "enable" in judged(key(**{power: False}), market=market)


def test_without_an_answer_real_money_is_not_traded() -> None:
    assert objection(None, Mode.LIVE, Market.FUTURES, STRICT) != ""
    assert objection(None, Mode.TESTNET, Market.FUTURES, STRICT) == ""
