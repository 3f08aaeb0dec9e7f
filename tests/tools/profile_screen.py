"""Where the compiled screen spends its time, part by part: ``make screen ARGS=--profile``. It needs ``perf``.

The parts are compiled one by one here instead of into each other, so that each has a name; that alone costs some time.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROUNDS = 150
HERTZ = 1999
NAMES = {
    "match": "which standing order serves which slot",
    "reconcile": "what is missing, and the last look at it",
    "single": "the stop's and the target's order",
    "quiet": "quiet bars passed over",
    "gate": "gate: worst cases of slots and orders",
    "venue": "the exchange: requests, checks, fills",
    "bars": "bars against orders",
    "hear": "what the exchange answers",
    "book": "table of orders",
    "rungs": "ladder",
    "plans": "votes, mix, leverage, plan",
    "shadows": "three paper grids",
    "stops": "resting stop",
    "desire": "targets",
    "account": "marks, tiers, breakers, guards",
    "money": "equity, margin, rounding",
    "learn": "learning",
    "loop": "the loop itself",
}


def profile(path: Path) -> int:
    """Print the shares of a synthetic year's run; 2 where they cannot be had."""
    if shutil.which("perf") is None:
        print("perf is not installed: nothing else can look into compiled code", file=sys.stderr)
        return 2
    _with_names()
    from gridbot_tui.research.request import Request, prepare
    from gridbot_tui.research.screen.loop import run
    from gridbot_tui.research.screen.screening import Screen

    one = prepare(Request((str(path),)))
    screen = Screen(one)
    screen.run(one.settings, 0)
    (made,) = run.overloads.values()  # type: ignore[attr-defined]  # numba's dispatcher
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "perf.data"
        places = _places(made.library, Path(folder) / "run.o")
        with subprocess.Popen(
            ["perf", "record", "-q", "-F", str(HERTZ), "-o", str(record), "-p", str(os.getpid())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as watcher:
            time.sleep(1.0)
            for _ in range(ROUNDS):
                screen.run(one.settings, 0)
            watcher.send_signal(signal.SIGINT)
        _print(_shares(record, places))
    return 0


def _with_names() -> None:
    """Compile anew, no part into another, and keep the object code that was made."""
    import numba
    from numba.core.codegen import CPUCodeLibrary

    from gridbot_tui.research.screen import compiled

    compiled._INLINED = compiled._PART
    compiled._WHOLE = numba.njit(nogil=True, error_model="numpy")
    library: Any = CPUCodeLibrary
    first = library.__init__

    def kept(self: Any, *given: Any, **named: Any) -> None:
        first(self, *given, **named)
        self.enable_object_caching()

    library.__init__ = kept


def _places(library: Any, path: Path) -> list[tuple[int, int, str]]:
    """(address, bytes, "module.function") of every compiled part."""
    path.write_bytes(library._compiled_object)
    listed = subprocess.run(["nm", "-S", str(path)], capture_output=True, text=True, check=True).stdout
    found = []
    for line in listed.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwWvV":
            address = library._codegen._engine._ee.get_function_address(words[3])
            found.append((address, int(words[1], 16), _readable(words[3])))
    return found


def _readable(symbol: str) -> str:
    """ "match.match" of ``_ZN11gridbot_tui8research6screen5match5matchB4v144...``."""
    names, rest = [], symbol.removeprefix("_ZN")
    while found := re.match(r"\d+", rest):
        end = found.end() + int(found[0])
        names.append(rest[found.end() : end])
        rest = rest[end:]
    return ".".join(names[-2:]) if len(names) > 1 else symbol


def _shares(record: Path, places: list[tuple[int, int, str]]) -> Counter[str]:
    """Samples of each part."""
    command = ["perf", "script", "-i", str(record), "-F", "ip,dso"]
    counts: Counter[str] = Counter()
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        address, _, where = line.strip().partition(" ")
        at = int(address, 16)
        part = next((name for first, size, name in places if first <= at < first + size), "")
        counts[part or ("logarithms and exponentials" if "libm" in where else "Python around it and the rest")] += 1
    return counts


def _print(counts: Counter[str]) -> None:
    whole = counts.total()
    modules: Counter[str] = Counter()
    for name, count in counts.items():
        modules[name.partition(".")[0]] += count
    for module, count in modules.most_common():
        parts = [(n, c) for n, c in counts.most_common() if n.startswith(f"{module}.") and c >= whole / 100]
        largest = ", ".join(f"{n.partition('.')[2].strip('_')} {100 * c / whole:.0f}" for n, c in parts[:4])
        print(f"{100 * count / whole:5.1f} %  {NAMES.get(module, module):<44}{largest}")
