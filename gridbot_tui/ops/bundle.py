"""A support bundle: one compressed file of text parts, with every secret hidden before it is written.

``gridbot-support/manifest.json`` says what it holds; the parts lie beside it. A bundle is read in memory and
never unpacked to disk, so that no name in it can reach a file.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tomllib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from gridbot_tui.ops.redact import HIDDEN, redact, redact_value
from gridbot_tui.settings.names import is_secret
from gridbot_tui.units import Ms

FORMAT: Final = 1
FOLDER: Final = "gridbot-support"
MANIFEST: Final = "manifest.json"
LARGEST: Final = 64 << 20
"""Bytes of all parts together, unpacked: more is no bundle of ours but an attack on whoever opens it."""
MOST_PARTS: Final = 200


class BundleError(Exception):
    """A bundle that cannot be written or read; one sentence."""


class Manifest(Struct, frozen=True):
    """What a bundle says of itself."""

    format: int
    gridbot: str
    """Version that wrote it."""
    at: Ms
    """When, clock time."""
    profile: str
    parts: dict[str, str]
    """SHA-256 of each part."""


class Bundle(Struct, frozen=True):
    """A bundle that was read; parts by name."""

    manifest: Manifest
    parts: dict[str, str]


def write(path: Path, parts: Mapping[str, str], *, version: str, profile: str, at: Ms) -> int:
    """Hide what is secret in every part and write the bundle, private to this user; its size in bytes.

    ``.json`` and ``.jsonl`` parts lose what is named like a secret, ``.toml`` parts what a config refuses,
    and all of them every registered value.

    Raises:
        BundleError: there is such a file already, or it cannot be written.
    """
    hidden = {name: clean(name, text) for name, text in parts.items()}
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in hidden.items()}
    manifest = Manifest(FORMAT, version, at, profile, sums)
    packed = _packed({MANIFEST: msgspec.json.encode(manifest).decode(), **hidden}, at)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BundleError(f"{path} is there already: name another file with --out") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(packed)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise BundleError(f"{path} cannot be written: {error.strerror}") from error
    return len(packed)


def read(path: Path) -> Bundle:
    """Read a bundle whole.

    Raises:
        BundleError: it is none, it is damaged, or another gridbot wrote it.
    """
    try:
        found = _unpacked(path)
        manifest = msgspec.json.decode(found.pop(MANIFEST), type=Manifest)
    except (gzip.BadGzipFile, tarfile.TarError, EOFError, zlib.error, KeyError, ValueError) as error:
        raise BundleError(f"{path} is no support bundle of gridbot") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from error
    if manifest.format != FORMAT:
        raise BundleError(f"{path} was written by gridbot {manifest.gridbot}: use that version to read it")
    for name, digest in manifest.parts.items():
        if name not in found or hashlib.sha256(found[name].encode()).hexdigest() != digest:
            raise BundleError(f"{path} is damaged: {name} is not what was written")
    return Bundle(manifest, {name: found[name] for name in manifest.parts})


def clean(name: str, text: str) -> str:
    """A part without secrets, in valid UTF-8."""
    if name.endswith(".json"):
        text = _json(text)
    elif name.endswith(".jsonl"):
        text = "".join(f"{_json_line(line)}\n" for line in text.split("\n") if line)
    elif name.endswith(".toml"):
        text = _toml(text)
    return redact(text).encode("utf-8", "replace").decode()


def _json(text: str) -> str:
    return json.dumps(redact_value(json.loads(text)), ensure_ascii=False, indent=1) + "\n"


def _json_line(line: str) -> str:
    """The same line where nothing is to be hidden: a line of the audit trail keeps the hash it has."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line  # a line that a crash cut off
    hidden = redact_value(value)
    return line if hidden == value else json.dumps(hidden, ensure_ascii=False)


def _toml(text: str) -> str:
    """A config without values that do not belong there; nothing at all of one that cannot be understood."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return "# left out: it is no TOML, so nobody can tell what in it is secret\n"
    for value in sorted(_secret_texts(document), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def _secret_texts(value: Any, named: bool = False) -> set[str]:
    """Everything below a key that is named like a secret, as it may stand in the text."""
    if isinstance(value, dict):
        found = (_secret_texts(each, named or is_secret(key)) for key, each in value.items())
        return set().union(*found)
    if isinstance(value, list):
        return set().union(*(_secret_texts(each, named) for each in value))
    if not named or isinstance(value, bool):
        return set()
    whole = str(value)
    parts = {whole, json.dumps(whole)[1:-1], *(line.strip() for line in whole.splitlines())}
    return {part for part in parts if part}


def _packed(parts: Mapping[str, str], at: Ms) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, text in parts.items():
            data = text.encode()
            info = tarfile.TarInfo(f"{FOLDER}/{name}")
            info.size, info.mtime, info.mode = len(data), at // 1000, 0o600
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def _unpacked(path: Path) -> dict[str, str]:
    """The members, as far as they are what ``write`` makes. Bounded: a few bytes may unpack to terabytes."""
    found: dict[str, str] = {}
    with gzip.open(path) as file:
        plain = file.read(LARGEST + 1)
    if len(plain) > LARGEST:
        raise ValueError("larger than a bundle is")
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
        for member in archive:
            folder, _, name = member.name.partition("/")
            if folder != FOLDER or not name or "/" in name or not member.isreg():
                raise ValueError("not a part of a bundle")
            if len(found) > MOST_PARTS or name in found:
                raise ValueError("more than a bundle holds")
            opened = archive.extractfile(member)
            assert opened is not None
            found[name] = opened.read().decode()
    return found
