"""Measure the demo clip against its truth with the anchors: lids, mouth, turn, and who finds the face.

python tools/demo_check.py [--shared ../shared] [--sheet docs/demo.png]
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
from demo_portrait import FIRST_FACE_BOX, Image, Mesh, box_of

RIGHT, LEFT = (33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380)
SHEET = (
    (20, "attentive"),
    (52, "blink"),
    (220, "eyes closed 3.75 s"),
    (400, "yawn"),
    (470, "infrared"),
    (515, "mirror, 1 s"),
    (640, "look away, 4.5 s"),
    (760, "blink, infrared"),
)


def eye_aspect(points: Image) -> float:
    """Mean eye aspect ratio of both eyes, 2-D, as in ANCHORS.md."""
    ratios = []
    for corners in (RIGHT, LEFT):
        a = points[list(corners), :2]
        height = np.linalg.norm(a[1] - a[5]) + np.linalg.norm(a[2] - a[4])
        ratios.append(float(height / 2 / np.linalg.norm(a[0] - a[3])))
    return sum(ratios) / 2


def mesh_yaw(points: Image) -> float:
    """Yaw in degrees from the mesh's depth; + to the picture's right."""
    normal = np.cross(points[454] - points[234], points[152] - points[10])
    return float(np.degrees(np.arctan2(-normal[0], normal[2])))


def mouth_opening(points: Image) -> float:
    """Inner lips' height over their width."""
    height, width = points[13, :2] - points[14, :2], points[78, :2] - points[308, :2]
    return float(np.linalg.norm(height) / np.linalg.norm(width))


def measure(clip: Path, anchors: Path) -> tuple[dict[str, Image], list[Any]]:
    """Return per-frame measures, and the frames."""
    mesh = Mesh(anchors / "face_mesh_478_256.onnx")
    yunet = cv2.FaceDetectorYN.create(str(anchors / "yunet_2023mar.onnx"), "", (320, 240))
    hog = dlib.get_frontal_face_detector()
    rows, frames, box = [], [], FIRST_FACE_BOX
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="bgr24")
            points = mesh.points(image, box)
            box = box_of(points)
            found = yunet.detect(cv2.resize(image, (320, 240)))[1]
            grey = cv2.cvtColor(cv2.resize(image, (480, 360), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
            moved = abs(image.astype(int) - frames[-1]).mean() if frames else 1.0
            seen = (found is not None, len(hog(grey, 0)) > 0, moved)
            rows.append((eye_aspect(points), mesh_yaw(points), mouth_opening(points), *seen))
            frames.append(image)
    names = ("ear", "yaw", "mouth", "yunet", "hog", "moved")
    return dict(zip(names, np.array(rows, np.float32).T, strict=True)), frames


def report(measured: dict[str, Image], truth: dict[str, Any]) -> None:
    """Print the figures."""
    index = np.arange(truth["frames"])
    spans = {
        name: np.zeros(len(index), bool) for name in ("eyes_closed", "look_away", "look_away_marginal", "yawn", "edge")
    }
    night = np.zeros(len(index), bool)
    for event in truth["events"]:
        inside = (index >= event["start"]) & (index <= event["end"])
        spans.setdefault(event["type"], np.zeros(len(index), bool))[inside] = True
        if event["type"] == "eyes_closed":
            spans["edge"] |= (index >= event["start"] - 1) & (index <= event["end"] + 2) & ~inside
        if event.get("light") == "infrared":
            night |= inside
    turned = abs(measured["yaw"]) > 8
    closed, opened = spans["eyes_closed"], ~spans["eyes_closed"] & ~spans["edge"] & ~turned
    ear = measured["ear"]
    for light, mask in (("day", ~night), ("infrared", night)):
        shut, wide = ear[closed & mask], ear[opened & mask]
        print(
            f"{light}: ear closed max {shut.max():.3f} mean {shut.mean():.3f}, open min {wide.min():.3f} "
            f"median {np.median(wide):.3f} sd {wide.std():.3f}, AUC {(shut[:, None] < wide[None]).mean():.4f}"
        )
        front = mask & ~turned & ~spans["yawn"]
        print(
            f"{light}: frontal {front.sum()} frames, yunet {measured['yunet'][front].mean():.3f}, hog {measured['hog'][front].mean():.3f}"
        )
    for kind in ("look_away", "look_away_marginal"):
        yaw, at = measured["yaw"][spans[kind]], spans[kind]
        print(
            f"{kind}: yaw {yaw.min():.1f} to {yaw.max():.1f}, yunet {measured['yunet'][at].mean():.2f}, hog {measured['hog'][at].mean():.2f}"
        )
    front = ~turned & ~spans["yawn"]
    print(f"frontal: yaw {measured['yaw'][front].min():.1f} to {measured['yaw'][front].max():.1f}")
    mouth, yawn = measured["mouth"], spans["yawn"]
    print(
        f"mouth: yawn {mouth[yawn].min():.2f} to {mouth[yawn].max():.2f}, over 0.5 for {(mouth > 0.5).sum() / truth['fps']:.2f} s, "
        f"else max {mouth[front].max():.2f}; yunet in the yawn {measured['yunet'][yawn].mean():.2f}, hog {measured['hog'][yawn].mean():.2f}"
    )
    print(f"least change between frames {measured['moved'][1:].min():.3f} grey levels")


def sheet(frames: list[Any], path: Path) -> None:
    """Write the contact sheet of the README."""
    tiles = []
    for index, words in SHEET:
        tile = cv2.resize(frames[index], (320, 240), interpolation=cv2.INTER_AREA)
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(
                tile,
                f"{index / 20:.1f} s  {words}",
                (8, 230),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.5,
                colour,
                width,
                cv2.LINE_AA,
            )
        tiles.append(tile)
    half = len(tiles) // 2
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half:])]))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--shared", type=Path, default=root.parent / "shared", help="the folder that holds anchors/")
    parser.add_argument("--demo", type=Path, default=root / "driver_monitor" / "demo")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet there")
    arguments = parser.parse_args()
    anchors = arguments.shared / "anchors"
    if not anchors.is_dir():
        print(f"demo_check: {anchors} is not there; give the folder that holds anchors/ with --shared", file=sys.stderr)
        return 2
    measured, frames = measure(arguments.demo / "demo.mp4", anchors)
    report(measured, json.loads((arguments.demo / "demo.json").read_text()))
    if arguments.sheet:
        sheet(frames, arguments.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
