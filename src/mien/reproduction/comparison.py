"""A claim that some runs are better than others, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mien.metrics.measures import Better, measure
from mien.reproduction.asked import AskedRun
from mien.reproduction.figures import LAST, Reached

Figures = Mapping[AskedRun, Mapping[str, Reached]]
"""By run: its figures."""
Side = Callable[[AskedRun], bool]
"""Whether a run is on one side of a comparison."""

MARGIN = 0.02
"""One run each tells no smaller difference from chance: below it, the verdict is UNCLEAR."""

HELD, FAILED, UNCLEAR = "held", "did not hold", "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """What came out for one claim. figures: what was compared, in words."""

    claim: str
    documents: str
    verdict: str
    figures: str


@dataclass(frozen=True)
class Comparison:
    """A claim that the best of some runs is better than the best of others.

    last: scores are of the end of each training, where the document's are.
    """

    claim: str
    documents: str
    metric: str
    better: Side
    worse: Side
    margin: float = MARGIN
    last: bool = False

    def check(self, runs: Figures) -> Verdict:
        """Compare; cannot tell where one side is missing or they are closer than the margin."""
        of = measure(self.metric)
        name = f"{self.metric}{LAST}" if self.last else self.metric
        best = [
            of.best(
                [
                    value
                    for n, f in runs.items()
                    if side(n) and name in f and np.isfinite(value := f[name].value)
                ]
            )
            for side in (self.better, self.worse)
        ]
        words = f"{self.metric}: {best[0]:.3f} against {best[1]:.3f}"
        if not np.isfinite(best).all():
            return Verdict(self.claim, self.documents, UNCLEAR, f"{words} (a run is missing)")
        gap = best[1] - best[0] if of.better is Better.LOWER else best[0] - best[1]
        verdict = UNCLEAR if abs(gap) < self.margin else HELD if gap > 0 else FAILED
        return Verdict(self.claim, self.documents, verdict, words)


def starts(*names: str) -> Side:
    """Runs of these recipes, on the store given: not those on drawn pictures."""
    return lambda run: run.recipe in names and not run.pictures


def has(name: str, *settings: str) -> Side:
    """Runs of a recipe with all of these settings."""
    return lambda run: run.recipe == name and set(settings) <= set(run.settings)
