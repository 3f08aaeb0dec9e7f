"""Which client id an exchange order number belongs to: executions in lists name only the number."""

from collections import OrderedDict
from typing import Final

from gridbot_tui.units import ClientId, Symbol

KEPT: Final = 20_000


class KnownIds:
    """A bounded memory, fed by every answer and event that names both. The newest are kept."""

    __slots__ = ("_by_number",)

    def __init__(self) -> None:
        self._by_number: OrderedDict[tuple[Symbol, str], ClientId] = OrderedDict()

    def learn(self, symbol: Symbol, number: str, client_id: ClientId) -> None:
        """This order number has this client id. What was known first stays: a number never changes hands."""
        if not number or not client_id:
            return
        key = (symbol, number)
        if key not in self._by_number:
            self._by_number[key] = client_id
            if len(self._by_number) > KEPT:
                self._by_number.popitem(last=False)

    def client_id(self, symbol: Symbol, number: str) -> ClientId | None:
        """The client id of an order number; None where it was never heard of."""
        return self._by_number.get((symbol, number))
