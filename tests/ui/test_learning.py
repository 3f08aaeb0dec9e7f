"""Learning: the timeline, the evidence, and steering it with a confirmation."""

import pytest
from msgspec.structs import replace

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ui.dialogs.dialog import Answer
from gridbot_tui.ui.dialogs.learning import LearningDialog
from gridbot_tui.units import DAY
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, pane_text, press, screen_text, settled, shown


def learned(**other: object) -> Snapshot:
    return replace(fixtures.normal(), learning=replace(fixtures.learning(), **other))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_weights_prior_shadow_evidence_and_versions_are_shown(size: tuple[int, int]) -> None:
    app = an_app(fixtures.normal())
    async with shown(app, size) as pilot:
        await press(pilot, "L")
        weights = pane_text(app, "WeightsPane")
        for part in ("▲ UP", "0.310", "0.300", "+0.010", "+2.10 %", "since 22 Oct"):
            assert part in weights
        evidence = pane_text(app, "EvidencePane")
        for part in ("● LEARNING", "trust      0.18", "against    0.62", "30 days"):
            assert part in evidence
        assert "› " in pane_text(app, "VersionsPane")
        assert "20 Nov 14:03" in pane_text(app, "VersionsPane")


async def test_frozen_and_fallen_back_are_words() -> None:
    app = an_app(learned(frozen=True))
    async with shown(app) as pilot:
        await press(pilot, "L")
        assert "○ FROZEN" in pane_text(app, "EvidencePane")
        app.picture.receive(learned(fallback_until=fixtures.NOW + 9 * DAY, evidence=23.5))
        await settled(pilot)
        text = pane_text(app, "EvidencePane")
        assert "▼ FALLEN BACK" in text
        assert "on the prior until 30 Nov" in text


async def test_before_the_first_day_nothing_is_invented() -> None:
    app = an_app(learned(history=(), changes=(), days=0))
    async with shown(app) as pilot:
        await press(pilot, "L", "B")
        assert "no day was learned from yet" in pane_text(app, "WeightsPane")
        assert "the prior decides" in pane_text(app, "VersionsPane")
        assert not isinstance(app.screen, LearningDialog)


@pytest.mark.parametrize(
    ("frozen", "keys", "said", "order"),
    [
        (False, ("F",), "the weights stay as they are", {"action": "freeze"}),
        (True, ("F",), "may move again", {"action": "thaw"}),
        (False, ("Z",), "what 30 days taught", {"action": "reset"}),
        (False, ("down", "B"), "the versions after it stay listed", {"action": "rollback", "version": "1"}),
    ],
)
async def test_each_step_shows_the_weights_before_and_after_and_asks(
    frozen: bool, keys: tuple[str, ...], said: str, order: dict[str, str]
) -> None:
    app = an_app(learned(frozen=frozen))
    async with shown(app, (80, 24)) as pilot:
        link_of(app).answer = CommandOutcome("1", True, "weights are UP 0.300")
        await press(pilot, "L", *keys)
        text = screen_text(app)
        assert said in " ".join(text.replace("│", " ").split())
        assert "UP       0.310 → " in text
        assert isinstance(app.focused, Answer)
        assert app.focused.value == ""
        await press(pilot, "tab", "enter")
        assert link_of(app).orders == [("learning", order)]
        assert "weights are UP 0.300" in app.picture.notes[-1].text


@pytest.mark.parametrize("key", ["F", "Z", "B"])
async def test_cancel_is_the_first_answer(key: str) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "L", "down", key, "enter")
        assert link_of(app).orders == []


async def test_the_version_in_force_is_not_rolled_back_to() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "L", "B")
        assert not isinstance(app.screen, LearningDialog)


async def test_weights_that_moved_under_the_dialog_want_a_second_look() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("L", "Z", "tab")
        app.picture.receive(learned(version=5))
        await press(pilot, "enter")
        assert link_of(app).orders == []
        assert "it has changed" in screen_text(app)


@pytest.mark.parametrize("key", ["F", "Z", "B"])
async def test_read_only_steers_nothing(key: str) -> None:
    app = an_app(fixtures.normal(), read_only=True)
    async with shown(app) as pilot:
        await press(pilot, "L", "down", key)
        assert not isinstance(app.screen, LearningDialog)


async def test_numbers_go_to_the_panes() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("L")
        for key, name in (("1", "WeightsPane"), ("2", "EvidencePane"), ("3", "VersionsPane")):
            await press(pilot, key)
            assert type(app.focused).__name__ == name
