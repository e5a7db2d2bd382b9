"""Locks of hair: strips that grow from the scalp as they are combed, fall, and fray."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.actors import surface
from mien.actors.head_grid import HeadGrid
from mien.actors.identity import Identity
from mien.actors.mesh import HAIR, Array, MeshBuilder, grid_triangles, smoothstep

POINTS = 9
"""Points along a lock; three across."""


@dataclass(frozen=True)
class Cut:
    """How hair is cut. count: locks. length, width, lift off the scalp: cm.

    fall: how soon weight bends a lock down. curl: radius of its coils, cm. mess: how far locks go
    their own way.
    """

    count: int
    length: float
    width: float
    lift: float
    fall: float
    mess: float
    curl: float = 0.0


CUTS = {
    "crop": Cut(450, 1.0, 0.95, 0.55, 0.1, 0.5),
    "short": Cut(420, 3.6, 1.3, 1.0, 0.25, 0.3),
    "parted": Cut(380, 6.0, 1.5, 1.35, 0.35, 0.16),
    "bob": Cut(320, 12.0, 1.9, 1.4, 0.9, 0.14),
    "long": Cut(320, 21.0, 2.1, 1.4, 0.9, 0.16),
    "curly": Cut(420, 7.0, 1.1, 2.2, 0.5, 0.8, 0.55),
    "afro": Cut(650, 1.5, 0.95, 2.9, 0.0, 0.9, 0.35),
    "bun": Cut(260, 9.0, 1.3, 0.8, 0.0, 0.06),
    "balding": Cut(170, 2.4, 1.0, 0.55, 0.4, 0.25),
}
FALLING = ("long", "bob")
"""Styles that cover the ears."""
BUN = np.array([0.0, 10.2, -6.8])


def add_locks(builder: MeshBuilder, grid: HeadGrid, person: Identity, cover: Array) -> None:
    """Add the locks of a person's style. cover: how far inside the hairline each vertex is."""
    cut = CUTS[person.hair_style]
    source = np.random.default_rng((person.seed, 0x10C5))
    roots = _roots(grid, cover, cut.count, source)
    paths = _grown(grid.points.reshape(-1, 3)[roots], cut, person, source)
    _add_strips(builder, paths, cut, person, source)


def _roots(
    grid: HeadGrid, cover: Array, count: int, source: np.random.Generator
) -> NDArray[np.intp]:
    """Vertices from which locks grow: by area, and closer along the hairline, which they hide."""
    points = grid.points
    across = np.linalg.norm(np.roll(points, 1, 1) - points, axis=-1)
    along = np.linalg.norm(np.gradient(points, axis=0), axis=-1)
    edge = 1 + 2.5 * smoothstep(1.3, 0.2, cover)
    weight = (across * along).ravel() * (cover > 0.02) * edge
    return source.choice(len(weight), count, replace=False, p=weight / weight.sum())


def _combed(points: Array, person: Identity, fringe: Array) -> Array:
    """Which way hair is combed at places of the scalp, (N, 3). fringe: share, 0 to 1, (N,)."""
    x, y, z = points.T
    style, side = person.hair_style, 1.0 if person.seed % 2 else -1.0
    front, top = smoothstep(0.0, 5.0, z), smoothstep(4.0, 8.5, y)
    zero, one = np.zeros_like(x), np.ones_like(x)
    down = np.stack([zero, -one, -0.55 * one], -1)
    if style == "bun":
        return BUN - points
    aside = np.stack([np.tanh(1.5 * (x - 0.3 * side)) * 1.3, -0.15 * one, -0.45 * one], -1)
    if fringe.any():
        forward = np.stack([0.16 * x + 0.25 * side, -0.1 * one, 0.2 + front], -1)
        over = aside + (forward - aside) * fringe[:, None]
    elif style == "parted" or (style in FALLING and person.fringe == "side"):
        over = np.stack([np.tanh(1.5 * (x - 2.4 * side)) * 1.3, -0.15 * one, -0.45 * one], -1)
    elif style in FALLING:
        over = aside
    elif person.fringe == "side":
        over = np.stack([side * one, 0.1 * one, -0.25 * one], -1)
    else:
        over = np.stack([0.12 * x, 0.35 * front, -one], -1)
    share = np.maximum(top, front * smoothstep(2.5, 4.5, y))[:, None]
    return over * share + down * (1 - share)


def _fringe(roots: Array, person: Identity) -> Array:
    """Share of each lock that is combed over the forehead."""
    if not fringed(person):
        return np.zeros(len(roots))
    if person.hair_style == "short":
        return smoothstep(4.5, 6.5, roots[:, 2])
    return smoothstep(3.5, 5.5, roots[:, 2]) * smoothstep(6.0, 4.5, np.abs(roots[:, 0]))


def fringed(person: Identity) -> bool:
    """Whether hair is cut to hang over the forehead."""
    return person.fringe == "full" and person.hair_style in (*FALLING, "short")


