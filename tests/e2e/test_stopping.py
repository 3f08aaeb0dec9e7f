"""Ends of a real process: by signal, by command, by file; told by its exit code and by the exchange's books."""

import signal
from pathlib import Path

import pytest

from tests.e2e.process import bot
from tests.service.living import books, contradictions, standing

FAST = ("--speed", "3000")


def holding(status: dict[str, object]) -> bool:
    """True where a position is held."""
    symbols: dict[str, dict[str, str]] = status["symbols"]  # type: ignore[assignment]
    return any(float(view["position"]) for view in symbols.values())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_flattens_verifies_and_reports(home: Path, number: signal.Signals) -> None:
    with bot(home, *FAST) as one:
        one.wait_for(holding)
        for stray in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGPIPE):
            one.signal(stray)
        one.wait_for(lambda status: status["state"] == "running")
        one.signal(number)
        ended = one.ended()
    assert ended.code == 0
    assert ended.document["state"] == "stopped"
    assert "0 orders left; 0 positions left; verified on the exchange" in ended.err
    theirs = books(home)
    assert (theirs.open_orders, theirs.positions) == ((), {})
    assert contradictions(home) == []


def test_after_a_stop_the_next_start_trades_again(home: Path) -> None:
    with bot(home, *FAST) as one:
        one.running()
        assert one.command("stop").code == 0
        assert one.ended().code == 0
    assert standing(home) == []
    with bot(home, *FAST) as again:
        again.wait_for(lambda s: s["state"] == "running" and any(v["open_orders"] for v in s["symbols"].values()))


def test_stop_with_positions_kept_leaves_them_under_a_resting_stop_and_nothing_else(home: Path) -> None:
    with bot(home, *FAST) as one:
        one.wait_for(holding)
        stopped = one.command("stop", "--keep-positions")
        assert stopped.code == 0, stopped.err
        ended = one.ended()
    assert ended.code == 0, ended.err
    theirs = books(home)
    assert {order.kind.value for order in theirs.open_orders} == {"stop_market"}
    assert {order.symbol for order in theirs.open_orders} == set(theirs.positions)


def test_a_shutdown_that_dies_is_carried_on_by_the_next_start(home: Path) -> None:
    with bot(home, "--speed", "0.01") as one:
        one.wait_for(holding)
        one.signal(signal.SIGTERM)
        one.kill()
    with bot(home, "--speed", "0.01") as again:
        if again.goes_on():  # it died before the intent was written
            again.signal(signal.SIGTERM)
        ended = again.ended()
    assert ended.code == 0
    assert (books(home).open_orders, books(home).positions) == ((), {})


def test_a_file_named_kill_closes_everything_and_stays_in_force_over_a_restart(home: Path) -> None:
    with bot(home, *FAST) as one:
        one.wait_for(holding)
        one.profile.kill_file.write_text("")
        one.wait_for(lambda s: s["state"] == "halted" and not holding(s))
        assert not one.profile.kill_file.exists()
        one.kill()
    assert standing(home) == []
    with bot(home, *FAST) as again:
        status = again.wait_for(lambda s: s["state"] == "halted")
        assert "kill" in {blocker["code"] for blocker in status["blockers"]}
        assert again.command("resume").code == 4, "refused for safety: the kill comes first"
        assert again.command("resume", "--symbol", "NONEUSDT").code == 4
        assert again.command("pause", "--symbol", "NONEUSDT").code == 2, "wrong input: it is not traded"
        assert again.command("reset", "kill").code == 0
        again.wait_for(lambda s: s["state"] == "running")


def test_a_kill_file_that_waits_for_the_start_is_obeyed_by_it(home: Path) -> None:
    with bot(home, "--speed", "0.01") as one:
        one.running()
        one.kill()
    one.profile.kill_file.write_text("")
    with bot(home, *FAST) as again:
        again.wait_for(lambda s: s["state"] == "halted" and not holding(s))
