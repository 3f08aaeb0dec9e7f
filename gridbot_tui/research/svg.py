"""Charts as inline SVG: lines, areas, marks and bars over time, with axes a person can read. No script, no font."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from msgspec import Struct

from gridbot_tui.units import DAY, Ms

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 24
LINE = 12
"""Height of a line of text."""
MOST_POINTS = 1_200
COLOURS = (
    "#12876a", "#c65516", "#5077cc", "#9a6ab0", "#a87f00", "#748284", "#c24d68", "#2d8a9c", "#6a8a2d", "#8a7f72",
)  # fmt: skip
"""All of them stand out on white and on black."""


class Line(Struct, frozen=True):
    """A curve with its name."""

    name: str
    at: Sequence[Ms]
    values: Sequence[float]
    colour: str
    wide: bool = False
    filled: bool = False


class Dot(Struct, frozen=True):
    """A mark on a curve."""

    at: Ms
    value: float
    colour: str


class _Frame:
    """Data to picture."""

    def __init__(self, lines: Sequence[Line], zero: bool, dots: Sequence[Dot]) -> None:
        self.first = min(line.at[0] for line in lines)
        self.last = max(max(line.at[-1] for line in lines), self.first + 1)
        marked = [dot.value for dot in dots]  # what fills within an hour may be far from the closes of hours
        self.low = min([min(line.values) for line in lines] + marked)
        self.high = max([max(line.values) for line in lines] + marked)
        if zero:
            self.low, self.high = min(self.low, 0.0), max(self.high, 0.0)
        room = (self.high - self.low) * 0.04 or abs(self.high) * 0.01 or 1.0
        self.low -= room
        self.high += room

    def x(self, at: Ms) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)


def chart(title: str, lines: Sequence[Line], *, unit: str = "", zero: bool = False, dots: Sequence[Dot] = ()) -> str:
    """One chart with a legend; an empty string where there is nothing to draw."""
    drawn = [line for line in lines if len(line.at) > 1]
    if not drawn:
        return ""
    frame = _Frame(drawn, zero, dots)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts += _grid(frame, unit)
    parts += [_path(frame, line) for line in drawn]
    for dot in dots:
        parts.append(f'<circle cx="{frame.x(dot.at):.1f}" cy="{frame.y(dot.value):.1f}" r="1.8" fill="{dot.colour}"/>')
    parts.append("</svg>")
    legend = "".join(f'<span><i style="background:{line.colour}"></i>{escape(line.name)}</span>' for line in drawn)
    caption = f'<figcaption>{escape(title)} <span class="legend">{legend}</span></figcaption>'
    return f"<figure>{caption}{''.join(parts)}</figure>"


def thinned(at: Sequence[Ms], values: Sequence[float], most: int = MOST_POINTS) -> list[tuple[Ms, float]]:
    """At most ``most`` points that keep every stretch's lowest and highest value."""
    count = len(at)
    if count <= most:
        return list(zip(at, values, strict=True))
    step = -(-count * 2 // most)
    kept: list[tuple[Ms, float]] = []
    for first in range(0, count, step):
        part = range(first, min(first + step, count))
        low, high = min(part, key=lambda i: values[i]), max(part, key=lambda i: values[i])
        kept += [(at[i], values[i]) for i in sorted({low, high})]
    kept.append((at[count - 1], values[count - 1]))
    return kept


def _path(frame: _Frame, line: Line) -> str:
    points = " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in thinned(line.at, line.values))
    if line.filled:
        base = frame.y(max(frame.low, min(frame.high, 0.0)))
        area = f"{frame.x(line.at[0]):.1f},{base:.1f} {points} {frame.x(line.at[-1]):.1f},{base:.1f}"
        look = f'fill="{line.colour}" fill-opacity="0.25" stroke="{line.colour}" stroke-width="0.8"'
        return f'<polygon points="{area}" {look}/>'
    width = 2 if line.wide else 1
    return f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="{width}"/>'


def _grid(frame: _Frame, unit: str) -> list[str]:
    out = []
    for value in _steps(frame.low, frame.high):
        y = frame.y(value)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{_short(value)}{unit}</text>')
    span = frame.last - frame.first
    for index in range(6):
        at = frame.first + span * index // 5
        shape = "%Y-%m-%d" if span > 3 * DAY else "%m-%d %H:%M"
        text = datetime.fromtimestamp(at / 1000, UTC).strftime(shape)
        anchor = "start" if index == 0 else "end" if index == 5 else "middle"
        out.append(f'<text x="{frame.x(at):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    return out


def _steps(low: float, high: float) -> list[float]:
    """Four or so round values between two numbers."""
    raw = (high - low) / 4
    size: float = 10.0 ** len(str(int(raw))) / 10 if raw >= 1 else 1.0
    while size > raw:
        size /= 10
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= raw)
    first = int(low / step) - 1
    return [step * k for k in range(first, first + 12) if low <= step * k <= high]


def _short(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return "0" if text in ("-0", "0") else text


def interval_bars(rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Estimates with their 95 % bounds as horizontal bars around zero: (name, value, low, high), in percent."""
    if not rows:
        return ""
    low = min(0.0, *(row[2] for row in rows))
    high = max(0.0, *(row[3] for row in rows))
    span = (high - low) or 1.0
    left, width, step = 270, WIDTH - 270 - 20, 24
    height = step * len(rows) + 26

    def x(value: float) -> float:
        return left + width * (value - low) / span

    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="intervals">']
    out.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height - 20}" class="z"/>')
    for index, (name, value, down, up) in enumerate(rows):
        y = 12 + step * index
        sure = down > 0 or up < 0
        colour = (COLOURS[0] if down > 0 else COLOURS[1]) if sure else COLOURS[5]
        out.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        look = f'stroke="{colour}" stroke-width="5" stroke-opacity="0.45"'
        out.append(f'<line x1="{x(down):.1f}" x2="{x(up):.1f}" y1="{y}" y2="{y}" {look}/>')
        out.append(f'<circle cx="{x(value):.1f}" cy="{y}" r="4" fill="{colour}"/>')
    for value in _steps(low, high):
        out.append(f'<text x="{x(value):.1f}" y="{height - 5}" text-anchor="middle">{_short(value)} %</text>')
    out.append("</svg>")
    return "".join(out)


def scatter(
    points: Sequence[tuple[float, float, str]],
    marked: Sequence[tuple[float, float, str]],
    across: str,
    up: str,
    colours: tuple[str, str] = (COLOURS[2], COLOURS[1]),
) -> str:
    """Points (x, y, what it is), a few of them marked with their name; the axes' names are ``across`` and ``up``."""
    if not points and not marked:
        return ""
    everything = [*points, *marked]
    low_x, high_x = _room([x for x, _, _ in everything])
    low_y, high_y = _room([y for _, y, _ in everything])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * (x - low_x) / (high_x - low_x),
            TOP + (HEIGHT - TOP - BOTTOM) * (high_y - y) / (high_y - low_y),
        )

    out = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 14}" role="img" aria-label="{escape(up)} over {escape(across)}">']
    for value in _steps(low_y, high_y):
        y = place(low_x, value)[1]
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{_short(value)}</text>')
    for value in _steps(low_x, high_x):
        x = place(value, low_y)[0]
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{_short(value)}</text>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT + 10}" text-anchor="end">{escape(across)}</text>')
    out.append(f'<text x="{LEFT + 6}" y="{TOP + 10}">{escape(up)}</text>')
    for x, y, name in points:
        px, py = place(x, y)
        dot = f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colours[0]}">'
        out.append(f"{dot}<title>{escape(name)}</title></circle>")
    written: list[float] = []
    for x, y, name in marked:
        px, py = place(x, y)
        out.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="6" fill="none" stroke="{colours[1]}" stroke-width="2"/>')
        anchor, shift = ("end", -10) if px > WIDTH / 2 else ("start", 10)
        line = py + 4
        while any(abs(line - other) < LINE for other in written):  # two marks in one place: a line for each name
            line += LINE
        written.append(line)
        out.append(f'<text x="{px + shift:.1f}" y="{line:.1f}" text-anchor="{anchor}">{escape(name)}</text>')
    out.append("</svg>")
    return "".join(out)


def _room(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.05 or 1.0
    return low - room, high + room
