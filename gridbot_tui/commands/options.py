"""Options that every command shares. They may stand before or after its name."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", metavar="DIR", help="Folder of the profiles (default: GRIDBOT_HOME, else the user's state folder)."
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", metavar="P", help="Profile to talk to (default: the only one running)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
SymbolOption = Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol (default: all).")]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="S", min=0.1, max=86_400.0, help="Seconds to wait for the outcome.")
]


class Where(Struct, frozen=True):
    """Which bot, and how to print."""

    home: Path | None = None
    profile: str | None = None
    json: bool = False
    config: Path | None = None
    overrides: tuple[tuple[str, str], ...] = ()


def where(ctx: typer.Context, home: Path | None = None, profile: str | None = None, json: bool = False) -> Where:
    """A command's own options over those given before its name."""
    root = ctx.find_object(Where) or Where()
    return Where(
        home=home if home is not None else root.home,
        profile=profile if profile is not None else root.profile,
        json=json or root.json,
        config=root.config,
        overrides=root.overrides,
    )
