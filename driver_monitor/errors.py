"""Errors that reach a user. The message says where, what, and what to do, in one line (`ConfigError`: one per fault).

Scripts may rely on the exit codes: 0 done, 1 a failure or a failed `spot-check`, 2 wrong use or configuration. A signal
ends the program with 128 + its number, and the daemon (`run`) with 0.
"""

from __future__ import annotations


class DriverMonitorError(Exception):
    """A fault at run time that a user can act on."""

    exit_code = 1


class SourceError(DriverMonitorError):
    """A camera, clip or URL cannot be opened or gives no frames."""


class AbsentError(SourceError):
    """A camera is not there, or this user may not open it yet. It may come later: a running daemon waits for it."""


class ModelError(DriverMonitorError):
    """A model file is missing, damaged, or not the expected model."""


class LabelError(DriverMonitorError):
    """Labels, labelled arrays or records are missing or damaged, or belong to another clip or net."""


class RunError(DriverMonitorError):
    """The folder of a run is missing, incomplete or damaged, or the runs do not fit each other."""


class ClusterError(DriverMonitorError):
    """A cluster cannot be reached, is lost, or has no worker that can be used."""


class OutputError(DriverMonitorError):
    """An output cannot be set up: its port, pin, file or folder is in use, missing or not writable."""


class KeysError(OutputError):
    """The folder of ZeroMQ keys, or a file in it, is missing, damaged, or open to others."""


class BusyPinError(OutputError):
    """Another program has a pin, most likely a running daemon."""


class UsageError(DriverMonitorError):
    """A command has options or arguments that cannot work."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration or a profile is missing or wrong. Each fault names file, reason and, if known, line and key."""
