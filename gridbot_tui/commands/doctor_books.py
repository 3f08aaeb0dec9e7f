"""The ledger against the simulated exchange's own books, line by line. Read only, both of them.

While the bot runs the two are never read at the same instant: what differs is looked at again, and only what
differs every time is a difference.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from gridbot_tui.commands import export_rows
from gridbot_tui.commands.doctor_check import Check, fail, ok, warn
from gridbot_tui.exchange.simulated.books import BooksView, read_books
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.reader import Reader, reading
from gridbot_tui.units import ZERO, Mode, plain

LOOKS: Final = 5
BETWEEN_S: Final = 0.3
SHOWN: Final = 5
MISSING: Final = "start the bot anew: it asks the exchange for what it missed"
WRONG: Final = "stop new risk ('gridbot pause') and send 'gridbot support': the ledger is not what happened"

RECORDS: Final = ("ledger trades", "ledger cash", "ledger orders")
BEHIND: Final = "not heard of: "
"""How a line begins that the bot's next question to the exchange would set right."""

Differences = dict[str, list[str]]
"""By name of the check, a line a difference; an empty list is agreement."""


def books(profile: Profile, pause: Callable[[float], None] = time.sleep) -> list[Check]:
    """The checks, one a kind of record and one a wallet and a position."""
    theirs, ours = profile.exchange_database, profile.database
    if not theirs.exists() and _simulated(ours):
        return [fail("ledger", f"not compared: {theirs} is gone", "put it back, or move the profile's folder away")]
    if not theirs.exists() or not ours.exists():
        why = "no simulated exchange keeps books here" if ours.exists() else "this profile has not run yet"
        return [warn("ledger", f"not compared: {why}", "the bot itself ties out and shows the residual")]
    try:
        found = compare(theirs, ours)
        for _ in range(LOOKS - 1):
            if not profile.running or not any(found.values()):
                break
            pause(BETWEEN_S)
            found = _lasting(found, compare(theirs, ours))
    except (sqlite3.Error, ValueError) as error:
        return [fail("ledger", f"{theirs} cannot be read: {error}", "another profile, or this one anew")]
    except StoreError as error:
        return [fail("ledger", f"not compared: {error}", "see to the database first")]
    return _judged(found, running=profile.running)


def _simulated(ours: Path) -> bool:
    """True where the ledger has begun on a simulated exchange."""
    try:
        with reading(ours) as reader:
            whose = reader.identity
            return whose is not None and whose.mode not in (Mode.TESTNET, Mode.LIVE) and bool(reader.ledger_start())
    except StoreError:
        return False  # the check of the database says why


def compare(theirs: Path, ours: Path) -> Differences:
    """Every difference between the exchange's books and the bot's.

    Raises:
        sqlite3.Error, ValueError: the books cannot be read.
        StoreError: the state file cannot be read.
    """
    view = read_books(theirs)
    with reading(ours) as reader:
        if reader.ledger_start() is None:
            return {"ledger": ["the ledger has not begun: the bot was never recovered"]}
        found: Differences = {
            "ledger trades": _records(_their_trades(view), _our_fills(reader), "trade"),
            "ledger cash": _records(_their_cash(view), _our_cash(reader), "cash line"),
            "ledger orders": _orders(view, reader),
        }
        found.update(_wallets(view, reader))
        found.update(_positions(view, reader))
    return found


def _lasting(before: Differences, now: Differences) -> Differences:
    return {name: [line for line in lines if line in before.get(name, ())] for name, lines in now.items()}


def _judged(found: Differences, *, running: bool) -> list[Check]:
    """A dead bot that has not heard of everything is no fault: its next start asks. All else is one."""
    records = [line for name in RECORDS for line in found.get(name, [])]
    behind = bool(records) and all(line.startswith(BEHIND) for line in records)
    checks = []
    for name, lines in found.items():
        more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        text = "; ".join(lines[:SHOWN]) + more
        if not lines:
            checks.append(ok(name, "agrees with the exchange"))
        elif behind:
            checks.append(fail(name, text, MISSING) if running else warn(name, text, MISSING))
        else:
            checks.append(fail(name, text, WRONG))
    return checks


# -- records -------------------------------------------------------------------------------------------------------

Record = dict[str, Any]


