"""The command line: wires the commands together, and turns what ends them into exit codes. No traceback for
what a user does wrong."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridbot_tui import __version__
from gridbot_tui.commands import alerts, config, credentials, ending, exchange, export, learning
from gridbot_tui.commands import data as recorded
from gridbot_tui.commands.backtest import backtest
from gridbot_tui.commands.doctor import doctor
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.flatten import flatten
from gridbot_tui.commands.init import init
from gridbot_tui.commands.kill import kill
from gridbot_tui.commands.optimize import optimize
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, Where, where
from gridbot_tui.commands.pause import pause
from gridbot_tui.commands.reload import reload
from gridbot_tui.commands.reset import reset
from gridbot_tui.commands.resume import resume
from gridbot_tui.commands.simulate import simulate
from gridbot_tui.commands.status import status
from gridbot_tui.commands.stop import stop
from gridbot_tui.commands.support import support
from gridbot_tui.commands.view import view
from gridbot_tui.commands.walkforward import walkforward
from gridbot_tui.commands.why import why
from gridbot_tui.ops.collecting import leave_out_what_stands
from gridbot_tui.service.books.profile import ProfileError
from gridbot_tui.units import Market, Mode

if TYPE_CHECKING:
    from gridbot_tui.commands.terminal import BotThread
    from gridbot_tui.service.options import RunOptions, RunResult
    from gridbot_tui.ui.launch import Left

app = typer.Typer(
    name="gridbot",
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # a pretty one shows locals
    context_settings={"help_option_names": ["--help", "-h"]},
)
COMMANDS = (
    init, status, why, pause, resume, flatten, stop, kill,
    reload, reset, simulate, backtest, walkforward, optimize, doctor, support, view,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)
app.add_typer(learning.app, name="learning")
app.add_typer(config.app, name="config")
app.add_typer(export.app, name="export")
app.add_typer(recorded.app, name="data")
app.add_typer(exchange.app, name="exchange")
app.add_typer(credentials.app, name="credentials")
app.add_typer(alerts.app, name="alerts")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gridbot {__version__}")
        raise typer.Exit


Text = str | None
Texts = list[str] | None


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Config file (default: the profile's own, if any).")
    ] = None,
    mode: Annotated[Mode | None, typer.Option("--mode", help="Where prices and fills come from.")] = None,
    market: Annotated[Market | None, typer.Option("--market", help="Which market to trade.")] = None,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Run without a terminal app.")] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="The terminal app gives no orders; the bot trades.")
    ] = False,
    home: HomeOption = None,
    profile: Annotated[
        Text,
        typer.Option("--profile", metavar="P", help="Profile (default: from mode, market, account, quote)."),
    ] = None,
    json: JsonOption = False,
    data: Annotated[
        Texts, typer.Option("--data", metavar="PATH...", help="Files, folders or globs of recorded candles.")
    ] = None,
    symbol: Annotated[Texts, typer.Option("--symbol", metavar="S", help="Symbol; repeatable.")] = None,
    interval: Annotated[Text, typer.Option("--interval", metavar="I", help="Interval of --data.")] = None,
    speed: Annotated[Text, typer.Option("--speed", metavar="X", help="Times real time, or max.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a kept replay profile.")] = False,
    yes_live: Annotated[bool, typer.Option("--yes-live", help="Yes, trade real money.")] = False,
    sets: Annotated[
        Texts, typer.Option("--set", metavar="KEY=VALUE", help="Set a key over the config; repeatable.")
    ] = None,
    handed_over: Annotated[bool, typer.Option("--handed-over", hidden=True)] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Adaptive grid trader for Binance Spot and USD-M futures. Without a command it runs the bot.

    Example: gridbot --no-ui --mode replay --data candles.parquet --speed max --json
    """
    overrides = tuple(_pair(text) for text in sets or [])
    ctx.obj = Where(home=home, profile=profile, json=json, config=config, overrides=overrides)
    if ctx.invoked_subcommand is not None:
        ending.give_back()
        ignored = {
            "--mode": mode, "--market": market, "--no-ui": no_ui, "--read-only": read_only, "--data": data,
            "--symbol": symbol, "--interval": interval, "--speed": speed, "--resume": resume, "--yes-live": yes_live,
        }  # fmt: skip
        _refuse(ignored, ctx.invoked_subcommand)
        _unheard_config({"--config": config, "--set": sets}, ctx.invoked_subcommand)
        return
    from gridbot_tui.commands.run import run, taken_over
    from gridbot_tui.service.options import RunOptions

    options = RunOptions(
        config=config,
        overrides=overrides,
        mode=mode,
        market=market,
        home=home,
        profile=profile,
        data=tuple(data or ()),
        symbols=tuple(name.upper() for name in symbol or ()),
        interval=interval,
        speed=speed,
        resume=resume,
        read_only=read_only,
        json=json,
        yes_live=yes_live,
        in_force=taken_over() if handed_over else None,
    )
    headless = no_ui or json
    run(options, face=None if headless else _face, headless=headless)


