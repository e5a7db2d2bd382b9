"""Compiled kernels: what is seen in every pixel, and from the light. Plain arrays in and out."""

import numba
import numpy as np

HAIR = 4


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
def strand_noise(u, v):
    """Noise along hair: fine across, long along; 0 to 1."""
    total = 0.0
    for octave in range(2):
        fu = u * (5.0 if octave == 0 else 13.0)
        fv = v * (0.25 if octave == 0 else 0.5)
        iu, iv = np.floor(fu), np.floor(fv)
        du, dv = fu - iu, fv - iv
        du, dv = du * du * (3 - 2 * du), dv * dv * (3 - 2 * dv)
        low = _hash(iu, iv) * (1 - du) + _hash(iu + 1, iv) * du
        high = _hash(iu, iv + 1) * (1 - du) + _hash(iu + 1, iv + 1) * du
        total += (low * (1 - dv) + high * dv) * (0.6 if octave == 0 else 0.4)
    return total


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
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                w1 = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) * inverse
                w2 = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) * inverse
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
                        if strand_noise(u, v) < fray * 0.95:
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
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                w1 = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
                w2 = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
                w0 = 1.0 - w1 - w2
                if w0 < -0.02 or w1 < -0.02 or w2 < -0.02:
                    continue
                z = w0 * flat[a, 2] + w1 * flat[b, 2] + w2 * flat[c, 2]
                if z > depth[y, x]:
                    depth[y, x] = z
    return depth


@numba.njit(cache=True, fastmath=True, nogil=True)
def fold_relief(folds, depth, out, centre):
    """Add up the folds (K, h, w), weighted per side (K, 2), into out (h, w)."""
    out[:] = 0
    h, w = out.shape
    for k in range(len(folds)):
        left, right = depth[k, 0], depth[k, 1]
        if left == 0 and right == 0:
            continue
        for y in range(h):
            for x in range(w):
                out[y, x] += folds[k, y, x] * (left if x >= centre else right)


@numba.njit(cache=True, fastmath=True, nogil=True)
def halve(image, alpha):
    """Average blocks of 2 x 2: image premultiplied by alpha, (H, W, 3) and (H, W)."""
    h, w = alpha.shape[0] // 2, alpha.shape[1] // 2
    small = np.empty((h, w, 3), np.float32)
    cover = np.empty((h, w), np.float32)
    for y in range(h):
        for x in range(w):
            for k in range(3):
                small[y, x, k] = 0.25 * (
                    image[2 * y, 2 * x, k] + image[2 * y + 1, 2 * x, k]
                    + image[2 * y, 2 * x + 1, k] + image[2 * y + 1, 2 * x + 1, k]
                )  # fmt: skip
            cover[y, x] = 0.25 * (
                alpha[2 * y, 2 * x] + alpha[2 * y + 1, 2 * x]
                + alpha[2 * y, 2 * x + 1] + alpha[2 * y + 1, 2 * x + 1]
            )  # fmt: skip
    return small, cover
