"""Client ids: who an order belongs to and what it is for, in 36 characters the exchange accepts.

``gbACCT-SYMBOL-EPOCH-gb12-GEN``: bot and account tag, symbol tag, epoch (base 36), purpose and side
letters with the rung (``n12`` is -12), generation (base 36). The generation never repeats for an owner.
"""

import re
from functools import cache
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from gridbot_tui.orders.model import Purpose
from gridbot_tui.units import ClientId, Side, Symbol

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL

MAX_LENGTH: Final = 36
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PURPOSES: Final = {Purpose.GRID: "g", Purpose.TARGET: "t", Purpose.STOP: "s"}
_LETTERS: Final = {letter: purpose for purpose, letter in _PURPOSES.items()}
_TAG: Final = re.compile(r"[A-Za-z0-9]+")
_SHAPE: Final = re.compile(
    r"([A-Za-z0-9]{1,6})-([A-Za-z0-9_]{1,9})-([0-9a-z]{1,5})-([gts])([bs])(n?)([0-9]{1,3})-([0-9a-z]{1,6})"
)
_EPOCHS: Final = 36**5
_UNSENT_KEPT: Final = 2048


class IdParts(Struct, frozen=True):
    """What a client id says."""

    owner: str
    """Bot tag and account tag, joined."""
    symbol_tag: str
    epoch: int
    purpose: Purpose
    side: Side
    rung: int
    generation: int


class IdState(Struct, frozen=True):
    """What must survive a restart."""

    next_generation: int


def base36(number: int) -> str:
    """``number`` >= 0 in digits 0-9a-z."""
    if number < 0:
        raise ValueError(f"no base-36 form of {number}")
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if number == 0:
            return text


@cache
def symbol_tag(symbol: Symbol) -> str:
    """A symbol in at most nine characters of the id alphabet: itself, else a start and a digest."""
    if len(symbol) <= 9 and _TAG.fullmatch(symbol):
        return symbol
    start = "".join(char for char in symbol if char.isascii() and char.isalnum())[:4]
    number = int.from_bytes(blake2b(symbol.encode(), digest_size=8).digest(), "big")
    return start + base36(number % 36**5).rjust(5, "0")


def parse(client_id: ClientId) -> IdParts | None:
    """What an id of this shape says; None for any other text."""
    found = _SHAPE.fullmatch(client_id)
    if found is None or len(client_id) > MAX_LENGTH:
        return None
    owner, tag, epoch, purpose, side, minus, rung, generation = found.groups()
    return IdParts(
        owner=owner,
        symbol_tag=tag,
        epoch=int(epoch, 36),
        purpose=_LETTERS[purpose],
        side=_BUY if side == "b" else _SELL,
        rung=-int(rung) if minus else int(rung),
        generation=int(generation, 36),
    )


LEAP: Final = 1_000
"""More orders than can have left while the disk took no writes: those were stops and reductions."""


class IdFactory:
    """Gives out client ids of one owner. The same slot gets the same id until that order has ended."""

    __slots__ = ("_current", "_next", "_sent", "owner")

    def __init__(self, bot: str = "gb", account: str = "0", state: IdState | None = None) -> None:
        """``bot`` + ``account``: at most six letters and digits that mark ownership on the exchange."""
        self.owner = bot + account
        if not _TAG.fullmatch(self.owner) or len(self.owner) > 6:
            raise ValueError(f"bot and account tag {self.owner!r}: at most 6 letters and digits in all")
        self._next = state.next_generation if state is not None else 0
        self._current: dict[str, ClientId] = {}
        self._sent: set[ClientId] = set()

    def issue(self, symbol: Symbol, epoch: int, rung: int, side: Side, purpose: Purpose = Purpose.GRID) -> ClientId:
        """The id for the next order of this slot: unchanged until it was sent and has ended."""
        if not -999 <= rung <= 999:
            raise ValueError(f"rung {rung} does not fit a client id")
        place = f"{_PURPOSES[purpose]}{'b' if side is _BUY else 's'}{'n' if rung < 0 else ''}{abs(rung)}"
        key = f"{self.owner}-{symbol_tag(symbol)}-{base36(epoch % _EPOCHS)}-{place}"
        known = self._current.get(key)
        if known is not None:
            return known
        if len(self._current) > _UNSENT_KEPT + len(self._sent):
            self._current = {k: cid for k, cid in self._current.items() if cid in self._sent}
        return self._give(key)

    def another(self, client_id: ClientId) -> ClientId:
        """A new generation for the same slot although this id stands (its order serves another slot)."""
        return self._give(client_id.rpartition("-")[0])

    def leap(self) -> None:
        """Pass over ids that a process may have used and died before it could write them down."""
        self._next += LEAP
        self._current = {key: client_id for key, client_id in self._current.items() if client_id in self._sent}

    def begin_at(self, generation: int) -> None:
        """Give out no generation below this: of a life whose memory is lost, the exchange still knows the ids."""
        self._next = max(self._next, generation)

    def sent(self, client_id: ClientId) -> None:
        """The intent with this id is recorded; also how ids read from journal or exchange are made known."""
        if self._current.get(client_id.rpartition("-")[0]) == client_id:
            self._sent.add(client_id)  # just issued here: it is ours, and counted
            return
        parts = parse(client_id)
        if parts is None or parts.owner != self.owner:
            return
        self._sent.add(client_id)
        self._current.setdefault(client_id.rpartition("-")[0], client_id)
        self._next = max(self._next, parts.generation + 1)

    def ended(self, client_id: ClientId) -> None:
        """The order stands no more: its slot gets a new generation next time."""
        self._sent.discard(client_id)
        key = client_id.rpartition("-")[0]
        if self._current.get(key) == client_id:
            del self._current[key]

    def is_ours(self, client_id: ClientId) -> bool:
        """True for an id of this bot and account."""
        parts = parse(client_id)
        return parts is not None and parts.owner == self.owner

    def state(self) -> IdState:
        """What must survive a restart; ids that stand come back through ``sent``."""
        return IdState(next_generation=self._next)

    def _give(self, key: str) -> ClientId:
        client_id = f"{key}-{base36(self._next)}"
        if len(client_id) > MAX_LENGTH:
            raise ValueError(f"client id {client_id!r} is longer than {MAX_LENGTH}")
        self._next += 1
        self._current[key] = client_id
        return client_id
