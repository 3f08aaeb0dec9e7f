"""gridbot as its own process on the served exchange, over HTTP and WebSocket: from its start to a verified stop."""

from pathlib import Path

from tests.e2e.kills import die_and_rise
from tests.e2e.served import KEY, NAME, SECRET, Books, bot_on, open_orders, wait_until_agreed
from tests.exchange_server.serving import Served


def test_killed_at_random_moments_it_sends_nothing_twice_and_loses_nothing(served: Served, bare_home: Path) -> None:
    figures = die_and_rise(served, bare_home, kills=2, seed=7)
    assert figures.clean, figures
    assert figures.orders > 0


def test_an_operator_pauses_flattens_and_stops_it_verified_on_the_exchange(served: Served, bare_home: Path) -> None:
    with bot_on(served, bare_home) as bot:
        bot.running()
        wait_until_agreed(served, bare_home)
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
    files = [(bare_home / NAME / name).read_text() for name in ("gridbot.log", "audit.jsonl")]
    for text in (ended.out, ended.err, *files):
        assert KEY not in text
        assert SECRET not in text
