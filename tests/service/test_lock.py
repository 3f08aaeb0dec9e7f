import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridbot_tui.service.books import lock as module
from gridbot_tui.service.books.lock import LockHeld, ProfileLock, holder_of, is_held

HOLD = """
import sys, time
from pathlib import Path
from gridbot_tui.service.books.lock import ProfileLock
lock = ProfileLock.acquire(Path(sys.argv[1]), "p")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that gives up after its first try."""
    monkeypatch.setattr(module, "_RETRIES", 1)


@pytest.mark.usefixtures("at_once")
def test_a_second_start_is_refused_with_process_and_profile(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ProfileLock.acquire(path, "sim-futures-main-usdt"):
        with pytest.raises(LockHeld, match=r"sim-futures-main-usdt is already traded by process \d+") as caught:
            ProfileLock.acquire(path, "sim-futures-main-usdt")
        assert caught.value.holder == holder_of(path)


def test_a_released_lock_can_be_taken_again_and_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    ProfileLock.acquire(path, "p").release()
    assert not is_held(path)
    assert holder_of(path) is None
    ProfileLock.acquire(path, "p").release()


def test_a_profile_that_never_ran_is_not_held(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "held\n"
    holder = holder_of(path)
    assert holder is not None
    assert (holder.pid, holder.profile) == (child.pid, "p")
    child.kill()
    child.wait()
    assert not is_held(path)
    ProfileLock.acquire(path, "p").release()


def test_looking_at_a_lock_does_not_stop_a_start(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    import fcntl

    with path.open() as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        started = time.monotonic()
        with pytest.raises(LockHeld):
            ProfileLock.acquire(path, "p")
        assert time.monotonic() - started > 0.2, "a start tries for a while before it gives up"


@pytest.mark.usefixtures("at_once")
def test_a_lock_file_with_nonsense_still_locks(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ProfileLock.acquire(path, "p"):
        path.write_text("{nonsense")
        assert is_held(path)
        assert holder_of(path) is None
        with pytest.raises(LockHeld, match="another process"):
            ProfileLock.acquire(path, "p")
