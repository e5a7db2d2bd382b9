"""A triangle mesh of many parts, and what builds one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SKIN, INNER, TEETH, CAVITY, HAIR, CLOTH, FRAME, TONGUE = range(8)
"""Materials of triangles."""
INSIDE = (INNER, TEETH, CAVITY, TONGUE)
"""Those of the mouth."""

PIVOT = np.array([0.0, -8.0, -3.0])
"""Where the head turns on the neck."""


@dataclass
class Mesh:
    """Neutral geometry in centimetres.

    vertices: (V, 3). coords: (V, 2) face coordinates x, y (skin) or across, along (hair, cloth).
    parent: (V,) index of the vertex whose displacement this one shares. triangles: (T, 3).
    material: (T,). openness: (V,) ambient light that reaches it. turn: (V,) share of the head's
    rotation. strand: (V,) 1 where hair may fray; on skin, the share of roots of hair. jaw: (V,)
    True for what turns with the jaw bone. head: number of vertices of the face itself, which come
    first. lower: (V,) True below the line of the mouth. casting: (C, 3) the triangles that throw
    shadows, fewer: the map of shadows is coarse. Before the face is lengthened
    (`FaceAction.vertices`).
    """

    vertices: Array
    coords: Array
    parent: NDArray[np.int64]
    triangles: NDArray[np.int32]
    material: NDArray[np.uint8]
    openness: Array
    turn: Array
    strand: Array
    head: int
    lower: NDArray[np.bool_]
    jaw: NDArray[np.bool_]
    casting: NDArray[np.int32]


class MeshBuilder:
    """Collects the parts of a mesh."""

    def __init__(self) -> None:
        self.vertices: list[Array] = []
        self.coords: list[Array] = []
        self.parent: list[NDArray[np.int64]] = []
        self.triangles: list[NDArray[np.int32]] = []
        self.material: list[NDArray[np.uint8]] = []
        self.openness: list[Array] = []
        self.turn: list[Array] = []
        self.strand: list[Array] = []
        self.jaw: list[NDArray[np.bool_]] = []
        self.casting: list[NDArray[np.int32]] = []
        self.count = 0

    def add(
        self,
        vertices: Array,
        triangles: NDArray[np.int_],
        material: int,
        *,
        coords: Array | None = None,
        parent: NDArray[np.int_] | None = None,
        openness: Array | float = 1.0,
        turn: Array | float = 1.0,
        strand: Array | float = 0.0,
        jaw: NDArray[np.bool_] | bool = False,
        casting: NDArray[np.int_] | None = None,
    ) -> None:
        """Add a part, its triangles numbered from 0.

        casting: triangles that throw its shadow, where not its own; what is inside the mouth throws
        none.
        """
        n, first = len(vertices), self.count
        self.vertices.append(np.asarray(vertices, float))
        self.coords.append(vertices[:, :2].copy() if coords is None else coords)
        self.parent.append(np.arange(first, first + n) if parent is None else np.asarray(parent))
        self.triangles.append(np.asarray(triangles, np.int32) + first)
        self.material.append(np.full(len(triangles), material, np.uint8))
        for target, value in (
            (self.openness, openness),
            (self.turn, turn),
            (self.strand, strand),
        ):
            target.append(np.broadcast_to(np.asarray(value, float), (n,)).copy())
        self.jaw.append(np.broadcast_to(np.asarray(jaw), (n,)).copy())
        if material not in INSIDE:
            shadow = triangles if casting is None else casting
            self.casting.append(np.asarray(shadow, np.int32) + first)
        self.count += n


def grid_triangles(rows: int, columns: int, wrap: bool) -> NDArray[np.int64]:
    """Triangles of a (rows, columns) grid of vertices, closed around the columns or not."""
    r, c = np.meshgrid(
        np.arange(rows - 1), np.arange(columns if wrap else columns - 1), indexing="ij"
    )
    right = (c + 1) % columns
    a, b = r * columns + c, r * columns + right
    below_a, below_b = (r + 1) * columns + c, (r + 1) * columns + right
    first = np.stack([a, below_a, b], -1).reshape(-1, 3)
    second = np.stack([b, below_a, below_b], -1).reshape(-1, 3)
    return np.concatenate([first, second])


def transformed(points: Array, matrix: Array) -> Array:
    """Apply a matrix (K, 3) to points (N, 3): (N, K).

    Written out: a library's matrix product may round differently from one run to the next, and
    films are to be the same for the same seed.
    """
    x, y, z = (points[:, i, None] for i in range(3))
    return np.asarray(x * matrix[:, 0] + y * matrix[:, 1] + z * matrix[:, 2])


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below low, 1 above high, smooth between (either may be the larger)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def tube(path: Array, radius: float, sides: int = 8) -> tuple[Array, NDArray[np.int64]]:
    """A tube along a path (N, 3); where it ends as it began it is a ring."""
    along = np.gradient(path, axis=0)
    if np.allclose(path[0], path[-1]):
        along[0] = along[-1] = path[1] - path[-2]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    first = np.empty_like(along)
    across = np.cross(along[0], np.eye(3)[np.abs(along[0]).argmin()])
    for i, forward in enumerate(along):  # carried along, so that the tube never twists
        across = across - (across @ forward) * forward
        across /= np.linalg.norm(across)
        first[i] = across
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    ring = first[:, None] * np.cos(angle) + second[:, None] * np.sin(angle)
    vertices = (path[:, None] + radius * ring).reshape(-1, 3)
    return vertices, grid_triangles(len(path), sides, wrap=True)
