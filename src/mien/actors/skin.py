"""An actor's skin, painted once: colour, brows, lips, beard, freckles, and the relief of folds.

Maps are in face coordinates: x from -11 to 11 cm, y from 9 down to -15 cm, `DENSITY` texels a cm.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

from mien.actors.action_units import WRINKLES
from mien.actors.identity import Identity
from mien.actors.mesh import smoothstep
from mien.actors.surface import MOUTH_Y

Array = NDArray[np.float64]

DENSITY = 20
LEFT, TOP, WIDE, TALL = -11.0, 9.0, 22.0, 24.0


class Skin(NamedTuple):
    """A person's skin at one level of detail.

    surface: (h, w, 6) linear colour, gloss, slope of the relief along x and y. density: its texels
    a cm. folds: (K, h', w') cm of depth, fold_density: their texels a cm.
    """

    surface: NDArray[np.float32]
    density: float
    folds: NDArray[np.float32]
    fold_density: float


def level_for(levels: tuple[Skin, ...], scale: float) -> Skin:
    """Choose the coarsest level that still has a texel for every pixel. scale: pixels a cm."""
    fine = [level for level in levels if level.density >= 0.9 * scale]
    return fine[-1] if fine else levels[0]


def to_linear(srgb: Array) -> Array:
    """SRGB 0 to 255 to linear light 0 to 1."""
    s = np.asarray(srgb, float) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def _grid(density: float) -> tuple[Array, Array]:
    x = LEFT + (np.arange(int(WIDE * density)) + 0.5) / density
    y = TOP - (np.arange(int(TALL * density)) + 0.5) / density
    return np.meshgrid(x, y)


def paint(person: Identity) -> tuple[Skin, ...]:
    """Paint a person's skin, and halve it for smaller pictures; the finest level is first."""
    source = np.random.default_rng((person.seed, 0x5C1))
    x, y = _grid(DENSITY)
    ax = np.abs(x)
    base = np.broadcast_to(to_linear(person.skin), (*x.shape, 3)).copy()

    def cloud(scale: float) -> Array:
        noise = gaussian_filter(source.normal(size=x.shape), scale * DENSITY, mode="wrap")
        return noise / noise.std()

    light = 1 - person.tone
    base *= (1 + 0.03 * cloud(0.9) + 0.03 * cloud(0.15) + 0.025 * cloud(0.05))[..., None]
    # Uneven: more and less blood (redder), more and less melanin (browner), in patches.
    blood = (0.5 + 0.5 * light) * (0.5 * cloud(1.3) + 0.5 * cloud(0.35) + 0.35 * cloud(0.13))
    base *= 1 + blood[..., None] * np.array([0.012, -0.065, -0.06])
    base *= 1 - (0.6 * cloud(1.9) + 0.4 * cloud(0.5))[..., None] * np.array([0.035, 0.05, 0.07])
    # Blood shows in cheeks, nose, ears; less on the forehead; shadow under the eyes.
    flush = np.exp(-(((ax - 3.9) / 1.9) ** 2) - ((y + 3.4) / 1.7) ** 2)
    flush += 0.9 * np.exp(-((ax / 1.3) ** 2) - ((y + 3.9) / 0.9) ** 2)
    flush += 0.5 * np.exp(-((ax / 1.2) ** 2) - ((y + 9.6) / 1.0) ** 2) + 0.6 * (ax > 10.0)
    base *= 1 + (flush * (0.4 + 0.5 * light))[..., None] * np.array([0.05, -0.11, -0.10])
    rings = np.exp(-(((ax - 2.9) / 1.25) ** 2) - ((y + 1.25) / 0.42) ** 2)
    rings += 0.8 * np.exp(-(((ax - 3.2) / 1.6) ** 2) - ((y - 0.95) / 0.40) ** 2)
    base *= 1 - (rings * (0.10 + 0.08 * (person.age > 45)))[..., None] * np.array([0.8, 1.1, 0.9])
    if person.freckles > 0:
        spots = cloud(0.07) > 1.6
        spots = gaussian_filter((spots * np.exp(-(((y + 2.4) / 2.6) ** 2))).astype(float), 0.6)
        base *= 1 - (spots * 0.35 * person.freckles)[..., None] * np.array([0.6, 1.0, 1.1])
    for _ in range(int(source.poisson(2 + person.age / 25))):
        mx, my = source.uniform(-6, 6), source.uniform(-10, 5)
        mole = np.exp(-(((x - mx) ** 2 + (y - my) ** 2) / source.uniform(0.05, 0.12) ** 2))
        base *= 1 - 0.45 * mole[..., None]
    spots = gaussian_filter((cloud(0.25) > 2.1).astype(float), 1.5) * max(person.age - 50, 0) / 30
    base *= 1 - spots[..., None] * np.array([0.18, 0.28, 0.32])
    if person.male > 0.5:
        shadow = _beard_area(ax, y) * 0.14 * light
        base = base * (1 - shadow[..., None] * np.array([1.0, 0.75, 0.55]))
    gloss = 0.55 + 0.25 * np.exp(-((ax / 2.2) ** 2) - ((y + 3.0) / 3.0) ** 2) + 0.1 * (y > 3)
    gloss = gloss * (1 + 0.12 * cloud(0.06)) * (0.9 + 0.5 * person.tone)
    base, gloss = _lips(person, x, y, base, gloss, source)
    base = _hairs(person, base, source)
    relief = (0.006 * cloud(0.05) + 0.004 * cloud(0.11)) * smoothstep(-13.5, -11.0, y)
    return _levels(np.clip(base, 0.002, 1), np.clip(gloss, 0, 1.6), relief, _folds(person, source))


