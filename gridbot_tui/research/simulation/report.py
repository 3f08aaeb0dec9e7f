"""The campaign's section of docs/VALIDATION.md: figures as measured, violations with the command that replays them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gridbot_tui.research.simulation.memory import Sample, slope

BEGIN: Final = "<!-- campaign: written by make campaign -->"
END: Final = "<!-- campaign end -->"
_FIGURES: Final = (
    ("seeds", "seeds"),
    ("virtual_hours", "virtual hours"),
    ("events", "events handled by the bot"),
    ("events_per_s", "events a second"),
    ("elapsed_s", "seconds"),
    ("orders", "orders"),
    ("fills", "fills"),
    ("restarts", "restarts"),
    ("unhandled_exceptions", "unhandled exceptions"),
    ("duplicate_orders", "duplicate orders"),
    ("orphan_orders", "orphan orders"),
    ("lost_fills", "lost fills"),
    ("residual_max", "largest residual when all was quiet"),
    ("max_leverage", "highest worst-case leverage when an entry left"),
    ("max_leverage_observed", "highest leverage observed"),
    ("max_reconnect_s", "worst reconnect, s"),
    ("max_recovery_s", "worst recovery, waiting for lost answers included, s"),
    ("gate_checks", "entries whose leverage was recounted from outside"),
    ("gate_checks_passed_over", "entries not recounted: the bot could not know yet what had just happened"),
    ("liquidations", "liquidations (all of positions taken by hand)"),
    ("tiers", "tiers entered"),
    ("breakers_opened", "breakers opened"),
    ("least_orders", "fewest orders of a seed"),
    ("least_symbols", "fewest symbols of a seed"),
    ("shutdowns", "exit codes of the last shutdowns"),
)


def section(
    whole: Mapping[str, Any],
    runs: Mapping[str, tuple[Mapping[str, Any], Mapping[str, str]]],
    processes: int,
    machine: str,
) -> str:
    """Markdown of one campaign and of single long runs (name -> document, further figures)."""
    lines = [BEGIN, "## The fault campaign", ""]
    asked = f"`gridbot simulate --seeds {whole['seeds']} --faults {whole['faults']}`"
    lines.append(f"{asked} in {processes} processes; {machine} at the end.")
    lines += ["", "| figure | value |", "|---|---|"]
    lines += [f"| {words} | {_shown(whole[name])} |" for name, words in _FIGURES]
    lines += ["", "Injected: " + ", ".join(f"{k} {n}" for k, n in whole["faults_injected"].items()) + ".", ""]
    missing = whole["kinds_without_count"]
    lines += [f"Kinds that never happened: {', '.join(missing)}." if missing else "Every kind happened.", ""]
    lines += _violations(whole["invariant_violations"])
    for name, (document, further) in runs.items():
        lines += ["", f"### {name}", "", "| figure | value |", "|---|---|"]
        lines += [f"| {words} | {_shown(document[key])} |" for key, words in _FIGURES]
        lines += [f"| {part} | {value} |" for part, value in further.items()]
        lines += ["", *_violations(document["invariant_violations"])]
    return "\n".join([*lines, "", END, ""])


def growth(samples: Sequence[Sample]) -> dict[str, str]:
    """Memory of the bot's own objects, rows and files over a long run, and the slope of memory."""
    if not samples:
        return {}
    third = samples[-1].hour / 3
    slopes = (slope(samples), slope(samples, 2 * third), slope(samples, 2 * third, lambda one: one.open))
    shown = ["unknown" if one is None else f"{one / 1024:+.1f} KiB an hour" for one in slopes]
    last = samples[-1]
    rows = ", ".join(f"{name} {count}" for name, count in sorted(last.rows.items()) if count)
    sizes = ", ".join(f"{name} {size // 1024} KiB" for name, size in sorted(last.bytes.items()))
    days = [one for at, one in enumerate(samples) if at % 24 == 0 or one is last]
    return {
        "memory of the bot's objects, KiB at each day": ", ".join(str(one.objects // 1024) for one in days),
        "memory slope, whole run": shown[0],
        "memory slope, last third": shown[1],
        "the same without windows and tables that have a bound": shown[2],
        "rows of the journal at each day": ", ".join(str(one.rows.get("journal", 0)) for one in days),
        "rows at the end": rows,
        "files at the end": sizes,
    }


def put(path: Path, text: str) -> None:
    """Put the section in its place in the file, leaving all else as it is."""
    before = path.read_text(encoding="utf-8") if path.exists() else "# Validation\n\n"
    head, found, rest = before.partition(BEGIN)
    tail = rest.partition(END)[2].lstrip("\n") if found else ""
    path.write_text(head.rstrip("\n") + "\n\n" + text + (("\n" + tail) if tail else ""), encoding="utf-8")


def kept(path: Path) -> str:
    """The section as it stands in a file that is about to be written anew; "" where there is none."""
    if not path.exists():
        return ""
    _, found, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    return f"\n\n{BEGIN}{rest.partition(END)[0]}{END}" if found else ""


def _violations(found: list[Mapping[str, Any]]) -> list[str]:
    if not found:
        return ["No promise was broken."]
    lines = [f"**{len(found)} seeds broke a promise:**", ""]
    return lines + [f"- `{one['replay']}`: {one['invariant']}: {one['detail']}" for one in found]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {count}" for key, count in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value:,}"
