"""Post-processing of predictions over time: median filter, centring, scaling, time shift.

In the order, and each kept only where it helps on the part that it is chosen on, as the systems do
that au-va-thesis, section 2.4.4, describes. A step of its own: scores are given with and without.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.evaluation.traces import MOST_SHIFT, MOST_WINDOW, Traces
from mien.metrics.continuous import ccc
from mien.metrics.detection import detection_scores

Doubles = NDArray[np.float64]

WINDOWS = (3, 5, 9, 15, 25, 45, MOST_WINDOW)
COARSE = 5


@dataclass(frozen=True)
class PostProcessing:
    """What is done to one output. median: frames of the filter, 1 for none. offset: added. scale:
    about `middle`. shift: frames by which it is delayed."""

    median: int = 1
    offset: float = 0.0
    middle: float = 0.0
    scale: float = 1.0
    shift: int = 0

    def apply(self, values: Doubles, traces: Traces) -> Doubles:
        """Process values (N,); photographs are centred and scaled alone."""
        found = traces.median(values, self.median) + self.offset
        found = self.middle + (found - self.middle) * self.scale
        return traces.shifted(found, self.shift)

    def to_dict(self) -> dict[str, float]:
        """Its settings by name."""
        return asdict(self)


def choose(predicted: Doubles, truth: Doubles, traces: Traces) -> PostProcessing:
    """Choose each step by CCC on these faces (N,); nothing where nothing is labelled."""
    known = ~np.isnan(predicted) & ~np.isnan(truth)
    steps = PostProcessing()
    if known.sum() < 2:
        return steps

    def judge(tried: PostProcessing) -> float:
        return ccc(tried.apply(predicted, traces), truth)

    steps = _better(steps, [replace(steps, median=w) for w in WINDOWS], judge)
    said, true = steps.apply(predicted, traces)[known], truth[known]
    offset, middle = float(true.mean() - said.mean()), float(true.mean())
    steps = _better(steps, [replace(steps, offset=offset, middle=middle)], judge)
    if said.std() > 0:
        middle = float(said.mean()) + steps.offset
        scale = float(true.std() / said.std())
        steps = _better(steps, [replace(steps, middle=middle, scale=scale)], judge)
    if (traces.place < 0).all():
        return steps
    far = [s for s in range(-MOST_SHIFT // 4, MOST_SHIFT + 1, COARSE) if s]
    steps = _better(steps, [replace(steps, shift=s) for s in far], judge)
    near = [steps.shift + s for s in range(1 - COARSE, COARSE) if s]
    near = [s for s in near if -MOST_SHIFT // 4 <= s <= MOST_SHIFT]
    return _better(steps, [replace(steps, shift=s) for s in near], judge)


def choose_median(predicted: Doubles, truth: Doubles, traces: Traces) -> PostProcessing:
    """Choose a median filter alone, by F1, for probabilities of presence."""
    true = np.nan_to_num(truth, nan=-1.0)

    def judge(tried: PostProcessing) -> float:
        return detection_scores(tried.apply(predicted, traces), true).f1

    plain = PostProcessing()
    return _better(plain, [replace(plain, median=w) for w in WINDOWS], judge)


def _better(
    now: PostProcessing, tried: list[PostProcessing], judge: Callable[[PostProcessing], float]
) -> PostProcessing:
    """The best of those tried, where it is better than what there is."""
    best, found = judge(now), now
    for steps in tried:
        score = judge(steps)
        if score > best + 1e-9 or (np.isnan(best) and not np.isnan(score)):
            best, found = score, steps
    return found
