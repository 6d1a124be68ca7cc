"""MediaPipe's FaceMesh with a stopwatch: a child process of `tools.measure.speed`.

    /opt/mp/bin/python tools/measure/facemesh_clock.py FRAMES.npy

Runs in an environment with mediapipe 0.10.21 and imports nothing of ours. FRAMES: (N, H, W, 3) uint8 RGB. For each line
`first last` on stdin it processes these frames in order. It answers with one line of JSON: `wall` (a list, ms for each
frame), `cpu` (mean ms for a frame) and `faces` (frames with a face).
"""

import json
import os
import sys
import time

os.environ.setdefault("GLOG_minloglevel", "2")

import mediapipe as mp
import numpy as np


def main() -> None:
    frames = np.load(sys.argv[1], mmap_mode="r")
    options = {"static_image_mode": False, "max_num_faces": 1, "refine_landmarks": True}
    with mp.solutions.face_mesh.FaceMesh(**options) as mesh:
        print(json.dumps({"version": mp.__version__}), flush=True)
        for line in sys.stdin:
            first, last = map(int, line.split())
            pictures = [np.ascontiguousarray(frame) for frame in frames[first:last]]
            wall, faces, cpu = [], 0, time.process_time()
            for picture in pictures:
                begin = time.perf_counter()
                result = mesh.process(picture)
                wall.append(1000 * (time.perf_counter() - begin))
                faces += result.multi_face_landmarks is not None
            cpu = 1000 * (time.process_time() - cpu) / max(len(pictures), 1)
            print(json.dumps({"wall": wall, "cpu": cpu, "faces": faces}), flush=True)


if __name__ == "__main__":
    main()
