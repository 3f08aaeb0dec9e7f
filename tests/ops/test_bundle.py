"""The support bundle: what goes in comes out without secrets, and no file that claims to be one does harm."""

import gzip
import io
import json
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.ops import bundle
from gridbot_tui.ops.redact import HIDDEN, forget_secrets, register_secret

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def _no_secrets_left() -> Iterator[None]:
    yield
    forget_secrets()


def written(path: Path, parts: dict[str, str]) -> bundle.Bundle:
    bundle.write(path, parts, version="1", profile="p", at=1_700_000_000_000)
    return bundle.read(path)


def packed(*members: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    found = written(tmp_path / "b", {"a.json": '{"x": 1}', "log.jsonl": '{"a": 1}\n{cut', "c.toml": "x = 1\n"})
    assert json.loads(found.parts["a.json"]) == {"x": 1}
    assert found.parts["log.jsonl"] == '{"a": 1}\n{cut\n'
    assert found.parts["c.toml"] == "x = 1\n"
    assert (found.manifest.profile, found.manifest.at) == ("p", 1_700_000_000_000)


def test_only_its_owner_can_read_it_and_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "b"
    written(path, {"a.json": "{}"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(bundle.BundleError, match="there already"):
        written(path, {"a.json": "{}"})
    with pytest.raises(bundle.BundleError, match="cannot be written"):
        written(tmp_path / "none" / "b", {})


def test_what_is_named_like_a_secret_or_known_as_one_is_hidden(tmp_path: Path) -> None:
    register_secret(KEY)
    parts = {
        "a.json": json.dumps({"api_secret": "hunter2", "deep": [{"listenKey": "abc"}], "text": f"with {KEY} in it"}),
        "log.jsonl": json.dumps({"event": "asked", "url": f"/x?signature={'ab' * 32}", "passphrase": "open"}) + "\n",
        "c.toml": f'[x]\napi_key = "{KEY}"\nsecret_key = "correct horse"\nplain = 1\n[y.credentials]\na = ["zebra"]\n',
        "note.txt": f"key {KEY}\n{PEM}\n",
    }
    found = written(tmp_path / "b", parts)
    whole = "\n".join(found.parts.values())
    for secret in (KEY, "hunter2", "abc", "ab" * 32, "open", "correct horse", "zebra", "MC4CAQAw"):
        assert f'"{secret}"' not in whole
        assert secret == "abc" or secret not in whole
    assert HIDDEN in whole
    assert "plain = 1" in found.parts["c.toml"]


def test_a_config_that_nobody_can_read_is_left_out(tmp_path: Path) -> None:
    found = written(tmp_path / "b", {"c.toml": 'secret = "hunter2\n'})
    assert "hunter2" not in found.parts["c.toml"]
    assert "left out" in found.parts["c.toml"]


def test_a_line_without_a_secret_keeps_its_bytes(tmp_path: Path) -> None:
    line = '{"at":1,"body":{"x":"é"},"hash":"00"}'
    assert written(tmp_path / "b", {"audit.jsonl": line + "\n"}).parts["audit.jsonl"] == line + "\n"


@given(st.dictionaries(st.sampled_from(["a.json", "b.txt", "c.jsonl", "d.toml"]), st.text(max_size=60)))
def test_any_text_can_be_packed(parts: dict[str, str]) -> None:
    for name, text in parts.items():
        made = bundle.clean(name, json.dumps(text) if name.endswith(".json") else text)
        assert made.encode().decode() == made


@pytest.mark.parametrize(
    "members",
    [
        [("../../etc/passwd", b"x")],
        [("gridbot-support/../x", b"x")],
        [("/gridbot-support/x", b"x")],
        [("gridbot-support/x", b"x")],
        [("gridbot-support/manifest.json", b"{}")],
        [("gridbot-support/manifest.json", b"\xff")],
        [("gridbot-support/x", b"x"), ("gridbot-support/x", b"y")],
        [(f"gridbot-support/{n}", b"") for n in range(bundle.MOST_PARTS + 5)],
    ],
)
def test_an_archive_of_something_else_is_refused(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    (tmp_path / "b").write_bytes(packed(*members))
    with pytest.raises(bundle.BundleError, match="no support bundle"):
        bundle.read(tmp_path / "b")


def test_a_link_is_no_part(tmp_path: Path) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        info = tarfile.TarInfo("gridbot-support/manifest.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    (tmp_path / "b").write_bytes(target.getvalue())
    with pytest.raises(bundle.BundleError):
        bundle.read(tmp_path / "b")


def test_few_bytes_that_unpack_to_many_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(gzip.compress(b"\0" * (bundle.LARGEST + 10), 9))
    with pytest.raises(bundle.BundleError, match="no support bundle"):
        bundle.read(tmp_path / "b")


def test_a_changed_part_and_another_format_are_told(tmp_path: Path) -> None:
    path = tmp_path / "b"
    written(path, {"a.txt": "one"})
    manifest = bundle._unpacked(path)[bundle.MANIFEST]
    folder = bundle.FOLDER
    (tmp_path / "c").write_bytes(packed((f"{folder}/manifest.json", manifest.encode()), (f"{folder}/a.txt", b"two")))
    with pytest.raises(bundle.BundleError, match=r"damaged: a\.txt"):
        bundle.read(tmp_path / "c")
    later = json.dumps({**json.loads(manifest), "format": 9}).encode()
    (tmp_path / "d").write_bytes(packed((f"{folder}/manifest.json", later)))
    with pytest.raises(bundle.BundleError, match="use that version"):
        bundle.read(tmp_path / "d")


@given(st.binary(max_size=300), st.booleans())
def test_garbage_is_told_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes, zipped: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage"
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.raises(bundle.BundleError):
        bundle.read(path)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(bundle.BundleError, match="cannot be read"):
            bundle.read(path)
