"""The back-testers gridbot is compared with: how their environments are made, and how each is run.

``python -m tests.bench.backtest_peers`` makes them in ``.bench`` beside the project (or where
GRIDBOT_BENCH_PEERS says), each with exactly the version compared with.
"""

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LONGEST_S = 600.0


class Peer(Struct, frozen=True):
    """One of them."""

    name: str
    requirements: tuple[str, ...]
    script: str

    @property
    def python(self) -> Path:
        """Python of its environment."""
        base = Path(os.environ.get("GRIDBOT_BENCH_PEERS") or ROOT / ".bench")
        return base / self.name.partition(" ")[0] / "bin" / "python"


PEERS = (
    Peer("nautilus_trader 1.221.0", ("nautilus_trader==1.221.0",), "peer_nautilus.py"),
    Peer("backtesting 0.6.6", ("backtesting==0.6.6", "pyarrow"), "peer_backtesting.py"),
    Peer("vectorbt 1.2.0", ("vectorbt==1.2.0", "pyarrow"), "peer_vectorbt.py"),
)


def measured(peer: Peer, path: Path) -> dict[str, float] | str:
    """``bars_per_s``, ``fills`` and ``wall_s`` of one whole process; or why there are none."""
    script = HERE / peer.script
    if not script.exists():
        return "no script for it yet"
    if not peer.python.exists():
        return "not installed (python -m tests.bench.backtest_peers)"
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [str(peer.python), str(script), str(path)], capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done after {LONGEST_S:.0f} s"
    wall = time.perf_counter() - began
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no word"])[-1]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {**found, "wall_s": wall}


def make() -> None:
    """Make every environment that is missing."""
    for peer in PEERS:
        folder = peer.python.parents[1]
        if not peer.python.exists():
            print(f"making {folder}", flush=True)
            venv.create(folder, with_pip=True)
        subprocess.run([str(peer.python), "-m", "pip", "install", "--quiet", *peer.requirements], check=True)


if __name__ == "__main__":
    make()
    sys.exit(0)
