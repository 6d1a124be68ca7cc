"""Render meshes with OpenGL: a few lights with shadows, and which pixels show an eyeball. Mesa's llvmpipe will do.

Needs the extra `synthetic` and, without a graphics card, the system packages `libegl1` and `libgl1-mesa-dri`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from tools.synthetic.people.head import Points
from tools.synthetic.pictures.shaders import DEPTH, LABEL, SHADE, VERTEX

SHADOW, MOST_LIGHTS = 384, 4
"""Width of a shadow map, pixels, and how many lights there can be: the maps lie two by two in one texture."""
AROUND = 1.05
"""Half width of what throws shadows, dm: the whole part of the head that is drawn."""
OVER = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
"""How a strand covers what is behind it. The head stays opaque there: the background never shines through."""
COVERED = (moderngl.ZERO, moderngl.SRC_COLOR)
"""How a strand covers labels: the visible share behind it is multiplied."""
SKIN, BALL, STRAND, FRAME = range(4)
"""Kinds of surfaces."""


@dataclass
class Mesh:
    """Vertices (n, 3), quads (m, 4), and for each vertex reflectance, glow and iris (n, 3). `left`: the left eyeball.

    `cover`: opacity of strands. `shadow`: fewer quads over the same vertices, that throw the shadow.
    """

    points: Points
    quads: NDArray[np.int64]
    look: NDArray[np.float32]
    kind: int
    left: bool = False
    cover: float = 1.0
    shadow: NDArray[np.int64] | None = None


@dataclass
class Lighting:
    """Lights: directions towards them (n, 3) and strengths (n,). `ambient`: light from everywhere.

    `edge`: a plane (x, y, z, distance): the first light reaches one side of it alone.
    """

    ways: Points
    strengths: Points
    ambient: float
    gloss: float
    grain: float
    edge: tuple[float, float, float, float] = (0.0, 0.0, 0.0, -1.0)


@dataclass
class View:
    """A camera: place, rotation (3, 3) with rows right, up, back; focal length, pixels; box (left, top, right, bottom).

    The box is in pixels from the principal point, y down.
    """

    place: Points
    turn: Points
    focal: float
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    def project(self, points: Points) -> Points:
        """Return the pixels (n, 2) of points (n, 3), from the principal point, y down."""
        seen = (points - self.place) @ self.turn.T
        return np.asarray(self.focal * seen[:, :2] / -seen[:, 2:] * [1, -1])


@dataclass
class Picture:
    """`light` and `alpha` (h, w), and `seen` (h, w, 4): right eyeball, right iris, left eyeball, left iris.

    All are means over the samples of a pixel.
    """

    light: NDArray[np.float32]
    alpha: NDArray[np.float32]
    seen: NDArray[np.float32]


class Renderer:
    """The OpenGL context. `render` gives a picture."""

    def __init__(self) -> None:
        self._gl = moderngl.create_context(standalone=True, backend="egl")
        self._programs = {
            name: self._gl.program(vertex_shader=VERTEX, fragment_shader=source)
            for name, source in (("depth", DEPTH), ("shade", SHADE), ("label", LABEL))
        }
        self._maps = self._gl.depth_texture((2 * SHADOW, 2 * SHADOW))
        self._maps.compare_func = ""
        self._maps.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._shadow_target = self._gl.framebuffer(depth_attachment=self._maps)

    def render(self, meshes: list[Mesh], lighting: Lighting, view: View, samples: int) -> Picture:
        """Draw `meshes`; strands must come last. `samples`: along each side of a pixel."""
        drawn = [self._upload(mesh) for mesh in meshes]
        maps = self._shadows(meshes, drawn, lighting)
        left, top, right, bottom = view.box
        size = ((right - left) * samples, (bottom - top) * samples)
        self._set_shade(lighting, view, maps)
        shade = self._draw("shade", meshes, drawn, size, _camera(view))
        seen = self._draw("label", meshes, drawn, size, _camera(view))
        for buffers in drawn:
            for part in buffers.values():
                part.release()
        light, alpha = _shrink(shade[..., 0], samples), _shrink(shade[..., 3], samples)
        return Picture(light, alpha, np.stack([_shrink(seen[..., k], samples) for k in range(4)], -1))

    def _upload(self, mesh: Mesh) -> dict[str, Any]:
        kind = np.full((len(mesh.points), 1), mesh.kind)
        rows = np.concatenate([mesh.points, normals(mesh.points, mesh.quads), mesh.look, kind], 1).astype(np.float32)
        index = self._gl.buffer(_triangles(mesh.quads))
        cast = index if mesh.shadow is None else self._gl.buffer(_triangles(mesh.shadow))
        parts = {"vertices": self._gl.buffer(rows.tobytes()), "index": index, "cast": cast}
        layout = {"depth": ("3f 28x", "at"), "shade": ("3f 3f 4f", "at", "way", "look")}
        for name, program in self._programs.items():
            form = layout.get(name, ("3f 12x 4f", "at", "look"))
            parts[name] = self._gl.vertex_array(
                program, [(parts["vertices"], *form)], cast if name == "depth" else index
            )
        return parts

    def _shadows(self, meshes: list[Mesh], drawn: list[dict[str, Any]], lighting: Lighting) -> NDArray[np.float32]:
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        self._gl.enable_only(moderngl.DEPTH_TEST)
        maps = np.zeros((MOST_LIGHTS, 4, 4), np.float32)
        for i, way in enumerate(lighting.ways):
            maps[i] = _from_light(way)
            self._shadow_target.viewport = (i % 2 * SHADOW, i // 2 * SHADOW, SHADOW, SHADOW)
            self._programs["depth"]["camera"].write(maps[i].T.tobytes())
            for mesh, parts in zip(meshes, drawn, strict=True):
                if mesh.kind in (SKIN, FRAME):
                    parts["depth"].render()
        return maps

    def _set_shade(self, lighting: Lighting, view: View, maps: NDArray[np.float32]) -> None:
        program = self._programs["shade"]
        lights = np.zeros((MOST_LIGHTS, 4), np.float32)
        lights[: len(lighting.ways)] = np.c_[lighting.ways, lighting.strengths]
        program["from"].write(np.ascontiguousarray(maps.transpose(0, 2, 1)).tobytes())
        program["light"].write(lights.tobytes())
        program["count"], program["ambient"] = len(lighting.ways), lighting.ambient
        program["gloss"], program["grain"], program["edge"] = lighting.gloss, lighting.grain, lighting.edge
        program["viewer"], program["shadows"] = tuple(view.place), 0
        self._maps.use(0)

    def _draw(
        self, name: str, meshes: list[Mesh], drawn: list[dict[str, Any]], size: tuple[int, int], camera: Points
    ) -> NDArray[np.float32]:
        colours, depths = self._gl.texture(size, 4, dtype="f2"), self._gl.depth_renderbuffer(size)
        target, program = self._gl.framebuffer([colours], depths), self._programs[name]
        target.use()
        target.clear()
        program["camera"].write(camera.T.astype(np.float32).tobytes())
        for mesh, parts in zip(meshes, drawn, strict=True):
            self._gl.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            if mesh.kind == STRAND:
                self._gl.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
                target.depth_mask = False
                self._gl.blend_func = COVERED if name == "label" else OVER
            program["cover"] = mesh.cover
            if name == "label":
                program["left"] = int(mesh.left)
            parts[name].render()
        raw = np.frombuffer(target.read(components=4, dtype="f2"), np.float16)
        for part in (target, colours, depths):
            part.release()
        return np.nan_to_num(raw.reshape(size[1], size[0], 4)[::-1].astype(np.float32))


def normals(points: Points, quads: NDArray[np.int64]) -> Points:
    """Return the unit normals (n, 3) of vertices."""
    a, b, c, d = (points[quads[:, i]] for i in range(4))
    across = np.cross(c - a, d - b)
    total = np.stack([
        np.bincount(quads.ravel(), across[:, k].repeat(4), minlength=len(points)) for k in range(3)
    ], 1)  # fmt: skip
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def _triangles(quads: NDArray[np.int64]) -> bytes:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32).tobytes()


def looking_at(way: Points) -> Points:
    """Return the rotation (3, 3) with rows right, up, and `way` (unit)."""
    right = np.cross([0.0, 1.0, 0.0] if abs(way[1]) < 0.95 else [1.0, 0.0, 0.0], way)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(way, right), way])


def _from_light(way: Points) -> Points:
    out = np.eye(4)
    out[:3, :3] = looking_at(way) / np.array([[AROUND], [AROUND], [-2 * AROUND]])
    return out


def _camera(view: View) -> Points:
    left, top, right, bottom = view.box
    near, far, wide, high = 0.5, 40.0, right - left, bottom - top
    lens = np.array([
        [2 * view.focal / wide, 0, (right + left) / wide, 0],
        [0, 2 * view.focal / high, -(bottom + top) / high, 0],
        [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
        [0, 0, -1, 0],
    ])  # fmt: skip
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = view.turn, -view.turn @ view.place
    return np.asarray(lens @ place)


def _shrink(image: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    high, wide = image.shape[0] // samples, image.shape[1] // samples
    # A glint of hundreds of times white would spread over its whole pixel.
    limited = np.minimum(image, 8.0)
    return np.asarray(limited.reshape(high, samples, wide, samples).mean((1, 3)), np.float32)
