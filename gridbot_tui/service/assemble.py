"""Builds the parts of one run from its options: config, market, profile, engine. Nothing runs yet.

What the operator got wrong raises ``RunRefused`` with one sentence and the exit code it deserves.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import MarketSource
from gridbot_tui.service.books import profile as profiles
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.pace import parse_speed
from gridbot_tui.settings.load import Loaded, load, load_text
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.settings.word_layer import of_keys
from gridbot_tui.strategy.facade import check_ladders
from gridbot_tui.units import HOUR, MINUTE, Market, Mode, Ms, Symbol

SIM_START: Ms = 1_767_225_600_000
"""Virtual time at which the synthetic market begins (2026-01-01): fixed, so that a seed is a whole story."""
STALE_AFTER_LIVE: Ms = 5_000
EXIT_REFUSED: Final = 4
"""Exit code of a run that is refused for safety."""


class RunRefused(Exception):
    """The run cannot start; the message is one sentence for the operator."""

    def __init__(self, text: str, exit_code: int = 2) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Plan(Struct, frozen=True):
    """What is to be run, before any file of the profile is opened."""

    options: RunOptions
    loaded: Loaded[Settings]
    mode: Mode
    market: Market
    speed: str

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is to be traded, each once: of the command line, else of the config."""
        return tuple(dict.fromkeys(self.options.symbols or self.loaded.settings.traded(self.mode)))

    @property
    def persistent(self) -> bool:
        """True where the profile outlives the run; a replay's does only where it was asked for."""
        return self.mode is not Mode.REPLAY or bool(self.options.home and self.options.resume)


def understand(options: RunOptions) -> Plan:
    """Config and options together; raises RunRefused for what contradicts itself or cannot be read."""
    try:
        loaded = config_of(options)
    except ConfigError as wrong:
        raise RunRefused(str(wrong)) from wrong
    settings: Settings = loaded.settings
    mode = options.mode or (Mode.REPLAY if options.data else settings.bot.mode)
    if mode is Mode.REPLAY and not options.data:
        raise RunRefused("--mode replay needs --data: files, folders or globs of recorded candles")
    if options.data and mode is not Mode.REPLAY:
        raise RunRefused(f"--data belongs to --mode replay, not to {mode.value}")
    if options.interval and not options.data:
        raise RunRefused(f"--interval tells what --data holds, and --mode {mode.value} has none")
    if options.resume and mode is not Mode.REPLAY:
        raise RunRefused(f"--resume belongs to --mode replay: {mode.value} goes on with its profile anyway")
    if options.resume and options.home is None:
        raise RunRefused("--resume needs --home: the folder in which the replay's profile is kept")
    if mode is Mode.LIVE and not options.yes_live:
        raise RunRefused("live trades real money: it starts only where that was said yes to", 4)
    if not mode.virtual and options.speed:
        raise RunRefused(f"--speed belongs to sim and replay: {mode.value} goes at the market's own")
    speed = options.speed or ("max" if mode is Mode.REPLAY else f"{settings.simulation.speed:g}")
    try:
        parse_speed(speed)
    except ValueError as wrong:
        raise RunRefused(str(wrong)) from wrong
    return Plan(options, loaded, mode, options.market or settings.bot.market, speed)


def config_of(options: RunOptions) -> Loaded[Settings]:
    """The config to begin with: the one that was named, else the profile's own. Raises ConfigError, RunRefused."""
    if (before := options.in_force) is not None:
        path = None if before.path is None else Path(before.path)
        return load_text(before.text, path, os.environ, options.overrides)
    loaded = load(options.config, os.environ, options.overrides)
    if options.config is None and (kept := _kept(options, loaded.settings)) is not None:
        try:
            loaded = load(kept, os.environ, options.overrides)
        except ConfigError as wrong:  # nobody has named the file, so its name alone says little
            raise RunRefused(f"in {kept.parent}: {wrong}") from wrong
    return loaded


def own_file(options: RunOptions) -> Path | None:
    """The config file that a start takes where none is named: the profile's own, if there is one. Raises RunRefused."""
    try:
        over = load(None, os.environ, options.overrides).settings
    except ConfigError:
        over = Settings()  # what is wrong is said by whoever reads the file under it
    return _kept(options, over)


