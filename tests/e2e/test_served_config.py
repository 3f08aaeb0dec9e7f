"""A config file edited under a bot of real time, and a paper process that is killed: as an operator meets them."""

from pathlib import Path

import pytest

from gridbot_tui.control.ask import ask_snapshot
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.store.reader import reading
from tests.e2e import served as served_module
from tests.e2e.process import PATIENCE_S
from tests.e2e.served import Books, Bot, Market, bot_on, open_orders
from tests.exchange_server.serving import Served
from tests.service.living import contradictions

PAPER = "paper-futures-main-usdt"


def _shown(bot: Bot) -> Snapshot:
    return ask_snapshot(bot.profile.found_socket, PATIENCE_S)


def _edit(path: Path, text: str) -> None:
    """As editors do: another file is put in its place, so that nobody reads half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def _reloads(bot: Bot) -> list[tuple[str, str]]:
    return [(event.level, event.text) for event in _shown(bot).events if event.code == "reload"]


def test_an_edit_of_its_file_acts_and_is_told_and_a_wrong_one_is_refused_with_a_sentence(
    served: Served, bare_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_module, "GRID", {k: v for k, v in served_module.GRID.items() if k != "orders.depth"})
    config = bare_home / "mine.toml"
    config.write_text("[orders]\ndepth = 3\n")
    with bot_on(served, bare_home, "--config", str(config)) as bot:
        before = bot.wait_for(lambda now: now["state"] == "running" and open_orders(now) == 6)
        version = before["config_version"]

        _edit(config, "[orders]\ndepth = 1\n")
        after = bot.wait_for(lambda now: now["config_version"] > version and open_orders(now) == 2)
        assert after["config_version"] == version + 1
        bot.wait_for(lambda _: len(Books(served).plain) == 2)
        assert _reloads(bot) == [("info", f"config version {version + 1}: 1 key changed")]

        _edit(config, "[orders]\ndepth = 'many'\n")
        bot.wait_for(lambda _: len(_reloads(bot)) > 1)
        (level, text), *_ = [one for one in _reloads(bot) if one[0] != "info"]
        assert level == "warning"
        assert "nothing changed" in text
        assert "orders.depth" in text
        kept = bot.wait_for(lambda now: now["config_version"] == version + 1)
        assert open_orders(kept) == 2
        audit = (bot.profile.folder / "audit.jsonl").read_text()
        assert "orders.depth" in audit


def test_a_killed_paper_process_goes_on_with_its_account_its_orders_and_its_ledger(
    served: Served, bare_home: Path
) -> None:
    with Market(served, seed=3), bot_on(served, bare_home, mode="paper") as bot:
        bot.wait_for(lambda now: sum(view["fills"] for view in now["symbols"].values()) >= 3)
        bot.kill()
    with reading(bot.profile.database) as ours:
        booked = [fill.trade_id for fill in ours.each_fill()]
    with bot_on(served, bare_home, mode="paper") as bot:  # the market stands: both must come to say the same
        bot.wait_for(lambda now: now["state"] == "running" and open_orders(now) > 0 and now["residual"] == "0"
                     and not contradictions(bare_home, PAPER))  # fmt: skip
        with reading(bot.profile.database) as ours:
            fills = [fill.trade_id for fill in ours.each_fill()]
        assert fills[: len(booked)] == booked
        assert len(set(fills)) == len(fills)
        assert bot.command("stop").code == 0
        ended = bot.ended()
    assert ended.code == 0, ended
    assert contradictions(bare_home, PAPER) == []
