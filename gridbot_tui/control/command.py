"""What an operator may ask of a running bot. Idempotent by id, journalled and audited by the service."""

from enum import StrEnum

from msgspec import Struct


class CommandKind(StrEnum):
    """Every order an operator can give."""

    PAUSE = "pause"
    """Keep exits, withdraw entries. args: symbol? (all without)"""
    RESUME = "resume"
    FLATTEN = "flatten"
    """Cancel ours and close the position. args: symbol? ; leaves the symbol (or all) paused."""
    STOP = "stop"
    """Graceful shutdown. args: keep_positions ("true" leaves positions under a resting stop)."""
    DETACH = "detach"
    """Stop this process without touching an order (handover)."""
    KILL = "kill"
    """Cancel all of ours, close everything by market, latch."""
    RELOAD = "reload"
    """Read the config file again. args: preview ("true": only say the difference)"""
    APPLY = "apply"
    """Write and apply a new config text. args: text, preview"""
    RESET = "reset"
    """args: what = drawdown | kill | stop (a symbol latched by its stop; with symbol) | breakers"""
    LEARNING = "learning"
    """args: action = freeze | thaw | reset | rollback | set; version | up,down,neutral"""
    SPEED = "speed"
    """Sim and replay only. args: speed (a number, or max)"""
    TAKE_CONTROL = "take_control"


class Command(Struct, frozen=True, tag="command", forbid_unknown_fields=True):
    """One order to the bot. Unknown fields are refused: a misspelt guard must not become a missing one."""

    id: str
    kind: CommandKind
    args: dict[str, str] = {}
    base_version: int | None = None
    """Config version the sender saw; a RELOAD or APPLY against another version is refused."""

    @property
    def words(self) -> str:
        """What is asked for, as who only looks should read it: ``reset stop BTCUSDT``."""
        said = (self.kind.value, *(self.args.get(name, "") for name in ("what", "action", "speed", "symbol")))
        kept = "with positions kept" if self.args.get("keep_positions") == "true" else ""
        return " ".join(filter(None, (*said, kept)))


class Ack(Struct, frozen=True, tag="ack"):
    """Received and journalled, or refused at once."""

    id: str
    ok: bool
    text: str = ""


class CommandOutcome(Struct, frozen=True, tag="outcome"):
    """The command has converged, or failed, with what happened in words and numbers."""

    id: str
    ok: bool
    text: str
    detail: dict[str, str] = {}
