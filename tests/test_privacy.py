"""No network connection and no file that the user did not ask for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROGRAM


def test_ok__looking_at_a_picture_writes_nothing_into_the_users_home(still: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([*PROGRAM, "inspect", str(still)], env=environment, check=True, capture_output=True, timeout=60)
    assert list(home.rglob("*")) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_ok__a_replay_opens_no_network_socket(short_clip: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    trace = ["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", str(log)]
    out = str(tmp_path / "out")
    subprocess.run([*trace, *PROGRAM, "replay", str(short_clip), "--out", out], check=True, capture_output=True)
    assert "AF_INET" not in log.read_text()
