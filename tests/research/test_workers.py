"""What becomes of workers whose parent is killed."""

import subprocess
import sys
import time

import pytest

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
        assert time.monotonic() - began < 10
