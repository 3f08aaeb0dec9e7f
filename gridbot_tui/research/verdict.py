"""The report's sentences: what was assumed, what has an edge here and what has none, said as plainly."""

from datetime import UTC, datetime

from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.research.analysis import Analysis, Row
from gridbot_tui.research.backtest import Study
from gridbot_tui.research.baselines import TITLES
from gridbot_tui.research.halts import Halt
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.quiet import DOUBTFUL, other_than_asked, without
from gridbot_tui.research.request import Prepared
from gridbot_tui.units import Market, Ms

PROOF = 0.95
"""A probability from which it counts as one."""
MOST_REMARKS = 12
"""On the data, that a page tells one by one."""
_LONG = 10_000.0
"""Times of what there was from which a percentage is written with an exponent."""


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage with its sign; ``-`` where unknown."""
    if value is None:
        return "-"
    # The rate of a year of two good weeks may have thirty digits.
    shape = f"+.{digits}f" if abs(value) < _LONG else "+.1e"
    return f"{100 * value + 0.0:{shape}} %"


def number(value: float | None, digits: int = 2) -> str:
    """A ratio; ``-`` where unknown."""
    return "-" if value is None else f"{value:.{digits}f}"


def bounds(found: Interval | None, *, as_percent: bool = True) -> str:
    """``value [low, high]``."""
    if found is None:
        return "too few days"
    one = percent if as_percent else number
    return f"{one(found.value)} [{one(found.low)}, {one(found.high)}]"


def minute(at: Ms) -> str:
    """A moment, UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def halt_words(one: Halt) -> str:
    """One halt in a sentence: what was at stake, how far it gapped, what it cost past its line."""
    kept = "within" if one.kept else "BEYOND"
    return (
        f"Halted at {minute(one.at)} with equity {one.equity:,.2f} and {one.exposure:.2f}x held: "
        f"{percent(max(one.beyond, 0.0), 2)} lost past the line, {kept} its bound of {percent(one.bound, 2)} "
        f"(a gap of {percent(one.gap, 2)} against the positions, costs {percent(one.costs, 2)})."
    )


def liquidated(made: Study) -> list[str]:
    """Whose position the exchange took: no other figure of a run matters beside it."""
    whose = {"It": made.main, **{f"The baseline {TITLES[name]}": one for name, one in made.others.items()}}
    counts = {title: one.figures["liquidations"] for title, one in whose.items()}
    often = {title: "once" if count == 1 else f"{count} times" for title, count in counts.items() if count}
    told = "the exchange closed what was held because its margin was gone."
    return [f"{title} was liquidated {times}: {told}" for title, times in often.items()]


def deflation(probability: float, tried: str) -> str:
    """What a deflated Sharpe ratio proves, for so many that were tried."""
    proven = "which proves something" if probability > PROOF else "which proves nothing"
    return f"Deflated for {tried}, the probability of a true Sharpe ratio above zero is {probability:.2f}, {proven}."


def verdicts(found: Analysis) -> list[str]:
    """One sentence on the result, one on each comparison that says anything, one on luck."""
    own = found.rows[0]
    said = [
        f"Over {found.days} days after the warm-up the strategy made {percent(own.net_return)} "
        f"with a deepest fall of {percent(own.max_drawdown)}."
    ]
    after = "Later it traded again." if found.traded_on else "From then on it stayed flat."
    said += [f"{halt_words(one)} {after}" for one in found.halts[-1:]]
    if found.growth is None:
        said.append("That is too short for an interval: take no figure here for more than an anecdote.")
        return said
    if found.growth.certain:
        word = "above" if found.growth.low > 0 else "below"
        said.append(f"Its yearly mean return, {bounds(found.growth)}, is {word} zero beyond luck of these days.")
    else:
        said.append(f"Its yearly mean return, {bounds(found.growth)}, is not distinguishable from zero.")
    said += [_against(row) for row in found.rows[1:]]
    if found.deflated is not None:
        said.append(deflation(found.deflated, f"{found.trials} configuration{'s'[: found.trials > 1]} tried"))
    if found.sensitivity:
        better = sum(one.net_return > own.net_return for one in found.sensitivity)
        certain = sum(one.gain is not None and one.gain.low > 0 for one in found.sensitivity)
        said.append(
            f"Of {len(found.sensitivity)} changes of one parameter {better} would have returned more, "
            f"{certain} of them beyond luck of these days."
        )
    return said


