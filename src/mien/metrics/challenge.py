"""The measures of the ABAW challenges (Kollias 2022, arXiv:2202.10659; 2023, arXiv:2303.01498).

VA: mean CCC of valence and arousal. EXPR: macro F1 over the eight classes. AU: mean F1 over the
twelve units. P of the multi-task challenge is their sum.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mien.metrics.heads import mean_known

UNITS = tuple(f"AU{number:02d}" for number in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))
CLASSES = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
"""In the order of the challenge's numbers."""

NAN = float("nan")


def challenge_scores(scores: Mapping[str, Any]) -> dict[str, Any]:
    """VA, EXPR, AU and P of scores by head (`affect.affect_scores`); NaN where a part is unknown.

    units, classes: how many of the challenge's were scored: a class or unit that no label shows is
    left out, where the challenge, whose test sets show all, would count 0.
    """
    found = scores.get("valence_arousal", {}).get("outputs", {})
    both = [found[axis]["ccc"] for axis in ("valence", "arousal") if axis in found]
    va = float(np.mean(both)) if len(both) == 2 else NAN
    faces = scores.get("expression") or scores.get("expression_votes") or {}
    classes = [faces["f1"][name] for name in CLASSES if name in faces.get("f1", {})]
    units = scores.get("au", {}).get("outputs", {})
    f1 = [units[unit]["f1"] for unit in UNITS if unit in units]
    expr, au = mean_known(classes), mean_known(f1)
    return {
        "VA": va,
        "EXPR": expr,
        "AU": au,
        "P": va + expr + au,
        "classes": sum(value == value for value in classes),
        "units": sum(value == value for value in f1),
    }
