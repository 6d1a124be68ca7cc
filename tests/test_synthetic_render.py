"""Rendered people: lids close without holes, labels come from pixels, and a seed gives the same pictures."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install -e '.[synthetic,train]'")
pytest.importorskip("moderngl", reason="needs moderngl: pip install -e '.[synthetic,train]'")

from tools.synthetic import CACHE
from tools.synthetic.labels import OPEN, SHUT
from tools.synthetic.people import eyeball
from tools.synthetic.people.hairs import STEPS, ribbons
from tools.synthetic.people.head import Head
from tools.synthetic.people.lids import Pose
from tools.synthetic.people.person import Person, random_person
from tools.synthetic.people.subdivision import subdivide
from tools.synthetic.pictures.raster import BALL, SKIN, STRAND, Lighting, Mesh, Renderer, View
from tools.synthetic.pictures.scene import Scene, random_scene
from tools.synthetic.studio import Shot, shoot

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP = Path(__file__).parents[1]
HEAD = CACHE / "head.npz"
FLAT = Lighting(np.array([[0.0, 0.0, 1.0]]), np.array([3.0]), 0.1, 0.0, 0.0)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    try:
        return Renderer()
    except Exception as problem:
        pytest.skip(f"needs OpenGL (apt-get install libegl1 libgl1-mesa-dri): {type(problem).__name__}")


@pytest.fixture(scope="module")
def head() -> Head:
    if not HEAD.is_file():
        pytest.skip("needs the CC0 head: python -m tools.synthetic.fetch")
    return Head(HEAD)


@pytest.fixture(scope="module")
def people(head: Head) -> list[Person]:
    return [replace(random_person(head, seed), glasses=False) for seed in (11, 12, 13)]


def scene(opening: float, pitch: float = 0.0, seed: int = 5, infrared: bool = False) -> Scene:
    """Draw a scene and replace what the eyes do; the head looks at the camera."""
    drawn = random_scene(np.random.default_rng(seed), infrared)
    pose = Pose((opening, opening), 0.0, pitch, {})
    view = View(np.array([0.0, 0.0, 6.0]), np.eye(3), 1000.0)
    return replace(drawn, pose=pose, view=view, head=(0.0, 0.0, 0.0), lighting=FLAT, span=60.0)


def photograph(head: Head, renderer: Renderer, person: Person, what: Scene) -> Shot:
    shot = shoot(renderer, head, person, what, np.random.default_rng(1))
    assert shot is not None
    return shot


def test_ok__subdividing_a_flat_grid_keeps_it_flat_and_its_border_in_place() -> None:
    y, x = np.mgrid[0:4, 0:4]
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1).astype(float)
    corner = np.array([[r * 4 + c, r * 4 + c + 1, r * 4 + c + 5, r * 4 + c + 4] for r in range(3) for c in range(3)])
    matrix, quads = subdivide(corner, len(points))
    fine = matrix @ points
    assert len(quads) == 4 * len(corner)
    assert np.asarray(matrix.sum(1)).ravel() == pytest.approx(1.0)
    assert np.abs(fine[:, 2]).max() == 0
    assert fine[:, :2].min() >= 0
    assert fine[5] == pytest.approx([1, 1, 0])


def disc(height: float, half: float) -> Mesh:
    """Return a square of eyeball at a height over the ground."""
    points = np.array([[-half, -half, height], [half, -half, height], [half, half, height], [-half, half, height]])
    return Mesh(points, np.array([[0, 1, 2, 3]]), np.array([[0.5, 0, 1]] * 4, np.float32), BALL)


def above(box: int = 20) -> View:
    return View(np.array([0.0, 0.0, 10.0]), np.eye(3), 200.0, (-box, -box, box, box))


def test_ok__a_visible_eyeball_is_counted_in_pixels(renderer: Renderer) -> None:
    picture = renderer.render([disc(0.0, 0.5)], FLAT, above(), 2)
    assert picture.seen[..., 0].sum() == pytest.approx(20 * 20, rel=0.05)
    assert picture.seen[..., 1].sum() == pytest.approx(20 * 20, rel=0.05)
    assert picture.seen[..., 2:].sum() == 0


def test_ok__skin_in_front_hides_the_eyeball(renderer: Renderer) -> None:
    lid = replace(disc(0.2, 0.6), kind=SKIN)
    assert renderer.render([lid, disc(0.0, 0.5)], FLAT, above(), 2).seen.sum() == 0


def test_ok__a_strand_hides_its_share_and_lets_no_background_through(renderer: Renderer) -> None:
    strand = replace(disc(0.2, 0.6), kind=STRAND, cover=0.25)
    bare = renderer.render([disc(0.0, 0.5)], FLAT, above(), 2)
    behind = renderer.render([disc(0.0, 0.5), strand], FLAT, above(), 2)
    assert behind.seen[..., 0].sum() == pytest.approx(0.75 * bare.seen[..., 0].sum(), rel=0.01)
    assert behind.alpha[20, 20] == pytest.approx(1.0, abs=0.01)


def test_ok__a_ribbon_shows_its_flat_side_and_tapers() -> None:
    strand = np.linspace([0, 0, 0], [0, 0.1, 0], STEPS)[None]
    points, quads = ribbons(strand, np.array([0.0, 0.0, 5.0]), 0.01)
    assert quads.shape == (STEPS - 1, 4)
    assert points[1] - points[0] == pytest.approx([-0.01, 0, 0]) or points[1] - points[0] == pytest.approx([0.01, 0, 0])
    assert np.linalg.norm(points[-1] - points[-2]) == pytest.approx(0.001)


def test_ok__the_eyeball_has_no_hole() -> None:
    edges = np.sort(eyeball.quads()[:, [0, 1]], 1)
    assert len(np.unique(edges, axis=0)) == len(edges)


@pytest.mark.parametrize("pitch", [-35.0, -15.0, 0.0, 12.0])
def test_ok__shut_lids_leave_no_eyeball_visible_wherever_the_eye_points(
    head: Head, renderer: Renderer, people: list[Person], pitch: float
) -> None:
    for person in people:
        labels = photograph(head, renderer, person, scene(0.0, pitch)).labels
        assert max(labels.area) <= SHUT
        assert labels.label == "closed"
        assert max(labels.ear) < 0.12


def test_ok__relaxed_eyes_are_open_and_show_most_of_the_iris(
    head: Head, renderer: Renderer, people: list[Person]
) -> None:
    for person in people:
        labels = photograph(head, renderer, person, scene(1.1)).labels
        assert min(labels.area) > OPEN
        assert labels.label == "open"
        assert min(labels.iris) > 0.5


def test_ok__the_visible_area_falls_steadily_as_the_lids_come_down(
    head: Head, renderer: Renderer, people: list[Person]
) -> None:
    areas = [photograph(head, renderer, people[0], scene(o)).labels.area[0] for o in (1.1, 0.8, 0.5, 0.3, 0.0)]
    assert areas == sorted(areas, reverse=True)
    assert photograph(head, renderer, people[0], scene(0.35, -30.0)).labels.label == "lowered"


def test_ok__a_bright_pupil_is_brighter_than_the_skin_and_a_dark_one_darker(
    head: Head, renderer: Renderer, people: list[Person]
) -> None:
    levels = []
    for glow in (1.0, 0.0):
        shot = photograph(head, renderer, people[1], replace(scene(1.1, infrared=True), glow=glow, infrared=True))
        x, y = np.round(shot.labels.points[68]).astype(int)
        levels.append(float(shot.strip[y - 1 : y + 2, x - 1 : x + 2].mean()) - float(np.median(shot.strip)))
    assert levels[0] > 0 > levels[1]


def test_ok__points_are_on_the_eyes(head: Head, renderer: Renderer, people: list[Person]) -> None:
    points = photograph(head, renderer, people[2], scene(1.0)).labels.points
    right, left = points[[36, 39]].mean(0), points[[45, 42]].mean(0)
    assert left - right == pytest.approx([64, 0], abs=2)
    assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]
    assert points[68] == pytest.approx(right, abs=6)
    assert points[33, 1] > points[30, 1] > right[1]


def test_ok__the_command_continues_where_it_was_stopped_and_a_seed_gives_the_same_pictures(
    head: Head, renderer: Renderer, tmp_path: Path
) -> None:
    del head, renderer

    def run(out: Path) -> dict[str, NDArray[np.generic]]:
        command = [sys.executable, "-m", "tools.synthetic.eyes", "--out", str(out), "--count", "4", "--seed", "3"]
        subprocess.run([*command, "--head", str(HEAD)], cwd=TOP, check=True, capture_output=True)
        return dict(np.load(out / "eyes_3_00000.npz"))

    first, again = run(tmp_path / "a"), run(tmp_path / "b")
    written = (tmp_path / "a/eyes_3_00000.npz").stat().st_mtime_ns
    run(tmp_path / "a")
    assert (tmp_path / "a/eyes_3_00000.npz").stat().st_mtime_ns == written
    assert first["strip"].shape == (4, 88, 168)
    assert all(np.array_equal(first[k], again[k], equal_nan=first[k].dtype.kind == "f") for k in first)
    assert list(first["infrared"]) == [False, True, False, True]


def test_fail__without_the_head_the_command_says_what_to_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.synthetic.eyes", "--head", str(tmp_path / "none.npz")]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "none.npz is missing; run python -m tools.synthetic.fetch" in done.stderr
