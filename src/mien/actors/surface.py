"""The head as an implicit surface of smoothly joined solids, sampled along rays from its centre.

Coordinates in centimetres, origin between the ears at eye level: x to the viewer's right, y up, z
out of the face. Everything is symmetric in x.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from mien.actors.identity import Identity

Array = NDArray[np.float64]

# Order of the shape parameters that the compiled field takes.
PARAMETERS = (
    *("face_width", "jaw_width", "jaw_height", "chin", "cheekbones", "forehead", "brow_ridge"),
    *("eye_distance", "nose_length", "nose_width", "nose_depth", "nose_bridge", "mouth_width"),
    *("upper_lip", "lower_lip", "cheek_fullness", "neck"),
)

CENTRE = np.array([0.0, -1.0, -2.2])
"""Where the rays start: from here the whole surface is seen, the neck's front included."""

NECK_END = -17.5
MOUTH_Y = -6.85


def parameters(person: Identity) -> Array:
    """Shape parameters of a person, in the order of `PARAMETERS`."""
    return np.array([getattr(person, name) for name in PARAMETERS])


@numba.njit(cache=True, fastmath=True)
def _ellipsoid(x, y, z, cx, cy, cz, rx, ry, rz):
    dx, dy, dz = (x - cx) / rx, (y - cy) / ry, (z - cz) / rz
    k0 = np.sqrt(dx * dx + dy * dy + dz * dz)
    ex, ey, ez = dx / rx, dy / ry, dz / rz
    k1 = np.sqrt(ex * ex + ey * ey + ez * ez) + 1e-9
    return k0 * (k0 - 1.0) / k1


@numba.njit(cache=True, fastmath=True)
def _capsule(x, y, z, ax, ay, az, bx, by, bz, ra, rb):
    ux, uy, uz = bx - ax, by - ay, bz - az
    t = ((x - ax) * ux + (y - ay) * uy + (z - az) * uz) / (ux * ux + uy * uy + uz * uz)
    t = min(1.0, max(0.0, t))
    dx, dy, dz = x - ax - t * ux, y - ay - t * uy, z - az - t * uz
    return np.sqrt(dx * dx + dy * dy + dz * dz) - (ra + t * (rb - ra))


@numba.njit(cache=True, fastmath=True)
def _join(a, b, k):
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - h * h * k * 0.25


@numba.njit(cache=True, fastmath=True)
def _carve(a, b, k):
    return -_join(-a, b, k)


@numba.njit(cache=True, fastmath=True)
def _skull(x, y, z, p):
    """Cranium, jaw, cheeks, muzzle and brow ridge: what the features are set into."""
    width, jaw_w, jaw_h, chin, cheek, forehead, ridge, eyes, full = (
        p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[15],
    )  # fmt: skip
    jaw = -10.5 * jaw_h
    d = _ellipsoid(x, y, z, 0.0, 3.2, -1.3, 7.25 * width, 8.3 * forehead, 9.3)
    d = _join(d, _ellipsoid(x, y, z, 0.0, 3.4, 3.6, 5.6 * width, 4.6 * forehead, 4.75), 2.5)
    d = _join(d, _ellipsoid(x, y, z, 0.0, -3.6, 1.8, 5.9 * width, 6.8 * jaw_h, 6.65), 2.6)
    # Jaw: from its angle to the chin.
    d = _join(
        d,
        _capsule(x, y, z, 4.25 * jaw_w, -6.7, 0.6, 1.25 * jaw_w, jaw + 0.6, 6.2, 1.15, 1.25),
        1.8,
    )
    # From below the ear down to the jaw's angle.
    d = _join(
        d, _capsule(x, y, z, 5.75 * width, -1.6, -0.3, 4.2 * jaw_w, -6.4, 0.9, 0.95, 1.0), 2.4
    )
    d = _join(d, _ellipsoid(x, y, z, 0.42 * chin, jaw + 0.35, 7.2, 1.5 * chin, 1.2, 1.25), 1.6)
    # What is under the tongue.
    d = _join(d, _ellipsoid(x, y, z, 0.0, jaw + 1.6, 2.6, 3.2 * jaw_w, 1.5, 4.4), 1.8)
    # Cheekbones and cheeks.
    d = _join(
        d, _ellipsoid(x, y, z, 4.45 * width, -1.9, 4.7, 2.0, 1.45 * cheek, 1.9 + 0.25 * cheek), 2.0
    )
    d = _join(d, _ellipsoid(x, y, z, 3.5, -4.5, 5.5, 1.9, 2.2, 1.85 * (0.8 + 0.2 * full)), 2.0)
    d = _join(
        d,
        _ellipsoid(x, y, z, 3.55 * width, -5.4, 3.2, 1.0 + 0.65 * full, 2.6, 1.8 + 0.6 * full),
        2.2,
    )
    # Muzzle, brow ridge.
    d = _join(d, _ellipsoid(x, y, z, 0.0, -6.6, 5.9, 3.0, 2.6, 3.05), 1.8)
    return _join(
        d, _capsule(x, y, z, 0.7, 1.55, 7.75, 4.3 * eyes, 1.7, 6.0, 0.65, 0.55 + 0.25 * ridge), 1.1
    )


