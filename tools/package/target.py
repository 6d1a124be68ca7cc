"""What a package is built for: a Python and a processor. Names, versions and pip's words for both. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

PYTHONS = ("3.10", "3.11", "3.13")
"""The Pythons of the systems that the packages are for: Ubuntu 22.04 and JetPack 6, Debian 12, Debian 13."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""The processors, as Debian names them and as Python does."""
GLIBC = (28, 27, 26, 17)
"""Minor versions of glibc 2 that wheels may ask for. Each target has 2.31 or newer."""
REVISION = "1"
"""Counts packages of one version of the program. Raise it when only the packaging changed."""


@dataclass(frozen=True, slots=True)
class Target:
    """One package. `python`: such as 3.11. `architecture`: a key of `MACHINES`."""

    python: str
    architecture: str

    @property
    def machine(self) -> str:
        """Return the processor as Python names it."""
        return MACHINES[self.architecture]

    @property
    def next_python(self) -> str:
        """Return the first Python that the package is too old for."""
        major, minor = self.python.split(".")
        return f"{major}.{int(minor) + 1}"

    def pip_options(self) -> list[str]:
        """Return the options with which pip on any machine takes the wheels of this target, and never compiles."""
        options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", self.python]
        platforms = [f"manylinux_2_{minor}_{self.machine}" for minor in GLIBC] + [f"manylinux2014_{self.machine}"]
        return options + [word for platform in platforms for word in ("--platform", platform)]

    def marker_environment(self) -> dict[str, str]:
        """Return the values of the environment markers (PEP 508) on the target.

        pip evaluates markers on the machine that it runs on, whatever `--python-version` says.
        """
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    def version(self, program: str) -> str:
        """Return the version of the package. `program`: that of the program, as PEP 440 has it.

        A system that moves to a newer Python takes the package of that Python as the newer one.
        """
        return f"{debian_version(program)}-{REVISION}+py{self.python}"

    def file_name(self, program: str) -> str:
        """Return the name of the package file. `program`: the version of the program."""
        return f"driver-monitor_{self.version(program)}_{self.architecture}.deb"


def debian_version(version: str) -> str:
    """Return a version of PEP 440 in Debian's order, in which `~` comes before the end: 1.0rc1 is 1.0~rc1."""
    public, _, local = version.partition("+")
    ordered = re.sub(r"\.?(dev|a|b|rc)(\d+)", r"~\1\2", public)
    return f"{ordered}+{local}" if local else ordered


def targets(pythons: list[str] | None, architectures: list[str] | None) -> list[Target]:
    """Return the targets for these Pythons and processors; None: all of them."""
    return [Target(python, each) for python in pythons or PYTHONS for each in architectures or MACHINES]
