"""What a config change does, in lines."""

from gridbot_tui.engine.preview import SymbolDifference
from gridbot_tui.service.operator import effects
from tests.ui import fixtures


def test_spot_is_told_of_no_margin_and_no_liquidation() -> None:
    case = fixtures.WHAT_IF[0]
    one = SymbolDifference("BTCUSDT", 1, 1, 0, 0.02, 0.03, 1.0, 1.0, "", what_if_before=(case,), what_if_after=(case,))
    futures, spot = (effects.detail([one], spot=flag)["what_if"] for flag in (False, True))
    assert "margin " in futures
    assert "liquidation " in futures
    assert "margin " not in spot
    assert "liquidation " not in spot
    assert f"{case.leverage:.2f}x -> {case.leverage:.2f}x" in spot
