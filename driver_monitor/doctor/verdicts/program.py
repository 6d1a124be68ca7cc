"""Judges the program itself: its packages, its configuration and its models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from driver_monitor.doctor.verdicts.finding import Finding, ok, trouble

OLDEST_PYTHON = (3, 10)
"""As in pyproject.toml."""
MODES = {"file": "644", "folder": "755"}
"""What the files of a lock should have: changed by nobody but root."""
WRITABLE_BY_OTHERS = 0o022


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What came of the imports. `versions`: of those that can be imported. `error`: one line; None: all can.

    `killed_by`: the name of the signal that ended the import of `broken`.
    """

    python: tuple[int, int, int]
    bits: int
    machine: str
    versions: dict[str, str] = field(default_factory=dict)
    broken: str | None = None
    error: str | None = None
    killed_by: str | None = None


def judge_packages(facts: PackageFacts) -> Iterator[Finding]:
    """Yield what is wrong with Python, the processor or a package, or one "ok"."""
    version = ".".join(map(str, facts.python))
    if facts.python[:2] < OLDEST_PYTHON:
        yield trouble("packages.python", version=version)
    elif facts.bits < 64:
        yield trouble("packages.bits", machine=facts.machine)
    elif facts.broken is not None and facts.killed_by is not None:
        words = {"package": facts.broken, "signal": facts.killed_by, "machine": facts.machine}
        yield trouble("packages.processor", **words)
    elif facts.broken is not None:
        yield trouble("packages.broken", package=facts.broken, reason=facts.error)
    else:
        names = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
        yield ok("packages", f"Python {version} on {facts.machine}; {names}", python=version, machine=facts.machine)


@dataclass(frozen=True, slots=True)
class OwnedPath:
    """A file or folder that a lock rests on. `owner`: name of its user; `mode`: its permission bits."""

    path: str
    owner: str
    mode: int
    kind: str = "file"


@dataclass(frozen=True, slots=True)
class ConfigurationFacts:
    """The configuration. `file`: its path, or words for the defaults. `faults`: lines of a `ConfigError`.

    `recording`: what `camera.source` names, if it is a recording, not a camera. `lock`: files that a lock rests on,
    empty without a lock. `other`: whether the running daemon uses another configuration. `not_in_use`: why the running
    daemon does not use its file, or None.
    """

    file: str
    profile: str = ""
    rules: int = 0
    faults: Sequence[str] = ()
    recording: str | None = None
    locked: bool = False
    lock: Sequence[OwnedPath] = ()
    other: bool = False
    not_in_use: str | None = None


def judge_configuration(facts: ConfigurationFacts) -> Iterator[Finding]:
    """Yield each fault of the configuration, or one "ok". Of a wrong file only its own faults are told."""
    if facts.faults:
        for line in facts.faults:
            fault, advice = split(line, "mend this line")
            yield trouble("configuration.wrong", fault=fault, advice=advice, file=facts.file)
        return
    found = list(_about_lock(facts))
    if facts.not_in_use is not None:
        found.append(trouble("configuration.not_in_use", fault=facts.not_in_use, file=facts.file))
    elif facts.other:
        found.append(trouble("configuration.other", file=facts.file))
    if facts.recording is not None:
        found.append(trouble("configuration.recording", source=facts.recording))
    locked = "; locked" if facts.locked else ""
    yield from found or [ok("configuration", f"{facts.file}: profile {facts.profile}, {facts.rules} rules{locked}")]


def _about_lock(facts: ConfigurationFacts) -> Iterator[Finding]:
    for path in facts.lock:
        if path.owner != "root" or path.mode & WRITABLE_BY_OTHERS:
            words = {"path": path.path, "owner": path.owner, "mode": f"{path.mode:o}", "wanted": MODES[path.kind]}
            yield trouble("configuration.lock_open", **words)


def judge_models(
    folder: str, names: Sequence[str], error: str | None, *, listed: bool = True, objects: bool = True
) -> Iterator[Finding]:
    """Yield the fault of the models in `folder`, or "ok". `error`: a line of `ModelError`. `listed`: has a manifest.

    `objects`: whether the objects net is there, or switched off.
    """
    if error is not None:
        fault, advice = split(error, "reinstall driver-monitor")
        yield trouble("models.wrong", fault=fault, advice=advice)
        return
    if not objects:
        yield trouble("models.no_objects", folder=folder)
        return
    hashes = "their hashes are those of the manifest" if listed else "this folder has no manifest to compare them with"
    yield ok("models", f"{len(names)} files in {folder}, {hashes}")


def split(line: str, remedy: str) -> tuple[str, str]:
    """Return what is wrong and what to do, from a message of this program: they stand before and after the first `; `.

    `remedy`: for a message without advice.
    """
    fault, _, advice = line.partition("; ")
    return fault, advice or remedy
