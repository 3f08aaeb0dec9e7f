"""What a back-test is asked for, and the config and market that come of it."""

from pathlib import Path

import msgspec
from msgspec import Struct

from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.service.assemble import RunRefused, account_config, engine_config
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.units import Market, Mode, Ms, Symbol

NEVER: Ms = 1 << 62
"""Equity points come from the tape's own hourly curve, none from the engine."""


class Request(Struct, frozen=True):
    """One back-test as asked for; None means: as the files or the config say."""

    data: tuple[str, ...]
    symbols: tuple[Symbol, ...] = ()
    market: Market | None = None
    interval: str | None = None
    config: Path | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    frm: Ms | None = None
    """Bars that open at or after this."""
    to: Ms | None = None
    """Bars that close at or before this."""


class Prepared(Struct, frozen=True):
    """Settings and market, ready to be played any number of times."""

    settings: Settings
    market: RecordedMarket
    sharing: tuple[Symbol, ...] = ()
    """Who shares the capital; empty = the market's symbols. Of the days played a recording may lack some."""

    def stretch(self, market: RecordedMarket, settings: Settings | None = None) -> "Prepared":
        """A part of this market, where each symbol keeps its share of the capital."""
        return Prepared(settings or self.settings, market, self.sharing or self.market.symbols)

    def late(self, since: Ms) -> Ms | None:
        """When a run that is judged from ``since`` on starts, None = with the data: plain grids, which need no
        warm-up, would trade on days that are not theirs."""
        config = self.engine_config()
        adaptive = any(config.ladder_of(name).kind == "adaptive" for name in self.market.symbols)
        return None if adaptive else since

    def engine_config(self, settings: Settings | None = None) -> EngineConfig:
        """The engine's view of these settings, or of others on the same market."""
        settings = settings or self.settings
        config = engine_config(settings, 1, Mode.REPLAY, self.market.instruments)
        shares = settings.shares(self.sharing or self.market.symbols)
        shares = {name: shares[name] for name in config.shares}
        return msgspec.structs.replace(config, equity_every=NEVER, shares=shares)

    def account(self, config: EngineConfig, settings: Settings | None = None) -> AccountConfig:
        """The simulated account that goes with it."""
        return account_config(settings or self.settings, Mode.REPLAY, config)


def prepare(request: Request) -> Prepared:
    """Read config and data. Raises RunRefused, in one sentence, for what cannot be used."""
    import os

    try:
        settings = load(request.config, os.environ, request.overrides).settings
    except ConfigError as wrong:
        raise RunRefused(str(wrong)) from wrong
    market = read_market(request, settings)
    return Prepared(settings, market, tuple(sorted((*market.symbols, *market.absent))))


def read_market(request: Request, settings: Settings) -> RecordedMarket:
    """The recorded market alone. Raises RunRefused."""
    from gridbot_tui.market.files import load as load_files

    params, one = settings.market, len(request.symbols) == 1
    try:
        market = load_files(
            request.data,
            market=request.market,
            symbol=request.symbols[0] if one else None,
            only=() if one else request.symbols,
            interval=request.interval,
            exchange_info=None if params.exchange_info is None else Path(params.exchange_info),
            leverage=None if params.leverage_brackets is None else Path(params.leverage_brackets),
            frm=request.frm,
            to=request.to,
            params=params,
            plain=settings.plain,
        )
    except DataError as wrong:
        raise RunRefused(str(wrong)) from wrong
    missing = [name for name in request.symbols if name not in market.instruments]
    if missing:
        there = ", ".join(market.instruments)
        raise RunRefused(f"no candles of {', '.join(missing)} in the days asked for, which hold {there}")
    return market
