"""Writes docs/VALIDATION.md: ``make validation``. Back-tests of the recorded series, in gridbot's own figures.

Needs the recorded data (GRIDBOT_SHARED_DATA, else ``../shared/data``). Nothing here chooses a parameter: the
defaults are judged as they are. Give names of series to measure only those; the page is then printed. So it is of a
folder of the same layout with other windows or symbols, of which whatever lies there is measured.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from gridbot_tui.market.clock import BASE_INTERVALS
from gridbot_tui.research import walkforward
from gridbot_tui.research.analysis import Analysis, analyse, day_name
from gridbot_tui.research.backtest import Study, study_of
from gridbot_tui.research.request import Request, prepare
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.research.simulation.report import kept
from gridbot_tui.research.verdict import bounds, number, percent
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.units import DAY, Market
from tests.tools import mechanisms, strategy_figures, validation_findings
from tests.tools.side_by_side import side_by_side

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "VALIDATION.md"


class Case(Struct, frozen=True):
    """A recorded stretch of the market."""

    name: str
    what: str
    files: tuple[str, ...]


CASES = (
    Case("btc_2025", "BTC, 1m, May-June 2025: calm", ("um/BTCUSDT/1m/2025-05-04_2025-06-24.parquet",)),
    Case("fil_2023", "FIL, 1m, August-November 2023", ("um/FILUSDT/1m/2023-08-01_2023-11-30.parquet",)),
    Case(
        "crash_2025",
        "SOL, ETH, XRP, DOGE, 1m, January-February 2025: the February crash",
        tuple(f"um/{s}USDT/1m/2025-01-27_2025-02-26.parquet" for s in ("SOL", "ETH", "XRP", "DOGE")),
    ),
    Case(
        "spot_btc_2021",
        "spot BTC, 1m, November-December 2021: the flash crash",
        ("spot/BTCUSDT/1m/2021-11-11_2021-12-11.parquet",),
    ),
    Case("spot_btc_2024", "spot BTC, 5m, January-June 2024", ("spot/BTCUSDT/5m/2024-01-01_2024-06-30.parquet",)),
    Case(
        "sol_2022_24",
        "SOL, 15m, 2022 - June 2024: FTX, the perp far below spot",
        ("um/SOLUSDT/15m/2022-01-01_2024-06-30.parquet",),
    ),
    Case(
        "majors_2019_21",
        "BTC, ETH, LTC, ADA, XRP, 1h, September 2019 - March 2021: 12 March 2020",
        tuple(
            f"um/{s}USDT/1h/{since}_2021-03-31.parquet"
            for s, since in (
                ("BTC", "2019-09-08"),
                ("ETH", "2019-11-27"),
                ("LTC", "2020-01-09"),
                ("ADA", "2020-01-31"),
                ("XRP", "2020-01-06"),
            )
        ),
    ),
    Case(
        "majors_2021_24",
        "BTC, ETH, LTC, ADA, XRP, 1h, May 2021 - June 2024",
        tuple(f"um/{s}USDT/1h/2021-05-21_2024-06-30.parquet" for s in ("BTC", "ETH", "LTC", "ADA", "XRP")),
    ),
    Case(
        "v22",
        "BTC, ETH, 5m, June - November 2022: FTX",
        ("um/BTCUSDT/5m/2022-06-01_2022-11-24.parquet", "um/ETHUSDT/5m/2022-06-01_2022-11-24.parquet"),
    ),
    Case(
        "v23",
        "BTC, ETH, 1000PEPE, 5m, January 2023 - June 2024",
        (
            "um/BTCUSDT/5m/2023-01-01_2024-06-30.parquet",
            "um/ETHUSDT/5m/2023-01-01_2024-05-14.parquet",
            "um/1000PEPEUSDT/5m/2023-05-05_2024-05-14.parquet",
        ),
    ),
    Case(
        "v25",
        "BTC, ETH, SOL, 15m, December 2024 - June 2025",
        tuple(f"um/{s}USDT/15m/2024-12-01_2025-06-30.parquet" for s in ("BTC", "ETH", "SOL")),
    ),
    Case(
        "spot_2021_24",
        "spot BTC, ETH, 1h, May 2021 - June 2024",
        tuple(f"spot/{s}USDT/1h/2021-05-21_2024-06-30.parquet" for s in ("BTC", "ETH")),
    ),
)
MECHANISMS = tuple(case for case in CASES if case.name in ("sol_2022_24", "v25"))
MECHANISMS_ON = "SOL 2022 - June 2024 and BTC, ETH, SOL December 2024 - June 2025, 15m"
WALK = "walk"
WALKS = (
    (Case(WALK, "SOL, 15m, 2022 - June 2024", ("um/SOLUSDT/15m/2022-01-01_2024-06-30.parquet",)), 180, 90),
    (Case(WALK, "SOL, 15m, December 2024 - June 2025", ("um/SOLUSDT/15m/2024-12-01_2025-06-30.parquet",)), 60, 30),
)
"""(series, days to choose on, days to judge on)."""


def data() -> Path:
    """The recorded data's folder."""
    return Path(os.environ.get("GRIDBOT_SHARED_DATA") or ROOT.parent / "shared" / "data")


