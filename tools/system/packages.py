"""Tries the packages of `make deb` in fresh systems, and prints what holds.

In each system with a real systemd, without a network and without a camera device, `tools.system.in_package` installs,
upgrades, removes and purges. With `--arm64`, the arm64 package is installed in an emulated system too, and must read
the pictures as the amd64 package does. lintian checks each package. The first run makes the systems (minutes).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from tools.package.target import MACHINES, Target
from tools.system.answers import differences, openness_apart
from tools.system.container import TOP, archive, boot, new_root

SUITES = {"jammy": "3.10", "bookworm": "3.11", "trixie": "3.13"}
"""The systems that the packages are for, with their Python."""
OLD_VERSION = "0.0.1-1"
"""Version of the older package, which is the new one with another version and another config.yaml."""
PICTURES = 10
EVERY = 80
"""Every 80th frame of the bundled clip: awake, asleep, yawning, turned away, by day and in infrared."""
LIMIT_S = 1800.0
"""Longest life in a container, on a busy machine."""
UNIT = """[Unit]
Description=The life of the package
After=basic.target
FailureAction=poweroff
SuccessAction=poweroff
[Service]
Type=exec
ExecStart=/usr/bin/python3 /root/in_package.py
StandardOutput=file:/root/package.out
StandardError=inherit
[Install]
WantedBy=multi-user.target
"""


def package_of(dist: Path, target: Target) -> Path:
    """Return the newest package for a target. Raises `FileNotFoundError` that says how to build it."""
    found = sorted(dist.glob(f"driver-monitor_*+py{target.python}_{target.architecture}.deb"))
    if not found:
        how = f"make deb PYTHON_VERSION={target.python} ARCH={target.architecture}"
        raise FileNotFoundError(f"{dist}: no package for {target.python} on {target.architecture}; run: {how}")
    return found[-1]


def older(package: Path, to: Path) -> None:
    """Write an older version of a package: same files, lower version, another config.yaml."""
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        root = Path(folder) / "root"
        subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(root)], check=True)
        control = root / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {OLD_VERSION}", control.read_text()))
        with (root / "etc/driver-monitor/config.yaml").open("a") as config:
            config.write("# an older one\n")
        deb = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(to)]
        subprocess.run(deb, check=True, stdout=subprocess.DEVNULL)


def life(suite: str, dist: Path, folder: Path) -> list[dict[str, Any]]:
    """Tell the life of the amd64 package in one system. Return the rows of `tools.system.in_package`."""
    package = package_of(dist, Target(SUITES[suite], "amd64"))
    with new_root(archive(suite, folder)) as root:
        shutil.copyfile(package, root / "root/new.deb")
        older(package, root / "root/old.deb")
        for name in ("in_package.py", "mjpeg_camera.py"):
            shutil.copyfile(TOP / "tools/system" / name, root / "root" / name)
        start_at_boot(root, UNIT)
        try:
            boot(root, LIMIT_S, ["--private-network"])
        except TimeoutError as error:
            print(error, file=sys.stderr)
        print((root / "root/package.out").read_text(), end="", file=sys.stderr)
        rows = root / "root/package.jsonl"
        return [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []


def start_at_boot(root: Path, text: str) -> None:
    """Add a unit that starts at the next boot."""
    unit = root / "etc/systemd/system/life.service"
    unit.write_text(text)
    link = root / "etc/systemd/system/multi-user.target.wants/life.service"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("/etc/systemd/system/life.service")


def lintian(package: Path) -> dict[str, Any]:
    """Return a row: whether lintian finds no error."""
    program = shutil.which("lintian")
    if program is None:
        return {"what": f"lintian {package.name}", "holds": False, "detail": "lintian is not installed"}
    done = subprocess.run(
        [program, "--allow-root", "--fail-on", "error", str(package)], capture_output=True, text=True, check=False
    )
    return {"what": f"lintian {package.name}", "holds": done.returncode == 0, "detail": " ".join(done.stdout.split())}


def read_alike(suite: str, dist: Path, folder: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """Return a row: whether the arm64 package reads the pictures as the amd64 package does."""
    read = []
    for architecture in ("amd64", "arm64"):
        package = package_of(dist, Target(SUITES[suite], architecture))
        with new_root(archive(suite, folder, architecture=None if architecture == "amd64" else architecture)) as root:
            read.append(answers(root, package, pictures))
    found = differences(*read)
    worst = max((openness_apart(*pair) or 0.0 for pair in zip(*read, strict=False)), default=0.0)
    what = f"arm64 reads {len(pictures)} pictures as amd64 does ({suite})"
    return {
        "what": what,
        "holds": bool(read[0]) and not found,
        "detail": "; ".join([f"openness up to {worst:.3f} apart", *found]),
    }


def answers(root: Path, package: Path, pictures: Sequence[Path]) -> list[dict[str, Any]]:
    """Install a package in a root, and return what its `inspect --json` says of the pictures.

    In chroot, without /sys: with it, onnxruntime ends with SIGSEGV under qemu (1.32, qemu 7.2).
    """
    names = [f"/root/{number:03}{picture.suffix}" for number, picture in enumerate(pictures)]
    for name, picture in zip(names, pictures, strict=True):
        shutil.copyfile(picture, f"{root}{name}")
    shutil.copyfile(package, root / "root/new.deb")
    with mounted(root):
        inside = ["chroot", str(root), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        for command in (["dpkg", "--install", "/root/new.deb"], ["driver-monitor", "inspect", "--json", *names]):
            done = subprocess.run([*inside, *command], capture_output=True, text=True, check=False)
            print(done.stderr, end="", file=sys.stderr)
            if done.returncode:
                return []
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    """Mount /proc and /dev in a root, for the `with` block."""
    places = (["-t", "proc", "proc", str(root / "proc")], ["--bind", "/dev", str(root / "dev")])
    for place in places:
        subprocess.run(["mount", *place], check=True)
    try:
        yield
    finally:
        for place in places:
            subprocess.run(["umount", place[-1]], check=True)


def clip_pictures(folder: Path) -> list[Path]:
    """Return `PICTURES` frames of the bundled clip, as files in `folder`."""
    import av
    import cv2

    from driver_monitor.demo import CLIP

    with av.open(str(CLIP)) as container:
        frames = list(islice(container.decode(video=0), 0, EVERY * PICTURES, EVERY))
    files = [folder / f"{number:03}.png" for number in range(len(frames))]
    for frame, file in zip(frames, files, strict=True):
        cv2.imwrite(str(file), frame.to_ndarray(format="bgr24"))
    return files


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | holds | |", "| --- | --- | --- |"]
    for row in rows:
        cells = (row["what"], "yes" if row["holds"] else "NO", row["detail"])
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the options, try the packages, print the tables. Exit code 1: something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", choices=SUITES, default=list(SUITES), metavar="SUITE")
    parser.add_argument("--dist", type=Path, default=TOP / "dist", help="folder of the packages (default: dist)")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/driver-monitor-systems"), help="holds the systems")
    parser.add_argument("--no-lintian", action="store_true", help="lintian takes a minute for each package")
    parser.add_argument("--arm64", nargs="*", type=Path, metavar="PICTURE", help="also try arm64 (default: the demo)")
    given = parser.parse_args()
    held = True
    for suite in given.suites:
        rows = life(suite, given.dist, given.folder)
        if not given.no_lintian:
            rows += [lintian(package_of(given.dist, Target(SUITES[suite], each))) for each in MACHINES]
        if given.arm64 is not None:
            with tempfile.TemporaryDirectory() as folder:
                pictures = given.arm64 or clip_pictures(Path(folder))
                rows.append(read_alike(suite, given.dist, given.folder, pictures))
        print(f"\n## {suite}, Python {SUITES[suite]}\n\n{table(rows)}", flush=True)
        held &= bool(rows) and all(row["holds"] for row in rows)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
