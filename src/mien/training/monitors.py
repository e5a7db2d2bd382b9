"""What goes wrong with a GAN, in numbers and in plain words, while it can still be stopped."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from mien.labels.arrays import Labels, Predictions

LOW_DIVERSITY = 0.4
"""Samples that lie closer together than this share of real faces' distance look alike."""
DUPLICATE = 0.15
"""A sample nearer to another than this share of real faces' mean distance is its double."""
MANY_DUPLICATES = 0.5
WON = 0.99
WON_FOR = 20
"""Looks in a row at which the discriminator knew nearly every image before it is said."""
OUTGROWN = 4.0
"""How many times a critic's distance grows over as many looks before it is said."""
HALVED = 0.5
FAR_OFF = 0.25
"""Mean valence or arousal that is further than this from the labels' is said to have drifted."""

Pictures = NDArray[np.uint8]


def diversity(samples: Pictures, real: Pictures) -> tuple[float, float]:
    """Mean pairwise distance of samples (N, S, S, 3) over that of real faces; share of doubles.

    Distances are Euclidean, in pixels. Real faces without any spread give NaN.
    """
    among = pdist(samples.reshape(len(samples), -1).astype(np.float32))
    wanted = float(pdist(real.reshape(len(real), -1).astype(np.float32)).mean())
    if wanted == 0:
        return float("nan"), float("nan")
    square = squareform(among)
    np.fill_diagonal(square, np.inf)
    doubles = float((square.min(1) < DUPLICATE * wanted).mean())
    return float(among.mean()) / wanted, doubles


class Monitors:
    """Watches a run; each trouble is told once, until it has passed."""

    def __init__(
        self,
        told: Iterable[str] = (),
        won: Iterable[bool] = (),
        distances: Iterable[float] = (),
    ) -> None:
        """Begin, or go on with what `memory` gave."""
        self._told = set(told)
        self._won = deque(won, maxlen=WON_FOR)
        self._distances = deque(distances, maxlen=WON_FOR)

    def memory(self) -> dict[str, Any]:
        """Return, as plain values, what makes another of these go on from here."""
        return {
            "told": sorted(self._told),
            "won": list(self._won),
            "distances": list(self._distances),
        }

    def watch_game(self, values: Mapping[str, float]) -> list[str]:
        """Look at the latest losses; returns what to tell."""
        if "critic/distance" in values:
            return self._watch_critic(values["critic/distance"])
        known = ("p_real/of_real", "p_real/of_fake")
        if not all(name in values for name in known):
            return []
        of_real, of_fake = (values[name] for name in known)
        self._won.append(of_real > WON and of_fake < 1 - WON)
        winning = len(self._won) == WON_FOR and all(self._won)
        return self._tell(
            "won",
            winning,
            f"the discriminator has known nearly every image for {WON_FOR} looks in a row: a "
            "saturating generator loss gets no gradient then; try method.generator_loss=non-"
            "saturating or a lower method.discriminator.learning_rate",
        )

    def _watch_critic(self, distance: float) -> list[str]:
        """A critic's distance that keeps growing: the generator does not follow."""
        self._distances.append(distance)
        looks = list(self._distances)
        growing = len(looks) == WON_FOR and min(looks) > 0
        growth = float(np.mean(looks[-5:]) / np.mean(looks[:5])) if growing else 0.0
        return self._tell(
            "outgrown",
            growth > OUTGROWN,
            f"the critic's distance has grown {growth:.1f}-fold in {WON_FOR} looks: the generator "
            "does not follow; try a lower method.discriminator.learning_rate "
            "or method.gradient_penalty",
        )

    def watch_samples(
        self, samples: Pictures, real: Pictures
    ) -> tuple[dict[str, float], list[str]]:
        """Measure how alike the samples are; returns numbers and what to tell."""
        spread, doubles = diversity(samples, real)
        alike = spread < LOW_DIVERSITY
        text = self._tell(
            "alike",
            alike,
            f"the samples look alike: their distance is {spread:.2f} of that of real faces (mode "
            "collapse, or too early to tell)",
        )
        text += self._tell(
            "doubles",
            doubles > MANY_DUPLICATES,
            f"{doubles:.0%} of the samples have a double among the others (mode collapse, or too "
            "early to tell)",
        )
        return {"monitor/diversity": spread, "monitor/duplicates": doubles}, text

    def watch_heads(
        self, predictions: Predictions, labels: Labels, store: str = ""
    ) -> tuple[dict[str, float], list[str]]:
        """Compare what the heads say on average with how often it is so; returns as above.

        store: name of the faces' store where a run has several: each is watched by itself.
        """
        within = f"{store}/" if store else ""
        truth = labels.aligned(predictions.heads)
        numbers: dict[str, float] = {}
        text = []
        for head in predictions.heads:
            said, so = predictions[head.name], truth[head.name]
            known = ~np.isnan(said) & ~np.isnan(so)
            means = {
                output: (float(said[mask, i].mean()), float(so[mask, i].mean()))
                for i, output in enumerate(head.outputs)
                if (mask := known[:, i]).any()
            }
            first = next(h for h in predictions.heads if set(h.outputs) & set(head.outputs))
            form = "" if first is head else f"{head.name}/"  # names that another head has too
            numbers |= {f"monitor/drift/{within}{form}{o}": a - b for o, (a, b) in means.items()}
            if head.type.kind == "regression":
                for output, (mean, wanted) in means.items():
                    text += self._watch_mean(within, output, mean - wanted)
            if head.type.kind == "binary":
                low = [o for o, (mean, share) in means.items() if share > 0 > mean - HALVED * share]
                text += self._tell(
                    f"{within}{head.name}",
                    len(low) > len(head.outputs) / 2,
                    f"{len(low)} of {len(head.outputs)} outputs of {head.name} say present less "
                    "than half as often as it is so: too early, too rare "
                    f"(adjust.{head.name}.inverse_frequency), or in a GAN constant labels of "
                    "generated images (docs/joint.md; method.fake_labels.others=none)",
                )
        return numbers, [f"{store}: {line}" for line in text] if store else text

    def _watch_mean(self, within: str, output: str, drift: float) -> list[str]:
        return self._tell(
            f"{within}{output}",
            abs(drift) > FAR_OFF,
            f"{output} is said to be {abs(drift):.2f} too {'high' if drift > 0 else 'low'} on "
            "average",
        )

    def _tell(self, what: str, trouble: bool, text: str) -> list[str]:
        fresh = trouble and what not in self._told
        (self._told.add if trouble else self._told.discard)(what)
        return [text] if fresh else []
