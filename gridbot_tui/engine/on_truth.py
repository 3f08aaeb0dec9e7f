"""What the exchange says when asked: compare it with our books, and act only on what is proved."""

from msgspec.structs import replace

from gridbot_tui.engine import breaking, first_aid, gone, held_before, on_orders, second_bot, watch
from gridbot_tui.engine.actions import AskAboutOrder, RequestResync, StartFact
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import (
    AccountState,
    Adopted,
    LinkChanged,
    OpenOrder,
    OpenOrders,
    OrderReport,
    Outcome,
)
from gridbot_tui.orders.desired import is_dust
from gridbot_tui.orders.ids import parse
from gridbot_tui.orders.model import NewOrder, OrderKind, OrderState, Purpose
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import ZERO, Asset, ClientId, Market, Money, Ms, Symbol, plain

SETTLE: Ms = 5_000
"""An order touched this recently may be missing from a list that was made before it."""
RESIDUAL_PATIENCE: Ms = 30_000
"""A residual older than this after a resync stops new risk."""


def account_state(desk: Desk, event: AccountState) -> None:
    """Start the ledger on the first statement; afterwards tie out against each one."""
    if not desk.started:
        capital = _capital(desk, event.balances)
        begin(desk, event.at, event.balances, capital)
        desk.emit(StartFact(event.at, event.balances, capital))
    desk.truth_at = event.at
    desk.ledger.account.reported(event.balances, event.at)
    marked = []
    for position in event.positions:
        state = desk.symbols.get(position.symbol)
        # Where bars are lost the account's own statement is the news of the price: a gap must not pass unseen.
        if state is not None and position.mark is not None and event.at > state.mark_at:
            state.mark, state.mark_at = position.mark, event.at
            desk.ledger.mark(position.symbol, position.mark)
            marked.append(state)
    if marked and desk.phase == "trading":  # unit value and tiers are taken at bars and quotes alone
        watch.drift(desk)
        for state in marked:
            watch.exits(desk, state)
    _compare_positions(desk, event)
    check_residual(desk)


def _capital(desk: Desk, balances: dict[Asset, Money]) -> Money | None:
    """What the bot may size by; None = the whole wallet. Every limit is a share of it: were it more than there is,
    leverage, drawdown and liquidation would be those of money that nobody has."""
    capital, quote = desk.config.capital, desk.config.quote
    there = balances.get(quote, ZERO)
    if capital is None or capital <= there:
        return capital
    detail = f"bot.capital is {plain(capital)} {quote}, and the wallet holds {plain(there)}: it sizes by what is there"
    desk.note("", "capital", detail, "warning")
    return None


def begin(desk: Desk, at: Ms, balances: dict[Asset, Money], capital: Money | None) -> None:
    """Start the ledger of this profile."""
    desk.ledger.start(at, balances, capital)
    desk.started = True
    desk.ledger_at = desk.last_cash_at = at


def check_residual(desk: Desk) -> None:
    """A residual is pending while events and statements disagree; one that stays stops new risk."""
    pending = desk.ledger.account.pending_since()
    if pending is None or desk.now - pending < RESIDUAL_PATIENCE:
        if desk.blockers.clear("", "residual"):
            desk.note("", "residual", "the ledger ties out with the exchange again")
            desk.touch_all()
        return
    left = ", ".join(f"{plain(amount)} {asset}" for asset, amount in residuals(desk).items())
    detail = f"the wallet differs from the ledger by {left}"
    if desk.blockers.hold("", "residual", desk.now, detail, "when the ledger ties out with the exchange"):
        desk.note("", "residual", detail, "error")
        desk.touch_all()


def residuals(desk: Desk) -> dict[Asset, Money]:
    """Exchange minus ledger per asset, where it is not zero."""
    return desk.ledger.account.residuals()


