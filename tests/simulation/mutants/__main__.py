"""``make mutants``: the campaign against known bugs; each must be found within a hundred seeds."""

import argparse
import sys
from functools import partial
from multiprocessing import get_context

from gridbot_tui.research.simulation.seed import Ask, play
from tests.simulation.mutants.plant import MUTANTS

SEEDS = 100
HOURS = 6.0


def hunt(
    name: str, seeds: int = SEEDS, hours: float = HOURS, level: str = "heavy"
) -> tuple[str, int | None, str, float]:
    """(mutant, the first seed that finds it, the invariant, seconds); run in a process of its own."""
    if name:
        MUTANTS[name]()
    spent = 0.0
    for seed in range(1, seeds + 1):
        outcome = play(Ask(seed, hours, level))
        spent += outcome.elapsed
        if outcome.violation is not None:
            return name, seed, outcome.violation[0], spent
    return name, None, "", spent


def main() -> int:
    """Hunt all mutants, print a table; 1 where one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants (default: all)")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    names = asked.names or list(MUTANTS)
    survived = 0
    # A process a mutant: what is planted stays planted.
    with get_context("fork").Pool(asked.workers, maxtasksperchild=1) as pool:
        for name, seed, invariant, spent in pool.imap(partial(hunt, seeds=asked.seeds), names):
            survived += seed is None
            found = f"seed {seed}, {invariant}" if seed is not None else "SURVIVES"
            print(f"{name:42} {found:50} {spent:6.1f} s", flush=True)
    print(f"{len(names) - survived} of {len(names)} found")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
