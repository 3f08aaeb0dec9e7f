"""The first words with an exchange: one that does not answer, and one that trades in another asset."""

import asyncio
import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gridbot_tui.exchange.binance.errors import BinanceError, ClockOff, RetryLater, Stop
from gridbot_tui.exchange.binance.futures_rest import FuturesRest
from gridbot_tui.exchange.binance.rest import FeeRates
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.service.options import InForce
from gridbot_tui.service.venues.exchange_look import fees_in_words
from gridbot_tui.service.venues.venue_open import _refusal, _waits, patiently
from gridbot_tui.units import Mode
from tests.exchange_binance.virtual import at_once
from tests.service.test_safety import GOOD
from tests.service.wire_scene import Scene, live_through


def tried(patience: float, each_takes: float, error: BinanceError | None = None) -> tuple[list[float], float]:
    """When trouble was said, and when it was given up."""
    said: list[float] = []

    async def ask() -> None:
        await asyncio.sleep(each_takes)
        raise error or RetryLater("no answer in time")

    async def run() -> float:
        now = asyncio.get_running_loop().time
        began = now()
        with pytest.raises(BinanceError):
            await patiently(ask, patience, lambda error, pause: said.append(now() - began))
        return now() - began

    return said, at_once(run())


def test_an_exchange_that_is_silent_is_given_up_when_its_time_is_over() -> None:
    said, over = tried(40.0, each_takes=10.0)
    assert said[0] == 10.0, "the first silence is said"
    assert over <= 55.0, "silence counts, not only the pauses between"


def test_one_that_refuses_at_once_is_tried_ever_more_seldom_to_the_end_of_its_time() -> None:
    said, over = tried(40.0, each_takes=0.0)
    assert (len(said), over) == (7, 40.0)


def test_a_short_ban_is_waited_for_and_a_long_one_ends_the_start() -> None:
    def banned_for(seconds: float) -> tuple[float, int]:
        asked: list[float] = []

        async def ask() -> None:
            asked.append(asyncio.get_running_loop().time())
            if len(asked) == 1:
                raise Stop("banned", wait_s=seconds)

        at_once(patiently(ask, 40.0))
        return asked[-1] - asked[0], len(asked)

    assert banned_for(120.0) == (121.0, 2), "not asked again before its end"
    with pytest.raises(Stop):
        banned_for(3_600.0)


def test_a_wait_for_the_end_of_a_ban_is_not_said_to_be_shorter_than_it_is() -> None:
    assert _waits("host", RetryLater("silent"), 2.0, 40.0).endswith("trying again in 2.0 s, for 40 s in all")
    assert _waits("host", Stop("banned", wait_s=120.0), 121.0, 40.0).endswith("trying again in 121.0 s")


def test_systemd_is_asked_for_the_time_that_a_start_waits(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(short / "notify"))
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(short / "notify"))
        with pytest.raises(RetryLater):
            at_once(patiently(_Banned(300.0), 0.0))
        told = systemd.recv(100).decode()
    name, _, extended = told.partition("=")
    assert name == "EXTEND_TIMEOUT_USEC"
    assert int(extended) > 301_000_000, "killed after 90 s and started again it would ask in the middle of the ban"


class _Banned:
    """Banned at first, then silent."""

    def __init__(self, seconds: float) -> None:
        self._errors: list[BinanceError] = [Stop("banned", wait_s=seconds), RetryLater("no answer in time")]

    async def __call__(self) -> None:
        raise self._errors.pop(0)


def test_without_patience_it_is_asked_once() -> None:
    assert tried(0.0, each_takes=1.0) == ([], 1.0)


@pytest.mark.parametrize("mode", [Mode.TESTNET, Mode.PAPER])
def test_a_symbol_of_another_quote_is_refused_before_any_file_is_opened(tmp_path: Path, mode: Mode) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(RunRefused, match=r"is quoted in USDT, and bot\.quote = \"USDC\"") as refused:
            await scene.start(**{"bot.quote": "USDC"})
        assert refused.value.exit_code == 2
        assert not scene.profile.database.exists()

    live_through(story, tmp_path, mode=mode)


@pytest.mark.parametrize(
    ("question", "changed", "words"),
    [
        ("setup", {"hedge_mode": True}, "hedge mode"),
        ("setup", {"can_trade": False}, "does not let this account trade"),
        ("api_restrictions", {"withdrawals": True}, "safety.accept_keys_that_can_withdraw"),
    ],
)
def test_a_key_or_an_account_that_must_not_be_traded_with_ends_the_start_before_any_file_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, changed: dict[str, bool], words: str
) -> None:
    async def told(self: FuturesRest, *about: Any) -> Any:
        return replace(GOOD if question == "api_restrictions" else await asks(self, *about), **changed)

    async def story(scene: Scene) -> None:
        with pytest.raises(RunRefused, match=words) as refused:
            await scene.start()
        assert refused.value.exit_code == 4
        assert not scene.profile.database.exists()

    asks = getattr(FuturesRest, question)
    monkeypatch.setattr(FuturesRest, question, told)
    live_through(story, tmp_path, mode=Mode.TESTNET)


def test_a_bot_that_was_handed_over_goes_on_recovering_and_one_that_is_started_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: FuturesRest, *about: Any) -> Any:
        if asyncio.get_running_loop().time() < back[0]:
            raise RetryLater("Service Unavailable.")
        return await asks(self, *about)

    async def story(scene: Scene) -> None:
        back[0] = asyncio.get_running_loop().time() + 600.0
        await scene.start()
        ended = await scene.gone(300.0)
        assert (ended.exit_code, "recovery failed" in ended.text) == (1, True)
        scene.in_force = InForce(None, "")
        await scene.start()
        await scene.until(lambda picture: picture.state == "running", "it trades", 900.0)
        assert asyncio.get_running_loop().time() >= back[0]
        await scene.leave()

    back = [0.0]
    asks = FuturesRest.open_orders
    monkeypatch.setattr(FuturesRest, "open_orders", away)
    live_through(story, tmp_path, mode=Mode.TESTNET)


def test_requests_that_come_too_late_are_sent_again_and_a_later_start_may_succeed() -> None:
    late = ClockOff("Timestamp for this request is outside of the recvWindow.", -1021)
    said, over = tried(10.0, each_takes=0.0, error=late)
    assert (len(said) > 1, over) == (True, 10.0)
    assert _refusal(late, "host").exit_code == 1, "what ends with 2 is not started again by systemd"


def test_the_doctor_says_the_dearest_fees_and_what_bnb_saves_of_all() -> None:
    dear, cheap = (Decimal("0.0002"), Decimal("0.00050"), Decimal("0.10")), (Decimal(0), Decimal("0.0004"))
    assert fees_in_words([FeeRates(*dear), FeeRates(*cheap)]) == "fees 0.02 % maker and 0.05 % taker"
    assert fees_in_words([FeeRates(*dear)]).endswith("taker, 10 % less while there is BNB to pay them")
