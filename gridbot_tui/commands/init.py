"""``gridbot init``: from nothing to a config, and to a running grid on the simulated exchange."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridbot_tui.commands import output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.init_answers import GRIDS, Answers, choice, money, names, until, usage
from gridbot_tui.commands.options import HomeOption, JsonOption, Where, YesOption, where
from gridbot_tui.units import DAY, Market, Mode, Symbol

if TYPE_CHECKING:
    from gridbot_tui.commands.init_advice import Advice
    from gridbot_tui.commands.init_market import Measured
    from gridbot_tui.market.recorded import RecordedMarket
    from gridbot_tui.service.books.profile import Profile

SYNTHETIC = "the synthetic market that sim trades"
RISKS = ("careful", "normal")
Texts = list[str] | None


def init(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Where to write (default: into the profile).")
    ] = None,
    mode: Annotated[Mode | None, typer.Option("--mode", help="Where prices and fills come from.")] = None,
    market: Annotated[Market | None, typer.Option("--market", help="Which market to trade.")] = None,
    symbol: Annotated[Texts, typer.Option("--symbol", metavar="S", help="Symbol; repeatable.")] = None,
    capital: Annotated[str | None, typer.Option("--capital", metavar="M", help="Money to size by, quote.")] = None,
    grid: Annotated[str | None, typer.Option("--grid", metavar="G", help=f"{', '.join(GRIDS)}.")] = None,
    risk: Annotated[str | None, typer.Option("--risk", metavar="R", help=f"{', '.join(RISKS)}.")] = None,
    data: Annotated[
        Texts, typer.Option("--data", metavar="PATH", help="Recorded candles to judge by; repeatable.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="I", help="Interval of --data, such as 1h.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there (kept as .bak1).")] = False,
    start: Annotated[bool, typer.Option("--start", help="Start the bot afterwards.")] = False,
    home: HomeOption = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="P", help="Profile to write for (default: from mode and market)."),
    ] = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Write a first config: asks on a terminal, takes the suggestions with --yes or without a terminal.

    Example: gridbot init --grid geometric --symbol BTCUSDT --capital 5000 --yes
    """
    at = where(ctx, home, profile, json)
    config = config or at.config
    asking = sys.stdin.isatty() and not (yes or at.json)
    for name, given, known in (("--grid", grid, GRIDS), ("--risk", risk, RISKS)):
        if given is not None and given not in known:
            raise CommandFailed(f"{name} is one of {', '.join(known)}, not {given!r}", Exit.USAGE)
    if interval and not data:
        raise CommandFailed("--interval tells what --data holds, and there is none", Exit.USAGE)
    if mode is Mode.REPLAY and not data:  # no start of it would get anywhere
        raise CommandFailed("--mode replay needs --data: files, folders or globs of recorded candles", Exit.USAGE)
    wanted = None if capital is None else usage(money, capital)
    mode = mode or (
        Mode(choice("Mode", [m.value for m in Mode if m is not Mode.REPLAY], "sim")) if asking else Mode.SIM
    )
    usual = _told_by(tuple(data or ()))
    market = market or (Market(choice("Market", [m.value for m in Market], usual.value)) if asking else usual)
    if not force:
        _refuse_to_replace(_place(config, at, mode, market))
    wanted = wanted or (until("Capital, USDT", "10000", money) if asking else money("10000"))
    symbols: tuple[Symbol, ...] = usage(names, " ".join(symbol)) if symbol else ()
    facts, source, recorded = _measured(market, symbols, tuple(data or ()), interval)
    so_far = Answers(mode, market, symbols, wanted, grid or "", risk or "")
    answers, advice = _rest(asking, so_far, facts, source, recorded)
    path = _written(config, at, answers, advice, force=force)
    whole = recorded is not None and not symbols and set(answers.symbols) == set(recorded.symbols)
    played = () if whole else answers.symbols
    command = _command(path, at, mode=mode, data=tuple(data or ()), symbols=played, interval=interval)
    _report(path, command, answers, advice, as_json=at.json)
    if mode in (Mode.TESTNET, Mode.LIVE):
        _offer_keyring(answers, asking=asking)
    if start or (asking and mode is Mode.SIM and typer.confirm("Start it now?", default=True, err=True)):
        sys.stdout.flush()
        # Become the bot: nothing of the wizard stays between it and the terminal.
        os.execv(sys.executable, [sys.executable, "-m", "gridbot_tui", *command])


def _told_by(data: tuple[str, ...]) -> Market:
    """The market that the paths of the recording are of; futures where they tell none, or both."""
    from gridbot_tui.market.errors import DataError
    from gridbot_tui.market.paths import candle_files

    try:
        told = {item.market for item in candle_files(data) if item.market} if data else set()
    except DataError:  # said where the recording is read
        told = set()
    return next(iter(told)) if len(told) == 1 else Market.FUTURES


