"""Who an actor is: proportions, skin, hair, eyes, age and sex cues, all drawn from a seed.

Lengths are factors of an average adult's, or centimetres where they say so.
"""

from dataclasses import dataclass

import numpy as np

SKIN_TONES = np.array(
    [
        (230, 188, 166),
        (222, 178, 152),
        (206, 160, 132),
        (186, 138, 108),
        (158, 112, 83),
        (126, 84, 60),
        (96, 62, 44),
        (66, 43, 33),
    ],
    np.float64,
)
"""sRGB of skin from the lightest to the darkest: an identity lies anywhere between."""

HAIR_COLOURS = {
    "black": (22, 19, 18),
    "dark brown": (52, 36, 27),
    "brown": (92, 62, 42),
    "auburn": (120, 58, 34),
    "blond": (186, 148, 96),
    "grey": (140, 138, 136),
    "white": (214, 212, 208),
}

EYE_COLOURS = {
    "dark brown": (50, 30, 20),
    "brown": (92, 58, 32),
    "hazel": (110, 92, 50),
    "green": (92, 118, 84),
    "blue": (92, 132, 168),
    "grey": (120, 132, 140),
}


DYES = (
    (38, 48, 78), (206, 204, 198), (34, 34, 38), (112, 116, 122), (92, 98, 70), (104, 38, 48),
    (74, 100, 138), (188, 168, 136), (48, 98, 100), (172, 134, 62), (150, 60, 52), (196, 150, 148),
    (54, 82, 60), (128, 152, 178), (96, 76, 110), (110, 82, 62),
)  # fmt: skip
"""sRGB of clothes: navy, white, black, grey, olive, wine, denim, sand, teal, mustard, brick ..."""

PATTERNS = {"plain": 0.45, "melange": 0.2, "striped": 0.15, "checked": 0.1, "printed": 0.1}
"""How clothes are patterned, and how often."""


@dataclass(frozen=True)
class Identity:
    """One person. male: 0 to 1, a cue, not a claim. age: years. brow_height: cm above the average.

    face_length: stretches what lies below the eyes.
    """

    seed: int
    male: float
    age: float
    tone: float
    redness: float
    freckles: float
    hair_style: str
    hair_colour: tuple[int, int, int]
    brow_thickness: float
    brow_arch: float
    brow_height: float
    eye_colour: tuple[int, int, int]
    beard: float
    glasses: bool
    headset: bool
    lip_colour: float
    cloth_colour: tuple[int, int, int]
    trim_colour: tuple[int, int, int]
    cloth_pattern: str
    face_width: float
    face_length: float
    jaw_width: float
    jaw_height: float
    chin: float
    cheekbones: float
    forehead: float
    brow_ridge: float
    eye_distance: float
    eye_size: float
    eye_tilt: float
    eye_height: float
    nose_length: float
    nose_width: float
    nose_depth: float
    nose_bridge: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    cheek_fullness: float
    ears: float
    neck: float
    fringe: str
    hair_wave: float

    @property
    def skin(self) -> np.ndarray:
        """Skin colour, sRGB 0 to 255."""
        place = self.tone * (len(SKIN_TONES) - 1)
        low = min(int(place), len(SKIN_TONES) - 2)
        mix = place - low
        base = SKIN_TONES[low] * (1 - mix) + SKIN_TONES[low + 1] * mix
        return base * (1 + self.redness * np.array([0.04, -0.05, -0.04]))


