"""``gridbot exchange serve`` as a process: the ready line, data of all kinds, a clean end."""

import hashlib
import hmac
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.exchange.server.app import App
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.units import Market
from tests.data import shared
from tests.exchange_server.serving import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
SERVE = [sys.executable, "-m", "gridbot_tui", "exchange", "serve"]


@contextmanager
def process(*words: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    child = subprocess.Popen([*SERVE, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child, json.loads(child.stdout.readline())
    finally:
        child.kill()
        child.communicate()


def get(address: "str | urllib.request.Request") -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=PATIENCE_S) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_cleanly_when_told(number: signal.Signals) -> None:
    with process("--port", "0", "--market", "futures", "--symbol", "BTCUSDT") as (child, ready):
        assert (ready["event"], ready["markets"]) == ("ready", ["futures"])
        assert ready["http"].startswith("http://127.0.0.1:")
        assert [s["symbol"] for s in get(ready["futures_rest"] + "/v1/exchangeInfo")["symbols"]] == ["BTCUSDT"]
        child.send_signal(number)
        rest, errors = child.communicate(timeout=PATIENCE_S)
        assert (child.returncode, rest, errors) == (0, "", "")


async def test_an_ipv6_address_is_told_as_one_that_can_be_called() -> None:
    app = App(build((Market.SPOT,), ServeOptions(host="::1"), symbols=("BTCUSDT",)))
    app.port = 9000
    told = app.addresses()
    assert (told["http"], told["spot_streams"]) == ("http://[::1]:9000", "ws://[::1]:9000")


def test_recorded_candles_are_played_from_now_on_at_their_own_hours() -> None:
    data = shared("um/BTCUSDT/15m")
    with process("--port", "0", "--market", "futures", "--data", str(data), "--speed", "600") as (_, ready):
        before = get(ready["futures_rest"] + "/v1/time")["serverTime"]
        rows = get(ready["futures_rest"] + "/v1/klines?symbol=BTCUSDT&interval=15m&limit=50")
        after = get(ready["futures_rest"] + "/v1/time")["serverTime"]
    assert len(rows) == 50
    assert all(row[0] % 900_000 == 0 for row in rows)
    assert before - 900_000 <= rows[-1][0] <= after


def test_an_account_begins_with_the_balances_that_are_named() -> None:
    words = ("--market", "spot", "--symbol", "ETHBTC", "--account", "key:secret:BTC=0.5,ETH=10")
    with process("--port", "0", *words) as (_, ready):
        (row,) = get(ready["spot_rest"] + "/v3/exchangeInfo")["symbols"]
        assert (row["baseAsset"], row["quoteAsset"]) == ("ETH", "BTC")
        stamp = f"timestamp={get(ready['spot_rest'] + '/v3/time')['serverTime']}"
        signature = hmac.new(b"secret", stamp.encode(), hashlib.sha256).hexdigest()
        asked = urllib.request.Request(f"{ready['spot_rest']}/v3/account?{stamp}&signature={signature}",
                                       headers={"X-MBX-APIKEY": "key"})  # fmt: skip
        held = {one["asset"]: one["free"] for one in get(asked)["balances"]}
    assert {asset: held.get(asset) for asset in ("BTC", "ETH")} == {"BTC": "0.50000000", "ETH": "10.00000000"}
    assert float(held.get("USDT", "0")) == 0


@pytest.mark.parametrize(("words", "told"), [
    (["--account", "key:secret:BTC=many"], "ASSET=AMOUNT"), (["--account", "key:secret:1,"], "ASSET=AMOUNT"),
    (["--data", "no/such/file"], "does not exist"), (["--account", "half"], "KEY:SECRET"),
    (["--symbol", "NOPEUSDT"], "NOPEUSDT"), (["--faults", "no/such/file"], "no/such/file"),
    (["--account", "key:/bin/sh"], "no usable public key"),
    (["--account", "key:one", "--account", "key:two"], "two accounts have the key key"),
])  # fmt: skip
def test_wrong_usage_is_one_sentence_and_code_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from gridbot_tui.cli import execute

    assert execute(["exchange", "serve", "--port", "0", *words]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_port_that_is_taken_is_one_sentence_and_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [*SERVE, "--port", str(taken.getsockname()[1]), "--market", "spot", "--symbol", "BTCUSDT"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot listen" in done.stderr
    assert "Traceback" not in done.stderr
