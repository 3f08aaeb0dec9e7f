"""The simulated exchange's own books, as they were left: an exchange that has forgotten all is another one."""

from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.reader import reading


def kept_books(profile: Profile) -> BooksFile:
    """Those of the profile, made where it has not begun yet.

    Raises:
        ValueError: they are gone, and the bot's own are not.
        sqlite3.Error: they cannot be opened.
    """
    path = profile.exchange_database
    if (not path.exists() or not path.stat().st_size) and _has_begun(profile):
        raise ValueError("they are gone, or hold nothing, while gridbot.db counts on them: put them back")
    return BooksFile(path)


def _has_begun(profile: Profile) -> bool:
    try:
        with reading(profile.database) as reader:
            return reader.ledger_start() is not None
    except StoreError:
        return False  # opening the state file says what is wrong with it
