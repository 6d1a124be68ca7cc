"""Builds the packages: `python -m tools.package.build`, or one with `--python 3.11 --arch arm64`.

It needs dpkg-deb (on every Debian and Ubuntu), pip and the network. Each package takes about two minutes of one core.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from driver_monitor import __version__
from tools.package.target import MACHINES, PYTHONS, Target, targets
from tools.package.tree import TOP, Program, date_of_version, lay

COMPRESSION = ("-Zxz", "-z1")
"""Higher levels of xz save 10 % and take five times as long. Debian 12 and Ubuntu 22.04 both read xz."""


def wheel(folder: Path) -> Path:
    """Build the wheel of the program in `folder`. Raises `CalledProcessError` if pip fails."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(TOP)]
    subprocess.run(pip, check=True)
    (found,) = folder.glob("driver_monitor-*.whl")
    return found


def build(target: Target, program: Program, out: Path) -> Path:
    """Build the package of a target in the folder `out`. Return its file."""
    package = out / target.file_name(program.version)
    with tempfile.TemporaryDirectory(prefix="driver-monitor-deb-") as folder:
        root = Path(folder) / "root"
        lay(target, program, root)
        deb = ["dpkg-deb", "--root-owner-group", *COMPRESSION, "--build", str(root), str(package)]
        date = {"SOURCE_DATE_EPOCH": f"{program.date.timestamp():.0f}"}
        subprocess.run(deb, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **date})
    return package


def main() -> None:
    """Read the options, build, and print the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", nargs="*", choices=PYTHONS, help="Pythons (default: all)")
    parser.add_argument("--arch", nargs="*", choices=MACHINES, help="processors (default: all)")
    parser.add_argument("--out", type=Path, default=TOP / "dist", help="folder of the packages (default: dist)")
    given = parser.parse_args()
    if shutil.which("dpkg-deb") is None:
        sys.exit("dpkg-deb is missing: build on Debian or Ubuntu")
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="driver-monitor-wheel-") as folder:
        program = Program(wheel(Path(folder)), __version__, date_of_version())
        for target in targets(given.python, given.arch):
            package = build(target, program, given.out)
            print(f"{package} ({package.stat().st_size / 1e6:.0f} MB)", flush=True)


if __name__ == "__main__":
    main()
