"""Places of keys, in every way TOML has of writing them."""

import tomllib

from gridbot_tui.settings.lines import Place, Span, nearest, spans

TEXT = '''\
# a remark with [brackets] and = signs
top = 1

[risk]   # limits
cap = """
[not.a.header]
x = 1
"""
"quoted key" = 2
'single' = [
  1,  # one
  [2, 3],
  { a = 4, b.c = "]" },
]
[ui.keymap]
a.b = 1
a.c = 2
inline = { x = { y = 1 }, z = [1, 2] }
[[rows]]
n = 1
[[rows]]
n = 2
[rows.sub]
m = 3
when = 1979-05-27 07:32:00
[ "esc\\u0061pe" . x ]
last = \'\'\'it's]\'\'\'
'''


def lines() -> dict[Place, int]:
    tomllib.loads(TEXT)
    return {place: span.first for place, span in spans(TEXT).items()}


def test_plain_keys_headers_and_remarks() -> None:
    found = lines()
    assert found["top",] == 2
    assert found["risk",] == 4
    assert found["risk", "cap"] == 5
    assert found["risk", "quoted key"] == 9


def test_text_over_several_lines_hides_what_looks_like_keys() -> None:
    assert ("not",) not in lines()
    assert spans(TEXT)["risk", "cap"] == Span(5, 8)


def test_elements_of_lists_and_inline_tables_have_their_own_lines() -> None:
    found = lines()
    assert found["risk", "single"] == 10
    assert found["risk", "single", 0] == 11
    assert found["risk", "single", 1, 1] == 12
    assert found["risk", "single", 2, "b", "c"] == 13
    assert found["ui", "keymap", "inline", "x", "y"] == 18


def test_dotted_keys_mark_the_tables_they_imply() -> None:
    found = lines()
    assert (
        found["ui",],
        found["ui", "keymap"],
        found["ui", "keymap", "a"],
        found["ui", "keymap", "a", "c"],
    ) == (
        15,
        15,
        16,
        17,
    )


def test_arrays_of_tables_count_and_hold_tables_of_their_own() -> None:
    found = lines()
    assert (found["rows", 0, "n"], found["rows", 1], found["rows", 1, "n"], found["rows", 1, "sub", "m"]) == (
        20,
        21,
        22,
        24,
    )


def test_escapes_in_names_and_quotes_in_text_are_understood() -> None:
    assert lines()["escape", "x", "last"] == 27


def test_a_place_that_is_not_written_out_is_that_of_the_table_around_it() -> None:
    found = spans(TEXT)
    assert nearest(found, ("risk", "none")) == found["risk",]
    assert nearest(found, ("none",)) is None