def _measured(
    market: Market, wanted: Sequence[Symbol], data: tuple[str, ...], interval: str | None
) -> "tuple[dict[Symbol, Measured], str, RecordedMarket | None]":
    """What the market has lately been like, where that comes from in words, and the recording if it is one."""
    from gridbot_tui.commands.init_market import LOOK_BACK, measure
    from gridbot_tui.market.errors import DataError

    if data:
        from gridbot_tui.market.files import load

        try:
            one = wanted[0] if len(wanted) == 1 else None  # names files whose path does not tell
            only = () if one else tuple(wanted)
            recorded = load(data, market=market, symbol=one, only=only, interval=interval)
        except DataError as error:
            raise CommandFailed(str(error), Exit.USAGE) from error
        if recorded.passed_over:
            output.say(recorded.passed_over)
        begin = max(recorded.start - 1, recorded.end - LOOK_BACK)
        told = f"the data up to {output.moment(recorded.end)}"
        return measure(recorded, recorded.symbols, begin, recorded.end), told, recorded
    from gridbot_tui.market.builtin import builtin
    from gridbot_tui.market.synthetic import SyntheticMarket
    from gridbot_tui.service.assemble import SIM_START
    from gridbot_tui.settings.model import Settings

    params = Settings().simulation
    names_ = tuple(wanted) or params.symbols
    unknown = [name for name in names_ if name not in builtin(market)]
    if unknown:
        known = ", ".join(builtin(market))
        raise CommandFailed(f"{', '.join(unknown)}: without --data gridbot knows {known}", Exit.USAGE)
    source = SyntheticMarket(params.model_copy(update={"symbols": names_}), market=market, start=SIM_START)
    end = SIM_START + max(14, params.warmup_days) * DAY
    return measure(source, names_, SIM_START - 1, end), SYNTHETIC, None


def _rest(
    asking: bool, given: Answers, facts: "dict[Symbol, Measured]", source: str, recorded: "RecordedMarket | None"
) -> "tuple[Answers, list[Advice]]":
    """The answers that rest on data, symbols and grid, and the risk at which the grids are played."""
    from gridbot_tui.commands import init_advice as advise
    from gridbot_tui.settings.model import Settings

    if not facts:
        raise CommandFailed(f"there is less than a day of {source}: nothing can be suggested from it", Exit.USAGE)
    chosen, found = given.symbols, list[advise.Advice]()
    if not chosen:
        first = advise.symbols(given.capital, facts, source)
        chosen = tuple(str(name) for name in first.value) if isinstance(first.value, list) else ()
        if asking:
            output.say(f"  suggested: {', '.join(chosen)} ({first.reason})")
            chosen = until("Symbols", ",".join(chosen), lambda text: _known(names(text), facts))
        found += [first] if list(chosen) == first.value else []
    if asking and not given.risk:
        careful, normal = ("", "") if given.market is Market.SPOT else ("worst case 2x, ", "5x and ")
        output.say(f"  careful: {careful}everything closed at -10 %; normal: {normal}-15 %")
    risk = given.risk or (choice("Risk", RISKS, "normal") if asking else "normal")
    kept = {name: facts[name] for name in chosen if name in facts}
    ladder = Settings().ladder
    if asking:
        for one in kept.values():
            output.say(f"  {advise.spacing_words(one, ladder, given.market)}")
        output.say("  adaptive follows votes and volatility; arithmetic and geometric are plain grids in a fixed range")
    kind = _tried(recorded, chosen, kept, given, risk, source) or advise.adaptive(kept, ladder, given.market)
    if asking and recorded is not None and given.grid in ("", kind.value):
        output.say(f"  {'' if given.grid else 'suggested: '}{kind.value} ({kind.reason})")
    grid = given.grid or (choice("Grid", GRIDS, str(kind.value)) if asking else str(kind.value))
    if grid == kind.value:
        found.append(kind)
    if grid != "adaptive":
        found += advise.plain(kept, given.market, source, given.capital)
    for each in found if asking and grid != "adaptive" else ():
        output.say(f"  {each.key} = {each.value}: {each.reason}")
    return Answers(given.mode, given.market, chosen, given.capital, grid, risk), found


def _tried(
    recorded: "RecordedMarket | None",
    chosen: Sequence[Symbol],
    kept: "dict[Symbol, Measured]",
    given: Answers,
    risk: str,
    source: str,
) -> "Advice | None":
    """What a back-test on the recent data suggests at the risk that was chosen, also to one who has chosen his grid;
    None without recorded data, or with too few."""
    if recorded is None:
        return None
    from gridbot_tui.commands import init_advice as advise
    from gridbot_tui.commands.init_trial import kind, trials
    from gridbot_tui.market.recorded import RecordedMarket
    from gridbot_tui.settings.model import Settings
    from gridbot_tui.units import MINUTE

    settings = Settings()
    parts = [one for name, one in recorded.series.items() if name in chosen]
    market = RecordedMarket(parts, recorded.interval, settings.market.episode_gap_minutes * MINUTE)
    output.say("playing the grids on the recent data")
    fixed = "arithmetic" if given.grid == "arithmetic" else "geometric"
    plain = advise.plain(kept, given.market, source, given.capital)
    played = trials(market, plain, str(given.capital), fixed, advise.risk_keys(risk, given.market))
    words = "; ".join(advise.spacing_words(one, settings.ladder, given.market) for one in list(kept.values())[:3])
    return kind(played, source, words, given.grid)


