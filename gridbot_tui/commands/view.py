"""``gridbot view``: what a support bundle holds, as text or in the terminal app, without an exchange or a bot."""

import json
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gridbot_tui.commands import output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, where
from gridbot_tui.commands.run import objection
from gridbot_tui.control.command import Ack, Command, CommandOutcome
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.control.status import status_document

if TYPE_CHECKING:
    from gridbot_tui.control.client import ControlClient
    from gridbot_tui.ops.bundle import Bundle

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="File that 'gridbot support' wrote.")]
SummaryOption = Annotated[bool, typer.Option("--summary", help="Only text, also at a terminal.")]
PartOption = Annotated[str | None, typer.Option("--part", metavar="NAME", help="Print this part as it is.")]
StepOption = Annotated[
    int | None, typer.Option("--step", metavar="N", min=1, help="Begin with the N-th picture of the session.")
]
TROUBLE: Final = 20
"""Latest warnings of the log that the summary shows."""


def view(
    ctx: typer.Context,
    bundle: BundleArgument,
    summary: SummaryOption = False,
    part: PartOption = None,
    step: StepOption = None,
    json: JsonOption = False,
) -> None:
    """Look into a support bundle: in the terminal app where there is a terminal, else as text.

    The app shows the bot as it stood when the bundle was written, and orders nothing; , and . step back and forth
    through what it lived through last.

    Example: gridbot view trouble.tar.gz --summary
    """
    at = where(ctx, None, None, json)
    found = _read(bundle)
    if part is not None:
        if part not in found.parts:
            raise CommandFailed(f"there is no part {part}; there are {', '.join(sorted(found.parts))}", Exit.USAGE)
        print(found.parts[part], end="", flush=True)
        return
    if at.json:
        output.document(document(found))
        return
    picture, why = _picture(found)
    if step is not None:
        picture = _step(found, step)
    if not summary and picture is not None and not objection():
        _open(_session(found), picture, step)
        return
    print("\n".join(lines(found, picture)), flush=True)
    if picture is None:
        output.say(f"note: {why}")


class Still:
    """A bot that stands still: the pictures of its last session, one at a time, and every order refused."""

    def __init__(self, *pictures: Snapshot, at: int = -1) -> None:
        """``pictures``: oldest first, one at least. ``at``: the one to begin with."""
        self._pictures = pictures
        self._at = at % len(pictures)

    def step(self, by: int) -> str:
        """Go on, or back, and say where that is."""
        self._at = max(0, min(len(self._pictures) - 1, self._at + by))
        return f"picture {self._at + 1} of {len(self._pictures)}: {output.moment(self.snapshot().at)} UTC"

    def snapshot(self) -> Snapshot:
        """The picture shown now; its time says of when it is."""
        return self._pictures[self._at]

    def status(self) -> dict[str, Any]:
        """The status document of the picture."""
        return status_document(self.snapshot())

    def submit(self, command: Command, peer: str) -> Ack:
        """Nothing runs here that could obey."""
        return Ack(command.id, False, "this is a picture from a support bundle: nothing runs that could obey")

    def outcome(self, command_id: str) -> Awaitable[CommandOutcome]:
        """Of a command that was never taken."""
        return _never(command_id)


async def _never(command_id: str) -> CommandOutcome:
    return CommandOutcome(command_id, False, "it was never given")


class Served:
    """Serves a picture to an app of this process, in the app's own loop."""

    def __init__(self, still: Still, folder: Path) -> None:
        from gridbot_tui.service.operator.control_server import ControlServer

        self._server = ControlServer(still, folder / "view.sock")
        self._listening = False

    async def door(self) -> "ControlClient":
        """A connection that only looks."""
        from gridbot_tui.control.client import ControlClient
        from gridbot_tui.control.messages import Role

        if not self._listening:
            await self._server.start()
            self._listening = True
        return await ControlClient.connect(self._server.path, role=Role.VIEW, name="view")


