"""What the documents promise of the repository itself."""

from __future__ import annotations

import ast
import importlib.util
import re
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.readme import commands

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data", "models", "pipeline", "reports", "flows")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_generic_names_resolve_into_this_repository(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert Path(str(spec.origin)).parent == ROOT / package


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_and_functions_seen_at_a_glance(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.lineno
            assert (node.end_lineno or 0) - start < 40, f"{path.name}: {node.name}"


@pytest.mark.parametrize("package", ["data", "models", "pipeline", "flows"])
def test_the_table_of_modules_names_every_module(package: str) -> None:
    lines = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| `{package}/` |"))
    named = re.findall(r"`([a-z0-9_*]+)`", row)
    modules = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}
    assert [name for name in sorted(modules) if not any(fnmatch(name, pattern) for pattern in named)] == []


def test_prefects_scheduler_gets_the_libraries_it_works_with() -> None:
    def release(package: str) -> tuple[int, ...]:
        return tuple(int(part) for part in version(package).split(".")[:2])

    assert release("prefect")[:2] == (3, 8)
    assert release("sqlalchemy") < (2, 1), "its bulk insert of scheduled runs fails: DECISIONS.md, 8"
    assert release("fastapi") < (0, 151), "its server does not start: DECISIONS.md, 7"


def test_readme_has_the_two_commands_and_a_query() -> None:
    found = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found[0] == "make demo"
    assert "make test" in found
    assert any("nearest" in command for command in found)


def test_the_lock_pins_everything_exactly() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all("==" in line for line in pins)
    assert "torch==2.13.0" in pins
