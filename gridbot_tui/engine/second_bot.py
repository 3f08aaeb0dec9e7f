"""Another gridbot on the same account: two that share a wallet each count on all of it. No new risk then.

Its orders carry client ids of a gridbot's shape with another tag; or our own tag, on orders that were never sent
from here (two copies with one name). It is taken to be gone when nothing of it was seen for ten minutes.
"""

from typing import Final

from gridbot_tui.engine.desk import Desk
from gridbot_tui.orders.ids import parse
from gridbot_tui.units import ClientId, Ms

CODE: Final = "second_bot"
GONE: Final[Ms] = 600_000


def sign(desk: Desk, client_id: ClientId) -> None:
    """An order or trade that is not of this process: is it another gridbot's?"""
    parts = parse(client_id)
    if parts is None:
        return
    if parts.owner == desk.ids.owner:
        detail = f"order {client_id} carries this bot's own tag and was not sent by it: a second one runs"
    else:
        detail = f"order {client_id} is that of another gridbot ({parts.owner}) on this account"
    desk.second_bot_at = desk.now
    if desk.blockers.hold("", CODE, desk.now, detail, "when nothing of it was seen for ten minutes"):
        desk.note("", CODE, detail, "error")
        desk.touch_all()


def review(desk: Desk) -> None:
    """After a look at all open orders: is it gone?"""
    if desk.now - desk.second_bot_at >= GONE and desk.blockers.clear("", CODE):
        desk.note("", CODE, "nothing of a second bot was seen for ten minutes")
        desk.touch_all()
