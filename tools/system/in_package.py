"""The life of the package, told inside the container that `tools.system.packages` boots. It runs as root at boot.

It installs an older package, configures a camera, upgrades, removes, installs again and purges. Each thing that must
hold becomes a row of `ROWS`. It runs with the system's Python and needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path("/root")
ROWS = HERE / "package.jsonl"
CONFIG = Path("/etc/driver-monitor/config.yaml")
STATE = Path("/var/lib/driver-monitor")
PYTHON = "/usr/lib/driver-monitor/bin/python"
UNIT = "driver-monitor"
PORT = 18141
CAMERA = f"camera: {{source: 'http://127.0.0.1:{PORT}/'}}\n"
"""What an administrator has written into the configuration."""
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold"
PATIENCE_S = 120.0
"""Longest wait for what should happen. Only a failure takes so long."""
NOT_OURS = ("/proc", "/sys", "/dev", "/tmp", "/run", "/root", "/var/log", "/var/tmp", "/var/cache", "/var/lib/apt")
"""Folders in which a running system and apt itself write."""
BACKUPS = re.compile(
    r"/etc/(passwd|group|shadow|gshadow)-|/var/lib/dpkg/[^/]+-old|/etc/\.pwd\.lock|.*/systemd/.*random-.*"
)
"""Copies of the last state, which each change of a user or a package leaves."""
SHOWN = 300
"""Longest detail of a row."""


def main() -> None:
    """Tell the life of the package. The rows are there even if a step ends with an exception."""
    before, accounts = set(paths()), account_lines()
    camera = None
    try:
        install("old")
        camera = watched()
        sandbox()
        program()
        upgrade()
        disabled()
        remove()
        install("new", "again ")
        row("installed again: active, with the old configuration", active() and CONFIG.read_text().endswith(CAMERA))
    finally:
        if camera is not None:
            camera.kill()
            camera.wait()
        purge(before, accounts)


def row(what: str, holds: bool, detail: str = "") -> None:
    """Write whether something holds."""
    with ROWS.open("a") as file:
        file.write(json.dumps({"what": what, "holds": holds, "detail": " ".join(detail.split())[:SHOWN]}) + "\n")


def sh(command: str) -> tuple[int, str]:
    """Run a shell command. Return its exit code and what it printed."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def shown(name: str) -> str:
    """Return a property of the unit."""
    return sh(f"systemctl show -P {name} {UNIT}")[1].strip()


def active() -> bool:
    """Return whether the service is active with a process."""
    return shown("ActiveState") == "active" and shown("MainPID") not in ("", "0")


def wait_for(wanted: str) -> bool:
    """Wait until systemd's status line has these words."""
    end = time.monotonic() + PATIENCE_S
    while wanted not in shown("StatusText"):
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def install(which: str, again: str = "") -> None:
    """Install a package. `which`: old or new."""
    started = time.monotonic()
    code, output = sh(f"{INSTALL} --allow-downgrades {HERE}/{which}.deb")
    seconds = f"{time.monotonic() - started:.0f} s"
    row(f"{again}apt installs the {which} package", code == 0, seconds if code == 0 else output[-SHOWN:])
    warned = [line for line in output.splitlines() if re.search(r"(?i)\b(warning|conflict|error)\b", line)]
    row(f"{again}nothing warns meanwhile", not warned, "; ".join(warned))
    if which == "old" and not again:
        row("the service is active without a camera, and enabled", active() and enabled(), shown("StatusText"))


def enabled() -> bool:
    """Return whether the service starts at each boot."""
    return sh(f"systemctl is-enabled {UNIT}")[1].strip() == "enabled"


def watched() -> subprocess.Popen[bytes]:
    """Configure a camera as an administrator does, and wait for a driver. Return the process of the camera."""
    camera = subprocess.Popen([PYTHON, str(HERE / "mjpeg_camera.py"), str(PORT)], cwd=HERE)
    CONFIG.write_text(re.sub(r"(?m)^camera:\n(?:[ #].*\n|\n)*", "", CONFIG.read_text()) + CAMERA)
    code, output = sh(f"driver-monitor config check {CONFIG}")
    row("config check accepts the changed configuration", code == 0, output)
    code, output = sh(f"systemctl reload {UNIT}")
    row("systemctl reload reads it", code == 0, output)
    row("a driver is watched", wait_for("driver: attentive; camera: ok"), shown("StatusText"))
    return camera


