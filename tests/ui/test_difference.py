"""The difference a config change makes, as rows that fit."""

import pytest

from gridbot_tui.ui.difference import difference_rows
from gridbot_tui.ui.rows import text_of, width_of


def text(detail: dict[str, str], width: int = 80) -> str:
    rows = difference_rows(detail, width)
    assert all(width_of(row) <= width for row in rows)
    return "\n".join(text_of(row) for row in rows)


def test_keys_stand_in_columns_with_when_they_apply() -> None:
    shown = text({"changes": "a.b: 1 -> 2 (at once)\nlonger.key: 0.5 -> 0.25 fraction (after a restart)"})
    assert shown.splitlines() == [
        "a.b         1 → 2                at once",
        "longer.key  0.5 → 0.25 fraction  after a restart",
    ]


def test_what_does_not_fit_a_line_takes_two() -> None:
    value = '["BTCUSDT", "ETHUSDT"] -> ["BTCUSDT", "ETHUSDT", "SOLUSDT"]'
    shown = text({"changes": f"bot.symbols: {value} (after a restart)"}, width=40)
    assert shown.splitlines()[0] == "bot.symbols  after a restart"
    assert "SOLUSDT" in shown


@pytest.mark.parametrize("line", ["something else entirely", "", "a: b"])
def test_a_line_of_another_shape_is_shown_as_it_stands(line: str) -> None:
    assert line in text({"changes": line, "desired": line, "what_if": line})


def test_many_symbols_are_summed_up() -> None:
    lines = "\n".join(f"COIN{at}USDT: cancel 1, create 2, keep 3" for at in range(50))
    shown = text({"changes": "", "desired": lines})
    assert "in all        cancel  50   create 100   keep 150" in shown
    assert "and 42 symbols more" in shown


def test_symbols_that_do_not_move_are_only_in_the_sum() -> None:
    shown = text({"desired": "A: cancel 0, create 0, keep 4\nB: cancel 1, create 1, keep 0, then trim"})
    assert "A " not in shown.replace("in all", "")
    assert "then trim" in shown


def test_what_is_sold_at_once_comes_first_and_stands_out() -> None:
    lines = [f"COIN{at}USDT: cancel 1, create 2, keep 3, leverage 0.50 -> 0.40" for at in range(9)]
    lines.append("SOLUSDT: cancel 2, create 0, keep 0, leverage 3.0 -> 2.9, then sell 14.71 SOL by market: liquidation")
    rows = difference_rows({"changes": "", "desired": "\n".join(lines)}, 80)
    shown = [text_of(row) for row in rows]
    first = shown.index("SOLUSDT       cancel   2   create   0   keep   0")
    assert shown[first + 1] == "      leverage 3.0 → 2.9"
    assert shown[first + 2] == "      then sell 14.71 SOL by market: liquidation"
    assert rows[first + 2][-1] == ("then sell 14.71 SOL by market: liquidation", "bad")
    assert "and 2 symbols more" in shown


def test_no_change_of_a_value_is_said() -> None:
    assert "only the text does" in text({})


def test_unknown_details_are_not_swallowed_and_exit_codes_are() -> None:
    shown = text({"note_of_the_bot": "mind this", "exit_code": "4"})
    assert "note of the bot: mind this" in shown
    assert "exit" not in shown


def test_a_minus_is_a_sign_and_a_dash_is_unknown() -> None:
    shown = text({"what_if": "A buys filled: margin - -> 4.00, -2.9 % at 5, liquidation -"})
    assert "margin - → 4.00, −2.9 % at 5, liquidation -" in shown


def test_what_stays_as_it_is_is_told_once_or_only_counted() -> None:
    shown = text(
        {
            "desired": "A: cancel 1, create 1, keep 4, spacing 2.80 % -> 2.80 %, leverage 0.20 -> 0.10\n"
            "B: cancel 0, create 0, keep 3, spacing 2.80 % -> 2.80 %",
            "what_if": "A buys filled: margin 8.00 -> 8.00, 0.05x -> 0.04x, -0.7 % at 5, T0\n"
            "B buys filled: margin 9.00 -> 9.00, 0.05x -> 0.05x, -0.7 % at 5, T0",
        }
    )
    assert "leverage 0.20 → 0.10" in shown
    assert "spacing" not in shown
    assert "margin 8.00, 0.05x → 0.04x, −0.7 % at 5" in shown
    assert "as before on 1 side, else" in shown
    assert "9.00" not in shown
