"""``make bench`` (or ``python -m tests.bench [engine replay startup ...]``): figures, nothing asserted.

Each module of this folder that has ``run(report)`` is one part. What misses its expectation is said as a
miss: a busy machine must not fail a build, and a figure nobody looks at must not pass for a proof.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from tests.bench.report import Report, machine

PARTS = ("engine", "orders", "replay", "startup", "recovery", "server", "roundtrip", "streams", "mirror", "backtest")


def main(wanted: Sequence[str]) -> int:
    """Run the parts wanted, all of them by default; 2 for a part that is not there."""
    there = [name for name in PARTS if find_spec(f"tests.bench.{name}") is not None]
    unknown = [name for name in wanted if name not in there]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(there)}", file=sys.stderr)
        return 2
    report = Report()
    print(machine(), flush=True)
    for name in wanted or there:
        importlib.import_module(f"tests.bench.{name}").run(report)
    report.ending()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
