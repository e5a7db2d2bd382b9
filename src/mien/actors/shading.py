"""Compiled kernels: how every pixel is lit. Vectors are tuples of three.

A pixel has four samples of visibility. Where they agree (skin away from the eyes, cloth) it is lit
once, hair twice, and edges and eyes for every sample: that antialiases at a third of the cost.

All that `shade` calls is here but for `raster`'s noise, however long: numba's cache of a compiled
kernel looks at its own file alone, and would not see what changed in another.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from mien.actors.identity import PATTERNS
from mien.actors.mesh import CAVITY, CLOTH, FRAME, HAIR, INNER, PIVOT, SKIN, TEETH
from mien.actors.raster import strand_noise, waves

KEY, KEY_COLOUR, FILL, FILL_COLOUR, SKY, GROUND = range(6)
"""Rows of the lamp: directions towards the light, and colours."""
IRIS, HAIR_COLOUR, CLOTH_COLOUR, FRAME_COLOUR, TRIM_COLOUR, PATTERN = range(6)
"""Rows of the palette: colours, and the number of the cloth's pattern."""
_PLAIN, MELANGE, STRIPED, CHECKED, PRINTED = range(len(PATTERNS))
COLLAR = 1.7
"""How far down the ribs of a collar go, in the cloth's coordinates."""
EYE_X, EYE_Y, EYE_Z, EYE_RADIUS, EYE_WIDTH, EYE_TILT, EYE_LASH = range(7)

_PIVOT = tuple(float(v) for v in PIVOT)
_compiled = numba.njit(cache=True, fastmath=True, nogil=True)
Floats = NDArray[np.float32]


class Surface(NamedTuple):
    """What is to be lit. place: (V, 3) in the camera's frame. flat: (V, 3) on the shadow map.

    triangles: (T, 3), material: (T,). normals: (V, 3), coords: (V, 2), openness: (V,). strand: (V,)
    share of cut hair on the skin. skin: (h, w, 6), relief: (h', w', 3), with their texels a cm, and
    the map's corner left, top in cm.
    """

    triangles: NDArray[np.int32]
    material: NDArray[np.uint8]
    place: Floats
    normals: Floats
    coords: Floats
    openness: Floats
    strand: Floats
    flat: Floats
    skin: Floats
    density: float
    relief: Floats
    relief_density: float
    left: float
    top: float
    subsurface: float


class Scene(NamedTuple):
    """How it is lit. camera: (3,). lamp: (6, 3), palette: (6, 3), eye: (7,), rows as named above.

    shadow: depth map, bias in cm. lids: (2, 2) upper, lower for x > 0, x < 0. gaze: (2, 3) unit,
    in the head's frame. to_head: (4, 3) rotation and pivot, from the camera's frame to the head's.
    """

    camera: Floats
    lamp: Floats
    shadow: Floats
    bias: float
    eye: Floats
    lids: Floats
    gaze: Floats
    palette: Floats
    to_head: Floats


@_compiled
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


@_compiled
def _corner(h, w, u, v):
    """Texel at column u, row v of a map (h, w), its neighbours, and how far between them."""
    iu, iv = int(np.floor(u)), int(np.floor(v))
    du, dv = u - iu, v - iv
    x0, x1 = min(max(iu, 0), w - 1), min(max(iu + 1, 0), w - 1)
    y0, y1 = min(max(iv, 0), h - 1), min(max(iv + 1, 0), h - 1)
    return x0, x1, y0, y1, du, dv


@_compiled
def _sample(image, channel, corner):
    """Bilinear sample of one channel of a map (h, w, channels)."""
    x0, x1, y0, y1, du, dv = corner
    low = image[y0, x0, channel] * (1 - du) + image[y0, x1, channel] * du
    high = image[y1, x0, channel] * (1 - du) + image[y1, x1, channel] * du
    return low * (1 - dv) + high * dv


@_compiled
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@_compiled
def _unit(v):
    size = np.sqrt(_dot(v, v)) + 1e-9
    return v[0] / size, v[1] / size, v[2] / size


