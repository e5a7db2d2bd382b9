"""What the documents say follows from their tables, checked on the data at hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from mien.labels.action_units import DOCUMENT_AUS
from mien.reproduction.comparison import (
    FAILED,
    HELD,
    MARGIN,
    UNCLEAR,
    Comparison,
    Figures,
    Side,
    Verdict,
    has,
    starts,
)
from mien.reproduction.recogniser_claims import RECOGNISER_COMPARISONS


@dataclass(frozen=True)
class Trivial:
    """A claim on the best of some runs against an answer that looks at no face.

    metric: "mean accuracy", against every unit absent, or "mean F1", against every unit present,
    on the faces that the runs were scored on. below: the claim is that the runs are worse.
    """

    claim: str
    documents: str
    metric: str
    side: Side
    below: bool = False

    def check(self, runs: Figures) -> Verdict:
        """Compare; cannot tell where the units' shares are not known, or within the margin."""
        mine = {name: figures for name, figures in runs.items() if self.side(name)}
        known = [f[self.metric].value for f in mine.values() if self.metric in f]
        best = max(known, default=float("nan"))
        trivial = trivial_scores(list(_means(mine, "shown AU {}").values()))[self.metric]
        answer = "absent" if self.metric == "mean accuracy" else "present"
        words = f"{self.metric}: {best:.3f} against {trivial:.3f} of every unit {answer}"
        gap = trivial - best if self.below else best - trivial
        if not np.isfinite(gap):
            return Verdict(self.claim, self.documents, UNCLEAR, f"{words} (a figure is missing)")
        verdict = UNCLEAR if abs(gap) < MARGIN else HELD if gap > 0 else FAILED
        return Verdict(self.claim, self.documents, verdict, words)


def trivial_scores(shares: Sequence[float]) -> dict[str, float]:
    """Mean accuracy of calling every unit absent, and mean F1 of calling every unit present.

    shares: per unit, the share of faces that show it, in [0, 1]. A unit with share p is answered
    right in 1 - p of the faces by "absent"; "present" has precision p and recall 1, so F1 is
    2p / (1 + p). NaN where there is no unit.
    """
    p = np.array(shares, float)
    if p.size == 0:
        return {"mean accuracy": float("nan"), "mean F1": float("nan")}
    return {"mean accuracy": float((1 - p).mean()), "mean F1": float((2 * p / (1 + p)).mean())}


FAST, SLOW = "method.generator.learning_rate=1e-4", "method.generator.learning_rate=1e-5"
CCC = "losses.valence_arousal=ccc"
JOINT_THESIS = starts("categorical-28-au-va-mse", "categorical-28-au-va-ccc")

COMPARISONS = (
    Comparison(
        "Units: the single-task discriminator beats the joint one",
        "au-va-thesis, Tables 3.15 against 3.22 and 3.25",
        "mean F1",
        starts("categorical-28-au"),
        JOINT_THESIS,
    ),
    Comparison(
        "Units: the single-task discriminator beats the joint one",
        "kollias-2018, Table IX",
        "weighted F1",
        starts("config1-32-au"),
        starts("config1-32"),
    ),
    *(
        Comparison(
            f"{name.capitalize()}: the single-task discriminator beats the joint one",
            "au-va-thesis, Tables 3.19 and 3.20 against 3.21 and 3.24",
            f"CCC {name}",
            starts("categorical-28-va-mse", "categorical-28-va-ccc"),
            JOINT_THESIS,
        )
        for name in ("valence", "arousal")
    ),
    *(
        Comparison(
            f"{name.capitalize()}: the single-task discriminator beats the joint one",
            "kollias-2018, Table IX",
            f"CCC {name}",
            starts("config1-32-va"),
            starts("config1-32"),
        )
        for name in ("valence", "arousal")
    ),
    Comparison(
        "Valence-arousal alone: MSE is better than 1 - CCC",
        "au-va-thesis, Table 3.19 against 3.20",
        "max CCC",
        starts("categorical-28-va-mse"),
        starts("categorical-28-va-ccc"),
    ),
    Comparison(
        "Valence-arousal alone: MSE is better than 1 - CCC",
        "kollias-2018, Table IX",
        "max CCC",
        lambda run: run.recipe == "config1-32-va" and CCC not in run.settings,
        has("config1-32-va", CCC),
    ),
    *(
        Comparison(
            "Units: a higher update rate gives a better F1",
            f"au-va-thesis, Table 3.15, update rates 7 and 2 at the learning rate {rate[-4:]}",
            "mean F1",
            has("categorical-28-au", rate, "method.update_rate=7"),
            has("categorical-28-au", rate, "method.update_rate=2"),
        )
        for rate in (FAST, SLOW)
    ),
    Comparison(
        "A higher update rate makes worse images (in how many the detector finds a face)",
        "au-va-thesis, Figures 3.28 to 3.30",
        "fakes with a face",
        has("categorical-28-au", SLOW, "method.update_rate=2"),
        has("categorical-28-au", SLOW, "method.update_rate=7"),
        0.1,
    ),
    Comparison(
        "Valence-arousal alone: no label smoothing is better",
        "au-va-thesis, Table 3.19",
        "max CCC",
        has("categorical-28-va-mse", "method.fake_labels.fake=1"),
        has("categorical-28-va-mse", "method.fake_labels.fake=0.9"),
    ),
    Comparison(
        "Joint, MSE: no label smoothing is better for valence-arousal",
        "au-va-thesis, Table 3.24",
        "max CCC",
        has("categorical-28-au-va-mse", "method.fake_labels.fake=1"),
        has("categorical-28-au-va-mse", "method.fake_labels.fake=0.9"),
    ),
    Comparison(
        "Joint, MSE, update rate 2: label smoothing is better for units",
        "au-va-thesis, Table 3.25",
        "mean F1",
        has("categorical-28-au-va-mse", "method.update_rate=2", "method.fake_labels.fake=0.9"),
        has("categorical-28-au-va-mse", "method.update_rate=2", "method.fake_labels.fake=1"),
    ),
    Comparison(
        "The Wasserstein critic with classes collapses less than the conditional GAN (doubles)",
        "kolbenschlag-2020, stages 2 and 3",
        "duplicates",
        starts("acwgan"),
        starts("cgan"),
        0.1,
    ),
)

