"""Conversations with an exchange that need answers: written top to bottom, driven by whoever has a loop.

A dialog is a generator: it yields what it waits for (questions, or a pause) and is resumed with the
replies. It never blocks and knows no clock but the time of the replies, so the same recovery and the
same verification run in virtual time and against a real exchange.
"""

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from msgspec import Struct

from gridbot_tui.exchange.port import Query, Reply, Request
from gridbot_tui.units import Ms

T = TypeVar("T")
WENT_BACK: Ms = 5_000
"""A time that is earlier than a pause's beginning by more than this is of a clock that was set right meanwhile."""


class Pause(Struct, frozen=True):
    """Wait this long (engine time) before going on."""

    ms: Ms


Wanted = Sequence[Query] | Pause
Replies = dict[int, Reply]
Dialog = Generator[Wanted, Replies, T]


class DialogFailed(Exception):
    """A question stayed unanswered through all its tries; what was asked for is unknown. ``why``: the last answer."""

    def __init__(self, detail: str, why: str = "") -> None:
        super().__init__(detail)
        self.why = why


class Dialogs:
    """Drives any number of dialogs over one port. Owned by the bot; not thread-safe."""

    def __init__(self, send: Callable[[Request], None]) -> None:
        self._send = send
        self._next_id = 1
        self._waiting: dict[int, _Run] = {}
        self._paused: list[tuple[Ms, Ms, _Run]] = []
        """When each began to wait, until when, and who."""

    def new_id(self) -> int:
        """A request id never used before in this process."""
        self._next_id += 1
        return self._next_id

    def start(self, dialog: Dialog[T], done: Callable[[T | None, Exception | None], None], now: Ms) -> None:
        """Begin a dialog; ``done(result, error)`` is called once when it ends."""
        run = _Run(dialog, done)
        self._advance(run, {}, now)

    def reply(self, reply: Reply) -> None:
        """Pass a reply on to the dialog that asked; one for nobody is ignored (late, after a failure)."""
        run = self._waiting.pop(reply.request_id, None)
        if run is None:
            return
        run.replies[reply.request_id] = reply
        run.missing -= 1
        if run.missing == 0:
            replies, run.replies = run.replies, {}
            self._advance(run, replies, reply.at)

    def wake(self, now: Ms) -> None:
        """Resume the dialogs whose pause is over, or began by a clock that has been set back since."""
        waiting, self._paused = self._paused, []
        due = []
        for begun, until, run in waiting:
            if begun - WENT_BACK <= now < until:
                self._paused.append((begun, until, run))
            else:
                due.append(run)
        for run in due:
            self._advance(run, {}, now)

    @property
    def busy(self) -> bool:
        """True while any dialog is under way."""
        return bool(self._waiting or self._paused)

    def _advance(self, run: "_Run", replies: Replies, now: Ms) -> None:
        try:
            wanted = run.dialog.send(replies) if run.started else next(run.dialog)
        except StopIteration as end:
            run.done(end.value, None)
            return
        except DialogFailed as failure:
            run.done(None, failure)
            return
        run.started = True
        if isinstance(wanted, Pause):
            self._paused.append((now, now + wanted.ms, run))
            return
        run.missing = len(wanted)
        for query in wanted:
            self._waiting[query.request_id] = run
        for query in wanted:
            self._send(query)


class _Run:
    __slots__ = ("dialog", "done", "missing", "replies", "started")

    def __init__(self, dialog: Dialog[T], done: Callable[[T | None, Exception | None], None]) -> None:
        self.dialog: Dialog[object] = dialog
        self.done: Callable[..., None] = done
        self.missing = 0
        self.replies: Replies = {}
        self.started = False


def ask(query: Query, *, tries: int = 5, first_pause: Ms = 500) -> Dialog[Reply]:
    """Ask until answered, with doubling pauses. Raises DialogFailed after the last try."""
    pause = first_pause
    for attempt in range(tries):
        replies = yield [query]
        reply = replies[query.request_id]
        if not reply.error:
            return reply
        if attempt + 1 < tries:
            yield Pause(pause)
            pause *= 2
    raise DialogFailed(f"{type(query).__name__} stayed unanswered: {reply.error}", reply.error)


def together(dialogs: Sequence[Dialog[None]]) -> Dialog[None]:
    """Several dialogs at once, in step: the questions of all are asked, then all go on. The first failure ends them."""
    talking = [(dialog, next(dialog, None)) for dialog in dialogs]
    while talking := [(dialog, wanted) for dialog, wanted in talking if wanted is not None]:
        questions = [query for _, wanted in talking if not isinstance(wanted, Pause) for query in wanted]
        replies: Replies = {}
        if questions:
            replies = yield questions
        else:
            yield Pause(max(wanted.ms for _, wanted in talking if isinstance(wanted, Pause)))
        # Whoever wants a pause goes on only when nobody else has a question.
        talking = [
            (dialog, wanted if questions and isinstance(wanted, Pause) else _next(dialog, wanted, replies))
            for dialog, wanted in talking
        ]


def _next(dialog: Dialog[None], wanted: Wanted, replies: Replies) -> Wanted | None:
    """What a dialog wants next; None where it has ended."""
    heard = {} if isinstance(wanted, Pause) else {query.request_id: replies[query.request_id] for query in wanted}
    try:
        return dialog.send(heard)
    except StopIteration:
        return None