def _compare_positions(desk: Desk, event: AccountState) -> None:
    if desk.config.market is Market.SPOT:
        return
    stated = {position.symbol: position for position in event.positions}
    before, desk.unexplained = desk.unexplained, {}
    lasting: set[Symbol] = set()
    for symbol in desk.symbols:
        ours, position = desk.ledger.position(symbol), stated.get(symbol)
        theirs = 0 if position is None else position.steps
        same = before.get(symbol) == theirs - ours  # no news of a trade has come since the last statement
        if ours != theirs and same and _lasts(desk, event.at, symbol):
            ours += held_before.book(desk, event.at, symbol, position, theirs - ours)
        gone.stated(desk, event.at, symbol, theirs)
        if desk.ledger.book(symbol).of_before:
            lasting.add(symbol)
        if ours == theirs:
            if desk.blockers.clear(symbol, "position_unknown"):
                desk.dirty.add(symbol)
            continue
        desk.unexplained[symbol] = theirs - ours
        one = desk.symbols[symbol].instrument
        holds, knows = (plain(one.quantity(steps)) for steps in (theirs, ours))
        detail = f"the exchange holds {holds} {one.base}, the ledger {knows}"
        if desk.blockers.hold(symbol, "position_unknown", event.at, detail, "when both agree after a resync"):
            desk.note(symbol, "position_unknown", detail, "warning")
            desk.dirty.add(symbol)
        elif theirs and (_for_long(desk, event.at) or (same and desk.phase == "recovering")):
            lasting.add(symbol)  # a recovery has asked for the trades between two statements
    foreign = sorted(one.symbol for one in event.positions if one.steps and one.symbol not in desk.symbols)
    _foreign_positions(desk, event.at, foreign, sorted(lasting))


def _lasts(desk: Desk, at: Ms, symbol: Symbol) -> bool:
    """A difference of a symbol that is too old for news of a trade to be on its way."""
    since = desk.blockers.since_of(symbol, "position_unknown")
    return since is not None and at - since >= RESIDUAL_PATIENCE


def _for_long(desk: Desk, at: Ms) -> bool:
    since = desk.blockers.since("position_unknown")
    lasts = since is not None and at - since >= RESIDUAL_PATIENCE
    return lasts or desk.blockers.holds("", "foreign_position")


def _foreign_positions(desk: Desk, at: Ms, untraded: list[Symbol], unexplained: list[Symbol]) -> None:
    """Positions in symbols that are not traded share the margin, and no limit counts them; nor those that no fill we
    know of explains, until they are booked as of before the first start. No new risk beside any of them."""
    code = "foreign_position"
    for one in [held for held in desk.blockers.every() if held.code == code and held.symbol]:
        desk.blockers.clear(one.symbol, code)  # a snapshot of a version that named each by itself
    if not untraded and not unexplained:
        if desk.blockers.clear("", code):
            desk.note("", code, "no position that is not the bot's is held any more")
            desk.touch_all()
        return
    words = []
    if untraded:
        words.append(f"{', '.join(untraded)}: a position that is not the bot's, in a symbol that it does not trade")
    if unexplained:
        words.append(f"{', '.join(unexplained)}: a position, or a part of one, that no fill the bot knows of explains")
    detail = "; ".join(words)
    if desk.blockers.hold("", code, at, detail, "when it is closed"):
        desk.note("", code, detail, "warning")
        desk.touch_all()


def open_orders(desk: Desk, event: OpenOrders) -> None:
    """Compare the exchange's list with our book: adopt, announce, or ask; never conclude from absence."""
    desk.listed = listed = set()
    foreign: dict[str, OpenOrder] = {}
    for order in event.orders:
        listed.add(order.client_id)
        if not desk.ids.is_ours(order.client_id):
            foreign[order.client_id] = order
            second_bot.sign(desk, order.client_id)
        elif _forgotten(desk, event.at, order.client_id):
            if desk.phase == "trading" and desk.orders.get(order.client_id) is None:
                second_bot.sign(desk, order.client_id)
            _adopt(desk, event.at, order)
        else:
            _confirm(desk, event.at, order)
    second_bot.review(desk)
    _announce(desk, foreign)
    if desk.phase == "recovering":
        first_aid.protect(desk, event)
    for live in desk.orders.all_live():
        mine = live.order
        if mine.client_id not in listed and event.at - live.changed_at >= SETTLE and desk.phase == "trading":
            desk.emit(AskAboutOrder(mine.symbol, mine.client_id, live.conditional))


def missing(desk: Desk) -> list[tuple[Symbol, ClientId, bool]]:
    """Our live orders that the last list did not name: their fate must be asked for by id.

    What left a moment ago may still be on its way: asked now, "no such order" would be no proof.
    """
    settled = desk.now - SETTLE
    return [
        (live.order.symbol, live.order.client_id, live.order.purpose is Purpose.STOP)
        for live in desk.orders.all_live()
        if live.order.client_id not in desk.listed
        # What another life has sent is asked about at once, what this one has sent once it has settled.
        and (live.changed_at <= settled or (desk.phase != "trading" and live.sent_at <= desk.started_at))
    ]


def _forgotten(desk: Desk, at: Ms, client_id: ClientId) -> bool:
    """True where an order of ours stands of which we know nothing, or that we took for ended before ``at``."""
    live = desk.orders.get(client_id)
    return live is None or (live.ended and at > live.changed_at)


