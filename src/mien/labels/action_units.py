"""Facial Action Units: names, the sets that corpora and documents use, and their column names."""

import re
from collections.abc import Iterable

FACS = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    8: "lips toward each other",
    9: "nose wrinkler",
    10: "upper lip raiser",
    11: "nasolabial deepener",
    12: "lip corner puller",
    13: "sharp lip puller",
    14: "dimpler",
    15: "lip corner depressor",
    16: "lower lip depressor",
    17: "chin raiser",
    18: "lip pucker",
    19: "tongue show",
    20: "lip stretcher",
    21: "neck tightener",
    22: "lip funneler",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    28: "lip suck",
    29: "jaw thrust",
    30: "jaw sideways",
    31: "jaw clencher",
    32: "lip bite",
    33: "cheek blow",
    34: "cheek puff",
    35: "cheek suck",
    36: "tongue bulge",
    37: "lip wipe",
    38: "nostril dilator",
    39: "nostril compressor",
    40: "sniff",
    41: "lid droop",
    42: "slit",
    43: "eyes closed",
    44: "squint",
    45: "blink",
    46: "wink",
    50: "speech",
    51: "head turn left",
    52: "head turn right",
    53: "head up",
    54: "head down",
    55: "head tilt left",
    56: "head tilt right",
    57: "head forward",
    58: "head back",
}
"""Number to name, after the FACS manual (Ekman & Friesen)."""

DOCUMENT_AUS = (1, 2, 4, 6, 12, 15, 20, 25)
"""The eight annotated in au-va-thesis (section 3.1.2) and kollias-2018 (section II-B)."""

EMOTIONET_AUS = (1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26)
"""The eleven of EmotioNet's sixty columns that are annotated (bartissol-2017, section 4.3)."""

INTENSITY_MAX = 5.0
"""Intensity runs from 0 (absent) over A = 1 to E = 5."""

_COLUMN = re.compile(r"AU[ _]?0*(\d+)", re.IGNORECASE)


def column(au: int) -> str:
    """Return `AU01` for 1: the column of an Action Unit's presence; `AU01_r` is its intensity."""
    return f"AU{au:02d}"


def parse(text: str) -> int | None:
    """Return 12 for `AU12`, `au_12` or `AU 12`; None where the text names no unit in FACS."""
    match = _COLUMN.fullmatch(text.strip())
    if match is None or int(match[1]) not in FACS:
        return None
    return int(match[1])


def merged(*sets: Iterable[int]) -> tuple[int, ...]:
    """Union of several sets of units, in ascending order."""
    return tuple(sorted(set().union(*map(set, sets))))
