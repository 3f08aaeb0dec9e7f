"""What a key and an account must be before anything is traded with them; each objection is a sentence."""

from gridbot_tui.exchange.binance.rest import ApiRestrictions
from gridbot_tui.settings.sections import SafetyParams
from gridbot_tui.units import Market, Mode


def objection(powers: ApiRestrictions | None, mode: Mode, market: Market, safety: SafetyParams) -> str:
    """Why this key is not traded with; "" where nothing speaks against it.

    Args:
        powers: None where the environment has no such question (Binance's testnets).
    """
    if powers is None:
        if mode is Mode.LIVE:
            return "the exchange does not say what this API key may do; without that real money is not traded"
        return ""
    rights = (("withdraw", powers.withdrawals), ("send money to other users", powers.internal_transfer))
    money = [word for word, may in rights if may]
    if money and not safety.accept_keys_that_can_withdraw:
        return (
            f"this API key can {' and '.join(money)}: take that right from it on Binance (API Management), "
            "or say safety.accept_keys_that_can_withdraw = true in the config"
        )
    if mode is Mode.LIVE and not powers.ip_restricted and not safety.accept_keys_open_to_any_ip:
        return (
            "this API key works from any address: restrict it to this machine's on Binance (API Management, "
            "'Restrict access to trusted IPs only'), or say safety.accept_keys_open_to_any_ip = true in the config"
        )
    if not powers.reading:
        return "this API key may not read the account: enable reading on Binance (API Management)"
    if not (powers.futures if market is Market.FUTURES else powers.spot_trading):
        right = "Futures" if market is Market.FUTURES else "Spot & Margin Trading"
        return f"this API key may not trade {market.value}: enable {right} on Binance (API Management)"
    return ""


def notices(powers: ApiRestrictions | None, safety: SafetyParams) -> tuple[str, ...]:
    """What the operator has accepted, said at every start."""
    if powers is None:
        return ()
    said = []
    if (powers.withdrawals or powers.internal_transfer) and safety.accept_keys_that_can_withdraw:
        said.append("the API key can take money out, as the config accepts")
    if not powers.ip_restricted and safety.accept_keys_open_to_any_ip:
        said.append("the API key works from any address, as the config accepts")
    return tuple(said)
