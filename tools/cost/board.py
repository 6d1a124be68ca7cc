"""Measures this computer with `bench`, and writes its row into the table of docs/speed.md.

    python -m tools.cost.board "Raspberry Pi 4" [--clip CLIP] [--table]

Prints what `driver-monitor bench demo --fps 30` prints. The row of this name is replaced, or added at the end. With
`--table`, the printed example of the page is replaced too, which is that of the project's own machine. A busy or hot
computer is measured wrongly: then nothing is written.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import cv2

from driver_monitor import __version__, demo
from driver_monitor.app.build import Request
from driver_monitor.bench.speed.bench import bench
from driver_monitor.bench.speed.text import sentences
from driver_monitor.errors import DriverMonitorError
from tools.cost.figures import count

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
HEAD = "| computer |"
"""How the first line of the table begins."""
EXAMPLE = re.compile(r"(<!-- bench -->\n```text\n).*?(```\n)", re.DOTALL)
FRAMES, REPEATS, FPS = 600, 5, 30.0


def cells(result: dict[str, Any]) -> list[str]:
    """Return the cells of the row behind the name. `result`: of `bench --json`."""
    nets, memory = result["nets"], result["memory"]["rss_mb"]["peak"]
    return [
        f"{result['loop']['cpu_ms']:.2f}",
        f"{nets['cpu_ms']:.2f}",
        "-" if nets["ratio"] is None else f"{nets['ratio']:.2f}",
        f"{result['fps']['possible']:.0f}",
        f"{result['core_share']:.0%}".replace("%", " %"),
        f"{result['start_s']['total']:.2f}",
        "-" if memory is None else f"{memory:.0f}",
        result["version"],
    ]


def with_row(page: str, name: str, row: list[str]) -> str:
    """Return `page` with this row in the table of computers: in place of the one of this name, or after the last."""
    lines = page.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(HEAD))
    end = next((n for n, line in enumerate(lines[start:], start) if not line.startswith("|")), len(lines))
    found = [n for n in range(start + 2, end) if lines[n].split("|")[1].strip() == name]
    place = slice(found[0], found[0] + 1) if found else slice(end, end)
    lines[place] = [f"| {' | '.join([name, *row])} |\n"]
    return "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of this computer, as in the table")
    parser.add_argument("--clip", type=Path, default=demo.CLIP, help="default: the bundled one")
    parser.add_argument("--frames", type=count, default=FRAMES, help=f"from its beginning (default: {FRAMES})")
    parser.add_argument("--repeats", type=count, default=REPEATS, help=f"of each frame (default: {REPEATS})")
    parser.add_argument("--table", action="store_true", help="also replace the example of the page")
    given = parser.parse_args()
    if not given.name.strip() or "|" in given.name:
        parser.error(f"{given.name!r}: a name of the table has at least one letter, and no |; give another")
    cv2.setNumThreads(1)
    try:
        result = bench(given.clip, Request(), given.frames, given.repeats, FPS)
    except DriverMonitorError as error:
        sys.exit(str(error))
    text = sentences(result)
    print(text)
    if result["warnings"]:
        sys.exit(f"{PAGE.name} was not changed: this computer was busy or hot; end other programs and measure again")
    page = with_row(PAGE.read_text(encoding="utf-8"), given.name.strip(), cells(result))
    if given.table:
        page = EXAMPLE.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE}: the row of {given.name} is that of version {__version__} now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