def _levels(
    colour: Array, gloss: Array, relief: Array, folds: NDArray[np.float32]
) -> tuple[Skin, ...]:
    down, right = (np.gradient(relief * DENSITY, axis=axis) for axis in (0, 1))
    surface = np.concatenate(
        [colour, gloss[..., None], right[..., None], -down[..., None]], -1
    ).astype(np.float32)
    half = _halved(surface)
    small = _halved(folds.transpose(1, 2, 0)).transpose(2, 0, 1)
    return (
        Skin(surface, DENSITY, folds, DENSITY / 2),
        Skin(half, DENSITY / 2, folds, DENSITY / 2),
        Skin(_halved(half), DENSITY / 4, np.ascontiguousarray(small), DENSITY / 4),
    )


def _halved(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average blocks of 2 x 2 of (h, w, channels)."""
    h, w, channels = maps.shape
    return maps.reshape(h // 2, 2, w // 2, 2, channels).mean((1, 3), dtype=np.float32)


def lip_outline(person: Identity, x: Array) -> tuple[Array, Array]:
    """Upper and lower edge of the lips' red at positions x, in face coordinates."""
    corner = 2.3 * person.mouth_width
    t = np.clip(np.abs(x) / corner, 0, 1)
    bow = 0.70 + 0.10 * np.exp(-(((t - 0.2) / 0.13) ** 2)) - 0.05 * np.exp(-((t / 0.1) ** 2))
    upper = MOUTH_Y + bow * person.upper_lip * (1 - t**1.9) ** 0.85
    lower = MOUTH_Y - 0.86 * person.lower_lip * (1 - t**2.4) ** 0.72
    return upper, lower


def _lips(
    person: Identity, x: Array, y: Array, base: Array, gloss: Array, source: np.random.Generator
) -> tuple[Array, Array]:
    upper, lower = lip_outline(person, x)
    inside = smoothstep(0.05, -0.07, y - upper) * smoothstep(-0.05, 0.07, y - lower)
    inside *= np.abs(x) < 2.3 * person.mouth_width
    inside = gaussian_filter(inside, 0.7)
    red = to_linear(np.array([186, 92, 88]))
    own = to_linear(person.skin) * np.array([0.80, 0.52, 0.55])
    colour = own * (0.72 - 0.2 * person.lip_colour) + red * (
        0.20 + 0.36 * max(person.lip_colour, 0)
    ) * (1.1 - 0.85 * person.tone)
    lines = 1 + 0.07 * np.sin(x * 16 + 2 * np.sin(y * 3)) * np.exp(-((y - MOUTH_Y) ** 2))
    shade = np.where(y > MOUTH_Y, 0.86, 1.0)
    out = base * (1 - inside[..., None]) + (colour * (lines * shade)[..., None]) * inside[..., None]
    seam = np.exp(-(((y - MOUTH_Y) / 0.09) ** 2)) * (np.abs(x) < 2.36 * person.mouth_width)
    out *= 1 - 0.72 * seam[..., None]
    corners = np.exp(
        -(((np.abs(x) - 2.36 * person.mouth_width) / 0.22) ** 2) - ((y - MOUTH_Y) / 0.16) ** 2
    )
    out *= 1 - 0.35 * corners[..., None]
    return out, gloss + (0.22 - 0.18 * person.tone) * inside


def _beard_area(ax: Array, y: Array) -> Array:
    jaw = smoothstep(-5.2, -6.7, y - 0.35 * (ax - 3.5).clip(0)) * smoothstep(-12.5, -10.9, y)
    jaw = np.maximum(
        jaw, smoothstep(6.5, 7.5, ax + 0.3 * np.minimum(-3.5 - y, 0)) * smoothstep(-0.5, -3.0, y)
    )
    moustache = np.exp(-(((y + 5.7) / 0.55) ** 2)) * smoothstep(2.9, 2.0, ax)
    bare = np.exp(-(((ax) / 1.5) ** 2) - ((y + 8.2) / 0.3) ** 2)
    cheeks = smoothstep(1.6, 2.8, ax) + smoothstep(-7.9, -8.7, y)
    return np.clip(np.maximum(jaw * np.clip(cheeks, 0, 1), moustache) - 0.7 * bare, 0, 1)


def brow_line(person: Identity, t: Array) -> tuple[Array, Array, Array]:
    """Centre x, y and half width of the actor's left brow at t from 0 (inner) to 1 (outer)."""
    x = (1.15 + 4.25 * t) * person.eye_distance
    arch = 0.42 * person.brow_arch
    y = (
        1.17
        + person.brow_height
        + arch * np.sin(np.pi * np.clip(t, 0, 1) ** 0.85) * 1.15
        - 0.25 * t**3
        + 0.1 * t
    )
    taper = np.interp(t, [0, 0.05, 0.15, 0.55, 1], [0.35, 0.75, 1.0, 0.85, 0.16])
    half = 0.36 * person.brow_thickness * taper
    return x, y, half


def _hairs(person: Identity, base: Array, source: np.random.Generator) -> Array:
    """Draw brows and beard hair by hair, at three times the density, and shrink."""
    scale = 3
    size = (base.shape[1] * scale, base.shape[0] * scale)
    mask = Image.new("L", size, 0)
    pen = ImageDraw.Draw(mask)

    def hair(x: float, y: float, dx: float, dy: float, strength: int, width: int) -> None:
        k = DENSITY * scale
        start = ((x - LEFT) * k, (TOP - y) * k)
        pen.line([start, (start[0] + dx * k, start[1] - dy * k)], fill=strength, width=width)

    for side in (1, -1):
        for t in np.concatenate([source.uniform(0, 1, 620), source.uniform(0, 0.5, 200)]):
            x, y, half = (float(v) for v in brow_line(person, np.asarray(t)))
            y += half * source.uniform(-1, 1)
            lean = np.interp(t, [0, 0.25, 1], [1.35, 0.65, -0.18]) + source.normal(0, 0.16)
            length = 0.42 * source.uniform(0.6, 1.1)
            hair(
                side * x, y - 0.05, side * length * np.cos(lean), length * np.sin(lean),
                int(source.integers(150, 235)), 2,
            )  # fmt: skip
    if person.beard > 0:
        count = int(7000 * person.beard)
        xs, ys = source.uniform(-9, 9, count * 3), source.uniform(-12.4, -0.5, count * 3)
        keep = source.random(count * 3) < _beard_area(np.abs(xs), ys)
        for x, y in zip(xs[keep][:count], ys[keep][:count], strict=True):
            length = 0.28 * (0.4 + person.beard)
            hair(x, y, 0.05 * np.sign(x) + source.normal(0, 0.06), -length,
                 int(source.integers(90, 210)), 3)  # fmt: skip
    mask = mask.resize((base.shape[1], base.shape[0]), Image.Resampling.BOX)
    soft = mask.filter(ImageFilter.GaussianBlur(1.6))
    cover = np.asarray(mask, float) / 255 * 0.85 + 0.42 * np.asarray(soft, float) / 255
    colour = np.broadcast_to(to_linear(np.array(person.hair_colour) * 0.75 + 6), base.shape).copy()
    above = slice(0, int(TOP * DENSITY))  # brows stay darker than the skin when hair turns white
    colour[above] = np.minimum(colour[above], 0.25 * np.median(base[above], (0, 1)))
    cover = np.clip(cover, 0, 0.95)[..., None]
    return base * (1 - cover) + colour * cover


def _valley(distance: Array, width: float) -> Array:
    """A fold: a groove with a swelling beside it."""
    return -np.exp(-((distance / width) ** 2)) + 0.45 * np.exp(
        -(((distance - 2 * width) / (1.6 * width)) ** 2)
    )


def _folds(person: Identity, source: np.random.Generator) -> NDArray[np.float32]:
    x, y = _grid(DENSITY / 2)
    ax = np.abs(x)
    maps = {}
    forehead = np.zeros_like(x)
    for i, height in enumerate((3.6, 4.5, 5.4, 6.2)):
        line = height + 0.22 * np.cos(ax * 0.55) + 0.08 * np.sin(ax * 1.7 + i + person.seed)
        forehead += _valley(y - line, 0.13) * np.exp(-((ax / 4.6) ** 4))
    middle = np.exp(-((ax / 2.7) ** 4))  # AU1 wrinkles the middle, AU2 the sides
    maps["forehead"] = 0.075 * forehead * middle
    maps["sides"] = 0.075 * forehead * (1 - middle)
    between = _valley(ax - 0.62 - 0.10 * (y - 1.5), 0.12) * np.exp(-(((y - 1.8) / 1.1) ** 2))
    between += 0.6 * _valley(y - 0.85, 0.12) * np.exp(-((ax / 0.9) ** 2))
    maps["glabella"] = 0.11 * between
    path = 1.75 + 0.62 * (-4.2 - y) * 0.62
    fold = _valley(-(ax - path), 0.17) * smoothstep(-3.6, -4.6, y) * smoothstep(-8.2, -7.0, y)
    maps["nasolabial"] = 0.16 * fold
    crow = np.zeros_like(x)
    for slope in (-0.5, -0.15, 0.2, 0.5):
        away = (y - 0.1) - slope * (ax - 4.7)
        crow += _valley(away, 0.08) * smoothstep(4.75, 5.2, ax) * smoothstep(6.9, 5.9, ax)
    bag = _valley(-(y + 1.2 - 0.06 * (ax - 3.1) ** 2), 0.16) * np.exp(-(((ax - 3.2) / 1.4) ** 4))
    maps["crow"] = 0.055 * crow + 0.10 * bag
    nose = np.zeros_like(x)
    for height in (-0.4, -1.0, -1.6):
        nose += _valley(y - height - 0.35 * ax, 0.1) * np.exp(-((ax / 1.25) ** 4))
    maps["nose"] = 0.09 * nose
    dimples = source.normal(size=x.shape)
    dimples = gaussian_filter(dimples, 0.11 * DENSITY / 2)
    dimples /= dimples.std()
    maps["chin"] = 0.055 * dimples * np.exp(-((ax / 1.6) ** 2) - ((y + 9.4) / 0.9) ** 2)
    smile = _valley(ax - 3.55 - 0.05 * (y + 6.7) ** 2, 0.14) * np.exp(-(((y + 6.7) / 0.9) ** 2))
    maps["smile"] = 0.09 * smile
    return np.stack([maps[name] for name in WRINKLES]).astype(np.float32)