@_compiled
def _between(values, corners, weights):
    """Blend three rows of values (V, 3)."""
    a, b, c = corners
    u, v, w = weights
    return (
        u * values[a, 0] + v * values[b, 0] + w * values[c, 0],
        u * values[a, 1] + v * values[b, 1] + w * values[c, 1],
        u * values[a, 2] + v * values[b, 2] + w * values[c, 2],
    )


@_compiled
def _times(colour, factor):
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@_compiled
def _out_of_head(to_head, v):
    """Bring a direction from the head's frame into the camera's."""
    return (
        to_head[0, 0] * v[0] + to_head[1, 0] * v[1] + to_head[2, 0] * v[2],
        to_head[0, 1] * v[0] + to_head[1, 1] * v[1] + to_head[2, 1] * v[2],
        to_head[0, 2] * v[0] + to_head[1, 2] * v[1] + to_head[2, 2] * v[2],
    )


@_compiled
def _into_head(to_head, v):
    return (
        to_head[0, 0] * v[0] + to_head[0, 1] * v[1] + to_head[0, 2] * v[2],
        to_head[1, 0] * v[0] + to_head[1, 1] * v[1] + to_head[1, 2] * v[2],
        to_head[2, 0] * v[0] + to_head[2, 1] * v[1] + to_head[2, 2] * v[2],
    )


@_compiled
def _skin(fx, fy, skin, relief, sizes):
    """Colour of the skin at a place of the face, its gloss, and its slope in the head's x and y."""
    left, top, density, relief_density = sizes
    right, down = fx - left, top - fy
    at = _corner(len(skin), skin.shape[1], right * density - 0.5, down * density - 0.5)
    u, v = right * relief_density - 0.5, down * relief_density - 0.5
    fold = _corner(len(relief), relief.shape[1], u, v)
    crease = min(max(-_sample(relief, 0, fold) * 3.2, 0.0), 0.6)
    tone = (
        _sample(skin, 0, at) * (1 - 0.75 * crease),
        _sample(skin, 1, at) * (1 - crease),
        _sample(skin, 2, at) * (1 - crease),
    )
    slope_x = _sample(skin, 4, at) + _sample(relief, 1, fold)
    slope_y = _sample(skin, 5, at) + _sample(relief, 2, fold)
    return tone, _sample(skin, 3, at), slope_x, slope_y


@_compiled
def _stubbled(tone, roots, fx, fy, palette):
    """Colour of skin from which hair grows, cut short; roots: its share."""
    cover = roots * (0.55 + 0.45 * waves(11.0 * fx, 11.0 * fy))
    hair = palette[HAIR_COLOUR]
    return (
        tone[0] * (1 - cover) + 0.8 * hair[0] * cover,
        tone[1] * (1 - cover) + 0.8 * hair[1] * cover,
        tone[2] * (1 - cover) + 0.8 * hair[2] * cover,
    )


@_compiled
def _sloped(normal, slope_x, slope_y, to_head):
    """Tilt a normal by a slope in the head's x and y."""
    b = _out_of_head(to_head, (slope_x, slope_y, 0.0))
    along = _dot(b, normal)
    return _unit(
        (
            normal[0] * (1 + along) - b[0],
            normal[1] * (1 + along) - b[1],
            normal[2] * (1 + along) - b[2],
        )
    )


