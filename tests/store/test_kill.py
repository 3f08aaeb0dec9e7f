"""A process that is killed at any moment keeps all it had acknowledged, and nothing by halves."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store import making as m

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from tests.store import making as m
store = m.store(Path(sys.argv[1]))
number = store.last_seq
while True:
    last = store.append([m.intent(number), m.fill(number), m.cash(number)], state=str(number).encode() * 2000)
    print(last, flush=True)
    number += 1000
"""


@pytest.mark.parametrize("attempt", range(3))
def test_what_was_acknowledged_before_a_kill_is_there_afterwards(tmp_path: Path, attempt: int) -> None:
    acknowledged = 0
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        ) as process:
            assert process.stdout is not None
            acknowledged = int(process.stdout.readline())
            time.sleep(random.Random(attempt).uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:
                if line.endswith("\n"):
                    acknowledged = int(line)
        store = m.store(tmp_path)
        assert not store.was_clean
        assert store.last_seq >= acknowledged
        assert store.last_seq % 3 == 0
        facts = store.facts_after(0)
        assert len(facts) == store.last_seq
        restored = store.load()
        assert restored is not None
        assert restored.states[0].seq == store.last_seq
        assert sum(1 for _ in store.each_fill()) == sum(1 for _ in store.each_cash()) == store.last_seq // 3
        store.check()
        store.close()
