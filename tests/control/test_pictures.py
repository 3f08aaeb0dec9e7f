"""The status document and the snapshot that fits into a frame."""

import json

import pytest
from msgspec.structs import replace

from gridbot_tui.control import codec
from gridbot_tui.control.errors import ProtocolError
from gridbot_tui.control.fit import ROOM, TRY_MORE_EVERY, Fitter, shorten
from gridbot_tui.control.snapshot import BarView, RungView, Snapshot
from gridbot_tui.control.status import status_document
from tests.control.fake_bot import AT, picture, symbol_view

STATUS = """
    mode market profile state uptime_s equity wallet drawdown max_drawdown tier leverage worst_leverage
    leverage_cap symbols ages blockers residual config_version
    breakers alerts admission_cap
"""
SYMBOL = """
    price position entry_price liquidation_price votes weights bias spacing ladder open_orders fills cycles
    realised unrealised fees funding
"""


def test_the_status_document_has_its_stable_names_in_their_order() -> None:
    document = status_document(picture())
    assert " ".join(document) == " ".join(STATUS.split())
    assert " ".join(document["symbols"]["BTCUSDT"]) == " ".join(SYMBOL.split())
    assert document["symbols"]["BTCUSDT"]["votes"] == {"up": 0.5, "down": 0.0, "neutral": 0.33}
    assert document["symbols"]["BTCUSDT"]["ladder"][1] == {
        "side": "buy",
        "price": "60000.0",
        "quantity": "0.026",
        "state": "blocked",
    }
    assert list(document["blockers"][0]) == ["code", "symbol", "since", "detail", "clears_when"]
    assert json.loads(json.dumps(document)) == document


def test_what_is_unknown_is_null_and_never_zero() -> None:
    blank = symbol_view(price=None, votes=None, bias=None, unrealised=None)
    document = status_document(picture(equity=None, leverage=None, symbols={"BTCUSDT": blank}))
    assert document["equity"] is None
    assert document["leverage"] is None
    assert document["ages"]["account"] is None
    view = document["symbols"]["BTCUSDT"]
    assert [view[name] for name in ("price", "votes", "bias", "unrealised")] == [None] * 4


def test_symbols_and_ages_are_told_in_name_order_whatever_order_they_came_in() -> None:
    symbols = {name: symbol_view() for name in ("SOLUSDT", "BTCUSDT", "ETHUSDT")}
    document = status_document(picture(symbols=symbols, ages={"b": 1, "a": 2}))
    assert list(document["symbols"]) == sorted(symbols)
    assert list(document["ages"]) == ["a", "b"]


def long_picture(bars: int, symbols: int) -> Snapshot:
    history = tuple(BarView(AT + i, "60000.0", "60010.0", "59990.0", "60000.0") for i in range(bars))
    return picture(symbols={f"S{i:02}USDT": symbol_view(bars=history) for i in range(symbols)})


def test_a_snapshot_that_fits_is_sent_whole() -> None:
    assert codec.decode_down(Fitter().frame(picture())[4:]) == picture()


def test_a_snapshot_of_fifty_symbols_gives_up_old_bars_and_nothing_that_stands() -> None:
    whole = long_picture(500, 50)
    frame = Fitter().frame(whole)
    assert len(frame) - 4 <= ROOM
    sent = codec.decode_down(frame[4:])
    assert isinstance(sent, Snapshot)
    for name, view in sent.symbols.items():
        assert view.bars
        assert view.bars == whole.symbols[name].bars[-len(view.bars) :]
        assert replace(view, bars=()) == replace(whole.symbols[name], bars=())


def test_what_stands_is_sent_whole_however_much_it_is() -> None:
    rung = RungView("buy", "60000.0", "0.026", "blocked", 199, reason="order_limit", since=AT, profit="12.3456789")
    crowded = replace(long_picture(500, 60), config_text='# "quoted"\n' * 90_000)
    views = {name: replace(view, ladder=(rung,) * 200) for name, view in crowded.symbols.items()}
    sent = codec.decode_down(Fitter().frame(replace(crowded, symbols=views))[4:])
    assert isinstance(sent, Snapshot)
    assert {name: view.ladder for name, view in sent.symbols.items()} == {
        name: view.ladder for name, view in views.items()
    }
    assert sent.config_text == crowded.config_text


def test_histories_can_be_given_up_altogether() -> None:
    bare = shorten(picture(), 0)
    assert bare.symbols["BTCUSDT"].bars == ()
    assert bare.learning.history == ()
    assert bare.symbols["BTCUSDT"].ladder == picture().symbols["BTCUSDT"].ladder


def test_what_cannot_fit_is_said_instead_of_cut() -> None:
    with pytest.raises(ProtocolError, match="does not fit"):
        Fitter(1000).frame(picture())


def bars_of(frame: bytes) -> int:
    sent = codec.decode_down(frame[4:])
    assert isinstance(sent, Snapshot)
    return len(sent.symbols["S00USDT"].bars)


def test_a_stream_of_pictures_remembers_what_fitted_and_tries_for_more_now_and_then() -> None:
    fitter, crowded, small = Fitter(), long_picture(500, 50), long_picture(500, 2)
    first = bars_of(fitter.frame(crowded))
    assert first < 500
    assert bars_of(fitter.frame(small)) == first, "what the frame before had room for is what the next one gets"
    found = [bars_of(fitter.frame(small)) for _ in range(6 * TRY_MORE_EVERY)]
    assert found == sorted(found)
    assert found[-1] == 500


def test_a_stream_goes_on_after_a_picture_that_could_not_be_sent() -> None:
    fitter = Fitter(len(Fitter().frame(picture())))
    with pytest.raises(ProtocolError, match="does not fit"):
        fitter.frame(picture(profile="long" * 10_000))
    assert codec.decode_down(fitter.frame(picture())[4:]) == picture()
