"""Logs: where lines go, what is on them, and what never is."""

import io
import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.ops import log, rotate
from gridbot_tui.ops.redact import forget_secrets, redact, redact_value, register_secret
from gridbot_tui.ops.rotate import RotatingFile


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    forget_secrets()
    log.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_json_in_the_file_and_words_on_the_terminal(tmp_path: Path) -> None:
    screen = io.StringIO()
    log.configure(file=tmp_path / "gridbot.log", terminal=screen)
    log.get_logger("service").bind(profile="sim").info("recovered", at=1_700_000_000_123, orders=3)
    (line,) = lines(tmp_path / "gridbot.log")
    assert line.pop("wall").endswith("Z")
    assert line == {
        "at": "2023-11-14T22:13:20.123Z", "level": "info", "room": "service", "event": "recovered",
        "profile": "sim", "orders": 3,
    }  # fmt: skip
    assert screen.getvalue() == "2023-11-14 22:13:20 info    service: recovered  profile=sim  orders=3\n"
    assert stat.S_IMODE((tmp_path / "gridbot.log").stat().st_mode) == 0o600


def test_in_virtual_time_nothing_but_the_wall_clock_differs_between_two_runs(tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        clock = iter(range(1_000, 9_000, 1_000))
        log.configure(file=tmp_path / name, engine_time=clock.__next__)
        logger = log.get_logger("engine")
        logger.info("one", value=0.1)
        logger.warning("two", symbol="BTCUSDT")
        runs.append(
            [{key: value for key, value in line.items() if key != "wall"} for line in lines(tmp_path / name)]
        )
    assert runs[0] == runs[1]
    assert runs[0][0]["at"] == "1970-01-01T00:00:01.000Z"


def test_configuring_again_moves_the_lines_of_loggers_made_before(tmp_path: Path) -> None:
    logger = log.get_logger("service")
    log.configure(file=tmp_path / "a")
    logger.info("first")
    log.configure(file=tmp_path / "b", level="warning")
    logger.info("too quiet")
    logger.warning("second")
    logging.getLogger("somebody").error("once")
    assert [line["event"] for line in lines(tmp_path / "a")] == ["first"]
    assert [line["event"] for line in lines(tmp_path / "b")] == ["second", "once"]


def test_libraries_that_log_by_themselves_end_up_in_the_same_file(tmp_path: Path) -> None:
    log.configure(file=tmp_path / "l")
    logging.getLogger("aiosqlite").debug("noise")
    logging.getLogger("asyncio").error("task %s failed", "x")
    (line,) = lines(tmp_path / "l")
    assert (line["room"], line["event"], line["level"]) == ("asyncio", "task x failed", "error")


def test_a_library_that_repeats_itself_is_counted(tmp_path: Path) -> None:
    log.configure(file=tmp_path / "l")
    for second in range(150):
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "out of descriptors", None, None)
        record.created = 1_000_000_000.0 + second / 2
        logging.getLogger("asyncio").handle(record)
    assert [line.get("times_more", 0) for line in lines(tmp_path / "l")] == [0, 119]


def test_an_exception_is_logged_without_the_values_of_its_variables(tmp_path: Path) -> None:
    log.configure(file=tmp_path / "l")
    try:
        password = "hunter2-very-secret"
        raise ValueError(f"login failed for {len(password)}")
    except ValueError:
        log.get_logger("service").exception("failed")
    text = (tmp_path / "l").read_text()
    assert "ValueError: login failed for 19" in text
    assert "hunter2" not in text
    assert lines(tmp_path / "l")[0]["level"] == "error"


@pytest.mark.parametrize("secret", ["abcDEF123456", 'quo"te\\d-secret', "per%cent&secret=1"])
def test_a_registered_secret_never_reaches_the_file_or_the_terminal(tmp_path: Path, secret: str) -> None:
    register_secret(secret)
    screen = io.StringIO()
    log.configure(file=tmp_path / "l", terminal=screen)
    logger = log.get_logger("service")
    try:
        raise RuntimeError(f"GET /x?key={secret}")
    except RuntimeError:
        logger.exception(f"text {secret}", nested={"list": [secret, {"deep": secret}]}, odd=Exception(secret))
    logging.getLogger("lib").warning("library says %s", secret)
    for text in ((tmp_path / "l").read_text(), screen.getvalue()):
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text
        assert "[hidden]" in text


