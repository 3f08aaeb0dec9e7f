"""What the account's owner does beside the bot: transfers, orders and trades by hand."""

from collections.abc import Callable
from typing import Final

from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import Asset, ClientId, Money, Side, Steps, Symbol

HAND: Final = "web_"
"""How Binance's own web page begins the ids of its orders."""

Act = Callable[[Callable[[Exchange], Refusal | None]], Refusal | None]


class Owner:
    """Actions that take effect at once; the bot hears of them as it would on a real exchange."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def deposit(self, asset: Asset, amount: Money) -> None:
        """Add a positive amount to a wallet."""
        if amount <= 0:
            raise ValueError(f"a deposit is positive, not {amount}")
        self._act(lambda exchange: exchange.transfer(asset, amount))

    def withdraw(self, asset: Asset, amount: Money) -> None:
        """Take a positive amount from a wallet; ValueError where less is free."""
        if amount <= 0:
            raise ValueError(f"a withdrawal is positive, not {amount}")
        self._act(lambda exchange: exchange.transfer(asset, -amount))

    def manual_order(self, order: NewOrder) -> Refusal | None:
        """Place an order that is not the bot's."""
        return self._act(lambda exchange: exchange.place(order, manual=True))

    def manual_cancel(self, symbol: Symbol, client_id: ClientId, conditional: bool = False) -> Refusal | None:
        """Cancel any open order, the bot's included."""
        return self._act(lambda exchange: exchange.cancel(symbol, client_id, conditional))

    def manual_trade(self, symbol: Symbol, side: Side, steps: Steps) -> Refusal | None:
        """Buy or sell at the market."""

        def trade(exchange: Exchange) -> Refusal | None:
            client_id = f"{HAND}{exchange.next_order_id}"
            order = NewOrder(client_id, symbol, side, OrderKind.MARKET, steps, None, Purpose.TARGET, exchange.now)
            return exchange.place(order, manual=True)

        return self._act(trade)
