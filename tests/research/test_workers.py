"""What becomes of workers whose parent is killed, and of a parent whose worker is."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gridbot_tui.research.ring import RingFailed
from gridbot_tui.research.workers import side_by_side

POOL = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import time
from gridbot_tui.research.workers import hired
with ProcessPoolExecutor(2, mp_context=get_context("fork"), initializer=hired) as pool:
    runs = [pool.submit(time.sleep, seconds) for seconds in (0.01, 0.01, 60, 60)]
    runs[0].result(), runs[1].result()
    print("at work", flush=True)
    runs[2].result()
"""
PROCESS = """
from multiprocessing import get_context
import time
from gridbot_tui.research.workers import hired
def work():
    hired()
    print("at work", flush=True)
    time.sleep(60)
one = get_context("fork").Process(target=work, daemon=True)
one.start()
one.join()
"""


@pytest.mark.parametrize("program", [POOL, PROCESS])
def test_workers_end_soon_after_a_parent_that_is_killed(program: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "at work\n"
        parent.kill()
        began = time.monotonic()
        parent.stdout.read()  # every worker holds the other end
        assert time.monotonic() - began < 40, "they sleep for 60 seconds"


def _doubled(value: int) -> int:
    if value < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * value


def test_results_of_workers_come_as_they_are_ready() -> None:
    assert sorted(side_by_side(_doubled, range(7), 3)) == [0, 2, 4, 6, 8, 10, 12]


def test_no_jobs_have_no_results() -> None:
    assert list(side_by_side(_doubled, (), 2)) == []


def test_a_worker_that_is_killed_is_not_waited_for() -> None:
    with pytest.raises(RingFailed, match="ended from outside, as happens where memory runs out"):
        list(side_by_side(_doubled, (1, 2, -1, 3), 2))
