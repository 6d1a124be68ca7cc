"""A picture with what is seen in it, as it passes from the daemon to `driver-monitor aim`."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.observation import EXPRESSIONS, Expression, VehicleData
from driver_monitor.messages.sighting import LENGTHS, FaceLightKeeper, Sighting, SightingReader, encode
from tests.installer.seen import eyes, face, nobody, watching

ANGRY = Expression(dict.fromkeys(EXPRESSIONS, 0.125))
SEEN = replace(watching(face(), eyes("glare")), expression=ANGRY, extra={"phone": True})
SENT = Sighting(SEEN, (640, 480), b"\xff\xd8picture", "camera 0", "left", "vibrating")


@given(st.lists(st.integers(0, 20_000), max_size=6))
def test_ok__sightings_arrive_whole_whatever_the_pieces(cuts: list[int]) -> None:
    data = encode(SENT) + encode(replace(SENT, jpeg=None)) + encode(SENT)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    reader = SightingReader()
    got = [one for first, last in pairwise(edges) for one in reader.feed(data[first:last])]
    assert [one.jpeg for one in got] == [SENT.jpeg, None, SENT.jpeg]
    facts = {(one.size, one.source, one.driver_side, one.camera) for one in got}
    assert facts == {((640, 480), "camera 0", "left", "vibrating")}
    assert got[0].seen.face is not None
    assert SEEN.face is not None
    assert np.array_equal(got[0].seen.face.points, SEEN.face.points)
    assert got[0].seen.eyes == SEEN.eyes
    assert got[0].seen.face_light == SEEN.face_light


def test_ok__no_expression_passes_whatever_the_profile() -> None:
    data = encode(SENT)
    (got,) = SightingReader().feed(data)
    assert got.seen.expression is None
    assert not got.seen.extra
    text = json.loads(data[LENGTHS.size : LENGTHS.size + LENGTHS.unpack_from(data)[0]])
    assert text["seen"]["expression"] is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        LENGTHS.pack(2, 0) + b"{}",
        LENGTHS.pack(2, 0) + b"[]",
        LENGTHS.pack(4, 0) + b"nope",
        LENGTHS.pack(2**31, 0),
        LENGTHS.pack(10, 2**31),
        encode(SENT).replace(b'"camera":"ok"', b'"camera":"no"'),
        encode(SENT).replace(b'"size":[640,480]', b'"size":[640,000]').replace(b"000", b"  0"),
    ],
)
def test_fail__other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(SightingReader().feed(data))


def test_ok__the_light_on_the_face_is_kept_between_its_measurements_for_a_second() -> None:
    keeper, dim = FaceLightKeeper(), replace(SEEN, face_light=None)
    assert keeper.fill(dim).face_light is None
    assert keeper.fill(replace(SEEN, t=1.0)).face_light == SEEN.face_light
    assert keeper.fill(replace(dim, t=1.9)).face_light == SEEN.face_light
    assert keeper.fill(replace(dim, t=2.1)).face_light is None


def test_ok__the_light_of_another_face_is_not_kept() -> None:
    keeper = FaceLightKeeper()
    keeper.fill(replace(SEEN, t=1.0))
    keeper.fill(replace(nobody(), t=1.2))
    assert keeper.fill(replace(SEEN, t=1.4, face_light=None)).face_light is None


def test_ok__speed_and_ignition_are_of_no_use_to_an_installer() -> None:
    (got,) = SightingReader().feed(encode(replace(SENT, seen=replace(SEEN, vehicle=VehicleData(80.0, True)))))
    assert got.seen.vehicle == VehicleData()