@_compiled
def _lids(fx, fy, eye, lids):
    """Where a place lies among the lids.

    Returns how far inside the opening (negative outside), how far below the upper lid, the
    darkening by lashes, by the lid's crease, and the place along the eye from -1 to 1.
    """
    side = 0 if fx > 0 else 1
    along = abs(fx) - eye[EYE_X]
    s = along / eye[EYE_WIDTH]
    inner = min(max(1.0 - abs(s) ** 2.2, 0.0), 1.0)
    axis = eye[EYE_Y] + eye[EYE_TILT] * along
    up = axis + lids[side, 0] * inner**0.75
    low = axis - lids[side, 1] * inner**0.9
    gap = min(up - fy, fy - low) if abs(s) < 1 else -1.0
    reach = np.exp(-((max(abs(s) - 0.97, 0) / 0.09) ** 2))
    shut = min(max(1.0 - (lids[side, 0] + lids[side, 1]) / 0.5, 0.0), 1.0)
    thick = eye[EYE_LASH] * (1 + 2.6 * shut)
    lash = np.exp(-(((fy - up) / (0.065 * thick)) ** 2)) * reach
    stand = 1 - shut if fy > up else shut  # lashes of a closed lid hang below it
    lash = max(lash, 0.75 * stand * np.exp(-abs(fy - up) / (0.11 * thick)) * reach)
    lash = max(lash, 0.5 * np.exp(-(((fy - low) / 0.05) ** 2)) * reach * (1 - shut))
    arch = max(1 - abs(s * 0.86) ** 2.4, 0)
    crease_y = axis + 0.34 + 0.62 * max(lids[side, 0], 0.15) * arch
    fold = np.exp(-(((fy - crease_y) / 0.085) ** 2)) * np.exp(-(s**6) * 0.35)
    crease = 0.40 * (1 - 0.85 * shut) * fold  # it smooths out as the lid comes down
    return gap, up - fy, min(lash, 0.93), crease, s


@_compiled
def _lashed(tone, lash, crease):
    """Colour of skin, or of what lies under lashes, darkened by these and by the lid's crease."""
    dark = 1 - lash
    return (
        tone[0] * dark * (1 - 0.7 * crease),
        tone[1] * dark * (1 - crease),
        tone[2] * dark * (1 - crease),
    )


@_compiled
def _eyeball(side, view, camera, to_head, eye):
    """Where the ray meets the eyeball, as a unit vector from its middle, in the head's frame.

    The head's frame has its origin at the pivot.
    """
    away = (camera[0] - to_head[3, 0], camera[1] - to_head[3, 1], camera[2] - to_head[3, 2])
    start = _into_head(to_head, away)
    ray = _times(_into_head(to_head, view), -1.0)
    x = eye[EYE_X] if side == 0 else -eye[EYE_X]
    to_eye = (
        start[0] - (x - _PIVOT[0]),
        start[1] - (eye[EYE_Y] - _PIVOT[1]),
        start[2] - (eye[EYE_Z] - _PIVOT[2]),
    )
    radius = eye[EYE_RADIUS]
    half = _dot(to_eye, ray)
    root = half * half - (_dot(to_eye, to_eye) - radius * radius)
    d = -half - np.sqrt(max(root, 0.0))
    return _unit((to_eye[0] + d * ray[0], to_eye[1] + d * ray[1], to_eye[2] + d * ray[2]))


@_compiled
def _eye_colour(place, look, s, iris):
    """Colour of the eyeball at a place, looking along `look`: white, iris with rays, pupil."""
    red = min(max((abs(s) - 0.55) * 0.9, 0.0), 0.5) + min(max((-s - 0.72) * 4.0, 0.0), 0.8)
    white = (0.42 * (1 - 0.12 * red), 0.38 * (1 - 0.55 * red), 0.36 * (1 - 0.55 * red))
    angle = np.arccos(min(max(_dot(place, look), -1.0), 1.0))
    edge = 0.50
    if angle >= edge + 0.05:
        return white
    ring = np.arctan2(place[1] - look[1], place[0] - look[0])
    rays = (
        0.8 + 0.25 * np.sin(ring * 23) * np.sin(ring * 7 + 1) + 0.6 * (0.36 - angle) * (angle > 0.2)
    )
    rays *= 1 - 0.75 * np.exp(-(((angle - edge) / 0.075) ** 2))
    rays *= min(max((angle - 0.165) / 0.03, 0.0), 1.0)
    mix = min(max((edge + 0.03 - angle) / 0.06, 0.0), 1.0)
    return (
        white[0] * (1 - mix) + (iris[0] * rays + 0.004) * mix,
        white[1] * (1 - mix) + (iris[1] * rays + 0.004) * mix,
        white[2] * (1 - mix) + (iris[2] * rays + 0.004) * mix,
    )


