"""A resting stop that fires and executes nothing, or is ended by the exchange: what it was to close is covered anew."""

from pathlib import Path

import pytest

from tests.service.wire_scene import Scene, live_through

SETS = {"service.reconcile_s": "10"}


async def held(scene: Scene) -> None:
    """A position of the bot's, and the stop that covers it."""
    await scene.start()
    await scene.trading()
    scene.carry(0.985)
    await scene.agreed(entries=False)
    assert scene.holds()


def becomes(scene: Scene, status: str, *, fired: bool) -> None:
    """The stop is told to be so, and listed no more; no plain order comes of it."""
    service, now = scene.served.account.algo, scene.served.now()
    assert service is not None
    (stop,) = service.open.values()
    stop.status, stop.updated_at = status, now
    stop.triggered_at = now if fired else 0
    service._leave(stop)
    service._tell(stop)
    scene.served.app.place.flush(scene.served.account)


@pytest.mark.parametrize("told", [True, False])
def test_one_that_fires_and_no_order_comes_of_it_keeps_no_stop_of_the_bot_open(told: bool, tmp_path: Path) -> None:
    """As Binance's demo environment leaves some: triggering for ever, listed nowhere, and not to be cancelled."""

    async def story(scene: Scene) -> None:
        await held(scene)
        if not told:
            scene.served.faults({"kind": "drop", "on": "ALGO_UPDATE", "times": 1})
        becomes(scene, "TRIGGERING", fired=True)
        await scene.until(lambda _: not scene.holds(), "the bot closes by itself what the stop did not")
        result = await scene.stop()
        assert (result.exit_code, scene.contradictions()) == (0, []), result.text

    live_through(story, tmp_path, sets=SETS)


@pytest.mark.parametrize("fired", [True, False])
def test_one_that_the_exchange_rejects_after_it_was_taken_is_not_believed_to_stand(fired: bool, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await held(scene)
        becomes(scene, "REJECTED", fired=fired)
        if fired:
            await scene.until(lambda _: not scene.holds(), "latched and closed")
            assert scene.saw("stop_triggered")
        else:
            await scene.until(lambda _: bool(scene.stops()), "another one covers the position", 5.0)
            assert scene.holds()
        assert not scene.saw("contradiction")
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path, sets=SETS)
