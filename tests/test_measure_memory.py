"""The tool that measures the memory of the daemon and of a replay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.house.memory import memory, watch


def test_ok__own_memory_and_that_of_files_make_up_the_peak() -> None:
    found = memory(os.getpid())
    assert 0 < found["pss_mb"] <= found["peak_mb"]
    assert 5 < found["anon_mb"] < found["peak_mb"]
    assert 0 < found["file_mb"] < found["peak_mb"]


def test_ok__of_a_process_that_has_ended_nothing_is_known() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert memory(ended.pid) == {}


def test_ok__the_highest_memory_of_a_program_is_found(tmp_path: Path) -> None:
    seen: list[float] = []
    program = "import time; held = b'1' * (64 << 20); time.sleep(60)"

    def enough(found: dict[str, float]) -> bool:
        seen.append(found.get("peak_mb", 0.0))
        return seen[-1] > 64

    assert watch([sys.executable, "-c", program], tmp_path, 30.0, enough)["peak_mb"] > 64


def test_fail__a_program_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"ended with code 3: no camera"):
        watch([sys.executable, "-c", "import sys; print('no camera', file=sys.stderr); sys.exit(3)"], tmp_path, 60.0)
