"""The audit trail: what the operator did, what was decided, which orders went out. Append-only, chained."""

import os
from collections import deque
from pathlib import Path
from typing import Any, Final

import msgspec

from gridbot_tui.engine.actions import DrawdownFact, EquityFact, Fact, PlanFact, ServeFact
from gridbot_tui.ops import chain
from gridbot_tui.ops.chain import Head
from gridbot_tui.ops.redact import redact_value, surely_clean
from gridbot_tui.ops.rotate import Standing
from gridbot_tui.ops.verify import files_of, last_line, verify
from gridbot_tui.units import Ms

MAX_BYTES: Final = 16 << 20
FILES_KEPT: Final = 64
"""A gigabyte; an older file is deleted only after a line of the trail says so."""
MAX_WAITING: Final = 10_000
GATHERED: Final = 512
SYNCED: Final = frozenset(
    {"operator", "command", "config", "mode", "learning", "mended", "broken", "start", "stop"}
)
"""Kinds that are on the disk, not only with the system, when ``write`` returns."""

__all__ = ["AuditTrail", "Head", "audit_of", "verify"]


class AuditTrail:
    """Writes ``audit.jsonl``. A disk that fails never stops the caller: lines wait, ``failing`` says so."""

    def __init__(
        self,
        path: Path,
        *,
        at: Ms,
        durable: bool = True,
        anchor: Head | None = None,
        max_bytes: int = MAX_BYTES,
        files_kept: int = FILES_KEPT,
    ) -> None:
        """Continue the trail at ``path``, mending a last line that a crash cut off.

        Args:
            path: the current file; full ones are renamed to ``audit.<first seq>.jsonl`` beside it.
            at: time put on the lines this writes at the start.
            durable: fsync what the operator did; False in virtual time.
            anchor: the ``anchor`` kept elsewhere (the state file) when the trail was last written.
            max_bytes: size at which a new file is begun.
            files_kept: full files kept.
        """
        self.path = path
        self.problem = ""
        """What was found wrong with the trail: tampered with, cut, or taken away while it was written; "" = nothing."""
        self.failing = ""
        """Why lines wait to be written; "" = they do not."""
        self.lost = 0
        """Lines given up because too many waited. The chain shows no hole: they were never in it."""
        self._durable = durable
        self._standing = Standing(path)
        self._away = False
        """The file was moved away or deleted: nobody would find there what is written from then on."""
        self._max = max_bytes
        self._kept = files_kept
        self._waiting: deque[tuple[str, Ms, dict[str, Any]]] = deque()
        self._gathering = False
        self._gathered: list[bytes] = []
        self._handle = -1
        self._size = 0
        self._head = Head(0, chain.START)
        self._anchor = self._head
        try:
            self._start(at, anchor)
        except OSError as error:  # one of reading or writing names no file, and nobody would know which
            raise OSError(error.errno, error.strerror, error.filename or str(path)) from error

    @property
    def head(self) -> Head:
        """Sequence number and hash of the latest line."""
        return self._head

    @property
    def anchor(self) -> Head:
        """The latest line that survives power loss: keep it in the state file, give it back at the start."""
        return self._anchor

    @property
    def gathering(self) -> bool:
        """True while lines may be lost with the process: they then go to the file many at a time."""
        return self._gathering

    @gathering.setter
    def gathering(self, gathering: bool) -> None:
        self._gathering = gathering
        if not gathering:
            try:
                self._drain()
            except OSError as error:
                self._fails(error)

    def write(self, kind: str, at: Ms, body: dict[str, Any], *, sync: bool | None = None) -> None:
        """Append a line; secrets in ``body`` are hidden.

        Args:
            kind: what it is about: operator, command, config, decision, intent, fill, weights, ...
            at: ms UTC of the event.
            body: plain data.
            sync: on the disk before this returns; by default so for what an operator did (``SYNCED``).

        Raises:
            ValueError, TypeError: the body is no plain data; nothing was written.
        """
        taken = len(self._waiting) + len(self._gathered) < MAX_WAITING
        if taken:
            self._waiting.append((kind, at, body))
        else:
            self.lost += 1  # those that wait are tried all the same: the disk may be back
        try:
            self._go_on()
            if self._gathered and (len(self._gathered) >= GATHERED or not self.gathering):
                self._drain()
            if taken and (sync or (sync is None and kind in SYNCED)):
                self.sync()
            self.failing = ""
        except OSError as error:
            self._fails(error)

    def _go_on(self) -> None:
        """Chain and write what waits, in order. OSError leaves the rest waiting."""
        if self._handle >= 0 and not self._gathered and self._standing.gone(self._handle):
            self._away = True
            self._end()
        while self._waiting:
            try:
                self._append(*self._waiting[0])
            except (ValueError, TypeError, OverflowError):
                self._waiting.popleft()  # it can never be written; those behind it can
                raise
            self._waiting.popleft()

    def _fails(self, error: OSError) -> None:
        waiting = len(self._waiting) + len(self._gathered)
        self.failing = f"{self.path}: {waiting} audit lines wait, the disk does not take them ({error})"

    def sync(self) -> None:
        """Put all that was written on the disk."""
        self._drain()
        if self._durable and self._handle >= 0:
            os.fsync(self._handle)
        self._anchor = self._head

    def close(self) -> None:
        """Put all lines on the disk, those that waited for it too, and close the file.

        Raises:
            OSError: the disk does not take them.
        """
        try:
            self._go_on()
        except OSError as error:
            self._fails(error)
            raise OSError(self.failing) from error
        finally:
            self._end()

    def _end(self) -> None:
        """Put what was written on the disk and close the file."""
        if self._handle >= 0:
            try:
                self.sync()
            finally:
                os.close(self._handle)
                self._handle = -1

    def _append(self, kind: str, at: Ms, body: dict[str, Any]) -> None:
        if self._away:
            self._go_on_elsewhere(at)
        hidden: Any = body
        line, digest = chain.forge(self._head.seq + 1, at, kind, hidden, self._head.hash)
        if not surely_clean(line):
            hidden = redact_value(msgspec.to_builtins(body, enc_hook=str))
            line, digest = chain.forge(self._head.seq + 1, at, kind, hidden, self._head.hash)
        if self._size and self._size + len(line) > self._max:
            self._rotate(at)
            line, digest = chain.forge(self._head.seq + 1, at, kind, hidden, self._head.hash)
        self._put(line, digest)

    def _put(self, line: bytes, digest: str) -> None:
        """Write a whole line or nothing."""
        if self._handle < 0:
            self._open()
        if self.gathering:
            self._gathered.append(line)
        else:
            self._drain()
            self._write(line, self._size)
        self._size += len(line)
        self._head = Head(self._head.seq + 1, digest)
        if not self._durable and not self._gathered:
            self._anchor = self._head

    def _drain(self) -> None:
        """Write what was gathered, or nothing of it."""
        if self._gathered:
            data = b"".join(self._gathered)
            self._write(data, self._size - len(data))
            self._gathered.clear()
            if not self._durable:
                self._anchor = self._head

    def _write(self, data: bytes, size: int) -> None:
        """All of the data behind the first ``size`` bytes of the file, or nothing."""
        try:
            if os.write(self._handle, data) != len(data):
                raise OSError(28, "the disk is full")
        except OSError:
            os.ftruncate(self._handle, size)
            raise

    def _go_on_elsewhere(self, at: Ms) -> None:
        """Open what has the file's name now, a new one if need be, and say in it what is missing before."""
        if self._handle < 0:
            self._open()
        last = last_line(self.path)
        if last is None or last.hash != self._head.hash:
            self.problem = (
                f"{self.path}: the audit trail was moved away, deleted or replaced after its line {self._head.seq}: "
                f"those up to it are not in this file."
            )
            self._put(*chain.forge(self._head.seq + 1, at, "broken", {"problem": self.problem}, self._head.hash))
        self._away = False

    def _open(self) -> None:
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._handle).st_size

    def _rotate(self, at: Ms) -> None:
        """Begin a new file; the chain runs on through it."""
        self._end()
        self._size = 0
        with self.path.open("rb") as file:
            first = chain.read(file.readline().rstrip(b"\n"))
        number = first.seq if first is not None else self._head.seq
        self.path.rename(self.path.with_name(f"{self.path.stem}.{number:012d}{self.path.suffix}"))
        self._open()
        full = files_of(self.path)[:-1]
        for old in full[: max(0, len(full) - self._kept)]:
            last = last_line(old)
            seq, digest = (0, "") if last is None else (last.seq, last.hash)
            self._put(
                *chain.forge(
                    self._head.seq + 1, at, "pruned", {"last_seq": seq, "last_hash": digest}, self._head.hash
                )
            )
            self.sync()
            old.unlink()

    # -- start -----------------------------------------------------------------------------------------

    def _start(self, at: Ms, anchor: Head | None) -> None:
        cut = self._mend()
        files = [file for file in files_of(self.path) if file.stat().st_size]
        last = last_line(files[-1]) if files else None
        if last is not None:
            self._head = self._anchor = Head(last.seq, last.hash)
        elif files:
            self.problem = f"{files[-1]}: the last line of the audit trail was changed."
        if anchor is not None and anchor.seq > self._head.seq:
            self.problem = self.problem or (
                f"{self.path}: the audit trail ends at line {self._head.seq}, "
                f"but {anchor.seq} lines were written; the rest is missing."
            )
            self._head = anchor
        if cut:
            self.write("mended", at, {"bytes": len(cut), "text": cut.decode("utf-8", "replace")})
        if self.problem:
            self.write("broken", at, {"problem": self.problem})

    def _mend(self) -> bytes:
        """Take off what follows the last newline: a line that a crash cut off; what it was."""
        if not self.path.exists():
            return b""
        with self.path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            reach = min(size, 1 << 20)
            file.seek(size - reach)
            cut = file.read(reach).rpartition(b"\n")[2]
            if cut:
                file.truncate(size - len(cut))
        return cut


