"""Options that every command over recorded data shares, and the request they make."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import where
from gridbot_tui.commands.output import say, span
from gridbot_tui.units import Market, Ms

if TYPE_CHECKING:
    from gridbot_tui.research.request import Request

DataOption = Annotated[
    list[str], typer.Option("--data", metavar="PATH...", help="Files, folders or globs of recorded candles.")
]
SymbolsOption = Annotated[list[str] | None, typer.Option("--symbol", metavar="S", help="Symbol; repeatable.")]
MarketOption = Annotated[Market | None, typer.Option("--market", help="Market of the data, where paths do not tell.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Config file.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day (UTC) to use.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Day (UTC) to stop before.")]
IntervalOption = Annotated[str | None, typer.Option("--interval", metavar="I", help="Interval of --data.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key over the config; repeatable.")
]
FundingOption = Annotated[
    float | None,
    typer.Option("--funding", metavar="RATE", help="Funding of 8 hours, fraction, where none is recorded (0.0001)."),
]
SlippageOption = Annotated[
    float | None, typer.Option("--slippage", metavar="BP", help="What a taker loses against the price, bp (2).")
]


def request_of(
    ctx: typer.Context,
    data: list[str],
    symbol: list[str] | None,
    market: Market | None,
    interval: str | None,
    config: Path | None,
    sets: list[str] | None,
    frm: str | None,
    to: str | None,
    funding: float | None = None,
    slippage: float | None = None,
) -> "Request":
    """The options of a run over recorded data, understood. Raises CommandFailed."""
    from gridbot_tui.research.request import Request
    from gridbot_tui.settings.load import pair
    from gridbot_tui.settings.problems import ConfigError

    at = where(ctx)
    try:
        given = tuple(pair(text) for text in sets or ())
    except (ConfigError, ValueError) as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    assumed = (("market.assumed_funding", funding), ("simulation.exchange.slippage_bp", slippage))
    given += tuple((key, repr(value)) for key, value in assumed if value is not None)
    return Request(
        data=tuple(data),
        symbols=tuple(name.upper() for name in symbol or ()),
        market=market,
        interval=interval,
        config=config or at.config,
        overrides=at.overrides + given,
        frm=day(frm, "--from"),
        to=day(to, "--to"),
    )


def day(text: str | None, option: str) -> Ms | None:
    """A date, or a date with a time, in UTC, as milliseconds. Raises CommandFailed."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise CommandFailed(f"{option} {text}: not a date such as 2025-01-31", Exit.USAGE) from wrong
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def progress(what: str = "runs") -> Callable[[int, int], None]:
    """Says now and then, on stderr, how far it is and how long it will take."""
    began = said_at = time.monotonic()
    said = 0

    def tell(done: int, whole: int) -> None:
        nonlocal said, said_at
        now = time.monotonic()
        if said < done < whole and now - said_at >= 2.0:
            said, said_at = done, now
            say(f"{done} of {whole} {what}, about {span((now - began) / done * (whole - done))} left")

    return tell
