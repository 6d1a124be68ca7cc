"""The files around the program: extras, hooks and the hosted CI hold what they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from driver_monitor import __version__

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
IMPORTED_AS = {"python-can": "can", "scikit-image": "skimage"}
"""Packages whose module has another name."""
IMPORTED_BY = {"onnxscript": "torch.onnx.export", "websockets": 'ws="websockets-sansio"'}
"""Packages that nothing here imports, and the call that needs them."""


def extras() -> dict[str, list[str]]:
    """The packages of each extra. (tomllib comes with Python 3.11 only.)"""
    (section,) = re.findall(r"(?ms)^\[project\.optional-dependencies\]\n(.*?)^\[tool", PYPROJECT)
    found = re.findall(r"(?ms)^(\w+) = \[(.*?)\]$", section)
    return {name: re.findall(r'"([\w-]+)', packages) for name, packages in found}


@pytest.mark.parametrize("extra", sorted(set(extras()) - {"dev", "browser"}))
def test_ok__every_package_of_an_extra_is_used(extra: str) -> None:
    code = "\n".join(path.read_text() for top in ("driver_monitor", "tools") for path in (ROOT / top).rglob("*.py"))
    for package in extras()[extra]:
        module = IMPORTED_AS.get(package, package)
        used = re.search(rf"(?m)^\s*(import|from) {module}\b", code) or IMPORTED_BY.get(package, "nothing") in code
        assert used, f"{extra}: nothing imports {package}"


def check_subject(folder: Path, message: str) -> str:
    path = folder / "message"
    path.write_text(message)
    hook = subprocess.run(
        [sys.executable, str(ROOT / ".ci/check_subject.py"), str(path)], capture_output=True, text=True, check=False
    )
    assert (hook.returncode == 0) == (hook.stderr == "")
    return hook.stderr


@pytest.mark.parametrize(
    "message",
    [
        "Measure escalation delays from the alert's due time\n\nBecause it came a frame late.\n# a comment of git\n",
        "x" * 72,
        "Merge branch 'a branch with a name that is far longer than anybody would write by hand'",
    ],
)
def test_ok__the_hook_accepts_a_good_commit_message(tmp_path: Path, message: str) -> None:
    assert check_subject(tmp_path, message) == ""


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("x" * 73, "73 characters"),
        ("# only a comment\n", "empty"),
        ("A subject\nand a body without an empty line", "second line"),
    ],
)
def test_fail__the_hook_refuses_a_bad_commit_message(tmp_path: Path, message: str, fault: str) -> None:
    assert fault in check_subject(tmp_path, message)


def test_ok__the_hooks_name_programs_that_make_test_installs() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repo["hooks"]:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert program in (*extras()["dev"], "python")
        assert hook["language"] == "system", "a commit needs no network"
    assert (ROOT / ".ci/check_subject.py").is_file()


def test_ok__the_hosted_ci_lints_and_tests_every_python_and_arm64() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert {row["os"] for row in matrix["include"]} == {"ubuntu-24.04-arm"}
    run = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert "make lint" in run["lint"]
    assert "make test" in run["test"]
    assert "make coverage" in run["coverage"]
    assert "make deb PYTHON_VERSION=3.11 ARCH=amd64" in run["package"]


def test_ok__the_changelog_has_this_version() -> None:
    newest = re.findall(r"(?m)^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text())
    assert newest[0] == __version__
