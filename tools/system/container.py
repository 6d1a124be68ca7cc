"""Fresh systems in a folder: made by mmdebstrap, run by systemd-nspawn. Needs root and both programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
"""The top folder of the source tree."""
SYSTEMS = {"bookworm": "Debian 12", "trixie": "Debian 13", "jammy": "Ubuntu 22.04", "noble": "Ubuntu 24.04"}
"""The systems that the documents name, by the name of their package archive."""
PACKAGES = "apt,systemd,systemd-sysv,udev,dbus,procps,iproute2,sudo,python3,ca-certificates"
"""What each of these systems has after its usual installation, and what a minimal root lacks."""
COMPONENTS = {"jammy": "main,universe", "noble": "main,universe"}
"""Parts of the package archive that a usual installation of Ubuntu has switched on. Of Debian it is only `main`."""
CLONE = "driver-monitor"
"""Folder of the clone in the home of the user."""
USER = "newcomer"
MACHINE = f"driver-monitor-{os.getpid()}"
NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--machine={MACHINE}")
"""Without a systemd outside, the container can be neither registered nor get a unit of its own."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended. `peak_mb`: memory of its largest process, MiB. `cpu_s`: of all its processes."""

    code: int
    output: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def archive(suite: str, folder: Path, mirror: str | None = None, architecture: str | None = None) -> Path:
    """Return the tar file of a fresh `suite` in `folder`; make it if it is not there. `mirror`: None: the usual one.

    `architecture`: as Debian names it; None: that of this machine. Another one needs Debian's packages
    qemu-user-static, binfmt-support and arch-test, and takes five minutes of CPU time. Raises
    `subprocess.CalledProcessError` if mmdebstrap fails, for example because the mirror cannot be reached.
    """
    path = folder / (f"{suite}.tar" if architecture is None else f"{suite}-{architecture}.tar")
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part.tar")
        where = [mirror] if mirror else []
        parts = [f"--components={COMPONENTS[suite]}"] if suite in COMPONENTS else []
        parts += [] if architecture is None else [f"--architectures={architecture}"]
        make = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={PACKAGES}",
            *parts,
            suite,
            str(unfinished),
            *where,
        ]
        subprocess.run(make, check=True)
        unfinished.rename(path)
    return path


@contextmanager
def fresh_root(archive_path: Path, clone_to: str) -> Iterator[Path]:
    """Yield the folder of a new system with a user `USER` who may use sudo, and a clone of the source tree.

    `clone_to`: folder of the clone, inside. The folder is deleted at the end.
    """
    with new_root(archive_path) as root:
        sudoers = root / "etc/sudoers.d/newcomer"
        sudoers.write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost {MACHINE}\n")
        _own_certificates(root)
        run(root, f"useradd --create-home --shell /bin/bash {USER}")
        clone = root / clone_to.lstrip("/")
        clone.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(TOP), str(clone)], check=True)
        owner = USER if clone_to.startswith("/home/") else "root"
        run(root, f"chown -R {owner}: {clone_to}")
        yield root


@contextmanager
def new_root(archive_path: Path) -> Iterator[Path]:
    """Yield the folder of a new system. It is deleted at the end."""
    root = Path(tempfile.mkdtemp(prefix=f"{archive_path.stem}-", dir=archive_path.parent))
    try:
        subprocess.run(["tar", "-C", str(root), "-xf", str(archive_path)], check=True)
        root.chmod(0o755)  # mkdtemp makes it 0700, and then only root can enter it
        yield root
    finally:
        shutil.rmtree(root)


def run(root: Path, command: str, user: str = "root", folder: str = "/") -> Done:
    """Run a shell command in `root` as `user` in `folder`, with the network of this machine."""
    inside = ["--user", user, "--chdir", folder, "--resolv-conf=copy-host", "--pipe", "--directory", str(root)]
    program = [*NSPAWN, *inside, "/bin/sh", "-c", f"exec 2>&1; {command}"]
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)
        # wait4 also counts the processes that the container's own processes waited for.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - started
        output.seek(0)
        text = output.read()
    return Done(process.returncode, text, wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def boot(root: Path, limit_s: float, options: Sequence[str] = ()) -> float:
    """Boot the system in `root`, wait until it powers itself off, and return the seconds. Raises `TimeoutError`."""
    program = [*NSPAWN, "--boot", "--console=read-only", *options, "--directory", str(root)]
    started = time.monotonic()
    process = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise TimeoutError(f"{root}: not powered off after {limit_s:.0f} s; read its journal") from None
    return time.monotonic() - started


def _own_certificates(root: Path) -> None:
    """Give pip the certificates of a machine that names its own (`PIP_CERT`), for a proxy between it and PyPI."""
    own = os.environ.get("PIP_CERT")
    if own is not None:
        shutil.copy(own, root / "etc/ssl/of-the-machine.crt")
        (root / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/of-the-machine.crt\n")
