"""Compiled kernels: what is seen in every pixel, and from the light. Plain arrays in and out."""

import numba
import numpy as np

from mien.actors.mesh import HAIR

TONES = 8192


@numba.njit(cache=True, fastmath=True, nogil=True)
def vertex_normals(points, triangles):
    """Return unit normals (V, 3), weighted by area."""
    out = np.zeros((len(points), 3), np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (
            points[b, 0] - points[a, 0],
            points[b, 1] - points[a, 1],
            points[b, 2] - points[a, 2],
        )
        vx, vy, vz = (
            points[c, 0] - points[a, 0],
            points[c, 1] - points[a, 1],
            points[c, 2] - points[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(len(points)):
        size = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2) + 1e-12
        out[v, 0] /= size
        out[v, 1] /= size
        out[v, 2] /= size
    return out


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _hash(x, y):
    n = np.int64(x) * 374761393 + np.int64(y) * 668265263
    n = (n ^ (n >> 13)) * 1274126177
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


@numba.njit(cache=True, fastmath=True, nogil=True)
def waves(u, v):
    """Smooth noise on a lattice of whole numbers, 0 to 1."""
    iu, iv = np.floor(u), np.floor(v)
    du, dv = u - iu, v - iv
    du, dv = du * du * (3 - 2 * du), dv * dv * (3 - 2 * dv)
    low = _hash(iu, iv) * (1 - du) + _hash(iu + 1, iv) * du
    high = _hash(iu, iv + 1) * (1 - du) + _hash(iu + 1, iv + 1) * du
    return low * (1 - dv) + high * dv


@numba.njit(cache=True, fastmath=True, nogil=True)
def strand_noise(u, v):
    """Noise along hair: fine across, long along; 0 to 1."""
    return 0.6 * waves(6.0 * u, 0.25 * v) + 0.4 * waves(17.0 * u, 0.5 * v)


@numba.njit(cache=True, fastmath=True, nogil=True)
def visibility(screen, triangles, material, strand, coords, width, height):
    """Find the triangle seen in every pixel.

    screen: (V, 3) x, y in pixels and 1 / depth (larger is nearer). Returns triangle (H, W) or -1,
    the weights of its second and third corner, and depth. Hair frays where strand says so.
    """
    seen = np.full((height, width), -1, np.int32)
    second = np.zeros((height, width), np.float32)
    third = np.zeros((height, width), np.float32)
    depth = np.zeros((height, width), np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1],
        )  # fmt: skip
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= -1e-9:  # turned away (y runs down)
            continue
        x0 = max(int(np.ceil(min(ax, bx, cx) - 0.5)), 0)
        x1 = min(int(np.floor(max(ax, bx, cx) - 0.5)), width - 1)
        y0 = max(int(np.ceil(min(ay, by, cy) - 0.5)), 0)
        y1 = min(int(np.floor(max(ay, by, cy) - 0.5)), height - 1)
        if x0 > x1 or y0 > y1:
            continue
        inverse = 1.0 / area
        za, zb, zc = screen[a, 2], screen[b, 2], screen[c, 2]
        hair = material[t] == HAIR
        step1, step2 = (cy - ay) * inverse, -(by - ay) * inverse
        px = x0 + 0.5
        for y in range(y0, y1 + 1):
            py = y + 0.5
            w1 = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) * inverse - step1
            w2 = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) * inverse - step2
            for x in range(x0, x1 + 1):
                w1 += step1
                w2 += step2
                w0 = 1.0 - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                z = w0 * za + w1 * zb + w2 * zc
                if z <= depth[y, x]:
                    continue
                if hair:
                    fray = w0 * strand[a] + w1 * strand[b] + w2 * strand[c]
                    if fray > 0.02:
                        u = w0 * coords[a, 0] + w1 * coords[b, 0] + w2 * coords[c, 0]
                        v = w0 * coords[a, 1] + w1 * coords[b, 1] + w2 * coords[c, 1]
                        if 0.12 + 0.76 * waves(25.0 * u, 0.35 * v) < fray * 0.95:
                            continue
                depth[y, x] = z
                seen[y, x] = t
                # Corrected for perspective here, so that shading may be linear.
                second[y, x] = w1 * zb / z
                third[y, x] = w2 * zc / z
    return seen, second, third, depth


