"""What a benchmark prints: one line a figure, with what was expected of it where something was."""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path


class Report:
    """Collects the figures of one run, prints each as it comes, and remembers what missed its expectation."""

    def __init__(self) -> None:
        self.misses: list[str] = []
        self.figures: dict[str, float] = {}

    def title(self, text: str) -> None:
        """Begin a section."""
        print(f"\n{text}", flush=True)

    def say(self, text: str) -> None:
        """A line that is no figure."""
        print(f"  {text}", flush=True)

    def figure(
        self, name: str, value: float, unit: str, *, below: float | None = None, above: float | None = None
    ) -> None:
        """One figure; one that is not ``below`` or ``above`` what was expected is a miss, never a failure."""
        self.figures[name] = value
        expected = f"expected below {below:g}" if below is not None else ""
        expected = f"expected above {above:g}" if above is not None else expected
        missed = (below is not None and value >= below) or (above is not None and value <= above)
        if missed:
            self.misses.append(f"{name}: {value:,.4g} {unit}, {expected} {unit}")
        shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.1f}"
        print(f"  {name:<58}{shown:>12} {unit:<8}{'MISS, ' if missed else ''}{expected}".rstrip(), flush=True)

    def times(self, name: str, took: Sequence[tuple[float, float]], *, p99_below: float | None = None) -> None:
        """Median and p99 of many (elapsed, on the processor) pairs, in microseconds.

        The p99 on the processor leaves out what other processes took: where the two differ much, the machine is busy.
        """
        if not took:
            self.say(f"{name}: never happened")
            return
        elapsed = [one for one, _ in took]
        self.figure(f"{name}, median of {len(took)}", 1e6 * statistics.median(elapsed), "us")
        self.figure(f"{name}, p99", 1e6 * ninety_ninth(elapsed), "us", below=p99_below)
        self.figure(f"{name}, p99 on the processor", 1e6 * ninety_ninth([one for _, one in took]), "us")

    def ending(self) -> None:
        """What fell short, in one list."""
        self.title("misses" if self.misses else "no misses")
        for miss in self.misses:
            self.say(miss)


def ninety_ninth(values: Sequence[float]) -> float:
    """The value that one in a hundred passes."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))]


def machine() -> str:
    """The machine in one line: figures of two machines, or of a busy one, do not compare."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, {python}, load before {load}"
