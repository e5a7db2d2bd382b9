"""What each Action Unit moves, in centimetres at full intensity, after the FACS manual.

Displacements add up; the lids are curves on the skin, so the units of the eye move curves, not
vertices. Left and right are apart: (unit, "L") is the actor's left, at positive x.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.actors.identity import Identity
from mien.actors.mesh import Mesh, smoothstep
from mien.actors.surface import MOUTH_Y

Array = NDArray[np.float64]

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26, 27, 43, 45)
"""The units that the head can act."""

SIDES = ("L", "R")
JAW_DEGREES = 24.0
JAW_AXIS = np.array([0.0, -1.5, 0.0])
WRINKLES = ("forehead", "sides", "glabella", "nasolabial", "crow", "nose", "chin", "smile")
"""Folds that units deepen, each a map of the skin's relief."""


class Pull(NamedTuple):
    """A displacement of the skin: (outward, up, forward) in cm, strongest at (x, y) of the face.

    wide, tall: how far it reaches. part: what it moves, above or below the line of the mouth; a
    "lip", which fades towards its corners, a "drawn" one later; the "brow", above the lids, whose
    edges stay where they are when it is lifted; the "cover" of the eye, which a lowered brow pushes
    down, and the edge of the upper lid less. from_corner: x counts in distances of the mouth's
    corner from its middle.
    """

    shift: tuple[float, float, float]
    x: float
    y: float
    wide: float
    tall: float
    part: str = "all"
    from_corner: bool = False


PULLS: dict[int, tuple[Pull, ...]] = {
    1: (
        Pull((0.05, 1.85, 0.1), 1.5, 1.7, 1.6, 1.7, "brow"),
        Pull((0.0, 0.35, 0.0), 1.5, 4.4, 2.2, 1.8),
    ),
    2: (
        Pull((0.0, 2.25, 0.05), 4.3, 1.6, 2.0, 1.7, "brow"),
        Pull((0.0, 0.35, 0.0), 4.2, 4.2, 2.2, 1.8),
    ),
    4: (
        Pull((-0.45, -1.0, 0.35), 1.6, 1.6, 1.7, 1.4, "cover"),
        Pull((-0.2, -0.92, 0.15), 3.8, 1.6, 2.2, 1.3, "cover"),
        Pull((0.0, -0.5, 0.0), 5.7, 1.5, 1.4, 1.1, "cover"),
        Pull((0.0, -0.25, 0.0), 1.5, 3.6, 2.0, 1.5),
    ),
    6: (
        Pull((0.1, 0.62, 0.28), 3.9, -2.3, 1.9, 1.4),
        Pull((0.0, 0.25, 0.12), 3.3, -1.2, 1.8, 0.7),
    ),
    7: (Pull((0.0, 0.12, 0.06), 3.2, -1.1, 1.7, 0.6),),
    9: (
        Pull((0.05, 0.65, 0.15), 1.3, -3.4, 1.1, 1.4),
        Pull((0.1, 0.58, 0.05), 1.3, -5.7, 1.4, 0.9, "upper"),
        Pull((0.0, 0.35, 0.25), 2.4, -1.9, 1.3, 1.0),
        Pull((-0.2, -0.5, 0.12), 1.3, 1.4, 1.2, 1.1),
    ),
    10: (
        Pull((0.05, 0.72, 0.12), 1.4, -6.2, 1.5, 1.0, "upper"),
        Pull((0.08, 0.45, 0.25), 2.4, -4.2, 1.3, 1.4),
    ),
    12: (
        Pull((1.12, 1.27, -0.5), 1.0, MOUTH_Y, 1.35, 1.2, from_corner=True),
        Pull((0.1, 0.42, 0.32), 3.7, -3.6, 1.6, 1.6),
        Pull((0.15, 0.1, -0.12), 1.2, MOUTH_Y, 1.4, 0.9),
        Pull((0.0, 0.22, -0.05), 0.7, MOUTH_Y + 0.6, 1.5, 0.7, "upper"),
    ),
    14: (Pull((0.35, 0.05, -0.35), 1.0, MOUTH_Y, 0.8, 0.8, from_corner=True),),
    15: (
        Pull((0.85, -0.85, -0.22), 1.05, MOUTH_Y - 0.1, 1.35, 0.95, from_corner=True),
        Pull((0.25, 0.05, 0.05), 1.5, -7.6, 1.4, 1.0, "lower"),
    ),
    16: (Pull((0.0, -0.4, 0.1), 0.8, -7.6, 1.6, 0.8, "lower"),),
    17: (
        Pull((0.0, 0.5, 0.14), 0.5, -9.6, 1.5, 1.1),
        Pull((0.0, 0.5, 0.36), 0.3, -7.5, 1.5, 0.8, "lower"),
        Pull((0.0, 0.26, 0.14), 0.3, -6.5, 1.5, 0.5, "upper"),
    ),
    18: (
        Pull((-0.75, 0.0, 0.45), 1.0, MOUTH_Y, 1.2, 1.1, from_corner=True),
        Pull((0.0, 0.0, 0.5), 0.3, MOUTH_Y, 1.3, 0.9),
    ),
    20: (
        Pull((1.7, -0.15, -0.6), 1.0, MOUTH_Y - 0.1, 1.2, 1.0, from_corner=True),
        Pull((0.3, -0.05, -0.1), 1.2, MOUTH_Y, 1.2, 0.9),
        Pull((0.0, -0.4, 0.0), 0.7, MOUTH_Y - 0.4, 1.0, 0.7, "drawn lip", from_corner=True),
    ),
    23: (
        Pull((-0.12, -0.14, -0.1), 0.8, -6.4, 1.6, 0.45, "upper"),
        Pull((-0.12, 0.14, -0.1), 0.8, -7.4, 1.6, 0.5, "lower"),
    ),
    24: (
        Pull((-0.12, -0.22, -0.1), 0.8, -6.4, 1.6, 0.45, "upper"),
        Pull((-0.12, 0.22, -0.1), 0.8, -7.4, 1.6, 0.5, "lower"),
    ),
    25: (
        Pull((0.0, 0.4, 0.06), 1.0, MOUTH_Y, 2.4, 1.3, "upper lip"),
        Pull((0.0, -0.95, 0.02), 1.0, MOUTH_Y, 2.4, 1.4, "lower lip"),
    ),
}
"""What each unit pulls; the lids' units (5, 43, 45) and the jaw's (26, 27) work otherwise."""

