"""Label cached face crops with the rotation of the head and the whole mesh, by MediaPipe.

    /opt/mp/bin/python tools/head_pose/teach.py training/landmarks/stills --task ../shared/anchors/face_landmarker.task

Runs in an environment with mediapipe 0.10.21 and imports nothing of ours. Reads `<stem>_crops.npy` (N, S, S) and
writes `<stem>_pose.npz`. `turn` (N, 3, 3): the rotation of the facial transformation matrix of MediaPipe's
`face_landmarker.task` (Apache-2.0), NaN without a face. `mesh` (N, 478, 3): its points in units of the crop, z too.
A cached crop is centred on the face and upright. So `turn` is relative to the line of sight to the face, which is also
what the landmark net sees.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions
from numpy.typing import NDArray


def open_landmarker(task: Path) -> Any:
    """Open MediaPipe's landmarker for single pictures, with the transformation matrix."""
    return FaceLandmarker.create_from_options(
        FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(task)),
            output_facial_transformation_matrixes=True,
            min_face_detection_confidence=0.3,
        )
    )


def look(landmarker: Any, grey: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the rotation (3, 3) and the mesh, None without a face.

    Axes: x to the driver's left, y up, z towards the camera.
    """
    rgb = np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    result = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb))
    if not result.face_landmarks:
        return None
    turn = np.asarray(result.facial_transformation_matrixes[0])[:3, :3]
    turn = turn / np.linalg.norm(turn, axis=0)
    return turn, np.array([(p.x, p.y, p.z) for p in result.face_landmarks[0]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stem", type=Path, help="path of the crops without `_crops.npy`")
    parser.add_argument("--task", type=Path, default=Path("../shared/anchors/face_landmarker.task"))
    arguments = parser.parse_args()
    crops = np.load(f"{arguments.stem}_crops.npy", mmap_mode="r")
    turn = np.full((len(crops), 3, 3), np.nan, np.float32)
    mesh = np.full((len(crops), 478, 3), np.nan, np.float32)
    landmarker = open_landmarker(arguments.task)
    for i, crop in enumerate(crops):
        seen = look(landmarker, np.asarray(crop))
        if seen is not None:
            turn[i], mesh[i] = seen
        if i % 1000 == 0:
            print(i, int(np.isfinite(turn[: i + 1, 0, 0]).sum()), flush=True)
    np.savez(f"{arguments.stem}_pose.npz", turn=turn, mesh=mesh)


if __name__ == "__main__":
    main()
