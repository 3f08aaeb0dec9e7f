import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbot_tui.service.books import profile as profiles
from gridbot_tui.service.books.profile import Profile
from tests.commands.calling import Cli, caller
from tests.control.fake_bot import FakeBot, Running, running


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        yield Path(folder)


@pytest.fixture
def profile(home: Path) -> Profile:
    return profiles.named(home, "sim-futures-main-usdt").create()


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys, "--home", str(home))


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def live(profile: Profile, bot: FakeBot) -> Iterator[Running]:
    """The fake bot, running on the profile."""
    with running(profile, bot) as one:
        yield one
