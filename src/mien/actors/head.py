"""An actor's neutral head: face, mouth, ears, on a neck and shoulders."""

import numpy as np
from numpy.typing import NDArray

from mien.actors import surface
from mien.actors.hair import add_hair, stubble
from mien.actors.head_grid import COLUMNS, ROWS, HeadGrid, sample_head
from mien.actors.identity import Identity
from mien.actors.locks import FALLING
from mien.actors.mesh import (
    CAVITY,
    CLOTH,
    INNER,
    SKIN,
    TEETH,
    TONGUE,
    Array,
    Mesh,
    MeshBuilder,
    grid_triangles,
    smoothstep,
)
from mien.actors.props import add_glasses, add_headset


def build_mesh(person: Identity) -> Mesh:
    """Make a person's neutral mesh."""
    p = surface.parameters(person)
    grid = sample_head(p)
    builder = MeshBuilder()
    lower = _add_head(builder, grid, person, p)
    head = builder.count
    _add_mouth(builder, person)
    if person.hair_style not in FALLING:
        _add_ears(builder, person)
    _add_torso(builder, person)
    add_hair(builder, grid, person)
    if person.glasses:
        add_glasses(builder, grid, person)
    if person.headset:
        add_headset(builder, person)
    return Mesh(
        np.concatenate(builder.vertices),
        np.concatenate(builder.coords),
        np.concatenate(builder.parent),
        np.concatenate(builder.triangles),
        np.concatenate(builder.material),
        np.concatenate(builder.openness),
        np.concatenate(builder.turn),
        np.concatenate(builder.strand),
        head,
        lower,
        np.concatenate(builder.jaw),
        np.concatenate(builder.casting),
    )


def head_turn(points: Array) -> Array:
    """Share of the head's rotation that points of head and neck take."""
    return smoothstep(-15.0, -8.5, points[:, 1] + 0.5 * points[:, 2])


def _add_head(
    builder: MeshBuilder, grid: HeadGrid, person: Identity, p: Array
) -> NDArray[np.bool_]:
    """Add the face with the mouth cut open, and the lips' insides; returns what is lower lip."""
    points = grid.points.reshape(-1, 3)
    normals = surface.normals(points, p, 0.02)
    openness = surface.occlusion(points, normals, p)
    row = grid.mouth_row
    triangles, casting = grid_triangles(ROWS, COLUMNS, wrap=True), _coarse_triangles(row)
    line = grid.points[row]
    corner = 2.3 * person.mouth_width
    inside = np.flatnonzero((np.abs(line[:, 0]) < corner) & (line[:, 2] > 0))
    cut = row * COLUMNS + inside
    # Lower lip: its own copy of the line; triangles below the line use it.
    copies = {int(v): len(points) + i for i, v in enumerate(cut)}
    remap = np.arange(len(points))
    for old, new in copies.items():
        remap[old] = new
    for some in (triangles, casting):
        below = some // COLUMNS
        is_below = (below >= row).all(1) & (below > row).any(1)
        some[is_below] = remap[some[is_below]]
    vertices = np.concatenate([points, points[cut]])
    turn = head_turn(vertices)
    all_open = np.concatenate([openness, openness[cut]])
    roots = np.concatenate([stubble(grid, person), np.zeros(len(cut))])
    builder.add(
        vertices, triangles, SKIN, coords=_face_coords(vertices), openness=all_open, turn=turn,
        strand=roots, casting=casting,
    )  # fmt: skip
    lower = np.zeros(len(vertices), bool)
    lower[len(points) :] = True
    rows_of = np.arange(len(points)) // COLUMNS
    lower[: len(points)] = rows_of > row
    _add_inner_lips(builder, points[cut], cut, up=True)
    _add_inner_lips(builder, points[cut], np.array([copies[int(v)] for v in cut]), up=False)
    _add_lining(builder, vertices, triangles)
    full = np.zeros(builder.count, bool)
    full[: len(lower)] = lower
    full[len(lower) :] = lower[np.concatenate(builder.parent)[len(lower) :]]
    return full


