"""Graceful shutdown: one staged plan, with a budget per stage, that ends in proof from the exchange.

The intent is durable first (the engine's ``shutdown`` mode is a fact), so a crash resumes the shutdown.
This class only watches and asks: the engine's Desired under that mode cancels and closes.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.engine.events import AccountState, OpenOrders
from gridbot_tui.units import Ms, Symbol

Answered = Callable[[AccountState | None, OpenOrders | None, str], None]
"""Takes what the exchange says, or nothing and why."""


class Stage(IntEnum):
    """The stages, in order."""

    STOP_RISK = 0
    CANCEL = 1
    CLOSE = 2
    VERIFY = 3
    REPORT = 4


STAGE_NAMES = ("stop new risk", "cancel orders", "close positions", "verify", "report")


class Holdings(Protocol):
    """What the shutdown needs to know of the engine."""

    def standing(self) -> list[str]:
        """Client ids of our orders that stand or may stand; protective stops not counted when kept."""
        ...

    def kept_stops(self) -> list[str]:
        """Client ids of the protective stops that are kept."""
        ...

    def open_positions(self) -> dict[Symbol, str]:
        """Our positions that can be closed, as quantity strings by symbol."""
        ...

    def held_up(self) -> list[str]:
        """Why our positions that can be closed may not close now; empty where nothing is known."""
        ...

    def dust(self) -> dict[Symbol, str]:
        """Our remainders under the exchange's minimum: listed and valued, no failure."""
        ...

    def others(self) -> dict[Symbol, str]:
        """What another hand holds in the traded symbols: never touched, and said."""
        ...

    def gone(self) -> dict[Symbol, str]:
        """What the ledger holds of ours, and the exchange says is not there: said."""
        ...


class Report(Struct, frozen=True):
    """What a shutdown left behind, as the exchange says it."""

    flat: bool
    verified: bool
    open_orders: tuple[str, ...]
    positions: tuple[tuple[Symbol, str], ...]
    dust: tuple[tuple[Symbol, str], ...]
    kept_positions: bool
    text: str

    @property
    def exit_code(self) -> int:
        """0 when verified and as wanted, 6 otherwise."""
        return 0 if self.verified and (self.flat or self.kept_positions) and not self.open_orders else 6


