"""Recorded market data beside the project, where there is any."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


def shared(path: str) -> Path:
    """``path`` below the shared data folder; skips the test with a reason where it is missing."""
    base = Path(os.environ.get("GRIDBOT_SHARED_DATA") or _ROOT.parent / "shared" / "data")
    found = base / path
    if not found.exists():
        pytest.skip(
            f"no recorded data at {found} (set GRIDBOT_SHARED_DATA to the folder that holds um/ and spot/)"
        )
    return found
