"""``gridbot config``: check, show and compare configs; the schema for editors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridbot_tui.commands import in_force, output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, Where, where

if TYPE_CHECKING:
    from gridbot_tui.settings.load import Loaded
    from gridbot_tui.settings.model import Settings

app = typer.Typer(
    help="Check, show and compare configs; the schema for editors.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="Config file (default: that of --config, else the profile's own)."),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key over the file; repeatable.")
]


@app.command()
def check(
    ctx: typer.Context,
    file: FileArgument = None,
    set_: SetOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether a config holds, with file and line of everything that does not.

    Example: gridbot config check config.toml
    """
    from gridbot_tui.settings.problems import ConfigError

    at = where(ctx, home, profile, json)
    try:
        path = _file(at, file, set_)
        _load(at, path, set_)
    except ConfigError as error:
        if not at.json:
            raise CommandFailed(str(error), Exit.USAGE) from error
        found = [{"where": one.where, "key": one.key, "text": one.text} for one in error.problems]
        output.document({"path": _name(path), "ok": False, "problems": found})
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        raise CommandFailed(f"{count} in the config", Exit.USAGE) from error
    if at.json:
        output.document({"path": _name(path), "ok": True, "problems": []})
    else:
        what = "the defaults hold" if path is None else f"{path} holds"
        print(f"{what}, with what the environment says", flush=True)


@app.command()
def show(
    ctx: typer.Context,
    file: FileArgument = None,
    set_: SetOption = None,
    changed: bool = typer.Option(False, "--changed", help="Only keys that differ from their default."),
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show every key in effect and where its value comes from: of a file, else of the running bot, else of the
    profile's own file.

    Example: gridbot config show --changed
    """
    from gridbot_tui.settings import show as shown

    at = where(ctx, home, profile, json)
    with _explained():
        bot = None if file or at.config or set_ else in_force.running(at)
        if bot is not None:
            loaded = in_force.under(bot, bot.config_text)
        else:
            loaded = _load(at, _file(at, file, set_), set_)
    if at.json:
        output.document(shown.document(loaded))
    else:
        print(shown.render(loaded, only_changed=changed), end="", flush=True)


@app.command()
def diff(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Config file to look at (default: that of --config).")
    ] = None,
    against: Path | None = typer.Option(
        None, "--against", metavar="OTHER", help="Compare with this file (default: the running bot's config)."
    ),
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a config would change, and when: against the running bot, else against the defaults.

    Example: gridbot config diff new.toml --against config.toml
    """
    from gridbot_tui.settings import show as shown
    from gridbot_tui.settings.diff import diff as compare

    at = where(ctx, home, profile, json)
    path = file if file is not None else at.config
    if path is None:
        raise CommandFailed("name the config file to compare: gridbot config diff FILE", Exit.USAGE)
    with _explained():
        base, new, name = _both(at, path, against)
        changes = compare(base.settings, new.settings)
    if at.json:
        rows = [
            {"key": one.path, "old": shown.plain(one.old), "new": shown.plain(one.new), "applies": one.applies.value}
            for one in changes
        ]
        output.document({"against": name, "changes": rows})
    else:
        lines = [str(change) for change in changes] or [f"no key differs from {name}"]
        print("\n".join(lines), flush=True)


@app.command()
def schema() -> None:
    """Print the JSON schema of the config file, for editors that check TOML.

    Example: gridbot config schema > gridbot.schema.json
    """
    from gridbot_tui.settings.schema import json_schema

    output.document(json_schema())


def _both(at: Where, path: Path, against: Path | None) -> "tuple[Loaded[Settings], Loaded[Settings], str]":
    """What ``path`` is compared with, ``path`` itself, and what to call the first."""
    from gridbot_tui.settings.load import read

    bot = None if against else in_force.running(at)
    if bot is None:
        return _load(at, against, None), _load(at, path, None), str(against) if against else "the defaults"
    # As the bot would read it: what its environment and command line say goes on to count.
    name = f"{bot.profile}, config {bot.config_version}"
    return in_force.under(bot, bot.config_text), in_force.under(bot, read(path), path), name


def _file(at: Where, file: Path | None, pairs: list[str] | None) -> Path | None:
    """The file that is meant: the named one, else what a start without a name takes; None where that takes none."""
    if file is not None or at.config is not None:
        return file or at.config
    from gridbot_tui.service.assemble import RunRefused, own_file
    from gridbot_tui.service.options import RunOptions

    try:
        return own_file(RunOptions(home=at.home, profile=at.profile, overrides=_pairs(at, pairs)))
    except RunRefused as error:
        raise CommandFailed(str(error), Exit.USAGE) from error


def _load(at: Where, path: Path | None, pairs: list[str] | None) -> "Loaded[Settings]":
    from gridbot_tui.settings.load import load

    return load(path, os.environ, _pairs(at, pairs))


def _pairs(at: Where, pairs: list[str] | None) -> tuple[tuple[str, str], ...]:
    from gridbot_tui.settings.load import pair

    return (*at.overrides, *(pair(text) for text in pairs or []))


@contextmanager
def _explained() -> Iterator[None]:
    from gridbot_tui.settings.problems import ConfigError

    try:
        yield
    except ConfigError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