class Shutdown:
    """Progress of one shutdown. Progress of any kind extends the budget of its stage."""

    def __init__(
        self,
        holdings: Holdings,
        verify: Callable[[Answered], None],
        *,
        keep_positions: bool,
        stage_budget: Ms,
        at: Ms,
    ) -> None:
        self._holdings = holdings
        self._verify = verify
        self.keep_positions = keep_positions
        self._budget = self._whole = stage_budget
        self.stage = Stage.STOP_RISK
        self.since = at
        self._deadline = at + stage_budget
        self._positions: dict[Symbol, str] | None = None
        self._fewest: int | None = None
        self._given_up = False
        """The budget is used up without progress: what the verification finds left is what is reported."""
        self._answers = self._most_answers = 0
        """What the recovery had answered since the stop was asked for, in its latest try and in its best."""
        self._asked = False
        self._proof: tuple[AccountState, OpenOrders] | None = None
        self._why = ""
        """Why there was none the last time."""
        self.report: Report | None = None
        self.tries = 0
        self.hurried = False

    @property
    def detail(self) -> str:
        """What is left, in words."""
        orders, positions = self._holdings.standing(), self._holdings.open_positions()
        held = ", ".join(f"{symbol} {quantity}" for symbol, quantity in positions.items())
        return f"{len(orders)} orders stand, positions: {held or 'none'}"

    def hurry(self, now: Ms) -> None:
        """A second signal shortens every budget from here on; the verification is never skipped."""
        if not self.hurried:
            self.hurried = True
            self._budget //= 10
        self._deadline = min(self._deadline, now + self._budget)

    def recovering(self, now: Ms) -> Report | None:
        """The books are still being recovered: nothing is closed or proved before that, and no answer is waited for
        longer than a stage has."""
        if self.report is None and now >= self._deadline:
            self._finish(verified=False, left=tuple(self._holdings.standing()))
        return self.report

    def asks(self, now: Ms) -> None:
        """The recovery begins, maybe once more: what was answered before is no progress then."""
        self._answers = 0
        if not self._most_answers:
            self._deadline = max(self._deadline, now + self._budget)

    def heard(self, now: Ms, trouble: str) -> None:
        """A question of the recovery has its answer; ``trouble``: why it was none."""
        self._why = trouble
        if trouble:
            return
        self._answers += 1
        if self._answers > self._most_answers:
            self._most_answers = self._answers
            self._deadline = max(self._deadline, now + self._budget)

    def poll(self, now: Ms) -> Report | None:
        """Move on as far as the books allow; the report once there is one."""
        if self.report is not None:
            return self.report
        orders, positions = self._holdings.standing(), self._holdings.open_positions()
        if self._progressed(len(orders), positions):
            self._deadline = max(self._deadline, now + self._budget)
            self._given_up = False
        late = now >= self._deadline
        if self.stage < Stage.VERIFY:
            self.stage = Stage.CANCEL if orders else Stage.CLOSE
            self._given_up = self._given_up or late
            if late or (not orders and (self.keep_positions or not positions)):
                self._enter(Stage.VERIFY, now)
        if self.stage is Stage.VERIFY:
            self._check(now, late)
        return self.report

    def _progressed(self, orders: int, positions: dict[Symbol, str]) -> bool:
        """Fewer orders than ever, or another position. An order sent anew after a refusal is no progress."""
        fewer = self._fewest is None or orders < self._fewest
        moved = positions != self._positions
        self._positions = positions
        if fewer:
            self._fewest = orders
        return fewer or moved

    def _check(self, now: Ms, late: bool) -> None:
        if not self._asked:
            self._asked = True
            self.tries += 1
            self._verify(self._answered)
        if self._proof is not None:
            self._judge(now, late)
        elif late and (self.tries > 1 or now - self.since >= self._whole):  # one that hangs is no try to come
            self._finish(verified=False, left=tuple(self._holdings.standing()))

    def _answered(self, account: AccountState | None, orders: OpenOrders | None, why: str) -> None:
        if account is not None and orders is not None:
            self._proof = (account, orders)
        else:
            self._asked, self._why = False, why

    def _judge(self, now: Ms, late: bool) -> None:
        orders = self._holdings.standing()
        positions = {} if self.keep_positions else self._holdings.open_positions()
        if (orders or positions) and not late and not self._given_up:
            # The exchange holds more than we knew: the engine has seen it too and goes on closing.
            self._proof, self._asked = None, False
            self._enter(Stage.CANCEL if orders else Stage.CLOSE, now)
            return
        self._finish(verified=True, left=tuple(orders))

    def _finish(self, *, verified: bool, left: tuple[str, ...]) -> None:
        positions = tuple(self._holdings.open_positions().items())
        dust = tuple(self._holdings.dust().items())
        held = ", ".join(f"{symbol} {quantity}" for symbol, quantity in positions)
        stops = len(self._holdings.kept_stops())
        kept = "" if not stops else " besides the positions' stop" if stops == 1 else f" besides {stops} stops"
        words = [
            f"{len(left)} orders left{kept}" + (f" ({', '.join(left)})" if left else ""),
            f"{len(positions)} positions {'kept' if self.keep_positions else 'left'}" + (f" ({held})" if held else ""),
        ]
        if positions and not self.keep_positions and (why := self._holdings.held_up()):
            words.append("held up: " + ", ".join(why))
        if dust:
            words.append("dust: " + ", ".join(f"{symbol} {quantity}" for symbol, quantity in dust))
        others = ", ".join(f"{symbol} {quantity}" for symbol, quantity in self._holdings.others().items())
        if others:
            words.append(f"not the bot's, and left as it is: {others}")
        gone = ", ".join(f"{symbol} {quantity}" for symbol, quantity in self._holdings.gone().items())
        if gone:
            words.append(f"in the ledger, and on the exchange no more: {gone}")
        silent = "the exchange did not answer" + (f" ({self._why})" if self._why else "")
        words.append("verified on the exchange" if verified else f"NOT verified: {silent}")
        report = Report(
            flat=not positions,
            verified=verified,
            open_orders=left,
            positions=positions,
            dust=dust,
            kept_positions=self.keep_positions,
            text="; ".join(words),
        )
        on = "; the next start carries the stop on"
        self.report = report if report.exit_code == 0 else replace(report, text=report.text + on)
        self.stage = Stage.REPORT

    def _enter(self, stage: Stage, now: Ms) -> None:
        self.stage = stage
        self.since = now
        self._deadline = now + self._budget