@numba.njit(cache=True, fastmath=True, nogil=True)
def shadow_depth(flat, triangles, side):
    """Depth map (side, side) seen from the light. flat: (V, 3) x, y in texels, z towards it."""
    depth = np.full((side, side), -1e9, np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = (
            flat[a, 0],
            flat[a, 1],
            flat[b, 0],
            flat[b, 1],
            flat[c, 0],
            flat[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= -1e-9:
            continue
        x0, x1 = max(int(min(ax, bx, cx)), 0), min(int(max(ax, bx, cx)), side - 1)
        y0, y1 = max(int(min(ay, by, cy)), 0), min(int(max(ay, by, cy)), side - 1)
        inverse = 1.0 / area
        za, zb, zc = flat[a, 2], flat[b, 2], flat[c, 2]
        step1, step2 = (cy - ay) * inverse, -(by - ay) * inverse
        for y in range(y0, y1 + 1):
            w1 = ((x0 - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse - step1
            w2 = ((bx - ax) * (y - ay) - (by - ay) * (x0 - ax)) * inverse - step2
            for x in range(x0, x1 + 1):
                w1 += step1
                w2 += step2
                w0 = 1.0 - w1 - w2
                if w0 < -0.02 or w1 < -0.02 or w2 < -0.02:
                    continue
                z = w0 * za + w1 * zb + w2 * zc
                if z > depth[y, x]:
                    depth[y, x] = z
    return depth


@numba.njit(cache=True, fastmath=True, nogil=True)
def fold_relief(folds, depth, density, out, centre):
    """Add up the folds (K, h, w), weighted per side (K, 2): height and slopes, out (h, w, 3)."""
    out[:] = 0
    h, w = out.shape[:2]
    for k in range(len(folds)):
        left, right = depth[k, 0], depth[k, 1]
        if left == 0 and right == 0:
            continue
        for y in range(h):
            for x in range(w):
                out[y, x, 0] += folds[k, y, x] * (left if x >= centre else right)
    for y in range(1, h - 1):
        for x in range(1, w - 1):
            out[y, x, 1] = (out[y, x + 1, 0] - out[y, x - 1, 0]) * 0.5 * density
            out[y, x, 2] = (out[y - 1, x, 0] - out[y + 1, x, 0]) * 0.5 * density


@numba.njit(cache=True, fastmath=True, nogil=True)
def towards_light(points, axes, middle, scale, offset):
    """Texels of the shadow map, and height towards the light, of points (V, 3)."""
    out = np.empty((len(points), 3), np.float32)
    for i in range(len(points)):
        x = points[i, 0] - middle[0]
        y = points[i, 1] - middle[1]
        z = points[i, 2] - middle[2]
        out[i, 0] = (x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]) * scale + offset
        out[i, 1] = -(x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]) * scale + offset
        out[i, 2] = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def turn_head(points, share, turn, pivot):
    """Turn points (V, 3) about the pivot, each by its share of the way."""
    out = np.empty((len(points), 3), np.float32)
    for i in range(len(points)):
        x, y, z = points[i, 0] - pivot[0], points[i, 1] - pivot[1], points[i, 2] - pivot[2]
        for k in range(3):
            there = turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z + pivot[k]
            out[i, k] = points[i, k] + (there - points[i, k]) * share[i]
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def developed(linear, tones):
    """Look light (..., C) up in a table by its square root, up to 2.0: bytes of the same shape."""
    flat = linear.reshape(-1)
    out = np.empty(len(flat), np.uint8)
    scale = (len(tones) - 1) / np.sqrt(2.0)
    for i in range(len(flat)):
        at = np.sqrt(max(flat[i], np.float32(0.0))) * scale
        out[i] = tones[min(int(at + 0.5), len(tones) - 1)]
    return out.reshape(linear.shape)


@numba.njit(cache=True, fastmath=True, nogil=True)
def add_grain(picture, grain, spread):
    """Add sensor noise to light (H, W, 3), the same in all channels, growing with its root."""
    for y in range(len(picture)):
        for x in range(picture.shape[1]):
            for k in range(3):
                value = picture[y, x, k]
                picture[y, x, k] = value + spread * grain[y, x] * np.sqrt(max(value, 0.01))


@numba.njit(cache=True, fastmath=True, nogil=True)
def lay_over(picture, image, alpha):
    """Lay an image, premultiplied by alpha (h, w), over a picture (h, w, 3)."""
    for y in range(len(alpha)):
        for x in range(alpha.shape[1]):
            rest = np.float32(1.0) - alpha[y, x]
            for k in range(3):
                picture[y, x, k] = picture[y, x, k] * rest + image[y, x, k]
