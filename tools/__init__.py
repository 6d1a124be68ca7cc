"""Programs that make, train and measure what the daemon uses. They run by hand and are no part of the wheel.

Each package holds the tools of one model or one job; run a tool as `python -m tools.eyes.train`. Tools may import
`driver_monitor`; nothing in `driver_monitor` imports a tool. tools/README.md lists the commands.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The top folder of the source tree."""
SHARED = ROOT.parent / "shared"
"""Where the data sets and the teacher models are expected. They are not part of the project."""
