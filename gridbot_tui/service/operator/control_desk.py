"""Who controls: one connection at most. A second asks, and takes over with a confirmation that both see."""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from gridbot_tui.control.messages import ControlAsked, ControlChanged, Refusal, ServerMessage


class Seat(Protocol):
    """A connection that may hold control."""

    name: str

    def send(self, message: ServerMessage) -> None:
        """Queue one message for it."""
        ...


class ControlDesk:
    """Holder and asker of control. ``everybody`` lists the connections that hear of a change."""

    def __init__(self, everybody: Callable[[], Iterable[Seat]], expires_s: float) -> None:
        self._everybody = everybody
        self._expires_s = expires_s
        self._asker: Seat | None = None
        self._deadline = 0.0
        self.holder: Seat | None = None

    @property
    def holder_name(self) -> str:
        """Name of the one that controls; empty where nobody does."""
        return self.holder.name if self.holder is not None else ""

    def ask(self, seat: Seat) -> None:
        """Grant control where it is free; else tell both sides that it may be taken over now."""
        if self.holder is None or self.holder is seat:
            self._grant(seat)
            return
        self._asker = seat
        self._deadline = time.monotonic() + self._expires_s
        for side, yours in ((seat, True), (self.holder, False)):
            side.send(ControlAsked(seat.name, self.holder.name, yours, self._expires_s))

    def take(self, seat: Seat) -> None:
        """Carry out a take-over that was asked for; refused without, or too late."""
        if self.holder is None or self.holder is seat or self._may_take(seat):
            self._grant(seat)
        else:
            seat.send(Refusal("control", f"ask for control first: {self.holder_name} holds it"))

    def order(self, seat: Seat, *, confirmed: bool) -> str:
        """Ask or take in the form of a command; what came of it, in words."""
        if confirmed:
            self.take(seat)
        else:
            self.ask(seat)
        if self.holder is seat:
            return "you control"
        if self._may_take(seat):
            return f"{self.holder_name} holds control: confirm within {self._expires_s:g} s to take over"
        return f"ask for control first: {self.holder_name} holds it"

    def release(self, seat: Seat) -> None:
        """Give control back; nothing happens where this one does not hold it."""
        if self._asker is seat:
            self._asker = None
        if self.holder is seat:
            self.holder = None
            self._tell()

    def _may_take(self, seat: Seat) -> bool:
        return self._asker is seat and time.monotonic() <= self._deadline

    def _grant(self, seat: Seat) -> None:
        self._asker = None
        self.holder = seat
        self._tell()

    def _tell(self) -> None:
        for seat in self._everybody():
            seat.send(ControlChanged(self.holder_name, yours=seat is self.holder))
