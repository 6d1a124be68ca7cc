"""Imports the packages in a process of its own: one that the processor cannot run ends the process that imports it."""

from __future__ import annotations

import json
import platform
import signal
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.program import PackageFacts

PACKAGES = ("numpy", "cv2", "av", "onnxruntime", "zmq", "pydantic", "gpiozero")
"""What the daemon imports, in the order in which a broken one breaks the next. `dlib` is imported for `hog` only."""
LIMIT_S = 60.0
"""Longest wait for all imports (ours). They take 1 s on a PC, and 20 s from a slow SD card for the first time."""
SCRIPT = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
for name in sys.argv[2:]:
    print(json.dumps({"try": name}), flush=True)
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        words = f"{type(error).__name__}: {error}".splitlines()
        print(json.dumps({"broken": name, "error": words[0] if words else ""}), flush=True)
        break
    print(json.dumps({"good": name, "version": str(getattr(module, "__version__", ""))}), flush=True)
"""
"""Its arguments: the folders that packages are searched in, as JSON, as here; then the names of the packages."""


def gather_packages(machine: Machine, packages: Sequence[str] = PACKAGES) -> PackageFacts:
    """Return what came of the imports."""
    shown = machine.printed(sys.executable, "-c", SCRIPT, json.dumps(sys.path), *packages, limit_s=LIMIT_S)
    versions: dict[str, str] = {}
    broken = error = killed_by = tried = None
    for line in shown.text.splitlines() if shown is not None else ():
        with suppress(ValueError, AttributeError):
            said = json.loads(line)
            tried = said.get("try", tried)
            broken, error = said.get("broken", broken), said.get("error", error)
            if "good" in said:
                versions[said["good"]] = said["version"]
    if shown is None:
        broken, error = packages[0], f"Python did not answer within {LIMIT_S:.0f} s"
    elif broken is None and shown.code:
        words = f"cannot be started: {shown.text}" if tried is None else f"ended with exit code {shown.code}"
        broken, error = tried or packages[0], f"Python {words}"
        killed_by = signal.Signals(-shown.code).name if shown.code < 0 else None
    bits, version = struct.calcsize("P") * 8, sys.version_info[:3]
    return PackageFacts(version, bits, platform.machine(), versions, broken, error, killed_by)
