"""Follows the documents as a new user does, in fresh roots of Debian and Ubuntu, and prints what each command cost.

Each shell command of the README's "Try it" and of the other ways in docs/install.md runs as it is printed, in a clone,
as a user who may use sudo, with nothing cached. `make test` runs only with `--tests`. The service is the story of
`tools.system.story`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools.system.container import SYSTEMS, TOP, USER, Done, archive, fresh_root, run

HOME = f"/home/{USER}"
CLONE = f"{HOME}/driver-monitor"
FIRST_STEPS = """\
.venv/bin/python -m driver_monitor --version
.venv/bin/driver-monitor replay driver_monitor/demo/demo.mp4 --out results
.venv/bin/driver-monitor explain results/demo/events.jsonl | head -5
.venv/bin/driver-monitor config check
.venv/bin/driver-monitor spot-check | tail -2
"""
"""What the README says next, on the files that a clone has."""
ON_THE_PATH = """\
env/bin/python -m driver_monitor --version
. env/bin/activate && driver-monitor --version
bash --login -c 'driver-monitor --version'
"""
"""The program after pip and, at the next login, after pipx."""
COLUMNS = "| command | exit | s | CPU s | MiB | last line |\n| --- | --- | --- | --- | --- | --- |"


def shell_commands(page: Path, heading: str) -> list[str]:
    """Return the lines of the shell blocks below a heading of a page."""
    section = page.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", section)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def in_two_terminals(command: str) -> str:
    """Return a command that ends by itself. `watch` runs for 5 s in the middle of the demo."""
    if not command.endswith("driver-monitor watch"):
        return command
    return f".venv/bin/driver-monitor run --source demo >/tmp/run & sleep 12; timeout -s INT 5 {command}; kill $!"


def follow(root: Path, commands: list[str]) -> int:
    """Run the commands one after another, print a row for each, and return how many failed."""
    failed = 0
    for command in commands:
        done = run(root, in_two_terminals(command), USER, CLONE)
        failed += done.code != 0
        print(row(command, done), flush=True)
    return failed


def row(command: str, done: Done) -> str:
    """Return a row of the table: the command, its cost, and the last thing that it said."""
    said = [line for line in done.output.splitlines() if line.strip()][-1:] or [""]
    cost = f"{done.code} | {done.wall_s:.0f} | {done.cpu_s:.0f} | {done.peak_mb:.0f}"
    return f"| `{command.replace('|', '/')}` | {cost} | {said[0].strip().replace('|', '/')} |"


def newcomer(suite: str, folder: Path, mirror: str | None, tests: bool) -> int:
    """Follow the documents in one system. Return the number of commands that failed."""
    print(f"\n## {SYSTEMS[suite]}\n\n{COLUMNS}")
    commands = [line for line in shell_commands(TOP / "README.md", "Try it") if tests or line != "make test"]
    others = shell_commands(TOP / "docs/install.md", "Other ways")
    with fresh_root(archive(suite, folder, mirror), CLONE) as root:
        parts = (commands, ["du -sm .venv"], FIRST_STEPS.splitlines(), others, ON_THE_PATH.splitlines())
        return sum(follow(root, part) for part in parts)


def main() -> None:
    """Read the options, follow the documents in each system. Exit code 1: a command failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", choices=SYSTEMS, default=["bookworm", "trixie", "noble"], metavar="SUITE")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/driver-monitor-systems"), help="holds the systems")
    parser.add_argument("--mirror", help="package archive (default: the one of the distribution)")
    parser.add_argument("--tests", action="store_true", help="also run `make test`, which takes minutes")
    given = parser.parse_args()
    sys.exit(1 if sum(newcomer(suite, given.folder, given.mirror, given.tests) for suite in given.suites) else 0)


if __name__ == "__main__":
    main()