def paths(case: Case) -> tuple[str, ...]:
    """Its files; none where one of them is missing: what is left would be another series under its name."""
    found = tuple(str(data() / one) for one in case.files)
    return found if all(Path(one).exists() for one in found) else ()


def unseen() -> list[Case]:
    """What lies in the folder and in no case that is played: files of one window on one account."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    taken = {file for case in CASES if paths(case) for file in case.files}
    for market in ("um", "spot"):
        for path in sorted((data() / market).glob("*/*/*.parquet")):
            if path.parent.name in BASE_INTERVALS:
                file = path.relative_to(data()).as_posix()
                if file not in taken:
                    groups.setdefault((market, path.parent.name, path.stem), []).append(file)
    return [
        Case(f"{market}_{interval}_{stem}", _told(market, interval, stem, files), tuple(files))
        for (market, interval, stem), files in sorted(groups.items())
    ]


def _told(market: str, interval: str, stem: str, files: Sequence[str]) -> str:
    symbols = ", ".join(file.split("/")[1] for file in files)
    return f"{'spot ' if market == 'spot' else ''}{symbols}, {interval}, {stem.replace('_', ' - ')}"


def mechanisms_of() -> tuple[list[tuple[str, ...]], str]:
    """The series that the mechanisms are measured on, and their names; of another folder all of its futures."""
    known = [paths(case) for case in MECHANISMS]
    if all(known):
        return known, MECHANISMS_ON
    there = [case for case in unseen() if case.files[0].startswith("um/")]
    return [paths(case) for case in there], "; ".join(case.what for case in there)


def main(wanted: list[str]) -> int:
    """Measure, and write the page; 2 without data."""
    if not data().exists():
        print(f"no recorded data at {data()}: set GRIDBOT_SHARED_DATA", file=sys.stderr)
        return 2
    whole = all(paths(case) for case in (*CASES, *(walk[0] for walk in WALKS)))
    cases = [case for case in CASES if paths(case)] + ([] if whole else unseen())
    if not cases:
        print(f"no um/SYMBOL/INTERVAL/*.parquet nor spot/... in {data()}: see GRIDBOT_SHARED_DATA", file=sys.stderr)
        return 2
    text = _page(_measured([case for case in cases if not wanted or case.name in wanted]))
    groups, on = mechanisms_of()
    if groups and (not wanted or "mechanisms" in wanted):
        text += "\n" + "\n".join(mechanisms.lines(groups, on))
    for case, train, test in WALKS if not wanted or WALK in wanted else ():
        if paths(case):
            text += "\n" + "\n".join(_walk(case, train, test)) + "\n"
    if wanted or not whole:
        print(text)
    else:
        _write(text)
        for line in strategy_figures.renew(text):
            print(f"docs/STRATEGY.md, renewed; look at its words: {line}", file=sys.stderr)
    return 0


def _measured(cases: Sequence[Case]) -> "Measured":
    """Every case in a process of its own, the longest first, so that no processor waits for another."""
    size = {case.name: sum(_days(Path(one)) for one in paths(case)) for case in cases}  # what counts are decisions
    found: dict[str, tuple[Case, Study, Analysis]] = {}
    for case, made, took in side_by_side(_one, sorted(cases, key=lambda case: -size[case.name])):
        if isinstance(made, str):
            print(f"{case.name} was not played: {made}", file=sys.stderr, flush=True)
            continue
        found[case.name] = (case, *made)
        print(f"{case.name}: {took:.0f} s", file=sys.stderr, flush=True)
    return [found[case.name] for case in cases if case.name in found]


def _days(path: Path) -> int:
    try:
        first, last = (date.fromisoformat(text) for text in path.stem.split("_"))
    except ValueError:  # named in another way: only which series begins first depends on it
        return 0
    return (last - first).days + 1


def _one(case: Case) -> tuple[Case, tuple[Study, Analysis] | str, float]:
    """What a series says, or why it cannot be played."""
    began = time.monotonic()
    try:
        made = study_of(prepare(Request(paths(case))), full=True, processes=1)
    except (RunRefused, RingFailed) as refused:
        return case, str(refused), 0.0
    return case, (made, analyse(made)), time.monotonic() - began


def _page(measured: "Measured") -> str:
    by_market: dict[Market, list[Study]] = {market: [] for market in Market}
    for _, made, _ in measured:
        by_market[next(iter(made.prepared.market.instruments.values())).market].append(made)
    known = all(case in CASES for case, _, _ in measured)
    findings = validation_findings.lines(by_market[Market.FUTURES], by_market[Market.SPOT], known=known)
    return "\n".join([*HEAD, *findings, *_table(measured), *_promises(measured), *_each(measured)])


def _write(text: str) -> None:
    OUT.write_text(text.rstrip() + kept(OUT) + "\n", encoding="utf-8")


HEAD = (
    "# Validation",
    "",
    "Written by `make validation` from the recorded data beside the project; not edited by hand. The engine that",
    "trades, on the simulated exchange, with the default settings throughout: nothing was chosen on these series by",
    "this page. Brackets are 95 % block-bootstrap intervals (blocks of 10 days, widened where there are few);",
    "differences are the strategy's yearly mean return less the other's, on the days after the 14-day warm-up. The",
    "deepest falls of a series are of hourly values: inside an hour, as in a flash crash, some were deeper, which",
    "`gridbot backtest` and STRATEGY.md tell. See there what each mechanism is worth, and ARCHITECTURE.md for speed.",
    "",
)
Measured = list[tuple[Case, Study, Analysis]]


def _table(measured: Measured) -> Iterator[str]:
    yield "## What came out"
    yield ""
    yield "| series | days | return | a year, interval | Sharpe | deepest fall | fills | deflated P |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for case, made, found in measured:
        own = found.rows[0]
        yield (
            f"| {case.what} | {found.days} | {percent(own.net_return)} | {bounds(found.growth)} | "
            f"{number(own.sharpe)} | {percent(own.max_drawdown)} | "
            f"{made.main.figures['fills']} | {number(found.deflated)} |"
        )
    yield ""


def _promises(measured: Measured) -> Iterator[str]:
    yield "## The promises, on every run (liquidations: the baselines included)"
    yield ""
    yield "| series | highest leverage | worst case admitted | liquidations | residual | halts | beyond -15 %: bound |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for case, made, found in measured:
        f = made.main.figures
        beyond = ", ".join(f"{percent(one.beyond)}: {percent(one.bound)}" for one in found.halts) or "none"
        forced = sum(int(str(one.figures.get("liquidations", 0))) for one in (made.main, *made.others.values()))
        yield (
            f"| {case.name} | {f['max_leverage_observed']:.2f}x | {f['max_leverage']:.2f}x | {forced} | "
            f"{f['residual']} | {len(found.halts)} | {beyond} |"
        )
    yield ""


def _each(measured: Measured) -> Iterator[str]:
    yield "## Beside the baselines"
    for case, made, found in measured:
        yield ""
        yield f"### {case.what}"
        yield ""
        yield "| | return | Sharpe | deepest fall | strategy ahead by, a year |"
        yield "|---|---:|---:|---:|---:|"
        for row in found.rows:
            own = row is found.rows[0]
            ahead = "" if own else bounds(row.advantage)
            name = "**strategy**" if own else row.title
            figures = (percent(row.net_return), number(row.sharpe), percent(row.max_drawdown), ahead)
            yield f"| {name} | {' | '.join(figures)} |"
        weights, shadows = made.main.weight_means, made.main.shadow_returns
        parts = ", ".join(
            f"{name} {weight:.2f} (shadow {percent(shadow)})"
            for name, weight, shadow in zip(("UP", "DOWN", "NEUTRAL"), weights, shadows, strict=True)
        )
        yield ""
        yield f"Mean weights: {parts}. Worst days: {', '.join(f'{d} {percent(v)}' for d, v in found.worst[:3])}."
        if found.regimes:
            told = ", ".join(f"{r.name} {percent(r.total)} on {r.days} days" for r in found.regimes)
            yield f"By the market of the week before: {told}."
        for name, why in made.skipped.items():
            yield f"{name} was not played: {why}."
    yield ""


def _walk(case: Case, train: int, test: int) -> Iterator[str]:
    made = walkforward.walk(Request(paths(case)), train_days=train, test_days=test)
    result = walkforward.document(made)
    yield f"## Walk-forward: {case.what}, {train} days to choose on, {test} to judge on"
    yield ""
    yield "| test from | chosen | train Sharpe | return | defaults |"
    yield "|---|---|---:|---:|---:|"
    for one in made.windows:
        figures = (one.chosen, number(one.train_sharpe), percent(one.test_return), percent(one.default_return))
        yield f"| {day_name(one.window.test_from // DAY)} | {' | '.join(figures)} |"
    yield ""
    rows = [("chosen on the past", result["out_of_sample"]), *result["baselines"].items()]
    for name, found in rows:
        yield (
            f"- {name.replace('_', ' ')}: {percent(found['net_return'])}, Sharpe {number(found['sharpe'])}, "
            f"deepest fall {percent(found['max_drawdown'])}"
        )
    yield f"- choosing over the defaults: {bounds(made.advantage)} a year; out-of-sample mean {bounds(made.growth)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
