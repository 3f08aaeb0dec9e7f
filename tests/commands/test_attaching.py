"""What stands at the prompt once the screen of a bot in another process was left."""

import pytest
from msgspec import Struct

from gridbot_tui.commands import attach as command
from gridbot_tui.commands import talk
from gridbot_tui.commands.options import Where


class Left(Struct, frozen=True):
    how: str
    code: int = 0


@pytest.mark.parametrize(
    ("how", "said"),
    [("detached", "trading goes on"), ("unheard", "whether it trades is unknown"), ("over", "the bot has ended")],
)
def test_trading_is_said_to_go_on_only_where_the_bot_was_heard(
    how: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "objection", lambda: "")
    monkeypatch.setattr(talk, "running", lambda where: None)
    command.attach(Where(), lambda door: Left(how), read_only=False)
    assert said in capsys.readouterr().err