def link_changed(desk: Desk, event: LinkChanged) -> None:
    """A source went down or came back: entries stop without prices, news of our orders, or a disk for them."""
    desk.links[event.source] = (event.up, event.at, event.detail)
    if event.source == "store":
        _store_changed(desk, event)
    elif event.up:
        down = any(not up for source, (up, _, _) in desk.links.items() if source != "store")
        if not down and desk.blockers.clear("", "link_down"):
            breaking.fine(desk, "silence")
            desk.emit(RequestResync(f"{event.source} is back"))
            desk.touch_all()
    else:
        named = f"{event.source}: "  # a connection is often called as its source is
        words = event.detail if event.detail.startswith(named) else named + event.detail
        if desk.blockers.hold("", "link_down", event.at, words, "when it is back and resynced"):
            desk.touch_all()
        if not event.begins and not desk.breakers.is_open("silence"):
            desk.note("", "link_down", words, "error")
            breaking.trip(desk, "silence", words)


def _store_changed(desk: Desk, event: LinkChanged) -> None:
    """The state file takes no writes, or takes them again. What reduces or protects goes out meanwhile."""
    code, clears = "store_unavailable", "when the disk takes writes again"
    if event.up:
        if desk.blockers.clear("", code):
            breaking.fine(desk, "disk")
            desk.note("", code, "the state file takes writes again; what waited is written", "info")
            desk.touch_all()
    elif desk.blockers.hold("", code, event.at, event.detail, clears):
        desk.note("", code, event.detail, "error")
        breaking.trip(desk, "disk", event.detail)
        desk.touch_all()


def _confirm(desk: Desk, at: Ms, order: OpenOrder) -> None:
    live = desk.orders.get(order.client_id)
    if live is None:
        return
    if live.state is OrderState.CANCELLING and (desk.phase != "trading" or at - live.changed_at >= SETTLE):
        # It stands although its cancel has had its time: the cancel never left or got lost.
        on_orders.report(desk, OrderReport(at, order.symbol, order.client_id, Outcome.CANCEL_UNRESOLVED))
    if live.state in (OrderState.SENDING, OrderState.UNRESOLVED):
        outcome = Outcome.PARTLY_FILLED if order.filled else Outcome.ACCEPTED
        on_orders.report(desk, OrderReport(at, order.symbol, order.client_id, outcome, order.filled))
    if live.order.kind is OrderKind.LIMIT and live.state in (OrderState.RESTING, OrderState.PARTLY_FILLED):
        mine = live.order
        if (mine.price, mine.steps) != (order.price, order.steps):  # the bot itself never changes an order
            changed = replace(mine, price=order.price, steps=order.steps)
            on_orders.adopted(desk, Adopted(at, changed, order.filled, changed=True))


def _adopt(desk: Desk, at: Ms, order: OpenOrder) -> None:
    parts = parse(order.client_id)
    if parts is None or order.symbol not in desk.symbols:
        return
    adopted = NewOrder(
        client_id=order.client_id,
        symbol=order.symbol,
        side=order.side,
        kind=OrderKind.STOP_MARKET if order.conditional else OrderKind.LIMIT,
        steps=order.steps,
        price=order.price,
        purpose=parts.purpose,
        created_at=at,
        post_only=not order.conditional,
        reduce_only=order.reduce_only,
        trigger=order.trigger,
        epoch=parts.epoch,
        rung=parts.rung,
    )
    on_orders.adopted(desk, Adopted(at, adopted, order.filled))


def _announce(desk: Desk, foreign: dict[str, OpenOrder]) -> None:
    before, desk.foreign_orders = desk.foreign_orders, foreign
    for client_id, order in foreign.items():
        if client_id not in before:
            detail = f"order {client_id} is not the bot's: counted, never touched"
            desk.note(order.symbol, "foreign_order", detail, "warning")
    for client_id in before.keys() | foreign.keys():
        was, now = before.get(client_id), foreign.get(client_id)
        if was != now:
            known = now if now is not None else was
            if known is not None:
                desk.orders_changed(known.symbol)
                desk.others_changed()


def closable(desk: Desk, symbol: Symbol) -> int:
    """Our position in steps that the exchange would take an order for; 0 where only dust is left."""
    state = desk.symbols.get(symbol)
    if state is None:
        return 0  # it is not listed any more
    position, best = desk.guarded(symbol), state.best
    if not position or best is None:
        return position
    return 0 if is_dust(state.instrument, position, Touch(*best)) else position
