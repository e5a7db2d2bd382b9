"""Hair: a shell over the scalp, locks that grow from it, and what hangs or is tied behind."""

from dataclasses import replace

import numpy as np

from mien.actors.head_grid import HeadGrid
from mien.actors.identity import Identity
from mien.actors.locks import FALLING, add_locks, fringed
from mien.actors.mesh import HAIR, Array, MeshBuilder, grid_triangles, smoothstep, transformed

_THICKNESS = {
    "crop": 0.2,
    "short": 0.6,
    "parted": 0.9,
    "bob": 1.0,
    "long": 0.9,
    "curly": 1.6,
    "afro": 2.8,
    "bun": 0.55,
    "balding": 0.35,
}


def _noise(points: Array, scale: float, seed: int) -> Array:
    """Smooth noise of 3-D points, about -1 to 1: a sum of random waves."""
    source = np.random.default_rng(seed)
    waves = source.normal(size=(14, 3)) / scale
    phase = source.uniform(0, 2 * np.pi, 14)
    return np.sin(transformed(points, waves) + phase).sum(1) / np.sqrt(14 / 2) / 1.4


def add_hair(builder: MeshBuilder, grid: HeadGrid, person: Identity) -> None:
    """Add a person's hair in their style."""
    if person.hair_style == "bald":
        return
    cover = _scalp(grid, person)
    _add_shell(builder, grid, person, cover[::2, ::2].ravel())
    add_locks(builder, grid, person, cover.ravel())
    if person.hair_style in FALLING:
        _add_curtain(builder, person)
    if person.hair_style == "bun":
        _add_bun(builder, person)


def stubble(grid: HeadGrid, person: Identity) -> Array:
    """Share of each vertex of the head that roots of hair darken: the line where hair begins."""
    seen = np.clip(0.3 + (person.skin.mean() - np.mean(person.hair_colour)) / 90, 0.1, 1)
    line = smoothstep(-0.3, 0.6, _scalp(grid, person).ravel())
    if person.hair_style not in ("bald", "balding"):
        return np.asarray(0.85 * seen * line)
    shaved = replace(person, hair_style="crop", fringe="swept")
    once = 0.3 * smoothstep(-0.5, 1.5, _scalp(grid, shaved).ravel())
    left = 0.6 * line if person.hair_style == "balding" else 0.0
    return np.asarray(seen * np.maximum(once, left))


def _add_shell(builder: MeshBuilder, grid: HeadGrid, person: Identity, cover: Array) -> None:
    """Add what is seen between the locks, on every second point of the head."""
    style = person.hair_style
    flat = grid.directions[::2, ::2].reshape(-1, 3)
    points = grid.points[::2, ::2].reshape(-1, 3)
    elevation = grid.elevation[::2, ::2]
    theta = np.broadcast_to(grid.azimuth[::2], elevation.shape).ravel()
    rough = {"curly": 0.22, "afro": 0.12, "short": 0.16, "parted": 0.16}.get(style, 0.10)
    scale = {"curly": 0.9, "afro": 0.8}.get(style, 1.6)
    lumps = _noise(points, scale, person.seed) + 0.5 * _noise(points, scale * 0.45, person.seed + 1)
    thick = np.full(len(points), _THICKNESS[style])
    up = smoothstep(0.1, 0.9, flat[:, 1])
    if style == "parted":
        side = 1 if person.seed % 2 else -1
        thick *= 0.75 + 0.6 * up * smoothstep(-0.5, 0.4, side * flat[:, 0])
    if style in ("short", "parted"):
        thick *= 0.55 + 0.6 * up
    if style in (*FALLING, "bun"):
        thick *= 0.8 + 0.3 * up
    if style == "afro":
        thick *= 0.75 + 0.45 * smoothstep(-0.3, 0.8, flat[:, 1])
    rise = {"crop": 0.8, "curly": 1.6, "afro": 1.8}.get(style, 0.9 if fringed(person) else 2.6)
    raised = 0.05 + thick * (1 + rough * lumps) * smoothstep(-0.1, rise, cover)
    coords = np.stack([theta * 9.0, elevation.ravel() * 9.0], -1)
    if style in ("curly", "afro"):
        swirl = [_noise(points, 0.55, person.seed + k) for k in (2, 3)]
        coords += 0.9 * np.stack(swirl, -1)
    fray = smoothstep(0.15 if style in ("curly", "afro") else 1.4, -0.1, cover)
    if style in FALLING:
        fray *= smoothstep(1.1, 0.8, np.abs(theta))
    openness = np.clip(0.6 + 0.4 * smoothstep(0.0, 1.0, cover) + 0.25 * rough * lumps, 0.2, 1.1)
    triangles = grid_triangles(len(elevation), elevation.shape[1], wrap=True)
    triangles = triangles[(cover[triangles] > -0.05).all(1)]
    used, order = np.unique(triangles, return_inverse=True)
    builder.add(
        (points + flat * raised[:, None])[used], order.reshape(-1, 3), HAIR,
        coords=coords[used], strand=fray[used], openness=openness[used],
    )  # fmt: skip


