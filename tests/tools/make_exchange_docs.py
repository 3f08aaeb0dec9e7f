"""Writes docs/EXCHANGE.md out of the served exchange's own tables."""

from pathlib import Path

from gridbot_tui.exchange.server import http as _fills_the_table  # noqa: F401
from gridbot_tui.exchange.server.codes import ROWS
from gridbot_tui.exchange.server.control import WORDS
from gridbot_tui.exchange.server.events import EVENTS
from gridbot_tui.exchange.server.faults import ACTIONS, REQUESTS
from gridbot_tui.exchange.server.faults import EVENTS as EVENT_FAULTS
from gridbot_tui.exchange.server.table import REST, Endpoint
from gridbot_tui.exchange.server.wsapi import OWN_METHODS

PATH = Path(__file__).resolve().parents[2] / "docs" / "EXCHANGE.md"
INTRODUCTION = """# The served exchange

`gridbot exchange serve --port P --market spot|futures|both` serves the simulated exchange over Binance's own HTTP and
WebSocket protocol. Point a client's addresses at it and trade. This page is made from the server's own tables by
`make docs`.

    gridbot exchange serve --port 9000                                  six invented symbols, both markets
    gridbot exchange serve --port 9000 --symbols 50                     fifty of them
    gridbot exchange serve --port 9000 --exchange-info FILE             Binance's own symbols and filters
    gridbot exchange serve --port 9000 --market spot --symbol ETHBTC    a pair that is quoted in another coin
    gridbot exchange serve --port 9000 --market futures --data um/BTCUSDT/1m --speed 60
    gridbot exchange serve --port 9000 --market futures --data um/APEUSDT/aggtrades      recorded trades, one by one
    gridbot exchange serve --port 9000 --control --hold                 prices and faults by hand

When it is ready it prints one JSON line with its addresses. It listens on 127.0.0.1 unless `--host` says otherwise.
SIGINT or SIGTERM stops it. Accounts: `--account KEY:SECRET[:AMOUNT]`, repeatable; `key`, `secret` and 10,000 USDT a
market without it, and as much of whatever else a pair is quoted in. AMOUNT is of USDT; other balances are named, as in
`key:secret:BTC=0.5,ETH=10`. The secret is an HMAC secret, or a file with an Ed25519 or RSA public key in PEM.

**Time.** The exchange's time starts at the machine's and runs at `--speed` times it; recorded data are moved to now by
whole days. At speed 1 a client may sign with its own clock. At another speed both clocks are accepted, and the window
is as many times longer; a listen key then lives for an hour of the client's time, and a countdown runs by it. Pings are
sent, and their answers waited for, in real time. A connection lives for 24 hours of the exchange's. Minutes that are
leapt over (`/control/jump`) are played with four prices each; a speed that the machine cannot keep up with is as much
less as it takes. Nothing is kept when the exchange ends: the next one opens its accounts anew.

**Market.** Between two bars the price walks from open over both extremes to close. The best levels stand one tick from
the last price; takers sweep the levels of the book; resting orders fill where the price goes through them, with what
was traded there. Candles, trades and book agree with each other.

**The past.** An invented market comes with years of candles (1,600 days, of every interval from a minute) and 200 days
of funding before its first bar, drawn from the seed; one of at most eight symbols also with single trades and candles
of seconds of its last 25 minutes. A recording has the candles it has, at least 1,500 of them in the past if a quarter
of it is that long; settlements before those recorded are of a constant 0.01 % every interval. The latest 50,000 trades
of a market are kept, shared by its symbols, and at least 1,000 of each; what was traded before is in the candles only.

**Own orders** stand in the public book and may be its best prices. Accounts do not trade with each other, nor with
themselves: takers meet the market's levels, resting orders what the market trades (self-trade prevention has nothing to
do).

**Clients** need their addresses changed and nothing else. Two peculiarities: ccxt.pro takes an address for one of spot
by the `/stream` in it, so where it has loaded the markets of both, `urls["api"]["ws"]["spot"]` must be
`ws://HOST:PORT/ws/stream`, and in JavaScript ws:// needs `await exchange.loadHttpProxyAgent()` once. A client
that insists on wss:// needs a proxy that speaks TLS before the exchange.

**What it costs**, `make bench ARGS=server`, 2 cores of an AMD EPYC virtual machine at rest. One python-binance client,
orders and cancels by turns, and beside it the same client on a server that does nothing:

| in flight | round trips/s | p50, p99 | on a server that does nothing | server's processor time each | client's |
|---:|---:|---:|---:|---:|---:|
| 1 | 3,050 | 0.32, 0.52 ms | 3,926 | 97 us | 229 us |
| 8 | 6,053 | 1.3, 1.8 ms | 6,173 | 72 us | 165 us |
| 32 | 6,085 | 5.2, 6.5 ms | 6,726 | 75 us | 164 us |

At a load average of 12, where others worked on the same cores, it was 800 with one in flight and 826 with 32, and the
client alone 825 and 1,250. Streams of 50 symbols, 200 moves a second, at rest: 14,600 messages a second to one client,
95,154 to ten. Memory with 50 symbols: 143 MiB for one market, 191 MiB for both; 2.6 MiB more after seven hours of the
exchange's time at 1,200 times real time.

**Not served**, and said so: order lists other than OCO, OTO and OTOCO, smart order routing, pegged orders (not allowed
in exchangeInfo, -1013); hedge mode (-4531), multi-assets margin, coin-margined contracts, SBE (-1154); transfers,
withdrawals, margin accounts, earning, conversion and history as a download (404, -5000). Nobody else trades here of
whom statistics could be made: `/futures/data` answers with empty lists.
"""


