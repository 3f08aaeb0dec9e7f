import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbot_tui.units import Market
from tests.e2e.served import RICH, SYMBOL, at_home
from tests.exchange_server.serving import Served, serving
from tests.service.living import copied, live_once, options


@pytest.fixture(scope="session")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sim profile that has lived through its past. Not to be touched: copy it."""
    home = tmp_path_factory.mktemp("warmed")
    live_once(options(home), lambda bot: bot.days(1))
    return home


@pytest.fixture
def home(warmed: Path) -> Iterator[Path]:
    """A copy of it, under a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        yield copied(warmed, Path(folder) / "h")


@pytest.fixture
def bare_home() -> Iterator[Path]:
    """A home in which nothing is yet, under a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        yield Path(folder)


@pytest.fixture
def served() -> Iterator[Served]:
    """An exchange on futures with one rich account, its market where its own candles end."""
    with serving(Market.FUTURES, symbols=(SYMBOL,), accounts=(RICH,)) as exchange:
        at_home(exchange)
        yield exchange