def _scalp(grid: HeadGrid, person: Identity) -> Array:
    """How far inside the hairline each vertex of the head is, cm or so; negative outside."""
    round_ = np.broadcast_to(grid.azimuth, grid.elevation.shape)
    theta = np.abs(round_)
    high = (0.57 + 0.06 * person.male) * person.forehead + 0.03 * np.sin(person.seed)
    line = np.interp(
        theta,
        [0.0, 0.35, 0.62, 0.85, 1.08, 1.28, 1.42, 1.62, 1.9, 2.3, np.pi],
        [high, high - 0.02, high - 0.09, 0.40, 0.30, 0.12, -0.02, 0.10, -0.20, -0.52, -0.62],
    )
    if fringed(person):
        line = np.minimum(line, 0.52 + 0.34 * smoothstep(0.55, 0.95, theta))
    elif person.fringe == "side" and person.hair_style in ("long", "bob", "parted", "short"):
        to = round_ * (1 if person.seed % 2 else -1)
        line = line - 0.16 * smoothstep(-0.35, 0.5, to) * smoothstep(1.1, 0.7, theta)
    if person.hair_style in FALLING:
        line = line - 0.45 * smoothstep(1.12, 1.3, theta)
    ragged = 0.012 * np.sin(31 * theta + person.seed) + 0.008 * np.sin(67 * theta)
    inside = (grid.elevation - line + ragged) * 7.0
    if person.hair_style == "balding":  # what is left: a wreath round sides and back
        upper = np.interp(theta, [0, 1.1, 1.4, 1.8, 2.3, np.pi], [0.1, 0.5, 0.52, 0.6, 0.7, 0.8])
        lower = np.interp(theta, [0, 1.1, 1.3, 1.6, 2.3, np.pi], [2.0, 0.5, 0.12, 0.0, -0.5, -0.6])
        inside = np.minimum(upper - grid.elevation, grid.elevation - lower) * 7.0
    return np.asarray(np.clip(inside, -3, 3))


def _add_curtain(builder: MeshBuilder, person: Identity) -> None:
    """Add hair that hangs at the sides and back."""
    rows, columns = 44, 96
    length = 24.0 if person.hair_style == "long" else 9.5
    down = np.linspace(0, 1, rows)[:, None]
    around = np.linspace(np.radians(58), np.radians(302), columns)[None]
    y = 4.2 - (4.2 + length * 0.55 + 2.0) * down
    wave = np.sin(around * 23 + 5 * down + person.seed) + 0.6 * np.sin(around * 41 - 7 * down)
    side = np.abs(np.sin(around))
    spread = 1 + 0.13 * smoothstep(0.1, 0.7, down) + 0.05 * down
    rx = 7.9 * person.face_width * spread + 0.08 * wave * (0.4 + down)
    rz = 9.0 * spread * (1 - 0.18 * smoothstep(0.35, 1, down)) + 0.08 * wave * (0.4 + down)
    if person.hair_style == "bob":
        rx = rx * (1 - 0.12 * smoothstep(0.7, 1, down))
    x = rx * np.sin(around)
    z = -1.9 + rz * np.cos(around) + 1.0 * down * side
    vertices = np.stack(np.broadcast_arrays(x, y, z), -1).reshape(-1, 3)
    coords = np.stack(np.broadcast_arrays(around * 9, down * 14), -1).reshape(-1, 2)
    shape = (rows, columns)
    edge = np.broadcast_to(
        np.maximum(
            smoothstep(0.12, 0.0, np.minimum(around - around.min(), around.max() - around)),
            smoothstep(0.86, 1.0, down),
        ),
        shape,
    ).ravel()
    turn = smoothstep(-26, -7, vertices[:, 1])
    triangles = grid_triangles(rows, columns, wrap=False)
    shade = np.broadcast_to(0.8 + 0.05 * wave, shape).ravel()
    for order in (triangles, triangles[:, ::-1]):
        builder.add(vertices, order, HAIR, coords=coords, strand=edge, openness=shade, turn=turn)


def _add_bun(builder: MeshBuilder, person: Identity) -> None:
    grid_u, grid_v = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, 18), np.linspace(0, 2 * np.pi, 28, endpoint=False)
    )
    u, v = grid_u.T.ravel(), grid_v.T.ravel()
    ball = np.stack([np.sin(u) * np.sin(v), np.cos(u), np.sin(u) * np.cos(v)], -1)
    vertices = ball * [2.9, 2.5, 2.6] * (1 + 0.05 * np.sin(9 * v + 6 * u))[:, None] + [
        0,
        10.2,
        -6.8,
    ]
    coords = np.stack([v * 4, u * 6], -1)
    builder.add(vertices, grid_triangles(18, 28, wrap=True), HAIR, coords=coords)