def text() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, _endpoints(), _own(), _events(), _codes(), _faults(), _control()])


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _endpoints() -> str:
    parts = ["## Endpoints\n\nParameters with `!` must be sent. Security: NONE, KEY (only `X-MBX-APIKEY`), SIGNED. The"
             " last column names the same call in the WebSocket API.\n"]  # fmt: skip
    for market, title in (("spot", "Spot"), ("futures", "USD-M futures")):
        rows = [row for row in REST.values() if row.market == market]
        rows.sort(key=lambda row: (row.path, row.method))
        parts.append(f"### {title}\n\n" + _table(("call", "security", "weight", "orders", "parameters", "ws-api"),
                                                   [_endpoint(row) for row in rows]))  # fmt: skip
    return "\n".join(parts)


def _endpoint(row: Endpoint) -> tuple[object, ...]:
    names = " ".join(name + ("!" if name in row.spec.mandatory else "") for name in row.spec.names)
    call = "WebSocket API only" if row.method == "WS" else f"`{row.method} {row.path}`"
    own = f"`{row.method_name}`" if row.method_name else ""
    return call, row.security, row.weight_text, row.orders or "", names, own


def _own() -> str:
    rows: list[tuple[object, ...]] = [(market, f"`{name}`") for market, names in OWN_METHODS.items() for name in names]
    head = "## WebSocket API: sessions and user streams\n\n"
    head += "`/ws-api/v3` and `/ws-fapi/v1`. A session takes Ed25519 keys only.\n\n"
    return head + _table(("market", "method"), rows)


def _events() -> str:
    rows: list[tuple[object, ...]] = [(e.market, f"`{e.event}`", f"`{e.stream}`", e.door, e.when) for e in EVENTS]
    intro = (
        "## Events\n\nSpot: `/ws/...`, `/stream?streams=...`. Futures: the same behind `/public`, `/market` and"
        " `/private`; a stream at the wrong door connects and stays silent.\n\n"
    )
    return intro + _table(("market", "event", "stream", "door", "when"), rows)


def _codes() -> str:
    rows: list[tuple[object, ...]] = [(c.code, c.name, c.status, c.market, c.text) for c in ROWS]
    return "## Error codes\n\n" + _table(("code", "name", "HTTP", "market", "message"), rows)


def _faults() -> str:
    intro = (
        "## Faults\n\nA JSON list of rules, from `--faults FILE` or `POST /control/faults`. `on` is a pattern"
        " (`POST /fapi/v1/order`, `ws order.place`, `ORDER_TRADE_UPDATE`, `btcusdt@depth`); `after`, `times` (0 ="
        " without end), `probability`, `from_ms` and `until_ms` say when.\n\n"
        '    [{"kind": "timeout", "on": "POST /api/v3/order", "after": 3, "executed": true}]\n\n'
    )
    menus = (("requests", REQUESTS), ("events", EVENT_FAULTS), ("the exchange", ACTIONS))
    rows: list[tuple[object, ...]] = [(f"`{kind}`", what, why) for what, menu in menus for kind, why in menu.items()]
    return intro + _table(("kind", "befalls", "what happens"), rows)


def _control() -> str:
    rows: list[tuple[object, ...]] = [(f"`POST /control/{word}`", what) for word, what in WORDS.items()]
    return "## Control\n\nOnly with `--control`. Bodies are JSON.\n\n" + _table(("call", "what it does"), rows)


def main() -> None:
    """Write the page."""
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text())


if __name__ == "__main__":
    main()
