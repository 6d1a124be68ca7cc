"""A camera on a loopback port: the bundled clip as an HTTP stream of JPEG pictures, in a loop.

A camera that is unplugged is this program ended; one that is plugged in again is this program started.
"""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import av
import cv2

from driver_monitor.demo import CLIP

FPS = 20
"""Frames per second, those of the clip."""
PICTURES = 200
"""The first 10 s of the clip: awake, one blink, and the beginning of a long closure."""


def pictures() -> list[bytes]:
    """Return the first `PICTURES` of the clip, each a JPEG file."""
    with av.open(str(CLIP)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in islice(container.decode(video=0), PICTURES)]
    return [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]


def serve(port: int) -> None:
    """Serve the stream on `port` of loopback until the process ends."""
    jpegs = pictures()

    class Stream(BaseHTTPRequestHandler):
        """Answers every request with the stream."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                while True:
                    for jpeg in jpegs:
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                        time.sleep(1 / FPS)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    ThreadingHTTPServer(("127.0.0.1", port), Stream).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
