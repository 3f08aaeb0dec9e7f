"""The rules of the house that the import contracts in pyproject.toml cannot say."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gridbot_tui"
DECIDING = ("engine", "strategy", "ledger", "orders", "risk")
HEAVY = ("textual", "plotext", "numpy", "numba", "polars", "binance", "aiohttp", "apprise")


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Who imports whom among the modules of ours, each pair as (importer, imported)."""
    graph = grimp.build_graph("gridbot_tui", cache_dir=None)
    return {(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def loaded_by(statement: str) -> set[str]:
    """The top-level modules in `sys.modules` of a fresh Python after `statement`."""
    script = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def modules_of(*rooms: str) -> list[Path]:
    found = [path for name in rooms for path in (PACKAGE / name).rglob("*.py")]
    return sorted(found + [PACKAGE / f"{name}.py" for name in rooms if (PACKAGE / f"{name}.py").is_file()])


def import_all(*rooms: str) -> str:
    parts = (path.relative_to(ROOT).with_suffix("").parts for path in modules_of(*rooms))
    return "\n".join(f"import {'.'.join(names).removesuffix('.__init__')}" for names in parts)


# Who knows whom


def test_a_face_imports_only_control_settings_and_units_of_ours(imports: set[tuple[str, str]]) -> None:
    allowed = {"", "ui", "control", "settings", "units"}
    assert {(a, b) for a, b in imports if room(a) == "ui" and room(b) not in allowed} == set()


def test_only_service_and_their_own_commands_import_credentials(imports: set[tuple[str, str]]) -> None:
    users = {a for a, b in imports if room(b) == "credentials" and room(a) not in {"credentials", "service"}}
    assert users <= {"gridbot_tui.commands.credentials", "gridbot_tui.commands.alerts"}


def test_the_package_itself_imports_nothing(imports: set[tuple[str, str]]) -> None:
    assert {b for a, b in imports if a == "gridbot_tui"} == set(), "any room can be had alone"


# What a process loads


def test_deciding_loads_no_library_of_the_outer_rooms() -> None:
    loaded = loaded_by(import_all(*DECIDING))
    assert loaded.isdisjoint({*HEAVY, "aiosqlite", "sqlite3", "keyring", "typer", "structlog"})


def test_a_client_of_the_control_socket_loads_no_numbers_and_no_exchange() -> None:
    loaded = loaded_by(import_all("units", "control"))
    assert loaded.isdisjoint({*HEAVY, "pydantic", "aiosqlite", "sqlite3", "keyring"})


@pytest.mark.parametrize("name", ["service", "store", "ops", "settings"])
def test_a_bot_without_a_face_loads_no_textual(name: str) -> None:
    assert loaded_by(import_all(name)).isdisjoint({"textual", "plotext", "rich.live", "apprise"})


@pytest.mark.skipif(importlib.util.find_spec("gridbot_tui.cli") is None, reason="no command line yet")
def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    assert loaded_by("import gridbot_tui.cli").isdisjoint(HEAVY)


# What imports cannot show


@pytest.mark.parametrize("path", modules_of(*DECIDING), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_deciding_awaits_nothing_opens_nothing_and_reads_no_clock(path: Path) -> None:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    outside = {"open", "input", "print", "now", "utcnow", "today"}
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, waiting):
            found.append(f"line {node.lineno}: {type(node).__name__}")
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in outside and not (called == "now" and node.args):
                found.append(f"line {node.lineno}: {called}()")
    assert found == []


def test_votes_weights_and_plans_add_floats_one_after_the_other() -> None:
    """The built-in ``sum`` rounds otherwise on newer Pythons; counting is exact, a correlation meets a limit."""
    found = []
    for path in (PACKAGE / "strategy").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sum" and path.stem != "clusters":
                counted = isinstance(node.args[0], ast.GeneratorExp) and isinstance(node.args[0].elt, ast.Compare)
                found += [] if counted else [f"{path.name} line {node.lineno}: units.added"]
    assert found == []


# The environment


def requirements() -> list[tuple[str, Requirement]]:
    """Each requirement of pyproject.toml, with the line that states it."""
    text = (ROOT / "pyproject.toml").read_text()
    data = tomllib.loads(text)
    groups = [data["project"]["dependencies"], *data["dependency-groups"].values()]
    lines = {line.strip().split('"')[1]: line for line in text.splitlines() if line.strip().startswith('"')}
    return [(lines[stated], Requirement(stated)) for group in groups for stated in group]


def locked() -> dict[str, list[str]]:
    """Names and versions in the lock; a name has several where Pythons differ."""
    found: dict[str, list[str]] = {}
    text = (ROOT / "requirements.lock").read_text()
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


def test_every_dependency_says_what_it_is_for_and_has_an_upper_bound() -> None:
    for line, requirement in requirements():
        assert "#" in line, f"{requirement} does not say what it is for"
        assert {s.operator for s in requirement.specifier} & {"<", "=="}, f"{requirement} has no upper bound"


def test_whatever_is_imported_is_a_dependency_of_its_own() -> None:
    homes = packages_distributions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = {Requirement(one).name for one in project["dependencies"]}
    parts_of_pydantic = {"pydantic_core", "annotated_types"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {name.partition(".")[0] for name in names}
    found -= {*sys.stdlib_module_names, "gridbot_tui"} | parts_of_pydantic
    named = {name: {home.replace("_", "-").lower() for home in homes.get(name, [])} for name in found}
    assert [name for name, dists in named.items() if not stated & dists] == []


def test_the_lock_holds_every_dependency_in_a_version_that_is_asked_for() -> None:
    versions = locked()
    for _, requirement in requirements():
        found = versions.get(requirement.name, [])
        assert found, f"run `make lock`: {requirement} is missing"
        assert all(v in requirement.specifier for v in found), f"run `make lock`: {requirement}, {found}"


def test_the_lock_is_hashed_and_names_no_place_to_fetch_from() -> None:
    text = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert len(entries) == sum(len(versions) for versions in locked().values())
    assert [entry.split()[0] for entry in entries if entry.count("--hash=sha256:") < 2] == [], (
        "one file each: what another Python, or another machine, needs of them cannot be installed"
    )
    assert re.search(r"://|--(extra-)?index|--find-links|--trusted-host| @ |\B/\w+/", text) is None