TRIVIALS = (
    Trivial(
        "Units alone: more accurate than calling every unit absent",
        "au-va-thesis, Tables 3.15 and 3.4: 0.924, 0.799",
        "mean accuracy",
        starts("categorical-28-au"),
    ),
    Trivial(
        "Units alone: a better F1 than calling every unit present",
        "au-va-thesis, Tables 3.15 and 3.4: 0.799, 0.320",
        "mean F1",
        starts("categorical-28-au"),
    ),
    Trivial(
        "Joint: units less accurate than calling every unit absent",
        "au-va-thesis, Tables 3.22, 3.25 and 3.4: 0.562, 0.799",
        "mean accuracy",
        JOINT_THESIS,
        below=True,
    ),
    Trivial(
        "Joint: a worse F1 of units than calling every unit present",
        "au-va-thesis, Tables 3.22, 3.25 and 3.4: 0.247, 0.320",
        "mean F1",
        JOINT_THESIS,
        below=True,
    ),
    Trivial(
        "Joint: units less accurate than calling every unit absent",
        "kollias-2018, Table IX: 0.667; Table III over the 180,000 frames kept: 0.836",
        "mean accuracy",
        starts("config1-32"),
        below=True,
    ),
)
"""What the documents' figures imply beside the shares of units that they print; none says so."""


def check_claims(runs: Figures) -> list[Verdict]:
    """Check every claim on the runs there are; claims of which no run is there are left out."""
    verdicts = [
        comparison.check(runs)
        for comparison in (*COMPARISONS, *RECOGNISER_COMPARISONS)
        if any(comparison.better(name) or comparison.worse(name) for name in runs)
    ]
    verdicts += [trivial.check(runs) for trivial in TRIVIALS if any(map(trivial.side, runs))]
    for found in (_late(runs), _rare_units(runs)):
        if found is not None:
            verdicts.append(found)
    return verdicts


def _late(runs: Figures) -> Verdict | None:
    """Late iterations are best (au-va-thesis, section 3.4): most bests lie in the last fifth."""
    places = []
    for run, figures in runs.items():
        for metric in ("mean F1", "CCC valence", "CCC arousal"):
            reached = figures.get(metric)
            if reached is None or reached.step is None or reached.flat:
                continue
            if np.isfinite(reached.value):
                places.append(reached.step > 0.8 * run.steps)
    if not places:
        return None
    share = float(np.mean(places))
    verdict = HELD if share > 0.6 else FAILED if share < 0.4 else UNCLEAR
    words = f"{share:.0%} of {len(places)} best scores lie in the last fifth"
    return Verdict("Late iterations are best", "au-va-thesis, section 3.4", verdict, words)


def _rare_units(runs: Figures) -> Verdict | None:
    """AU 15 and 20 are worst, being rarest (au-va-thesis, sections 3.2.3 and 3.2.5).

    On other data others may be rarest: then those have to be worst. Table 3.16 itself has AU 2
    below AU 15.
    """
    means = _means(runs, "F1 AU {}")
    if len(means) < len(DOCUMENT_AUS):
        return None
    order = sorted(means, key=means.__getitem__)
    close = means[order[2]] - means[order[1]] < MARGIN
    words = ", ".join(f"AU {unit} {means[unit]:.3f}" for unit in order)
    shown = _means(runs, "shown AU {}")
    rarest = sorted(shown, key=shown.__getitem__)[:2] if len(shown) == len(means) else [15, 20]
    verdict = UNCLEAR if close else HELD if set(order[:2]) == set(rarest) else FAILED
    if len(shown) == len(means) and min(map(len, (set(shown.values()), set(means.values())))) > 1:
        rank = spearmanr([shown[unit] for unit in order], [means[unit] for unit in order])[0]
        words += f"; rarest here are {rarest[0]} and {rarest[1]}; F1 and how often it is shown: "
        words += f"rank correlation {rank:.2f}"
    return Verdict(
        "AU 15 and 20 are worst, being rarest", "au-va-thesis, Table 3.16", verdict, words
    )


def _means(runs: Figures, name: str) -> dict[int, float]:
    """By unit, the mean over runs of the figure so named, where any is known."""
    found = {}
    for unit in DOCUMENT_AUS:
        key = name.format(unit)
        known = [f[key].value for f in runs.values() if key in f and np.isfinite(f[key].value)]
        if known:
            found[unit] = float(np.mean(known))
    return found
