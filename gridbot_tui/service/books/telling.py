"""What everybody hears of facts that were committed: audit trail, feed, log, and what a face shows of the past."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.engine.actions import DecisionFact, Fact, PlanFact
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.audit import audit_of
from gridbot_tui.ops.chain import Head
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import Logger
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.units import Ms, Symbol

Level = Literal["debug", "info", "warning", "error"]


class Trail(Protocol):
    """As much of an audit trail as is used here."""

    @property
    def failing(self) -> str:
        """Why lines wait; "" = they do not."""
        ...

    @property
    def problem(self) -> str:
        """What is wrong with what was written before; "" = nothing."""
        ...

    @property
    def anchor(self) -> Head:
        """The latest line that survives power loss."""
        ...

    def write(self, kind: str, at: Ms, body: dict[str, Any]) -> None:
        """Append a line."""
        ...


class Telling:
    """Tells of facts, once each, in their order; a journal calls it."""

    def __init__(
        self,
        audit: Trail,
        feed: Feed,
        recent: Callable[[Sequence[Fact]], None],
        log: Logger,
        instruments: Mapping[Symbol, Instrument],
    ) -> None:
        self.log = log
        self._audit = audit
        self._feed = feed
        self._recent = recent
        self._instruments = dict(instruments)
        self._audit_trouble = ""
        self._audit_problem = audit.problem

    def tell(self, facts: Sequence[Fact]) -> None:
        """Audit, show and log facts."""
        self._recent(facts)
        for fact in facts:
            audited = audit_of(fact)
            if audited is not None:
                kind, body = audited
                self._audit.write(kind, fact.at, body)
            said = self._feed.add(fact, self._instruments)
            if said is not None and not isinstance(fact, PlanFact):
                self._say(said, isinstance(fact, DecisionFact))
        if self._audit.failing != self._audit_trouble:
            self._audit_changed(facts[-1].at)
        if self._audit.problem != self._audit_problem:
            self._audit_problem = self._audit.problem
            self.report(facts[-1].at, "error", "audit", self._audit_problem)

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did, in virtual time on disk before the command is carried out."""
        self._audit.write(kind, at, dict(body))

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Show and log what comes from no fact: trouble of the service's own."""
        self._feed.say(EventView(at, level, code, "", text))
        getattr(self.log, level)(code, text=text, at=at)

    @property
    def anchor(self) -> dict[str, str]:
        """What the state file keeps of the audit trail, so that a shortened one is noticed."""
        return {AUDIT_HEAD: str(self._audit.anchor)}

    def _audit_changed(self, at: Ms) -> None:
        """Say, once, that the audit trail cannot be written, or can again."""
        before, self._audit_trouble = self._audit_trouble, self._audit.failing
        if self._audit_trouble and not before:
            self.report(at, "error", "audit", self._audit_trouble)
        elif before and not self._audit_trouble:
            self.report(at, "info", "audit", "the audit trail takes lines again; what waited is written")

    def _say(self, said: EventView, decision: bool) -> None:
        level = said.level if decision or said.level in ("warning", "error") else "debug"
        getattr(self.log, level)(said.code, symbol=said.symbol, text=said.text, at=said.at)
