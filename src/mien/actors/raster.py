"""Compiled kernels: triangles to pixels, and pixels to light. Plain arrays in, plain arrays out."""

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
def _lit(depth, x, y, z, bias):
    """Share of light that reaches a place of the shadow map: four texels, blended."""
    side = len(depth)
    ix, iy = int(np.floor(x)), int(np.floor(y))
    if ix < 1 or iy < 1 or ix >= side - 2 or iy >= side - 2:
        return 1.0
    fx, fy = x - ix, y - iy
    total = 0.0
    for dy in range(-1, 3):
        wy = (1 - fy if dy == -1 else fy if dy == 2 else 1.0) / 3.0
        for dx in range(-1, 3):
            wx = (1 - fx if dx == -1 else fx if dx == 2 else 1.0) / 3.0
            if depth[iy + dy, ix + dx] < z + bias:
                total += wx * wy
    return total


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _texel(image, row, column):
    h, w = image.shape
    return image[min(max(row, 0), h - 1), min(max(column, 0), w - 1)]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _sample(image, u, v):
    """Bilinear sample of a map (h, w) at column u, row v."""
    iu, iv = int(np.floor(u)), int(np.floor(v))
    du, dv = u - iu, v - iv
    low = _texel(image, iv, iu) * (1 - du) + _texel(image, iv, iu + 1) * du
    high = _texel(image, iv + 1, iu) * (1 - du) + _texel(image, iv + 1, iu + 1) * du
    return low * (1 - dv) + high * dv


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
def shade(
    seen, second, third, triangles, material, place, normal, coords, openness,
    colour, gloss, relief, folds, density, left, top,
    camera, light, light_colour, fill, fill_colour, sky, ground,
    shadow, flat, bias,
    eye, lids, gaze, iris, hair, cloth, frame, subsurface, to_head, image, alpha,
):  # fmt: skip
    """Light every pixel of `seen` into image (H, W, 3), linear, and alpha (H, W).

    place: (V, 3) in the camera's frame, camera: its position there. eye: x, y, z, radius, half
    width, tilt, lash. lids: (2, 2) upper, lower for x > 0 and x < 0. gaze: (2, 3) unit, in the
    head's frame. to_head: (4, 3) rotation and pivot, from the camera's frame to the head's.
    """
    height, width = seen.shape
    for y in range(height):
        for x in range(width):
            t = seen[y, x]
            if t < 0:
                continue
            alpha[y, x] = 1.0
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            w1, w2 = second[y, x], third[y, x]
            w0 = 1.0 - w1 - w2
            nx = w0 * normal[a, 0] + w1 * normal[b, 0] + w2 * normal[c, 0]
            ny = w0 * normal[a, 1] + w1 * normal[b, 1] + w2 * normal[c, 1]
            nz = w0 * normal[a, 2] + w1 * normal[b, 2] + w2 * normal[c, 2]
            size = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / size, ny / size, nz / size
            px = w0 * place[a, 0] + w1 * place[b, 0] + w2 * place[c, 0]
            py = w0 * place[a, 1] + w1 * place[b, 1] + w2 * place[c, 1]
            pz = w0 * place[a, 2] + w1 * place[b, 2] + w2 * place[c, 2]
            vx, vy, vz = camera[0] - px, camera[1] - py, camera[2] - pz
            size = np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx / size, vy / size, vz / size
            open_ = w0 * openness[a] + w1 * openness[b] + w2 * openness[c]
            fx = w0 * coords[a, 0] + w1 * coords[b, 0] + w2 * coords[c, 0]
            fy = w0 * coords[a, 1] + w1 * coords[b, 1] + w2 * coords[c, 1]
            sx = w0 * flat[a, 0] + w1 * flat[b, 0] + w2 * flat[c, 0]
            sy = w0 * flat[a, 1] + w1 * flat[b, 1] + w2 * flat[c, 1]
            sz = w0 * flat[a, 2] + w1 * flat[b, 2] + w2 * flat[c, 2]
            kind = material[t]
            r, g, bl, shine, power, wrap = 0.5, 0.5, 0.5, 0.0, 20.0, 0.0
            is_eye = False
            if kind == 0:
                u, v = (fx - left) * density - 0.5, (top - fy) * density - 0.5
                r, g, bl = (
                    _sample(colour[:, :, 0], u, v),
                    _sample(colour[:, :, 1], u, v),
                    _sample(colour[:, :, 2], u, v),
                )
                shine, power, wrap = 0.045 * _sample(gloss, u, v), 14.0, 0.25
                hu, hv = u * 0.5 - 0.25, v * 0.5 - 0.25
                e = 0.5
                here = _sample(folds, hu, hv)
                gx = (_sample(folds, hu + e, hv) - here) / e * density * 0.5
                gy = -(_sample(folds, hu, hv + e) - here) / e * density * 0.5
                fine = _sample(relief, u, v)
                gx += (_sample(relief, u + 0.7, v) - fine) / 0.7 * density
                gy += -(_sample(relief, u, v + 0.7) - fine) / 0.7 * density
                crease = min(max(-here * 3.2, 0.0), 0.6)
                r, g, bl = r * (1 - 0.75 * crease), g * (1 - crease), bl * (1 - crease)
                # Slopes are in the head's x and y: bring them into the camera's frame.
                bx_, by_, bz_ = (
                    gx * to_head[0, 0] + gy * to_head[1, 0],
                    gx * to_head[0, 1] + gy * to_head[1, 1],
                    gx * to_head[0, 2] + gy * to_head[1, 2],
                )
                dot = bx_ * nx + by_ * ny + bz_ * nz
                nx, ny, nz = nx - bx_ + dot * nx, ny - by_ + dot * ny, nz - bz_ + dot * nz
                size = np.sqrt(nx * nx + ny * ny + nz * nz)
                nx, ny, nz = nx / size, ny / size, nz / size
                side = 0 if fx > 0 else 1
                ex = abs(fx) - eye[0]
                s = ex / eye[4]
                if abs(s) < 1.45 and abs(fy) < 2.0:
                    inner = min(max(1.0 - abs(s) ** 2.2, 0.0), 1.0)
                    axis = eye[1] + eye[5] * ex
                    up = axis + lids[side, 0] * inner**0.75
                    low = axis - lids[side, 1] * inner**0.9
                    gap = min(up - fy, fy - low)
                    if gap > 0 and abs(s) < 1:
                        is_eye = True
                    # Lashes and the crease of the lid, painted where the lids are now.
                    reach = np.exp(-((max(abs(s) - 0.97, 0) / 0.09) ** 2))
                    lash = np.exp(-(((fy - up) / (0.065 * eye[6])) ** 2)) * reach
                    if fy > up:
                        lash = max(lash, 0.75 * np.exp(-((fy - up) / (0.11 * eye[6]))) * reach)
                    lash = max(lash, 0.5 * np.exp(-(((fy - low) / 0.05) ** 2)) * reach)
                    fold_y = (
                        axis
                        + 0.34
                        + 0.62 * max(lids[side, 0], 0.15) * max(1 - abs(s * 0.86) ** 2.4, 0)
                    )
                    fold = 0.40 * np.exp(-(((fy - fold_y) / 0.085) ** 2)) * np.exp(-(s**6) * 0.35)
                    dark = 1 - min(lash, 0.93)
                    r, g, bl = (
                        r * dark * (1 - 0.7 * fold),
                        g * dark * (1 - fold),
                        bl * dark * (1 - fold),
                    )
                if is_eye:
                    # The ray, in the head's frame, onto the eyeball.
                    ox, oy, oz = (
                        camera[0] - to_head[3, 0],
                        camera[1] - to_head[3, 1],
                        camera[2] - to_head[3, 2],
                    )
                    hx = to_head[0, 0] * ox + to_head[0, 1] * oy + to_head[0, 2] * oz
                    hy = to_head[1, 0] * ox + to_head[1, 1] * oy + to_head[1, 2] * oz
                    hz = to_head[2, 0] * ox + to_head[2, 1] * oy + to_head[2, 2] * oz
                    qx = -(to_head[0, 0] * vx + to_head[0, 1] * vy + to_head[0, 2] * vz)
                    qy = -(to_head[1, 0] * vx + to_head[1, 1] * vy + to_head[1, 2] * vz)
                    qz = -(to_head[2, 0] * vx + to_head[2, 1] * vy + to_head[2, 2] * vz)
                    cx, cy, cz = (eye[0] if side == 0 else -eye[0]), eye[1] + 8.0, eye[2] + 3.0
                    lx, ly, lz = hx - cx, hy - cy, hz - cz
                    bq = lx * qx + ly * qy + lz * qz
                    disc = bq * bq - (lx * lx + ly * ly + lz * lz - eye[3] * eye[3])
                    if disc > 0:
                        d = -bq - np.sqrt(disc)
                        mx, my, mz = (
                            (lx + d * qx) / eye[3],
                            (ly + d * qy) / eye[3],
                            (lz + d * qz) / eye[3],
                        )
                    else:
                        mx, my, mz = 0.0, 0.0, 1.0
                    cosine = mx * gaze[side, 0] + my * gaze[side, 1] + mz * gaze[side, 2]
                    angle = np.arccos(min(max(cosine, -1.0), 1.0))
                    r, g, bl = 0.52, 0.47, 0.45
                    red = min(max((abs(s) - 0.55) * 0.9, 0.0), 0.5)
                    r, g, bl = r * (1 - 0.12 * red), g * (1 - 0.42 * red), bl * (1 - 0.42 * red)
                    edge = 0.50
                    if angle < edge + 0.05:
                        ring = np.arctan2(my - gaze[side, 1], mx - gaze[side, 0])
                        rays = (
                            0.8
                            + 0.25 * np.sin(ring * 23) * np.sin(ring * 7 + 1)
                            + 0.6 * (0.36 - angle) * (angle > 0.2)
                        )
                        mix = min(max((edge + 0.03 - angle) / 0.06, 0.0), 1.0)
                        limb = 1 - 0.65 * np.exp(-(((angle - edge) / 0.06) ** 2))
                        ir, ig, ib = (
                            iris[0] * rays * limb,
                            iris[1] * rays * limb,
                            iris[2] * rays * limb,
                        )
                        pupil = min(max((angle - 0.165) / 0.03, 0.0), 1.0)
                        ir, ig, ib = ir * pupil + 0.004, ig * pupil + 0.004, ib * pupil + 0.004
                        r, g, bl = (
                            r * (1 - mix) + ir * mix,
                            g * (1 - mix) + ig * mix,
                            bl * (1 - mix) + ib * mix,
                        )
                    shade_lid = min(max((up - fy) / 0.30, 0.0), 1.0)
                    open_ = open_ * (0.35 + 0.65 * shade_lid) * (0.7 + 0.3 * min(gap / 0.14, 1.0))
                    nx = to_head[0, 0] * mx + to_head[1, 0] * my + to_head[2, 0] * mz
                    ny = to_head[0, 1] * mx + to_head[1, 1] * my + to_head[2, 1] * mz
                    nz = to_head[0, 2] * mx + to_head[1, 2] * my + to_head[2, 2] * mz
                    shine, power, wrap = 0.9, 260.0, 0.2
            elif kind == 1:
                u, v = (0.0 - left) * density, (top + 6.9) * density
                r = 0.75 * _sample(colour[:, :, 0], u, v) + 0.05
                g, bl = 0.55 * _sample(colour[:, :, 1], u, v), 0.6 * _sample(colour[:, :, 2], u, v)
                shine, power, wrap = 0.12, 40.0, 0.2
            elif kind == 2:
                gapline = abs(fx - np.floor(fx) - 0.5)
                tooth = 1 - 0.45 * np.exp(-(((0.5 - gapline) / 0.055) ** 2))
                r, g, bl = 0.74 * tooth, 0.70 * tooth, 0.60 * tooth
                if fy < 0.06:
                    r, g, bl = 0.40, 0.16, 0.15
                shine, power, wrap = 0.25, 60.0, 0.3
            elif kind == 3:
                r, g, bl = 0.045, 0.012, 0.012
            elif kind == 4:
                strands = strand_noise(fx, fy)
                tone = 0.55 + 0.8 * strands
                r, g, bl = hair[0] * tone, hair[1] * tone, hair[2] * tone
                wrap = 0.35
            elif kind == 5:
                weave = 0.92 + 0.08 * np.sin(fx * 9.0) * np.sin(fy * 7.0)
                r, g, bl = cloth[0] * weave, cloth[1] * weave, cloth[2] * weave
                wrap = 0.15
            elif kind == 6:
                r, g, bl = frame[0], frame[1], frame[2]
                shine, power = 0.25, 40.0
            else:
                r, g, bl = 0.34, 0.10, 0.10
                shine, power, wrap = 0.15, 30.0, 0.3
            lit = _lit(shadow, sx, sy, sz, bias) if kind != 6 else 1.0
            if kind == 2:
                lit = 0.5 + 0.5 * lit  # light finds its way between the lips
            facing = nx * light[0] + ny * light[1] + nz * light[2]
            diffuse = max((facing + wrap) / (1 + wrap), 0.0)
            deep = max((facing + 0.55) / 1.55, 0.0)
            if kind == 0 and not is_eye:
                # Light that went under the skin comes out redder, past the terminator too.
                soft = subsurface
                dr = (1 - soft) * diffuse * lit + soft * deep * (0.35 + 0.65 * lit)
                dg = (1 - 0.45 * soft) * diffuse * lit + 0.45 * soft * deep * (0.15 + 0.85 * lit)
                db = (1 - 0.3 * soft) * diffuse * lit + 0.3 * soft * deep * lit
            else:
                dr = diffuse * lit
                dg, db = dr, dr
            second_light = max((nx * fill[0] + ny * fill[1] + nz * fill[2] + 0.3) / 1.3, 0.0)
            upness = 0.5 + 0.5 * ny
            occluded = open_ * open_ * 0.55 + open_ * 0.45
            ar = (
                sky[0] * upness + ground[0] * (1 - upness) + fill_colour[0] * second_light
            ) * occluded
            ag = (
                sky[1] * upness + ground[1] * (1 - upness) + fill_colour[1] * second_light
            ) * occluded
            ab = (
                sky[2] * upness + ground[2] * (1 - upness) + fill_colour[2] * second_light
            ) * occluded
            hx_, hy_, hz_ = light[0] + vx, light[1] + vy, light[2] + vz
            size = np.sqrt(hx_ * hx_ + hy_ * hy_ + hz_ * hz_) + 1e-9
            hx_, hy_, hz_ = hx_ / size, hy_ / size, hz_ / size
            gleam = 0.0
            if kind == 4:
                # Kajiya and Kay: light runs along the strands, which fall down and back.
                along = -ny
                tx, ty, tz = nx * ny * -1.0, -1.0 + ny * ny, nz * ny * -1.0
                size = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-6
                cosine = (tx * hx_ + ty * hy_ + tz * hz_) / size + 0.12 * (
                    strand_noise(fx, fy * 0.5) - 0.5
                )
                gleam = (
                    0.13 * max(1 - cosine * cosine, 0.0) ** 22 * lit * (0.4 + 0.6 * deep)
                    + along * 0.0
                )
                gleam *= 0.25 + 1.5 * (hair[0] + hair[1] + hair[2])
            elif shine > 0:
                gleam = (
                    shine
                    * max(nx * hx_ + ny * hy_ + nz * hz_, 0.0) ** power
                    * lit
                    * (power + 2)
                    / 16
                )
                rim = (1 - max(nx * vx + ny * vy + nz * vz, 0.0)) ** 4
                gleam *= 1 + 2.0 * rim
                if is_eye:
                    gleam = min(gleam, 1.6)
            image[y, x, 0] = (
                r * (dr * light_colour[0] * (0.35 + 0.65 * open_) + ar) + gleam * light_colour[0]
            )
            image[y, x, 1] = (
                g * (dg * light_colour[1] * (0.35 + 0.65 * open_) + ag) + gleam * light_colour[1]
            )
            image[y, x, 2] = (
                bl * (db * light_colour[2] * (0.35 + 0.65 * open_) + ab) + gleam * light_colour[2]
            )


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
