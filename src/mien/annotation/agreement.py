"""How far annotators agree, what each rule keeps, and where the truth is known, how wrong it is.

Everything is plain values, for JSON, the terminal and a page.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotation.consensus import expression_consensus, unit_consensus
from mien.annotation.items import Floats
from mien.annotation.marks import DIMENSIONS
from mien.annotation.panel import Panel
from mien.metrics.agreement import (
    class_counts,
    cohen_kappa,
    fleiss_kappa,
    icc,
    krippendorff_alpha,
    negative_agreement,
    pearson,
    positive_agreement,
    signed_differential_agreement,
)
from mien.metrics.continuous import ccc

_NAN = float("nan")
Pairs = Mapping[str, float]


def _of_pairs(
    panel: Panel, ratings: NDArray[Any], measure: Callable[[NDArray[Any], NDArray[Any]], float]
) -> dict[str, float]:
    names = panel.annotators
    return {
        f"{names[i]} and {names[j]}": measure(ratings[i], ratings[j])
        for i, j in combinations(range(len(names)), 2)
    }


def _mean(values: Pairs) -> float:
    known = [value for value in values.values() if not np.isnan(value)]
    return float(np.mean(known)) if known else _NAN


def unit_agreement(panel: Panel) -> dict[str, dict[str, Any]]:
    """By unit: frames that at least two judged, each annotator's share of active frames, kappas,
    alpha, positive and negative agreement: of pairs, and their mean."""
    found = {}
    for u, unit in enumerate(panel.unit_names):
        ratings = panel.units[:, :, u]
        coded = np.where(np.isnan(ratings), -1, ratings).astype(np.int64)
        kappa = _of_pairs(panel, coded, cohen_kappa)
        positive = _of_pairs(panel, coded, positive_agreement)
        negative = _of_pairs(panel, coded, negative_agreement)
        found[unit] = {
            "frames": int(((coded >= 0).sum(0) > 1).sum()),
            "active": dict(zip(panel.annotators, map(_share, ratings), strict=True)),
            "cohen": _mean(kappa),
            "fleiss": fleiss_kappa(class_counts(coded, 2)),
            "krippendorff": krippendorff_alpha(ratings),
            "positive": _mean(positive),
            "negative": _mean(negative),
            "pairs": {p: {"cohen": kappa[p], "positive": positive[p], "negative": negative[p]}
                      for p in kappa},
        }  # fmt: skip
    return found


def _share(row: Floats) -> float:
    known = row[~np.isnan(row)]
    return float(known.mean()) if len(known) else _NAN


def expression_agreement(panel: Panel) -> dict[str, Any]:
    """Of all expressions together, unmarked frames being a class of their own; and of each."""
    marked = np.where(panel.expression == -1, len(panel.expression_names), panel.expression)
    coded = np.maximum(marked, -1)
    if not (coded >= 0).any():
        return {}
    kappa = _of_pairs(panel, coded, cohen_kappa)
    classes = {}
    for c, name in enumerate(panel.expression_names):
        one = np.where(coded < 0, -1, coded == c)
        classes[name] = {
            "cohen": _mean(_of_pairs(panel, one, cohen_kappa)),
            "positive": _mean(_of_pairs(panel, one, positive_agreement)),
        }
    values = np.where(coded < 0, np.nan, coded)
    return {
        "cohen": _mean(kappa),
        "fleiss": fleiss_kappa(class_counts(coded, len(panel.expression_names) + 1)),
        "krippendorff": krippendorff_alpha(values),
        "pairs": {pair: {"cohen": value} for pair, value in kappa.items()},
        "classes": classes,
    }


def affect_agreement(panel: Panel) -> dict[str, dict[str, Any]]:
    """By dimension: intraclass correlations, alpha, and of every pair CCC, Pearson's r and signed
    differential agreement, the latter of the means of whole seconds."""
    found = {}
    for d, dimension in enumerate(DIMENSIONS):
        ratings = panel.affect[:, :, d]
        if np.isnan(ratings).all():
            continue
        seconds = by_second(panel, ratings)
        pairs: dict[str, dict[str, float]] = {}
        for name, values, measure in (
            ("ccc", ratings, ccc),
            ("pearson", ratings, pearson),
            ("signed_differential", seconds, signed_differential_agreement),
        ):
            for pair, value in _of_pairs(panel, values, measure).items():
                pairs.setdefault(pair, {})[name] = value
        correlations = icc(ratings)
        found[dimension] = {
            "frames": int(((~np.isnan(ratings)).sum(0) > 1).sum()),
            "icc": vars(correlations),
            "krippendorff": krippendorff_alpha(ratings, "interval"),
            **{m: _mean({p: v[m] for p, v in pairs.items()})
               for m in ("ccc", "pearson", "signed_differential")},
            "pairs": pairs,
        }  # fmt: skip
    return found


def by_second(panel: Panel, ratings: Floats) -> Floats:
    """Means (R, M) of whole seconds of every video, a NaN between two videos."""
    parts = []
    for item, frames, here in zip(panel.items, panel.frames, panel.slices, strict=True):
        if item.kind == "images":
            continue
        second = frames.time_s.astype(np.int64)
        known = ~np.isnan(ratings[:, here])
        size = int(second.max(initial=-1)) + 1
        total, many = np.zeros((len(ratings), size)), np.zeros((len(ratings), size))
        for r in range(len(ratings)):
            np.add.at(total[r], second, np.nan_to_num(ratings[r, here]))
            np.add.at(many[r], second, known[r])
        mean = np.where(many > 0, total / np.maximum(many, 1), np.nan)
        parts += [mean, np.full((len(ratings), 1), np.nan)]
    return np.concatenate(parts, axis=1) if parts else np.empty((len(ratings), 0))


def thrown_away(panel: Panel) -> dict[str, dict[str, Any]]:
    """By class what unanimity leaves of what somebody marked: it is not the same for all classes.

    marked: frames that somebody marked. unanimous, majority: frames that the rule keeps with the
    label. lost: share of the marked ones that unanimity throws away.
    """
    found = {}
    for u, unit in enumerate(panel.unit_names):
        ratings = panel.units[:, :, u]
        marked = int((ratings == 1).any(0).sum())
        kept = {rule: int((unit_consensus(ratings, rule) == 1).sum())
                for rule in ("unanimous", "majority")}  # fmt: skip
        found[unit] = {"marked": marked, **kept, "lost": _lost(marked, kept["unanimous"])}
    classes = len(panel.expression_names)
    ruled = {rule: expression_consensus(panel.expression, rule, classes)
             for rule in ("unanimous", "majority")}  # fmt: skip
    for c, name in enumerate(panel.expression_names):
        marked = int((panel.expression == c).any(0).sum())
        kept = {rule: int((named == c).sum()) for rule, named in ruled.items()}
        if marked:
            found[name] = {"marked": marked, **kept, "lost": _lost(marked, kept["unanimous"])}
    return found


def _lost(marked: int, kept: int) -> float:
    return 1 - kept / marked if marked else _NAN
