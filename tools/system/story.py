"""Tells the story of a car under a real systemd, in a container, and prints the table of times.

A fresh system is installed as systemd/README.md says, and then booted without network and without a camera. The camera
comes, is lost and comes back. The process is killed and stopped, the configuration is read again, a wrong one too, and
at the end the service is stopped. It takes about five minutes after the first run, which makes the system.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tools.system.container import SYSTEMS, archive, boot, fresh_root

CLONE = "/root/driver-monitor"
UNIT = f"""[Unit]
Description=The story of a car
Before=driver-monitor.service
FailureAction=poweroff
SuccessAction=poweroff
[Service]
Type=exec
WorkingDirectory={CLONE}
ExecStart=%s -m tools.system.in_car %s
StandardOutput=file:/root/story.out
StandardError=inherit
[Install]
WantedBy=multi-user.target
"""
LIMIT_S = 600.0
"""Longest time of one boot, in which pip also loads 200 MB."""


def tell(root: Path) -> list[dict[str, Any]]:
    """Install in one boot and drive in the next. Return the rows that `tools.system.in_car` wrote."""
    unit = root / "etc/systemd/system/story.service"
    link = root / "etc/systemd/system/multi-user.target.wants/story.service"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("/etc/systemd/system/story.service")
    (root / "etc/systemd/journald.conf").write_text("[Journal]\nStorage=persistent\n")
    try:
        unit.write_text(UNIT % ("/usr/bin/python3", "install"))
        boot(root, LIMIT_S, ["--resolv-conf=copy-host"])
        if not (root / "opt/driver-monitor/bin/driver-monitor").exists():
            return rows_of(root)  # they say which command failed
        unit.write_text(UNIT % ("/opt/driver-monitor/bin/python", "drive"))
        boot(root, LIMIT_S, ["--private-network"])
    except TimeoutError as error:
        print(error, file=sys.stderr)
    return rows_of(root)


def rows_of(root: Path) -> list[dict[str, Any]]:
    """Return the rows that are there, and print what else the story said."""
    print((root / "root/story.out").read_text(), file=sys.stderr)
    rows = root / "root/story.jsonl"
    return [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| step | waited for | s | and then |", "| --- | --- | --- | --- |"]
    for row in rows:
        waited = row["seconds"] if row["seconds"] is not None else "never" if row["waited_for"] else ""
        cells = (row["step"], row["waited_for"], waited, row["detail"])
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the options, tell the story, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--suite", choices=SYSTEMS, default="bookworm", help="the system (default: bookworm, Debian 12)"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("/tmp/driver-monitor-systems"), help="holds the systems; 2 GB"
    )
    given = parser.parse_args()
    with fresh_root(archive(given.suite, given.folder), CLONE) as root:
        print(table(tell(root)))


if __name__ == "__main__":
    main()
