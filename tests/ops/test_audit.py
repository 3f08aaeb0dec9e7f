"""The audit trail: chained, mended after a crash, and tampering is seen wherever it happens."""

import hashlib
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.engine.actions import EquityFact, IntentFact, ModeFact
from gridbot_tui.ops import audit, rotate
from gridbot_tui.ops.audit import AuditTrail, Head, audit_of, verify
from gridbot_tui.ops.redact import forget_secrets, redact_value, register_secret, surely_clean
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import Side


def trail(folder: Path, **options: Any) -> AuditTrail:
    return AuditTrail(folder / "audit.jsonl", at=1_000, **options)


def written(folder: Path, lines: int = 10, **options: Any) -> Head:
    opened = trail(folder, **options)
    for number in range(lines):
        opened.write("decision", number, {"text": f"decision {number}", "value": Decimal("0.10")})
    opened.close()
    return opened.anchor


def test_an_untouched_trail_is_in_order(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    found = verify(tmp_path / "audit.jsonl", anchor)
    assert (found.ok, found.lines, found.first_bad, found.head) == (True, 10, None, anchor)


def test_no_trail_at_all_is_in_order_unless_one_was_written(tmp_path: Path) -> None:
    assert verify(tmp_path / "audit.jsonl").ok
    found = verify(tmp_path / "audit.jsonl", Head(3, "x"))
    assert (found.ok, found.first_bad) == (False, 1)


def test_anyone_can_check_a_line_with_nothing_but_json_and_sha256(tmp_path: Path) -> None:
    written(tmp_path, 3)
    prev = "0" * 64
    for raw in (tmp_path / "audit.jsonl").read_text().splitlines():
        line = json.loads(raw)
        claimed = line.pop("hash")
        plain = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(plain.encode()).hexdigest() == claimed
        assert line["prev"] == prev
        prev = claimed


def test_a_head_is_kept_as_text(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    assert Head.parse(str(anchor)) == anchor
    with pytest.raises(ValueError, match="no head"):
        Head.parse("7:abc")


def test_the_chain_goes_on_over_a_restart(tmp_path: Path) -> None:
    written(tmp_path)
    anchor = written(tmp_path)
    assert verify(tmp_path / "audit.jsonl", anchor).lines == 20


@given(position=st.floats(0, 0.999), change=st.integers(1, 255))
@settings(max_examples=80, deadline=None)
def test_any_single_byte_that_is_changed_is_seen(
    tmp_path_factory: pytest.TempPathFactory, position: float, change: int
) -> None:
    folder = tmp_path_factory.mktemp("flip")
    anchor = written(folder, 5, durable=False)
    path = folder / "audit.jsonl"
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= change
    path.write_bytes(content)
    assert not verify(path, anchor).ok


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)


def test_a_line_taken_out_put_in_or_moved_is_seen_where_it_happened(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    lines = lines_of(tmp_path)
    path = tmp_path / "audit.jsonl"
    tampered = {
        "deleted": (lines[:4] + lines[5:], 5),
        "inserted": ([*lines[:4], lines[2], *lines[4:]], 5),
        "swapped": ([*lines[:4], lines[5], lines[4], *lines[6:]], 5),
        "first gone": (lines[1:], 1),
    }
    for how, (changed, where) in tampered.items():
        path.write_bytes(b"".join(changed))
        found = verify(path, anchor)
        assert (found.ok, found.first_bad) == (False, where), how


def test_whole_lines_cut_off_the_end_are_seen_by_what_the_state_file_knows(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    (tmp_path / "audit.jsonl").write_bytes(b"".join(lines_of(tmp_path)[:7]))
    assert verify(tmp_path / "audit.jsonl").ok
    found = verify(tmp_path / "audit.jsonl", anchor)
    assert (found.ok, found.first_bad) == (False, 8)
    opened = trail(tmp_path, anchor=anchor)
    assert "ends at line 7, but 10 lines were written" in opened.problem
    opened.close()
    assert verify(tmp_path / "audit.jsonl", opened.anchor).first_bad == 8


def test_a_trail_that_was_written_anew_is_seen_by_what_the_state_file_knows(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    (tmp_path / "audit.jsonl").unlink()
    written(tmp_path, 12, anchor=None)
    assert not verify(tmp_path / "audit.jsonl", Head(anchor.seq, "f" * 64)).ok


def test_half_a_line_after_a_crash_is_no_offence_and_is_mended_on_record(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    path = tmp_path / "audit.jsonl"
    with path.open("ab") as file:
        file.write(b'{"at":11,"body":{"te')
    found = verify(path, anchor)
    assert found.ok
    assert "unfinished line of 20 bytes" in found.detail
    opened = trail(tmp_path, anchor=anchor)
    assert opened.problem == ""
    opened.close()
    mended = json.loads(lines_of(tmp_path)[-1])
    assert (mended["seq"], mended["kind"], mended["body"]["bytes"]) == (11, "mended", 20)
    assert verify(path, opened.anchor).lines == 11


def test_a_changed_last_line_is_reported_at_the_start(tmp_path: Path) -> None:
    anchor = written(tmp_path)
    path = tmp_path / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"decision 9", b"decision 8"))
    opened = trail(tmp_path, anchor=anchor)
    assert "last line of the audit trail was changed" in opened.problem
    opened.close()
    assert verify(path).first_bad == 10


def test_the_chain_runs_on_through_rotated_files(tmp_path: Path) -> None:
    anchor = written(tmp_path, 100, max_bytes=2_000)
    assert len(list(tmp_path.iterdir())) > 5
    found = verify(tmp_path / "audit.jsonl", anchor)
    assert (found.ok, found.lines) == (True, 100)
    anchor = written(tmp_path, 100, max_bytes=2_000)
    assert verify(tmp_path / "audit.jsonl", anchor).lines == 200
    sorted(tmp_path.iterdir())[3].unlink()
    assert not verify(tmp_path / "audit.jsonl", anchor).ok


def test_a_file_is_let_go_of_only_on_record(tmp_path: Path) -> None:
    anchor = written(tmp_path, 100, max_bytes=2_000, files_kept=3)
    assert len(list(tmp_path.iterdir())) == 4
    assert verify(tmp_path / "audit.jsonl", anchor).ok
    min(tmp_path.iterdir()).unlink()
    found = verify(tmp_path / "audit.jsonl", anchor)
    assert not found.ok
    assert "what was before is missing" in found.detail


def test_a_crash_between_rotation_and_the_new_file_loses_nothing(tmp_path: Path) -> None:
    written(tmp_path, 5)
    (tmp_path / "audit.jsonl").rename(tmp_path / "audit.000000000001.jsonl")
    anchor = written(tmp_path, 5)
    assert verify(tmp_path / "audit.jsonl", anchor).lines == 10


def test_what_an_operator_did_is_on_the_disk_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    opened = trail(tmp_path)
    opened.write("decision", 1, {})
    assert (len(synced), opened.anchor.seq, opened.head.seq) == (0, 0, 1)
    opened.write("operator", 2, {"command": "pause"})
    assert (len(synced), opened.anchor.seq) == (1, 2)
    opened.close()
    quiet = trail(tmp_path / ".", durable=False)
    quiet.write("operator", 3, {})
    assert quiet.anchor.seq == 3
    quiet.close()
    assert len(synced) == 2


def test_a_disk_that_fails_holds_lines_back_and_never_stops_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = trail(tmp_path)
    opened.write("decision", 1, {"n": 1})
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:7]))
    opened.write("decision", 2, {"n": 2})
    opened.write("decision", 3, {"n": 3})
    assert "2 audit lines wait" in opened.failing
    monkeypatch.setattr(os, "write", real)
    opened.write("decision", 4, {"n": 4})
    assert opened.failing == ""
    opened.close()
    assert [json.loads(line)["body"]["n"] for line in lines_of(tmp_path)] == [1, 2, 3, 4]
    assert verify(tmp_path / "audit.jsonl", opened.anchor).ok


