"""Client ids."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.orders.ids import IdFactory, IdState, base36, parse, symbol_tag
from gridbot_tui.orders.model import Purpose
from gridbot_tui.units import Side

symbols = st.one_of(
    st.sampled_from(["BTCUSDT", "1000PEPEUSDT", "BTCUSDT_260327", "币安人生USDT"]),
    st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=5, max_size=20),
)


@given(
    symbol=symbols,
    epoch=st.integers(0, 10_000_000),
    rung=st.integers(-999, 999),
    side=st.sampled_from(Side),
    purpose=st.sampled_from(Purpose),
    start=st.integers(0, 2_000_000_000),
)
def test_an_id_fits_the_exchange_and_says_what_it_was_made_of(
    symbol: str, epoch: int, rung: int, side: Side, purpose: Purpose, start: int
) -> None:
    factory = IdFactory("gb", "7Ab9", IdState(start))
    client_id = factory.issue(symbol, epoch, rung, side, purpose)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", client_id)
    parts = parse(client_id)
    assert parts is not None
    assert (parts.owner, parts.symbol_tag, parts.generation) == ("gb7Ab9", symbol_tag(symbol), start)
    assert (parts.epoch, parts.rung, parts.side, parts.purpose) == (epoch, rung, side, purpose)


def test_the_same_slot_gets_the_same_id_until_its_order_has_ended() -> None:
    ids = IdFactory()
    one = ids.issue("BTCUSDT", 1, 1, Side.BUY)
    assert ids.issue("BTCUSDT", 1, 1, Side.BUY) == one
    ids.sent(one)
    assert ids.issue("BTCUSDT", 1, 1, Side.BUY) == one
    ids.ended(one)
    two = ids.issue("BTCUSDT", 1, 1, Side.BUY)
    assert two != one
    assert ids.issue("BTCUSDT", 1, 1, Side.SELL) not in (one, two)


def test_ids_never_repeat_over_a_restart_even_if_the_last_state_was_not_stored() -> None:
    ids = IdFactory(state=IdState(10))
    sent = [ids.issue("BTCUSDT", 1, rung, Side.BUY) for rung in range(5)]
    again = IdFactory(state=IdState(10))
    for client_id in sent:
        again.sent(client_id)
        again.ended(client_id)
    assert not set(sent) & {again.issue("BTCUSDT", 1, rung, Side.BUY) for rung in range(5)}


@pytest.mark.parametrize(
    "foreign",
    [
        "web_abc",
        "gb1-BTCUSDT-1-gb1-0",
        "autoclose-1",
        "",
        "gb0-BTCUSDT-1-xb1-0",
        "x-gb0-BTCUSDT-1-gb1-0",
        "gb0",
    ],
)
def test_what_is_not_ours_is_not_ours(foreign: str) -> None:
    assert not IdFactory().is_ours(foreign)


def test_ours_is_ours_and_another_accounts_is_not() -> None:
    client_id = IdFactory("gb", "1").issue("ETHUSDT", 3, -2, Side.SELL)
    assert IdFactory("gb", "1").is_ours(client_id)
    assert not IdFactory("gb", "2").is_ours(client_id)


def test_tags_that_would_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 6"):
        IdFactory("gridbot", "main")
    with pytest.raises(ValueError, match="rung"):
        IdFactory().issue("BTCUSDT", 1, 1_000, Side.BUY)
    with pytest.raises(ValueError, match="base-36"):
        base36(-1)


def test_after_a_leap_no_id_is_given_that_a_lost_life_may_have_used() -> None:
    lived = IdFactory("gb", "1")
    used = [lived.issue("BTCUSDT", 1, 0, Side.SELL, Purpose.STOP)]
    again = IdFactory("gb", "1", lived.state())
    lived.sent(used[0])
    used += [lived.another(used[0]) for _ in range(50)]  # sent while the disk took no writes
    again.leap()
    assert again.issue("BTCUSDT", 1, 0, Side.SELL, Purpose.STOP) not in used
