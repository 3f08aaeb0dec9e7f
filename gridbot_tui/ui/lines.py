"""Small pictures of numbers: meters, sparklines and a line graph in braille, blocks or ASCII. Pure."""

from collections.abc import Sequence

from gridbot_tui.ui.glyphs import BARS, Symbols
from gridbot_tui.ui.rows import Role, Row, Span
from gridbot_tui.units import Ms

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille dot bits by (row, column) in a cell of 4 x 2."""
_QUADS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_STILL = 1e-300
"""What moves by less than this does not move: it could not be divided by."""


def meter(value: float | None, width: int, role: Role, *, marks: Sequence[tuple[float, str, Role]] = ()) -> Row:
    """A bar of ``width`` cells for a value in [0, 1]; ``marks`` are (place in [0, 1], sign, role)."""
    full = 0 if value is None else round(min(1.0, max(0.0, value)) * width)
    cells: list[Span] = [*[("█", role)] * full, *[("░", "faint")] * (width - full)]
    for place, sign, colour in marks:
        at = min(width - 1, max(0, round(place * width) - 1))
        cells[at] = (sign, colour)
    return _merged(cells)


def spark(values: Sequence[float], width: int, *, low: float | None = None, high: float | None = None) -> str:
    """The last values as a line of bars; fewer values than cells leave the left empty."""
    if not values or width <= 0:
        return " " * max(0, width)
    points = resampled(values, width)
    bottom = min(points) if low is None else low
    top = max(points) if high is None else high
    spread = top - bottom
    if spread <= 0:
        text = BARS[0 if low is not None and bottom == points[0] else 3] * len(points)
    else:
        text = "".join(BARS[min(7, max(0, int((one - bottom) / spread * 7.999)))] for one in points)
    return " " * (width - len(points)) + text


def held(points: Sequence[tuple[Ms, float]], until: Ms, count: int) -> list[float]:
    """A value that holds from each (time, value) to the next, looked at ``count`` times up to ``until``."""
    if not points or count <= 0:
        return []
    begin, at, found = points[0][0], 0, []
    for step in range(count):
        moment = begin + (until - begin) * (step + 1) // count
        while at + 1 < len(points) and points[at + 1][0] <= moment:
            at += 1
        found.append(points[at][1])
    return found


def resampled(values: Sequence[float], width: int) -> list[float]:
    """At most ``width`` values: the last of each stretch, so that the newest is always there."""
    count = len(values)
    if count <= width:
        return list(values)
    return [values[(at + 1) * count // width - 1] for at in range(width)]


def graph(values: Sequence[float], width: int, height: int, symbols: Symbols) -> list[str]:
    """A line graph of ``height`` rows; empty where there are no two values to join."""
    if width <= 0 or height <= 0 or len(values) < 2:
        return [" " * max(0, width)] * max(0, height)
    if symbols == "ascii":
        return _ascii_graph(resampled(values, width), width, height)
    dots = 4 if symbols == "braille" else 2
    points = resampled(values, width * 2)
    low, high = min(points), max(points)
    moves = high - low > _STILL
    scale = (height * dots - 1) / (high - low) if moves else 0.0
    # What never moved is a line through the middle.
    base = height * dots - 1 if moves else height * dots // 2
    ys = [base - round((one - low) * scale) for one in points]
    cells = [[0] * width for _ in range(height)]
    before = ys[0]
    offset = width * 2 - len(points)
    for x, y in enumerate(ys, offset):
        step = 1 if y >= before else -1
        for at in range(before + (step if y != before else 0), y + step, step):
            if symbols == "braille":
                cells[at // 4][x // 2] |= _DOTS[at % 4][x % 2]
            else:
                cells[at // 2][x // 2] |= 1 << (at % 2 * 2 + x % 2)
        before = y
    if symbols == "braille":
        return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in cells]
    return ["".join(_QUADS[bits] for bits in row) for row in cells]


def _ascii_graph(points: list[float], width: int, height: int) -> list[str]:
    low, high = min(points), max(points)
    moves = high - low > _STILL
    scale = (height - 1) / (high - low) if moves else 0.0
    rows = [[" "] * width for _ in range(height)]
    base = height - 1 if moves else height // 2
    for x, one in enumerate(points, width - len(points)):
        rows[base - round((one - low) * scale)][x] = "*"
    return ["".join(row) for row in rows]


def _merged(cells: Sequence[Span]) -> Row:
    """Neighbours of one role as one span: fewer bytes on the wire."""
    found: list[Span] = []
    for text, role in cells:
        if found and found[-1][1] == role:
            found[-1] = (found[-1][0] + text, role)
        else:
            found.append((text, role))
    return tuple(found)
