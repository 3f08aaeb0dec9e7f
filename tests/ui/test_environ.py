from pathlib import Path

import pytest

from gridbot_tui.ui import environ


@pytest.fixture
def began_with(tmp_path: Path) -> Path:
    """The environment of a process that was started under LANG=C."""
    found = tmp_path / "environ"
    found.write_bytes(b"TERM=xterm\0LANG=C\0")
    return found


@pytest.mark.parametrize("lang", ["C", "POSIX", "de_DE.ISO-8859-1", ""])
def test_what_python_writes_into_its_own_environment_is_no_word_of_the_terminals(began_with: Path, lang: str) -> None:
    assert environ.locale({"LANG": lang, "LC_CTYPE": "C.UTF-8"}, began_with) == lang


def test_a_locale_that_was_given_counts(began_with: Path) -> None:
    began_with.write_bytes(b"LC_CTYPE=UTF-8\0LANG=C\0")
    assert environ.locale({"LANG": "C", "LC_CTYPE": "UTF-8"}, began_with) == "UTF-8"
    assert environ.locale({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, began_with) == "de_DE.UTF-8"
    assert environ.locale({"LANG": "C", "LC_CTYPE": "C.UTF-8", "LC_ALL": "en_US.UTF-8"}, began_with) == "en_US.UTF-8"
    assert environ.locale({"LANG": "C.UTF-8"}, began_with) == "C.UTF-8"
    nobody_says = began_with.parent / "none"
    assert environ.locale({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, nobody_says) == "C.UTF-8"


@pytest.mark.parametrize(
    ("lang", "term", "symbols"),
    [
        ("en_GB.utf8", "xterm", "braille"),
        ("C.UTF-8", "xterm", "braille"),
        ("C.UTF-8", "linux", "ascii"),
        ("C", "xterm", "ascii"),
        ("en_US", "xterm", "ascii"),
    ],
)
def test_braille_is_for_terminals_of_utf_8(monkeypatch: pytest.MonkeyPatch, lang: str, term: str, symbols: str) -> None:
    for name in ("LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", lang)
    monkeypatch.setenv("TERM", term)
    assert environ.symbols() == symbols
    assert environ.symbols("block") == "block"
