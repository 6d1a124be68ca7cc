"""The bundled clip that `--source demo` replays, and its exact ground truth; both made by `tools.demo.make`.

Portrait: NASA, public domain; NASA endorses nothing here.

The clip is 44 s of a portrait brought to life, 640x480 at 20 frames a second, by day and then by infrared. The truth
has the format of the clip labels (`events` of type, start and end, frame numbers from 0, both inside), events of type
`light` (`day` or `infrared`), and `expected_alerts`: `rule`, raised within `after_s` (seconds, both ends) of the start
of frame `from`, `required` or merely allowed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CLIP: Final = Path(__file__).parent / "demo.mp4"
TRUTH: Final = Path(__file__).parent / "demo.json"
