"""An open in-cabin driver monitoring daemon.

One direction, no way back: a camera fills a slot (`capture`), frames become observations (`face`, `eyes`,
`emotion`), observations over time become driver state (`state`), driver state over time becomes alerts
(`rules`), and alerts go out (`outputs`).
"""

import os

# onnxruntime's wheels report to their maker and keep a device id in the user's cache folder. Nothing of a driver's
# computer may leave it unasked; this must be set before onnxruntime is imported anywhere.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
