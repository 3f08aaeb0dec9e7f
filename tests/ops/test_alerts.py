"""Which alarms are sent, when, and how often at most: decided in virtual time."""

import random

import pytest

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.engine.blockers import Blocker
from gridbot_tui.ops.alarms import KINDS, LEVELS, OF_BLOCKER, ROUTINE
from gridbot_tui.ops.alerts import MOST_LINES, Line, Message, Remembered, Watch
from gridbot_tui.ops.params import AlertParams
from gridbot_tui.ops.redact import forget_secrets, register_secret
from gridbot_tui.service.venues.shut_requests import REQUESTS_SHUT
from tests.docs.test_runbook import held

MINUTE = 60.0
START = 1_800_000_000_000


class Scene:
    """A watch, a clock, and what holds."""

    def __init__(self, **params: object) -> None:
        self.watch = Watch(AlertParams.model_validate(params), "live-futures-main-usdt")
        self.clock = 0.0
        self.standing: dict[tuple[str, str], Blocker] = {}

    @property
    def at(self) -> int:
        return START + int(self.clock * 1000)

    def hold(self, code: str, symbol: str = "", detail: str = "because") -> None:
        self.standing.setdefault((code, symbol), Blocker(code, symbol, self.at, detail, "when it is over"))

    def end(self, code: str, symbol: str = "") -> None:
        del self.standing[code, symbol]

    def say(self, code: str, level: str = "warning", text: str = "it happened", symbol: str = "") -> None:
        self.watch.hear(EventView(self.at, level, code, symbol, text), self.clock)

    def look(self) -> Message | None:
        return self.watch.look(list(self.standing.values()), self.at, self.clock)

    def after(self, seconds: float, every: float = 1.0) -> list[Message]:
        """A look a second, or so; what was sent."""
        found = []
        until = self.clock + seconds
        while self.clock < until:
            self.clock += every
            message = self.look()
            if message is not None:
                found.append(message)
        return found


def test_an_alarm_is_told_at_once_with_all_that_began_with_it_and_once_when_it_is_over() -> None:
    scene = Scene()
    scene.hold("tier3", detail="drawdown 15.2 %")
    scene.hold("unprotected", "BTCUSDT", "no stop rests")
    message = scene.look()
    assert message is not None
    assert message.level == "error"
    assert message.title == "gridbot live-futures-main-usdt: halt, unprotected"
    assert message.body.splitlines() == [
        "ERROR halt (tier3): drawdown 15.2 %; clears when it is over",
        "ERROR BTCUSDT unprotected: no stop rests; clears when it is over",
    ]
    assert scene.after(20 * MINUTE) == [], "what goes on is not told every minute"
    scene.end("tier3")
    (over,) = scene.after(5)
    assert over.level == "info"
    assert over.body == "OVER halt (tier3): after 20 min: drawdown 15.2 %"
    quiet = Scene(resolved=False)
    quiet.hold("tier3")
    assert len(quiet.after(5)) == 1
    quiet.end("tier3")
    assert quiet.after(5) == []


def test_a_margin_call_wakes_somebody_and_another_hand_at_the_settings_is_told() -> None:
    scene = Scene()
    scene.say("margin_call", "error", "the exchange sent a margin call")
    scene.say("settings_changed", "warning", "the account is in hedge mode")
    (message,) = scene.after(2)
    assert message.level == "error"
    assert message.title == "gridbot live-futures-main-usdt: liquidation, foreign"


def test_what_goes_on_is_told_again_after_hours_or_never() -> None:
    scene, silent = Scene(repeat_minutes=240), Scene(repeat_minutes=0)
    for one in (scene, silent):
        one.hold("kill")
        assert one.look() is not None
    told = scene.after(9 * 3600, every=30)
    assert len(told) == 2
    assert "still, since 2027-01-15 08:00 UTC" in told[0].body
    assert silent.after(9 * 3600, every=30) == []


def test_what_often_mends_itself_is_an_alarm_only_when_it_lasts() -> None:
    scene = Scene(disconnected_s=60)
    scene.hold("link_down")
    assert scene.after(50) == []
    scene.end("link_down")
    assert scene.after(300) == []
    scene.hold("link_down")
    (told,) = scene.after(90)
    assert "disconnected (link_down)" in told.body


def test_an_alarm_that_nobody_wants_any_more_is_not_told_to_be_over() -> None:
    scene = Scene()
    scene.hold("kill")
    assert len(scene.after(2)) == 1
    scene.watch.params = AlertParams.model_validate({"mute": ["kill"]})
    assert scene.after(5) == []
    scene.watch.params = AlertParams()
    (again,) = scene.after(20 * MINUTE)
    assert "ERROR kill: again" in again.body


def test_an_alarm_that_flaps_is_counted_and_told_once_more_if_it_then_still_holds() -> None:
    scene = Scene(quiet_minutes=10, resolved=True)
    sent = []
    for _ in range(8):
        scene.hold("liquidation_near", "ETHUSDT")
        sent += scene.after(20)
        scene.end("liquidation_near", "ETHUSDT")
        sent += scene.after(20)
    assert len(sent) == 2, "its beginning and its first end"
    scene.hold("liquidation_near", "ETHUSDT")
    (again,) = scene.after(8 * MINUTE)
    assert "again (8 times)" in again.body
    assert scene.watch.held_back == 8