@_compiled
def _cloth(fx, fy, palette):
    """Colour of cloth at a place round the trunk and down it: its weave, folds and pattern."""
    plain, trim = palette[CLOTH_COLOUR], palette[TRIM_COLOUR]
    if fy < COLLAR:  # ribbed
        return _times(plain, 0.85 + 0.15 * np.sin(fx * 16.0))
    light = 0.97 + 0.03 * np.sin(fx * 9.0) * np.sin(fy * 7.0)
    light *= 0.86 + 0.28 * waves(0.55 * fx + 0.1 * fy, 0.16 * fy)  # folds hang down
    pattern, mix = palette[PATTERN, 0], 0.0
    if pattern == MELANGE:
        light *= 0.85 + 0.3 * waves(7.0 * fx, 4.0 * fy)
    elif pattern == STRIPED:
        mix = 0.9 * (fy % 4.0 < 1.2)
    elif pattern == CHECKED:
        mix = 0.4 * (fx % 3.0 < 1.1) + 0.4 * (fy % 4.0 < 1.5)
    elif pattern == PRINTED:
        mix = 0.6 * (waves(1.3 * fx, 0.9 * fy) > 0.64)
    return (
        light * (plain[0] * (1 - mix) + trim[0] * mix),
        light * (plain[1] * (1 - mix) + trim[1] * mix),
        light * (plain[2] * (1 - mix) + trim[2] * mix),
    )


@_compiled
def _material(kind, fx, fy, lip, palette):
    """Colour, shine, its sharpness, and how far light wraps round, of all that is not skin."""
    if kind == INNER:
        return (0.75 * lip[0] + 0.05, 0.55 * lip[1], 0.6 * lip[2]), 0.12, 40, 0.2
    if kind == TEETH:
        between = abs(fx - np.floor(fx) - 0.5)
        tooth = 1 - 0.45 * np.exp(-(((0.5 - between) / 0.09) ** 2)) - 0.25 * fy * fy
        if fy < 0.06:
            return (0.40, 0.16, 0.15), 0.12, 60, 0.3
        return (0.74 * tooth, 0.70 * tooth, 0.60 * tooth), 0.07, 60, 0.3
    if kind == CAVITY:
        return (0.07, 0.018, 0.016), 0.0, 20, 0.0
    if kind == HAIR:
        return _times(palette[HAIR_COLOUR], 0.55 + 0.8 * strand_noise(fx, fy)), 0.0, 20, 0.35
    if kind == CLOTH:
        return _cloth(fx, fy, palette), 0.0, 20, 0.15
    if kind == FRAME:
        return _times(palette[FRAME_COLOUR], 1.0), 0.25, 40, 0.0
    return (0.42, 0.13, 0.12), 0.12, 30, 0.3


@_compiled
def _hair_gleam(normal, half, fx, fy, colour):
    """Light that runs along the strands (Kajiya and Kay 1989), which fall down and back."""
    strand = _unit((-normal[0] * normal[1], normal[1] * normal[1] - 1.0, -normal[2] * normal[1]))
    cosine = _dot(strand, half) + 0.12 * (strand_noise(fx, fy * 0.5) - 0.5)
    gleam = 0.13 * max(1 - cosine * cosine, 0.0) ** 22
    return gleam * (0.25 + 1.5 * (colour[0] + colour[1] + colour[2]))


@_compiled
def _power(x, n):
    """x to the whole number n."""
    out = 1.0
    while n > 0:
        if n & 1:
            out *= x
        x *= x
        n >>= 1
    return out


@_compiled
def _gleam(normal, half, view, shine, power):
    sharp = shine * _power(max(_dot(normal, half), 0.0), power) * (power + 2) / 16
    return sharp * (1 + 2.0 * (1 - max(_dot(normal, view), 0.0)) ** 4)


