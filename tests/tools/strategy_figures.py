"""The figures of docs/STRATEGY.md that come from docs/VALIDATION.md, renewed wherever they stand in it.

Its two tables (findings, mechanisms) and every sentence that quotes them; what a sentence concludes is for a person to
look at, so what changed is told.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STRATEGY = ROOT / "docs" / "STRATEGY.md"
NAMES = {
    "the whole less the ungated grid": "the whole less the ungated neutral grid",
    "less buy and hold": "the whole less buy and hold",
    "less the static geometric grid": "the whole less the static geometric grid",
}
"""Findings that the two pages call differently."""
HEADING = "mechanism"
"""Of the table's first column, on both pages."""
WHOLE = "a year, deepest fall, leverage held"
_TOGETHER = re.compile(
    r"All futures together: (\d+) days, \+?(\S+) % a year, deepest fall (\S+) %, highest leverage held (\S+)x"
)
_TRIPLE = re.compile(r"[+-]?\d[\d.]* ?%? \[[^\]]+\]")


def renewed(strategy: str, validation: str) -> tuple[str, list[str]]:
    """The page with the measured figures, and a line for every row that changed or whose verdict did."""
    said: list[str] = []
    lines = strategy.splitlines()
    swapped: dict[str, str] = {}
    for index, line in enumerate(lines):
        cells = _cells(line)
        fresh = _fresh(cells, validation) if cells else None
        if fresh is None or fresh == cells:
            continue
        said.append(f"{cells[0]}: {' | '.join(cells[1:])} -> {' | '.join(fresh[1:])}")
        swapped.update(zip(_triples(cells), _triples(fresh), strict=False))
        lines[index] = f"| {' | '.join(fresh)} |"
    text = "\n".join(lines) + "\n"
    for old, new in swapped.items():
        if old != new:
            text = re.sub(rf"(?<![\d.]){re.escape(old)}", new, text)
    return text, said


def _triples(cells: list[str]) -> list[str]:
    """Estimates with their bounds, without a plus: sentences add one where they compare."""
    return [found.removeprefix("+") for cell in cells for found in _TRIPLE.findall(cell)]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| ") else []


def _rows(validation: str, columns: int) -> Iterator[list[str]]:
    for line in validation.splitlines():
        cells = _cells(line)
        if len(cells) == columns:
            yield cells


def _fresh(cells: list[str], validation: str) -> list[str] | None:
    """A row as measured; None where it is none of the two tables'."""
    if len(cells) == 5 and cells[0] != HEADING:
        row = next((one for one in _rows(validation, 7) if one[0] == cells[0]), None)
        return None if row is None else [*row[:4], _verdict(row)]
    if len(cells) != 4:
        return None
    if cells[0] == WHOLE:
        found = _TOGETHER.search(validation)
        return None if found is None else [*cells[:2], f"{found[2]} %, {found[3]} %, {found[4]}x", cells[3]]
    name = NAMES.get(cells[0], cells[0])
    row = next((one for one in _rows(validation, 4) if one[0] == name), None)
    if row is None:
        return None
    figure = row[2].partition(" (")[0]
    signed = cells[2].startswith(("+", "-")) and not figure.startswith("-")
    return [*cells[:2], f"+{figure}" if signed else figure, cells[3]]


def _verdict(row: list[str]) -> str:
    """What a row of the mechanisms shows: in Sharpe, else in return, else nothing."""
    if row[6].startswith("certain, a year"):
        return f"{'costs' if row[2].startswith('-') else 'adds'} a year, certain; Sharpe not"
    if row[6].startswith("certain"):
        return f"**{'costs' if row[1].startswith('-') else 'adds'}, certain**"
    return "not shown"


def renew(validation: str) -> list[str]:
    """Rewrite the page where its figures are others; what changed."""
    before = STRATEGY.read_text(encoding="utf-8")
    text, said = renewed(before, validation)
    if text != before:
        STRATEGY.write_text(text, encoding="utf-8")
    return said
