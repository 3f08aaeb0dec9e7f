"""A config change as the bot computed it, in rows: keys and when they apply, orders, the worst case. Pure."""

import re
from collections.abc import Mapping

from gridbot_tui.ui import words
from gridbot_tui.ui.rows import Row, cells, left, right, wrapped

_CHANGE = re.compile(r"^(?P<key>[^\s:]+): (?P<old>.*?) -> (?P<new>.*) \((?P<when>[^()]*)\)$")
_ORDERS = re.compile(
    r"^(?P<symbol>\S+): cancel (?P<cancel>\d+), create (?P<create>\d+), keep (?P<keep>\d+)(?P<rest>.*)$"
)
_THEN = re.compile(r"(?:^|, )then ")
_MINUS = re.compile(r"(?<!\S)-(?=\d)")
_ROLES = {"at once": "warn", "at the next decision": "accent"}
SYMBOLS_SHOWN = 8
"""Symbols that are told one by one; the others are summed up."""


def difference_rows(detail: Mapping[str, str], width: int) -> list[Row]:
    """Keys, a rule, orders, a rule, what if; whatever else the bot has to say comes last, as it stands."""
    rows = _changes(detail.get("changes", "").splitlines(), width)
    if detail.get("desired"):
        rows += [_rule(width), *_orders(detail["desired"].splitlines(), width)]
    if detail.get("what_if"):
        rows += [_rule(width), *_what_if(detail["what_if"].splitlines(), width)]
    for name, text in detail.items():
        if name not in ("changes", "desired", "what_if", "exit_code"):
            rows += wrapped(f"{name.replace('_', ' ')}: {text}", width)
    return rows


def _changes(lines: list[str], width: int) -> list[Row]:
    found = [(line, _CHANGE.match(line)) for line in lines]
    room = max((cells(match["key"]) for _, match in found if match), default=0)
    values = max((cells(_values(match)) for _, match in found if match), default=0)
    rows: list[Row] = []
    for line, match in found:
        if match is None:
            rows += wrapped(line, width)
        elif room + values + cells(match["when"]) + 4 <= width:
            key, value, when = left(match["key"], room), left(_values(match), values), match["when"]
            rows.append(((key, "text"), ("  ", "text"), (value, "strong"), ("  ", "text"), (when, _when(when))))
        else:
            rows.append(((match["key"], "text"), (f"  {match['when']}", _when(match["when"]))))
            rows += [(("    ", "text"), *row) for row in wrapped(_values(match), max(8, width - 4), "strong")]
    return rows or [(("no value changes; only the text does", "dim"),)]


def _values(match: re.Match[str]) -> str:
    return f"{match['old']} → {match['new']}"


def _when(when: str) -> str:
    return _ROLES.get(when, "bad")


def _orders(lines: list[str], width: int) -> list[Row]:
    found = [match for line in lines if (match := _ORDERS.match(line))]
    rows: list[Row] = []
    for line in lines:
        if not _ORDERS.match(line):
            rows += wrapped(line, width)
    sums = [sum(int(match[name]) for match in found) for name in ("cancel", "create", "keep")]
    if len(found) > 1:
        rows.append(_counts("in all", *sums))
    rests = {one["symbol"]: _moved(one["rest"].strip(", ")) for one in found}
    moved = [one for one in found if int(one["cancel"]) or int(one["create"]) or rests[one["symbol"]]]
    moved.sort(key=lambda one: not _THEN.search(one["rest"]))  # what is bought or sold at once is never summed up
    for match in moved[:SYMBOLS_SHOWN]:
        rows.append(_counts(match["symbol"], *(int(match[name]) for name in ("cancel", "create", "keep"))))
        rest, *then = _THEN.split(rests[match["symbol"]].replace("->", "→"))
        rows += [(("      ", "text"), *row) for row in wrapped(rest, max(8, width - 6), "dim") if rest]
        for text in then:
            rows += [(("      ", "text"), *row) for row in wrapped(f"then {text}", max(8, width - 6), "bad")]
    if len(moved) > SYMBOLS_SHOWN:
        rows.append(((f"and {words.plural(len(moved) - SYMBOLS_SHOWN, 'symbol')} more", "dim"),))
    return rows


def _moved(text: str) -> str:
    """The parts of a list of changes that are some: ``spacing 2.8 % -> 2.8 %`` says nothing."""
    return ", ".join(part for part in text.split(", ") if part and not _same(part))


def _same(part: str) -> bool:
    """True for ``x -> x``, with or without a name before it."""
    before, arrow, after = part.rpartition(" -> ")
    return bool(arrow) and (before == after or before.endswith(f" {after}"))


def _counts(name: str, cancel: int, create: int, keep: int) -> Row:
    return (
        (left(name, 14), "strong"),
        (f"cancel {right(str(cancel), 3)}", "warn" if cancel else "dim"),
        (f"   create {right(str(create), 3)}", "accent" if create else "dim"),
        (f"   keep {right(str(keep), 3)}", "good" if keep else "dim"),
    )


def _what_if(lines: list[str], width: int) -> list[Row]:
    rows: list[Row] = [(("if every level of a side filled", "dim"),)]
    moved = [line for line in lines if not _unmoved(line)]
    if len(moved) < len(lines):
        count = len(lines) - len(moved)
        rows.append(((f"as before on {words.plural(count, 'side')}" + (", else" if moved else ""), "dim"),))
    for line in moved[: 2 * SYMBOLS_SHOWN]:
        name, _, text = line.partition(" filled: ")
        shown = _MINUS.sub(words.MINUS, _settled(text).replace("->", "→")) if text else line
        rows += [
            ((left(name, 18) if at == 0 else " " * 18, "strong"), *row)
            for at, row in enumerate(wrapped(shown, max(8, width - 18)))
        ]
    if len(moved) > 2 * SYMBOLS_SHOWN:
        rows.append(((f"and {len(moved) - 2 * SYMBOLS_SHOWN} lines more", "dim"),))
    return rows


def _unmoved(line: str) -> bool:
    """True where every change a line tells of is none."""
    changes = [part for part in line.partition(" filled: ")[2].split(", ") if " -> " in part]
    return bool(changes) and all(_same(part) for part in changes)


def _settled(text: str) -> str:
    """What did not change is told once."""
    return ", ".join(part.rpartition(" -> ")[0] if _same(part) else part for part in text.split(", "))


def _rule(width: int) -> Row:
    return (("─" * width, "frame"),)
