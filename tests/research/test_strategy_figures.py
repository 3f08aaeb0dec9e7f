"""The strategy's page says what the validation measured."""

from tests.tools.strategy_figures import renewed

PAGE = """# Strategy
| finding | study | futures here | |
|---|---|---|---|
| a year, deepest fall, leverage held | 11 %, -12.5 %, 1.6x | 8.3 %, -9.1 %, 0.55x | lower |
| less buy and hold | not significant | +0.39 [-0.42, 1.33] | agrees |

| mechanism | Sharpe | a year | deepest fall with, without | |
|---|---:|---:|---:|---|
| ladder: skew | 2.00 [0.98, 2.99] | +16.9 % [+8.2 %, +26.0 %] | -10.5 %, -15.0 % | **adds, certain** |
| tiers | 0.15 [-0.30, 0.61] | -0.5 % [-4.2 %, +3.2 %] | -10.5 %, -10.8 % | not shown |

A skew of 0.5 costs 2.00 [0.98, 2.99] of Sharpe; tiers +0.15 [-0.30, 0.61].
"""
MEASURED = """
| the whole less buy and hold | not significant | 0.41 [-0.40, 1.30] (not significant) | 0.02 [-1.00, 1.10] |

All futures together: 1878 days, +8.1 % a year, deepest fall -9.0 %, highest leverage held 0.54x, deflated 0.4

| ladder: skew | 1.80 [-0.10, 2.90] | +15.0 % [+7.0 %, +25.0 %] | -10.4 %, -15.0 % | 1x, 1x | 1, 1 | certain, a year |
| tiers | 0.15 [-0.30, 0.61] | -0.5 % [-4.2 %, +3.2 %] | -10.5 %, -10.8 % | 1x, 1x | 1, 1 |  |
"""


def test_tables_and_the_sentences_that_quote_them_get_the_measured_figures() -> None:
    text, said = renewed(PAGE, MEASURED)
    assert "| less buy and hold | not significant | +0.41 [-0.40, 1.30] | agrees |" in text
    assert "| 11 %, -12.5 %, 1.6x | 8.1 %, -9.0 %, 0.54x | lower |" in text
    row = "| 1.80 [-0.10, 2.90] | +15.0 % [+7.0 %, +25.0 %] | -10.4 %, -15.0 % |"
    assert f"{row} adds a year, certain; Sharpe not |" in text
    assert "A skew of 0.5 costs 1.80 [-0.10, 2.90] of Sharpe; tiers +0.15 [-0.30, 0.61]." in text
    assert len(said) == 3
    assert any(line.startswith("ladder: skew: ") and "Sharpe not" in line for line in said)


def test_a_page_that_agrees_stays_as_it_is() -> None:
    text, _ = renewed(PAGE, MEASURED)
    assert renewed(text, MEASURED) == (text, [])
    assert renewed(PAGE, "nothing was measured\n") == (PAGE, [])
