"""The commands of the installation fit every system that the documents name, and leave the program on the PATH."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tools.system import newcomer, story

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "systemd/README.md", *(ROOT / "docs").glob("*.md")]
EVERYWHERE = {"git", "make", "python3-venv", "pipx", "alsa-utils", "gstreamer1.0-tools", "gstreamer1.0-plugins-good"}
"""Packages that Debian 12 and 13, Ubuntu 22.04 and 24.04 and Raspberry Pi OS all have (looked up in their archives)."""
EVERYWHERE |= {"mosquitto"}
ONE_BOARD_ONLY = {"rpicam-apps"}
"""Packages of Raspberry Pi OS, in a command for its cameras."""
MAINTAINERS_ONLY = {"mmdebstrap", "systemd-container", "chromium", "postgresql"}
"""Packages that a maintainer needs, on Debian."""
UNIT_BIN = "/opt/driver-monitor/bin"


def apt_commands() -> list[str]:
    """Every command of the documents that installs packages, with what follows on its line."""
    found = [re.findall(r"apt(?:-get)? install [^`#]*?(?=`|#|\n```|\n\S+ )", page.read_text()) for page in PAGES]
    return [" ".join(command.split()) for commands in found for command in commands]


@pytest.mark.parametrize("command", apt_commands())
def test_ok__one_missing_package_never_ends_the_installation(command: str) -> None:
    first, _, instead = command.partition("||")
    packages = {word for word in shlex.split(first.partition("&&")[0])[2:] if not word.startswith("-")}
    files = {word for word in packages if word.startswith("./")}  # our own package, which the reader has at hand
    assert packages
    if not instead:
        assert packages - files <= EVERYWHERE | MAINTAINERS_ONLY | ONE_BOARD_ONLY, (
            "apt-get installs nothing at all if one package is missing"
        )


def test_ok__the_service_puts_the_program_on_the_path() -> None:
    steps = (ROOT / "systemd/README.md").read_text()
    assert f"ln -sf {UNIT_BIN}/driver-monitor /usr/local/bin/driver-monitor" in steps
    unit = (ROOT / "systemd/driver-monitor.service").read_text()
    assert f"ExecStart={UNIT_BIN}/driver-monitor run" in unit


def test_ok__the_readme_says_what_an_installation_costs() -> None:
    text = (ROOT / "README.md").read_text()
    for cost in (r"\d+ MB of disk", r"\d+ MB of memory", r"\d+ s for `make demo`"):
        assert re.search(cost, text), cost


def test_ok__the_newcomer_follows_what_is_printed() -> None:
    assert newcomer.shell_commands(ROOT / "README.md", "Try it")[1:3] == ["make demo", "make test"]
    others = newcomer.shell_commands(ROOT / "docs/install.md", "Other ways")
    assert [command.split()[0] for command in others[1:3]] == ["pipx", "pipx"]
    assert "timeout" in newcomer.in_two_terminals(".venv/bin/driver-monitor watch"), "it would never end"
    assert newcomer.in_two_terminals("make demo") == "make demo"


def test_ok__a_table_says_never_where_nothing_came() -> None:
    rows: list[dict[str, Any]] = [
        {"step": "camera lost", "waited_for": "camera_fault", "seconds": None, "detail": ""},
        {"step": "stop", "waited_for": "its end", "seconds": 0.0, "detail": "a|b"},
        {"step": "security", "waited_for": "", "seconds": None, "detail": "1.5"},
    ]
    assert story.table(rows).splitlines()[2:] == [
        "| camera lost | camera_fault | never |  |",
        "| stop | its end | 0.0 | a/b |",
        "| security |  |  | 1.5 |",
    ]
