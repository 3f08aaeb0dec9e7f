"""``gridbot exchange serve``: the simulated exchange over Binance's own protocol."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.units import Market

if TYPE_CHECKING:
    from gridbot_tui.exchange.server.place import Place
    from gridbot_tui.exchange.server.settings import ServeOptions

app = typer.Typer(
    help="The simulated exchange as a server of its own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Served(StrEnum):
    """Which markets are served."""

    SPOT = "spot"
    FUTURES = "futures"
    BOTH = "both"


Texts = list[str] | None


@app.callback()
def root() -> None:
    """The simulated exchange as a server of its own."""


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", metavar="P", min=0, max=65535, help="Port; 0 = any free one.")],
    files: Annotated[Texts, typer.Argument(hidden=True)] = None,
    market: Annotated[Served, typer.Option("--market", help="What to serve.")] = Served.BOTH,
    data: Annotated[
        Texts,
        typer.Option("--data", metavar="PATH...", help="Recorded candles or trades (default: a synthetic market)."),
    ] = None,
    speed: Annotated[float, typer.Option("--speed", metavar="X", min=0.01, max=100_000, help="Times real time.")] = 1.0,
    symbol: Annotated[Texts, typer.Option("--symbol", metavar="S", help="Synthetic symbol; repeatable.")] = None,
    symbols: Annotated[
        int,
        typer.Option("--symbols", metavar="N", min=0, max=500, help="How many synthetic symbols, where none is named."),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the synthetic market.")] = 1,
    account: Annotated[
        Texts,
        typer.Option(
            "--account",
            metavar="KEY:SECRET[:AMOUNT]",
            help="An account and its USDT, or balances as in BTC=0.5,ETH=10; repeatable. SECRET may be a file with an"
            " Ed25519 or RSA public key. Default: key:secret, with 10,000 USDT or what is worth as much.",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; anything else opens it to others.")] = (
        "127.0.0.1"
    ),
    exchange_info: Annotated[
        Path | None,
        typer.Option("--exchange-info", metavar="FILE", help="Binance's own file: filters for --data, or symbols."),
    ] = None,
    history: Annotated[
        float, typer.Option("--history", metavar="DAYS", min=0.05, max=400, help="Days of candles before now.")
    ] = 2.0,
    limits: Annotated[
        float, typer.Option("--limits", metavar="F", min=0, help="Binance's rate limits times F; 0 = none.")
    ] = 1.0,
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="Faults to inject: a JSON list of rules.")
    ] = None,
    control: Annotated[bool, typer.Option("--control", help="Answer under /control: prices, faults, speed.")] = False,
    hold: Annotated[bool, typer.Option("--hold", help="The market stands still until it is told to move.")] = False,
    tick: Annotated[int, typer.Option("--tick", metavar="MS", min=5, max=5_000, help="Between two prices.")] = 250,
    old_fields: Annotated[
        bool, typer.Option("--old-fields", help="Futures order answers with avgPrice and cumQuote.")
    ] = False,
) -> None:
    """Serve the simulated exchange over Binance's HTTP and WebSocket protocol until it is told to stop.

    Prints one JSON line with its addresses when it is ready.

    Example: gridbot exchange serve --port 9000 --market futures --speed 10
    """
    from gridbot_tui.exchange.server.settings import LimitOptions, ServeOptions

    options = ServeOptions(
        host=host, port=port, speed=speed, tick_ms=tick, accounts=_accounts(account or []), control=control,
        limits=LimitOptions(factor=limits), old_fields=old_fields, hold=hold,
    )  # fmt: skip
    names = [name.upper() for name in symbol or []]
    place = _build(market, options, data=[*(data or []), *(files or [])], symbols=names, count=symbols, seed=seed,
                   history=int(history * 86_400_000), exchange_info=exchange_info)  # fmt: skip
    if faults is not None:
        _load_faults(place, faults)
    _run(place)


def _build(market: Served, options: "ServeOptions", **given: Any) -> "Place":
    from gridbot_tui.exchange.server.build import build
    from gridbot_tui.market.errors import DataError

    markets = [Market.SPOT, Market.FUTURES] if market is Served.BOTH else [Market(market.value)]
    try:
        return build(markets, options, **given)
    except DataError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error


def _accounts(texts: list[str]) -> "tuple[KeyConfig, ...]":
    from gridbot_tui.exchange.server.accounts import KeyConfig
    from gridbot_tui.exchange.server.settings import DEFAULT_KEY

    found: list[KeyConfig] = []
    for text in texts:
        key, _, rest = text.partition(":")
        secret, _, amounts = rest.partition(":")
        balances = dict(_balance(part) for part in amounts.split(",")) if amounts else {}
        if not key or not secret or not all(amount.replace(".", "", 1).isdecimal() for amount in balances.values()):
            raise CommandFailed(
                "an account is KEY:SECRET, KEY:SECRET:AMOUNT or KEY:SECRET:ASSET=AMOUNT,ASSET=AMOUNT", Exit.USAGE
            )
        if any(one.key == key for one in found):
            raise CommandFailed(f"two accounts have the key {key}: each needs one of its own", Exit.USAGE)
        try:
            if Path(secret).is_file():
                secret = Path(secret).read_text()
            found.append(KeyConfig(key, secret, balances).checked())
        except ValueError as error:
            raise CommandFailed(f"the account of {key} has no usable public key: {error}", Exit.USAGE) from error
    return tuple(found) or (DEFAULT_KEY,)


def _balance(text: str) -> tuple[str, str]:
    asset, equals, amount = text.partition("=")
    return (asset.strip().upper(), amount.strip()) if equals else ("USDT", text)


def _load_faults(place: "Place", path: Path) -> None:
    from gridbot_tui.exchange.server.codes import Denied
    from gridbot_tui.exchange.server.faults import read_rules

    try:
        place.befall(read_rules(path.read_bytes()))
    except (OSError, ValueError, Denied) as error:
        raise CommandFailed(f"{path}: {error}", Exit.USAGE) from error


def _run(place: "Place") -> None:
    import asyncio

    from gridbot_tui.exchange.server.run import run_until_told

    try:
        asyncio.run(run_until_told(place))
    except OSError as error:
        raise CommandFailed(f"cannot listen on {place.options.host}:{place.options.port}: {error}", Exit.FAILED) from (
            error
        )


if TYPE_CHECKING:
    from gridbot_tui.exchange.server.accounts import KeyConfig
