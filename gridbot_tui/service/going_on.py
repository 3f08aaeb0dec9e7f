"""Whether a run may go on with a profile: by its symbols, its name and the kinds of its grids it knows what it holds,
and it sizes by the capital that its books began with.

Each objection is a sentence with the exit code of a refusal for safety.
"""

from collections.abc import Collection

from gridbot_tui.engine.core import Engine
from gridbot_tui.service.assemble import EXIT_REFUSED, RunRefused
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.store.core import Store
from gridbot_tui.units import Money, Symbol, plain


def with_its_symbols(profile: Profile, store: Store, engine: Engine, gone: Collection[Symbol]) -> None:
    """A profile trades the symbols it began with, but for those that are gone: its books say nothing of others."""
    names = ",".join(engine.symbols)
    known = store.get_meta("symbols")
    if known is None:
        store.put_meta("symbols", names)
    elif known != names and set(known.split(",")) != {*engine.symbols, *gone}:
        raise RunRefused(
            f"profile {profile.name} trades {known}, this run has {names}; name another with --profile", EXIT_REFUSED
        )


def under_its_name(profile: Profile, store: Store, engine: Engine, *, crashed: bool) -> None:
    """Under another name this bot's own orders were another bot's: nobody would mind them, nor any stop."""
    name, known = engine.desk.config.bot, store.get_meta("bot_name")
    if known is not None and known != name and (crashed or _holds(engine)):
        raise RunRefused(
            f'the orders of profile {profile.name} are named {known}, and with bot.name = "{name}" it '
            f"would take them for another bot's: end it as {known} with 'gridbot stop', then change the name",
            EXIT_REFUSED,
        )
    if known != name:
        store.put_meta("bot_name", name)


def with_its_kinds(profile: Profile, engine: Engine) -> None:
    """As for a reload: a lot belongs to a rung, and the numbers of a grid of one kind name no rung of another."""
    held = {*engine.open_positions(), *(live.order.symbol for live in engine.desk.orders.all_live())}
    for symbol, state in engine.desk.symbols.items():
        kind, was = engine.desk.config.ladder_of(symbol).kind, state.plan.kind if state.plan is not None else None
        if symbol in held and was is not None and was != kind:
            raise RunRefused(
                f"what profile {profile.name} holds in {symbol} belongs to a grid of kind {was}, and "
                f'ladder.kind = "{kind}" can come only on a flat book: start it as {was}, end it with '
                "'gridbot stop', then change the kind; or name another profile with --profile",
                EXIT_REFUSED,
            )


def with_its_capital(profile: Profile, store: Store, engine: Engine, capital: Money | None) -> str:
    """The books count from the capital they began with: another one of the config would size nothing, unsaid.

    ``capital`` is what the config allots; None = the whole wallet in the quote asset, which is all that one of more
    than the wallet held could begin with, too. Returns what is to be said where something is held, which a bot minds
    all the same.
    """
    ledger, asked = engine.desk.ledger, "" if capital is None else plain(capital)
    if not ledger.started:
        store.put_meta("capital", asked)
        return ""
    whole = ledger.account.sums(ledger.quote).start
    if ledger.allotted == (whole if capital is None else capital) or store.get_meta("capital") == asked:
        return ""
    then = f"{plain(ledger.allotted)} {ledger.quote}" + (" (its whole wallet then)" if ledger.allotted == whole else "")
    now = "none, for the whole wallet" if capital is None else plain(capital)
    said = f"profile {profile.name} sizes by the {then} that it began with, and bot.capital is {now} now"
    if _holds(engine):
        return f"{said}: that is passed over, for what is held wants minding; put it back as it was"
    raise RunRefused(f"{said}: put it back as it was, or name another profile with --profile", EXIT_REFUSED)


def _holds(engine: Engine) -> bool:
    """Whether it knows of a position or of an order that may stand."""
    return bool(engine.open_positions()) or any(True for _ in engine.desk.orders.all_live())
