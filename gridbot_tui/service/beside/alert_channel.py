"""One address outside, behind one blocking call. apprise is loaded here, in the thread that first opens an address."""

import logging
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from gridbot_tui.credentials.addresses import Address
from gridbot_tui.ops.alerts import Message
from gridbot_tui.ops.redact import redact

_KINDS: Final = {"info": "info", "warning": "warning", "error": "failure"}
_LIBRARY: Final = "apprise"


class Channel(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """As it may be shown."""
        ...

    def send(self, message: Message) -> str:
        """Deliver, however long that takes; "" where it was taken, else why not, without a secret."""
        ...


class AppriseChannel:
    """An address of any service that apprise knows.

    Raises:
        ValueError: apprise knows no such kind of address, or it lacks something.
    """

    def __init__(self, address: Address) -> None:
        import apprise

        logging.getLogger(_LIBRARY).propagate = False  # what matters is told by us; its debug lines hold addresses
        asset = apprise.AppriseAsset(
            app_id="gridbot",
            app_desc="gridbot",
            app_url="",
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            http_redirects=False,  # followed, a POST becomes a GET, which any page answers: no alarm was taken
        )
        self.name = address.name
        # The plugin itself, not a bundle of them: a bundle sends through threads of its own, which the end of the
        # process would wait for.
        with _Overheard() as said:
            target = apprise.Apprise.instantiate(address.url.reveal(), asset=asset)
        if target is None:
            raise ValueError(said.text() or "apprise knows no such address, or it is not complete")
        self._target = target

    def send(self, message: Message) -> str:
        """See ``Channel``."""
        with _Overheard() as said:
            try:
                taken = self._target.notify(body=message.body, title=message.title, notify_type=_KINDS[message.level])
            except Exception as error:  # noqa: BLE001 - of a hundred plugins one may raise anything: this send failed
                return redact(f"{type(error).__name__}: {error}")
        return "" if taken else said.text() or "it was not taken, without a reason"


def open_channels(addresses: Sequence[Address]) -> tuple[list[Channel], list[str]]:
    """Channels of all addresses that can be one, and what is wrong with the others. Blocks; loads apprise."""
    opened: list[Channel] = []
    wrong = []
    for address in addresses:
        try:
            opened.append(AppriseChannel(address))
        except ValueError as error:
            wrong.append(f"{address.name}: {error}")
    return opened, wrong


class _Overheard(logging.Handler):
    """What the library logs in this thread: it says why only there."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first few lines of this thread."""
        if record.thread == self._thread and len(self._lines) < 5:
            self._lines.append(" ".join(record.getMessage().split())[:300])

    def text(self) -> str:
        """What was said."""
        return redact("; ".join(dict.fromkeys(self._lines)))

    def __enter__(self) -> "_Overheard":
        logging.getLogger(_LIBRARY).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(_LIBRARY).removeHandler(self)