def test_events_are_told_and_those_that_repeat_are_counted_into_one() -> None:
    scene = Scene(quiet_minutes=10)
    scene.say("foreign_order", text="order 1", symbol="BTCUSDT")
    (first,) = scene.after(2)
    assert "BTCUSDT foreign: order 1" in first.body
    for number in range(2, 30):
        scene.say("foreign_order", text=f"order {number}", symbol="BTCUSDT")
        assert scene.after(5) == []
    (more,) = scene.after(10 * MINUTE)
    assert "28 times more, the last: order 29" in more.body
    scene.say("fill", "error", "sell 1 forced by the exchange: liquidation", "BTCUSDT")
    (forced,) = scene.after(2)
    assert forced.level == "error"
    scene.say("fill", "info", "an ordinary fill")
    scene.say("audit", "info", "the audit trail takes lines again")
    assert scene.after(60) == []


def test_level_and_mute_choose_what_is_sent() -> None:
    grave = Scene(level="error")
    grave.hold("tier1")
    grave.say("started", "info")
    assert grave.after(5) == []
    grave.hold("kill")
    assert len(grave.after(5)) == 1
    muted = Scene(mute=["kill"], level="info")
    muted.hold("kill")
    assert muted.after(5) == []
    muted.say("stopped", "info", "0 orders left")
    assert len(muted.after(5)) == 1


def test_an_hour_has_room_for_so_many_messages_and_the_last_quarter_is_for_errors() -> None:
    scene = Scene(per_hour=8, quiet_minutes=0, resolved=False)
    sent = 0
    for number in range(40):
        scene.say("foreign_order", text=f"order {number}", symbol=f"S{number}USDT")
        sent += len(scene.after(10))
    assert sent == 6
    scene.hold("kill")
    (grave,) = scene.after(2)
    assert grave.body.startswith("ERROR kill")
    assert "and 15 more" in grave.body, "what did not fit has waited, and what is not shown is counted"
    assert len(grave.body) < 9_000


def test_nothing_that_waits_grows_without_end_and_the_gravest_stays() -> None:
    scene = Scene(per_hour=4, quiet_minutes=0, resolved=False)
    for number in range(4):
        scene.hold("kill", f"K{number}USDT")
        scene.after(1)
    scene.hold("stop_triggered", "BTCUSDT", "fired")
    for number in range(3 * MOST_LINES):
        scene.say("foreign_order", text=f"order {number}", symbol=f"S{number}USDT")
        scene.after(1)
    (message,) = scene.after(3600, every=10)[:1]
    assert message.body.startswith("ERROR BTCUSDT stopped_out (stop_triggered): fired")
    assert f"and {3 * MOST_LINES + 1 - 20} more" in message.body


def test_nor_does_what_one_run_hands_on_to_the_next() -> None:
    waiting = Remembered((), (), tuple(Line("warning", "x", str(number), number) for number in range(MOST_LINES)))
    watch = Watch(AlertParams(), "bot")
    watch.recall(waiting, 1.0, 0.0)
    watch.recall(waiting, 1.0, 0.0)
    assert len(watch.memory(0.0).lines) == MOST_LINES


def test_no_secret_is_in_a_message() -> None:
    register_secret("hunter2hunter2")
    try:
        scene = Scene()
        scene.hold("circuit_open", "BTCUSDT", "refused: key hunter2hunter2 may not trade, signature=abcdef1234567890")
        message = scene.look()
    finally:
        forget_secrets()
    assert message is not None
    assert "hunter2" not in message.body
    assert "abcdef12" not in message.body


def test_every_blocker_is_an_alarm_or_known_to_be_routine() -> None:
    assert OF_BLOCKER.keys() | ROUTINE == held() | {REQUESTS_SHUT}
    assert not OF_BLOCKER.keys() & ROUTINE
    assert {kind.level for kind in KINDS} == set(LEVELS)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_an_alarm_that_lasts_is_told_within_the_quiet_time(seed: int) -> None:
    """Random trouble: a code that has held for quiet time + a look, with room in the hour, has been told."""
    rng = random.Random(seed)
    scene = Scene(quiet_minutes=rng.choice([0, 1, 10]), per_hour=600, disconnected_s=rng.choice([0, 30]))
    codes = [(code, symbol) for code in sorted(OF_BLOCKER) for symbol in ("", "BTCUSDT", "ETHUSDT")]
    for _ in range(80):
        key = rng.choice(codes)
        if key in scene.standing:
            scene.end(*key)
        else:
            scene.hold(*key)
        scene.after(rng.choice([1, 3, 20]))
    told = "\n".join(message.body for message in scene.after(11 * MINUTE))
    for key, blocker in scene.standing.items():
        known = scene.watch._told[key]
        assert known.open
        assert known.times == 0, f"{key} holds since {scene.at - blocker.since} ms and was only counted: {told}"


def test_what_is_over_is_forgotten() -> None:
    scene = Scene()
    for number in range(100):
        scene.hold("circuit_open", f"S{number}USDT")
        scene.say("foreign_order", symbol=f"S{number}USDT")
        scene.after(2)
        scene.end("circuit_open", f"S{number}USDT")
    scene.after(2 * 3600, every=60)
    assert len(scene.watch._told) == 0