def _grown(roots: Array, cut: Cut, person: Identity, source: np.random.Generator) -> Array:
    """Paths of the locks, (N, POINTS, 3): along the comb, then down, and outside the head."""
    shape = surface.parameters(person)
    n = len(roots)
    fringe = _fringe(roots, person)
    step = _lengths(roots, fringe, cut, source)[:, None] / (POINTS - 1)
    own = source.normal(0, cut.mess, (n, 3))
    lift = cut.lift * source.uniform(0.55, 1.1, n)
    phase, axis = source.uniform(0, 2 * np.pi, n), source.normal(size=(n, 3))
    place, path = roots.copy(), []
    for k in range(POINTS):
        t = k / (POINTS - 1)
        out = surface.normals(place, shape, 0.05)
        fall = cut.fall * t**0.8
        way = _unit(_combed(place, person, fringe) + own * (0.4 + 0.6 * t)) * (1 - fall)
        way[:, 1] -= fall
        way -= (way * out).sum(1, keepdims=True) * out * (1 - 0.6 * t * cut.fall)
        way = _unit(way + out * 0.5 * max(0.0, 1 - 3 * t))
        if k > 0:
            place = place + way * step
        height = lift * min(1.0, 0.12 + 2.2 * t) * (1 - 0.45 * fringe * t)
        short_of = height - surface.distances(place, shape)
        weight = 0.6 * smoothstep(-9.0, -1.0, place[:, 1])  # draws it back onto the head
        rise = np.where(short_of > 0, short_of, weight * np.minimum(short_of + 0.4, 0))
        place += surface.normals(place, shape, 0.05) * rise[:, None]
        place = _off_shoulders(_off_face(place, person, 1 - fringe))
        path.append(place + _winding(place, way, t, cut, person, phase, axis))
    return np.stack(path, 1)


def _lengths(roots: Array, fringe: Array, cut: Cut, source: np.random.Generator) -> Array:
    """How long each lock is, cm: a fringe ends above the brows."""
    x, y, z = roots.T
    long = cut.length * source.uniform(0.65, 1.1, len(x))
    if cut.length < 9:  # shorter at nape and temples
        long *= 0.45 + 0.55 * smoothstep(-4.0, 4.0, y)
        long *= 1 - 0.5 * smoothstep(3.5, 1.5, y) * smoothstep(0.0, 2.0, z)
    to_brow = 1.1 * (y - source.uniform(3.9, 5.0, len(x)))
    return np.asarray(long * (1 - fringe) + fringe * to_brow.clip(0.8, 4.5))


def _winding(
    place: Array, way: Array, t: float, cut: Cut, person: Identity, phase: Array, axis: Array
) -> Array:
    """How far a lock that goes `way` strays at t of its length: coils, or waves in what hangs."""
    if cut.curl:
        turn = (phase + 11.0 * t * cut.length / 7.0)[:, None]
        first = _unit(np.cross(way, axis))
        round_ = first * np.cos(turn) + np.cross(way, first) * np.sin(turn)
        return np.asarray(cut.curl * min(1.0, 2 * t) * round_)
    aside = np.zeros_like(place)
    if person.hair_style in FALLING:
        wave = 0.22 * person.hair_wave * np.sin(phase * 0.3 + 9 * t) * t
        aside[:, 0] = wave * np.sign(place[:, 0])
        aside[:, 2] = 0.6 * wave
    return aside


def _off_face(place: Array, person: Identity, share: Array) -> Array:
    """Keep what hangs beside the face."""
    out = place.copy()
    before = smoothstep(0.0, 2.5, place[:, 2]) * smoothstep(6.2, 3.4, place[:, 1])
    side = np.where(place[:, 0] < 0, -1.0, 1.0)
    missing = np.maximum(6.5 * person.face_width - np.abs(place[:, 0]), 0)
    out[:, 0] += side * missing * before * share
    out[:, 2] -= 0.6 * missing * before * share  # back, to the temples
    return out


def _off_shoulders(place: Array) -> Array:
    """Keep what hangs before or behind the neck off the torso."""
    out = place.copy()
    low = smoothstep(-11.0, -14.0, place[:, 1])
    forward = np.where(place[:, 2] > -2.5, 1.0, -1.0)
    out[:, 2] += low * forward * 0.35
    return out


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _add_strips(
    builder: MeshBuilder, paths: Array, cut: Cut, person: Identity, source: np.random.Generator
) -> None:
    n = len(paths)
    shape = surface.parameters(person)
    t = np.linspace(0, 1, POINTS)
    flat = paths.reshape(-1, 3)
    out = surface.normals(flat, shape, 0.05).reshape(paths.shape)
    ahead = np.gradient(paths, axis=1)
    across = np.cross(ahead, out)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    tilt = source.normal(0, 0.25, (n, 1, 1))
    across = across + tilt * out
    wide = cut.width * source.uniform(0.6, 1.3, n)[:, None] * (0.8 + 0.5 * t - 0.9 * t**3)[None]
    half = across * (wide / 2)[..., None]
    raised = out * (0.12 * wide)[..., None]
    points = np.stack([paths - half, paths + raised, paths + half], 2)
    u = source.uniform(0, 400, n)[:, None, None] + wide[..., None] * np.array([-0.55, 0, 0.55])
    v = source.uniform(0, 90, n)[:, None] + np.linspace(0, cut.length, POINTS)[None]
    coords = np.stack(np.broadcast_arrays(u, v[..., None]), -1)
    tip = smoothstep(0.45, 1.0, t)
    strand = np.stack([0.55 + 0.4 * tip, 0.9 * tip, 0.55 + 0.4 * tip], -1)
    light = source.uniform(0.75, 1.05, n)[:, None] * (0.72 + 0.28 * smoothstep(0, 0.5, t))
    triangles = grid_triangles(POINTS, 3, wrap=False)[:, ::-1]
    first = (np.arange(n) * POINTS * 3)[:, None, None]
    triangles = (first + triangles).reshape(-1, 3)
    before = (points.reshape(-1, 3)[triangles][..., 2] > 3.0).all(1)
    builder.add(
        points.reshape(-1, 3), triangles, HAIR, casting=triangles[before],
        coords=coords.reshape(-1, 2),
        strand=np.broadcast_to(strand, (n, POINTS, 3)).ravel(),
        openness=np.repeat(light.ravel(), 3),
        turn=smoothstep(-26, -7, points[..., 1].ravel()),
    )  # fmt: skip
