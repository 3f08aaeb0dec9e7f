"""What ``make`` makes of a folder that its environment was not made for. No environment is made here: it is asked
whether it would be."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def clone(folder: Path) -> Path:
    folder.mkdir()
    for name in ("requirements.lock", "pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, folder)
    return folder


def set_up(folder: Path) -> Path:
    """As if ``make setup`` had been there: an environment whose programs begin with its place."""
    place = folder / ".venv"
    place.mkdir()
    (place / ".ready").write_text(str(place.resolve()))
    return folder


def is_ready(folder: Path) -> bool:
    without = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", "-q", ".venv/.ready"], cwd=folder, env=without, check=False).returncode == 0


@pytest.mark.parametrize("name", ["clone", "a clone"])
def test_what_is_set_up_is_not_set_up_again(tmp_path: Path, name: str) -> None:
    assert not is_ready(clone(tmp_path / name))
    assert is_ready(set_up(tmp_path / name))


def test_a_copied_clone_makes_an_environment_of_its_own_instead_of_running_the_other_ones_code(tmp_path: Path) -> None:
    made = set_up(clone(tmp_path / "made"))
    copied = shutil.copytree(made, tmp_path / "copied", symlinks=True)
    assert not is_ready(copied)
    assert is_ready(made)


def test_a_renamed_clone_makes_its_environment_anew(tmp_path: Path) -> None:
    assert not is_ready(set_up(clone(tmp_path / "before")).rename(tmp_path / "after"))


def test_one_environment_may_be_linked_into_several_trees(tmp_path: Path) -> None:
    other, made = clone(tmp_path / "other"), set_up(clone(tmp_path / "made"))
    (other / ".venv").symlink_to(made / ".venv")
    assert is_ready(other)