def document(found: "Bundle") -> dict[str, Any]:
    """What a bundle holds, as one document; parts as JSON where they are."""
    parts = {name: _plain(name, text) for name, text in found.parts.items()}
    about = found.manifest
    return {"gridbot": about.gridbot, "at": about.at, "profile": about.profile, "parts": parts}


def lines(found: "Bundle", picture: Snapshot | None) -> list[str]:
    """The summary: whose, how it stood, what the doctor said, the latest trouble, what else is in it."""
    about = found.manifest
    said = [f"{about.profile}, written {output.moment(about.at)} UTC by gridbot {about.gridbot}", ""]
    if picture is not None:
        from gridbot_tui.commands.status import lines as status_lines

        said += [*status_lines(status_document(picture)), ""]
    said += _doctor(found)
    said += _trouble(found)
    return [*said, "parts", *(f"  {name}  {len(text)} bytes" for name, text in sorted(found.parts.items()))]


def _doctor(found: "Bundle") -> list[str]:
    checks = _plain("doctor.json", found.parts.get("doctor.json", "{}")).get("checks", [])
    bad = [check for check in checks if check["verdict"] != "ok"]
    if not checks:
        return []
    if not bad:
        return [f"doctor: all {len(checks)} checks are well", ""]
    return ["doctor", *(f"  {one['verdict']:<4} {one['check']}: {one['found']}" for one in bad), ""]


def _trouble(found: "Bundle") -> list[str]:
    """The latest lines of the log that say of trouble."""
    said: list[str] = []
    for line in found.parts.get("log.jsonl", "").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a line that a crash cut off
        if isinstance(event, dict) and event.get("level") in ("warning", "error", "critical"):
            text = event.get("text", event.get("exception", ""))
            said.append(f"  {event.get('at', event.get('wall', ''))} {event['level']} {event.get('event', '')} {text}")
    return ["latest trouble in the log", *said[-TROUBLE:], ""] if said else []


def _read(path: Path) -> "Bundle":
    from gridbot_tui.ops.bundle import BundleError, read

    try:
        return read(path)
    except BundleError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error


def _picture(found: "Bundle") -> tuple[Snapshot | None, str]:
    """The bot's picture, or why there is none."""
    from gridbot_tui.commands.support_parts import snapshot_of

    if "snapshot.json" not in found.parts:
        return None, "the bundle holds no picture of the bot: there is only text to show"
    try:
        return snapshot_of(found.parts["snapshot.json"]), ""
    except ValueError as error:
        return None, str(error)


def _session(found: "Bundle") -> list[Snapshot]:
    """The pictures of what the bot lived through last; none where the bundle has none that can be read."""
    from gridbot_tui.commands.support_parts import session_of

    try:
        return session_of(found.parts)
    except ValueError as error:
        output.say(f"note: {error}")
        return []


def _step(found: "Bundle", step: int) -> Snapshot:
    session = _session(found)
    if step > len(session):
        raise CommandFailed(f"the session of this bundle has {len(session)} pictures, not {step}", Exit.USAGE)
    return session[step - 1]


def _open(session: list[Snapshot], last: Snapshot, step: int | None) -> None:
    from gridbot_tui.ui.launch import Wishes, launch

    still = Still(*session, at=step - 1) if step is not None else Still(*session, last)
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        left = launch(Served(still, Path(folder)).door, Wishes(read_only=True, step=still.step), attached=True)
    if left.how == "crashed":
        raise CommandFailed("the terminal app failed; --summary shows the bundle as text", Exit.FAILED)


def _plain(name: str, text: str) -> Any:
    """A part as plain data: JSON where it is, lines of JSON as a list, else text."""
    try:
        if name.endswith(".json"):
            return json.loads(text)
        if name.endswith(".jsonl"):
            return [json.loads(line) for line in text.splitlines() if line]
    except ValueError:
        return text  # a line that a crash cut off
    return text
