"""The text files of a package: control, changelog, copyright, and the unit with the package's own paths. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime

from tools.package.target import Target

MAINTAINER = "driver-monitor maintainers <maintainers@driver-monitor.invalid>"
"""`.invalid`: no mail is read there. Faults go to the project's issues."""
HOME = "/usr/lib/driver-monitor"
"""The folder of the program. Not /opt/driver-monitor, where an installation with pip has its environment."""
PIP_HOME = "/opt/driver-monitor"
"""The folder that the unit of the repository names."""
DEPENDS = (
    "init-system-helpers (>= 1.54)",
    "libc6 (>= 2.28)",
    "libgcc-s1",
    "libstdc++6",
    "passwd",
    "systemd",
    "udev",
    "zlib1g",
)
"""Libraries that the wheels take from the system (objdump -p: NEEDED), and the programs of the scripts."""
DESCRIPTION = """\
Description: driver monitoring daemon for a car: drowsiness and distraction
 A camera watches the driver by day and in infrared. Closed eyes, drowsiness
 and distraction raise alerts on a buzzer, an LED and ZeroMQ.
 .
 It runs as a service without privileges, needs no network, and no picture
 leaves the process. It is advisory: the driver stays responsible.
"""


def control(target: Target, program: str, installed_kib: int) -> str:
    """Return the file `control`. `program`: the version of the program. `installed_kib`: size of the files, KiB."""
    python = f"python3 (>= {target.python}), python3 (<< {target.next_python})"
    return (
        "Package: driver-monitor\n"
        f"Version: {target.version(program)}\n"
        f"Architecture: {target.architecture}\n"
        f"Maintainer: {MAINTAINER}\n"
        f"Installed-Size: {installed_kib}\n"
        f"Depends: {', '.join((python, *DEPENDS))}\n"
        "Recommends: python3-lgpio\n"
        "Suggests: alsa-utils, can-utils, rpicam-apps | rpicam-apps-lite\n"
        "Section: misc\n"
        "Priority: optional\n"
        f"{DESCRIPTION}"
    )


def changelog(target: Target, program: str, date: datetime) -> str:
    """Return Debian's changelog. `date`: of the version, with its time zone."""
    return (
        f"driver-monitor ({target.version(program)}) stable; urgency=medium\n\n"
        f"  * Version {program} for Python {target.python}. What has changed: changelog.gz.\n\n"
        f" -- {MAINTAINER}  {format_datetime(date)}\n"
    )


def copyright_text(head: str, licences: Mapping[str, str]) -> str:
    """Return the file `copyright`. `licences`: what each library says about its licence, by its name."""
    notes = [f" {name}: {licence}" for name, licence in sorted(licences.items())]
    return head.replace(
        "\n\nFiles:", "\n .\n Licences of the libraries, in their own words:\n" + "\n".join(notes) + "\n\nFiles:", 1
    )


def unit(text: str) -> str:
    """Return the unit of the repository with the paths of the package."""
    return text.replace(PIP_HOME, HOME)


def md5sums(files: Iterable[tuple[str, bytes]]) -> str:
    """Return the file `md5sums`. `files`: paths from the root without the first /, and contents."""
    return "".join(f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {path}\n" for path, data in files)
