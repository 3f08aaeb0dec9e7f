"""``gridbot credentials``: the API key of an account, in the system keyring. No secret is ever an argument."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, YesOption, where
from gridbot_tui.credentials.errors import CredentialError, KeyringTrouble, Malformed, NoKeyring, NotFound
from gridbot_tui.credentials.model import Credential, Owner, checked
from gridbot_tui.units import Market, Mode

app = typer.Typer(
    help="Store, check and delete the API key of an account in the system keyring.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ModeOption = Annotated[Mode, typer.Option("--mode", help="testnet or live: each has keys of its own.")]
MarketOption = Annotated[Market, typer.Option("--market", help="Which market the key is for.")]
AccountOption = Annotated[str, typer.Option("--account", metavar="A", help="bot.account of the config.")]


@app.command("set")
def set_(
    ctx: typer.Context,
    mode: ModeOption = Mode.TESTNET,
    market: MarketOption = Market.FUTURES,
    account: AccountOption = "main",
    private_key: Path | None = typer.Option(
        None, "--private-key", metavar="FILE", help="PEM private key (Ed25519 or RSA) instead of a secret."
    ),
    json: JsonOption = False,
) -> None:
    """Ask for an API key and its secret, store them, and read them back. Piped: one line each on stdin.

    Example: gridbot credentials set --mode live
    """
    at = where(ctx, None, None, json)
    owner = owner_of(mode, market, account)
    try:
        name = store(owner, private_key)
    except CredentialError as error:
        raise CommandFailed(str(error), exit_of(error)) from None
    if at.json:
        output.document({"owner": owner.name, "stored": True, "keyring": name})
    else:
        output.say(f"stored in the keyring ({name}) as {owner.name}, and read back; nothing was written to a file")


@app.command()
def check(
    ctx: typer.Context,
    mode: ModeOption = Mode.TESTNET,
    market: MarketOption = Market.FUTURES,
    account: AccountOption = "main",
    json: JsonOption = False,
) -> None:
    """Say where the bot would find its API key, and what is wrong with each place; never the key itself.

    Example: gridbot credentials check --mode live --json
    """
    from gridbot_tui.credentials.sources import look

    at = where(ctx, None, None, json)
    owner = owner_of(mode, market, account)
    looks = look(owner, say=output.say)
    used = next((one.credential for one in looks if one.credential is not None), None)
    if at.json:
        rows = [
            {"source": one.source, "found": one.credential is not None, "trouble": one.trouble or None} for one in looks
        ]
        output.document({"owner": owner.name, "used": used.source if used else None, "sources": rows})
    else:
        lines = [f"{one.source:<12} {_words(one.credential, one.trouble, used)}" for one in looks]
        print("\n".join([f"API key of {owner.name}", *lines]), flush=True)
    wrong = next((one for one in looks if one.trouble and one.source != "keyring"), None)
    if wrong is not None:
        raise CommandFailed(f"{wrong.source}: {wrong.trouble}", Exit.USAGE)
    if used is None:
        raise CommandFailed(f"there is no API key for {owner.name}", Exit.FAILED)


@app.command()
def delete(
    ctx: typer.Context,
    mode: ModeOption = Mode.TESTNET,
    market: MarketOption = Market.FUTURES,
    account: AccountOption = "main",
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Delete the API key of an account from the keyring, and look that it is gone.

    Example: gridbot credentials delete --mode testnet --yes
    """
    at = where(ctx, None, None, json)
    owner = owner_of(mode, market, account)
    talk.confirm(f"Delete the API key of {owner.name} from the keyring?", yes=yes)
    from gridbot_tui.credentials.backend import system_backend
    from gridbot_tui.credentials.vault import KeyringVault

    try:
        gone = KeyringVault(system_backend()).delete(owner)
    except NoKeyring as error:
        raise CommandFailed(f"{str(error).partition(';')[0]}: there was nothing to delete", Exit.REFUSED) from None
    except CredentialError as error:
        raise CommandFailed(str(error), exit_of(error)) from None
    if at.json:
        output.document({"owner": owner.name, "deleted": gone})
    else:
        output.say(f"{owner.name}: {'deleted from the keyring' if gone else 'there was no key'}")


def store(owner: Owner, private_key: Path | None = None) -> str:
    """Ask for a key and store it; the keyring's name. The keyring is looked at first: nobody types in vain.

    Raises:
        CredentialError: no keyring, no key, or the keyring did not keep it.
    """
    from gridbot_tui.credentials.backend import system_backend
    from gridbot_tui.credentials.vault import KeyringVault

    vault = KeyringVault(system_backend())
    vault.put(owner, ask(owner, private_key))
    return vault.name


