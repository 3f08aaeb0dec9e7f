import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.control import codec
from gridbot_tui.control.command import Ack, Command, CommandKind
from gridbot_tui.control.errors import ProtocolError
from gridbot_tui.control.messages import (
    AskControl,
    AskStatus,
    ClientMessage,
    Introduce,
    Ping,
    Role,
    TakeControl,
)
from tests.control.fake_bot import picture

EVERY: list[ClientMessage] = [
    Command("a1", CommandKind.FLATTEN, {"symbol": "BTCUSDT"}, 3),
    Introduce(Role.FACE, "terminal"),
    AskControl(),
    TakeControl(),
    AskStatus(),
    Ping(7),
]


@pytest.mark.parametrize("message", EVERY, ids=lambda message: type(message).__name__)
def test_what_a_client_sends_arrives_as_it_was(message: ClientMessage) -> None:
    frame = codec.encode_up(message)
    assert codec.FrameReader(codec.UP_LIMIT).feed(frame) == [frame[4:]]
    assert codec.decode_up(frame[4:]) == message


def test_a_snapshot_arrives_as_it_was() -> None:
    assert codec.decode_down(codec.encode_down(picture())[4:]) == picture()


@given(st.binary(max_size=300))
def test_garbage_is_a_protocol_error_in_one_sentence(data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.decode_up(data)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_a_stream_of_garbage_gives_payloads_or_an_error_never_more(data: bytes, chunk: int) -> None:
    reader = codec.FrameReader(64)
    try:
        for start in range(0, len(data), chunk):
            for payload in reader.feed(data[start : start + chunk]):
                assert 0 < len(payload) <= 64
    except ProtocolError:
        pass


@given(st.data())
def test_a_damaged_command_is_refused_or_says_exactly_what_its_bytes_say(data: st.DataObject) -> None:
    payload = bytearray(codec.encode_up(EVERY[0])[4:])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = codec.decode_up(bytes(payload))
    except ProtocolError:
        return
    said = json.loads(payload)
    assert msgspec.to_builtins(message) == {**msgspec.to_builtins(type(message)(**fields(said))), **said}


def fields(said: dict) -> dict:
    return {key: value for key, value in said.items() if key != "type"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_that_is_no_message_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError):
        codec.decode_up(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"command","id":"a","kind":"explode"}',
        '{"type":"command","id":"a"}',
        '{"type":"command","id":"a","kind":"stop","base_versoin":3}',
        '{"type":"command","id":"a","kind":"stop","args":{"keep_positions":true}}',
        '{"type":"command","id":"a","kind":"stop","base_version":"3"}',
        '{"type":"command","id":"","kind":"stop"}',
        '{"type":"command","id":"a b","kind":"stop"}',
        '{"type":"command","id":"' + "a" * 65 + '","kind":"stop"}',
        '{"type":"snapshot"}',
        '{"type":"ping","nonce":1e400}',
        '{"id":"a","kind":"stop"}',
        "[" * 50_000,
        '{"type":"command","id":"a","kind":"stop","args":' + '{"a":' * 5_000,
    ],
)
def test_what_is_nearly_an_order_is_none(text: str) -> None:
    with pytest.raises(ProtocolError):
        codec.decode_up(text.encode())


def test_more_arguments_than_any_command_has_are_refused() -> None:
    args = {f"k{number}": "v" for number in range(17)}
    with pytest.raises(ProtocolError, match="at most 16"):
        codec.decode_up(codec.encode_up(Command("a", CommandKind.STOP, args))[4:])


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ProtocolError):
        codec.decode_up(b'{"type":"introduce","role":"view","name":"\xff"}')


@given(st.lists(st.sampled_from(EVERY), min_size=1, max_size=5), st.integers(1, 40))
def test_frames_cut_anywhere_come_out_whole_and_in_order(messages: list[ClientMessage], chunk: int) -> None:
    stream = b"".join(codec.encode_up(message) for message in messages)
    reader = codec.FrameReader(codec.UP_LIMIT)
    found = [p for start in range(0, len(stream), chunk) for p in reader.feed(stream[start : start + chunk])]
    assert [codec.decode_up(payload) for payload in found] == messages
    assert not reader.unfinished


@pytest.mark.parametrize("length", [0, codec.UP_LIMIT + 1, 2**32 - 1])
def test_a_length_outside_the_limits_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(ProtocolError, match="outside"):
        codec.FrameReader(codec.UP_LIMIT).feed(length.to_bytes(4, "big"))


def test_nothing_longer_than_the_limits_is_sent() -> None:
    with pytest.raises(ProtocolError):
        codec.encode_up(Command("a", CommandKind.APPLY, {"text": "x" * codec.UP_LIMIT}))
    with pytest.raises(ProtocolError):
        codec.encode_down(Ack("a", True, "x" * codec.DOWN_LIMIT))
