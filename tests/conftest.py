"""For every test: how long an example of hypothesis takes is the machine's load, and no failure.

Where nothing is compiled yet, as in a fresh clone, pytest compiles each file of tests with the words of its assertions,
which takes longer than all else of collecting. Each worker of several begins with other files, and finds those of the
others compiled when it comes to them.

The collector of garbage would walk through the thousands of collected tests again and again, nearly half of the time of
collecting them: nothing is looked at meanwhile, and they are left alone from then on. ``gc.collect()`` in a test finds
what that test made, as ever. A bot that runs for real in a test has them looked at again: after it they are left
alone anew. At its end pytest collects five times for what nobody awaited: once is enough here.
"""

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gridbot_tui.ops.redact import forget_secrets

settings.register_profile("gridbot", deadline=None, max_examples=60)
settings.load_profile("gridbot")
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    worker: dict[str, str] = getattr(config, "workerinput", {})
    if not worker or config.args != config.getini("testpaths"):
        return
    files = sorted(str(path.relative_to(config.rootpath)) for path in Path(__file__).parent.rglob("test_*.py"))
    begin = len(files) * int(worker["workerid"].removeprefix("gw")) // int(worker["workercount"])
    config.args[:] = files[begin:] + files[:begin]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker compiles the back-test first, which takes a minute; what needs it comes last, and finds it there."""
    items.sort(key=lambda item: (_turn(item), item.path))


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("compiles") is not None:
        return 0
    return 2 if item.get_closest_marker("compiled") is not None else 1


_searches = 0
"""How often everything had been looked through when the last test ended."""


def pytest_runtest_teardown() -> None:
    """What one test has had hidden is hidden from no other, in whatever order they come."""
    global _searches
    forget_secrets()
    before, _searches = _searches, gc.get_stats()[2]["collections"]
    if _searches > before and not gc.get_freeze_count():  # to count walks through all of it: not after every test
        gc.freeze()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(24_000, 50, 20)
    gc.enable()


def pytest_sessionfinish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for sockets, whose paths the system bounds to a hundred bytes; a machine's own temporary folder, and
    with it ``tmp_path``, may be longer."""
    with tempfile.TemporaryDirectory(prefix="gb", dir="/tmp") as folder:
        yield Path(folder)
