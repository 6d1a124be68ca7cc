"""The demo clip that `--source demo` replays, and its exact ground truth. `tools.demo.make` makes both.

Portrait: NASA, public domain. NASA does not endorse this project.

The clip is an animated portrait: 44 s, 640x480, 20 frames per second, first day, then infrared. The truth has the
format of clip labels: `events` with type, start and end (frame numbers from 0, both included). It adds events of type
`light` (`day` or `infrared`) and `expected_alerts`, each with its `rule`. `after_s`: least and most seconds from the
start of frame `from` until the alert is raised. `required` false: the alert may also be missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CLIP: Final = Path(__file__).parent / "demo.mp4"
TRUTH: Final = Path(__file__).parent / "demo.json"
