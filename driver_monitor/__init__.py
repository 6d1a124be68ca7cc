"""An open in-cabin driver monitoring daemon.

One direction, no way back: a camera fills a slot (`capture`), frames become observations (`face`, `eyes`,
`emotion`), observations over time become driver state (`state`), driver state over time becomes alerts
(`rules`), and alerts go out (`outputs`).
"""

__version__ = "0.1.0"