def test_waiting_lines_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MAX_WAITING", 3)
    opened = trail(tmp_path)
    monkeypatch.setattr(os, "write", lambda *_: 0)
    for number in range(10):
        opened.write("decision", number, {})
    assert opened.lost == 7
    monkeypatch.undo()
    opened.close()


def test_a_disk_that_is_back_takes_what_waited_also_where_no_more_could_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_WAITING", 3)
    opened = trail(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda *_: 0)
        for number in range(10):
            opened.write("decision", number, {"n": number})
    opened.write("decision", 10, {"n": 10})
    assert opened.failing == ""
    opened.write("decision", 11, {"n": 11})
    opened.close()
    assert [json.loads(line)["body"]["n"] for line in lines_of(tmp_path)] == [0, 1, 2, 11]
    assert opened.lost == 8
    assert verify(tmp_path / "audit.jsonl", opened.anchor).ok


def test_what_waits_at_the_end_is_written_or_said_not_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = trail(tmp_path)
    opened.write("decision", 0, {"n": 0})
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda *_: 0)
        opened.write("decision", 1, {"n": 1})
        with pytest.raises(OSError, match="1 audit lines wait"):
            opened.close()
    opened.close()
    assert [json.loads(line)["body"]["n"] for line in lines_of(tmp_path)] == [0, 1]


def test_a_body_that_is_no_text_is_refused_and_the_next_one_is_written(tmp_path: Path) -> None:
    opened = trail(tmp_path)
    with pytest.raises(ValueError, match="surrogate"):
        opened.write("decision", 1, {"text": "\ud800"})
    opened.write("decision", 2, {"text": "fine"})
    opened.close()
    assert verify(tmp_path / "audit.jsonl", opened.anchor).lines == 1