CORRECTIVES: dict[tuple[int, int], tuple[Pull, ...]] = {
    (1, 2): (Pull((0.0, -0.6, 0.0), 2.8, 1.6, 2.6, 1.7, "brow"),),
    (1, 4): (
        Pull((0.0, 0.72, 0.0), 1.6, 1.6, 1.7, 1.4, "cover"),
        Pull((0.0, 0.2, 0.0), 1.5, 3.6, 2.0, 1.5),
    ),
    (2, 4): (Pull((0.0, 0.7, 0.0), 3.8, 1.6, 2.0, 1.3, "cover"),),
    (25, 26): (
        Pull((0.0, -0.2, 0.0), 1.0, MOUTH_Y, 2.4, 1.3, "upper lip"),
        Pull((0.0, 0.6, 0.0), 1.0, MOUTH_Y, 2.4, 1.4, "lower lip"),
    ),
}
"""What two units do together beyond their sum, times the product of their shares.

Lifted as a whole a brow goes hardly higher than in parts. Where the forehead lifts it, the frown
still draws it inwards but hardly lowers it: the manual has the inner brows of 1 + 4 raised, and
those of 1 + 2 + 4 raised and drawn together. A jaw that drops parts the lips by itself: they need
not bare the gums as well.
"""

WITH_JAW = (
    Pull((-0.42, -0.1, 0.12), 1.0, MOUTH_Y, 1.3, 1.5, from_corner=True),
    Pull((0.0, 0.25, 0.0), 0.8, MOUTH_Y - 0.5, 1.6, 0.8, "lower lip"),
)
"""What comes with the jaw fully down: corners drawn in, the lower lip still over its teeth."""


@dataclass(frozen=True)
class Lids:
    """Opening of one eye in face coordinates: heights of the lids' arcs above its axis, cm."""

    upper: float
    lower: float


