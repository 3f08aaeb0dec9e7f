from typing import get_args

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from gridbot_tui.settings.sections import UiParams
from gridbot_tui.ui import glyphs, lines, rows, theme

texts = st.text(alphabet="abcXYZ 012.−…█▲币안", max_size=20)
spans = st.lists(st.tuples(texts, st.sampled_from(["text", "dim"])), max_size=5).map(tuple)


@given(texts, st.integers(0, 30))
def test_a_column_has_exactly_its_width_in_cells(text: str, width: int) -> None:
    assert cell_len(rows.left(text, width)) == width
    assert cell_len(rows.right(text, width)) == width


@given(spans, spans, st.integers(1, 40))
def test_a_justified_row_never_passes_its_width(start: rows.Row, end: rows.Row, width: int) -> None:
    assert rows.width_of(rows.justify(start, end, width)) <= width


@given(texts, st.integers(1, 20))
def test_wrapped_text_fits_its_width(text: str, width: int) -> None:
    assert all(rows.width_of(row) <= max(2, width) for row in rows.wrapped(text, width))


def test_a_number_that_does_not_fit_says_so() -> None:
    assert rows.right("123456", 4) == "123…"


@given(st.lists(st.floats(-1e9, 1e9), max_size=300), st.integers(0, 60), st.integers(0, 12))
@example([0.0, 2.225073858507203e-309], 1, 1)
def test_graphs_have_their_size_in_every_symbol_set(values: list[float], width: int, height: int) -> None:
    for symbols in glyphs.SETS:
        drawn = lines.graph(values, width, height, symbols)
        assert len(drawn) == height
        assert all(cell_len(line) == width for line in drawn)
        if symbols == "ascii":
            assert all(line.isascii() for line in drawn)


@given(st.lists(st.floats(-1e6, 1e6), max_size=100), st.integers(0, 40))
def test_a_spark_ends_with_the_newest_value(values: list[float], width: int) -> None:
    drawn = lines.spark(values, width)
    assert len(drawn) == width
    assert len(lines.resampled(values, max(1, width))) <= max(1, width)
    if values and width:
        assert lines.resampled(values, width)[-1] == values[-1]


@given(st.one_of(st.none(), st.floats(-2, 3)), st.integers(1, 30))
def test_a_meter_has_its_width_and_shows_unknown_as_empty(value: float | None, width: int) -> None:
    row = lines.meter(value, width, "good", marks=[(0.5, "┆", "warn")])
    assert rows.width_of(row) == width
    if value is None:
        assert "█" not in rows.text_of(row)


@given(texts)
def test_ascii_keeps_every_cell_in_place(text: str) -> None:
    assert glyphs.to_ascii(text).isascii()
    assert len(glyphs.to_ascii(text)) == cell_len(text)


def test_every_palette_knows_every_role() -> None:
    roles = set(theme.palette("dark"))
    for name in (*theme.NAMES, "none"):
        assert set(theme.palette(name)) == roles


def test_the_palette_for_no_color_has_no_colour() -> None:
    assert all(style.color is None and style.bgcolor is None for style in theme.palette("none").values())


def test_buy_and_sell_differ_by_more_than_red_and_green_where_eyes_need_it() -> None:
    palette = theme.palette("colour-blind")
    assert palette["buy"].color is not None
    assert palette["sell"].color is not None
    buy, sell = palette["buy"].color.get_truecolor(), palette["sell"].color.get_truecolor()
    assert buy.blue - sell.blue > 100


def test_unknown_theme_names_fall_back_and_textual_names_are_understood() -> None:
    assert theme.known("textual-dark") == "dark"
    named = get_args(UiParams.model_fields["theme"].annotation)
    assert named == (theme.AUTO, *theme.NAMES), "a config names those that there are"
    assert theme.known("textual-light") == "light"
    assert theme.known("no-such-theme") == "dark"


def test_a_number_is_not_torn_at_its_thousands() -> None:
    text = "sell 0.009 BTC by market, about 61 738.7, bounds −5 235 to 1 177"
    for width in range(10, 40):
        lines = [rows.text_of(row) for row in rows.wrapped(text, width)]
        assert " ".join(lines) == text
        for number in ("61 738.7,", "−5 235", "1 177"):
            assert any(number in line for line in lines)
