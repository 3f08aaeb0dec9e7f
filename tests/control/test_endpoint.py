import os
import socket
from pathlib import Path

import pytest

from gridbot_tui.control import endpoint


def deep(folder: Path) -> Path:
    path = folder / ("p" * 90) / ("q" * 40)
    path.mkdir(parents=True)
    return path


def listen(path: Path) -> socket.socket:
    one = socket.socket(socket.AF_UNIX)
    one.bind(str(path))
    return one


def test_a_short_path_lies_in_the_profile(short: Path) -> None:
    assert endpoint.socket_path(short) == short / "control.sock"


def test_a_long_path_goes_to_the_runtime_folder_privately(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    path = endpoint.socket_path(deep(tmp_path))
    assert path.parent == short / "gridbot"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(os.fsencode(path)) <= endpoint.MAX_PATH_BYTES


def test_two_long_profiles_do_not_share_a_socket(tmp_path: Path) -> None:
    one, two = deep(tmp_path / "a"), deep(tmp_path / "b")
    assert endpoint.candidates(one)[0] != endpoint.candidates(two)[0]


def test_a_client_finds_a_server_that_had_no_runtime_folder(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = deep(tmp_path)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with listen(endpoint.socket_path(profile)) as server:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
        assert endpoint.find_socket(profile) == Path(server.getsockname())
        Path(server.getsockname()).unlink()
    assert endpoint.find_socket(profile) is None


def test_a_runtime_folder_that_does_not_exist_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert endpoint.socket_path(deep(tmp_path)).parent.is_dir()


def test_something_else_in_place_of_the_private_folder_is_refused(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    target = tmp_path / "elsewhere"
    target.mkdir()
    (short / "gridbot").symlink_to(target)
    with pytest.raises(OSError, match="not a folder of this user"):
        endpoint.socket_path(deep(tmp_path))


def test_a_plain_file_is_no_socket(short: Path) -> None:
    (short / "control.sock").touch()
    assert endpoint.find_socket(short) is None
