"""The report: one file that needs nothing else, says what it rests on, and never more than the days allow."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.market.source import QualityNote
from gridbot_tui.research import plot, svg
from gridbot_tui.research.analysis import analyse
from gridbot_tui.research.backtest import Study, document, study_of
from gridbot_tui.research.baselines import TITLES
from gridbot_tui.research.html import render, write
from gridbot_tui.research.plot import ESCAPE, terminal, written_for
from gridbot_tui.research.verdict import assumed, assumptions, liquidated, percent, verdicts
from gridbot_tui.research.windows import part
from gridbot_tui.units import HOUR, MINUTE
from tests.research.markets import GAP, START, prepared, series


@pytest.fixture(scope="module")
def made() -> Study:
    long, short = (
        series("ETHUSDT", 45, seed=41, sigma_hour=0.006, interval=HOUR),
        series("BTCUSDT", 17, seed=42, sigma_hour=0.006, funding=False, interval=HOUR),
    )
    one = prepared(long, short, interval=HOUR, orders__depth="3")
    return study_of(one, full=True, keys=("ladder.skew",), processes=2)


def test_the_page_needs_no_other_file(made: Study) -> None:
    page = render(made, analyse(made))
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script|<link", page)
    assert page.startswith("<!doctype html>")


@pytest.mark.parametrize("by", ["engine", "compiled"])
def test_data_that_end_inside_an_hour_count_to_their_end(by: Literal["engine", "compiled"]) -> None:
    whole = prepared(series("ETHUSDT", 16, seed=43, sigma_hour=0.012))
    end = whole.market.end - 25 * MINUTE
    market = part(whole.market, whole.market.start, end, GAP)
    assert market is not None
    one = study_of(whole.stretch(market), processes=1, by=by)
    result, rows = document(one), analyse(one).rows
    assert one.main.at[-1] == end
    assert one.main.at[-2] == end - 35 * MINUTE
    assert rows[0].net_return == pytest.approx(result["net_return"], abs=1e-11)
    for row in rows[1:]:
        name = row.name.replace("best_in_hindsight", next(n for n in one.others if TITLES[n] in row.title))
        assert row.net_return == pytest.approx(result["baselines"][name]["net_return"], abs=1e-11)


def test_every_tag_that_opens_closes(made: Study) -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "meta":
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(render(made, analyse(made)))
    assert reader.open == []


def test_every_chart_is_well_formed(made: Study) -> None:
    drawn = re.findall(r"<svg.*?</svg>", render(made, analyse(made)), re.S)
    assert len(drawn) >= 6
    for one in drawn:
        ET.fromstring(one)


def test_every_axis_has_the_unit_of_what_is_drawn(made: Study) -> None:
    page = render(made, analyse(made))
    units = {}
    for title, drawn in re.findall(r'aria-label="([^"]*)">(.*?)</svg>', page, re.S):
        units[title] = set(re.findall(r'x="58"[^>]*text-anchor="end">[-0-9,.e]+([^<]*)</text>', drawn))
    assert units["Equity, per cent of capital"] == units["Drawdown"] == {" %"}
    assert units["Leverage held, hourly"] == {"x"}
    assert units["Weights of the systems"] == {""}
    (of_price,) = [found for title, found in units.items() if title.startswith("ETHUSDT with")]
    assert of_price == {""}


def test_a_fill_of_a_flash_crash_is_inside_the_picture() -> None:
    closes = svg.Line("BTCUSDT", [START, START + HOUR, START + 2 * HOUR], [100.0, 101.0, 100.0], "#000000")
    dots = [svg.Dot(START + HOUR, 70.0, "#000000"), svg.Dot(START + HOUR, 130.0, "#000000")]
    drawn = svg.chart("BTCUSDT with 2 fills", [closes], dots=dots)
    places = [float(place) for place in re.findall(r'cy="([-\d.]+)"', drawn)]
    assert len(places) == 2
    assert all(svg.TOP <= place <= svg.HEIGHT - svg.BOTTOM for place in places)


def test_on_a_telephone_tables_and_charts_are_scrolled_for_themselves(made: Study) -> None:
    page = render(made, analyse(made))
    assert "name='viewport'" in page
    assert page.count("<table>") == page.count("<div class='wide'><table>") > 5
    assert "figure{margin:1em 0;overflow-x:auto}" in page


def test_no_name_is_longer_than_its_place_beside_the_intervals(made: Study) -> None:
    page = render(made, analyse(made))
    (bars,) = re.findall(r'<svg[^>]*aria-label="intervals".*?</svg>', page, re.S)
    names = re.findall(r'text-anchor="end">([^<]*)<', bars)
    assert len(names) == len(made.others)
    assert max(map(len, names)) * 6.5 < 260


def test_the_headline_is_that_of_the_result_document() -> None:
    one = prepared(series("ETHUSDT", 24, seed=44, sigma_hour=0.02, drift_day=-0.02), ladder__kind="geometric",
                   ladder__plain__initial_inventory="true")  # fmt: skip
    made = study_of(one, processes=1)
    found, figures = analyse(made), made.main.figures
    assert found.rows[0].net_return != figures["net_return"], "a plain grid trades before the others may"
    cards = dict(re.findall(r"<div><span>([^<]*)</span><b>([^<]*)</b></div>", render(made, found)))
    assert cards["net return"] == percent(float(str(figures["net_return"])))
    assert cards["deepest fall"] == percent(float(str(figures["max_drawdown"])))


def test_two_marks_in_one_place_have_names_that_can_be_read() -> None:
    drawn = svg.scatter([(1.0, 2.0, "a"), (3.0, 4.0, "b")], [(1.0, 2.0, "chosen"), (1.0, 2.0, "as it is")], "x", "y")
    places = {name: float(y) for y, name in re.findall(r'y="([0-9.]+)"[^>]*>([a-z ]+)</text>', drawn)}
    assert abs(places["chosen"] - places["as it is"]) >= svg.LINE


def test_all_baselines_stand_beside_the_strategy(made: Study) -> None:
    page = render(made, analyse(made))
    for title in ("buy and hold", "static grid, geometric", "static grid, arithmetic", "without gate", "UP alone"):
        assert title in page
    for title in ("DOWN alone", "NEUTRAL alone", "equal weights", "fixed prior"):
        assert title in page


def test_assumptions_name_costs_and_missing_funding(made: Study) -> None:
    said = " ".join(assumptions(made))
    assert "Maker fee 0.02 %" in said
    assert "0.01 % every 8 hours is assumed" in said
    assert "BTCUSDT, ETHUSDT: order filters, price limits and margin brackets are those of 2025/26" in said


def test_of_many_remarks_on_the_data_doubts_come_first_and_the_rest_is_counted(made: Study) -> None:
    at, market = made.prepared.market.start, made.prepared.market
    notes = [QualityNote(at, f"N{index:02d}USDT", "no_funding", "no funding is recorded") for index in range(14)]
    notes.append(QualityNote(at, "ZUSDT", "price_jump", "the price is 5 times the one before"))
    one = structs.replace(market.series["ETHUSDT"], notes=notes)
    said = assumed(structs.replace(made.prepared, market=RecordedMarket([one], market.interval, GAP)))
    assert said[-13:-11] == ["ZUSDT: the price is 5 times the one before", "N00USDT: no funding is recorded"]
    assert said[-1] == "3 more remarks on the data: gridbot data check lists them."


def test_a_rate_that_nobody_can_read_is_written_short() -> None:
    assert percent(12.3456) == "+1234.6 %"
    assert percent(7.0092e27) == "+7.0e+29 %"


def test_the_best_in_hindsight_is_named_with_its_interval(made: Study) -> None:
    found = analyse(made)
    best = found.rows[-1]
    assert best.name == "best_in_hindsight"
    assert best.net_return == max(row.net_return for row in found.rows[1:])
    assert best.advantage is not None
    assert best.title in render(made, found)


def test_each_changed_parameter_has_its_line_and_its_interval(made: Study) -> None:
    found = analyse(made)
    assert [(one.key, one.after) for one in found.sensitivity] == [("ladder.skew", 0.75), ("ladder.skew", 1.25)]
    assert all(one.gain is not None for one in found.sensitivity)
    assert "How much hangs on each parameter" in render(made, found)


def test_verdicts_speak_of_each_baseline(made: Study) -> None:
    found = analyse(made)
    assert found.days >= 30
    said = verdicts(found)
    assert len(said) == len(found.rows) + 3
    assert any("configurations" in line for line in said)


def test_a_liquidation_is_the_first_thing_that_the_page_says(made: Study) -> None:
    assert "liquidated" not in " ".join(liquidated(made))
    lost = structs.replace(made.main, figures={**made.main.figures, "liquidations": 2})
    page = render(structs.replace(made, main=lost), analyse(made))
    first = page.partition("What it says</h2>")[2][:200]
    assert "It was liquidated 2 times: the exchange closed what was held" in first


def test_few_days_are_called_an_anecdote() -> None:
    short = study_of(prepared(series("ETHUSDT", 18, seed=43, sigma_hour=0.012)), processes=1)
    assert "anecdote" in " ".join(verdicts(analyse(short)))


def test_both_files_are_written_and_the_figures_read_back(made: Study, tmp_path: Path) -> None:
    page, data = write(tmp_path / "out", made, analyse(made))
    assert page.stat().st_size > 20_000
    read = json.loads(data.read_text())
    assert read["result"]["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert {row["name"] for row in read["analysis"]["rows"]} >= {"strategy", "buy_and_hold", "fixed_prior"}


def test_a_report_that_cannot_be_written_whole_leaves_the_last_one_as_it_was(made: Study, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("the last one's")
    (tmp_path / ".report.json.part").mkdir()  # as good as a full disk: the page fits on it, the figures do not
    with pytest.raises(OSError, match="directory"):
        write(tmp_path, made, analyse(made))
    assert (tmp_path / "report.html").read_text() == "the last one's"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["report.html"]


def test_months_multiply_up_to_the_whole(made: Study) -> None:
    found = analyse(made)
    whole = 1.0
    for _, _, value in found.months:
        whole *= 1.0 + value
    assert whole - 1.0 == pytest.approx(found.rows[0].net_return, abs=1e-9)


def test_the_terminal_gets_the_same_curves(made: Study) -> None:
    drawn = terminal(made, 90, colour=False)
    assert "\x1b" not in drawn
    assert all(title in drawn for title in ("equity, %", "drawdown, %", "leverage held", "weights"))


def test_figures_have_their_units_and_words_are_explained(made: Study) -> None:
    page = render(made, analyse(made))
    assert "capital 10,000 USDT" in page
    assert "fees / funding, USDT" in page
    assert "Funding above zero was received" in page
    assert "days after a week in which prices went more than 5 % up" in page
    assert "brackets are 95 % intervals" in page


def test_a_plot_is_plain_characters_where_no_others_can_be_written(made: Study) -> None:
    drawn = terminal(made, 90, colour=False)
    assert written_for(drawn, "utf-8") == drawn
    assert not drawn.isascii()
    for encoding in ("ascii", "latin-1", None):
        plain = written_for(drawn, encoding)
        assert plain.isascii()
        assert [len(line) for line in plain.splitlines()] == [len(line) for line in drawn.splitlines()]
        assert "* strategy" in plain
        assert "|****" in plain


def test_the_fall_of_one_hour_in_years_is_drawn_in_the_terminal() -> None:
    at = list(range(0, 30_000 * HOUR, HOUR))
    values = [0.0] * len(at)
    values[12_345] = -60.0
    drawn = plot._figure("drawdown, %", [("strategy", at, values)], 80, 9)
    lowest = next(line for line in drawn.splitlines() if "-60" in line)
    assert any(sign in lowest for sign in map(chr, range(0x2801, 0x2900)))


def test_thinning_keeps_the_extremes() -> None:
    at = list(range(10_000))
    values = [0.0] * 10_000
    values[4_321], values[7_000] = 9.0, -9.0
    kept = [value for _, value in svg.thinned(at, values)]
    assert len(kept) <= svg.MOST_POINTS + 2
    assert (max(kept), min(kept)) == (9.0, -9.0)


def test_the_document_and_the_terminal_give_every_difference_with_its_interval(made: Study) -> None:
    told = document(made)["baselines"]
    assert set(told) == set(made.others)
    drawn = terminal(made, 100, colour=False)
    for name, one in told.items():
        gap = one["advantage"]
        assert gap["low"] <= gap["value"] <= gap["high"]
        assert f"{100 * gap['value']:+.1f} [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]" in drawn, name
    rows = {row.name: row.advantage for row in analyse(made).rows}
    assert rows["static_grid"] is not None
    assert rows["static_grid"].low == pytest.approx(told["static_grid"]["advantage"]["low"], abs=1e-9)
    assert all(f"{symbol}, " in drawn for symbol in ("ETHUSDT", "BTCUSDT"))


def test_the_terminal_report_fits_eighty_columns_and_names_its_curves_outside_the_charts(made: Study) -> None:
    drawn = terminal(made, 80, colour=False).splitlines()
    assert max(map(len, drawn)) <= 80
    assert any("strategy" in line and "b buy and hold" in line and "s static grid" in line for line in drawn)
    painted = terminal(made, 80)
    assert "\x1b[32m" in painted
    assert max(len(ESCAPE.sub("", line)) for line in painted.splitlines()) <= 80
