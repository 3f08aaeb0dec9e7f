"""A snapshot as metrics: what is known is there once, what is unknown is not there."""

import ast
import inspect
from typing import get_args

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from gridbot_tui.control.snapshot import (
    AlertChannelView,
    AlertsView,
    BlockerView,
    LinkView,
    RateView,
    Snapshot,
    StopView,
)
from gridbot_tui.engine.desk import Phase
from gridbot_tui.ops import metrics
from gridbot_tui.ops.metrics import kinds, page
from gridbot_tui.service.operator.picture import Picture
from gridbot_tui.ui.panes import header
from tests.control.fake_bot import AT, picture, symbol_view
from tests.tools import make_metrics_docs

Series = tuple[str, frozenset[tuple[str, str]]]


def scraped(snapshot: Snapshot) -> dict[Series, float]:
    """What a scraper reads of the page; a series that is there twice fails."""
    found: dict[Series, float] = {}
    for family in text_string_to_metric_families(page(snapshot).decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def of(found: dict[Series, float], name: str, **labels: str) -> float | None:
    return found.get((f"gridbot_{name}", frozenset(labels.items())))


def test_the_account_and_each_symbol_are_there_with_their_figures() -> None:
    found = scraped(picture())
    view = symbol_view()
    assert of(found, "equity") == 9999.688
    assert of(found, "fills_total") == 1
    assert of(found, "clock_seconds") == AT / 1000
    assert of(found, "age_seconds", source="market") == 0.25
    assert of(found, "blocked", code="gap_budget", symbol="BTCUSDT") == 1
    assert of(found, "symbol_position", symbol="BTCUSDT") == float(view.position)
    assert view.votes is not None
    assert of(found, "symbol_vote", symbol="BTCUSDT", system="neutral") == view.votes.neutral
    slots = sum(value for (name, _), value in found.items() if name == "gridbot_symbol_slots")
    assert slots == len(view.ladder)


def test_what_is_unknown_has_no_line_and_is_no_zero() -> None:
    blind = replace(symbol_view(), price=None, mark=None, votes=None, liquidation_price=None, unrealised=None)
    found = scraped(picture(equity=None, drawdown=None, leverage=None, symbols={"BTCUSDT": blind}))
    for name in ("equity", "drawdown_ratio", "leverage"):
        assert of(found, name) is None
    for name in ("price", "mark", "liquidation_price", "stop_price", "unrealised"):
        assert of(found, f"symbol_{name}", symbol="BTCUSDT") is None
    assert of(found, "symbol_vote", symbol="BTCUSDT", system="up") is None
    assert of(found, "age_seconds", source="account") is None
    assert of(found, "wallet") == 9999.688


def test_every_state_is_there_and_one_of_them_holds() -> None:
    found = scraped(picture(state="halted"))
    states = {dict(labels)["state"]: value for (name, labels), value in found.items() if name == "gridbot_state"}
    assert states.pop("halted") == 1
    assert set(states.values()) == {0}
    assert "running" in states


def test_a_residual_in_a_coin_is_not_hidden_by_that_of_the_quote() -> None:
    found = scraped(picture(residual="0", residuals=(("BTC", "-0.001"),)))
    assert of(found, "residual", asset="USDT") == 0
    assert of(found, "residual", asset="BTC") == -0.001


def test_the_states_are_those_that_a_bot_says_and_a_screen_knows() -> None:
    (state,) = [one for one in ast.walk(ast.parse(inspect.getsource(Picture))) if getattr(one, "name", "") == "state"]
    said = {
        one.value
        for back in ast.walk(state)
        if isinstance(back, ast.Return)
        for one in ast.walk(back)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    said |= {*get_args(Phase)} - {"trading"}  # which has other words
    assert said == set(metrics.STATES)
    assert said <= header.STATES.keys()


def test_a_stop_that_does_not_rest_yet_is_no_stop() -> None:
    resting, sending = (
        scraped(picture(symbols={"BTCUSDT": replace(symbol_view(), stop=StopView("55000", "sell", "0.1", state))}))
        for state in ("resting", "sending")
    )
    assert of(resting, "symbol_stop_price", symbol="BTCUSDT") == 55_000
    assert of(sending, "symbol_stop_price", symbol="BTCUSDT") is None


def test_connections_limits_and_addresses_have_theirs() -> None:
    rates = RateView("ORDERS", 3, 300, 10), RateView("ORDERS", 5, 1200, 60)
    link = LinkView("market", True, 250, 4, 41.5, "", rates)
    address = AlertChannelView("tgram 1", up=False, sent=7, failed=2, dropped=1, waiting=0, error="401")
    found = scraped(picture(links=(link,), alerts=AlertsView("keyring", "", (address,), 0)))
    assert of(found, "link_up", link="market") == 1
    assert of(found, "link_reconnects_total", link="market") == 4
    assert of(found, "link_latency_seconds", link="market") == 0.0415
    assert of(found, "rate_used", link="market", limit="ORDERS", window_s="60") == 5
    assert of(found, "rate_limit", link="market", limit="ORDERS", window_s="10") == 300
    assert of(found, "alert_address_up", address="tgram 1") == 0
    assert of(found, "alerts_sent_total", address="tgram 1") == 7


def test_lines_that_the_disk_did_not_take_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of(scraped(picture()), "log_lines_lost") is not None
    monkeypatch.setattr(metrics, "lost_lines", lambda: 7)
    assert of(scraped(picture()), "log_lines_lost") == 7


def test_two_blockers_of_one_code_are_one_series() -> None:
    twice = tuple(BlockerView("unresolved", "BTCUSDT", AT, detail, "") for detail in ("one", "another"))
    assert of(scraped(picture(blockers=twice)), "blocked", code="unresolved", symbol="BTCUSDT") == 1


def test_a_symbol_may_have_any_name() -> None:
    found = scraped(picture(symbols={'币安"人生\\USDT': symbol_view()}))
    assert of(found, "symbol_fills_total", symbol='币安"人生\\USDT') == symbol_view().fills


def test_names_are_as_scrapers_want_them_and_the_page_of_them_is_the_present_one() -> None:
    names = [kind.name for kind in kinds()]
    assert len(set(names)) == len(names)
    assert make_metrics_docs.PATH.read_text(encoding="utf-8") == make_metrics_docs.text(), "run `make docs`"
