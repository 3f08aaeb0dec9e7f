"""Keys are planted wherever a bot may find one, and then looked for in everything that it leaves behind."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from gridbot_tui.commands.credentials import hide_known
from gridbot_tui.control import ask
from gridbot_tui.credentials.model import Owner
from gridbot_tui.credentials.sources import resolve
from gridbot_tui.ops import audit, bundle, log
from gridbot_tui.ops.redact import forget_secrets
from gridbot_tui.units import Market, Mode
from tests.e2e.process import PATIENCE_S, Bot, Ended, bot, gridbot

ENV_KEY = "EnvKEY7qZp4mW9xTn2Lr8VbYc5HsJd3FgKa6EuPi1"
ENV_SECRET = "EnvSEC3nVt8kRw5yBm1Qx7ZcLf9PhGd2SjTa4UoEr6"
FILE_KEY = "FileKEY5rXm2nQz9wKp7TvLb4YcHs8JdGf3EaUi6Po"
FILE_SECRET = "FileSEC9wLk4tRz7mYv2QnXb6PcHs5JdGf8EaUi3Mo"
RING_KEY = "RingKEY2kTn8vWq5xZm9RbLy4CcHs7JdGf6EaUi1Po"
RING_SECRET = "RingSEC6mXv3nQt8kRz5YwLb9PcHs2JdGf7EaUi4Mo"
ALERT_TOKEN = "AlertTOK4xRm8vQk2WzYn6LbTc5HsJd9FgKa3EuPo"
ALL = (ENV_KEY, ENV_SECRET, FILE_KEY, FILE_SECRET, RING_KEY, RING_SECRET, ALERT_TOKEN)
KEYRING = f"""
from keyring.backend import KeyringBackend

class Planted(KeyringBackend):
    priority = 9
    def get_password(self, service, username):
        return {RING_SECRET!r} if username.endswith("secret") else {RING_KEY!r}
    def set_password(self, service, username, password):
        raise RuntimeError(password)
    def delete_password(self, service, username):
        raise RuntimeError(service)
"""


def traces(data: bytes) -> list[str]:
    """Planted secrets that stand in the data, plain, for a URL, or as base64 of an Authorization header."""
    found = []
    for secret in ALL:
        forms = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), secret[4:28]}
        if any(form.encode() in data for form in forms):
            found.append(secret[:7])
    return found


def left_behind(folder: Path) -> dict[str, list[str]]:
    """Every file below a folder that holds a secret: database, WAL, log, audit trail, whatever else."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    found = {str(path): traces(path.read_bytes()) for path in files}
    return {path: secrets for path, secrets in found.items() if secrets}


@pytest.fixture(scope="module")
def planted() -> Iterator[dict[str, str]]:
    """The environment of a process with keys in all three places."""
    with tempfile.TemporaryDirectory(prefix="gbk") as name:
        folder = Path(name)
        (folder / "systemd").mkdir()
        for file, value in (("gridbot-api-key", FILE_KEY), ("gridbot-api-secret", FILE_SECRET)):
            (folder / "systemd" / file).write_text(value)
            (folder / "systemd" / file).chmod(0o400)
        (folder / "planted_keyring.py").write_text(KEYRING)
        yield {
            "GRIDBOT_API_KEY": ENV_KEY,
            "GRIDBOT_API_SECRET": ENV_SECRET,
            "GRIDBOT_ALERT_URLS": f"json://127.0.0.1:9/{ALERT_TOKEN}",
            "GRIDBOT_ALERTS__MODES": "sim,paper,testnet,live",
            "GRIDBOT_ALERTS__LEVEL": "info",
            "CREDENTIALS_DIRECTORY": str(folder / "systemd"),
            "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "PYTHON_KEYRING_BACKEND": "planted_keyring.Planted",
        }


