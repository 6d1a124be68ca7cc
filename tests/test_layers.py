"""The folders are layers: each imports only from lower layers. The core is pure, and folders stay small."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import driver_monitor

PACKAGE = Path(driver_monitor.__file__).parent
LAYERS = (
    {"errors", "frozen"},
    {"timing", "statistics"},
    {"data"},
    {"imaging", "threads", "state", "disk"},
    {"signals", "mqtt", "spool", "keys"},
    {"rules"},
    {"config"},
    {"nets", "vehicle", "gpio", "board", "messages", "installer", "metrics", "web"},
    {"capture", "perception", "outputs", "demo"},
    {"app"},
    {"bench", "doctor", "aim", "fleet"},
    {"cli"},
    {"__main__"},
)
"""From the lowest to the highest. Folders of one layer do not import each other, except for the pairs in `BESIDE`."""
BESIDE = {("capture", "demo"), ("fleet", "bench")}
PURE = ("data", "timing", "statistics", "state", "signals", "rules", "installer", "doctor/verdicts")
IMPURE = {"asyncio", "io", "logging", "os", "pathlib", "socket", "subprocess", "threading", "time"}
MOST_MODULES = 12


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def folder(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def level(name: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if name in names)


MODULES = sorted(module for module in PACKAGE.rglob("*.py") if module != PACKAGE / "__init__.py")
FOLDERS = sorted({module.parent for module in MODULES} - {PACKAGE})


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_ok__a_module_imports_only_from_lower_layers(module: Path) -> None:
    own = folder(module)
    for name in imports(module):
        parts = name.split(".")
        if parts[0] != "driver_monitor" or len(parts) < 2 or parts[1] in (own, "__version__", "PROGRAM"):
            continue
        below = level(parts[1]) < level(own) or (own, parts[1]) in BESIDE
        assert below, f"{module.relative_to(PACKAGE)} imports {name}, which is not in a lower layer than {own}"


@pytest.mark.parametrize("part", PURE)
def test_ok__the_core_is_pure(part: str) -> None:
    for module in (PACKAGE / part).rglob("*.py"):
        names = set(imports(module)) | {name.partition(".")[0] for name in imports(module)}
        assert not names & IMPURE, module


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_ok__a_folder_is_small_and_says_what_it_holds(path: Path) -> None:
    assert len([module for module in path.glob("*.py") if module.name != "__init__.py"]) <= MOST_MODULES
    assert path.name == "demo" or "may import" in allowed(path), f"{path}/__init__.py: say what the folder may import"


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_ok__a_folder_imports_only_what_it_says(path: Path) -> None:
    own = ".".join(path.relative_to(PACKAGE.parent).parts)
    named = tuple(f"driver_monitor.{name}" for name in re.findall(r"`([\w.]+)`", allowed(path)))
    for module in path.glob("*.py"):
        for name in imports(module):
            if not name.startswith("driver_monitor.") or "every folder" in allowed(path) or name.startswith(own):
                continue
            assert f"{name}.".startswith(tuple(f"{one}." for one in named)), f"{module} imports {name}: name it"


def allowed(path: Path) -> str:
    """Return the sentence of a folder's docstring that says what it may import."""
    docstring = ast.get_docstring(ast.parse((path / "__init__.py").read_text())) or ""
    return next((one for one in re.split(r"\.\s", docstring) if "may import" in one), "")


def test_ok__only_what_all_layers_use_and_the_entry_points_are_at_the_top() -> None:
    assert {module.name for module in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py", "errors.py", "frozen.py"}


def test_ok__no_class_name_stands_twice() -> None:
    seen: dict[str, Path] = {}
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert node.name not in seen, f"{node.name} stands in {module} and in {seen[node.name]}"
                seen[node.name] = module


def test_ok__the_name_of_the_program_stands_once() -> None:
    named = [
        node.lineno
        for module in [PACKAGE / "__init__.py", *MODULES]
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value == driver_monitor.PROGRAM
        and "PROGRAM" in ast.unparse(node.targets[0])
    ]
    assert len(named) == 1