def over_the_file(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What stands over the config's text: variables of the environment, then keys of the command line."""
    options, mode = plan.options, plan.mode
    chosen = [("bot.mode", mode.value)] if options.mode or options.data else []
    if options.market:
        chosen.append(("bot.market", options.market.value))
    if options.symbols and mode is not Mode.REPLAY:  # there they only choose from what the files hold
        chosen.append(("simulation.symbols" if mode is Mode.SIM else "bot.symbols", ",".join(options.symbols)))
    if options.speed and mode is Mode.SIM and options.speed != "max":
        chosen.append(("simulation.speed", options.speed))
    return (*of_keys(os.environ).items(), *options.overrides, *chosen)


def _kept(options: RunOptions, defaults: Settings) -> Path | None:
    """The profile's own config file, where there is one."""
    mode = options.mode or (Mode.REPLAY if options.data else defaults.bot.mode)
    if mode is Mode.REPLAY and not (options.home and options.resume):
        return None
    market, bot = options.market or defaults.bot.market, defaults.bot
    try:
        name = options.profile or profiles.profile_name(mode, market, bot.account, bot.quote)
        kept = profiles.named(options.home, name).config_file
    except profiles.ProfileError as wrong:
        raise RunRefused(str(wrong)) from wrong
    return kept if kept.is_file() else None


def market_source(plan: Plan, profile: Profile) -> tuple[MarketSource, Market]:
    """The market to be played: recorded files, or the profile's own synthetic market, which it goes on with."""
    try:
        if plan.mode is Mode.REPLAY:
            from gridbot_tui.market.files import load as load_files

            options = plan.options
            settings = plan.loaded.settings
            params = settings.market
            one = len(options.symbols) == 1
            recorded = load_files(
                options.data,
                market=options.market,
                symbol=options.symbols[0] if one else None,
                only=() if one else options.symbols,
                interval=options.interval,
                exchange_info=None if params.exchange_info is None else Path(params.exchange_info),
                leverage=None if params.leverage_brackets is None else Path(params.leverage_brackets),
                params=params,
                plain=settings.plain,
            )
            return recorded, next(iter(recorded.instruments.values())).market
        return _synthetic(plan, profile), plan.market
    except DataError as wrong:
        raise RunRefused(str(wrong)) from wrong


def _synthetic(plan: Plan, profile: Profile) -> MarketSource:
    from gridbot_tui.market.params import SyntheticParams
    from gridbot_tui.market.synthetic import SyntheticMarket, SyntheticState

    kept = profile.market_file
    if kept.exists():
        try:
            market = SyntheticMarket.restore(msgspec.json.decode(kept.read_bytes(), type=SyntheticState))
        except ValueError as wrong:  # no JSON, another shape, or what no market can be made of
            why = " ".join(str(wrong).split())[:200]
            raise RunRefused(f"{kept} is damaged ({why}); start a new profile with --profile", 1) from wrong
        wanted, has = plan.options.symbols, ", ".join(market.symbols)
        if wanted and set(wanted) != set(market.symbols):
            raise RunRefused(
                f"profile {profile.name} goes on with the market it began with, {has}: "
                f"leave --symbol out, or trade {', '.join(wanted)} in a profile of its own (--profile)"
            )
        return market
    section = plan.loaded.settings.simulation
    # Only what makes the market: pace and fees of the section may change from run to run.
    params = SyntheticParams(**{name: getattr(section, name) for name in SyntheticParams.model_fields})
    if plan.options.symbols:
        params = params.model_copy(update={"symbols": tuple(plan.options.symbols)})
    market = SyntheticMarket(params, market=plan.market, start=SIM_START)
    in_its_quote(plan, market.instruments)
    return market


def keep_market(market: MarketSource, profile: Profile) -> None:
    """Write down which synthetic market a profile begins with; once its start is refused by nothing, for it stays."""
    from gridbot_tui.market.synthetic import SyntheticMarket

    if isinstance(market, SyntheticMarket) and not profile.market_file.exists():
        write_whole(profile.market_file, msgspec.json.encode(market.state()))


def in_its_quote(plan: Plan, instruments: Mapping[Symbol, Instrument]) -> None:
    """Raise RunRefused for a symbol that is quoted in another asset than capital and profit are counted in."""
    quote = plan.loaded.settings.bot.quote
    for symbol, one in instruments.items():
        if one.quote != quote:
            raise RunRefused(
                f'{symbol} is quoted in {one.quote}, and bot.quote = "{quote}" is what this bot counts in: trade only '
                "what is quoted in it, or set bot.quote, with a profile of its own"
            )


def passed_over(plan: Plan, market: MarketSource) -> str:
    """What the config says of the synthetic market and this profile's own, which it goes on with, is not; what there is
    of recordings and is not played; else ""."""
    from gridbot_tui.market.recorded import RecordedMarket
    from gridbot_tui.market.synthetic import SyntheticMarket

    if isinstance(market, RecordedMarket):
        return market.passed_over
    if not isinstance(market, SyntheticMarket):
        return ""
    wanted, loaded = plan.loaded.settings.simulation.model_dump(mode="json"), plan.loaded
    keys = [
        f"simulation.{name}"
        for name, has in market.state().params.items()
        if ("simulation", name) in loaded.places and wanted[name] != has
        if name != "symbols" or (set(wanted[name]) != set(market.symbols) and not plan.options.symbols)
    ]
    if not keys:
        return ""
    return (
        f"this profile goes on with the market it began with, {', '.join(market.symbols)}: not in force are "
        f"{', '.join(keys)}; a profile of its own (--profile) takes them"
    )


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place that only its owner can read, as a whole or not at all."""
    part = path.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)


@contextmanager
def open_profile(plan: Plan) -> Iterator[Profile]:
    """The profile's folder: the operator's own, or a fresh temporary one for a replay."""
    options, bot = plan.options, plan.loaded.settings.bot
    try:
        if not plan.persistent:
            with profiles.temporary(options.home) as fresh:
                yield fresh
            return
        name = options.profile or profiles.profile_name(plan.mode, plan.market, bot.account, bot.quote)
        yield profiles.named(options.home, name).create()
    except profiles.ProfileError as wrong:
        raise RunRefused(str(wrong)) from wrong


def engine_config(
    settings: Settings, version: int, mode: Mode, instruments: Mapping[Symbol, Instrument]
) -> EngineConfig:
    """The engine's own view of a config. Raises RunRefused for symbols of several quote assets."""
    symbols = tuple(sorted(instruments))
    quotes = {instrument.quote for instrument in instruments.values()}
    if len(quotes) > 1:
        raise RunRefused(
            f"one profile trades one quote asset, but {', '.join(symbols)} have {', '.join(sorted(quotes))}"
        )
    market = instruments[symbols[0]].market
    ladders = {name: ladder for name, ladder in settings.ladders().items() if name in symbols}
    try:
        check_ladders(settings.ladder, ladders, market, len(symbols))
    except ValueError as wrong:
        raise RunRefused(f"[ladder] does not fit what is traded: {wrong}") from wrong
    fees = settings.simulation.exchange
    futures = market is Market.FUTURES
    return EngineConfig(
        version=version,
        market=market,
        quote=quotes.pop(),
        bot=settings.bot.name,
        account=settings.bot.account,
        shares=settings.shares(symbols),
        capital=settings.bot.capital,
        strategy=settings.strategy,
        ladder=settings.ladder,
        ladders=ladders,
        orders=settings.orders,
        risk=settings.risk,
        maker_fee=fees.futures_maker if futures else fees.spot_maker,
        taker_fee=fees.futures_taker if futures else fees.spot_taker,
        equity_every=settings.store.equity_every_minutes * MINUTE,
        stale_after=2 * HOUR if mode.virtual else STALE_AFTER_LIVE,
        times_orders=mode.virtual,
    )


def account_config(settings: Settings, mode: Mode, config: EngineConfig) -> AccountConfig:
    """The simulated account: the capital in quote, nothing else."""
    capital = settings.capital(mode)
    if capital is None:
        raise RunRefused("a simulated account needs bot.capital")
    return AccountConfig(config.market, {config.quote: capital}, settings.simulation.exchange)
