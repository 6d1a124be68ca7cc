"""One clip that is being labelled: every edit is saved at once, can be undone, and is scored at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from driver_monitor.bench.label.document import EditError, LabelDocument, edited, new_document, of_json
from driver_monitor.bench.label.label_file import LabelFile
from driver_monitor.bench.label.signals import ClipSignals
from driver_monitor.bench.label.suggestions import open_suggestions, suggestions
from driver_monitor.bench.score import clip as clip_scoring
from driver_monitor.capture.recordings.indexed_clip import IndexedClip
from driver_monitor.errors import DriverMonitorError, LabelError
from driver_monitor.imaging.frame import Image, YuvPicture, rotate
from driver_monitor.rules.profile import Profile

MOST_UNDO = 1000
"""Edits that can be undone. They share what they have in common, so that this is a few megabytes."""
MOST_WIDTH = 1280
"""Largest width of a picture in the page, pixels (ours)."""
QUALITY = 88
"""JPEG quality in the page (ours): lids must be sharp when enlarged. A frame of the demo has 45 kB."""
STALE = "The labels were changed in another tab; this page shows them now. Do it again if it is still right."
WHO = "First say who the driver is."


class LabelSession:
    """The labels of a clip, its pictures and signals. Safe in every thread.

    `name`: of the clip. `source`: its pictures. `degrees`: turns them clockwise. `person`: of new labels, or empty.
    `version`: changes with everything that `state` returns. Raises `LabelError`: the file is wrong or of another clip.
    """

    def __init__(
        self,
        name: str,
        source: IndexedClip,
        signals: ClipSignals,
        file: LabelFile,
        profile: Profile,
        person: str = "",
        degrees: int = 0,
    ) -> None:
        self.name, self.version = name, 0
        self._source, self._signals, self._file, self._degrees = source, signals, file, degrees
        self._profile = profile
        self._lock, self._decoding = threading.Lock(), threading.Lock()
        self._found = suggestions(signals.columns, source.fps)
        self._undo: list[LabelDocument] = []
        self._redo: list[LabelDocument] = []
        self._revision = 0
        self._fault: str | None = None
        self._unsaved = False
        self._document = self._read() or new_document(name, person, source.fps, len(source.frames))
        self._score = self._scored()

    @property
    def fault(self) -> str | None:
        """Why the newest labels are not in the file. None: they are."""
        return self._fault if self._unsaved else None

    def facts(self) -> dict[str, Any]:
        """Return what never changes: the clip, and its signals by frame."""
        height, width = self._image(0).shape[:2]
        return {
            "name": self.name,
            "size": [width, height],
            "frames": len(self._source.frames),
            "fps": self._source.fps,
            "file": str(self._file.path),
            "signals": {**self._signals.columns, "t": [round(one.t, 4) for one in self._source.frames]},
        }

    def state(self) -> dict[str, Any]:
        """Return the labels as the page shows them, what can be undone, whether all is saved, and the scores."""
        with self._lock:
            document = self._document
            known = bool(document.values["person"])
            return {
                "revision": self._revision,
                "values": {**document.values},
                "events": [{**one.values, "number": one.number} for one in document.events],
                "reviewed": document.reviewed,
                "suggestions": [one.to_json() for one in open_suggestions(self._found, document)] if known else [],
                "undo": len(self._undo),
                "redo": len(self._redo),
                "fault": self.fault,
                "score": self._score,
            }

    def apply(self, edit: Mapping[str, Any]) -> str | None:
        """Do an edit of a page that has seen `edit["revision"]`. Return None, or why it was not done, for the page."""
        with self._lock:
            try:
                if edit.get("op") == "save":
                    self._save()
                elif edit.get("revision") != self._revision:
                    return STALE
                else:
                    self._take(self._next(edit))
            except (EditError, LabelError) as error:
                return str(error)
            return None

    def retry(self) -> None:
        """Save again if the last try has failed."""
        with self._lock:
            if self._unsaved:
                self._save()

    def jpeg(self, number: int) -> bytes:
        """Return the picture of a frame as a JPEG file. Raises `IndexError`: no such frame; `SourceError`."""
        image = self._image(number)
        if (width := image.shape[1]) > MOST_WIDTH:
            factor = MOST_WIDTH / width
            image = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        return data.tobytes()

    def _image(self, number: int) -> Image:
        with self._decoding:
            picture = self._source.read(number)
            return rotate(picture.bgr() if isinstance(picture, YuvPicture) else picture, self._degrees)

    def close(self) -> None:
        """Release the clip."""
        with self._decoding:
            self._source.close()

    def _next(self, edit: Mapping[str, Any]) -> LabelDocument:
        """Return the document after an edit, and keep what undo and redo need."""
        operation = edit.get("op")
        if operation in ("undo", "redo"):
            away, towards = (self._undo, self._redo) if operation == "undo" else (self._redo, self._undo)
            if not away:
                raise EditError(f"there is nothing to {operation}")
            towards.append(self._document)
            return away.pop()
        if operation == "reload":
            document = self._read()
            if document is None:
                raise EditError("the file is not there any more; save again")
        elif operation != "set" and not self._document.values["person"]:
            raise EditError(WHO)
        else:
            document = edited(self._document, edit)
        self._undo = [*self._undo[-MOST_UNDO + 1 :], self._document]
        self._redo = []
        return document

    def _take(self, document: LabelDocument) -> None:
        self._document = document
        self._revision += 1
        self._score = self._scored()
        self._save()

    def _save(self) -> None:
        self.version += 1
        if not self._document.values["person"]:
            return  # the labels that an undo came back to were never a file
        try:
            self._file.save(self._document.to_json())
            self._fault, self._unsaved = None, False
        except DriverMonitorError as error:
            self._fault, self._unsaved = str(error), True

    def _read(self) -> LabelDocument | None:
        values = self._file.load()
        if values is None:
            return None
        document, frames = of_json(values), len(self._source.frames)
        if document.frames != frames:
            raise LabelError(
                f"{self._file.path}: frames: {document.frames} are labelled, but {self.name} has {frames}; use the "
                "clip that was labelled, uncut, or another --labels folder"
            )
        return document

    def _scored(self) -> dict[str, Any] | None:
        """Return the scores of what is labelled so far, as in `score clips --json`. None: nobody is named yet."""
        if not self._document.values["person"]:
            return None
        score = clip_scoring.score_track(self.name, self._document.labels(), self._signals.track, self._profile)
        return clip_scoring.to_json(score) | {name: score.ratio(name) for name in ("event_precision", "event_recall")}
