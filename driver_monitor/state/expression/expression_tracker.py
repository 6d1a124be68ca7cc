"""Turns single looks at the face into an expression over time, or "uncertain". Pure: time comes with the data.

An expression is what the face shows, not what the person feels. Distress is the only part that a supplied rule uses.
It is still an inference of emotion in the sense of the EU AI Act.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from driver_monitor.data.driver_state import ExpressionState
from driver_monitor.data.observation import EXPRESSIONS, Expression, Light
from driver_monitor.state.expression.flashes import Flashes
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

SMOOTHING_S = 1.5
"""Time constant. Expressions last 0.5 to 4 s (Ekman 2003); speech shapes the mouth for tenths of a second."""
EVIDENCE_S = 0.5
"""No answer before the looks cover this time. A single look covers none."""
STALE_S = 2.0
"""Without a look for longer than this, nothing is known."""
ANSWER_FROM = 0.75
"""Least smoothed probability of an answer, chosen on faces that were held back from the training. Of single FER+
validation faces 78 % are then answered, and 95 % of those are right, 92 % with a covered mouth (models/emotion.md)."""
NOT_NEUTRAL_FROM = 0.15
"""Least sum of the negative classes that turns the answer "neutral" into "uncertain". Chosen on held-back faces: of
those labelled negative 5 % are still called neutral, without it 8 %; of the neutral ones 71 % are answered, without it
76 %. Below 0.15 each further negative face that is no longer called neutral costs ten other answers."""
NEGATIVE_FROM = 0.75
"""Least sum of the negative classes for the answer "negative", if no single class reaches `ANSWER_FROM`."""
DISTRESS_FROM, DISTRESS_UNTIL = 0.5, 0.35
"""Distress begins when smoothed p(anger) + p(fear) reaches the first, and ends when it falls below the second."""

LIKELY_FROM = 0.5
"""Least probability with which a flash goes on that began clearly: it is more probable than all others together."""

NEGATIVE = ("sadness", "anger", "disgust", "fear", "contempt")
_DISTRESS = ("anger", "fear")
_READABLE: tuple[Light, ...] = ("day", "glare")
"""Light in which all classes may be answered. In near-infrared every model that was measured falls to about 0.35 over
seven classes, and only neutral and happiness hold. In the dark even less is visible."""


class ExpressionTracker:
    """Smooths looks (results of the expression net) by time, not by count: 2 and 10 a second give about the same label.

    Looks may come at uneven times.

    `evidence_s`: until the looks cover so many seconds, the label is "uncertain". 0 only for a still, with one look.
    """

    def __init__(self, evidence_s: float = EVIDENCE_S) -> None:
        self._evidence_s = evidence_s
        self._forget()

    def update(
        self, step: TimeStep, light: Light, expression: Expression | None, valid: bool
    ) -> ExpressionState | None:
        """Take one frame and return what the face has been showing.

        `expression`: the look of this frame, None if the net did not run. `valid`: whether the expression can be seen;
        if not, the look is not used and the result is None. The result is None also before the first look and after
        `STALE_S` without one. In infrared or dark `light`, intensity, distress and flash are None.
        """
        t = step.t
        if self._look is not None and t - self._look[0] > STALE_S:
            self._forget()
        if valid and expression is not None and all(map(math.isfinite, expression.p.values())):
            self._add(t, expression)
        if not valid or self._look is None:
            self._time_distress(step, None)
            return None
        p = self._p
        decided = self._seen_s >= self._evidence_s
        readable = light in _READABLE
        label = self._label(light) if decided else "uncertain"
        held_s = self._held_s(t, label)
        intensity = 1 - p["neutral"] if decided and readable else None
        self._time_distress(step, p if decided and readable else None)
        flash = self._flashes.recent(t) if readable else None
        return ExpressionState(label, p, self._distress.value_s, intensity, held_s, flash)

    def _forget(self) -> None:
        self._smoothed = dict.fromkeys(EXPRESSIONS, 0.0)
        self._weight = self._seen_s = 0.0
        self._look: tuple[float, Expression] | None = None
        self._p: dict[str, float] = {}
        """The smoothed probabilities. They change only with a look, as few frames have one."""
        self._labelled: tuple[Light, str] | None = None
        """The label of `_p` in this light, None until it is asked for."""
        self._onset: tuple[str, float] | None = None
        self._distress = Stretch(bridge_s=STALE_S)
        self._distressed = False
        self._flashes = Flashes()

    def _add(self, t: float, expression: Expression) -> None:
        """Weigh the time between two looks with their mean. A single look has no weight."""
        if self._look is not None:
            before, last = self._look
            if t <= before:
                return
            kept = math.exp(-(t - before) / SMOOTHING_S)
            for name in EXPRESSIONS:
                between = (last.p[name] + expression.p[name]) / 2
                self._smoothed[name] = kept * self._smoothed[name] + (1 - kept) * between
            self._weight = kept * self._weight + (1 - kept)
            self._seen_s += t - before
        self._look = (t, expression)
        self._p, self._labelled = self._probabilities(expression), None
        self._flashes.look(t, _shown(expression.p, ANSWER_FROM), _shown(expression.p, LIKELY_FROM))

    def _probabilities(self, last: Expression) -> dict[str, float]:
        if self._weight == 0.0:
            return {name: last.p[name] for name in EXPRESSIONS}
        return {name: self._smoothed[name] / self._weight for name in EXPRESSIONS}

    def _label(self, light: Light) -> str:
        if self._labelled is None or self._labelled[0] != light:
            self._labelled = light, label_of(self._p, light)
        return self._labelled[1]

    def _held_s(self, t: float, label: str) -> float | None:
        if label == "uncertain":
            self._onset = None
            return None
        if self._onset is None or self._onset[0] != label:
            self._onset = (label, t)
        return t - self._onset[1]

    def _time_distress(self, step: TimeStep, p: Mapping[str, float] | None) -> None:
        """Take the smoothed `p`, None while unknown."""
        if p is not None:
            level = sum(p[name] for name in _DISTRESS)
            self._distressed = level >= (DISTRESS_UNTIL if self._distressed else DISTRESS_FROM)
        distressed = None if p is None else self._distressed
        if distressed not in self._distress.ignores:
            self._distress.update(step, distressed)


def _shown(p: Mapping[str, float], least: float) -> str | None:
    """Return the most probable class if it reaches `least`, None if it does not or is neutral."""
    best = max(p, key=lambda name: p[name])
    return best if best != "neutral" and p[best] >= least else None


def label_of(p: Mapping[str, float], light: Light) -> str:
    """Return a class, "negative" or "uncertain" for `p`. In infrared or dark: "positive", "neutral" or "uncertain"."""
    negative = sum(p[name] for name in NEGATIVE)
    if p["neutral"] >= ANSWER_FROM:
        return "neutral" if negative < NOT_NEUTRAL_FROM else "uncertain"
    if light not in _READABLE:
        return "positive" if p["happiness"] >= ANSWER_FROM else "uncertain"
    best = max(p, key=lambda name: p[name])
    if p[best] >= ANSWER_FROM:
        return best
    return "negative" if negative >= NEGATIVE_FROM else "uncertain"
