"""The head's surface as a grid of points, one row of it along the line of the mouth."""

from dataclasses import dataclass

import numpy as np

from mien.actors import surface
from mien.actors.mesh import Array, smoothstep

COLUMNS, ROWS = 132, 124


def _spread(n: int, low: float, high: float, bumps: list[tuple[float, float, float]]) -> Array:
    """n values from low to high, denser around bumps (centre, width, density)."""
    fine = np.linspace(low, high, 4000)
    density = np.ones(4000) + sum(d * np.exp(-(((fine - c) / w) ** 2)) for c, w, d in bumps)
    total = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(np.linspace(0, total[-1], n), total, fine)


def _directions(azimuth: Array, elevation: Array) -> Array:
    return np.stack(
        [
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ],
        -1,
    )


@dataclass
class HeadGrid:
    """Azimuth per column, and per point its elevation, ray and place; mouth_row: the cut row."""

    azimuth: Array
    elevation: Array
    directions: Array
    points: Array
    mouth_row: int


def sample_head(p: Array) -> HeadGrid:
    """Sample the head's surface so that one row runs along the line of the mouth."""
    azimuth = _spread(COLUMNS + 1, -np.pi, np.pi, [(0.0, 0.65, 4.5), (0.0, 0.26, 3.0)])[:-1]
    azimuth -= azimuth[np.argmin(np.abs(azimuth))]
    rows = _spread(
        ROWS,
        np.radians(87),
        np.radians(-84),
        [(0.10, 0.2, 3.0), (-0.2, 0.25, 2.0), (-0.49, 0.15, 7.0)],
    )
    target = _mouth_elevation(azimuth, p)
    middle = target[np.argmin(np.abs(azimuth))]
    mouth_row = int(np.argmin(np.abs(rows - middle)))
    near = np.exp(-(((rows - rows[mouth_row]) / 0.18) ** 2))
    rows = rows + (middle - rows[mouth_row]) * near
    shift = np.where(np.abs(azimuth) < 0.42, target - middle, 0.0)
    shift *= smoothstep(0.42, 0.30, np.abs(azimuth))
    elevation = rows[:, None] + shift[None] * near[:, None]
    around = np.broadcast_to(azimuth, elevation.shape)
    directions = _directions(around, elevation)
    radius = surface.cast(directions.reshape(-1, 3), p).reshape(elevation.shape)
    down = directions[..., 1].clip(max=-1e-6)
    end = (surface.NECK_END - surface.CENTRE[1]) / down
    radius = np.where(directions[..., 1] < 0, np.minimum(radius, end), radius)
    points = directions * radius[..., None] + surface.CENTRE
    slim = 1 - 0.14 * smoothstep(-11.6, -14.0, points[..., 1])  # into the collar
    points[..., 0] *= slim
    points[..., 2] = -3.6 + (points[..., 2] + 3.6) * slim
    return HeadGrid(azimuth, elevation, directions, points, mouth_row)


def _mouth_elevation(azimuth: Array, p: Array) -> Array:
    """Elevation at which the surface meets the height of the mouth, per column."""
    elevation = np.full(len(azimuth), -0.49)
    for _ in range(8):
        radius = surface.cast(_directions(azimuth, elevation), p)
        flat = radius * np.cos(elevation)
        drop = surface.MOUTH_Y - surface.CENTRE[1]
        elevation = 0.5 * elevation + 0.5 * np.arctan2(drop, np.maximum(flat, 3.0))
    return elevation