def _refuse(ignored: Mapping[str, object], command: str) -> None:
    """Raise CommandFailed for an option of a run before a command: a flatten of one symbol would close them all."""
    if given := [name for name, value in ignored.items() if value]:
        text = f"{given[0]} before '{command}' is not heard: put it behind, where {command} has it, or leave it out"
        raise CommandFailed(text, Exit.USAGE)


_OWN = "{command} has options of its own"
NO_CONFIG = {
    "reload": "a running bot keeps to the file and the options that it was started with",
    **dict.fromkeys(("simulate", "exchange", "data"), _OWN),
}
NO_KEYS = NO_CONFIG | {"init": _OWN}
"""Commands that would do another thing than they were asked for, if they passed a key, or a whole config, over."""
_RUNNING = "it goes to the bot that runs, whatever a file says"
_BARE = "{command} needs no config"
WITHOUT = {
    **dict.fromkeys(("status", "why", "pause", "resume", "flatten", "stop", "kill", "reset", "learning"), _RUNNING),
    **dict.fromkeys(("export", "view", "credentials", "alerts"), _BARE),
}
"""Commands that do what they were asked for all the same, and say that they read none: the bot that runs may be another
than the one whose file is named."""


def _unheard_config(given: Mapping[str, object], command: str) -> None:
    """Say that a command reads no config; raise CommandFailed where it would do another thing for that."""
    for name in (name for name, value in given.items() if value):
        if (why := (NO_KEYS if name == "--set" else NO_CONFIG).get(command)) is not None:
            text = f"{name} before '{command}' is not heard: {why.format(command=command)}; leave it out"
            raise CommandFailed(text, Exit.USAGE)
        if (why := WITHOUT.get(command)) is not None:
            from gridbot_tui.commands.output import say

            say(f"{name} before '{command}' is not heard: {why.format(command=command)}")


@app.command()
def attach(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, but give no orders.")] = False,
) -> None:
    """Open the terminal app on the bot that runs.

    Example: gridbot attach
    """
    from gridbot_tui.commands import attach as command
    from gridbot_tui.commands import in_force

    at = where(ctx, home, profile)

    def open_app(door: command.Door) -> Left:
        from gridbot_tui.settings.problems import ConfigError
        from gridbot_tui.ui.launch import Wishes, launch

        try:
            wishes = Wishes.of(in_force.look(at), read_only=read_only)
        except ConfigError as error:
            raise CommandFailed(str(error), Exit.USAGE) from error
        return launch(door, wishes, attached=True)

    command.attach(at, open_app, read_only=read_only)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    code = int(execute(list(sys.argv[1:] if argv is None else argv)))
    leave_out_what_stands()  # the system takes it all back, without a last walk through it
    sys.exit(code)


def execute(argv: list[str]) -> int:
    """Run one command; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that is no text, a terminal that knows no braille: shown escaped, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        refuse_empty(argv)
        code = app(args=spread(argv), prog_name="gridbot", standalone_mode=False)
        sys.stdout.flush()
    except CommandFailed as error:
        return _complain(str(error), error.code)
    except typer.TyperException as error:
        return _wrong_usage(error)
    except (typer.Abort, KeyboardInterrupt):
        return _complain(INTERRUPTED, Exit.INTERRUPTED)
    except (BrokenPipeError, SystemExit) as ended:
        if isinstance(ended, SystemExit) and not isinstance(ended.__context__, BrokenPipeError):
            raise  # typer makes of the one the other
        _print_no_more()
        return Exit.CLOSED_PIPE
    except OSError as error:
        if error.filename is None:
            if error.errno not in UNWRITABLE:
                raise
            _print_no_more()
            return _complain(f"the output could not be written: {error.strerror}", Exit.FAILED)
        return _complain(f"{_short(error.filename)}: {error.strerror}", Exit.FAILED)
    except ProfileError as error:
        return _complain(str(error), Exit.USAGE)
    if code == Exit.INTERRUPTED:  # typer has taken the KeyboardInterrupt, and says nothing
        return _complain(INTERRUPTED, Exit.INTERRUPTED)
    return code if isinstance(code, int) else Exit.DONE


def _print_no_more() -> None:
    """Nobody takes what is printed, and Python would complain at exit of what it still holds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


