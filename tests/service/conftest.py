import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gridbot_tui.service.operator.control_server import ControlServer
from tests.control.fake_bot import FakeBot
from tests.control.scene import FAST
from tests.service.living import copied, live_once, options


@pytest.fixture(scope="session")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sim profile that has lived through its past. Not to be touched: copy it."""
    home = tmp_path_factory.mktemp("warmed")
    live_once(options(home), lambda _: None)
    return home


@pytest.fixture
def home(warmed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copied(warmed, tmp_path / "home")


# The control socket, with a bot behind it that does nothing but answer.


@pytest.fixture
def path() -> Iterator[Path]:
    """Of a socket: short enough for one."""
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        yield Path(folder) / "control.sock"


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
async def server(bot: FakeBot, path: Path) -> AsyncIterator[ControlServer]:
    async with ControlServer(bot, path, limits=FAST) as one:
        yield one