def test_secrets_are_hidden_before_they_are_chained(tmp_path: Path) -> None:
    register_secret("s3cr3t-value")
    opened = trail(tmp_path)
    opened.write(
        "operator", 1, {"api_secret": "abc", "text": "used s3cr3t-value here", "nested": [{"token": "x"}]}
    )
    opened.close()
    forget_secrets()
    assert json.loads(lines_of(tmp_path)[0])["body"] == {
        "api_secret": "[hidden]", "text": "used [hidden] here", "nested": [{"token": "[hidden]"}],
    }  # fmt: skip


def test_facts_become_audit_lines_and_equity_points_do_not() -> None:
    order = NewOrder("gb-1", "BTCUSDT", Side.BUY, OrderKind.LIMIT, 26, 600_000, Purpose.GRID, 5)
    kind, body = audit_of(IntentFact(7, order)) or ("", {})
    assert (kind, body["order"]["client_id"]) == ("intent", "gb-1")
    assert audit_of(ModeFact(7, "kill", "", "operator")) == (
        "mode", {"name": "kill", "symbol": "", "value": "operator"},
    )  # fmt: skip
    one = Decimal(1)
    assert audit_of(EquityFact(7, one, one, one, 0.0, 0, 0.0, one)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"text": "a plain line", "price": 1.5, "parts": ["a", ("b", None)]},
        {"apiKey": "AAAABBBB"},
        {"nested": [{"listen_key": "xyz"}]},
        {"url": "https://example.com/x?Signature=abcdef123456"},
        {"text": "at mysql://me:my-word@host/x"},
        {"header": "X-MBX-APIKEY: abcdef123456"},
        {"pem": "-----BEGIN PRIVATE KEY-----abc-----END PRIVATE KEY-----"},
        {"Authorisation": "x", "cookie": "y", "PassPhrase": "z"},
    ],
)
def test_a_line_that_is_not_looked_through_holds_nothing_that_would_be_hidden(body: dict[str, Any]) -> None:
    line = msgspec.json.encode(body)
    changed = redact_value(msgspec.to_builtins(body)) != msgspec.json.decode(line)
    assert surely_clean(line) is not changed
    register_secret("plainly-seen")
    try:
        assert not surely_clean(line)
    finally:
        forget_secrets()


def test_what_was_gathered_is_in_the_file_when_gathering_ends_and_no_anchor_names_what_is_not(tmp_path: Path) -> None:
    gathered = trail(tmp_path, durable=False)
    gathered.gathering = True
    for number in range(5):
        gathered.write("intent", number, {"number": number})
    assert gathered.anchor.seq == 0
    gathered.gathering = False
    assert gathered.anchor == gathered.head
    assert gathered.head.seq == 5
    assert verify(tmp_path / "audit.jsonl", gathered.anchor).ok
    gathered.close()


def test_a_trail_that_the_disk_cannot_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(trail: AuditTrail) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(AuditTrail, "_mend", unread)
    with pytest.raises(OSError, match="Input/output error") as told:
        AuditTrail(tmp_path / "audit.jsonl", at=0, durable=False)
    assert told.value.filename == str(tmp_path / "audit.jsonl")


@pytest.mark.parametrize("taken", ["moved", "deleted", "replaced"])
def test_a_trail_that_is_taken_away_goes_on_where_it_is_looked_for_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    monkeypatch.setattr(rotate, "LOOK_S", 0.0)
    opened = trail(tmp_path)
    for number in range(3):
        opened.write("decision", number, {"text": "before"})
    if taken == "deleted":
        opened.path.unlink()
    else:
        opened.path.rename(tmp_path / "kept")
    if taken == "replaced":
        opened.path.write_text("another file\n")
    opened.write("decision", 4, {"text": "after"})
    opened.write("decision", 5, {"text": "after"})
    opened.close()
    lines = [json.loads(raw) for raw in opened.path.read_text().splitlines() if raw.startswith("{")]
    assert [(line["seq"], line["kind"]) for line in lines] == [(4, "broken"), (5, "decision"), (6, "decision")]
    assert "after its line 3" in opened.problem
    assert not verify(opened.path).ok
    if taken == "moved":  # put beside it under the name of a full file, it is whole again
        (tmp_path / "kept").rename(tmp_path / "audit.000000000001.jsonl")
        assert verify(opened.path, opened.anchor).ok


def test_a_folder_that_is_moved_and_comes_back_costs_the_trail_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate, "LOOK_S", 0.0)
    (tmp_path / "here").mkdir()
    opened = trail(tmp_path / "here")
    opened.write("decision", 1, {})
    (tmp_path / "here").rename(tmp_path / "there")
    opened.write("decision", 2, {})
    assert "1 audit lines wait" in opened.failing
    (tmp_path / "there").rename(tmp_path / "here")
    opened.write("decision", 3, {})
    opened.close()
    assert (opened.failing, opened.problem) == ("", "")
    found = verify(opened.path, opened.anchor)
    assert (found.ok, found.lines) == (True, 3)
