"""A start beside a small and beside a very large database: time to protection, to trading, and whether it grows."""

from tests.bench.report import Report
from tests.simulation.test_recovery_speed import recover

MILLION = 1_000_000
PROTECTED_S = 2.0
WHOLE_S = 5.0


def run(report: Report) -> None:
    """The same second life twice: with its own short history, and with a million fills before it.

    Opening and restoring are clock time; the conversation with the exchange is virtual time (40 ms one way), so that
    waiting for rate limits and for a busy machine is apart from it.
    """
    report.title("recovery")
    small = _one(report, 0)
    large = _one(report, MILLION)
    report.figure("a million fills more cost the start", large - small, "s", below=0.5)


def _one(report: Report, fills: int) -> float:
    opened, whole, orders, steps = recover(fills)
    beside = f"{orders} open orders, {fills:,} old fills"
    report.figure(f"{beside}: open, check, restore", opened, "s")
    protected = opened + steps["account and protection"] / 1000
    report.figure(f"{beside}: positions protected", protected, "s", below=PROTECTED_S)
    report.figure(f"{beside}: everything", opened + whole / 1000, "s", below=WHOLE_S)
    for name, took in steps.items():
        report.say(f"    {name}: {took} ms")
    return opened