def _against(row: Row) -> str:
    gap = row.advantage
    if gap is None:
        return f"Against {row.title}: too few common days to say."
    if gap.low > 0:
        return f"Ahead of {row.title} by {bounds(gap)} a year."
    if gap.high < 0:
        return f"Behind {row.title} by {bounds(gap)} a year."
    return f"Against {row.title} ({percent(row.net_return)}) no difference is shown: {bounds(gap)} a year."


def _episodes(made: Study) -> str:
    count = made.main.figures["episodes"]
    return f"{count} episode{'' if count == 1 else 's'}"


def _filters(prepared: Prepared) -> list[str]:
    """Whose order filters and price limits were gone by, if any are of another day than the recording."""
    known = [name for name, one in prepared.market.instruments.items() if not one.derived]
    if not known:
        return []
    given = prepared.settings.market.exchange_info
    whose = "of 2025/26, which are built in" if given is None else f"of {given} where it has them, else those built in"
    return [
        f"{', '.join(known)}: order filters, price limits and margin brackets are those {whose}, whatever the exchange "
        "had on the days played. A tick is finer where the recording's first days show a finer one."
    ]


def _of_the_data(market: RecordedMarket) -> list[str]:
    """What loading the data found, doubts first: of many symbols there are dozens of remarks."""
    said = [f"{market.passed_over[0].upper()}{market.passed_over[1:]}."] if market.passed_over else []
    said += [f"{without(name)}." for name in market.absent]
    notes = [note for note in market.notes if note.code != "hole"]
    notes.sort(key=lambda note: note.code not in DOUBTFUL)
    said += [f"{note.symbol}: {note.detail}" for note in notes[:MOST_REMARKS]]
    more = len(notes) - MOST_REMARKS
    return said + ([f"{more} more remarks on the data: gridbot data check lists them."] if more > 0 else [])


def assumed(prepared: Prepared) -> list[str]:
    """What every run over a recording rests on."""
    settings, market, config = prepared.settings, prepared.market, prepared.engine_config()
    exchange, capital = settings.simulation.exchange, prepared.account(config).balances[config.quote]
    said = [
        f"Capital {capital:,.0f} {config.quote}, split equally unless configured otherwise.",
        f"Maker fee {100 * float(config.maker_fee):g} %, taker fee {100 * float(config.taker_fee):g} %, a taker pays "
        f"{exchange.half_spread_bp:g} bp of spread and {exchange.slippage_bp:g} bp of slippage besides.",
        "A limit order fills at its own price, only if the bar trades a tick beyond it, never in the bar it was "
        "born in. Queue position, latency and rate limits are not modelled.",
        "Any volume may be taken from a bar."
        if not exchange.volume_share
        else f"At most {100 * exchange.volume_share:g} % of a bar's volume is taken.",
        f"Bars of {market.interval // 60_000} min; an episode ends after a long hole, positions are closed there with "
        "costs. The end of the days played flattens nothing: the result marks to the last close.",
    ]
    if config.market is Market.FUTURES:
        rate = settings.market.assumed_funding
        said.append(
            "Funding is charged as recorded; where none is recorded, "
            + (f"{100 * rate:g} % every 8 hours is assumed, longs paying." if rate else "none is charged.")
        )
    others = [f"{line[0].upper()}{line[1:]}." for line in other_than_asked(prepared)]
    return [*said, *others, *_filters(prepared), *_of_the_data(market)]


def assumptions(made: Study) -> list[str]:
    """What the numbers of a back-test rest on."""
    risk = made.prepared.engine_config().risk
    said = [
        f"{made.prepared.market.bars_total:,} bars, {_episodes(made)}.",
        "Baselines start when the strategy's warm-up ends; buy and hold is unlevered, static grids are long, "
        "25 levels, 25 % to either side of the first price, fully invested at the bottom. All but buy and hold keep "
        f"the strategy's risk limits, and halt at a drawdown of {100 * risk.tier3_enter:g} %.",
    ]
    if any(one.leaps for one in made.others.values()):
        said.append(
            "What buy and hold made while the recording had no bars for more than a day counts in its return, not in "
            "its Sharpe ratio and differences, which are of single days."
        )
    said += assumed(made.prepared)
    return said + [f"{name} was not played: {why}." for name, why in made.skipped.items()]
