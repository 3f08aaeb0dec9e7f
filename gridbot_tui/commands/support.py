"""``gridbot support``: everything somebody needs who is to find out what went wrong, with secrets removed."""

import time
from pathlib import Path
from typing import Annotated

import typer

from gridbot_tui import __version__
from gridbot_tui.commands import doctor, output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, Where, where
from gridbot_tui.service.books.profile import Profile

OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write here (default: named after profile and time).")
]


def support(
    ctx: typer.Context,
    out: OutOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Write one file for who is to help: config, log, audit trail, orders, fills, decisions, doctor; no secrets.

    Example: gridbot support --out trouble.tar.gz
    """
    at = where(ctx, home, profile, json)
    own = doctor.chosen(at)
    from gridbot_tui.ops import bundle

    unheard = _hide_secrets(own)
    parts, trouble = _collected(at, own)
    now = time.time_ns() // 1_000_000
    name = "none" if own is None else own.name
    path = out if out is not None else Path(f"gridbot-support-{name}-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz")
    try:
        size = bundle.write(path, parts, version=__version__, profile=name, at=now)
    except bundle.BundleError as error:
        raise CommandFailed(str(error), Exit.FAILED) from error
    if at.json:
        output.document({"file": str(path), "bytes": size, "parts": sorted(parts), "left_out": trouble})
        return
    print(str(path), flush=True)
    output.say(f"{size / 1024:.0f} KiB, {len(parts)} parts, secrets removed; 'gridbot view {path}' shows what is in it")
    for line in [*trouble, *(f"its keys could not be looked up to be removed ({one})" for one in unheard)]:
        output.say(f"note: {line}")


def _hide_secrets(profile: Profile | None) -> list[str]:
    """Learn every key that can be found here, so that none stays wherever it got to."""
    from gridbot_tui.commands.credentials import hide_known
    from gridbot_tui.commands.support_parts import account_of

    account = None if profile is None else account_of(profile)
    trouble = hide_known(dict.fromkeys(["main", *([account] if account else [])]))
    # Where no keyring can hold a key there is none to be removed.
    return [one for one in trouble if not one.startswith("keyring: ") or "locked" in one]


def _collected(at: Where, profile: Profile | None) -> tuple[dict[str, str], list[str]]:
    """Part by name, and a sentence for each that could not be had. Nothing that is broken stops the rest."""
    from gridbot_tui.commands import support_parts as source

    parts: dict[str, str] = {"versions.json": source.versions()}
    trouble: list[str] = []
    checks = doctor.examine(at, profile)
    parts["doctor.json"] = source.text(doctor.document(profile, checks))
    if at.config is not None:
        source.add(parts, trouble, {"config.given.toml": lambda: source.file_text(at.config)})
    if profile is not None:
        source.add(
            parts,
            trouble,
            {
                "log.jsonl": lambda: source.log_tail(profile),
                "audit.jsonl": lambda: source.audit_tail(profile),
            },
        )
        source.add_database(parts, trouble, profile)
        source.add_picture(parts, trouble, profile)
        source.add_session(parts, trouble, profile)
    return parts, trouble
