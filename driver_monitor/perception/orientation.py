"""Finds out that the picture is turned: a camera that hangs upside down or sideways, with `camera.rotate` forgotten.

The nets find faces in turned pictures too, and read them wrongly: shut eyes look like sunglasses, a straight look like
one away. So the picture is looked at in all four orientations until it is clear in which one the faces are. A look
takes the picture of one frame, and its orientations one by one in the frames after it: alerts must not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol

import numpy as np

from driver_monitor.imaging.frame import Image, rotate
from driver_monitor.perception.eyes.eye_net import HIDDEN, EyeNet
from driver_monitor.perception.eyes.patch import eye_crops
from driver_monitor.perception.face.detectors.hog import FaceDetector
from driver_monitor.perception.face.landmarks import LandmarkNet, Landmarks, crop_of_box, face_crop
from driver_monitor.timing.periodic import ROUNDING_S, PeriodicTimer

Turn = Literal[0, 90, 180, 270]
"""Degrees by which the picture must be turned clockwise to be upright."""
TURNS: tuple[Turn, ...] = (0, 90, 180, 270)
SIDEWAYS: tuple[Turn, ...] = (90, 270)

VOTES = 4
"""So many votes in a row decide that the picture is upright or upside down: 2 s. A long look away takes longer (3 s,
Euro NCAP, as reported)."""
SIDEWAYS_VOTES = 10
"""So many votes in a row decide that it hangs sideways: 5 s. A head may lie on its side for a moment."""
SETTLED_VOTES = 30
"""So many votes in a row decide that a picture that was upright hangs upside down now: 5 minutes. Until then the alert
`no_face` is active. A face upside down may also be on a poster, while the driver's head has sunk."""
AGAIN_VOTES = 2
"""So many votes in a row decide that a picture is upright after all that counted as sideways. It was perhaps never
turned: a driver who slept with the head on the shoulder at the start sits up, and must be judged at once. In 52 clips
of people, each hung sideways in both ways, none of 2,386 looks was such a vote."""
VOTE_AGE_S = 60.0
"""A vote that is older than this when the next one comes counts no more (ours)."""
CHECK_S = 0.5
"""Seconds between two looks until the orientation is decided, or while it is turned. A look takes about four searches
for a face."""
LOOK_S = 0.2
"""Seconds after which a look ends with all orientations that are left, in one frame. From 20 frames a second on, each
frame looks at one orientation; fewer frames have the time for more. The first one has to wait for the frame after the
picture's: all that is done once or twice a second is done in the frame of the picture (ours)."""
AGAIN_CHECK_S = 0.1
"""Seconds until the next look after a vote that a picture is upright which counts as sideways."""
NO_FACE_CHECK_S = 2.0
"""Seconds until the next look if no face was seen in any orientation. While the picture counts as turned, looks stay
frequent: nothing else is searched then."""
SETTLED_CHECK_S = 10.0
"""Seconds between two looks at a picture that is upright. A camera can come loose."""
TRIED_S = 30.0
"""Seconds with looks every `CHECK_S`. Without a decision, as with a face that is always hidden, looks become rarer."""
QUALITY = 0.95
"""A vote for a turned picture needs a face of this quality (`BestFace`). The reason for this and `MARGIN`: on 53 clips
of people, each hung in all four ways, no decision is wrong. With a lower limit, drivers whose head hangs low get votes
for 180 degrees. A vote for an upright picture needs the margin only: dark glasses have a low quality."""
MARGIN = 4.0
"""A vote needs a face whose log-odds are higher than those of the best face in any other orientation by this."""
MOST_BOXES = 3


Score = tuple[float, Callable[[], float]]
"""The log-odds that a picture has a face, -inf: none. And the quality of the best face, 0 to 1, measured on a call."""


class FaceScorer(Protocol):
    """Judges the best face of a picture."""

    def __call__(self, grey: Image) -> Score:
        """Return the score of the best face in `grey` (H, W)."""


class BestFace:
    """Scores the best face in a picture with the nets that read faces. Quality: a face whose eyes are not hidden."""

    def __init__(self, detector: FaceDetector, landmarks: LandmarkNet, eyes: EyeNet) -> None:
        self._detector, self._landmarks, self._eyes = detector, landmarks, eyes

    def __call__(self, grey: Image) -> Score:
        """See `FaceScorer`. The eye net runs only if the quality is asked for: of an upright picture it never is."""
        best: tuple[float, Landmarks | None] = (-math.inf, None)
        for box in self._detector.find(grey)[:MOST_BOXES]:
            face = self._landmarks.read(grey, crop_of_box(box, self._detector.kind))
            if face.score > 0.5:
                face = self._landmarks.read(grey, face_crop(face.points))
            score = min(max(face.score, 1e-6), 1 - 1e-6)
            log_odds = math.log(score / (1 - score))
            if np.isfinite(face.points).all() and log_odds > best[0]:
                best = (log_odds, face)
        return best[0], partial(self._quality, grey, best[1])

    def _quality(self, grey: Image, face: Landmarks | None) -> float:
        if face is None:
            return 0.0
        patches, _, bands = eye_crops(grey, face.points)
        hidden = float(self._eyes.read(patches, bands).p[:, HIDDEN].mean())
        return face.score * (1 - hidden)


