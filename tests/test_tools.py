"""The tools: each can be imported, each command shows its help, and the documents name only tools that exist."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).parents[1]
TOOLS = TOP / "tools"
OPTIONAL = frozenset({"mediapipe", "moderngl", "onnx", "onnxscript", "scipy", "skimage", "torch"})
"""Packages that only some tools need: those of the extras `train` and `synthetic`, and mediapipe."""
MODULES = sorted(".".join(path.relative_to(TOP).with_suffix("").parts) for path in TOOLS.rglob("*.py"))
TEXTS = [
    *TOP.glob("*.md"),
    TOP / "Makefile",
    *(path for folder in ("docs", "models") for path in (TOP / folder).glob("*.md")),
    *(path for folder in ("driver_monitor", "tools") for path in (TOP / folder).rglob("*.py")),
    TOOLS / "README.md",
]


def load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}, which is not installed")


def file_of(name: str) -> Path:
    return TOP.joinpath(*name.split(".")).with_suffix(".py")


def is_command(name: str) -> bool:
    return "__main__" in file_of(name).read_text(encoding="utf-8")


COMMANDS = [name for name in MODULES if is_command(name)]


@pytest.mark.parametrize("name", MODULES)
def test_ok__every_tool_can_be_imported(name: str) -> None:
    load(name)


@pytest.mark.parametrize("name", [name for name in COMMANDS if "argparse" in file_of(name).read_text(encoding="utf-8")])
def test_ok__every_command_shows_its_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load(name)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stop:
        module.main()
    assert stop.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_ok__a_tool_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "tools.manifest", "--help"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_ok__the_table_of_commands_is_complete() -> None:
    table = (TOOLS / "README.md").read_text(encoding="utf-8")
    listed = {f"tools.{name}" for name in re.findall(r"^\| `tools\.([\w.]+)", table, flags=re.MULTILINE)}
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(TOP)))
def test_ok__texts_name_only_tools_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    files = [TOP / name for name in re.findall(r"\btools/[\w/]+\.\w+", text)]
    modules = re.findall(r"(?<![\w.])tools(?:\.[a-z_]+)+", text)
    places = [TOP.joinpath(*name.split(".")) for name in modules]
    missing = [str(one) for one in files if not one.exists()]
    assert missing + [str(one) for one in places if not one.is_dir() and not one.with_suffix(".py").exists()] == []


@pytest.mark.parametrize("folder", sorted({path.parent for path in TOOLS.rglob("*.py")}), ids=lambda path: path.name)
def test_ok__no_package_is_large_and_each_says_what_it_holds(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= 12
    assert (folder / "__init__.py").read_text(encoding="utf-8").startswith('"""')
