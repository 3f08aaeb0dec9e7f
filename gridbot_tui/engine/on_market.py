"""What the market says: closed bars, quotes, funding. Bars move strategy and plan; quotes move risk only."""

from gridbot_tui.engine import breaking, planning, watch
from gridbot_tui.engine.actions import ModeFact
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.events import BarsClosed, FeesChanged, FundingSettled, Quote
from gridbot_tui.market.aggregate import Hour
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import DAY, HOUR, Ms, plain

LATE_BAR_GRACE: Ms = 5_000
"""How long the last bar of an hour may take to arrive before the hour is closed without it."""


def bars_closed(desk: Desk, event: BarsClosed) -> None:
    """Apply all bars of this millisecond, then decide the account once."""
    at = event.at
    decided: list[SymbolDesk] = []
    symbols = desk.symbols
    for symbol, bar in event.bars:
        state = symbols.get(symbol)
        if state is None or bar.open_at < state.next_open:
            continue
        if absorb_bar(desk, state, bar, at):
            decided.append(state)
    decided.extend(_late_hours(desk, at))
    for quality in event.notes:
        desk.note(quality.symbol, quality.code, quality.detail, "warning")
    finish_day(desk, at)
    if desk.phase == "trading":
        watch.account(desk)  # while recovering, bars of the past would meet positions of the present
    for symbol in event.episode_ends:
        end_episode(desk, symbols[symbol])
    if desk.phase == "trading":
        if decided:
            breaking.losses(desk)
        planning.renew(desk, decided)
        watch.each_bar(desk)


def absorb_bar(desk: Desk, state: SymbolDesk, bar: Bar, at: Ms) -> bool:
    """Take one bar into prices, shadows and features; True where it closed a decision bar."""
    state.next_open = bar.close_at
    state.bar_at = at
    if state.close is None:
        desk.dirty.add(state.symbol)  # until now there was no price to place anything at
        desk.blockers.clear(state.symbol, "no_data")
    state.close = bar.close
    state.episode_over = False
    if at >= state.mark_at:  # in real time a mark is often younger than the bar that is told of
        state.mark = bar.mark_close
        state.mark_at = at
        desk.ledger.mark(state.symbol, bar.mark_close)
    tick = state.instrument.tick_f
    desk.strategy.bar(state.symbol, at, bar.high * tick, bar.low * tick, bar.close * tick)
    hours = state.hour.feed(bar)
    for hour in hours:
        close_hour(desk, state, hour)
    return bool(hours)


def close_hour(desk: Desk, state: SymbolDesk, hour: Hour) -> None:
    """Pass a closed decision bar to the features and remember it for the chart."""
    desk.strategy.hour(state.symbol, hour.close_at, hour.close * state.instrument.tick_f)
    desk.ledger.set_asset_price(state.instrument.base, state.instrument.price(hour.close))
    state.bars.append((hour.open_at, hour.open, hour.high, hour.low, hour.close))
    votes = desk.strategy.votes(state.symbol)
    if votes is not None:
        state.votes.append((hour.close_at, votes.up, votes.down, votes.neutral))


def _late_hours(desk: Desk, at: Ms) -> list[SymbolDesk]:
    """Symbols whose hour is over although its last bars never came."""
    late: list[SymbolDesk] = []
    ended = at - LATE_BAR_GRACE
    for state in desk.symbols.values():
        hour = state.hour.due(ended)
        if hour is not None:
            close_hour(desk, state, hour)
            late.append(state)
    return late


def finish_day(desk: Desk, at: Ms) -> None:
    """Let the ensemble learn from the day that ended; what it learns acts from here on, never before."""
    day = at // DAY
    if desk.day == day:
        return
    first, desk.day = desk.day is None, day
    if first:
        return
    change = desk.strategy.day(at)
    if change is not None:
        planning.weights_changed(desk, change)


def end_episode(desk: Desk, state: SymbolDesk) -> None:
    """The data stop here for long: close at the last close, forget features; weights and wallet go on."""
    desk.note(
        state.symbol,
        "episode_end",
        "market data end here; the position is closed at the last close",
        "warning",
    )
    desk.emit(ModeFact(desk.now, "episode_over", state.symbol, "1"))
    state.episode_over = True
    state.plan = None
    planning.forget(desk, state.symbol)
    desk.strategy.end_episode(state.symbol, desk.now)
    desk.dirty.add(state.symbol)


def quote(desk: Desk, event: Quote) -> None:
    """Prices between bars: they mark the account and may raise a tier; they never renew a plan."""
    state = desk.symbols.get(event.symbol)
    if state is None:
        return
    if state.best is None:
        desk.dirty.add(event.symbol)  # until now there was no price to place anything at
        desk.blockers.clear(event.symbol, "no_data")
    state.bid = event.bid if event.bid is not None else state.bid
    state.ask = event.ask if event.ask is not None else state.ask
    state.close = event.last if event.last is not None else state.close
    state.next_funding_at = event.funding_at or state.next_funding_at
    if event.mark is not None:
        state.mark = event.mark
        state.mark_at = event.at - event.late
        desk.ledger.mark(state.symbol, event.mark)
        if desk.phase == "trading":
            watch.account(desk)
            watch.guard_at_mark(desk, state)
            watch.exits(desk, state)


def funding_settled(desk: Desk, event: FundingSettled) -> None:
    """The market's rate: a feature, a cost of the shadows, and the schedule shown to the operator."""
    for rate in event.rates:
        state = desk.symbols.get(rate.symbol)
        if state is None or rate.at <= state.funding_at:
            continue
        state.funding_at = rate.at
        state.funding_rate = rate.rate
        state.next_funding_at = rate.at + rate.interval_hours * HOUR
        desk.strategy.funding(rate.symbol, rate.at, rate.rate, rate.interval_hours)


def fees_changed(desk: Desk, event: FeesChanged) -> None:
    """Other fees: what is shown reckons with them at once, spacings from the next decision on."""
    was, maker, taker = desk.config, event.maker, event.taker
    if (was.maker_fee, was.taker_fee) == (maker, taker):
        return
    desk.charge(maker, taker)
    dearer = maker > was.maker_fee or taker > was.taker_fee
    changed = [
        f"{name} from {plain(100 * before)} % to {plain(100 * now)} %"
        for name, before, now in (("maker", was.maker_fee, maker), ("taker", was.taker_fee, taker))
        if before != now
    ]
    text = f"the account's fees have changed: {', '.join(changed)}; the next decision spaces its grid by them"
    desk.note("", "fees", text, "warning" if dearer else "info")


def tick(desk: Desk) -> None:
    """Time passes: late hours, ages, cooldowns."""
    decided = _late_hours(desk, desk.now)
    if desk.phase == "trading":
        planning.renew(desk, decided)
        watch.each_tick(desk)