_KINDS: Final = {
    "IntentFact": "intent",
    "CancelFact": "cancel",
    "OrderFact": "order",
    "FillFact": "fill",
    "CashFact": "cash",
    "AdoptFact": "adopt",
    "HeldFact": "held_before",
    "WeightsFact": "weights",
    "ModeFact": "mode",
    "DecisionFact": "decision",
    "StartFact": "ledger_start",
}
_PLAN_KEYS: Final = (
    "symbol", "epoch", "label", "bias", "confidence", "leverage", "lot", "target", "upper", "lower", "levels",
    "centre", "spacing", "anchor", "reasons",
)  # fmt: skip


def audit_of(fact: Fact) -> tuple[str, dict[str, Any]] | None:
    """Kind and body of the audit line for a fact; None where it is no decision (equity points)."""
    if isinstance(fact, EquityFact | ServeFact | DrawdownFact):
        return None
    if isinstance(fact, PlanFact):
        return "plan", {key: getattr(fact.plan, key) for key in _PLAN_KEYS}
    body: dict[str, Any] = msgspec.to_builtins(fact, enc_hook=str)
    kind = _kind_of(body.pop("type"))
    del body["at"]
    return kind, body


def _kind_of(name: str) -> str:
    return _KINDS.get(name, name.removesuffix("Fact").lower())


OF_FACTS: Final = frozenset(_kind_of(kind.__name__) for kind in Fact.__subclasses__())
"""Kinds of lines that come from facts; the others tell what an operator did, or of the trail itself."""