@_compiled
def _shine(kind, at, normal, view, gloss, palette, lamp):
    """Share of the key light that is mirrored. at: face or hair coordinates. gloss: how strongly,
    how sharply."""
    half = _unit((lamp[KEY, 0] + view[0], lamp[KEY, 1] + view[1], lamp[KEY, 2] + view[2]))
    if kind == HAIR:
        deep = max((_dot(normal, lamp[KEY]) + 0.55) / 1.55, 0.0)
        along = _hair_gleam(normal, half, at[0], at[1], palette[HAIR_COLOUR])
        return along * (0.4 + 0.6 * deep)
    if gloss[0] > 0:
        return _gleam(normal, half, view, gloss[0], gloss[1])
    return 0.0


@_compiled
def _illuminate(tone, normal, lit, open_, wrap, soft, gleam, lamp, out):
    """Write the light that a place of colour `tone` sends to the camera.

    lit: share of the key light that arrives. open_: of the surroundings' light. soft: share that
    goes under the skin, and comes out redder, past the terminator too.
    """
    facing = _dot(normal, lamp[KEY])
    diffuse = max((facing + wrap) / (1 + wrap), 0.0)
    deep = max((facing + 0.55) / 1.55, 0.0)
    second = max((_dot(normal, lamp[FILL]) + 0.3) / 1.3, 0.0)
    up = 0.5 + 0.5 * normal[1]
    around = open_ * open_ * 0.55 + open_ * 0.45
    for k in range(3):
        share = soft * (1.0, 0.45, 0.3)[k]
        under = (0.35 + 0.65 * lit, 0.15 + 0.85 * lit, lit)[k]
        key = (1 - share) * diffuse * lit + share * deep * under
        ambient = lamp[SKY, k] * up + lamp[GROUND, k] * (1 - up) + lamp[FILL_COLOUR, k] * second
        light = key * lamp[KEY_COLOUR, k] * (0.35 + 0.65 * open_) + ambient * around
        out[k] = tone[k] * light + gleam * lamp[KEY_COLOUR, k]


@_compiled
def _near_eye(fx, fy, eye):
    return abs(abs(fx) - eye[EYE_X]) < 1.45 * eye[EYE_WIDTH] and abs(fy) < 2.0


@_compiled
def _at_lids(fx, fy, eye, lids):
    """Whether lashes, lids' edges or the eyeball may be here: all that is sharp."""
    side = 0 if fx > 0 else 1
    along = abs(fx) - eye[EYE_X]
    up = fy - eye[EYE_Y] - eye[EYE_TILT] * along
    below, above = max(lids[side, 1], 0.34) + 0.15, max(lids[side, 0], 0.0) + 0.25
    return abs(along) < 1.15 * eye[EYE_WIDTH] and -below < up < above


