"""A run that traded nothing says why; doubtful data are named beside the result."""

import pytest
from msgspec import structs

from gridbot_tui.market.derive import laddered
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import QualityNote
from gridbot_tui.research.analysis import UNKNOWN, analyse
from gridbot_tui.research.backtest import Study, document, study_of
from gridbot_tui.research.html import render
from gridbot_tui.research.outcome import Reason
from gridbot_tui.research.plot import terminal
from gridbot_tui.research.quiet import held_back, nothing_traded, other_than_asked, remarks
from gridbot_tui.research.verdict import assumed
from gridbot_tui.units import DAY, HOUR
from tests.research.markets import prepared, series


def test_data_shorter_than_the_warm_up_trade_nothing_and_so_do_the_baselines() -> None:
    made = study_of(prepared(series("ETHUSDT", 3, sigma_hour=0.012)), processes=1)
    said = " ".join(nothing_traded(made))
    assert "the first 336 hours only warm the averages up, and the data hold 72" in said
    told = document(made)["baselines"]
    assert {one["fills"] for one in told.values()} == {0}
    assert {one["net_return"] for one in told.values()} == {0.0}
    assert said in render(made, analyse(made))
    assert "month by month" in terminal(made, 80, colour=False)


def test_an_account_too_small_for_a_lot_is_told_what_one_needs() -> None:
    one = prepared(series("BTCUSDT", 16, sigma_hour=0.012, interval=HOUR), interval=HOUR, bot__capital="60")
    made = study_of(one, processes=1)
    assert made.main.figures["fills"] == 0
    said = nothing_traded(made)
    assert any("lot below minimum (BTCUSDT" in line and "needs" in line for line in said), said
    page = render(made, analyse(made))
    assert "What held orders back" in page
    assert "No day lost anything." in page


def test_without_volume_nothing_is_filled_and_the_reason_is_not_the_strategy() -> None:
    still = series("ETHUSDT", 16, sigma_hour=0.012, interval=HOUR)
    still.volume[:] = 0.0
    made = study_of(prepared(still, interval=HOUR), processes=1)
    assert nothing_traded(made) == ["Nothing was filled: no bar has any volume to take from."]


def test_volume_of_which_no_bar_has_a_step_is_told_apart_from_prices_that_did_not_come() -> None:
    thin = series("ETHUSDT", 16, sigma_hour=0.012, interval=HOUR)
    thin.volume[:] = 9.0 * thin.instrument.step_f
    (said,) = nothing_traded(study_of(prepared(thin, interval=HOUR), processes=1))
    assert said.startswith("Nothing was filled: no bar has a whole step in 10 % of its volume")
    thin.volume[-1] *= 2
    said, *others = nothing_traded(study_of(prepared(thin, interval=HOUR), processes=1))
    assert said == "Nothing was filled: orders stood, and price never went a tick beyond one."
    assert any("gap budget (ETHUSDT" in line for line in others), "which withheld one of them"


def beyond_its_brackets() -> Study:
    one = series("ETHUSDT", 16, sigma_hour=0.012)
    one.instrument = structs.replace(one.instrument, brackets=laddered(((5_000, 50, "0.01"), (20_000, 1, "0.5"))))
    return study_of(prepared(one, bot__capital="5000000", strategy__leverage__base="1.0"), processes=1, by="engine")


def test_rungs_that_are_all_larger_than_the_exchange_allows_are_named() -> None:
    said = nothing_traded(beyond_its_brackets())
    assert any("position limit (ETHUSDT" in line for line in said), said
    assert not any("orders stood" in line for line in said), said


def test_orders_that_were_all_refused_are_not_said_to_have_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Instrument, "most_value", lambda *_: None)  # a limit of the exchange's that nobody knew
    made = beyond_its_brackets()
    said = nothing_traded(made)
    assert made.main.figures["max_leverage"], "orders left"
    assert not any("orders stood" in line for line in said), said
    assert any("circuit open (ETHUSDT, 98 % of the hours)" in line and "-2027" in line for line in said), said


def test_of_many_reasons_the_most_frequent_are_told() -> None:
    one = prepared(series("BTCUSDT", 16, sigma_hour=0.012, interval=HOUR), interval=HOUR, bot__capital="60")
    made = study_of(one, processes=1, by="engine")
    many = tuple(Reason("neutral_silent", f"A{i}USDT", 1.0 - i / 20, "calm") for i in range(10))
    said = nothing_traded(structs.replace(made, main=structs.replace(made.main, reasons=many)))
    assert said[0] == "Nothing was filled: neutral silent (A0USDT, 100 % of the hours): calm."
    assert said[6:] == ["4 more reasons: the report of --report lists them."]


def test_where_something_was_filled_only_what_held_back_often_is_told() -> None:
    one = prepared(series("ETHUSDT", 18, sigma_hour=0.004, interval=HOUR), interval=HOUR)
    made = study_of(one, processes=1, by="engine")
    assert made.main.figures["fills"]
    assert nothing_traded(made) == []
    assert any(line.startswith("neutral silent (ETHUSDT") for line in held_back(made))
    assert not any("warming" in line for line in held_back(made))


