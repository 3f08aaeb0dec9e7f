"""Every code that the bot can show an operator is explained in the runbook, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbot_tui.commands.exits import Exit
from gridbot_tui.engine import blockers, converge, desk, planning
from gridbot_tui.exchange.binance.words import MARGIN_CALL, SETTINGS
from gridbot_tui.ops.alarms import KINDS
from gridbot_tui.risk import gate
from gridbot_tui.risk.breakers import RULES
from gridbot_tui.service.venues.shut_requests import REQUESTS_SHUT

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "RUNBOOK.md"
CODES = {rule.code for rule in RULES}
TIERS = {"tier1", "tier2", "tier3"}
IN_LOG = {"warning", "error"}


def explained(section: str) -> set[str]:
    """Codes that begin a row of the tables under one heading."""
    _, _, rest = RUNBOOK.read_text().partition(f"## {section}\n")
    assert rest, f"the runbook has no section {section!r}"
    body = rest.partition("\n## ")[0]
    return {code for row in re.findall(r"^\| (`.+?`) \|", body, re.M) for code in re.findall(r"`(\w+)`", row)}


def calls(folder: str) -> Iterator[tuple[str, ast.Call]]:
    """(name of the method, call) of every method call below a folder of the package."""
    for path in sorted((ROOT / "gridbot_tui" / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.attr, node


def literal(call: ast.Call, position: int) -> str:
    """A positional argument where it is a plain text, else nothing."""
    if len(call.args) <= position or not isinstance(call.args[position], ast.Constant):
        return ""
    value = call.args[position].value  # type: ignore[attr-defined]
    return value if isinstance(value, str) else ""


def held() -> set[str]:
    """Codes of everything that may be a blocker."""
    found = set(blockers.SEVERITY) | converge.WITHHELD | set(desk.NO_NEW_RISK) | set(desk.NO_NEW_RISK_SYMBOL)
    found |= set(planning.PLAN_BLOCKERS) | CODES
    for name, call in calls("engine"):
        if name == "hold" and literal(call, 1):
            found.add(literal(call, 1))
    return found


def test_every_blocker_is_explained_and_every_explained_one_exists() -> None:
    assert explained("Blockers") == held() | {REQUESTS_SHUT}


def test_every_breaker_is_explained_with_its_level_and_blocker() -> None:
    assert {rule.name for rule in RULES} | {rule.code for rule in RULES} == explained("Breakers") | CODES
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| `(\w+)` \|", RUNBOOK.read_text(), re.M)
    assert rows == [(rule.name, rule.level.value, rule.code) for rule in RULES]


def test_every_reason_of_a_slot_that_does_not_rest_is_explained() -> None:
    named = {name: value for name, value in vars(gate).items() if name.isupper() and isinstance(value, str)}
    reasons = {value for value in named.values() if type(value) is str}
    reasons |= converge.PASSING
    assert reasons <= explained("Blockers") | explained("Why a slot does not rest")


def test_every_event_of_a_decision_is_explained() -> None:
    noted = {literal(call, 1) for name, call in calls("engine") if name == "note"} - {""}
    assert noted <= explained("Blockers") | explained("Events")


def test_every_warning_of_the_service_is_explained() -> None:
    said = {literal(call, 0) for name, call in calls("service") if name in IN_LOG}
    said |= {literal(call, 2) for name, call in calls("service") if name == "report" and literal(call, 1) != "info"}
    said |= {literal(call, 1) for name, call in calls("service") if name == "say" and len(call.args) == 3}
    said |= {literal(call, 1) for name, call in calls("service") if name == "announce"}
    said |= {MARGIN_CALL, SETTINGS}
    said -= {""}
    assert said == explained("Log lines of the service")


def test_every_alarm_that_is_sent_is_explained_with_its_level_and_all_that_raises_it() -> None:
    body = RUNBOOK.read_text().partition("## Alarms that are sent\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", body, re.M)
    rows = {name: (level, cause) for name, level, cause in found}
    assert rows.keys() == {kind.name for kind in KINDS}
    spoken = {"failed", "stop", "restart", "liquidation"}
    for name, (levels, cause) in rows.items():
        kinds = [kind for kind in KINDS if kind.name == name]
        assert levels == ", ".join(kind.level for kind in kinds)
        causes = {code for kind in kinds for code in (*kind.blockers, *kind.events)}
        assert name in spoken or set(re.findall(r"`(\w+)`", cause)) == causes, name


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_is_explained(code: Exit) -> None:
    assert str(int(code)) in explained("Exit codes")
