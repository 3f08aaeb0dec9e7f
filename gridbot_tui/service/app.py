"""One run from beginning to end: assemble, lock, open, recover, trade, shut down, report.

``run`` is a coroutine that owns everything it starts; ``run_headless`` is it with a loop of its own. An
embedded UI runs the same coroutine in a thread and talks to the same ``Session``.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

from gridbot_tui.service.assemble import EXIT_REFUSED, Plan, RunRefused, open_profile, understand
from gridbot_tui.service.beside.alert_watch import NotStarted
from gridbot_tui.service.beside.alerting import Alerting
from gridbot_tui.service.books.lock import LockHeld, ProfileLock
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.service.parts import Parts, Ready, Watch
from gridbot_tui.service.signals import Start, take_signals
from gridbot_tui.store.errors import StoreError, StoreUnusable

AGAIN_S = 10.0
"""Pause before a start is tried again; as much as the unit in docs/SETUP.md has systemd wait."""
AS_IT_STARTED = "as it started: no order was sent or cancelled, and what is held is as it was"


def run_headless(options: RunOptions, watch: Watch | None = None, watch_every_s: float = 5.0) -> RunResult:
    """Run to the end without a terminal; ``watch`` gets a snapshot now and then."""
    return asyncio.run(run(options, watch=watch, watch_every_s=watch_every_s, own_signals=True))


async def run(
    options: RunOptions,
    *,
    watch: Watch | None = None,
    watch_every_s: float = 5.0,
    on_ready: Ready | None = None,
    own_signals: bool = False,
    screen: bool = False,
    start: Start | None = None,
) -> RunResult:
    """Run to the end. What the operator got wrong is a result with a sentence, never an exception."""
    start = Start() if start is None else start
    start.enter()
    if own_signals:
        take_signals(asyncio.get_running_loop(), start.give_up)
    try:
        plan = understand(options)
        with open_profile(plan) as profile, _locked(profile):
            parts: Parts | None = None
            result = RunResult(0, None)
            while True:
                try:
                    if parts is None:
                        following: Parts | None = await _parts(plan, profile, start, screen=screen)
                    else:
                        following = await parts.next_run()
                except (RunRefused, StoreError) as refused:
                    if own_signals and not sys.stdin.isatty():
                        await _tell_refusal(plan, profile, str(refused))  # nobody sits before it
                    if parts is None and _tries_again(options, refused):
                        await asyncio.sleep(AGAIN_S)
                        continue
                    raise
                if following is None:
                    return result
                parts = following
                if own_signals:
                    start.obeyed_by(parts.signalled)
                result = await parts.run(watch, watch_every_s, on_ready)
    except asyncio.CancelledError:
        if not start.given_up:
            raise
        return RunResult(128 + signal.Signals[start.given_up], None, f"ended by {start.given_up} {AS_IT_STARTED}")
    except RunRefused as refused:
        return RunResult(refused.exit_code, None, str(refused))
    except LockHeld as held:
        return RunResult(EXIT_REFUSED, None, str(held))
    except StoreUnusable as unusable:
        return RunResult(EXIT_REFUSED, None, str(unusable))
    except StoreError as unavailable:
        return RunResult(1, None, str(unavailable))


def _tries_again(options: RunOptions, refused: Exception) -> bool:
    """Whether a start is tried again that may well succeed, as systemd would: of a bot that was handed over, and
    that nobody else starts again."""
    return options.in_force is not None and isinstance(refused, RunRefused) and refused.exit_code == 1


async def _parts(plan: Plan, profile: Profile, start: Start, *, screen: bool) -> Parts:
    """What the mode needs; the other kind of run is not even imported."""
    if plan.mode.virtual:
        from gridbot_tui.service.virtual import VirtualParts

        await asyncio.sleep(0)  # a start that is to be given up by now opens nothing
        start.begins()
        return VirtualParts(plan, profile, screen=screen)
    from gridbot_tui.service.real import on_stderr, open_real

    say = start.waits if screen else on_stderr
    return await open_real(plan, profile, screen=screen, begins=start.begins, say=say)


async def _tell_refusal(plan: Plan, profile: Profile, text: str) -> None:
    """A bot that does not start again may leave a position behind: somebody ought to know."""
    params = plan.loaded.settings.alerts
    if plan.mode not in params.modes:
        return
    watched = NotStarted()
    alerting = Alerting(params, profile, watched)
    async with alerting.awake():
        await alerting.last_words(watched.refusal(text))


@contextlib.contextmanager
def _locked(profile: Profile) -> Iterator[None]:
    with ProfileLock.acquire(profile.lock, profile.name):
        yield