INTERRUPTED = "interrupted; nothing more was done"
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What the system says of a file that takes no more: only output is without a name here."""
NEVER_EMPTY = ("--home", "--profile", "--config", "--data", "--symbol", "--into", "--report", "--output", "-o")
"""Options whose empty value is a variable that was never set: without ``--symbol`` a flatten closes everything."""
SEVERAL = {
    "--data": ("backtest", "walkforward", "optimize", "serve"),
    "--symbol": ("backtest", "walkforward", "optimize", "download"),
}
"""Options that take several words after the commands named: what a shell makes of a glob, or a list."""


def refuse_empty(argv: Sequence[str]) -> None:
    """Raise CommandFailed for ``--symbol ""`` and its like."""
    for word, after in zip(argv, [*argv[1:], "-"], strict=False):
        name, equals, value = word.partition("=")
        if name in NEVER_EMPTY and not (value if equals else after).strip():
            raise CommandFailed(f"{name} is empty: give it a value, or leave it out", Exit.USAGE)


def spread(argv: list[str]) -> list[str]:
    """``--data a b c`` (what a shell makes of a glob) as ``--data a --data b --data c``, before a command and after."""
    found: list[str] = []
    taking = False
    for position, word in enumerate(argv):
        if word == "--":
            return found + argv[position:]
        if taking and not word.startswith("-") and (not _is_command(word) or Path(word).exists()):
            if found[-1] != "--data":
                found.append("--data")
            found.append(word)
            continue
        if not word.startswith("-") and _is_command(word) and not _is_value(argv, position):
            return found + _spread_behind(argv[position:])
        taking = word == "--data" or word.startswith("--data=")
        found.append(word)
    return found


def _spread_behind(words: list[str]) -> list[str]:
    """The same behind a command, whose first words are its name."""
    named = next((one for one in words[:2] if any(one in names for names in SEVERAL.values())), "")
    found: list[str] = []
    taking = ""
    for position, word in enumerate(words):
        if word == "--":
            return found + words[position:]
        if taking and not word.startswith("-"):
            found += [word] if found[-1] == taking else [taking, word]
            continue
        name = word.partition("=")[0]
        taking = name if named in SEVERAL.get(name, ()) else ""
        found.append(word)
    return found


def _is_command(word: str) -> bool:
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    return word in names or word in {group.name for group in app.registered_groups}


def _is_value(argv: list[str], position: int) -> bool:
    """True where a word is the value of the option before it, such as a profile named ``status``."""
    before = argv[position - 1] if position else ""
    flags = ("--no-ui", "--read-only", "--json", "--resume", "--yes-live", "--handed-over", "--version")
    return before.startswith("--") and "=" not in before and before not in flags


def _face(options: RunOptions) -> RunResult:
    """Run with the terminal app; loaded only here, so that nothing headless ever imports it."""
    from gridbot_tui.commands.terminal import in_terminal

    return in_terminal(_open_app, options)


def _open_app(thread: BotThread, options: RunOptions) -> Left:
    from gridbot_tui.service.assemble import RunRefused, config_of
    from gridbot_tui.settings.problems import ConfigError
    from gridbot_tui.ui.launch import Wishes, launch

    try:
        wishes = Wishes.of(config_of(options).settings.ui, read_only=options.read_only)
    except (ConfigError, RunRefused) as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    return launch(
        thread.connect,
        wishes,
        attached=False,
        on_terminate=thread.terminate,
        over=lambda: thread.over,
        waits_for=lambda: thread.waits_for,
    )


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise CommandFailed(f"--set wants KEY=VALUE, found {text!r}", Exit.USAGE)
    return key.strip(), value


def _wrong_usage(error: typer.TyperException) -> int:
    text = error.format_message()
    if text.startswith("Usage:"):  # a group without its command: its help says what there is
        print(text, file=sys.stderr, flush=True)
        return error.exit_code
    return _complain(" ".join(text.replace("Value error, ", "").split()), error.exit_code)


def _short(name: object) -> str:
    text = str(name)
    return text if len(text) <= 300 else f"{text[:140]} ... {text[-140:]}"


def _complain(text: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):  # ``2>&1 | head``: the code says it still
        print(f"gridbot: {text}", file=sys.stderr, flush=True)
    return code
