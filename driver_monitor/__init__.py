"""An open in-cabin driver monitoring daemon.

Data goes one way. `capture` gives frames, and `perception` makes observations of frames. `state` makes driver state of
observations over time, and `rules` makes alerts of driver state. `outputs` sends alerts, state and status. `app` builds
and runs all of these. docs/architecture.md shows the way of a frame.
"""

import os

# onnxruntime's wheels report to their maker and keep a device id in the user's cache folder. Nothing of a driver's
# computer may leave it unasked; this must be set before onnxruntime is imported anywhere.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# pydantic looks through all installed packages for plugins, which may change what a check accepts: 14 ms of each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

__version__ = "0.1.0"
PROGRAM = "driver-monitor"
"""The name of the program: of its command, and of its folder for data."""
