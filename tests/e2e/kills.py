"""kill -9 at random moments against the served exchange, judged by the exchange's books: `make kills`.

Prints one JSON document and fails where anything was sent twice, forgotten or lost.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridbot_tui.units import Market as MarketKind
from tests.e2e.served import RICH, Books, Market, bot_on, contradictions, wait_until_agreed
from tests.exchange_server.serving import Served, serving

EARLY = 0.3
"""Share of the kills that fall into start and recovery; the others fall into trading."""

ROOM = 20.0
"""Times Binance's limits: twelve starts a minute use them up, and the bot would rightly wait for the next minute."""
MINUTE_S = 180.0
"""For a start: until it has read what room there is, a bot goes by Binance's usual limits, and may wait them out."""


@dataclass
class Figures:
    """What a run of kills came to."""

    kills: int = 0
    kills_in_recovery: int = 0
    orders: int = 0
    fills: int = 0
    contradictions: list[str] = field(default_factory=list)
    residual: str = ""
    exit_code: int | None = None
    left_standing: int = 0
    left_open: int = 0
    slowest_recovery_s: float = 0.0

    def document(self) -> dict[str, Any]:
        """For print."""
        return dict(vars(self))

    @property
    def clean(self) -> bool:
        """Whether every promise held."""
        left = self.left_standing + self.left_open
        return not self.contradictions and self.residual == "0" and self.exit_code == 0 and not left


def die_and_rise(served: Served, home: Path, kills: int, seed: int, keep: Path | None = None) -> Figures:
    """Start, kill, and again; at the end let the bot stop itself, and ask the exchange what is left."""
    chance, figures = random.Random(seed), Figures()
    with Market(served, seed):
        for number in range(kills):
            early = number > 0 and chance.random() < EARLY
            with bot_on(served, home) as bot:
                began = time.monotonic()
                if not early:
                    bot.running(MINUTE_S)
                    figures.slowest_recovery_s = max(figures.slowest_recovery_s, round(time.monotonic() - began, 2))
                time.sleep(chance.uniform(0.2, 1.5) if early else chance.uniform(0.0, 0.8))
                bot.kill()
            figures.kills += 1
            figures.kills_in_recovery += early
    with bot_on(served, home) as bot:
        bot.wait_for(lambda status: status["state"] == "running", MINUTE_S)
        try:
            wait_until_agreed(served, home)
        except AssertionError:
            figures.contradictions = contradictions(served, home)
            if keep is not None:
                _keep(home, keep)
        figures.residual = bot.wait_for(lambda status: True)["residual"]
        bot.command("stop")
        figures.exit_code = bot.ended().code
    books = Books(served)
    figures.orders, figures.fills = len(books.orders), len(books.trades)
    figures.left_standing, figures.left_open = len(books.standing), len(books.positions)
    figures.contradictions += contradictions(served, home)
    return figures


def _keep(home: Path, where: Path) -> None:
    shutil.copytree(home, where, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))


def main() -> int:
    """The command line of ``make kills``."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=50)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--keep", type=Path, help="copy the profile here where something is wrong")
    chosen = words.parse_args()
    with (
        serving(MarketKind.FUTURES, symbols=("BTCUSDT",), accounts=(RICH,), limits=ROOM) as served,
        tempfile.TemporaryDirectory(prefix="gb") as folder,
    ):
        home = Path(folder)
        try:
            figures = die_and_rise(served, home, chosen.kills, chosen.seed, chosen.keep)
        except AssertionError:
            if chosen.keep is not None:
                _keep(home, chosen.keep)
            raise
    print(json.dumps(figures.document(), indent=1))
    return 0 if figures.clean else 1


if __name__ == "__main__":
    sys.exit(main())
