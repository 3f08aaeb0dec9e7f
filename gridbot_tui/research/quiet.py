"""Why a run traded nothing, or little, and what is doubtful about its data: said beside every result."""

from collections import Counter

from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.research.backtest import Study
from gridbot_tui.research.outcome import Reason
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.tape import WARMING
from gridbot_tui.units import HOUR, Symbol

MOST = 6
"""Remarks on the data, and reasons, that are told one by one: of many symbols there are dozens."""
DOUBTFUL = ("other_units", "coarse_prices", "price_jump", "price_spike", "mark_apart")
"""Remarks that are told before all others: a whole result may be of what they doubt."""
OFTEN = 0.05
"""Share of the hours from which a reason is worth telling."""


def nothing_traded(made: Study) -> list[str]:
    """Why there is no fill, one sentence each; nothing where there is one."""
    if made.main.figures["fills"]:
        return []
    market, warm = made.prepared.market, made.prepared.settings.strategy.warmup_hours
    if made.since >= market.end and made.prepared.settings.ladder.kind == "adaptive":
        held = (market.end - market.start) / HOUR
        return [
            f"Nothing could be traded: the first {warm} hours only warm the averages up, and the data hold {held:.0f}. "
            "Give more days, or an earlier --from."
        ]
    share = made.prepared.settings.simulation.exchange.volume_share
    if not any(_takes(one, share) for one in market.series.values()):
        if not any(float(one.volume.max()) for one in market.series.values()):
            return ["Nothing was filled: no bar has any volume to take from."]
        part = f"{100 * share:g} % of its volume, which is what may be taken"
        return [f"Nothing was filled: no bar has a whole step in {part}. Is the volume in units of the coin?"]
    why = held_back(made)
    refused = any(one.code == "circuit_open" for one in _told(made))
    # What held some of the orders back is not why the others stood; an order that left and was refused did not stand.
    if not why or (made.main.figures["max_leverage"] and not refused):
        why = ["orders stood, and price never went a tick beyond one", *why]
    more = len(why) - MOST
    said = [f"Nothing was filled: {one}." for one in why[:MOST]]
    return [*said, *([f"{more} more reasons: the report of --report lists them."] if more > 0 else [])]


def _takes(one: Series, share: float) -> bool:
    """Whether an order can take something of any bar; a ``share`` of 0 takes from all."""
    return not share or float(one.volume.max()) * share >= one.instrument.step_f


def held_back(made: Study) -> list[str]:
    """What held orders back after the warm-up, and how often."""
    return [
        f"{one.code.replace('_', ' ')} ({', '.join(filter(None, (one.symbol, _share(one.share))))}): {one.words}"
        for one in _told(made)
    ]


def _told(made: Study) -> list[Reason]:
    known = [one for one in made.main.reasons if one.code != WARMING or not one.symbol]
    return [one for one in known if one.share >= OFTEN]


def _share(value: float) -> str:
    return f"{100 * value:.0f} % of the hours"


def without(symbol: Symbol) -> str:
    """What a symbol means that the data hold at other times only."""
    return f"{symbol}: no candles in these days, its share of the capital stays unused"


def other_than_asked(prepared: Prepared) -> list[str]:
    """That a config is of another market than is played, or names other symbols: the bot would trade otherwise."""
    bot, played = prepared.settings.bot, prepared.sharing or prepared.market.symbols
    market = next(iter(prepared.market.instruments.values())).market
    said = []
    if "market" in bot.model_fields_set and bot.market is not market:
        told = "paths and --market decide, futures where neither tells"
        said.append(f"the config's bot.market is {bot.market}, played is {market}: {told}")
    if "symbols" in bot.model_fields_set and set(bot.symbols) != set(played):
        said.append(
            f"the config's bot.symbols are {', '.join(bot.symbols)}, played is {', '.join(played)}: the capital is "
            "shared among what is played"
        )
    return said


def remarks(market: RecordedMarket) -> list[str]:
    """What loading the data found; the many holes of a long recording as one line a symbol."""
    notes = market.notes
    holes = Counter(note.symbol for note in notes if note.code in ("hole", "episode"))
    said = [*filter(None, [market.passed_over]), *(without(name) for name in market.absent)]
    others = [note for note in notes if note.code not in ("hole", "episode")]
    said += [f"{one.symbol}: {one.detail}" for one in sorted(others, key=lambda one: one.code not in DOUBTFUL)]
    said += [
        f"{symbol}: {count} hole{'s'[: count > 1]} in the data (gridbot data check lists them)"
        for symbol, count in sorted(holes.items())
    ]
    more = len(said) - MOST
    return [*said[:MOST], *([f"and {more} more remarks: gridbot data check lists them"] if more > 0 else [])]