def _coarse_triangles(mouth_row: int) -> NDArray[np.int64]:
    """Triangles over every second row and column of the head, the mouth's row among them.

    From the chin down every row: there are few on the neck.
    """
    chin = mouth_row + 14
    rows = np.unique([0, *range(mouth_row % 2, chin, 2), *range(chin, ROWS)])
    number = rows[:, None] * COLUMNS + np.arange(0, COLUMNS, 2)
    return np.asarray(number.ravel()[grid_triangles(len(rows), COLUMNS // 2, wrap=True)])


def _face_coords(points: Array) -> Array:
    """Face coordinates: x and y, but unrolled at the sides, where x alone would smear."""
    x, y, z = points.T
    aside = np.maximum(3.5 - z, 0) * smoothstep(3.5, 6.0, np.abs(x))
    on_map = np.where(y < -11.5, -11.5 + 0.45 * (y + 11.5), y)  # room for the neck
    return np.stack([x + np.sign(x) * 0.6 * aside, on_map], -1)


def _add_inner_lips(builder: MeshBuilder, line: Array, parents: NDArray[np.int_], up: bool) -> None:
    sign = 1 if up else -1
    depth = np.array([0.0, 0.35, 0.9, 2.2])
    rise = np.array([0.0, 0.10, 0.45, 1.3]) * sign
    strips = [line * [1 - 0.02 * i, 1, 1] + [0, rise[i], -depth[i]] for i in range(len(depth))]
    vertices = np.concatenate(strips)
    triangles = grid_triangles(len(depth), len(line), wrap=False)
    if not up:
        triangles = triangles[:, ::-1]
    shade = np.repeat([0.75, 0.5, 0.25, 0.1], len(line))
    builder.add(vertices, triangles, INNER, parent=np.tile(parents, len(depth)), openness=shade)


def _add_lining(builder: MeshBuilder, points: Array, triangles: NDArray[np.int_]) -> None:
    """Line lips and cheeks from inside: an open mouth, from aside, shows the far ones."""
    x, y, z = points[triangles].mean(1).T
    near = (np.abs(x) < 7.2) & (y > -11.0) & (y < -4.5) & (z > 0.5)
    used, inward = np.unique(triangles[near][:, ::-1], return_inverse=True)
    builder.add(points[used], inward.reshape(-1, 3), CAVITY, parent=used, openness=0.25)


def _add_arch(builder: MeshBuilder, person: Identity, upper: bool) -> None:
    """Add a row of teeth: its front, and the edge that it bites with."""
    across = np.linspace(-1, 1, 29)
    x = across * (2.3 if upper else 1.95) * person.mouth_width
    z = (7.95 if upper else 7.5) - 0.2 * x**2
    top, bottom = (-5.85, -7.2) if upper else (-7.25, -8.05)
    above = np.stack([x, np.full_like(x, top), z - 0.1], -1)
    below = np.stack([x, np.full_like(x, bottom), z], -1)
    edge = (below if upper else above) - [0, 0, 0.3]
    rows = [above, below, edge] if upper else [edge, above, below]
    coords = np.stack([np.tile(across * 4.5, 3), np.repeat([0.0, 0.5, 1.0], len(x))], -1)
    light = (0.8 if upper else 0.5) * (1 - 0.65 * np.abs(across) ** 1.5)
    builder.add(
        np.concatenate(rows),
        grid_triangles(3, len(x), wrap=False),
        TEETH,
        coords=coords,
        openness=np.tile(light, 3),
        jaw=not upper,
    )


def _add_mouth(builder: MeshBuilder, person: Identity) -> None:
    """Add what is behind the lips: teeth, tongue, the dark at the back, and a wall behind it."""
    for upper in (True, False):
        _add_arch(builder, person, upper)
    turn, depth = np.meshgrid(
        np.linspace(0, 2 * np.pi, 20, endpoint=False), np.linspace(np.pi / 2, 0.05, 7)
    )
    round_x, round_y = np.sin(depth) * np.cos(turn), np.sin(depth) * np.sin(turn)
    x = 4.0 * person.face_width * round_x
    bag = np.stack([x, -7.2 + 2.6 * round_y, 6.3 - 0.115 * x**2 - 3.3 * np.cos(depth)], -1)
    inward = grid_triangles(7, 20, wrap=True)[:, ::-1]
    falls = (round_y < -0.1).ravel()  # its floor goes down with the jaw
    builder.add(bag.reshape(-1, 3), inward, CAVITY, openness=0.25, jaw=falls)
    rim = ((4.0, -4.0), (3.6, -7.4), (2.0, -9.6))
    wall = [[side * x * person.face_width, y, 2.0] for x, y in rim for side in (-1, 1)]
    builder.add(np.array(wall), grid_triangles(3, 2, wrap=False), CAVITY, openness=0.1)
    u, v = np.meshgrid(np.linspace(-1, 1, 11), np.linspace(0, 1, 8))
    tongue = np.stack(
        [
            1.5 * u * np.sqrt(1.02 - (v - 0.3) ** 2),
            -7.4 + 0.5 * (1 - u**2) - 0.6 * v**3 + 0.25 * v,
            5.0 + 2.5 * v,
        ],
        -1,
    ).reshape(-1, 3)
    builder.add(tongue, grid_triangles(8, 11, wrap=False), TONGUE, openness=0.6, jaw=True)


def _add_ears(builder: MeshBuilder, person: Identity) -> None:
    rings, spokes = 12, 40
    turn = np.linspace(0, 2 * np.pi, spokes, endpoint=False)
    grid_u, grid_v = np.meshgrid(np.linspace(0, 1, rings), turn)
    u, v = grid_u.T.ravel(), grid_v.T.ravel()
    up, back = np.sin(v), np.cos(v)
    # Outline: broad above, drawn in below to the lobe.
    wide = 1.72 * (1 - 0.26 * (1 - up) * 0.5 - 0.10 * (up < -0.6))
    tall = 3.05
    rim = np.exp(-(((u - 0.90) / 0.09) ** 2)) * 0.6 * smoothstep(-0.9, -0.3, up + 0.35 * back)
    fold = np.exp(-(((u - 0.58) / 0.12) ** 2)) * 0.5 * smoothstep(-0.3, 0.5, back)
    bowl = -0.75 * np.exp(-((u / 0.42) ** 2))
    flap = (
        0.30
        * np.exp(-(((u - 0.62) / 0.16) ** 2))
        * smoothstep(0.55, 0.95, -back)
        * (np.abs(up) < 0.5)
    )
    height = rim + fold + bowl + flap + 0.25 * u - 0.75 * smoothstep(0.93, 1.0, u)
    shape = np.stack([height, up * u * tall, -back * u * wide], -1) * person.ears
    splay, lean = np.radians(24), np.radians(10)
    sx, cx = np.sin(splay), np.cos(splay)
    sl, cl = np.sin(lean), np.cos(lean)
    x = shape[:, 0] * cx - shape[:, 2] * sx
    z0 = shape[:, 2] * cx + shape[:, 0] * sx
    y, z = shape[:, 1] * cl + z0 * sl, z0 * cl - shape[:, 1] * sl
    place = np.array([6.75 * person.face_width, -1.4, -1.3])
    triangles = grid_triangles(rings, spokes, wrap=True)
    groove = np.exp(-(((u - 0.75) / 0.07) ** 2)) * smoothstep(-0.5, 0.2, up + 0.6 * back)
    shade = np.clip(1 - 0.75 * np.exp(-((u / 0.46) ** 2)) - 0.45 * groove, 0.15, 1)
    for side in (1, -1):
        vertices = np.stack([x, y, z], -1) + place
        vertices[:, 0] *= side
        order = triangles if side > 0 else triangles[:, ::-1]
        coords = np.stack([np.full(len(u), 10.5 * side), y * 0.6], -1)
        builder.add(vertices, order, SKIN, coords=coords, openness=shade)


def _add_torso(builder: MeshBuilder, person: Identity) -> None:
    """Add shoulders, chest and arms under cloth, from a collar that lies lower in front."""
    rows, columns = 30, 80
    down = np.linspace(0, 1, rows)[:, None] ** 1.3
    around = np.linspace(-np.pi, np.pi, columns, endpoint=False)[None]
    side, front = np.sin(around), np.cos(around)
    turn, chest = 0.5 * np.pi * np.clip(down / 0.3, 0, 1), smoothstep(0, 0.6, down)
    out = np.sin(turn)  # from the neck to the point of the shoulder, round which it falls
    reach = _trunk(side, front, 1 - 0.1 * smoothstep(0.35, 0.8, down), person.male)
    x = 4.6 * person.neck * side * (1 - out) + reach * side * out
    z = 4.75 * person.neck * front * (1 - chest) + (reach + 1.5) * front * chest - 3.7
    slope = 1.0 + 3.6 * np.abs(side) ** 1.5
    y = -14.2 - 1.5 * front - slope * out - 4.0 * (1 - np.cos(turn))
    y = y - 54 * np.maximum(down - 0.3, 0)
    vertices = np.stack(np.broadcast_arrays(x, y, z), -1).reshape(-1, 3)
    coords = np.stack(np.broadcast_arrays(around * 8, down * 60), -1).reshape(-1, 2)
    shade = np.broadcast_to(0.5 + 0.5 * smoothstep(0.0, 0.15, down), (rows, columns)).ravel()
    triangles = grid_triangles(rows, columns, wrap=True)
    builder.add(vertices, triangles, CLOTH, coords=coords, openness=shade, turn=0.0)
    inside = grid_triangles(8, columns, wrap=True)[:, ::-1]  # of the collar, behind the neck
    some = 8 * columns
    builder.add(vertices[:some], inside, CLOTH, coords=coords[:some], openness=0.25, turn=0.0)


def _trunk(side: Array, front: Array, slim: Array, male: float) -> Array:
    """How far chest and arms reach in directions of a slice (rows, columns), cm."""
    broad, deep, arm = (14.0 + 2.5 * male) * slim, 9.2, 4.4 + 0.6 * male
    body = 1 / np.sqrt((side / broad) ** 2 + (front / deep) ** 2)
    middle = 15.4 + 3.4 * male
    within = arm**2 - (middle * front) ** 2
    arms = np.where(within > 0, middle * np.abs(side) + np.sqrt(np.maximum(within, 0)), 0.0)
    near = np.maximum(2.0 - np.abs(body - arms), 0) / 2.0
    return np.maximum(body, arms) + near**2 * 0.5