@numba.njit(cache=True, fastmath=True)
def field(x, y, z, p):
    """Return the signed distance, roughly, of a point to the head's surface."""
    x = abs(x)
    eyes, nose_l, nose_w, nose_d, bridge, mouth_w, upper, lower, neck = (
        p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[16],
    )  # fmt: skip
    d = _skull(x, y, z, p)
    # Sockets, then the lids over the eyeballs.
    ex = 3.15 * eyes
    d = _carve(d, _ellipsoid(x, y, z, ex, 0.05, 9.2, 1.75, 1.05, 1.5), 1.3)
    d = _join(d, _ellipsoid(x, y, z, ex, -0.02, 6.62, 1.42, 1.22, 1.35), 0.55)
    # Nose: bridge, tip, wings, septum; nostrils.
    tip_y, tip_z = -3.6 * nose_l, 8.6 + 1.7 * nose_d
    d = _join(
        d,
        _capsule(
            x, y, z, 0.0, 0.55, 7.55 + 0.35 * bridge, 0.0, tip_y + 0.35, tip_z - 0.35, 0.42, 0.66
        ),
        1.15,
    )
    d = _join(d, _ellipsoid(x, y, z, 0.22, tip_y, tip_z, 0.78 * nose_w, 0.7, 0.72), 0.6)
    wing_y = tip_y - 0.35
    d = _join(d, _ellipsoid(x, y, z, 1.16 * nose_w, wing_y, tip_z - 1.35, 0.52, 0.56, 0.92), 0.7)
    d = _join(
        d, _capsule(x, y, z, 0.0, tip_y - 0.6, tip_z - 0.5, 0.0, tip_y - 1.0, 8.6, 0.3, 0.35), 0.5
    )
    d = _carve(
        d, _ellipsoid(x, y, z, 0.62 * nose_w, tip_y - 0.92, tip_z - 0.72, 0.36, 0.42, 0.52), 0.25
    )
    # Lips around the line at MOUTH_Y, philtrum above.
    corner = 2.3 * mouth_w
    d = _join(
        d,
        _capsule(x, y, z, 0.45, -6.42, 8.80, corner, -6.8, 7.55, 0.46 * upper, 0.16),
        0.45,
    )
    d = _join(
        d,
        _capsule(x, y, z, 0.0, -7.32, 8.72, corner * 0.93, -6.96, 7.6, 0.56 * lower, 0.14),
        0.45,
    )
    d = _carve(d, _capsule(x, y, z, 0.0, -4.9, 9.35, 0.0, -6.05, 9.4, 0.2, 0.28), 0.35)
    d = _carve(
        d, _capsule(x, y, z, 0.0, MOUTH_Y, 9.45, corner * 1.06, MOUTH_Y, 8.05, 0.16, 0.10), 0.30
    )
    d = _carve(d, _ellipsoid(x, y, z, 0.0, -8.5, 9.2, 1.7, 0.42, 0.75), 0.9)
    # Neck, with the two muscles in front.
    wide = 4.75 * neck
    d = _join(d, _capsule(x, y, z, 0.0, -4.0, -3.0, 0.0, -19.0, -4.2, wide, wide * 1.04), 1.6)
    return _join(d, _capsule(x, y, z, 4.0, -6.5, -2.4, 1.2, -17.0, 0.0, 0.7, 0.6), 3.0)


@numba.njit(cache=True, fastmath=True, parallel=False)
def cast(directions, p):
    """Return how far along each direction (N, 3) from CENTRE the surface lies, (N,)."""
    out = np.empty(len(directions))
    for i in range(len(directions)):
        dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
        t = 24.0
        for _ in range(160):
            d = field(dx * t, dy * t - 1.0, dz * t - 2.2, p)
            if d < 0.002 or t < 2.0:
                break
            t -= min(d, 1.0) * 0.6
        out[i] = t
    return out


@numba.njit(cache=True, fastmath=True)
def distances(points, p):
    """Return the field at points (N, 3), (N,)."""
    out = np.empty(len(points))
    for i in range(len(points)):
        out[i] = field(points[i, 0], points[i, 1], points[i, 2], p)
    return out


@numba.njit(cache=True, fastmath=True)
def occlusion(points, normals, p):
    """Return how open the surroundings of each point are, 0 to 1, (N,)."""
    out = np.empty(len(points))
    for i in range(len(points)):
        open_ = 0.0
        weight = 0.0
        for step in (0.35, 0.8, 1.6, 3.0):
            d = field(
                points[i, 0] + normals[i, 0] * step,
                points[i, 1] + normals[i, 1] * step,
                points[i, 2] + normals[i, 2] * step,
                p,
            )
            open_ += min(max(d / step, 0.0), 1.0) / step**0.5
            weight += 1.0 / step**0.5
        out[i] = open_ / weight
    return out


def normals(points: Array, p: Array, step: float) -> Array:
    """Return unit normals of the surface at, or near, points (N, 3), over a step in cm."""
    out = np.empty_like(points)
    for axis in range(3):
        ahead, behind = points.copy(), points.copy()
        ahead[:, axis] += step
        behind[:, axis] -= step
        out[:, axis] = distances(ahead, p) - distances(behind, p)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
