"""MediaPipe's FaceMesh with a stopwatch: a child process of `tools.measure.speed` and `tools.cost.step`.

    /opt/mp/bin/python tools/measure/facemesh_clock.py FRAMES.npy [CHECKOUT]

Runs in an environment with mediapipe 0.10.21 and imports nothing of ours. FRAMES: (N, H, W, 3) uint8 RGB. With a
checkout of Driver-State-Detection, its loop runs instead: FaceMesh, EAR, PERCLOS, gaze and head pose, by its own
modules, in the order of its main.py at commit 060587b, without camera, texts and window. For each line `first last` on
stdin it processes these frames in order. It answers with one line of JSON: `wall` (a list, ms for each frame), `cpu`
(mean ms for a frame) and `faces` (frames with a face).
"""

import json
import os
import sys
import time
from importlib import import_module
from typing import Any

os.environ.setdefault("GLOG_minloglevel", "2")

import cv2
import mediapipe as mp
import numpy as np

FPS = 30.0
"""The rate of the frames: the loop measures in seconds."""


class DriverStateDetection:
    """The loop of Driver-State-Detection. Its limits are the defaults of its command line."""

    def __init__(self, checkout: str, mesh: Any) -> None:
        sys.path.insert(0, f"{checkout}/driver_state_detection")
        names = ("attention_scorer", "eye_detector", "pose_estimation", "utils")
        scorer, eyes, pose, utils = map(import_module, names)
        self.mesh, self.get_landmarks, self.number = mesh, utils.get_landmarks, 0
        self.eyes, self.head = eyes.EyeDetector(show_processing=False), pose.HeadPoseEstimator(show_axis=True)
        self.scorer = scorer.AttentionScorer(
            t_now=0.0, ear_thresh=0.15, gaze_thresh=0.015, roll_thresh=20, pitch_thresh=20, yaw_thresh=20,
            ear_time_thresh=2.0, gaze_time_thresh=2.0, pose_time_thresh=2.5,
        )  # fmt: skip

    def process(self, picture: Any) -> Any:
        """Process one RGB picture (H, W, 3). Return what FaceMesh found in it."""
        self.number += 1
        now, size = self.number / FPS, picture.shape[1::-1]
        grey = np.expand_dims(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), axis=2)
        grey = np.concatenate([grey, grey, grey], axis=2)
        found = self.mesh.process(grey)
        if found.multi_face_landmarks:
            points = self.get_landmarks(found.multi_face_landmarks)
            openness = self.eyes.get_EAR(landmarks=points)
            self.scorer.get_rolling_PERCLOS(now, openness)
            gaze = self.eyes.get_Gaze_Score(frame=grey, landmarks=points, frame_size=size)
            _, roll, pitch, yaw = self.head.get_pose(frame=picture, landmarks=points, frame_size=size)
            self.scorer.eval_scores(
                t_now=now, ear_score=openness, gaze_score=gaze, head_roll=roll, head_pitch=pitch, head_yaw=yaw
            )
        return found


def main() -> None:
    cv2.setNumThreads(1)
    frames = np.load(sys.argv[1], mmap_mode="r")
    options = {"static_image_mode": False, "max_num_faces": 1, "refine_landmarks": True}
    with mp.solutions.face_mesh.FaceMesh(**options) as mesh:
        process = DriverStateDetection(sys.argv[2], mesh).process if len(sys.argv) > 2 else mesh.process
        print(json.dumps({"version": mp.__version__}), flush=True)
        for line in sys.stdin:
            first, last = map(int, line.split())
            pictures = [np.array(frame) for frame in frames[first:last]]
            wall, faces, cpu = [], 0, time.process_time()
            for picture in pictures:
                begin = time.perf_counter()
                result = process(picture)
                wall.append(1000 * (time.perf_counter() - begin))
                faces += result.multi_face_landmarks is not None
            cpu = 1000 * (time.process_time() - cpu) / max(len(pictures), 1)
            print(json.dumps({"wall": wall, "cpu": cpu, "faces": faces}), flush=True)


if __name__ == "__main__":
    main()
