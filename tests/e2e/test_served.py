"""gridbot as its own process on the served exchange, over HTTP and WebSocket: from its start to a verified stop."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbot_tui.units import Market as MarketKind
from tests.e2e.kills import die_and_rise
from tests.e2e.served import KEY, NAME, RICH, SECRET, SYMBOL, Books, at_home, bot_on, open_orders, wait_until_agreed
from tests.exchange_server.serving import Served, serving


@pytest.fixture
def home() -> Iterator[Path]:
    """Under a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        yield Path(folder)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(MarketKind.FUTURES, symbols=(SYMBOL,), accounts=(RICH,)) as exchange:
        at_home(exchange)
        yield exchange


def test_killed_at_random_moments_it_sends_nothing_twice_and_loses_nothing(served: Served, home: Path) -> None:
    figures = die_and_rise(served, home, kills=2, seed=7)
    assert figures.clean, figures
    assert figures.orders > 0


def test_an_operator_pauses_flattens_and_stops_it_verified_on_the_exchange(served: Served, home: Path) -> None:
    with bot_on(served, home) as bot:
        bot.running()
        wait_until_agreed(served, home)
        bot.wait_for(lambda now: len(Books(served).standing) == open_orders(now) > 0)
        assert bot.command("pause").code == 0
        bot.wait_for(lambda now: now["state"] == "paused" and open_orders(now) == 0)
        why = bot.command("why", "--json").document
        assert "paused" in {blocker["code"] for blocker in why["blockers"]}
        assert bot.command("resume").code == 0
        bot.running()
        assert bot.command("stop").code == 0
        ended = bot.ended()
    books = Books(served)
    assert (ended.code, books.standing, books.positions) == (0, set(), {}), ended
    files = [(home / NAME / name).read_text() for name in ("gridbot.log", "audit.jsonl")]
    for text in (ended.out, ended.err, *files):
        assert KEY not in text
        assert SECRET not in text