def _known(wanted: tuple[Symbol, ...], facts: "dict[Symbol, Measured]") -> tuple[Symbol, ...]:
    unknown = [name for name in wanted if name not in facts]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: there is data of {', '.join(facts)}")
    return wanted


def _written(
    config: Path | None, at: Where, answers: Answers, advice: "Sequence[Advice]", *, force: bool
) -> Path:
    """Compose, judge, write; where it is now."""
    from gridbot_tui.commands.init_text import chosen, text_of
    from gridbot_tui.settings.edit import apply_text
    from gridbot_tui.settings.load import load_text
    from gridbot_tui.settings.problems import ConfigError

    text = text_of(chosen(answers, advice))
    try:
        loaded = load_text(text, config, {})
    except ConfigError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    path = _place(config, at, loaded.settings.bot.mode, loaded.settings.bot.market)
    if not force:
        _refuse_to_replace(path)
    try:
        if config is None:
            _profile(at, loaded.settings.bot.mode, loaded.settings.bot.market).create()
        path.parent.mkdir(parents=True, exist_ok=True)
        apply_text(path, text)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written ({error.strerror})", Exit.FAILED) from error
    return path.absolute()


def _place(config: Path | None, at: Where, mode: Mode, market: Market) -> Path:
    """Where the config is to be: as asked for, or in the profile that it is of."""
    return config or _profile(at, mode, market).config_file


def _profile(at: Where, mode: Mode, market: Market) -> "Profile":
    from gridbot_tui.service.books import profile as profiles
    from gridbot_tui.settings.model import Settings

    bot = Settings().bot
    return profiles.named(at.home, at.profile or profiles.profile_name(mode, market, bot.account, bot.quote))


def _refuse_to_replace(path: Path) -> None:
    if path.is_dir():
        raise CommandFailed(f"{path} is a folder; name the file in it", Exit.USAGE)
    if path.exists():
        raise CommandFailed(f"{path} is there already; --force replaces it and keeps it as .bak1", Exit.REFUSED)


def _command(
    path: Path, at: Where, *, mode: Mode, data: tuple[str, ...], symbols: Sequence[Symbol], interval: str | None
) -> list[str]:
    """The words behind ``gridbot`` that start the bot on this config. ``symbols``: those that a replay is to trade,
    where it is not all of its files: it goes by them and no config."""
    words = ["--config", str(path)]
    words += ["--home", str(at.home.absolute())] if at.home is not None else []
    words += ["--profile", at.profile] if at.profile is not None else []
    words += ["--mode", mode.value] if mode is Mode.LIVE else []  # not without the command line saying so, too
    if mode is Mode.REPLAY:
        words += [word for one in data for word in ("--data", one)]
        words += [word for one in symbols for word in ("--symbol", one)]
        words += ["--interval", interval] if interval else []
    return words


def _report(
    path: Path, command: list[str], answers: Answers, advice: "Sequence[Advice]", *, as_json: bool
) -> None:
    from gridbot_tui.commands.init_text import CHOSEN, chosen

    keys = chosen(answers, advice)
    if as_json:
        rows = [{"key": one.key, "value": _plain(one.value), "reason": one.reason} for one in keys]
        output.document({"path": str(path), "run": ["gridbot", *command], "keys": rows})
        return
    output.say(f"wrote {path}")
    print("\n".join(output.pairs([(one.key, _plain(one.value)) for one in keys])), flush=True)
    suggested = [one for one in keys if one.reason != CHOSEN]
    for line in (line for one in suggested for line in output.wrapped(f"{one.key}: {one.reason}", hang=4)):
        output.say(line)
    output.say(f"start it: {shlex.join(['gridbot', *command])}")


def _plain(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return (
        value if isinstance(value, bool | int | str) else format(value, "g") if isinstance(value, float) else str(value)
    )


def _offer_keyring(answers: Answers, *, asking: bool) -> None:
    """The API key now, or the command for it later."""
    from gridbot_tui.commands import credentials

    owner = credentials.owner_of(answers.mode, answers.market, "main")
    later = f"gridbot credentials set --mode {answers.mode.value} --market {answers.market.value}"
    if not asking or not typer.confirm(f"Store the API key of {owner.name} in the system keyring now?", err=True):
        output.say(f"the API key is set by: {later}")
        return
    kept, words = credentials.try_store(owner)
    if kept:
        output.say(f"stored in the keyring ({words}), and read back")
    else:
        output.say(f"{words}\nthe config is written all the same; try again with: {later}")
