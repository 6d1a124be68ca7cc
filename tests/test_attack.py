"""The attacks of `tools.attack` on a real daemon, smaller than those of docs/robustness.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from driver_monitor.outputs.zmtp.server import MAX_SUBSCRIBERS
from tools.attack.target import MAX_RSS_MB

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "attack", [["connections", "--count", "600"], ["subscriptions", "--count", "20000"]], ids=lambda attack: attack[0]
)
def test_ok__under_attack_the_daemon_stays_small_and_a_subscriber_misses_nothing(
    attack: list[str], short_clip: Path
) -> None:
    name, *options = attack
    program = [sys.executable, "-m", f"tools.attack.{name}", *options, "--clip", str(short_clip), "--seconds", "3"]
    # The exit code also depends on the time between two statuses, which a busy machine makes longer.
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    figures = re.search(r"at most (\d+) MB; descriptors at most (\d+)", done.stdout)
    assert figures is not None, done.stderr
    assert 0 < int(figures[1]) < MAX_RSS_MB
    assert 0 < int(figures[2]) < MAX_SUBSCRIBERS + 100
    assert " 0 missing; " in done.stdout
    assert re.search(r"; [1-9]\d* statuses", done.stdout)
    assert "Traceback" not in done.stderr


def test_fail__without_a_daemon_at_the_address_it_says_so() -> None:
    program = (
        "import sys; from tools.attack import connections, target; target.PATIENCE_S = 0.2; "
        "sys.argv = ['connections', '--address', 'ipc:///no/such.sock']; sys.exit(connections.main())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "no daemon publishes at ipc:///no/such.sock\n")
