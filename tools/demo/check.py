"""Measure the demo clip with models of other people and compare it with its labels: lids, mouth, turn, face found.

python -m tools.demo.check [--shared ../shared] [--sheet docs/demo.png]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from tools import ROOT, SHARED
from tools.demo.portrait import FIRST_FACE_BOX, Image, Mesh, box_of

RIGHT, LEFT = (33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380)
FPS = 20
SHEET = (
    (20, "attentive"),
    (52, "a blink"),
    (220, "asleep, 3.8 s"),
    (400, "yawn"),
    (470, "infrared"),
    (515, "mirror, 1 s"),
    (640, "look away, 4.5 s"),
    (759, "a blink, infrared"),
)


def eye_aspect(points: Image) -> float:
    """Return the mean eye aspect ratio of both eyes, in two dimensions."""
    ratios = []
    for corners in (RIGHT, LEFT):
        a = points[list(corners), :2]
        height = np.linalg.norm(a[1] - a[5]) + np.linalg.norm(a[2] - a[4])
        ratios.append(float(height / 2 / np.linalg.norm(a[0] - a[3])))
    return sum(ratios) / 2


def mesh_yaw(points: Image) -> float:
    """Return the yaw in degrees from the depth of the mesh; + is to the right of the picture."""
    normal = np.cross(points[454] - points[234], points[152] - points[10])
    return float(np.degrees(np.arctan2(-normal[0], normal[2])))


def mouth_opening(points: Image) -> float:
    """Return the height of the inner lips over their width."""
    height, width = points[13, :2] - points[14, :2], points[78, :2] - points[308, :2]
    return float(np.linalg.norm(height) / np.linalg.norm(width))


def measure(clip: Path, anchors: Path) -> tuple[dict[str, Image], list[Any]]:
    """Return the measures of each frame, by name, and the frames."""
    mesh = Mesh(anchors / "face_mesh_478_256.onnx")
    yunet = cv2.FaceDetectorYN.create(str(anchors / "yunet_2023mar.onnx"), "", (320, 240))
    hog = dlib.get_frontal_face_detector()
    rows, box = [], FIRST_FACE_BOX
    frames: list[Any] = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="bgr24")
            points = mesh.points(image, box)
            box = box_of(points)
            found = yunet.detect(cv2.resize(image, (320, 240)))[1]
            grey = cv2.cvtColor(cv2.resize(image, (480, 360), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
            moved = abs(image.astype(int) - frames[-1]).mean() if frames else 1.0
            detected = (found is not None, len(hog(grey, 0)) > 0, moved)
            rows.append((eye_aspect(points), mesh_yaw(points), mouth_opening(points), *detected))
            frames.append(image)
    names = ("ear", "yaw", "mouth", "yunet", "hog", "moved")
    return dict(zip(names, np.array(rows, np.float32).T, strict=True)), frames


def report(measured: dict[str, Image], labels: dict[str, Any]) -> None:
    """Print the figures."""
    masks = _masks(labels)
    ear, mouth, yaw = measured["ear"], measured["mouth"], measured["yaw"]
    away = masks["look_away"] | masks["look_away_marginal"]
    turned = np.convolve(away, np.ones(13), "same") > 0
    closed, opened = masks["eyes_closed"], ~masks["edge"] & ~turned & ~masks["eyes_lowered"]
    front = ~turned & ~masks["yawn"]

    def found(mask: NDArray[np.bool_]) -> str:
        return ", ".join(f"{name} {measured[name][mask].mean():.3f}" for name in ("yunet", "hog"))

    for light, mask in (("day", ~masks["infrared"]), ("infrared", masks["infrared"])):
        shut, wide = ear[closed & mask], ear[opened & mask]
        separation = (shut[:, None] < wide[None]).mean()
        print(f"{light}: {(front & mask).sum()} frontal frames, {found(front & mask)}")
        print(f"  eye aspect closed {shut.mean():.3f}, at most {shut.max():.3f} ({len(shut)} frames)")
        print(f"  open {np.median(wide):.3f} +- {wide.std():.3f}, at least {wide.min():.3f}; AUC {separation:.4f}")
    for kind in ("look_away", "look_away_marginal", "yawn"):
        mask = masks[kind]
        print(f"{kind}: yaw {yaw[mask].min():.1f} to {yaw[mask].max():.1f}, {found(mask)}, {mask.sum()} frames")
    print(f"frontal: yaw {yaw[front].min():.1f} to {yaw[front].max():.1f}")
    wide, seconds = mouth[masks["yawn"]].max(), (mouth > 0.5).sum() / labels["fps"]
    print(f"mouth: up to {wide:.2f}, over 0.5 for {seconds:.2f} s, else at most {mouth[front].max():.2f}")
    lowered = ear[masks["eyes_lowered"]]
    print(f"eyes lowered in the yawn: eye aspect {lowered.min():.3f} to {lowered.max():.3f}")
    print(f"least change between two frames: {measured['moved'][1:].min():.3f} grey levels on average")


def _masks(labels: dict[str, Any]) -> dict[str, NDArray[np.bool_]]:
    """Return which frames lie in an event, for each type. `edge`: in a closure or at most two frames from it."""
    kinds = {event["type"] for event in labels["events"]} | {"edge", "infrared"}
    masks = {kind: np.zeros(labels["frames"], bool) for kind in kinds}
    for event in labels["events"]:
        start, end = event["start"], event["end"] + 1
        masks[event["type"]][start:end] = True
        if event["type"] == "eyes_closed":
            masks["edge"][start - 2 : end + 2] = True
        if event.get("light") == "infrared":
            masks["infrared"][start:end] = True
    return masks


def sheet(frames: list[Any], path: Path) -> None:
    """Write the contact sheet of the README."""
    tiles = []
    for index, words in SHEET:
        tile = cv2.resize(frames[index], (256, 192), interpolation=cv2.INTER_AREA)
        label = f"{index / FPS:.1f} s  {words}"
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(tile, label, (8, 182), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, width, cv2.LINE_AA)
        tiles.append(tile)
    half = len(tiles) // 2
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half:])]))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder that holds anchors/")
    parser.add_argument("--demo", type=Path, default=ROOT / "driver_monitor" / "demo")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet there")
    arguments = parser.parse_args()
    anchors = arguments.shared / "anchors"
    if not anchors.is_dir():
        print(f"tools.demo.check: {anchors} not found; name its parent folder with --shared", file=sys.stderr)
        return 2
    measured, frames = measure(arguments.demo / "demo.mp4", anchors)
    report(measured, json.loads((arguments.demo / "demo.json").read_text()))
    if arguments.sheet:
        sheet(frames, arguments.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
