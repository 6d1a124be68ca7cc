"""The table of patterns: what buzzer and LED do at each sign. `docs/install.md` shows it to people.

The kind decides how many pulses a burst has and how long they are; the level decides how soon the next burst comes. The
critical pulses of sleep and unresponsive are not grouped: they go on without a break. Two kinds differ at least by the
factor `APART`, in the number of pulses in a burst, in the length of a pulse or in the time from burst to burst, so that
a person can tell them apart by counting and by short or long.

Urgency. A sound is more urgent with faster pulses, shorter pauses between pulses and more pulses (`SOURCES`). Sleep has
the most pulses per second, then distraction, other, drowsiness and degraded. An unresponsive driver has not answered
the pattern of sleep or distraction: another one follows, which sounds nearly all the time. Nobody has measured how
urgent these patterns are to drivers: the numbers are ours.
"""

from __future__ import annotations

from typing import NamedTuple

from driver_monitor.data.alert import Kind, Level, Sign
from driver_monitor.gpio.pattern import OFF, STEADY, Pattern, bursts

APART = 2.0
"""Two kinds differ at least by this factor. Ours: a clock or a recording may be wrong by a fifth, and a person too."""


class SignPattern(NamedTuple):
    """What buzzer and LED do at one sign."""

    kind: Kind
    level: Level
    buzzer: Pattern
    led: Pattern


TABLE: tuple[SignPattern, ...] = (
    SignPattern("unresponsive", "critical", bursts(1, 0.8, 0.1, 0.9), bursts(1, 0.8, 0.2, 1.0)),
    SignPattern("sleep", "critical", bursts(1, 0.1, 0.1, 0.2), STEADY),
    SignPattern("unresponsive", "warning", bursts(3, 0.8, 0.1, 3.6), bursts(3, 0.8, 0.2, 4.0)),
    SignPattern("sleep", "warning", bursts(6, 0.1, 0.1, 1.6), bursts(1, 0.2, 0.2, 0.4)),
    SignPattern("distraction", "critical", bursts(2, 0.12, 0.12, 0.75), bursts(2, 0.2, 0.2, 1.0)),
    SignPattern("other", "critical", bursts(3, 0.3, 0.3, 2.5), bursts(3, 0.4, 0.3, 2.6)),
    SignPattern("drowsiness", "critical", bursts(1, 0.6, 0.6, 2.0), bursts(1, 0.6, 0.6, 2.2)),
    SignPattern("degraded", "critical", bursts(1, 0.1, 0.1, 2.5), bursts(1, 0.2, 0.2, 2.0)),
    SignPattern("distraction", "warning", bursts(2, 0.12, 0.12, 1.5), bursts(2, 0.2, 0.2, 1.6)),
    SignPattern("other", "warning", bursts(3, 0.3, 0.3, 4.0), bursts(3, 0.4, 0.3, 4.0)),
    SignPattern("drowsiness", "warning", bursts(1, 0.6, 0.6, 3.0), bursts(1, 0.6, 0.6, 3.0)),
    SignPattern("degraded", "warning", bursts(1, 0.1, 0.1, 4.0), bursts(1, 0.2, 0.2, 4.0)),
    SignPattern("unresponsive", "info", OFF, bursts(3, 0.8, 0.2, 6.0)),
    SignPattern("sleep", "info", OFF, bursts(5, 0.2, 0.2, 4.0)),
    SignPattern("distraction", "info", OFF, bursts(2, 0.2, 0.2, 3.2)),
    SignPattern("other", "info", OFF, bursts(3, 0.4, 0.3, 6.0)),
    SignPattern("drowsiness", "info", OFF, bursts(1, 0.6, 0.6, 6.0)),
    SignPattern("degraded", "info", OFF, bursts(1, 0.2, 0.2, 6.0)),
)
"""One row for each sign, in the order of `SIGNS`: the most urgent first.

Buzzer. EU 2023/2590 requires a visual plus an acoustic or haptic warning; `info` is silent (ours). Small active buzzers
rise slowly: no pulse and no pause is shorter than 0.1 s. Pulses wake a driver better than a steady tone (ours). The
single short pulse of `degraded` is known from smoke alarms with an empty battery. LED. It is lit at sleep/critical, so
that eyes that open for a moment see it. Pulses of 0.2 s follow each other at 2.5 Hz, the normal flash of IEC 60073 (1.4
to 2.8 Hz); no LED flashes more than three times a second (WCAG 2.3.1)."""


class Source(NamedTuple):
    """Where a property of the patterns comes from. `read`: how much of the source the authors have read."""

    claim: str
    source: str
    read: str


SOURCES: tuple[Source, ...] = (
    Source(
        "more, faster and longer pulses are more urgent",
        "Hellier and Edworthy, Canadian Acoustics 17(4), 1989",
        "abstract read",
    ),
    Source(
        "faster and more pulses are more urgent",
        "Edworthy, Loxley and Dennis, Human Factors 33(2), 1991",
        "as reported",
    ),
    Source(
        "shorter pauses between pulses are more urgent",
        "Haas and Casali, Ergonomics 38(11), 1995",
        "abstract read",
    ),
    Source(
        "sounds 125 ms or less apart are taken for urgent warnings (pitch and rise matter too)",
        "Singer, Lerner, Baldwin and Traube, ESV 15-0455, 2015",
        "abstract read",
    ),
    Source(
        "told apart by the length of pulses and the time between pulses or groups of them",
        "Directive 92/58/EEC, Annex VII",
        "read in SR 1996/119 (Northern Ireland), which adopts it",
    ),
    Source("the more urgent, the more pulses in a burst (medical alarms)", "IEC 60601-1-8", "as reported"),
    Source(
        "sleep and microsleep unlike distraction and more urgent",
        "Euro NCAP Driver Engagement v1.1, 1.4.2",
        "as reported",
    ),
    Source("the durations", "ours", "how urgent they are to drivers has not been measured"),
)
"""Where the patterns come from. "As reported": told by others."""

OF_SIGN: dict[Sign, SignPattern] = {Sign(row.kind, row.level): row for row in TABLE}
"""The row of each sign."""
