"""``gridbot alerts``: where alarms are sent. An address holds tokens: it is a secret, and never an argument."""

import sys
import threading
import time
from typing import Annotated, Any

import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, YesOption, where
from gridbot_tui.credentials.addresses import MOST, Found
from gridbot_tui.credentials.errors import CredentialError, Malformed, NoKeyring

app = typer.Typer(
    help="Set, check, test and delete the addresses that alarms are sent to.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_LONGEST = 65_536
_ELSE = (
    "without one, hand them over by systemd (LoadCredential=gridbot-alert-urls:...) or by the environment "
    "(GRIDBOT_ALERT_URLS)"
)
NONE = f"there is no address for alarms: 'gridbot alerts set' stores some in the system keyring; {_ELSE}"


@app.command("set")
def set_(ctx: typer.Context, json: JsonOption = False) -> None:
    """Take addresses (apprise URLs, one a line) from the terminal, unseen, or from stdin; store them in the keyring.

    Example: gridbot alerts set < addresses.txt
    """
    from gridbot_tui.credentials.addresses import parse, store

    at = where(ctx, None, None, json)
    try:
        addresses = parse(_typed() if sys.stdin.isatty() else sys.stdin.read(_LONGEST), "what was given")
        if not addresses:
            raise CommandFailed("nothing was given; nothing was stored", Exit.USAGE)
        name = store(addresses)
    except NoKeyring as error:
        raise CommandFailed(f"{str(error).partition(';')[0]}; nothing was stored: {_ELSE}", Exit.REFUSED) from None
    except CredentialError as error:
        raise CommandFailed(str(error), _exit(error)) from None
    names = [one.name for one in addresses]
    if at.json:
        output.document({"stored": names, "keyring": name})
    else:
        output.say(f"stored in the keyring ({name}): {', '.join(names)}; 'gridbot alerts test' sends a message to each")


@app.command()
def check(ctx: typer.Context, json: JsonOption = False) -> None:
    """Say where the bot would find its addresses and of which kinds they are; nothing is sent.

    Example: gridbot alerts check
    """
    at = where(ctx, None, None, json)
    found = _found()
    names = [one.name for one in found.addresses]
    if at.json:
        output.document({"source": found.source, "addresses": names, "trouble": found.trouble})
    else:
        print("\n".join([f"from {found.source}", *names]), flush=True)


@app.command("test")
def send_test(
    ctx: typer.Context,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="S", min=1.0, max=600.0, help="Seconds to wait for all addresses.")
    ] = 30.0,
    json: JsonOption = False,
) -> None:
    """Send a test message to every address, and say which took it. Exit code 1 where one did not.

    Example: gridbot alerts test
    """
    at = where(ctx, None, None, json)
    found = _found()
    said = _sent(found, timeout)
    rows = [{"address": one.name, "taken": said[one.name] == "", "trouble": said[one.name]} for one in found.addresses]
    if at.json:
        output.document({"source": found.source, "addresses": rows})
    else:
        lines = [f"{row['address']:<16} {row['trouble'] or 'taken'}" for row in rows]
        print("\n".join([f"from {found.source}", *lines]), flush=True)
    failed = sum(not row["taken"] for row in rows)
    if failed:
        raise CommandFailed(f"{failed} of {len(rows)} addresses did not take the message", Exit.FAILED)


@app.command()
def delete(ctx: typer.Context, yes: YesOption = False, json: JsonOption = False) -> None:
    """Delete the addresses from the keyring, and look that they are gone.

    Example: gridbot alerts delete --yes
    """
    from gridbot_tui.credentials.addresses import delete as forget

    at = where(ctx, None, None, json)
    talk.confirm("Delete the addresses of alarms from the keyring?", yes=yes)
    try:
        gone = forget()
    except NoKeyring as error:
        raise CommandFailed(f"{str(error).partition(';')[0]}: there was nothing to delete", Exit.REFUSED) from None
    except CredentialError as error:
        raise CommandFailed(str(error), _exit(error)) from None
    if at.json:
        output.document({"deleted": gone})
    else:
        output.say("deleted from the keyring" if gone else "there were none")


def _found() -> Found:
    """The addresses; ends the command where there are none."""
    from gridbot_tui.credentials.addresses import find

    found = find()
    if found.trouble:
        output.say(f"passed over: {found.trouble}")
    if not found.addresses:
        raise CommandFailed(found.trouble or NONE, Exit.USAGE)
    return found


def _sent(found: Found, timeout: float) -> dict[str, str]:
    """What each address said; "" where it took the message. One that hangs keeps none of the others."""
    from gridbot_tui.ops.alerts import Message
    from gridbot_tui.service.beside.alert_channel import open_channels

    channels, wrong = open_channels(found.addresses)
    said: dict[str, Any] = {one.name: f"no answer within {timeout:g} s" for one in found.addresses}
    said |= dict(text.split(": ", 1) for text in wrong)
    body = "This is a test: alarms of the bot will come here."
    message = Message("info", "gridbot: a test of its alarms", body, 0)

    def send(number: int) -> None:
        said[channels[number].name] = channels[number].send(message)

    threads = [threading.Thread(target=send, args=(number,), daemon=True) for number in range(len(channels))]
    for thread in threads:
        thread.start()
    until = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(said)


def _typed() -> str:
    """Addresses from a terminal, one after the other, until an empty line."""
    import getpass

    lines: list[str] = []
    output.say("Addresses (apprise URLs such as tgram://TOKEN/CHAT), not shown; an empty line ends.")
    while len(lines) < MOST:
        line = getpass.getpass(f"address {len(lines) + 1}: ", stream=sys.stderr).strip()
        if not line:
            break
        lines.append(line)
    return "\n".join(lines)


def _exit(error: CredentialError) -> Exit:
    return Exit.USAGE if isinstance(error, Malformed) else Exit.FAILED
