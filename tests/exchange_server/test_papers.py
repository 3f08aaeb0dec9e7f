"""The tables and the document made from them."""

from gridbot_tui.exchange.server.codes import CODES, ROWS
from gridbot_tui.exchange.server.events import EVENTS
from gridbot_tui.exchange.server.table import REST
from gridbot_tui.exchange.simulated import refusals
from gridbot_tui.exchange.simulated.refusals import Refusal
from tests.tools import make_exchange_docs


def test_the_document_is_what_the_tables_say_now() -> None:
    assert make_exchange_docs.PATH.read_text() == make_exchange_docs.text(), "run `make docs`"


def test_every_refusal_of_the_simulated_exchange_has_a_row_among_the_codes() -> None:
    codes = {r.code for r in vars(refusals).values() if isinstance(r, Refusal)}
    assert codes <= set(CODES)
    assert len(CODES) == len(ROWS)


def test_every_signed_call_takes_a_window_and_every_call_says_its_weight() -> None:
    assert all(row.weight_text for row in REST.values())
    assert {row.security for row in REST.values()} == {"NONE", "KEY", "SIGNED"}
    assert len({(e.market, e.event, e.stream) for e in EVENTS}) == len(EVENTS)