def shift_share(intensity: float) -> float:
    """Share of the full displacement at an intensity of 0 to 5.

    A trace is seen early: FACS calls what is about half of the way marked (C), and D and E, severe
    and maximum, lie close together.
    """
    return float(min(max(intensity, 0.0), 5.0) / 5) ** 0.8


def _bump(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    return np.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)


class FaceAction:
    """Displacement fields of one person's head."""

    def __init__(self, person: Identity, mesh: Mesh) -> None:
        self.person, self.mesh = person, mesh
        points = mesh.vertices[: mesh.head]
        owner = mesh.parent[: mesh.head]
        self._base = points[owner]
        self._lower = mesh.lower[owner]
        front = smoothstep(0.0, 3.5, self._base[:, 2]).astype(np.float32)[:, None]
        self._fields = {
            (unit, side): self._field(pulls, side) * front
            for unit, pulls in PULLS.items()
            for side in SIDES
        }
        self._correctives = {
            (*pair, side): self._field(pulls, side) * front
            for pair, pulls in CORRECTIVES.items()
            for side in SIDES
        }
        self._with_jaw = sum(self._field(WITH_JAW, side) for side in SIDES) * front
        self._jaw = self._jaw_weight()
        self._longer = (person.face_length - 1) * np.minimum(mesh.vertices[:, 1], 0)

    def _field(self, pulls: tuple[Pull, ...], side: str) -> NDArray[np.float32]:
        """Displacement (H, 3) at full intensity on one side; sides fade across the middle."""
        sign = 1 if side == "L" else -1
        x, y = self._base[:, 0] * sign, self._base[:, 1]
        corner = 2.3 * self.person.mouth_width
        upper = (~self._lower).astype(float)
        lip = np.clip(1 - (np.abs(self._base[:, 0]) / corner) ** 2, 0, 1)
        parts: dict[str, Array] = {
            "all": np.ones(len(x)),
            "upper": upper,
            "lower": 1 - upper,
            "upper lip": upper * lip,
            "lower lip": (1 - upper) * lip,
            "drawn lip": (1 - upper) * np.sqrt(lip),
            "brow": smoothstep(0.0, 0.75, self._above_lid(x, y)),
            "cover": smoothstep(-1.25, 1.05, self._above_lid(x, y)),
        }
        d = np.zeros_like(self._base)
        for pull in pulls:
            at = pull.x * (corner if pull.from_corner else 1.0)
            weight = _bump(x, y, at, pull.y, pull.wide, pull.tall) * parts[pull.part]
            d += weight[:, None] * np.array(pull.shift) * [sign, 1, 1]
        return (d * smoothstep(-0.7, 0.7, x)[:, None]).astype(np.float32)

    def _above_lid(self, x: Array, y: Array) -> Array:
        """How far above the edge of the upper lid places are, cm on an eye of average height."""
        person = self.person
        along = np.clip((x - 3.15 * person.eye_distance) / 1.5, -1, 1)
        axis = -0.02 + 1.5 * (0.05 + person.eye_tilt) * along
        arch = 0.35 * (1 - along**2)
        return np.asarray((y - axis) / (person.eye_size * person.eye_height) - arch)

    def _jaw_weight(self) -> Array:
        """Share of the jaw's turn that each vertex of the head takes."""
        x, y, z = self._base.T
        corner = 2.3 * self.person.mouth_width
        side = smoothstep(-4.6, -9.3, y)
        step = np.where(self._lower, np.clip(0.9 + 0.1 * smoothstep(-7, -9, y), 0, 1), 0.0)
        away = smoothstep(0.55 * corner, 1.2 * corner, np.abs(x))
        weight = step * (1 - away) + side * away
        above = smoothstep(MOUTH_Y + 2.2, MOUTH_Y, y)
        weight = np.where(self._lower, weight, weight * above)
        return weight * smoothstep(-0.5, 3.0, z + 0.35 * (y + 8)) * smoothstep(-14.5, -11.5, y)

    def vertices(self, intensity: Mapping[tuple[int, str], float]) -> Array:
        """Return the mesh's vertices (V, 3) with units acted at 0 to 5, in head space."""
        moved = self.mesh.vertices.copy()
        head = moved[: self.mesh.head]
        share = {key: shift_share(value) for key, value in intensity.items() if value > 0}
        for key, size in share.items():
            if key in self._fields:
                head += self._fields[key] * size
        for (one, other, side), field in self._correctives.items():
            size = share.get((one, side), 0.0) * share.get((other, side), 0.0)
            if size:
                head += field * size
        drop = self.jaw(intensity)
        if drop > 0:
            head += self._with_jaw * drop
            angle = np.radians(JAW_DEGREES * drop)
            head += (_turned(head, angle) - head) * self._jaw[:, None]
            rest = self.mesh.jaw
            moved[rest] = _turned(moved[rest], angle)
        moved[:, 1] += self._longer
        return moved

    @staticmethod
    def jaw(intensity: Mapping[tuple[int, str], float]) -> float:
        """How far the jaw is down, 0 to 1."""
        drop, stretch = (max(intensity.get((au, s), 0.0) for s in SIDES) for au in (26, 27))
        return max(0.80 * shift_share(drop), shift_share(stretch))

    def lids(self, intensity: Mapping[tuple[int, str], float], side: str) -> Lids:
        """Return the lids' curves on one side."""
        size = self.person.eye_size * self.person.eye_height

        def unit(number: int) -> float:
            return shift_share(intensity.get((number, side), 0.0))

        # The lid is shut well before the last of the intensity.
        closed = min(1.4 * max(unit(45), unit(43)) ** 1.125, 1.0)
        # What narrows an eye leaves a slit of what there was: together they do not close it.
        upper = 0.43 * (1 - 0.18 * unit(6)) * (1 - 0.45 * unit(7))
        lower = 0.42 * (1 - 0.92 * unit(6)) * (1 - 0.75 * unit(7)) * (1 - 0.3 * unit(9))
        # A lifted brow takes the lid's fold with it.
        upper += 0.37 * unit(5) * (1 - 0.6 * max(unit(1), unit(2)))
        lower += 0.05 * unit(5) - 0.06 * unit(12)
        meet = -0.42
        upper, lower = upper * size, lower * size
        return Lids(upper + (meet - upper) * closed, lower + (-meet - lower) * closed)

    def wrinkles(self, intensity: Mapping[tuple[int, str], float]) -> Array:
        """Return how deep each of `WRINKLES` is, (K, 2): on the actor's left, right."""
        aged = float(np.clip((self.person.age - 25) / 45, 0, 1))
        out = np.zeros((len(WRINKLES), 2))
        for i, side in enumerate(SIDES):

            def unit(number: int, side: str = side) -> float:
                return min(intensity.get((number, side), 0.0), 5.0) / 5

            out[:, i] = (
                0.9 * unit(1) + 0.2 * unit(2) + 0.5 * aged,
                0.15 * unit(1) + 0.9 * unit(2) + 0.5 * aged,
                0.9 * unit(4) + 0.35 * unit(9) + 0.35 * aged,
                0.9 * unit(12)
                + 0.9 * unit(10)
                + 0.6 * unit(9)
                + 0.25 * unit(20)
                + 0.10
                + 0.65 * aged,
                0.9 * unit(6) + 0.3 * unit(12) + 0.3 * unit(7) + 0.7 * aged,
                1.0 * unit(9) + 0.15 * unit(10),
                1.0 * unit(17) + 0.25 * unit(15),
                0.8 * unit(12) + 0.4 * unit(14) + 0.4 * unit(20) + 0.3 * aged,
            )
        return out


def _turned(points: Array, angle: float) -> Array:
    """Turn points about the jaw's axis, opening the mouth, with the slide that goes with it."""
    y, z = points[:, 1] - JAW_AXIS[1], points[:, 2] - JAW_AXIS[2]
    out = points.copy()
    out[:, 1] = JAW_AXIS[1] + y * np.cos(angle) - z * np.sin(angle)
    out[:, 2] = JAW_AXIS[2] + y * np.sin(angle) + z * np.cos(angle)
    out[:, 2] += 0.25 * angle
    return out
