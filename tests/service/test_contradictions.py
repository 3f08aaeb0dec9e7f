"""A config that contradicts what is traded is refused with a sentence, never an exception's trace."""

import pytest

from gridbot_tui.market.builtin import builtin
from gridbot_tui.service.assemble import RunRefused, engine_config
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Market, Mode


@pytest.mark.parametrize("side", ["neutral", "short"])
def test_a_grid_that_sells_first_is_refused_on_spot(side: str) -> None:
    settings = Settings.model_validate({"ladder": {"kind": "arithmetic", "plain": {"side": side}}})
    instruments = {"BTCUSDT": builtin(Market.SPOT)["BTCUSDT"]}
    with pytest.raises(RunRefused, match=r"\[ladder\].*spot is long-only") as refused:
        engine_config(settings, 1, Mode.SIM, instruments)
    assert refused.value.exit_code == 2
