"""The files of a report: each in place as a whole, and all of them or none."""

from collections.abc import Mapping
from pathlib import Path


def put(files: Mapping[Path, str]) -> None:
    """Write texts to where they belong. Raises OSError; what was there before is there still, then.

    Half a report says less than it seems to, and half a config is one that nobody chose.
    """
    parts = {path: path.with_name(f".{path.name}.part") for path in files}
    try:
        for path, text in files.items():
            parts[path].write_text(text, encoding="utf-8")
    except OSError:
        for part in parts.values():
            if part.is_file():
                part.unlink()
        raise
    for path, part in parts.items():
        part.replace(path)
