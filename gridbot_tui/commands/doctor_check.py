"""What a check of ``gridbot doctor`` finds."""

from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """Works, and will trouble somebody."""
    FAIL = "fail"
    """Does not work, or is not true."""


class Check(Struct, frozen=True):
    """One line of the doctor."""

    check: str
    verdict: Verdict
    found: str
    """What was seen."""
    advice: str = ""
    """What to do; "" where nothing."""
    repaired: bool = False


def ok(check: str, found: str, *, repaired: bool = False) -> Check:
    """All is well."""
    return Check(check, Verdict.OK, found, repaired=repaired)


def warn(check: str, found: str, advice: str) -> Check:
    """It works, but."""
    return Check(check, Verdict.WARN, found, advice)


def fail(check: str, found: str, advice: str) -> Check:
    """It does not."""
    return Check(check, Verdict.FAIL, found, advice)
