"""Things that people wear: glasses, headsets."""

import numpy as np

from mien.actors.head_grid import HeadGrid
from mien.actors.identity import Identity
from mien.actors.mesh import FRAME, MeshBuilder, grid_triangles, tube


def add_glasses(builder: MeshBuilder, grid: HeadGrid, person: Identity) -> None:
    """Add round or square glasses, of wire or thicker; the brows look over their rims."""
    front = grid.points[:, :, 2].max() - 2.0
    angle = np.linspace(0, 2 * np.pi, 41)
    power = 2.0 if person.seed % 3 else 3.4
    c, s = np.cos(angle), np.sin(angle)
    thick = 0.11 if person.seed % 2 else 0.15
    x = np.sign(c) * np.abs(c) ** (2 / power) * 2.45
    y = np.sign(s) * np.abs(s) ** (2 / power) * 1.7
    z = max(front, 8.6)
    for side in (1, -1):
        path = np.stack(
            [side * (3.2 * person.eye_distance + x), y - 0.65, z - 0.03 * (x + 2.5) ** 2], -1
        )
        vertices, triangles = tube(path, thick)
        builder.add(vertices, triangles, FRAME)
        arm = np.array([[5.5, 0.6, z - 0.6], [7.2, 0.7, 6.0], [7.5, 0.8, 0.0], [7.3, 0.0, -2.0]])
        arm[:, 0] *= side
        builder.add(*tube(arm, thick), FRAME)
    bridge = np.array([[-0.8, 0.1, z], [0, 0.45, z + 0.25], [0.8, 0.1, z]])
    builder.add(*tube(bridge, thick), FRAME)


def add_headset(builder: MeshBuilder, person: Identity) -> None:
    """Add a headset: a band over the hair and two shells, as wide as the head."""
    wide = person.face_width
    angle = np.linspace(np.radians(-4), np.radians(184), 36)
    band = np.stack([9.3 * wide * np.cos(angle), 1.0 + 12.9 * np.sin(angle), np.full(36, -0.5)], -1)
    builder.add(*tube(band, 0.55), FRAME)
    grid_u, grid_v = np.meshgrid(
        np.linspace(0, np.pi, 14), np.linspace(0, 2 * np.pi, 24, endpoint=False)
    )
    u, v = grid_u.T.ravel(), grid_v.T.ravel()
    ball = np.stack([np.cos(u) * 1.5, np.sin(u) * np.sin(v) * 3.3, np.sin(u) * np.cos(v) * 2.9], -1)
    for side in (1, -1):
        order = grid_triangles(14, 24, wrap=True)
        shell = ball + np.array([side * 8.7 * wide, -0.9, -0.6])
        builder.add(shell, order, FRAME)
        builder.add(shell, order[:, ::-1], FRAME)