@_compiled
def choose_samples(seen, second, third, depth, triangles, material, coords, eye, lids):
    """List the samples to be lit: (N, 2) row and column in `seen`, and their share of a pixel."""
    height, width = seen.shape[0] // 2, seen.shape[1] // 2
    places = np.empty((4 * height * width, 2), np.int32)
    shares = np.empty(4 * height * width, np.float32)
    n = 0
    for y in range(0, 2 * height, 2):
        for x in range(0, 2 * width, 2):
            t, right = seen[y, x], seen[y, x + 1]
            below, across = seen[y + 1, x], seen[y + 1, x + 1]
            if max(t, right, below, across) < 0:
                continue
            step = 1
            if min(t, right, below, across) >= 0:
                kind = material[t]
                same = kind == material[right] == material[below] == material[across]
                slope = abs(depth[y + 1, x + 1] - depth[y, x])
                slope += abs(depth[y, x + 1] - depth[y + 1, x])
                if same and kind == HAIR:  # however the locks lie
                    step = 3
                elif same and slope < 0.012 * depth[y, x] and kind in (CLOTH, SKIN):
                    step = 4
                if kind == SKIN and step == 4:
                    w1, w2 = second[y, x], third[y, x]
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    fx = (1 - w1 - w2) * coords[a, 0] + w1 * coords[b, 0] + w2 * coords[c, 0]
                    fy = (1 - w1 - w2) * coords[a, 1] + w1 * coords[b, 1] + w2 * coords[c, 1]
                    step = 1 if _at_lids(fx, fy, eye, lids) else 4
            for i in range(0, 4, step):
                if seen[y + i // 2, x + i % 2] >= 0:
                    places[n, 0], places[n, 1] = y + i // 2, x + i % 2
                    shares[n] = 1.0 if step == 4 else 0.5 if step == 3 else 0.25
                    n += 1
    return places[:n], shares[:n]


@_compiled
def shade(places, shares, seen, second, third, surface, scene, image, alpha):
    """Light the chosen samples: image (H, W, 3), linear, premultiplied by alpha (H, W)."""
    triangles, material, place, normals, coords, openness, strand, flat, skin = surface[:9]
    density, relief, relief_density, left, top, soft_skin = surface[9:]
    camera, lamp, shadow, bias, eye, lids, gaze, palette, to_head = scene
    sizes = (left, top, density, relief_density)
    lip = _skin(0.0, -7.2, skin, relief, sizes)[0]
    light = np.zeros(3, np.float32)
    for i in range(len(shares)):
        row, column = places[i, 0], places[i, 1]
        t = seen[row, column]
        w1, w2 = second[row, column], third[row, column]
        w0 = 1.0 - w1 - w2
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        corners, weights = (a, b, c), (w0, w1, w2)
        normal = _unit(_between(normals, corners, weights))
        point = _between(place, corners, weights)
        view = _unit((camera[0] - point[0], camera[1] - point[1], camera[2] - point[2]))
        open_ = w0 * openness[a] + w1 * openness[b] + w2 * openness[c]
        fx = w0 * coords[a, 0] + w1 * coords[b, 0] + w2 * coords[c, 0]
        fy = w0 * coords[a, 1] + w1 * coords[b, 1] + w2 * coords[c, 1]
        on_map = _between(flat, corners, weights)
        kind = material[t]
        lit = 1.0 if kind == FRAME else _lit(shadow, on_map[0], on_map[1], on_map[2], bias)
        soft, most = 0.0, 1e9
        if kind == SKIN:
            tone, gloss, slope_x, slope_y = _skin(fx, fy, skin, relief, sizes)
            shine, power, wrap, soft = 0.045 * gloss, 14, 0.25, soft_skin
            roots = w0 * strand[a] + w1 * strand[b] + w2 * strand[c]
            if roots > 0:
                tone = _stubbled(tone, roots, fx, fy, palette)
            normal = _sloped(normal, slope_x, slope_y, to_head)
            if _near_eye(fx, fy, eye):
                gap, below, lash, crease, s = _lids(fx, fy, eye, lids)
                tone = _lashed(tone, lash, crease)
                if gap > 0:
                    side = 0 if fx > 0 else 1
                    ball = _eyeball(side, view, camera, to_head, eye)
                    tone = _eye_colour(ball, gaze[side], s, palette[IRIS])
                    normal = _out_of_head(to_head, ball)
                    open_ *= 0.35 + 0.65 * min(max(below / 0.30, 0.0), 1.0)
                    open_ *= 0.7 + 0.3 * min(gap / 0.14, 1.0)
                    lit *= 0.5 + 0.5 * min(max(below / 0.26, 0.0), 1.0)  # lashes, the lid's edge
                    shine, power, wrap, soft, most = 0.6, 260, 0.2, 0.0, 1.0
        else:
            tone, shine, power, wrap = _material(kind, fx, fy, lip, palette)
            if kind == TEETH:
                lit = 0.5 + 0.5 * lit  # light finds its way between the lips
        gleam = _shine(kind, (fx, fy), normal, view, (shine, power), palette, lamp)
        gleam = min(gleam * lit, most)
        _illuminate(tone, normal, lit, open_, wrap, soft, gleam, lamp, light)
        for k in range(3):
            image[row // 2, column // 2, k] += light[k] * shares[i]
        alpha[row // 2, column // 2] += shares[i]
