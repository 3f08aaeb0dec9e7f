"""The life of an order as a table: (state, what happened) -> state.

A pair that is not in the table cannot happen; if it does, ``ImpossibleTransition`` is raised and the
caller asks the exchange for the truth. What merely repeats or comes late is in the table as "stays".
"""

from enum import StrEnum
from typing import Final

from gridbot_tui.orders.model import OrderState as S
from gridbot_tui.units import Steps


class Trigger(StrEnum):
    """What can happen to an order: the exchange's outcomes, and what we do ourselves."""

    ACCEPTED = "accepted"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TRIGGERED = "triggered"
    REFUSED = "refused"
    UNRESOLVED = "unresolved"
    ABSENT = "absent"
    CANCEL_REFUSED = "cancel_refused"
    CANCEL_UNRESOLVED = "cancel_unresolved"
    CANCEL_SENT = "cancel_sent"
    """Ours: a cancel is about to leave."""
    DOUBTED = "doubted"
    """Ours: the exchange's list of open orders does not hold it."""


class ImpossibleTransition(Exception):
    """Something happened to an order that cannot happen in its state. Resync; never guess."""

    def __init__(self, state: S, trigger: str, detail: str = "") -> None:
        super().__init__(f"an order that is {state} cannot become so by {trigger}{': ' if detail else ''}{detail}")
        self.state = state
        self.trigger = trigger


TERMINAL: Final = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REFUSED, S.ABSENT})
"""States of an order that stands no more."""

_T = Trigger
_ENDS: Final = {_T.FILLED: S.FILLED, _T.CANCELED: S.CANCELED, _T.EXPIRED: S.EXPIRED}


def _rows() -> dict[tuple[str, str], S]:
    rows: dict[S, dict[Trigger, S]] = {
        S.SENDING: {
            **_ENDS,
            _T.ACCEPTED: S.RESTING,
            _T.PARTLY_FILLED: S.PARTLY_FILLED,
            _T.TRIGGERED: S.TRIGGERED,
            _T.REFUSED: S.REFUSED,
            _T.UNRESOLVED: S.UNRESOLVED,
            _T.DOUBTED: S.UNRESOLVED,
            _T.ABSENT: S.ABSENT,
            _T.CANCEL_SENT: S.CANCELLING,
        },
        S.RESTING: {
            **_ENDS,
            _T.ACCEPTED: S.RESTING,
            _T.PARTLY_FILLED: S.PARTLY_FILLED,
            _T.TRIGGERED: S.TRIGGERED,
            _T.UNRESOLVED: S.RESTING,  # a lost answer to the create, overtaken by the order's own event
            _T.DOUBTED: S.UNRESOLVED,
            _T.ABSENT: S.UNRESOLVED,  # it did stand: the answer may be older than the order, ask again
            _T.CANCEL_SENT: S.CANCELLING,
            _T.CANCEL_REFUSED: S.UNRESOLVED,
            _T.CANCEL_UNRESOLVED: S.UNRESOLVED,
        },
        S.PARTLY_FILLED: {
            **_ENDS,
            _T.ACCEPTED: S.PARTLY_FILLED,
            _T.PARTLY_FILLED: S.PARTLY_FILLED,
            _T.TRIGGERED: S.PARTLY_FILLED,
            _T.UNRESOLVED: S.PARTLY_FILLED,
            _T.DOUBTED: S.UNRESOLVED,
            _T.ABSENT: S.UNRESOLVED,
            _T.CANCEL_SENT: S.CANCELLING,
            _T.CANCEL_REFUSED: S.UNRESOLVED,
            _T.CANCEL_UNRESOLVED: S.UNRESOLVED,
        },
        S.CANCELLING: {
            **_ENDS,
            _T.ACCEPTED: S.CANCELLING,
            _T.PARTLY_FILLED: S.CANCELLING,
            _T.TRIGGERED: S.TRIGGERED,
            _T.REFUSED: S.REFUSED,  # the create, refused while its cancel was on the way
            _T.UNRESOLVED: S.CANCELLING,  # the cancel's answer will tell
            _T.DOUBTED: S.UNRESOLVED,
            _T.ABSENT: S.ABSENT,
            _T.CANCEL_SENT: S.CANCELLING,
            _T.CANCEL_REFUSED: S.UNRESOLVED,
            _T.CANCEL_UNRESOLVED: S.UNRESOLVED,
        },
        S.UNRESOLVED: {
            **_ENDS,
            _T.ACCEPTED: S.RESTING,
            _T.PARTLY_FILLED: S.PARTLY_FILLED,
            _T.TRIGGERED: S.TRIGGERED,
            _T.REFUSED: S.REFUSED,
            _T.UNRESOLVED: S.UNRESOLVED,
            _T.DOUBTED: S.UNRESOLVED,
            _T.ABSENT: S.ABSENT,
            _T.CANCEL_SENT: S.CANCELLING,
            _T.CANCEL_REFUSED: S.UNRESOLVED,
            _T.CANCEL_UNRESOLVED: S.UNRESOLVED,
        },
        S.TRIGGERED: {
            **_ENDS,
            _T.ACCEPTED: S.TRIGGERED,
            _T.PARTLY_FILLED: S.TRIGGERED,
            _T.TRIGGERED: S.TRIGGERED,
            _T.REFUSED: S.REFUSED,  # its market order was refused when it fired
            _T.UNRESOLVED: S.TRIGGERED,
            _T.DOUBTED: S.UNRESOLVED,
            _T.ABSENT: S.UNRESOLVED,
            _T.CANCEL_REFUSED: S.TRIGGERED,
            _T.CANCEL_UNRESOLVED: S.TRIGGERED,
        },
    }
    for ended in TERMINAL:
        rows[ended] = {trigger: ended for trigger in Trigger if trigger is not _T.CANCEL_SENT}
    for never in (S.REFUSED, S.ABSENT):
        # Believed never to have stood, and yet here is news of it: an order nobody minds is the worst case.
        rows[never] |= {_T.ACCEPTED: S.UNRESOLVED, _T.PARTLY_FILLED: S.UNRESOLVED, _T.TRIGGERED: S.UNRESOLVED}
        rows[never][_T.FILLED] = S.FILLED
    return {(str(state), str(trigger)): end for state, row in rows.items() for trigger, end in row.items()}


TABLE: Final = _rows()
"""Every transition that can happen, keyed by the words of state and trigger."""


def advance(state: S, trigger: str) -> S:
    """The state after ``trigger``; raises ImpossibleTransition where the table has none."""
    after = TABLE.get((state, trigger))
    if after is None:
        raise ImpossibleTransition(state, str(trigger))
    return after


def meaning(state: S, filled: Steps, reported: Steps, outcome: str, told: Steps) -> str | None:
    """The trigger a report stands for; None where it is older than what is known.

    Args:
        filled: executed, by trades that reached us.
        reported: executed, by what the exchange has said so far.
        outcome: of the report.
        told: executed, as the report says.
    """
    if outcome in (Trigger.ACCEPTED, Trigger.PARTLY_FILLED):
        if told < max(filled, reported):
            # Older than what is known, but proof that it stood: only that counts, and only in doubt.
            return Trigger.PARTLY_FILLED if state is S.SENDING else None
        if outcome == Trigger.ACCEPTED and told > 0:
            return Trigger.PARTLY_FILLED
    if outcome == Trigger.ABSENT and (filled > 0 or reported > 0) and state not in TERMINAL:
        return Trigger.DOUBTED  # it traded, so it existed
    return str(outcome)