@pytest.mark.parametrize(
    "name", ["api_key", "apiSecret", "password", "Authorization", "listenKey", "access_token"]
)
def test_what_is_named_like_a_secret_is_hidden_whatever_it_holds(name: str) -> None:
    assert redact_value({"outer": {name: "anything"}}) == {"outer": {name: "[hidden]"}}


def test_ordinary_names_are_left_alone() -> None:
    plain = {"client_id": "gb-1", "trade_id": "5", "key": "grid.levels", "code": -2010, "nothing": None}
    assert redact_value(plain) == plain


def test_signatures_and_private_keys_are_hidden_even_where_nobody_registered_them() -> None:
    url = redact("POST /fapi/v1/order?symbol=BTCUSDT&signature=0123456789abcdef&x=1")
    assert url == "POST /fapi/v1/order?symbol=BTCUSDT&signature=[hidden]&x=1"
    assert "abcdef" not in redact("{'X-MBX-APIKEY': 'abcdef0123456789'}")
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----"
    assert redact(f"key: {pem} end") == "key: [hidden] end"
    register_secret(pem)
    assert "MC4CAQ" not in redact("just the middle: MC4CAQAwBQYDK2VwBCIEIA")


def test_short_values_are_not_registered() -> None:
    register_secret("abc")
    register_secret("")
    assert redact("abcdef") == "abcdef"


def test_a_password_of_an_address_is_hidden() -> None:
    assert redact("at mysql://me:my-word@host/x?a=1&password=two") == (
        "at mysql://me:[hidden]@host/x?a=1&password=[hidden]"
    )


def test_the_file_is_rotated_by_size_and_old_ones_are_let_go(tmp_path: Path) -> None:
    log.configure(file=tmp_path / "l", max_bytes=2_000, files_kept=2)
    logger = log.get_logger("service")
    for number in range(100):
        logger.info("line", number=number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["l", "l.1", "l.2"]
    assert all(file.stat().st_size <= 2_000 for file in files)
    numbers = [line["number"] for file in reversed(files) for line in lines(file)]
    assert numbers == list(range(100 - len(numbers), 100))


@pytest.mark.parametrize("taken", ["moved", "deleted"])
def test_a_file_that_is_taken_away_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    """Whoever makes room, or another program that rotates logs."""
    monkeypatch.setattr(rotate, "LOOK_S", 0.0)
    file = RotatingFile(tmp_path / "l", max_bytes=100, count=1)
    file.write(b"one\n")
    if taken == "moved":
        (tmp_path / "l").rename(tmp_path / "away")
    else:
        (tmp_path / "l").unlink()
    file.write(b"two\n")
    file.write(b"three\n")
    assert ((tmp_path / "l").read_bytes(), file.lost) == (b"two\nthree\n", 0)


def test_a_line_cut_short_by_a_full_disk_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RotatingFile(tmp_path / "l", max_bytes=100, count=1)
    file.write(b"one\n")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda handle, line: write(handle, line[:2]))
        file.write(b"two\n")
    file.write(b"three\n")
    assert (tmp_path / "l").read_bytes() == b"one\ntw\nthree\n"
    assert file.lost == 1
    file.close()
    with (tmp_path / "l").open("ab") as torn:
        torn.write(b"fo")  # what another process had to leave
    file.write(b"five\n")
    assert (tmp_path / "l").read_bytes() == b"one\ntw\nthree\nfo\nfive\n"
    file.close()


def test_a_disk_that_fails_loses_lines_not_the_bot(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "gone" / "l", max_bytes=100, count=1)
    file.write(b"lost\n")
    assert file.lost == 1
    (tmp_path / "gone").mkdir()
    file.write(b"kept\n")
    file.close()
    assert (tmp_path / "gone" / "l").read_bytes() == b"kept\n"


def test_a_terminal_that_has_gone_does_not_hurt(tmp_path: Path) -> None:
    screen = io.StringIO()
    log.configure(file=tmp_path / "l", terminal=screen)
    screen.close()
    log.get_logger("service").info("still here")
    log.get_logger("service").info("and again")
    assert len(lines(tmp_path / "l")) == 2


def test_a_line_of_the_feed_keeps_its_time_level_and_code(tmp_path: Path) -> None:
    log.configure(file=tmp_path / "l")
    log.get_logger("service").line(EventView(1_000, "warning", "fill", "BTCUSDT", "buy 0.026 @ 60 000"))
    (line,) = lines(tmp_path / "l")
    assert (line["at"], line["level"], line["code"]) == ("1970-01-01T00:00:01.000Z", "warning", "fill")


def test_importing_the_log_loads_no_structlog() -> None:
    script = "import gridbot_tui.ops.log, sys; print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