def sample_identity(seed: int) -> Identity:
    """Draw a person, the same for the same seed."""
    source = np.random.default_rng((seed, 0xFACE))

    def factor(spread: float, middle: float = 1.0) -> float:
        return float(middle + spread * np.clip(source.normal(), -2.0, 2.0))

    # Drawn apart: a seed keeps the hair, eyes and age that it has.
    heavy = float(np.clip(np.random.default_rng((seed, 0xFA7)).normal(), -1.6, 2.2))
    apart = np.random.default_rng((seed, 0xC107))
    male = float(source.random() < 0.5) * 0.8 + 0.1 + 0.1 * source.random()
    age = float(np.clip(18 + source.gamma(1.9, 12), 18, 80))
    tone = float(source.beta(0.9, 0.9))
    return Identity(
        seed=seed,
        male=male,
        age=age,
        tone=tone,
        redness=factor(0.45, 0.1),
        freckles=float(max(0.0, source.normal(-0.4, 0.6)) * (tone < 0.35)),
        hair_style=_hair_style(source, male, age, tone),
        hair_colour=_hair_colour(source, age, tone),
        brow_thickness=factor(0.25, 0.85 + 0.35 * male),
        brow_arch=factor(0.25, 1.15 - 0.5 * male),
        brow_height=factor(0.12, 0.08 - 0.16 * male),
        eye_colour=_eye_colour(source, tone),
        beard=float(male > 0.5 and source.random() < 0.45) * float(source.uniform(0.25, 1.0)),
        glasses=bool(source.random() < 0.15),
        headset=bool(source.random() < 0.06),
        lip_colour=factor(0.3, 0.75 - 0.5 * male),
        cloth_colour=_cloth_colour(source),
        trim_colour=_cloth_colour(apart),
        cloth_pattern=str(apart.choice(list(PATTERNS), p=list(PATTERNS.values()))),
        face_width=factor(0.05, 1.035 + 0.02 * male + 0.022 * heavy),
        face_length=factor(0.065, 0.98 + 0.03 * male),
        jaw_width=factor(0.07, 1.01 + 0.08 * male + 0.025 * heavy),
        jaw_height=factor(0.05, 0.98 + 0.04 * male),
        chin=factor(0.28, 0.9 + 0.25 * male),
        cheekbones=factor(0.28),
        forehead=factor(0.055),
        brow_ridge=factor(0.25, 0.6 + 0.7 * male),
        eye_distance=factor(0.06),
        eye_size=factor(0.1, 1.10 - 0.07 * male),
        eye_tilt=factor(0.12, 0.05),
        eye_height=factor(0.16, 1.05 - 0.06 * male),
        nose_length=factor(0.14),
        nose_width=factor(0.19, 0.94 + 0.10 * male + 0.22 * max(tone - 0.5, 0)),
        nose_depth=factor(0.2, 0.97 + 0.06 * male),
        nose_bridge=factor(0.25),
        mouth_width=factor(0.11, 1.07 + 0.05 * male),
        upper_lip=factor(0.33, 1.15 - 0.15 * male + 0.25 * max(tone - 0.5, 0)),
        lower_lip=factor(0.29, 1.12 - 0.10 * male + 0.2 * max(tone - 0.5, 0)),
        cheek_fullness=factor(0.4, 1.0 + 0.4 * heavy),
        ears=factor(0.11, 0.98 + 0.06 * male),
        neck=factor(0.05, 0.9 + 0.2 * male + 0.04 * heavy),
        fringe=str(source.choice(["swept", "full", "side"], p=[0.4, 0.25, 0.35])),
        hair_wave=float(source.gamma(1.5, 0.7)),
    )


def rgb(values: np.ndarray) -> tuple[int, int, int]:
    """Whole numbers of a colour, 0 to 255."""
    r, g, b = (int(v) for v in np.clip(values, 0, 255))
    return r, g, b


def _cloth_colour(source: np.random.Generator) -> tuple[int, int, int]:
    """Draw a colour that clothes are dyed in, a little off."""
    which, light, warm = source.integers(20, 220, 3)
    dye = np.array(DYES[int(which) % len(DYES)], float)
    warmth = 0.1 * (warm - 120) * np.array([1, 0, -1])
    return rgb(dye * (0.7 + 0.3 * (light - 20) / 200) + warmth)


def _hair_style(source: np.random.Generator, male: float, age: float, tone: float) -> str:
    if male > 0.5:
        weights = {"short": 4, "crop": 3, "parted": 2, "curly": 1, "long": 0.4}
        weights |= {"balding": 0.05 * (age - 25), "bald": 0.03 * (age - 20)}
    else:
        weights = {"long": 4, "bob": 2.5, "bun": 1.5, "curly": 1.5, "short": 0.7, "parted": 1}
    if tone > 0.6:
        weights |= {"afro": 1.5, "crop": weights.get("crop", 0.5) * 1.5}
    names = list(weights)
    share = np.maximum(np.array([weights[n] for n in names], float), 0)
    return str(source.choice(names, p=share / share.sum()))


def _hair_colour(source: np.random.Generator, age: float, tone: float) -> tuple[int, int, int]:
    if tone < 0.3:
        names, share = list(HAIR_COLOURS)[:5], np.array([0.1, 0.25, 0.3, 0.1, 0.25])
    else:
        names, share = list(HAIR_COLOURS)[:3], np.array([0.65, 0.28, 0.07])
    colour = np.array(HAIR_COLOURS[str(source.choice(names, p=share))], float)
    grey = float(np.clip((age - 40) / 35 + source.normal(0, 0.2), 0, 1))
    target = np.array(HAIR_COLOURS["white" if age > 68 else "grey"], float)
    return rgb(colour * (1 - grey) + target * grey)


def _eye_colour(source: np.random.Generator, tone: float) -> tuple[int, int, int]:
    names = list(EYE_COLOURS)
    light = np.array([0.12, 0.2, 0.15, 0.13, 0.28, 0.12])
    dark = np.array([0.7, 0.26, 0.03, 0.01, 0.0, 0.0])
    share = light if tone < 0.35 else dark
    return EYE_COLOURS[str(source.choice(names, p=share / share.sum()))]
