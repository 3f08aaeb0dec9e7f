"""For every test: how long an example of hypothesis takes is the machine's load, and no failure.

The collector of garbage would walk through the thousands of collected tests again and again, nearly half of the time of
collecting them: nothing is looked at meanwhile, and they are left alone from then on. ``gc.collect()`` in a test finds
what that test made, as ever.
"""

import gc

import pytest
from hypothesis import settings

settings.register_profile("gridbot", deadline=None)
settings.load_profile("gridbot")
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """While one worker compiles the back-test, which takes most of a minute, the other has something else to do."""
    items.sort(key=lambda item: item.get_closest_marker("compiled") is not None)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
