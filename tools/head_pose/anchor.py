"""Head rotation by MediaPipe's `face_landmarker.task`: a child process of `tools.head_pose.measure`.

    /opt/mp/bin/python tools/head_pose/anchor.py TASK video|image

Runs in an environment with mediapipe 0.10.21 and imports nothing of ours. Reads pictures from stdin: a line
`width height milliseconds`, then RGB bytes. Answers each with a line of JSON: the rotation of the facial transformation
matrix (3 x 3), or null without a face. `video` tracks the face from picture to picture, `image` takes each alone.
"""

from __future__ import annotations

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions, RunningMode


def main() -> None:
    task, mode = sys.argv[1:3]
    options = FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=task),
        running_mode=RunningMode.VIDEO if mode == "video" else RunningMode.IMAGE,
        output_facial_transformation_matrixes=True,
    )
    landmarker = FaceLandmarker.create_from_options(options)
    source = sys.stdin.buffer
    while line := source.readline():
        width, height, milliseconds = map(int, line.split())
        pixels = np.frombuffer(source.read(width * height * 3), np.uint8).reshape(height, width, 3)
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        result = landmarker.detect_for_video(image, milliseconds) if mode == "video" else landmarker.detect(image)
        found = result.facial_transformation_matrixes
        print(json.dumps(np.asarray(found[0])[:3, :3].tolist() if found else None), flush=True)


if __name__ == "__main__":
    main()
