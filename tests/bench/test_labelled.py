"""One rule says which clip a name in labels means, for all verbs with --labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor.bench.labelled.names import NameIndex, name_in_labels


@pytest.mark.parametrize(
    ("clips", "wanted", "found"),
    [
        (["nap.mp4"], "nap.mp4", ["nap.mp4"]),
        (["nap.mp4"], "nap", ["nap.mp4"]),
        (["nap"], "nap.mp4", ["nap"]),
        (["nap.mp4"], "nap.avi", []),
        (["nap.avi", "nap.mp4"], "nap", ["nap.avi", "nap.mp4"]),
        (["nap.mp4", "nap"], "nap", ["nap"]),
        (["day.1.mp4"], "day.1", ["day.1.mp4"]),
        (["nap.mp4.mkv"], "nap.mp4", []),
        (["nap.MP4"], "nap", ["nap.MP4"]),
    ],
)
def test_ok__a_name_without_the_suffix_of_a_clip_fits_any(clips: list[str], wanted: str, found: list[str]) -> None:
    assert NameIndex(clips, str).of(wanted) == found


def test_ok__a_trace_is_known_by_its_folder() -> None:
    assert name_in_labels("replay.trace.jsonl.gz", "nap") == "nap"
    assert name_in_labels("nap.mp4", Path("results/nap-1").name) == "nap.mp4"
