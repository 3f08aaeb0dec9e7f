"""Writes docs/METRICS.md out of the metrics themselves."""

from pathlib import Path

from gridbot_tui.ops.metrics import kinds

PATH = Path(__file__).resolve().parents[2] / "docs" / "METRICS.md"
INTRODUCTION = """# Metrics

A bot that is left alone for weeks is watched by programs. Name an address in the config (taken up at once by a running bot),
and it answers `GET /metrics` there in the text format that Prometheus, VictoriaMetrics, Telegraf and the like read:

    [metrics]
    listen = "127.0.0.1:9464"

    curl http://127.0.0.1:9464/metrics

Nothing can be ordered there, but whoever reaches the address reads equity and positions, without a password: keep it on the
loopback, or behind a proxy that asks for one. Each bot needs a port of its own. Where the port is taken the bot says so
(`metrics`), trades on and tries again every minute. A scrape costs the bot as much as somebody who looks at its screen for a
moment; scrapes within a second get the same page.

**What is unknown has no line**: alert on what is `absent()` as well. Money and prices are rounded to floats, quote currency;
`gridbot status --json` has the exact figures. Times are seconds. In sim and replay they are the market's.

    scrape_configs:
      - job_name: gridbot
        static_configs: [{ targets: ["127.0.0.1:9464"] }]

What is worth waking somebody for, beside the [alarms that the bot sends itself](RUNBOOK.md#alarms-that-are-sent) while it
lives:

| expression | means |
|---|---|
| `up{job="gridbot"} == 0` | the process is gone, or hangs |
| `gridbot_state{state="halted"} == 1` | tier 3 or a kill: everything was closed |
| `gridbot_tier >= 2` | a drawdown of 10 % by default |
| `gridbot_blocked{code=~"residual\\|unprotected\\|link_down\\|store_unavailable\\|liquidation_near"} == 1` | see the [blockers](RUNBOOK.md#blockers) |
| `gridbot_worst_leverage > 5` | the worst case nears its limit |
| `absent(gridbot_equity)` | equity cannot be known |
| `time() - gridbot_clock_seconds > 120` | the engine stands still (paper, testnet, live) |

"""  # noqa: E501


def text() -> str:
    """The whole page."""
    rows = [
        f"| `gridbot_{kind.name}` | {'counter' if kind.counts else 'gauge'} | {', '.join(kind.labels)} | "
        f"{kind.text.replace('|', chr(92) + '|')} |"
        for kind in kinds()
    ]
    head = "## All of them\n\n| metric | type | labels | |\n|---|---|---|---|\n"
    end = "\n`process_*`: memory, processor time and open files of the process (Linux).\n\nMade by `make docs`.\n"
    return INTRODUCTION + head + "\n".join(rows) + "\n" + end


def main() -> None:
    """Write the page."""
    PATH.write_text(text(), encoding="utf-8")
    print(f"wrote docs/{PATH.name}")


if __name__ == "__main__":
    main()