def test_remarks_on_the_data_are_counted_where_they_are_many() -> None:
    holes = tuple((0.5 + 0.3 * i, 0.5) for i in range(6))
    one = prepared(series("ETHUSDT", 3, holes=holes, funding=False))
    market = study_of(one, processes=1).prepared.market
    assert remarks(market) == ["ETHUSDT: 6 holes in the data (gridbot data check lists them)"]


@pytest.mark.parametrize("doubt", ["other_units", "coarse_prices", "price_jump", "price_spike", "mark_apart"])
def test_a_price_that_is_doubtful_is_told_before_what_is_assumed(doubt: str) -> None:
    one = series("ETHUSDT", 1, interval=HOUR)
    told = [QualityNote(int(one.times[0]) + HOUR, "ETHUSDT", code, code) for code in ("no_funding", doubt)]
    market = prepared(structs.replace(one, notes=told), interval=HOUR).market
    assert remarks(market) == [f"ETHUSDT: {doubt}", "ETHUSDT: no_funding"]


def test_a_config_of_other_than_asked_than_are_played_is_told_for_each_has_another_share_there() -> None:
    part = series("ETHUSDT", 1, interval=HOUR)
    one = prepared(part, interval=HOUR, bot__symbols="BTCUSDT,ETHUSDT,SOLUSDT")
    said = (
        "he config's bot.symbols are BTCUSDT, ETHUSDT, SOLUSDT, played is ETHUSDT: the capital is shared among what is "
        "played"
    )
    assert other_than_asked(one) == [f"t{said}"]
    assert f"T{said}." in assumed(one)
    assert other_than_asked(prepared(part, interval=HOUR, bot__symbols="ETHUSDT")) == []
    assert other_than_asked(prepared(part, interval=HOUR)) == [], "nobody has chosen the three of the defaults"


def test_a_config_of_the_other_market_is_told() -> None:
    """Where paths tell no market a recording is played as futures: of a spot config with shorts, and cheap fees."""
    part = series("ETHUSDT", 1, interval=HOUR)
    said = "the config's bot.market is spot, played is futures: paths and --market decide, futures where neither tells"
    assert other_than_asked(prepared(part, interval=HOUR, bot__market="spot")) == [said]
    assert other_than_asked(prepared(part, interval=HOUR, bot__market="futures")) == []


def test_days_after_a_hole_stand_by_themselves_among_the_regimes() -> None:
    one = prepared(series("ETHUSDT", 32, sigma_hour=0.012, interval=HOUR, holes=((19.0, 50.0),)), interval=HOUR)
    found = analyse(study_of(one, processes=1))
    days = {part.name: part.days for part in found.regimes}
    assert days[UNKNOWN] > 0
    assert sum(days.get(name, 0) for name in ("rising", "falling", "sideways", UNKNOWN)) == sum(
        year.days for year in found.years
    )


def test_a_symbol_without_candles_says_nothing_of_the_market_of_those_days() -> None:
    whole = series("ETHUSDT", 32, sigma_hour=0.012, interval=HOUR)
    other = series("SOLUSDT", 32, sigma_hour=0.012, interval=HOUR, holes=((1.0, 31 * 24.0),))
    assert other.times[-1] < whole.times[-1] - 30 * DAY
    alone, beside = (prepared(*parts, interval=HOUR) for parts in ((whole,), (whole, other)))
    made = [study_of(one, processes=1, by="engine") for one in (alone, beside)]
    told = [{part.name: part.days for part in analyse(one).regimes} for one in made]
    assert told[0] == told[1]
    assert made[1].closes("SOLUSDT")[0][-1] == int(other.times[-1]) + HOUR, "nor is its price drawn any further"
    assert made[1].closes("ETHUSDT")[0][-1] == made[1].main.end


def test_what_held_back_is_told_of_the_hours_in_which_something_could_be_traded() -> None:
    old, young = series("ETHUSDT", 17, interval=HOUR), series("SOLUSDT", 3, interval=HOUR)
    late = structs.replace(young, times=young.times + 14 * DAY + 12 * HOUR, funding=[])
    made = study_of(prepared(old, late, interval=HOUR), processes=1, by="engine")
    shares = {(one.code, one.symbol): one.share for one in made.main.reasons}
    assert shares["no_data", "SOLUSDT"] == pytest.approx(12 / 84, abs=0.02), "before that nothing could be traded"
    assert max(shares.values()) <= 1.0


def test_symbols_that_follow_each_other_sooner_than_they_warm_up_are_told_so() -> None:
    first, then = series("ETHUSDT", 10, interval=HOUR), series("SOLUSDT", 10, interval=HOUR)
    then = structs.replace(then, times=then.times + 11 * DAY, funding=[])
    made = study_of(prepared(first, then, interval=HOUR), processes=1, by="engine")
    assert made.since < made.main.end
    assert nothing_traded(made) == [
        "Nothing was filled: warming (100 % of the hours): no symbol ever had its warm-up behind it."
    ]