def try_store(owner: Owner) -> tuple[bool, str]:
    """``store`` for a caller that goes on either way: whether it is kept, and where or why not."""
    try:
        return True, store(owner)
    except CredentialError as error:
        return False, str(error)


def ask(owner: Owner, private_key: Path | None) -> Credential:
    """Take key and secret from the terminal, unseen, or from stdin."""
    terminal = sys.stdin.isatty()
    key = _hidden(f"API key of {owner.name} (not shown): ") if terminal else sys.stdin.readline()
    if private_key is not None:
        return checked(key, _pem(private_key), "what was given")
    secret = _hidden("Secret (not shown): ") if terminal else sys.stdin.read(16_384)
    return checked(key, secret, "what was typed" if terminal else "stdin")


def owner_of(mode: Mode, market: Market, account: str) -> Owner:
    """Whose key is meant. Ends the command where a mode needs none."""
    if mode not in (Mode.TESTNET, Mode.LIVE):
        raise CommandFailed(f"mode {mode.value} needs no API key: --mode testnet or --mode live", Exit.USAGE)
    if not (account.isalnum() and account.isascii() and len(account) <= 4):
        raise CommandFailed("--account is bot.account of the config: one to four letters and digits", Exit.USAGE)
    return Owner(mode, market, account)


def exit_of(error: CredentialError) -> Exit:
    """The exit code an error deserves."""
    if isinstance(error, NoKeyring):
        return Exit.REFUSED
    return Exit.USAGE if isinstance(error, Malformed) else Exit.FAILED


def _words(found: Credential | None, trouble: str, used: Credential | None) -> str:
    if found is None:
        return trouble or "has none"
    words = f"has an API key of {len(found.key)} characters with its {found.signs_with}"
    return words + ("  (this one is used)" if found is used else "  (not used: a stronger source has one)")


def _pem(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"  # the error itself holds its bytes
        raise Malformed(f"{path} cannot be read as a PEM private key: {why}") from None


def _hidden(prompt: str) -> str:
    import getpass
    import warnings

    with warnings.catch_warnings():
        # It would go on and show what is typed.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt, stream=sys.stderr)
        except EOFError:
            raise NotFound("nothing was typed; nothing was stored") from None
        except getpass.GetPassWarning:
            raise NotFound("this terminal cannot hide what is typed; pipe the key in on stdin instead") from None


def keyring_in_use() -> tuple[str, str]:
    """The system's keyring, and why it may hold no secret ("" where it may); for ``doctor``."""
    from gridbot_tui.credentials.backend import chosen, judge, usable

    found: object = None
    try:
        found = chosen()
        return judge(usable(found)).name, ""
    except (NoKeyring, KeyringTrouble) as error:
        return judge(found).name, str(error).partition(";")[0]


def hide_known(accounts: Iterable[str]) -> list[str]:
    """Have every key that can be found here hidden wherever ``ops.redact`` looks; what could not be asked.

    That is the sources a bot looks in, for these accounts, and whatever the environment names like a secret.
    """
    from gridbot_tui.credentials import addresses
    from gridbot_tui.credentials.sources import SYSTEMD, look
    from gridbot_tui.ops.redact import register_secret
    from gridbot_tui.settings.names import is_secret

    trouble: dict[str, None] = dict.fromkeys(addresses.hide_known())
    for name, value in os.environ.items():
        if name != SYSTEMD and is_secret(name):
            register_secret(value)
    for text in _handed_over(os.environ.get(SYSTEMD, "")):
        register_secret(text)
    kinds = [(mode, market) for mode in (Mode.TESTNET, Mode.LIVE) for market in Market]
    for account in accounts:
        for mode, market in kinds:
            for one in look(Owner(mode, market, account), say=output.say):
                if one.trouble:
                    trouble[f"{one.source}: {one.trouble}"] = None
    return list(trouble)


def _handed_over(folder: str) -> list[str]:
    """What systemd handed to this process, whatever its name."""
    found: list[str] = []
    try:
        files = [path for path in Path(folder).iterdir() if path.is_file()] if folder else []
        for path in files:
            with path.open("rb") as file:
                found.append(file.read(16_384).decode("utf-8", "replace"))
    except OSError:
        return found  # what cannot be read here cannot have got into a file of ours from here
    return found
