"""What the tests of compiled code share."""

import os

import pytest

from tests.research.screen_shared import Agreements, Shared


@pytest.fixture(scope="session")
def agreement(tmp_path_factory: pytest.TempPathFactory) -> Agreements:
    """What engine and screen make of a market: played once, by whichever process of the suite asks first."""
    base = tmp_path_factory.getbasetemp()
    return Shared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base).agreement