def _records(theirs: dict[Any, Record], ours: list[tuple[Any, Record]], noun: str) -> list[str]:
    counts = Counter(key for key, _ in ours)
    known = dict(ours)
    lines = [f"{noun} {_name(key)} is booked {count} times" for key, count in counts.items() if count > 1]
    lines += [f"{BEHIND}{noun} {_name(key)} {_told(theirs[key])}" for key in theirs if key not in known]
    lines += [f"{noun} {_name(key)} never happened" for key in known if key not in theirs]
    for key, record in theirs.items():
        mine = known.get(key)
        if mine is not None and mine != record:
            wrong = [f"{n} {mine[n]} is {record[n]} there" for n in record if mine[n] != record[n]]
            lines.append(f"{noun} {_name(key)}: {', '.join(wrong)}")
    return lines


def _name(key: Any) -> str:
    return " ".join(key) if isinstance(key, tuple) else str(key)


def _told(record: Record) -> str:
    return "(" + ", ".join(f"{name} {value}" for name, value in record.items()) + ")"


def _their_trades(view: BooksView) -> dict[Any, Record]:
    names = ("side", "price", "steps", "fee", "fee_asset", "maker", "realised")
    return {(t.symbol, str(t.trade_id)): {name: getattr(t, name) for name in names} for t in view.trades}


def _our_fills(reader: Reader) -> list[tuple[Any, Record]]:
    names = ("side", "price", "steps", "fee", "fee_asset", "maker", "realised")
    return [((f.symbol, f.trade_id), {name: getattr(f, name) for name in names}) for f in reader.each_fill()]


def _their_cash(view: BooksView) -> dict[Any, Record]:
    names = ("kind", "asset", "amount", "symbol")
    return {str(c.cash_id): {name: getattr(c, name) for name in names} for c in view.cash}


def _our_cash(reader: Reader) -> list[tuple[Any, Record]]:
    names = ("kind", "asset", "amount", "symbol")
    return [(c.cash_id, {name: getattr(c, name) for name in names}) for c in reader.each_cash()]


def _orders(view: BooksView, reader: Reader) -> list[str]:
    there = {order.client_id: order for order in view.open_orders if not order.manual}
    here = {row.order.client_id: row.order for row in reader.open_orders()}
    lines = [f"{BEHIND}order {one} stands there and is not open here" for one in there if one not in here]
    lines += [f"{BEHIND}order {one} is open here and gone there" for one in here if one not in there]
    for one in sorted(there.keys() & here.keys()):
        theirs, mine = there[one], here[one]
        names = ("symbol", "side", "price", "trigger", "steps")
        wrong = [f"{n} {getattr(mine, n)} is {getattr(theirs, n)} there" for n in names
                 if getattr(mine, n) != getattr(theirs, n)]  # fmt: skip
        if wrong:
            lines.append(f"order {one}: {', '.join(wrong)}")
    return lines


# -- sums ----------------------------------------------------------------------------------------------------------


def _wallets(view: BooksView, reader: Reader) -> Differences:
    """Opening balance and every change since, added up as the export has them."""
    sums: dict[str, Decimal] = dict.fromkeys(view.balances, ZERO)
    for row in export_rows.ledger(reader):
        asset = row["asset"]
        sums[asset] = sums.get(asset, ZERO) + Decimal(row["amount"])
    found: Differences = {}
    for asset, total in sorted(sums.items()):
        wallet = view.balances.get(asset, (ZERO, ZERO))[0]
        wrong = f"{plain(total)} here, {plain(wallet)} there, {plain(total - wallet)} apart"
        found[f"ledger wallet {asset}"] = [] if total == wallet else [wrong]
    return found


def _positions(view: BooksView, reader: Reader) -> Differences:
    sums: Counter[str] = Counter()
    for fill in reader.each_fill():
        sums[fill.symbol] += int(fill.side) * fill.steps
    found: Differences = {}
    spot = any(instrument.market.value == "spot" for _, instrument in reader.instruments())
    for symbol in [] if spot else sorted(sums.keys() | view.positions.keys()):
        there = view.positions.get(symbol, (0, ZERO))[0]
        wrong = f"{sums[symbol]} steps here, {there} there"
        found[f"ledger position {symbol}"] = [] if sums[symbol] == there else [wrong]
    return found
