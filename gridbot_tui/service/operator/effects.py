"""What a config change does to the orders and to the worst case, as lines for a face."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import WhatIf
from gridbot_tui.engine.preview import SymbolDifference

UNKNOWN = "-"


def detail(effect: Sequence[SymbolDifference], *, spot: bool = False) -> dict[str, str]:
    """``desired``: one line a symbol. ``what_if``: one line a symbol and side, if every level of it filled.

    ``spot``: nothing is borrowed there, so no margin and no liquidation is told of.
    """
    found = {"desired": "\n".join(_orders(one) for one in effect)}
    lines = [line for one in effect for line in _what_if(one, spot)]
    return {**found, "what_if": "\n".join(lines)} if lines else found


def _orders(one: SymbolDifference) -> str:
    text = f"{one.symbol}: cancel {one.cancel}, create {one.create}, keep {one.keep}"
    if one.spacing_before is not None and one.spacing_after is not None:
        text += f", spacing {100 * one.spacing_before:.2f} % -> {100 * one.spacing_after:.2f} %"
    if one.leverage_before is not None and one.leverage_after is not None:
        text += f", leverage {one.leverage_before:.2f} -> {one.leverage_after:.2f}"
    return text + (f", then {one.target}" if one.target else "")


def _what_if(one: SymbolDifference, spot: bool) -> list[str]:
    before = {view.side: view for view in one.what_if_before}
    after = {view.side: view for view in one.what_if_after}
    return [
        f"{one.symbol} {side}s filled: {_sides(before.get(side), after.get(side), spot)}"
        for side in ("buy", "sell")
        if side in before or side in after
    ]


def _sides(before: WhatIf | None, after: WhatIf | None, spot: bool) -> str:
    parts = [] if spot else [f"margin {_margin(before)} -> {_margin(after)}"]
    parts.append(f"{_times(before)} -> {_times(after)}")
    if after is not None:
        if after.drawdown is not None and after.at_price is not None:
            parts.append(f"{100 * after.drawdown:+.1f} % at {after.at_price}")
        if after.tier is not None:
            parts.append(f"T{after.tier}")
        if not spot:
            parts.append(f"liquidation {after.liquidation_price or UNKNOWN}")
    return ", ".join(parts)


def _margin(view: WhatIf | None) -> str:
    return UNKNOWN if view is None else view.margin


def _times(view: WhatIf | None) -> str:
    return UNKNOWN if view is None or view.leverage is None else f"{view.leverage:.2f}x"
