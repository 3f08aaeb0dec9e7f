"""How much of the past a profile asks for that has seen no market yet."""

import pytest

from gridbot_tui.engine.core import Engine
from gridbot_tui.market.builtin import builtin
from gridbot_tui.service.assemble import engine_config
from gridbot_tui.service.history import WithHistory
from gridbot_tui.settings.load import load_text
from gridbot_tui.units import DAY, HOUR, Market, Mode

AT = 1_789_999_200_000
BTC = builtin(Market.FUTURES)["BTCUSDT"]


@pytest.mark.parametrize(("hours", "days"), [(336, 15), (1000, 1000 / 24 + 1)])
def test_a_longer_warm_up_is_asked_for_and_not_waited_for(hours: int, days: float) -> None:
    settings = load_text(f"bot.symbols = ['BTCUSDT']\nstrategy.warmup_hours = {hours}\n", None, {}, ()).settings
    engine = Engine(engine_config(settings, 1, Mode.TESTNET, {"BTCUSDT": BTC}), {"BTCUSDT": BTC})
    engine.begin_recovery(AT)
    since = WithHistory(engine).next_bar_at("BTCUSDT")
    assert since == AT - round(days * DAY) - AT % HOUR
