"""Lays the folder of a package: the wheels of the target, and the files of the system around them."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement

from tools.package import control
from tools.package.completion import completion
from tools.package.left_out import is_left_out, mode
from tools.package.man_page import man_page
from tools.package.requirements import unmet
from tools.package.target import Target
from tools.package.verbs import verbs

TOP = Path(__file__).parents[2]
"""The top folder of the source tree."""
DEBIAN = Path(__file__).parent / "debian"
EXTRAS = ("can", "aim", "jetson", "fleet", "metrics")
"""Extras of the program that a car may need. Those that pyproject.toml has are in the package."""
ROUNDS = 5
"""Most calls of pip. The first takes nearly all; each other takes what the markers of the target add."""
COMMANDS = frozenset(("usr/lib/driver-monitor/bin/driver-monitor",))
SCRIPTS = ("postinst", "prerm", "postrm")


@dataclass(frozen=True, slots=True)
class Program:
    """The program that is packed. `wheel`: its file. `date`: of the version."""

    wheel: Path
    version: str
    date: datetime

    def requirement(self) -> Requirement:
        """Return the program with its extras, as a requirement."""
        return Requirement(f"driver-monitor[{','.join(extras((TOP / 'pyproject.toml').read_text()))}]")


def extras(pyproject: str) -> list[str]:
    """Return those of `EXTRAS` that the text of pyproject.toml has."""
    return [name for name in EXTRAS if f"\n{name} = [" in pyproject]


def lay_wheels(target: Target, program: Program, folder: Path) -> None:
    """Lay the wheels of the program and of all its requirements in `folder`, without what nobody loads.

    Raises `RuntimeError` if a requirement has no wheel for the target, and `CalledProcessError` if pip fails.
    """
    root, wanted = program.requirement(), [f"{program.wheel}[{','.join(sorted(program.requirement().extras))}]"]
    for _ in range(ROUNDS):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-input", "--upgrade"]
        subprocess.run([*pip, *target.pip_options(), "--target", str(folder), *wanted], check=True)
        wanted = unmet(folder, root, target.marker_environment())
        if not wanted:
            break
    else:
        raise RuntimeError(f"pip finds no wheels for {target}: {', '.join(wanted)}")
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and is_left_out(str(path.relative_to(folder))):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def lay(target: Target, program: Program, root: Path) -> None:
    """Lay the whole package in `root`, a new folder. Raises as `lay_wheels` does."""
    home = root / control.HOME.lstrip("/")
    site = home / f"lib/python{target.python}/site-packages"
    lay_wheels(target, program, site)
    copy(DEBIAN / "pyvenv.cfg", home / "pyvenv.cfg")
    copy(DEBIAN / "driver-monitor", home / "bin/driver-monitor")
    (home / "bin/python").symlink_to("../../../bin/python3")
    (root / "usr/bin").mkdir()
    (root / "usr/bin/driver-monitor").symlink_to("../lib/driver-monitor/bin/driver-monitor")
    lay_system(root)
    lay_documents(target, program, root, site)
    set_modes(root, program.date)
    lay_control(target, program, root)


def lay_system(root: Path) -> None:
    """Lay what systemd, udev and the configuration need."""
    units = TOP / "systemd"
    write(
        root / "usr/lib/systemd/system/driver-monitor.service",
        control.unit((units / "driver-monitor.service").read_text()),
    )
    copy(units / "driver-monitor.sysusers", root / "usr/lib/sysusers.d/driver-monitor.conf")
    copy(units / "driver-monitor.rules", root / "usr/lib/udev/rules.d/60-driver-monitor.rules")
    copy(DEBIAN / "driver-monitor.tmpfiles", root / "usr/lib/tmpfiles.d/driver-monitor.conf")
    copy(TOP / "config.yaml", root / "etc/driver-monitor/config.yaml")
    for drop_in in sorted(units.glob("*.conf")):
        copy(drop_in, root / "usr/share/doc/driver-monitor/examples" / drop_in.name)
    copy(DEBIAN / "lintian-overrides", root / "usr/share/lintian/overrides/driver-monitor")


def lay_documents(target: Target, program: Program, root: Path, site: Path) -> None:
    """Lay the documents, the manual page, the completion, the changelogs and the licences."""
    from typer.main import get_command

    from driver_monitor.cli.commands import app

    known = list(verbs(get_command(app)))
    doc = root / "usr/share/doc/driver-monitor"
    for page in sorted(path for path in (TOP / "docs").rglob("*") if path.is_file()):
        copy(page, doc / page.relative_to(TOP / "docs"))
    page_text = man_page(known, program.version, f"{program.date:%Y-%m-%d}")
    zip_text(root / "usr/share/man/man1/driver-monitor.1.gz", page_text)
    write(root / "usr/share/bash-completion/completions/driver-monitor", completion(known))
    zip_text(doc / "changelog.gz", (TOP / "CHANGELOG.md").read_text())
    zip_text(doc / "changelog.Debian.gz", control.changelog(target, program.version, program.date))
    licences = {each.metadata["Name"]: licence(each.metadata) for each in distributions(path=[str(site)])}
    write(doc / "copyright", control.copyright_text((DEBIAN / "copyright.head").read_text(), licences))


def licence(metadata: object) -> str:
    """Return what the metadata of a library say about its licence, in one short line."""
    get, get_all = metadata.get, metadata.get_all  # type: ignore[attr-defined]
    classifiers = [text.split(" :: ")[-1] for text in get_all("Classifier") or [] if text.startswith("License")]
    said = get("License-Expression") or ", ".join(classifiers) or (get("License") or "").splitlines()[:1]
    return str(said[0] if isinstance(said, list) and said else said or "see its folder")


def set_modes(root: Path, date: datetime) -> None:
    """Give all files the modes of a package, and the time of the version, so that two builds are the same."""
    for path in sorted(root.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else mode(str(path.relative_to(root)), COMMANDS))
        os.utime(path, (date.timestamp(),) * 2, follow_symlinks=False)
    root.chmod(0o755)


def lay_control(target: Target, program: Program, root: Path) -> None:
    """Lay the folder DEBIAN with the control file, the checksums, the conffiles and the maintainer scripts."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    size_kib = sum(-(-path.stat().st_size // 1024) for path in files)
    paths = [(str(path.relative_to(root)), path) for path in files]
    sums = control.md5sums((name, path.read_bytes()) for name, path in paths if not name.startswith("etc/"))
    write(root / "DEBIAN/control", control.control(target, program.version, size_kib))
    write(root / "DEBIAN/md5sums", sums)
    write(root / "DEBIAN/conffiles", "".join(f"/{name}\n" for name, _ in paths if name.startswith("etc/")))
    for script in SCRIPTS:
        copy(DEBIAN / script, root / "DEBIAN" / script)
        (root / "DEBIAN" / script).chmod(0o755)


def copy(source: Path, to: Path) -> None:
    """Copy a file, and make its folder."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)


def write(path: Path, text: str) -> None:
    """Write a text file, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def zip_text(path: Path, text: str) -> None:
    """Write a text as gzip without name and time, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def date_of_version() -> datetime:
    """Return `SOURCE_DATE_EPOCH`, else the time of the last commit, else now."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        git = ["git", "-C", str(TOP), "log", "-1", "--format=%ct"]
        given = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    seconds = int(given) if given else int(datetime.now().timestamp())
    return datetime.fromtimestamp(seconds, tz=timezone.utc)
