"""The config that ``gridbot init`` writes: every key with its comment, the chosen ones set, the reasons on top."""

import textwrap
from collections.abc import Sequence
from decimal import Decimal

from gridbot_tui.commands.init_advice import Advice, risk_keys
from gridbot_tui.commands.init_answers import Answers
from gridbot_tui.settings.edit import set_value
from gridbot_tui.settings.example import render
from gridbot_tui.units import Mode

CHOSEN = "as you chose"


def chosen(answers: Answers, advice: Sequence[Advice]) -> list[Advice]:
    """Every key that is set, with the reason."""
    reasons = {one.key: one.reason for one in advice}
    found = [
        Advice("bot.mode", answers.mode.value, CHOSEN),
        Advice("bot.market", answers.market.value, CHOSEN),
        Advice("bot.symbols", list(answers.symbols), reasons.get("symbols", CHOSEN)),
        Advice("bot.capital", Decimal(answers.capital), CHOSEN),
        Advice("ladder.kind", answers.grid, reasons.get("ladder.kind", CHOSEN)),
    ]
    if answers.mode is Mode.SIM:
        found.append(Advice("simulation.symbols", list(answers.symbols), "the same in the invented market"))
    if answers.grid != "adaptive":
        found += [one for one in advice if one.key.startswith("ladder.plain.")]
    return [*found, *risk_keys(answers.risk, answers.market)]


def text_of(keys: Sequence[Advice]) -> str:
    """The whole text. Each key is set by an edit that is read back, so the comments around it stay true."""
    text = render().replace(" with its default.", ".", 1)
    for one in keys:
        text = set_value(text, one.key, one.value)
    lines = ["Written by 'gridbot init'. What it set, and why:"]
    for one in keys:
        lines.append(f"  {one.key}: {one.reason}")
    head = "".join(f"# {line}\n" for each in lines for line in textwrap.wrap(each, 108, subsequent_indent="    "))
    return f"{head}#\n{text}"