def sandbox() -> None:
    """The process has no rights but those of its user."""
    text = Path(f"/proc/{shown('MainPID')}/status").read_text()
    status = dict(line.split(":", 1) for line in text.splitlines())
    values = {name: status[name].split()[0] for name in ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")}
    row(
        "the sandbox is on",
        values["Uid"] != "0"
        and int(values["CapEff"], 16) == int(values["CapBnd"], 16) == 0
        and (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2"),
        str(values),
    )
    row("systemd-analyze security", True, sh(f"systemd-analyze security --no-pager {UNIT} | tail -1")[1])


def program() -> None:
    """The command, the manual page, the completion and the files."""
    code, output = sh("cd /tmp && touch yaml.py numpy.py && driver-monitor --version && rm yaml.py numpy.py")
    row("the command runs, whatever lies in the working folder", code == 0, output)
    code, output = sh("timeout 20 driver-monitor watch --help")
    row("a verb shows its help", code == 0, "" if code == 0 else output)
    code, output = sh("dpkg --verify driver-monitor")
    damaged = [line for line in output.splitlines() if not line.endswith(str(CONFIG))]
    row("each file is as the package has it", not damaged, "; ".join(damaged))
    code, output = sh("bash -n /usr/share/bash-completion/completions/driver-monitor")
    row("bash reads the completion", code == 0, output)


def upgrade() -> None:
    """The new package brings another config.yaml; that of the administrator stays."""
    process, configured = shown("MainPID"), CONFIG.read_text()
    old = installed_version()
    install("new")
    row("the upgrade changed the version", old != installed_version(), f"{old} -> {installed_version()}")
    row("the configuration is kept", CONFIG.read_text() == configured)
    row("the service was restarted", active() and shown("MainPID") != process, f"{process} -> {shown('MainPID')}")
    row("a driver is watched after the upgrade", wait_for("driver: attentive; camera: ok"), shown("StatusText"))


def installed_version() -> str:
    """Return the version of the package that is installed."""
    return sh("dpkg-query -W -f '${Version}' driver-monitor")[1]


def disabled() -> None:
    """What an administrator has disabled stays so over an installation."""
    sh(f"systemctl disable --now {UNIT}")
    ended = re.findall(r"status=(\d+)", shown("ExecStopPost"))
    row("the service stops well, and switches the pins off", (shown("Result"), ended) == ("success", ["0"]), str(ended))
    sh(f"{INSTALL} --reinstall {HERE}/new.deb")
    row("a disabled service stays disabled", not enabled() and not active(), shown("ActiveState"))
    sh(f"systemctl enable --now {UNIT}")


def remove() -> None:
    """Removal stops the service and keeps the configuration and the state."""
    process = shown("MainPID")
    code, output = sh("DEBIAN_FRONTEND=noninteractive apt-get remove -y driver-monitor")
    row("apt removes the package", code == 0, "" if code == 0 else output[-SHOWN:])
    row("the process has ended", process != "0" and not Path(f"/proc/{process}").exists(), process)
    row(
        "the program is gone",
        not Path("/usr/lib/driver-monitor").exists() and not Path("/usr/bin/driver-monitor").is_symlink(),
    )
    row("configuration and state are kept", CONFIG.read_text().endswith(CAMERA) and STATE.is_dir())


def purge(before: set[str], accounts: set[str]) -> None:
    """Purge leaves nothing."""
    (CONFIG.parent / "our_profile.yaml").write_text("extends: default\n")
    code, output = sh("DEBIAN_FRONTEND=noninteractive apt-get purge -y driver-monitor")
    row("apt purges the package", code == 0, "" if code == 0 else output[-SHOWN:])
    left = sorted(set(paths()) - before)
    row(f"0 files are left ({len(left)})", not left, " ".join(left))
    changed = sorted(account_lines() ^ accounts)
    row("users and groups are as before", not changed, " ".join(changed))
    row("nothing of it is in /run", not list(Path("/run").glob("driver-monitor*")))


def paths() -> Iterator[str]:
    """Yield each path of the system that a package could leave."""
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if str(Path(folder, name)) not in NOT_OURS]
        found = (str(Path(folder, name)) for name in (*folders, *files))
        yield from (path for path in found if not BACKUPS.fullmatch(path))


def account_lines() -> set[str]:
    """Return the lines of the users and groups."""
    return {f"{name}: {line}" for name in ("passwd", "group") for line in Path("/etc", name).read_text().splitlines()}


if __name__ == "__main__":
    main()
