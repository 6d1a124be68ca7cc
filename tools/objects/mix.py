"""Put together the pictures of a batch: sides of other faces, drawn hands, masks and things, light of a car.

Few pictures show a telephone at the ear. A side of a face with hand and telephone is therefore laid over other faces,
in cars, at night, of all ages. Sides without telephone are laid over faces just as often, so that the seam says
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driver_monitor.perception.objects.net import FACES_WIDE
from tools.landmarks.cover_faces import filling, half, hand, mask_of_cloth, mouth_state, thing
from tools.objects.crops import SIDES
from tools.objects.faces import AT_MOUTH, HAND, MASK, MOUTH_HIDDEN, PHONE_LEFT, PHONE_RIGHT, UNKNOWN, Faces
from tools.objects.net import SIDE
from tools.objects.seams import CACHED, blend, cut_off, end_around, fitted, lower, printed, side
from tools.training.augment import BatchRandom, Views, map_points, photograph, resample

SEEN = FACES_WIDE / SIDES
"""Side of what the net sees, in crops."""
NEAR_YAW = 25.0
"""Two heads whose yaw differs by less, degrees, may lend each other a side."""
SIDES_MIXED, LOWER_MIXED, DRAWN = 0.35, 0.2, 0.2
"""Shares of a batch that get the side of another face, the lower half of another face, and a drawn cover."""
POOR = 0.6
"""Share of a batch that looks as a camera in a car sees it: infrared, dark, noisy, blurred."""
MOUTH_POINTS, EAR_POINTS = slice(48, 68), (0, 1, 2, 3, 13, 14, 15, 16)
_SWAP = torch.tensor([PHONE_RIGHT, PHONE_LEFT, HAND, AT_MOUTH, MASK, MOUTH_HIDDEN])
_NO_POINTS = torch.arange(70)


@dataclass(frozen=True)
class Batch:
    """`faces` (n, 1, 96, 96), 0 to 1; `targets` (n, 6)."""

    faces: Tensor
    targets: Tensor


class Mixer:
    """Makes batches of the faces `usable` (indices). The same seed gives the same batches.

    `framed`: share of a batch whose pictures end right around the face, as those of many data sets do: the border that
    is then repeated looks like a mask, or like a hand. `things`: a thing that is drawn over the mouth counts as an
    object there; without it, it teaches nothing. `prints`: share of the drawn masks with a pattern of strong contrast.
    """

    def __init__(self, faces: Faces, usable: NDArray[np.int64], seed: int) -> None:
        self.framed, self.things, self.prints = 0.0, False, 0.0
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._all = faces
        self._crops = torch.from_numpy(_smaller(faces.crops))[:, None]
        self._targets = torch.from_numpy(faces.targets)
        self._points = torch.from_numpy(np.nan_to_num(faces.points, nan=-1.0))
        self._has_points = np.isfinite(faces.points[:, 0, 0])
        self._pools = pools(faces, usable)
        phones = (faces.targets[usable, PHONE_LEFT] == 1) ^ (faces.targets[usable, PHONE_RIGHT] == 1)
        known = np.isfinite(faces.yaw[usable])
        free = (faces.targets[usable][:, :2] == 0).all(1)
        self._donors = {True: usable[phones & known], False: usable[free & known]}
        of = faces.targets[usable]
        at_mouth = (of[:, [AT_MOUTH, MASK]] == 1).any(1)
        clear = (of[:, [AT_MOUTH, MASK, MOUTH_HIDDEN]] == 0).all(1)
        self._lower = {True: usable[at_mouth & known], False: usable[clear & known]}

    def batch(self, size: int) -> Batch:
        """Return a batch of `size` faces."""
        index = self._choose(size)
        crops, targets = self._crops[index].float().div_(255), self._targets[index].clone()
        kind = self._rng.random(size)
        for i in np.flatnonzero(kind < SIDES_MIXED):
            self._mix_side(crops[i, 0], targets[i], int(index[i]))
        for i in np.flatnonzero((kind >= SIDES_MIXED) & (kind < SIDES_MIXED + LOWER_MIXED)):
            self._mix_lower(crops[i, 0], targets[i], int(index[i]))
        views = self._views(size)
        faces = resample(crops, views, SIDE)
        points = map_points(self._points[index], views, _NO_POINTS)
        targets = torch.where(views.mirror[:, None], targets[:, _SWAP], targets)
        pictures = faces[:, 0].numpy()
        for i in np.flatnonzero((self._rng.random(size) < DRAWN) & self._has_points[index]):
            self._draw(pictures, int(i), points[i].numpy() * SIDE - 0.5, targets[i])
        for i in np.flatnonzero(self._rng.random(size) < 0.15):
            cut_off(pictures[i], self._rng)
        if self.framed:
            chosen = (self._rng.random(size) < self.framed) & self._has_points[index]
            chosen &= (targets[:, :2] == 0).all(1).numpy()
            for i in np.flatnonzero(chosen):
                end_around(pictures[i], points[i].numpy() * SIDE - 0.5, self._rng)
                targets[i, HAND] = 0.0 if targets[i, HAND] == 0 else UNKNOWN
        shot = torch.from_numpy(pictures)[:, None]
        poor = torch.rand(size, generator=self._generator) < POOR
        shot[poor] = photograph(shot[poor], None, self._generator)
        return Batch(shot, targets)

    def _choose(self, size: int) -> NDArray[np.int64]:
        shares = [share for share, _ in self._pools]
        which = self._rng.choice(len(shares), size, p=np.array(shares) / sum(shares))
        return np.array([self._rng.choice(self._pools[k][1]) for k in which])

    def _views(self, size: int) -> Views:
        random = BatchRandom(self._generator, size)
        side = SEEN * torch.exp(random.uniform(-0.16, 0.16, 1))
        centre = 0.5 + 0.035 * random.normal(2).clamp(-2, 2)
        stretch = torch.exp(random.uniform(-0.06, 0.06, 1))
        sides = torch.cat([side * stretch, side / stretch], 1)
        return Views(centre, sides, 0.17 * random.normal().clamp(-2, 2), random.chance(0.5))

    def _mix_side(self, crop: Tensor, targets: Tensor, index: int) -> None:
        """Lay the side of another face over `crop` (160, 160), and set its targets."""
        rng = self._rng
        with_phone = bool(rng.random() < 0.6)
        donors = self._donors[with_phone]
        if not len(donors) or not np.isfinite(self._all.yaw[index]) or (targets[:2] == UNKNOWN).any():
            return
        donor = int(rng.choice(donors))
        other, theirs = self._crops[donor, 0].float().div(255), self._targets[donor]
        yaw = float(self._all.yaw[donor])
        if abs(yaw + self._all.yaw[index]) < abs(yaw - self._all.yaw[index]):
            other, theirs, yaw = other.flip(1), theirs[_SWAP], -yaw
        if abs(yaw - float(self._all.yaw[index])) > NEAR_YAW:
            return
        ear = PHONE_LEFT if theirs[PHONE_LEFT] == 1 or (not with_phone and rng.random() < 0.5) else PHONE_RIGHT
        over = side(ear == PHONE_RIGHT, rng)
        blend(crop, other, over)
        targets[ear] = theirs[ear]
        # A hand can be on either side of either face.
        pair = (float(targets[HAND]), float(theirs[HAND]))
        targets[HAND] = 1.0 if with_phone and theirs[HAND] == 1 else 0.0 if pair == (0.0, 0.0) else UNKNOWN

    def _mix_lower(self, crop: Tensor, targets: Tensor, index: int) -> None:
        """Lay the lower half of another face over `crop` (160, 160), and set its targets."""
        rng = self._rng
        donors = self._lower[bool(rng.random() < 0.6)]
        if not len(donors) or not np.isfinite(self._all.yaw[index]) or not self._has_points[index]:
            return
        donor = int(rng.choice(donors))
        if not self._has_points[donor] or abs(float(self._all.yaw[donor] - self._all.yaw[index])) > NEAR_YAW:
            return
        theirs = self._targets[donor]
        other = fitted(self._crops[donor, 0].numpy(), self._points[donor].numpy(), self._points[index].numpy())
        blend(crop, other, lower(self._points[index].numpy(), rng))
        for k in (AT_MOUTH, MASK, MOUTH_HIDDEN):
            targets[k] = theirs[k]
        for k in (PHONE_LEFT, PHONE_RIGHT, HAND):
            targets[k] = 0.0 if targets[k] == 0 and theirs[k] == 0 else UNKNOWN

    def _draw(self, pictures: NDArray[np.float32], i: int, spots: NDArray[np.float32], targets: Tensor) -> None:
        """Draw a hand, a mask, a thing or a bar over a face, and set its targets."""
        rng = self._rng
        draw = (hand, mask_of_cloth, thing, half)[rng.choice(4, p=(0.4, 0.25, 0.25, 0.1))]
        drawn = draw(spots, SIDE, rng)
        over = cv2.blur(drawn, (3, 3)) if rng.random() < 0.5 else drawn
        share = (over / np.float32(255)).astype(np.float32)
        surface = filling(pictures, i, spots, rng, draw is hand)
        if draw is mask_of_cloth and rng.random() < self.prints:
            surface = printed(surface, rng)
        pictures[i] = pictures[i] * (1 - share) + surface * share
        mouth, face = _covered(drawn, spots[MOUTH_POINTS]), _covered(drawn, spots[:68])
        state = mouth_state(drawn, spots)
        targets[MOUTH_HIDDEN] = 1.0 if state == 1.0 else max(float(targets[MOUTH_HIDDEN]), state)
        if _covered(drawn, spots[list(EAR_POINTS)]) > 0 and draw is not mask_of_cloth:
            targets[:2] = torch.where(targets[:2] == 1, UNKNOWN, UNKNOWN if draw is thing else targets[:2])
        if draw is mask_of_cloth:
            targets[MASK] = 1.0
        elif mouth > 0.3 and targets[MASK] == 1:
            targets[MASK] = UNKNOWN
        if draw is hand:
            targets[HAND] = 1.0 if face > 0.04 else UNKNOWN
        elif face > 0:
            targets[HAND] = 0.0 if targets[HAND] == 0 else UNKNOWN
        if draw is not mask_of_cloth:
            targets[AT_MOUTH] = UNKNOWN if mouth > 0 else targets[AT_MOUTH]
            if self.things and draw is thing and mouth > 0.3:
                targets[AT_MOUTH] = 1.0


def pools(faces: Faces, usable: NDArray[np.int64]) -> list[tuple[float, NDArray[np.int64]]]:
    """Return the share of a batch, and the faces, of each pool. A face may be in several."""
    of, source = faces.targets[usable], faces.source[usable]
    phone = (of[:, [PHONE_LEFT, PHONE_RIGHT]] == 1).any(1)
    other_thing = (of[:, [AT_MOUTH, HAND, MOUTH_HIDDEN]] == 1).any(1) & ~phone
    shares = (
        (0.25, phone),
        (0.12, other_thing),
        (0.11, of[:, MASK] == 1),
        (0.2, np.isin(source, ["actions_web", "belt_phone_stock"])),
        (0.06, source == "masks_web"),
        (0.13, source == "incar_stills"),
        (0.03, source == "nir"),
        (0.12, source == "portraits"),
    )
    return [(share, usable[chosen]) for share, chosen in shares if chosen.any()]


def _covered(drawn: NDArray[np.uint8], spots: NDArray[np.float32]) -> float:
    """Return the share of points under what was drawn."""
    at = np.clip(np.round(spots).astype(int), 0, SIDE - 1)
    return float((drawn[at[:, 1], at[:, 0]] > 127).mean())


def _smaller(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([cv2.resize(crop, (CACHED, CACHED), interpolation=cv2.INTER_AREA) for crop in crops])