@dataclass(slots=True)
class _Look:
    """A look at `picture` (H, W) of time `t`, seconds: the orientations `left` to look at, and the scores so far."""

    picture: Image
    t: float
    left: list[Turn]
    scores: dict[Turn, Score] = field(default_factory=dict)


class OrientationFinder:
    """Decides by votes how the picture is turned. Before the decision, it counts as upright.

    Once it was decided that the picture is upright, it can only be found upside down: a driver whose head has sunk to
    the side is not a camera that was turned. A turned picture can become upright again, one that counted as sideways
    within a second: a head that lies on its side at the start looks like a camera that hangs sideways.
    """

    def __init__(self, score: FaceScorer) -> None:
        self._score = score
        self._timer = PeriodicTimer(CHECK_S)
        self._look: _Look | None = None
        self._vote: Turn | None = None
        self._votes, self._voted_t = 0, 0.0
        self._decided: Turn | None = None
        self._looks = 0

    @property
    def turn(self) -> Turn:
        """Degrees by which the picture must be turned clockwise to be upright. 0 also before the decision."""
        return self._decided or 0

    def update(self, grey: Image, t: float) -> Turn:
        """Go on with a look, or begin one if it is due: at the picture (H, W) of time `t`, seconds. Return `turn`.

        `grey` must not be changed afterwards.
        """
        look = self._look
        if look is not None and t < look.t:
            look = self._look = None  # another source has begun: its time has nothing to do with this picture
        if look is None:
            if self._timer.due(t):
                self._look = _Look(grey, t, [0, 180] if self._decided == 0 else list(TURNS))
            return self.turn
        at_once = t - look.t >= LOOK_S - ROUNDING_S
        for turn in look.left if at_once else look.left[:1]:
            look.scores[turn] = self._score(np.ascontiguousarray(rotate(look.picture, turn)))
        look.left = [turn for turn in look.left if turn not in look.scores]
        if not look.left:
            self._conclude(look)
        return self.turn

    def _conclude(self, look: _Look) -> None:
        """End `look`: count its vote, and plan the next look."""
        self._look = None
        vote, best = _result(look.scores)
        if vote is not None:
            self._count(vote, look.t)
        elif best == self.turn:
            # A face that is right as the picture is now contradicts votes for another turn.
            self._votes = 0
        self._looks += 1
        self._timer.period_s = self._pause_s(vote, seen=best is not None)

    def _pause_s(self, vote: Turn | None, *, seen: bool) -> float:
        """Return the seconds until the next look. `vote`: of this look. `seen`: whether it saw a face."""
        if self.turn:
            return AGAIN_CHECK_S if vote == 0 and self.turn in SIDEWAYS else CHECK_S
        tired = self._decided is None and self._looks > TRIED_S / CHECK_S
        pause_s = SETTLED_CHECK_S if self._decided == 0 or tired else CHECK_S
        return pause_s if seen else max(pause_s, NO_FACE_CHECK_S)

    def _count(self, vote: Turn, t: float) -> None:
        follows = vote == self._vote and t - self._voted_t <= VOTE_AGE_S
        self._votes = self._votes + 1 if follows else 1
        self._vote, self._voted_t = vote, t
        if self._votes >= self._needed(vote):
            self._decided = vote

    def _needed(self, vote: Turn) -> int:
        """Return how many equal votes in a row decide."""
        if self._decided == 0 and vote != 0:
            return SETTLED_VOTES
        if self._decided in SIDEWAYS and vote == 0:
            return AGAIN_VOTES
        return SIDEWAYS_VOTES if vote in SIDEWAYS else VOTES


def _result(scores: Mapping[Turn, Score]) -> tuple[Turn | None, Turn | None]:
    """Return the vote of one picture, and the turn with the best face. None: undecided, or no face at all."""
    best = max(scores, key=lambda turn: scores[turn][0])
    others = max(log_odds for turn, (log_odds, _) in scores.items() if turn != best)
    log_odds, quality = scores[best]
    clear = log_odds - others >= MARGIN and (best == 0 or quality() >= QUALITY)
    return (best if clear and log_odds > 0 else None), (best if log_odds > 0 else None)
