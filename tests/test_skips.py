"""The end of a run of the tests says in a few lines what was not tested and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import skips

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(50))
def test_ok__needs_data(number: int) -> None:
    pytest.skip("needs the clips")

@pytest.mark.skipif(True, reason="needs strace")
def test_ok__needs_a_program() -> None:
    pass

def test_ok__runs() -> None:
    pass
"""


@pytest.mark.parametrize("parallel", [[], ["--numprocesses", "2"]], ids=["one process", "two processes"])
def test_ok__each_reason_is_one_line_however_many_tests_it_skips(tmp_path: Path, parallel: list[str]) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_terminal_summary\n")
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *parallel, str(tmp_path)]
    root = Path(__file__).parents[1]
    done = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("skipped ")]
    assert said == ["skipped 50: needs the clips", "skipped 1: needs strace"]


def test_ok__a_reason_of_several_lines_becomes_one() -> None:
    reports = [SimpleNamespace(longrepr=("a.py", 1, "Skipped: no\n   network")), SimpleNamespace(longrepr="odd")]
    assert skips.lines(reports) == ["skipped 1: no network", "skipped 1: odd"]


def test_ok__nothing_is_said_when_nothing_was_skipped() -> None:
    assert skips.lines([]) == []
