"""A pair whose amounts have more decimals than the exchange keeps: the ledger is the exchange's, to the last digit."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

from gridbot_tui.commands import export_rows
from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.store.reader import reading
from gridbot_tui.units import Market
from tests.e2e.served import KEY, SECRET, Bot, bot_on
from tests.exchange_server.serving import Served, serving

PAIR, NAME = "ETHBTC", "testnet-spot-main-btc"
SETS = {
    "ladder.plain.side": "long", "ladder.plain.levels": "9", "ladder.plain.range_below": "0.06",
    "ladder.plain.range_above": "0.06",
}  # fmt: skip


class Moving:
    """Carries the price about its beginning, often past no more than a few coins: orders fill in parts."""

    def __init__(self, served: Served, chance: random.Random) -> None:
        tape = served.app.place.floors["spot"].tapes[PAIR]
        self._served, self._chance, self._home = served, chance, tape.last * tape.instrument.tick_f

    def move(self) -> None:
        """Once."""
        price = self._home * (1 + self._chance.uniform(-0.055, 0.055))
        self._served.price(PAIR, f"{price:.5f}", volume=self._chance.choice(("1000000", "0.37", "0.0123")))

    def until(self, bot: Bot, fills: int) -> None:
        """Until the bot has had so many fills, and one among them whose amount was cut."""

        def enough(now: dict[str, Any]) -> bool:
            self.move()
            return int(now["symbols"][PAIR]["fills"]) >= fills and was_cut(bot)

        bot.wait_for(enough)


def was_cut(bot: Bot) -> bool:
    """Whether a fill was worth more decimals than the exchange keeps."""
    with reading(bot.profile.database) as reader:
        return any(fill.quote is not None for fill in reader.each_fill())


def balances(served: Served) -> dict[str, Decimal]:
    """What the exchange says there is, free and locked."""
    status, answer = served.signed("GET", "/api/v3/account", key=KEY, secret=SECRET)
    assert status == 200
    return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in answer["balances"]}


def ledger(bot: Bot) -> tuple[dict[str, Decimal], set[str]]:
    """The exported ledger, added up by asset, and what its changes were."""
    sums: dict[str, Decimal] = {}
    kinds = set()
    with reading(bot.profile.database) as reader:
        for row in export_rows.ledger(reader):
            sums[row["asset"]] = sums.get(row["asset"], Decimal(0)) + Decimal(row["amount"])
            kinds.add(row["kind"])
    return sums, kinds


def test_fills_a_kill_and_a_stop_leave_no_billionth_between_ledger_and_exchange(bare_home: Path) -> None:
    chance = random.Random(3)
    rich = KeyConfig(KEY, SECRET, {"BTC": "0.5", "ETH": "2"})
    with serving(Market.SPOT, symbols=(PAIR,), accounts=(rich,)) as served:
        market = Moving(served, chance)
        for fills in (6, 13):
            with bot_on(served, bare_home, market="spot", symbol=PAIR, quote="BTC", sets=SETS) as bot:
                bot.wait_for(lambda status: status["state"] == "running")
                market.until(bot, fills)
                bot.kill()
            for _ in range(10):
                market.move()
        with bot_on(served, bare_home, market="spot", symbol=PAIR, quote="BTC", sets=SETS) as bot:
            now = bot.wait_for(lambda status: status["state"] == "running" and status["residual"] == "0")
            assert now["symbols"][PAIR]["fills"] >= 13
            assert bot.command("stop").code == 0
            assert bot.ended().code == 0
        there, (here, kinds) = balances(served), ledger(bot)
    assert {asset: here[asset] for asset in ("BTC", "ETH")} == {asset: there[asset] for asset in ("BTC", "ETH")}
    assert kinds == {"start", "trade", "fee"}, "nothing was made up to tie out"
    assert was_cut(bot)
