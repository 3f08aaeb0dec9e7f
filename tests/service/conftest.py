from pathlib import Path

import pytest

from tests.service.living import live_once, options


@pytest.fixture(scope="session")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sim profile that has lived through its past. Not to be touched: copy it."""
    home = tmp_path_factory.mktemp("warmed")
    live_once(options(home), lambda _: None)
    return home
