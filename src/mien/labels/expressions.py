"""Expressions: canonical names and order, and the spellings that people use for them."""

from collections.abc import Iterable

BASIC = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The six basic emotions (Ekman) with neutral: the seven of kollias-2018."""

CANONICAL = (*BASIC, "contempt", "other")
"""The order in which a store lists what it holds, whatever order a corpus uses."""

_SPELLINGS = {
    "neutrality": "neutral",
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "contemptuous": "contempt",
}


def parse(text: str) -> str | None:
    """Return the canonical name for a spelling of it (`Happy` is `happiness`), or None."""
    name = text.strip().lower()
    name = _SPELLINGS.get(name, name)
    return name if name in CANONICAL else None


def merged(*sets: Iterable[str]) -> tuple[str, ...]:
    """Union of several sets of names: expressions in canonical order, then classes by name."""
    names = set().union(*map(set, sets))
    own = sorted(names.difference(CANONICAL))
    return (*(name for name in CANONICAL if name in names), *own)
