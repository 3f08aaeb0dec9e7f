"""``gridbot doctor``: is everything in order, and what to do where it is not. Changes nothing unless told to."""

import os
from typing import Annotated, Any

import msgspec
import typer

from gridbot_tui.commands import doctor_state, doctor_system, output
from gridbot_tui.commands.doctor_check import Check, Verdict, warn
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, Where, where
from gridbot_tui.service.books.profile import Profile, find_existing, home_folder, profiles
from gridbot_tui.units import Mode

RepairOption = Annotated[
    bool, typer.Option("--repair", help="Repair what is safe to: access of others, leftovers of a dead bot.")
]


def doctor(
    ctx: typer.Context,
    repair: RepairOption = False,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Check machine, files and ledger, a line a check: verdict, what was found, what to do.

    Exit code 1: something fails.

    Example: gridbot doctor --json
    """
    at = where(ctx, home, profile, json)
    own = chosen(at)
    checks = examine(at, own, repair=repair)
    if at.json:
        output.document(document(own, checks))
    else:
        print("\n".join(lines(checks)), flush=True)
    failed = [check.check for check in checks if check.verdict is Verdict.FAIL]
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(checks)} checks fail: {', '.join(failed)}", Exit.FAILED)


def chosen(at: Where) -> Profile | None:
    """The profile that is meant; None where there is none yet and none was named."""
    if at.profile is None and not profiles(at.home):
        return None
    return find_existing(at.home, at.profile)


def examine(at: Where, profile: Profile | None, *, repair: bool = False) -> list[Check]:
    """Every check, in the order in which one would look."""
    files = [] if profile is None else [profile.database, profile.log, profile.audit]
    folder = home_folder(at.home) if profile is None else profile.folder
    checks = [
        doctor_system.clock(files),
        doctor_system.disk(folder),
        doctor_system.keyring(_mode(profile)),
        doctor_system.terminal(os.environ),
        doctor_system.logout(),
        doctor_state.config(at, profile),
    ]
    if profile is None:
        return [*checks, warn("profile", f"none under {folder}", "nothing: the first run makes one")]
    from gridbot_tui.commands.doctor_books import books
    from gridbot_tui.commands.doctor_exchange import exchange

    return [
        *checks,
        doctor_state.permissions(profile, repair=repair),
        doctor_state.process(profile, repair=repair),
        doctor_state.database(profile),
        doctor_state.audit(profile),
        *books(profile),
        *exchange(at, profile),
    ]


def document(profile: Profile | None, checks: list[Check]) -> dict[str, Any]:
    """The checks as one document."""
    return {
        "ok": all(check.verdict is not Verdict.FAIL for check in checks),
        "profile": None if profile is None else profile.name,
        "checks": [msgspec.to_builtins(check) for check in checks],
    }


def lines(checks: list[Check]) -> list[str]:
    """The checks for a person; what to do stands below what was found."""
    width = max(len(check.check) for check in checks)
    found: list[str] = []
    for check in checks:
        fixed = " (repaired)" if check.repaired else ""
        found.append(f"{check.verdict.value:<4}  {check.check:<{width}}  {check.found}{fixed}")
        if check.advice:
            found.append(f"{'':<4}  {'':<{width}}  -> {check.advice}")
    return found


def _mode(profile: Profile | None) -> Mode | None:
    """The mode that a profile's name says; None for a name of the operator's own."""
    first = "" if profile is None else profile.name.partition("-")[0]
    return Mode(first) if first in {mode.value for mode in Mode} else None
