"""Errors that reach a user: one line that says what, where and what to do, and the exit code that goes with it.

Exit codes are a promise (0 done, 1 a fault at run time, 2 wrong use or wrong config).
"""

from __future__ import annotations


class DriverMonitorError(Exception):
    """A fault at run time that a user can act on. The message is one line: where, what, what to do."""

    exit_code = 1


class SourceError(DriverMonitorError):
    """A camera, clip or URL cannot be opened or gives no frames."""


class ModelError(DriverMonitorError):
    """A model file is missing, damaged, or not the model it should be."""


class LabelError(DriverMonitorError):
    """Labels or labelled arrays are missing, damaged, or not of what they are to be compared with."""


class OutputError(DriverMonitorError):
    """An output cannot be set up: a port in use, a pin that is taken, a folder that cannot be written."""


class UsageError(DriverMonitorError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration or a profile is wrong; the message names file, line, key and reason."""
