"""Which requirements of a folder of wheels are not met on the target.

pip evaluates the environment markers of requirements on the machine that it runs on: for Python 3.10 it leaves out what
only 3.10 needs when it runs on 3.11. So the requirements are followed here, with the target's own values.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def unmet(folder: Path, root: Requirement, environment: Mapping[str, str]) -> list[str]:
    """Return the requirements that no wheel in `folder` meets, in their own words. `root`: the program with its extras.

    `environment`: values of the markers on the target. A wheel of a wrong version counts as missing.
    """
    found = {canonicalize_name(each.metadata["Name"]): each for each in distributions(path=[str(folder)])}
    waiting, seen, missing = [root], set[tuple[str, str]](), set[str]()
    while waiting:
        wanted = waiting.pop()
        wheel = found.get(canonicalize_name(wanted.name))
        if wheel is None or not wanted.specifier.contains(wheel.version, prereleases=True):
            missing.add(str(wanted))
            continue
        for extra in ("", *sorted(wanted.extras)):
            if (wanted.name, extra) not in seen:
                seen.add((wanted.name, extra))
                waiting += needed(wheel, {**environment, "extra": extra})
    return sorted(missing)


def needed(wheel: Distribution, environment: Mapping[str, str]) -> list[Requirement]:
    """Return what a wheel requires where the markers have the values of `environment`, without these markers."""
    requirements = []
    for text in wheel.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            requirement.marker = None
            requirements.append(requirement)
    return requirements