@pytest.fixture
def environment(planted: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The same for this very process."""
    for name, value in planted.items():
        if name.startswith(("GRIDBOT", "CREDENTIALS")):
            monkeypatch.setenv(name, value)
    yield planted
    forget_secrets()


class _Taken(BaseHTTPRequestHandler):
    """Takes every alert."""

    def do_POST(self) -> None:
        self.server.taken.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def taken() -> Iterator[HTTPServer]:
    """An address at which alerts arrive; what came stands in ``taken``."""
    with HTTPServer(("127.0.0.1", 0), _Taken) as server:
        server.taken = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def processes(one: Bot) -> bytes:
    """What anybody sees of the bot and of what it started: ``ps``."""
    pids = [one.process.pid]
    seen = b""
    for pid in pids:
        children = Path(f"/proc/{pid}/task/{pid}/children")
        pids += [int(child) for child in children.read_text().split()] if children.exists() else []
        seen += Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/comm").read_bytes()
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_bot_with_keys_all_around_leaves_none_behind(home: Path, environment: dict[str, str], tmp_path: Path) -> None:
    with bot(home, "--speed", "3000") as one:
        one.running()
        assert gridbot("--home", str(home), "pause", env=environment).code == 0
        assert gridbot("--home", str(home), "resume", env=environment).code == 0
        asked = ask.ask_snapshot(one.profile.found_socket, PATIENCE_S)
        assert traces(repr(asked).encode()) == []
        assert traces(processes(one)) == []
        # As if a library had let them slip into the log of a process that never learned them.
        with one.profile.log.open("a") as file:
            file.write(json.dumps({"event": f"GET /x?key={RING_KEY}", "level": "error", "text": ENV_SECRET}) + "\n")
            file.write(f"Traceback: {FILE_SECRET}\n")
        running = tmp_path / "running.tar.gz"
        wrote = gridbot("--home", str(home), "support", "--out", str(running), env=environment)
        assert wrote.code == 0, wrote
        ended = one.kill()
    says_none(ended, wrote)
    slipped = left_behind(home)
    assert list(slipped) == [str(one.profile.log)], "only what this test wrote there itself"
    stopped = tmp_path / "stopped.tar.gz"
    says_none(gridbot("--home", str(home), "support", "--out", str(stopped), env=environment))
    for path in (running, stopped):
        parts = bundle.read(path).parts
        assert {"log.jsonl", "snapshot.json", "audit.jsonl", "orders.json"} <= parts.keys()
        assert "Traceback: " in parts["log.jsonl"]
        assert traces("".join(parts.values()).encode()) == []


def says_none(*ended: Ended) -> None:
    for one in ended:
        assert traces((one.out + one.err).encode()) == [], one.code


@pytest.mark.parametrize(
    "words",
    [
        ("credentials", "check", "--mode", "live"),
        ("credentials", "delete", "--mode", "live", "--yes"),
        ("alerts", "check"),
        ("alerts", "test", "--timeout", "5"),
        ("--mode", "live", "--no-ui"),
    ],
    ids=" ".join,
)
def test_no_command_says_a_key(environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]) -> None:
    named = () if words[0] in ("credentials", "alerts") else ("--config", str(nowhere(tmp_path)))
    says_none(gridbot("--home", str(tmp_path), *named, *words, env=environment))


def test_a_start_that_fails_says_no_key_and_its_alert_goes_out(
    environment: dict[str, str], tmp_path: Path, taken: HTTPServer
) -> None:
    heard = {"GRIDBOT_ALERT_URLS": f"json://127.0.0.1:{taken.server_port}/{ALERT_TOKEN}"}
    words = ("--home", str(tmp_path), "--config", str(nowhere(tmp_path)), "--mode", "testnet", "--no-ui", "--json")
    says_none(gridbot(*words, env={**environment, **heard}))
    assert taken.taken == [f"/{ALERT_TOKEN}"]  # type: ignore[attr-defined]


def nowhere(folder: Path) -> Path:
    """A config with an exchange that is not there."""
    config = folder / "nowhere.toml"
    config.write_text('[exchange]\nbase_url = "http://127.0.0.1:9"\nreach_s = 0.1\ntries = 1\n')
    return config


def test_a_key_that_is_typed_into_the_wrong_place_is_not_repeated(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'[bot]\napi_key = "{ENV_KEY}"\nsecret = "{ENV_SECRET}"\n[ladder]\nskew = "{FILE_KEY}"\n')
    ended = [
        gridbot("config", "check", str(config), env=environment),
        gridbot("config", "check", str(config), "--json", env=environment),
        gridbot("--home", str(tmp_path), "--config", str(config), "--no-ui", env=environment),
        gridbot("--home", str(tmp_path), "--no-ui", "--set", f"bot.api_secret={RING_SECRET}", env=environment),
        gridbot("--home", str(tmp_path), "--config", str(config), "doctor", env=environment),
    ]
    assert all(one.code in (1, 2) for one in ended)
    says_none(*ended)
    written = gridbot(
        "--home", str(tmp_path), "--config", str(config), "support", "--out", str(tmp_path / "b"), env=environment
    )
    says_none(written)
    assert traces("".join(bundle.read(tmp_path / "b").parts.values()).encode()) == []


def test_a_keyring_that_fails_with_the_key_in_its_message_is_not_quoted(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gridbot_tui", "credentials", "set", "--mode", "live"],
        input=f"{RING_KEY}\n{RING_SECRET}\n",
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode != 0
    assert traces((done.stdout + done.stderr).encode()) == []


def test_a_traceback_and_an_audit_line_around_a_key_hide_it(environment: dict[str, str], tmp_path: Path) -> None:
    credential = resolve(Owner(Mode.LIVE, Market.FUTURES, "main"))
    assert credential.key.reveal() in ALL
    log.configure(file=tmp_path / "gridbot.log")
    try:
        logger = log.get_logger("test")
        try:
            raise RuntimeError(f"the exchange said {credential.secret.reveal()} of {credential}")
        except RuntimeError:
            logger.exception("broke", asked=f"/x?key={quote(credential.key.reveal())}", given=credential)
    finally:
        log.close()
    trail = audit.AuditTrail(tmp_path / "audit.jsonl", at=1, durable=False)
    trail.write("command", 1, {"text": credential.secret.reveal(), "deep": [{"a": credential.key.reveal()}]})
    trail.close()
    assert "RuntimeError" in (tmp_path / "gridbot.log").read_text()
    assert left_behind(tmp_path) == {}


def test_every_place_is_learned_before_a_bundle_is_written(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Ring:
        def get_password(self, service: str, username: str) -> str:
            return RING_SECRET if username.endswith("secret") else RING_KEY

    monkeypatch.setattr("keyring.get_keyring", Ring)
    monkeypatch.setenv("EXCHANGE_TOKEN", "tok-never-seen-before")
    assert hide_known(["main"]) == []
    text = " ".join([*ALL, "tok-never-seen-before"])
    bundle.write(tmp_path / "b", {"x.txt": text}, version="1", profile="p", at=1)
    assert set(bundle.read(tmp_path / "b").parts["x.txt"].split()) == {"[hidden]"}
