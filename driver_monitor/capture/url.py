"""Reads a stream by URL: RTSP cameras, HTTP streams and files, and `rpicam-vid` listening on TCP."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from driver_monitor.capture.camera import Clock, GuardedCamera, Wait
from driver_monitor.capture.recordings.pacing import Pacing, RealTimePacer
from driver_monitor.config.secret import without_secrets
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame

if TYPE_CHECKING:  # FFmpeg's libraries are large, and a daemon with a camera needs none
    from driver_monitor.capture.recordings import decoder

_log = logging.getLogger(__name__)

SCHEMES = ("rtsp", "rtsps", "http", "https", "tcp", "udp")
OPEN_TIMEOUT_S = 10.0
"""Time limit for opening a URL. An RTSP camera answers and sends its first key frame within a few seconds."""
READ_TIMEOUT_S = 5.0
"""A read that gets no data for this time fails. The camera state is "lost" long before (`camera.lost_after_s`)."""


class UrlCamera(GuardedCamera):
    """Reads a stream by URL. One that announces a length (a file on a web server) is a recording, any other is live.

    Live: `t_mono` is the time at which the frame arrived, `t` counts from the first frame, and `pace` has no effect.
    `pace`, `every`, `track`: see `ClipCamera`; `every` works for live streams too. Errors and `name` show no password.
    At the end of a recording, `warning` and the log say what is missing, as in `ClipCamera`. Otherwise it is None.
    The constructor raises `SourceError` if there is no answer or no video. `read` raises it if the data breaks off, no
    frame can be decoded, or a live stream ends.
    """

    def __init__(
        self,
        url: str,
        *,
        pace: Pacing = "real_time",
        every: int = 1,
        track: int | None = None,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        monotonic: Clock = time.monotonic,
        wait: Wait | None = None,
    ) -> None:
        name = without_password(url)
        self._decoder = _open(url, name, (open_timeout_s, read_timeout_s), every, track)
        super().__init__(name, live=self._decoder.duration_s is None, frames=None)
        if not self.live and self._decoder.total:
            self.frames = -(-self._decoder.total // every)
        self._monotonic = monotonic
        real_time = pace == "real_time" and not self.live
        self._pacer = RealTimePacer(monotonic, wait or self._closed.wait) if real_time else None
        self._start: float | None = None
        self.warning: str | None = None
        self._last_t = 0.0

    def _read(self) -> Frame | None:
        decoded, fault = self._decoder.next_or_fault()
        if fault is not None:
            raise SourceError(f"{self.name}: broke off ({fault}); check the network")
        self.damaged = self._decoder.damaged
        if decoded is None:
            if self._decoder.decoded == 0:
                raise SourceError(f"{self.name}: no frame can be decoded; check that it is a video stream")
            if self.live:
                raise SourceError(f"{self.name}: the stream ended; check the camera")
            self._end()
            return None
        self._last_t = decoded.t
        t, t_mono = self._stamp(decoded.t)
        return Frame(decoded.picture, t, decoded.sequence, self.name, t_mono)

    def _end(self) -> None:
        if self.warning is None:
            self.warning = self._decoder.missing(self._last_t)
            if self.warning is not None:
                _log.warning("%s", self.warning)

    def _stamp(self, t: float) -> tuple[float, float | None]:
        if self.live:
            now = self._monotonic()
            self._start = now if self._start is None else self._start
            return now - self._start, now
        return t, self._pacer.wait_until(t) if self._pacer else None

    def _release(self) -> None:
        self._decoder.close()


def _open(url: str, name: str, timeout: tuple[float, float], every: int, track: int | None) -> decoder.Decoder:
    from driver_monitor.capture.recordings import decoder

    options = {"rtsp_transport": "tcp"} if url.lower().startswith("rtsp") else {}
    try:
        container = decoder.open_container(url, timeout=timeout, options=options)
    except (*decoder.FAULTS, ValueError) as error:
        why = f"{name}: cannot be opened ({decoder.reason(error)})"
        raise SourceError(f"{why}; check the address, the network and the camera's password") from error
    # A live stream must keep up, whatever it costs.
    return decoder.Decoder(container, name, every, track=track, threads=0)


def without_password(url: str) -> str:
    """Return `url` without what may be secret: user, password, query, fragment. Raises `SourceError` if malformed.

    All up to the last @ is left out: a password that holds / or # makes the parts of the address unclear.
    """
    scheme, _, rest = url.partition("://")
    try:
        urlsplit(url)
    except ValueError:
        raise SourceError(f"{scheme}://...: is not an address; check its host and its brackets") from None
    shown = re.split(r"[?#]", rest.rpartition("@")[2])[0]
    return without_secrets(f"{scheme}://{shown}")
