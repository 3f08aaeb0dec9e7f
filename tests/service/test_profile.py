import errno
import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from gridbot_tui.service.books import profile as profiles
from gridbot_tui.service.books.lock import ProfileLock
from gridbot_tui.service.books.profile import NoneRunning, Profile, ProfileError
from gridbot_tui.units import Market, Mode


def make(home: Path, name: str) -> Profile:
    return profiles.named(home, name).create()


def test_a_profile_is_named_by_mode_market_account_and_quote() -> None:
    name = profiles.profile_name(Mode.SIM, Market.FUTURES, "main", "USDT")
    assert name == "sim-futures-main-usdt"


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "UPPER", "x" * 65, "a\n"])
def test_what_could_leave_the_home_is_no_profile_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no profile name"):
        profiles.named(tmp_path, name)


def test_a_home_beside_a_folder_that_is_gone_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ProfileError, match="called from is gone"):
        profiles.home_folder(Path("here"))


def test_the_home_is_the_option_else_the_variable_else_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDBOT_HOME", str(tmp_path / "env"))
    assert profiles.home_folder(tmp_path / "option") == tmp_path / "option"
    assert profiles.home_folder(None) == tmp_path / "env"
    monkeypatch.delenv("GRIDBOT_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert profiles.home_folder(None).name == "gridbot"


def test_a_profile_is_private_to_its_user(tmp_path: Path) -> None:
    profile = make(tmp_path / "home", "p")
    assert profile.folder.stat().st_mode & 0o777 == 0o700
    assert profile.config.is_dir()


def test_a_home_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProfileError, match="cannot be used"):
        make(tmp_path / "file", "p")


def test_a_temporary_profile_is_named_replay_and_goes_away(tmp_path: Path) -> None:
    with profiles.temporary(tmp_path) as profile:
        assert profile.name == "replay"
        profile.database.touch()
        with ProfileLock.acquire(profile.lock, profile.name):
            assert profiles.find_running(tmp_path, None) == profile
    assert not profile.folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_profile_goes_away_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), profiles.temporary(tmp_path) as profile:
        raise ZeroDivisionError
    assert not profile.folder.exists()


def test_without_a_home_that_can_be_written_a_replay_still_has_a_profile(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with profiles.temporary(tmp_path / "file") as profile:
        assert profile.folder.is_dir()


def test_what_a_killed_replay_left_is_swept_up_once_it_is_old(tmp_path: Path) -> None:
    kept = []
    for number, age in enumerate((7200, 60, 7200)):
        left = tmp_path / f".replay-{number}"
        kept.append(Profile("replay", left / "replay").create())
        kept[-1].lock.touch()
        os.utime(left, (time.time() - age,) * 2)
    with ProfileLock.acquire(kept[2].lock, "replay"), profiles.temporary(tmp_path):
        there = [profile.folder.exists() for profile in kept]
    assert there == [False, True, True], "old and free, young, old but running"


def test_the_only_one_running_is_found(tmp_path: Path) -> None:
    make(tmp_path, "idle").lock.touch()
    busy = make(tmp_path, "busy")
    with ProfileLock.acquire(busy.lock, "busy"):
        assert profiles.find_running(tmp_path, None) == busy
        assert profiles.find_running(tmp_path, "busy") == busy
        with pytest.raises(NoneRunning, match="idle is not running"):
            profiles.find_running(tmp_path, "idle")


def test_none_running_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoneRunning, match="no bot is running"):
        profiles.find_running(tmp_path / "never", None)


@pytest.mark.parametrize("shut", [".", "one"])
@pytest.mark.parametrize("name", [None, "one"])
def test_where_this_user_may_not_look_it_is_not_said_that_none_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shut: str, name: str | None
) -> None:
    """A service's profile, asked about from one's own account: a bot may well run there."""
    make(tmp_path, "one")
    whole = os.listdir

    def listdir(folder: Path) -> list[str]:
        if folder == tmp_path / shut:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return whole(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(ProfileError, match="shut to this user"):
        profiles.find_running(tmp_path, name)
    if name is None:
        with pytest.raises(ProfileError, match="shut to this user"):
            profiles.find_existing(tmp_path, name)


def test_a_shut_profile_hides_none_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = make(tmp_path, "busy")
    with ProfileLock.acquire(busy.lock, "busy"), monkeypatch.context() as shut:
        shut.setattr(os, "listdir", lambda folder: (_ for _ in ()).throw(PermissionError()))
        assert profiles.find_running(tmp_path, None) == busy


def test_several_running_are_listed_with_their_processes(tmp_path: Path) -> None:
    one, two = make(tmp_path, "one"), make(tmp_path, "two")
    with (
        ProfileLock.acquire(one.lock, "one"),
        ProfileLock.acquire(two.lock, "two"),
        pytest.raises(ProfileError, match=rf"one \(process {os.getpid()}\), two \(process"),
    ):
        profiles.find_running(tmp_path, None)


def test_a_bot_whose_disk_answers_nothing_is_found_by_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(path: Path, *_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with tempfile.TemporaryDirectory(prefix="gb") as home, socket.socket(socket.AF_UNIX) as listening:
        busy = make(Path(home), "busy")
        idle = make(Path(home), "idle")
        for one in (busy, idle):
            one.lock.touch()
        listening.bind(str(busy.socket))
        listening.listen()
        with monkeypatch.context() as disk:
            disk.setattr(os, "open", dead)
            assert profiles.find_running(Path(home), None) == busy
            assert busy.holder is None
            with pytest.raises(NoneRunning, match="idle is not running"):
                profiles.find_running(Path(home), "idle")


def test_to_read_from_the_running_one_comes_before_others(tmp_path: Path) -> None:
    idle, busy = make(tmp_path, "idle"), make(tmp_path, "busy")
    idle.lock.touch()
    busy.lock.touch()
    with pytest.raises(ProfileError, match="several profiles"):
        profiles.find_existing(tmp_path, None)
    with ProfileLock.acquire(busy.lock, "busy"):
        assert profiles.find_existing(tmp_path, None) == busy
    assert profiles.find_existing(tmp_path, "idle") == idle
    with pytest.raises(ProfileError, match="there is no profile gone"):
        profiles.find_existing(tmp_path, "gone")
