"""What a run is started with, after the command line has been understood."""

from pathlib import Path

from msgspec import Struct

from gridbot_tui.units import Market, Mode


class InForce(Struct, frozen=True):
    """The config that a bot was trading by when another process took it over."""

    path: str | None
    """Its file, which may hold an edit by now: that is one like any made under a running bot. None: there was none."""
    text: str


class RunOptions(Struct, frozen=True):
    """One run of the bot. Paths are as given by the operator; None means: from the config or the default."""

    config: Path | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    """``--set section.key=value`` pairs, strongest source of the config."""
    mode: Mode | None = None
    market: Market | None = None
    home: Path | None = None
    profile: str | None = None
    data: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    interval: str | None = None
    speed: str | None = None
    """A number (multiple of real time) or ``max``."""
    resume: bool = False
    read_only: bool = False
    json: bool = False
    yes_live: bool = False
    """Real money was said yes to: on the command line together with the environment, or typed."""
    in_force: InForce | None = None
    """What to begin with in place of what the config's file holds."""


class RunResult(Struct, frozen=True):
    """How a run ended."""

    exit_code: int
    status: dict[str, object] | None
    """The ``status`` document at the end; None where the bot never started."""
    text: str = ""
    """One sentence for the operator."""
