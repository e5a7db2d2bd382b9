"""Rules that make one label of several annotators'. Missing is NaN (or -1), in and out."""

import numpy as np
from numpy.typing import NDArray

from mien.annotation.items import Floats
from mien.errors import check_name
from mien.metrics.agreement import dawid_skene
from mien.metrics.continuous import ccc

NAME_RULES = ("unanimous", "majority", "dawid-skene")
NOT_JUDGED = -2
"""An expression's index where an annotator never worked on the item; -1: worked, marked nothing."""
TRACE_RULES = ("mean", "median", "evaluator-weighted", "lag-compensated")
DISPUTED = ("dropped", "absent")
"""What becomes of a frame of which some say that a unit is active and some that it is not.

kollias-2018 (III.D) keeps annotations of frames in which all three agree on the activation, and
does not say which of the two the others become. `dropped` is the default: unlabelled.
"""


def unit_consensus(ratings: Floats, rule: str, disputed: str = "dropped") -> Floats:
    """Presence (N,) of one unit from (R, N) of R annotators; NaN where they leave it open.

    unanimous: all who judged the frame say so. majority: more than half of them; a tie is disputed.
    dawid-skene: likelier than not, given how each errs. disputed: see DISPUTED. Raises InputError
    for an unknown rule.
    """
    check_name("rule", rule, NAME_RULES)
    check_name("disputed", disputed, DISPUTED)
    judged = (~np.isnan(ratings)).sum(0)
    yes = (ratings == 1).sum(0)
    found = np.full(ratings.shape[1], 0.0 if disputed == "absent" else np.nan)
    if rule == "unanimous":
        found[yes == judged] = 1
        found[yes == 0] = 0
    elif rule == "majority":
        found[2 * yes > judged] = 1
        found[2 * yes < judged] = 0
    else:
        votes = np.stack([ratings.T == 0, ratings.T == 1], axis=2)
        present = dawid_skene(votes).posterior[:, 1]
        found = np.where(present > 0.5, 1.0, 0.0)
    found[judged == 0] = np.nan
    return found


def expression_consensus(ratings: NDArray[np.int64], rule: str, classes: int) -> NDArray[np.int64]:
    """Class (N,) from (R, N) of R annotators, -1 where they leave it open.

    As `unit_consensus`. An annotator who marked nothing (-1) where others did disagrees with them
    under `unanimous`, and does not vote otherwise; one who never worked on it (NOT_JUDGED) counts
    for nothing. Disputed frames are unlabelled: of classes that exclude each other none is absent.
    """
    check_name("rule", rule, NAME_RULES)
    votes = np.stack([(ratings == c).sum(0) for c in range(classes)], axis=1)
    cast, best = votes.sum(1), votes.argmax(1)
    most = votes.max(1, initial=0)
    if rule == "unanimous":
        agreed = most == (ratings > NOT_JUDGED).sum(0)
    elif rule == "majority":
        agreed = 2 * most > cast
    else:
        one_hot = ratings.T[:, :, None] == np.arange(classes)
        posterior = np.nan_to_num(dawid_skene(one_hot).posterior)
        best, agreed = posterior.argmax(1), posterior.max(1, initial=0) > 0.5
    return np.where(agreed & (cast > 0), best, -1)


def intensity_consensus(levels: Floats, present: Floats) -> Floats:
    """Intensity (N,), 0 to 5: the mean of those who gave one, where the unit is; 0 where it is not.

    levels: (R, N), NaN where none was given. present: (N,), the consensus on presence.
    """
    given = np.where(levels > 0, levels, np.nan)
    many = (~np.isnan(given)).sum(0)
    mean = np.nansum(given, 0) / np.maximum(many, 1)
    found = np.where(many > 0, mean, np.nan)
    return np.where(present == 0, 0.0, np.where(present == 1, found, np.nan))


def trace_consensus(ratings: Floats, rule: str) -> Floats:
    """Value (N,) of one dimension from (R, N); NaN where nobody says anything.

    lag-compensated is the mean: the traces were shifted before. Raises InputError for an unknown
    rule.
    """
    check_name("rule", rule, TRACE_RULES)
    known = ~np.isnan(ratings)
    some = known.any(0)
    found = np.full(ratings.shape[1], np.nan)
    if rule == "median":
        found[some] = np.nanmedian(ratings[:, some], axis=0)
        return found
    weights = evaluator_weights(ratings) if rule == "evaluator-weighted" else np.ones(len(ratings))
    share = np.where(known, weights[:, None], 0.0)
    total = share.sum(0)
    some &= total > 0
    found[some] = (np.nan_to_num(ratings) * share).sum(0)[some] / total[some]
    return found


def evaluator_weights(ratings: Floats) -> Floats:
    """Weights (R,) that sum to 1: each annotator's mean CCC with the others, 0 if below.

    After Grimm & Kroschel 2005 (evaluator weighted estimator) with CCC for correlation, as MuSe
    does. Alike where nobody agrees with anybody.
    """
    n = len(ratings)
    each = np.zeros(n)
    for i in range(n):
        others = [ccc(ratings[i], ratings[j]) for j in range(n) if j != i]
        known = [value for value in others if not np.isnan(value)]
        each[i] = max(float(np.mean(known)), 0.0) if known else 0.0
    return each / each.sum() if each.sum() > 0 else np.full(n, 1 / max(n, 1))
