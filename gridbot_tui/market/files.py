"""Recorded files as a market: Parquet and Binance CSVs, with the funding and mark prices beside them."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from gridbot_tui.market.builtin import builtin, finest_tick
from gridbot_tui.market.candles import Candles, joined, of_one_interval, read_candles, spacing
from gridbot_tui.market.clock import BASE_INTERVALS, interval_ms, interval_name, moment
from gridbot_tui.market.companions import funding_rates, mark_prices
from gridbot_tui.market.derive import coarser, derive, finer, with_tick
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.exchange_info import read_instruments
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.params import DataParams
from gridbot_tui.market.paths import Origin, candle_files
from gridbot_tui.market.quality import apart_remark, jump_remark, spike_remark
from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.market.redenominated import in_first_units
from gridbot_tui.market.settlements import complete, in_order
from gridbot_tui.market.source import FundingRate, QualityNote
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
else:
    Integers = Floats = Any

_DEFAULTS: Final = DataParams()
_MOST_TICKS: Final = 2**53
"""Above this a float no longer tells neighbouring ticks apart."""
_TELLING: Final = 14 * DAY
"""What of a recording tells tick and step: the days in which the strategy warms up, of a plain grid its first hour.
Later bars may not: an order would go by decimals, or by a price level, of a day that was still to come."""

_NAMED: Final = 12
"""Symbols that a sentence names."""


def load(
    paths: Sequence[str],
    *,
    market: Market | None = None,
    symbol: Symbol | None = None,
    only: Sequence[Symbol] = (),
    interval: str | None = None,
    exchange_info: Path | None = None,
    leverage: Path | None = None,
    frm: Ms | None = None,
    to: Ms | None = None,
    params: DataParams = _DEFAULTS,
    plain: Callable[[Symbol], bool] = lambda symbol: False,
) -> RecordedMarket:
    """Load recorded candles for replay.

    Args:
        paths: files, folders and globs. Market, symbol and interval come from them.
        market: must agree with the paths where they tell; decides where they don't (else futures).
        symbol: picks one symbol of several; names files whose path does not tell.
        only: picks several; each must be there.
        interval: as ``symbol``, such as ``1m``.
        exchange_info: filters to use before the built-in ones.
        leverage: margin brackets to go with ``exchange_info``.
        frm: bars that open at or after this.
        to: bars that close at or before this.
        params: what counts as a hole, how many bad rows are forgiven.
        plain: whose grid needs no warm-up and is laid after the first hour.

    Raises:
        DataError: what cannot be used, in one sentence.
    """
    wanted = None if interval is None else interval_ms(interval)
    there = candle_files(paths)
    origins = _of_one_market(_selected(there, symbol, interval), market)
    chosen = _market(origins, market)
    groups = _by_symbol(origins, symbol)
    if missing := sorted(set(only) - groups.keys()):
        lacking = f"{interval or ''} candles of {', '.join(missing)}".lstrip()
        raise DataError(f"no {lacking} in the data given: there are {', '.join(sorted(groups))}")
    passed_over = "" if symbol or only or interval is None else _passed_over(there, groups, chosen, interval)
    groups = {name: files for name, files in groups.items() if not only or name in only}
    _one_interval(groups)
    known = builtin(chosen)
    if exchange_info is not None:
        asked = read_instruments(exchange_info, leverage, groups.keys())
        _of_market(asked, chosen, exchange_info)
        if leverage is None:
            asked = {name: _with_ladder(item, known.get(name)) for name, item in asked.items()}
        known = known | asked
    window = (frm, to)
    series: list[Series] = []
    lengths: dict[Ms, Symbol] = {}
    absent: list[Symbol] = []
    for name, files in sorted(groups.items()):
        length, candles = _candles(name, files, wanted, window, params)
        if candles is None:
            absent.append(name)
            continue
        lengths.setdefault(length, name)
        telling = HOUR if plain(name) else _TELLING
        series.append(_series(name, chosen, candles, files, length, known.get(name), params, telling))
    if not series:
        raise DataError(f"{', '.join(sorted(groups))}: no candles {_words(window)}: widen the dates")
    if len(lengths) > 1:
        told = " and ".join(f"{name} is {interval_name(length)}" for length, name in lengths.items())
        raise DataError(f"all series must share one interval, but {told}: choose one with --interval")
    return RecordedMarket(series, next(iter(lengths)), params.episode_gap_minutes * MINUTE, absent, passed_over)


# -- which files ------------------------------------------------------------------------------------------


def _selected(origins: list[Origin], symbol: Symbol | None, interval: str | None) -> list[Origin]:
    """Those that may be the symbol and interval asked for."""
    of_symbol = [item for item in origins if symbol is None or item.symbol in (None, symbol)]
    if not of_symbol:
        there = ", ".join(sorted({item.symbol or "?" for item in origins}))
        raise DataError(
            f"no candles of {symbol} in the data given, which holds {there}: change --symbol or --data"
        )
    result = [item for item in of_symbol if interval is None or item.interval in (None, interval)]
    if not result:
        raise DataError(
            f"no {interval} candles in the data given, which holds {_choices(of_symbol)}: change --interval"
        )
    return result


def _passed_over(there: list[Origin], taken: Iterable[Symbol], market: Market, interval: str) -> str:
    """The symbols of the market that are there at other intervals only; "" where there is none."""
    left: dict[Symbol, list[Origin]] = {}
    for item in there:
        if item.symbol and item.symbol not in taken and item.market in (None, market):
            left.setdefault(item.symbol, []).append(item)
    if not left:
        return ""
    named = [f"{name} ({_choices(files)})" for name, files in sorted(left.items())]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"passed over, as there are no {interval} candles of them: {', '.join(named[:_NAMED])}{more}"


def _choices(origins: Sequence[Origin]) -> str:
    names = {item.interval for item in origins if item.interval}
    order = list(BASE_INTERVALS)
    return ", ".join(
        sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
    )


def _of_one_market(origins: list[Origin], market: Market | None) -> list[Origin]:
    """Those of the market asked for, where the data hold both."""
    if len({item.market for item in origins if item.market}) < 2:
        return origins
    if market is None:
        raise DataError("the data given mix spot and futures: choose one with --market, or give the folders of one")
    return [item for item in origins if item.market in (None, market)]


def _market(origins: list[Origin], market: Market | None) -> Market:
    told = {item.market for item in origins if item.market}
    of_path = next(iter(told), None)
    if market is not None and of_path is not None and market is not of_path:
        path = next(item.path for item in origins if item.market)
        raise DataError(f"{path} is {of_path} data but --market is {market}: change one of them")
    return market or of_path or Market.FUTURES


def _by_symbol(origins: list[Origin], symbol: Symbol | None) -> dict[Symbol, list[Origin]]:
    groups: dict[Symbol, list[Origin]] = {}
    for item in origins:
        name = item.symbol or symbol
        if name is None:
            raise DataError(f"{item.path} does not tell its symbol: name it with --symbol")
        groups.setdefault(name, []).append(item)
    return groups


def _one_interval(groups: dict[Symbol, list[Origin]]) -> None:
    for name, files in groups.items():
        if len({item.interval for item in files if item.interval}) > 1:
            raise DataError(
                f"{name} is there at several intervals ({_choices(files)}): choose one with --interval"
            )


def _of_market(asked: dict[Symbol, Instrument], market: Market, path: Path) -> None:
    other = next((item for item in asked.values() if item.market is not market), None)
    if other is not None:
        raise DataError(
            f"{path} describes {other.market} but the data are {market}: give that market's exchangeInfo"
        )


def _with_ladder(asked: Instrument, known: Instrument | None) -> Instrument:
    """exchangeInfo tells no brackets: the built-in ones are truer than conservative ones."""
    return asked if known is None else replace(asked, brackets=known.brackets)


# -- one symbol -------------------------------------------------------------------------------------------


def _candles(
    symbol: Symbol,
    files: list[Origin],
    wanted: Ms | None,
    window: tuple[Ms | None, Ms | None],
    params: DataParams,
) -> tuple[Ms, Candles | None]:
    """The interval and the checked rows inside ``window``, ``None`` where there are none."""
    share = params.bad_rows_percent / 100
    told = next((item.interval for item in files if item.interval), None)
    length = wanted or (None if told is None else _told_ms(told, files))
    if length is None:
        length = spacing(joined([read_candles(files[0].path, None, share)], symbol, share), symbol, None)
    parts = [read_candles(item.path, length, share) for item in files]
    of_one_interval(parts, [item.path for item in files], symbol)
    candles = joined(parts, symbol, share)
    length = spacing(candles, symbol, length)
    frm, to = window
    first = 0 if frm is None else int(candles.times.searchsorted(frm))
    last = len(candles.times) if to is None else int(candles.times.searchsorted(to - length, "right"))
    if first >= last:
        return length, None
    return length, candles.take(slice(first, last))


def _told_ms(name: str, files: list[Origin]) -> Ms:
    try:
        return interval_ms(name)
    except DataError as error:
        raise DataError(f"{files[0].path}: {error}") from None


def _series(
    symbol: Symbol,
    market: Market,
    candles: Candles,
    files: list[Origin],
    interval: Ms,
    known: Instrument | None,
    params: DataParams,
    telling: Ms,
) -> Series:
    """Candles in ticks of their instrument, which those of ``telling`` tell, joined with funding and mark prices."""
    import numpy as np

    farthest = interval + params.episode_gap_minutes * MINUTE
    candles, units = in_first_units(candles, farthest)
    remarks = list(candles.remarks)
    jump = jump_remark(candles, farthest)
    remarks += filter(None, (jump, spike_remark(candles)))
    begun = int(candles.times[0])
    # Of whole hours: decisions are made at their ends.
    first = int(candles.times.searchsorted(begun - begun % HOUR + telling))
    # The columns that decide decimals: every fourth price would do, all are cheap.
    told = np.concatenate([column[:first] for column in candles.prices])
    later = np.concatenate([column[first:] for column in candles.prices])
    once = finest_tick(market, symbol, begun)
    instrument = _instrument(symbol, market, known, told, once, remarks)
    size, highest = instrument.tick_f, float(candles.prices[1].max())
    if highest / size > _MOST_TICKS:
        raise DataError(f"{symbol} has prices of {highest:g} at a tick of {instrument.tick}: no such market exists")
    if float(told.min()) / size <= 0.5:
        raise DataError(f"{symbol} has prices under one tick of {instrument.tick}: give an exchangeInfo of its time")
    if len(later) and finer(instrument, later) is not instrument:
        words = f"later prices have more decimals than those it began with: rounded to {instrument.tick:f}"
        remarks.append(("rounded_prices", words))
    del told, later
    opens, highs, lows, closes = (_ticks(column, size) for column in candles.prices)
    mark = None
    funding: list[FundingRate] = []
    if market is Market.FUTURES:
        folders = sorted({item.symbol_folder for item in files})
        for folder in folders:
            funding += funding_rates(folder, symbol, remarks)
        funding = in_order(funding)
        instrument = _scheduled(instrument, funding, candles.times, interval)
        funding = complete(symbol, funding, candles.times, interval, params.assumed_funding, remarks)
        tick = size if units is None else size * units
        mark = _mark(folders, symbol, candles.times, (highs, lows, closes), tick, interval, params, remarks)
    at = begun + interval
    notes = [QualityNote(at, symbol, code, detail) for code, detail in remarks]
    return Series(
        instrument, candles.times, opens, highs, lows, closes, candles.volumes, mark, funding, notes
    )


def _instrument(
    symbol: Symbol,
    market: Market,
    known: Instrument | None,
    prices: Floats,
    once: Decimal | None,
    remarks: list[tuple[str, str]],
) -> Instrument:
    """What is known of the symbol, or what its first ``prices`` tell; ``once`` is a tick that it has had."""
    if known is None:
        made = derive(symbol, market, prices)
        remarks.append(
            (
                "derived_instrument",
                f"no filters known: tick {made.tick:f}, step {made.step:f}, brackets derived from the data",
            )
        )
        return made
    fitted = finer(known if once is None else with_tick(known, once), prices)
    coarse = coarser(fitted, prices)
    if coarse is not fitted:
        words = f"prices move by {coarse.tick:f} only, the tick is {fitted.tick:f}: rounded? {coarse.tick:f} is used"
        remarks.append(("coarse_prices", words))
    elif fitted is not known:
        remarks.append(
            (
                "finer_tick",
                f"prices have more decimals than today's tick {known.tick:f}: {fitted.tick:f} is used",
            )
        )
    return coarse


def _ticks(prices: Floats, size: float | Floats) -> Integers:
    """Nearest whole ticks, one at least: lower no price is quoted. Rounding is monotone, so high and low stay the
    extremes."""
    import numpy as np

    ticks: Integers = np.maximum(np.rint(prices / size), 1).astype(np.int64)
    return ticks


def _scheduled(instrument: Instrument, funding: list[FundingRate], times: Integers, interval: Ms) -> Instrument:
    """The instrument with the schedule of the last recorded settlement."""
    first, last = int(times[0]), int(times[-1]) + interval
    hours = [rate.interval_hours for rate in funding if first < rate.at <= last]
    if not hours or hours[-1] == instrument.funding_interval_hours:
        return instrument
    return replace(instrument, funding_interval_hours=hours[-1])


def _mark(
    folders: list[Path],
    symbol: Symbol,
    times: Integers,
    own: tuple[Integers, Integers, Integers],
    size: float | Floats,
    interval: Ms,
    params: DataParams,
    remarks: list[tuple[str, str]],
) -> tuple[Integers, Integers, Integers] | None:
    """Mark high, low and close by open time, in ticks of ``size``; the bar's own where a mark candle is missing."""
    import numpy as np

    made = own
    known = np.zeros(len(times), dtype=np.bool_)
    for folder in folders:
        found = mark_prices(folder, symbol, interval, params.bad_rows_percent / 100)
        if found is None:
            continue
        rows = np.minimum(np.searchsorted(found[0], times), len(found[0]) - 1)
        has = (found[0][rows] == times) & ~known
        known |= has
        high, low, close = (
            np.where(has, _ticks(column[rows], size), instead) for column, instead in zip(found[1:], made, strict=True)
        )
        made = high, low, close
    if made is own:
        return None
    if apart := apart_remark(times, made[2], own[2]):
        remarks.append(apart)
    if missing := int((~known).sum()):
        remarks.append(
            ("partial_mark", f"{missing} of {len(times)} bars lack a mark candle: their own prices stand in")
        )
    return made


def _words(window: tuple[Ms | None, Ms | None]) -> str:
    frm, to = window
    since = "" if frm is None else f"from {moment(frm)} "
    until = "" if to is None else f"until {moment(to)}"
    return (since + until).strip() or "at all"
