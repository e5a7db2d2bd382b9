"""Why the joint discriminator loses its Action Units: every cause alone, and together.

run: python benchmarks/joint_ablation.py --store STORE --out DIR [--seeds 3] [--workers 2]
     python benchmarks/joint_ablation.py --store STORE --out DIR --images RUN ... --judge RUN

Trains each variant of config1-32 below with every seed, `mien train` on one thread each, then
scores the last checkpoint on the split val and prints a table, mean and standard deviation over
seeds. Runs that are there are kept. The rates are raised from the document's (3e-4) and the
generator's loss is non-saturating, so that hundreds of updates, not a million, show something;
bfloat16 where the processor computes in it.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from machine import describe
from mien.training.precision import fastest

BASE = (
    "heads.au=[1,2,4,6,12,15,20,25]", "heads.expression=[]", "method.generator_loss=non-saturating",
    "method.discriminator.learning_rate=3e-4", "method.generator.learning_rate=3e-4",
    "log_every=20", "checkpoint_every=100000", "method.updated_more=discriminator",
    "method.update_rate=5",
)  # fmt: skip
PLAIN = (
    "method.fake_weight=0", "method.fake_labels.others=none", "method.batch_norm_statistics=real",
    "method.update_rate=1000000",
)  # fmt: skip
AU, VA = ("heads.valence_arousal=false",), ("heads.au=[]",)
STATISTICS = ("method.batch_norm_statistics=real",)
UNLABELLED = ("method.fake_labels.others=none",)
ZEROS = ("method.fake_labels.heads=['au']",)
CONSTANTS = ("method.fake_labels.heads=['valence_arousal']",)
SMALL_VA = ("scales.valence_arousal=0.0625",)
SUM = ("weights.au=8",)
ALL = (*STATISTICS, *UNLABELLED, *SMALL_VA, *SUM)
TURNED = ("method.updated_more=generator",)
CCC = ("losses.valence_arousal=ccc",)

RECIPES = {
    f"{name}{part}": name
    for name in ("joint-32", "joint-64", "joint-96")
    for part in ("", "'s network, units only", "'s network, VA only")
}
OWN = ("heads.au=[1,2,4,6,12,15,20,25]", "heads.expression=[]",
       "log_every=20", "checkpoint_every=100000", "average=0.99")  # fmt: skip

VARIANTS: dict[str, tuple[str, ...]] = {
    "plain AU": (*PLAIN, *AU),
    "plain VA": (*PLAIN, *VA),
    "plain AU + VA": PLAIN,
    "plain AU + VA, VA/16, AU summed": (*PLAIN, *SMALL_VA, *SUM),
    "GAN AU": AU,
    "GAN VA": VA,
    "GAN joint (kollias-2018)": (),
    "GAN joint (kollias-2018), 1-CCC": CCC,
    "joint, statistics of real": STATISTICS,
    "joint, fakes unlabelled": UNLABELLED,
    "joint, fakes with units' zeros only": ZEROS,
    "joint, fakes with VA's constants only": CONSTANTS,
    "joint, VA/16": SMALL_VA,
    "joint, VA/16, fakes unlabelled": (*SMALL_VA, *UNLABELLED),
    "joint, VA/16, AU summed": (*SMALL_VA, *SUM),
    "joint, all": ALL,
    "joint, all, 1-CCC": (*ALL, *CCC),
    "G leads: joint": TURNED,
    "G leads: joint, all": (*TURNED, *ALL),
    "G leads: joint, all, fake/16": (*TURNED, *ALL, "method.fake_scale=0.0625"),
    **{
        name: (*PLAIN, *AU) if "units" in name else (*PLAIN, *VA) if "VA" in name else ()
        for name in RECIPES
    },
}


def train(store: Path, folder: Path, name: str, seed: int, updates: int) -> None:
    """Train one run on one thread, unless it is there."""
    if (folder / "result.json").exists():
        return
    settings, recipe = VARIANTS[name], RECIPES.get(name, "config1-32")
    steps = updates if settings[: len(PLAIN)] == PLAIN else updates * 6 // 5
    if name in RECIPES.values():
        steps = updates * 2
    elif settings[:1] == TURNED:
        steps = updates * 6
    base = (*(OWN if name in RECIPES else BASE), f"precision={fastest()}")
    words = [f"--set={word}" for word in (*base, *settings, f"seed={seed}", f"steps={steps}")]
    command = [sys.executable, "-m", "mien", "train", recipe, "--store", str(store)]
    resume = ["--resume"] if (folder / "run.json").exists() else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--run", str(folder), *words, *resume], check=True, env=environment,
        capture_output=True,
    )  # fmt: skip
    (folder / "result.json").write_text(json.dumps(score(store, folder)))


def score(store_folder: Path, folder: Path) -> dict[str, float]:
    """Score the last checkpoint on the faces of val, thresholds fitted on those of train."""
    from mien.metrics.affect import affect_scores
    from mien.metrics.measures import of_checkpoint
    from mien.models.sampler import FaceSampler
    from mien.models.torch_recogniser import TorchRecogniser
    from mien.runs.run import Run
    from mien.store import Store

    store = Store.open(store_folder)
    last = Run.open(folder).last()
    recogniser = TorchRecogniser.load(last.recogniser)
    pixels, labels = store.pixels(recogniser.preprocessing.size), store.labels()
    found = {}
    for split in ("train", "val"):
        rows = store.rows(split)[:3000]
        found[split] = (recogniser.predict(pixels.gather(rows)), labels.at(rows))
    predictions, truth = found["val"]
    scores = affect_scores(predictions, truth)
    fitted, auc = [], []
    for unit in recogniser.spec.learned.outputs.get("au", ()):
        said, known = (part.column("au", unit) for part in found["train"])
        cut = best_threshold(said, known == 1)
        said, known = (part.column("au", unit) for part in found["val"])
        fitted.append(f1(said >= cut, known == 1))
        auc.append(area(said, known == 1))
    faces = next(iter(FaceSampler.load(last.sampler).batches(64, 0))).flatten(1)
    fakes = recogniser.predict_batches(FaceSampler.load(last.sampler).batches(512, 0))
    measured = of_checkpoint(scores)
    return {
        "F1": measured["mean F1"],
        "F1 fitted": float(np.nanmean(fitted)) if fitted else float("nan"),
        "AUC": float(np.nanmean(auc)) if auc else float("nan"),
        "CCC V": measured["CCC valence"],
        "CCC A": measured["CCC arousal"],
        "real called real": 1 - called_fake(predictions.fake),
        "fake called fake": called_fake(fakes.fake),
        "spread": float(faces.std(0).mean()),
        **gradients(folder),
    }


def images(store_folder: Path, folder: Path, judge: Path) -> dict[str, float]:
    """Diversity of a run's samples, and their Fréchet distance to real faces.

    The distance is FID's formula over 32 principal components of what the last layer of a
    recogniser sees that was trained on real faces only (`judge`, a run), at its size: no Inception
    network is at hand, so it compares runs here, and is no FID.
    """
    import torch
    from scipy.linalg import sqrtm
    from torch.nn import functional

    from mien.evaluation.faceness import share_with_a_face
    from mien.models.images import to_network, to_pixels
    from mien.models.sampler import FaceSampler
    from mien.models.torch_recogniser import TorchRecogniser
    from mien.runs.run import Run
    from mien.store import Store
    from mien.training.monitors import diversity

    store = Store.open(store_folder)
    seer = TorchRecogniser.load(Run.open(judge).last().recogniser)
    side = seer.preprocessing.size
    real = store.pixels(side).gather(store.rows("val")[:1000])
    last = Run.open(folder).last()
    fakes = torch.cat(list(FaceSampler.load(last.sampler).batches(1000, 1)))
    found = share_with_a_face(to_pixels(fakes[:256]))
    fakes = functional.interpolate(fakes, (side, side), mode="area")
    with torch.inference_mode():
        seen = seer.network.features(to_network(real)).numpy()
        made = seer.network.features(fakes).numpy()
    middle = seen.mean(0)
    axes = np.linalg.svd(seen - middle, full_matrices=False)[2][:32]
    a, b = (seen - middle) @ axes.T, (made - middle) @ axes.T
    root = np.real(sqrtm(np.cov(a.T) @ np.cov(b.T)))
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    frechet = apart + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    spread, doubles = diversity(to_pixels(fakes[:64]), real[:64])
    return {
        "diversity": spread, "duplicates": doubles, "Fréchet": float(frechet),
        "found": found,
        "found in real": share_with_a_face(real[:256]),
    }  # fmt: skip


def gradients(folder: Path) -> dict[str, float]:
    """Mean size of the discriminator's gradient and share of it that was clipped, from the log."""
    from mien.runs.run import Run

    lines = Run(folder).log()
    norms = np.array([v for v in (x.get("discriminator/gradient_norm") for x in lines) if v])
    return {"gradient": float(np.median(norms)), "clipped": float((norms > 20).mean())}


def called_fake(probability: NDArray[Any]) -> float:
    """Share of the faces called fake; NaN of a discriminator that says nothing of it."""
    return float((probability >= 0.5).mean()) if np.isfinite(probability).all() else float("nan")


def f1(called: NDArray[Any], wanted: NDArray[Any]) -> float:
    """F1, NaN where nothing is shown and nothing called."""
    total = called.sum() + wanted.sum()
    return float(2 * (called & wanted).sum() / total) if total else float("nan")


def best_threshold(probability: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the threshold of the best F1."""
    cuts = np.quantile(probability, np.linspace(0.02, 0.99, 60))
    return float(cuts[int(np.nanargmax([f1(probability >= c, wanted) for c in cuts]))])


def area(probability: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Area under the ROC curve by ranks; NaN where all or none is shown."""
    from scipy.stats import rankdata

    n, m = int(wanted.sum()), int((~wanted).sum())
    if not n or not m:
        return float("nan")
    return float((rankdata(probability)[wanted].sum() - n * (n + 1) / 2) / (n * m))


def table(folder: Path, names: list[str], seeds: int) -> str:
    """Mean and standard deviation over seeds, one line a variant."""
    columns = [
        "F1", "F1 fitted", "AUC", "CCC V", "CCC A", "real called real", "fake called fake",
        "spread", "gradient", "clipped",
    ]  # fmt: skip
    lines = [f"| variant | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    for name in names:
        files = [folder / f"{slug(name)}-{seed}" / "result.json" for seed in range(seeds)]
        found = [json.loads(f.read_text()) for f in files if f.exists()]
        cells = []
        for column in columns:
            values = np.array([x[column] for x in found], float)
            known = values[np.isfinite(values)]
            cells.append(f"{known.mean():.3f} ± {known.std():.3f}" if len(known) else "–")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def slug(name: str) -> str:
    """A folder's name of a variant."""
    return "".join(c if c.isalnum() else "-" for c in name).strip("-")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=600, help="of the discriminator")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(VARIANTS))
    parser.add_argument("--images", nargs="*", type=Path, help="runs whose samples to measure")
    parser.add_argument("--judge", type=Path, help="a recogniser's run")
    args = parser.parse_args()
    if args.images:
        print(describe())
        for folder in args.images:
            print(folder.name, images(args.store, folder, args.judge))
        return
    jobs = [(name, seed) for seed in range(args.seeds) for name in args.only]
    with ThreadPoolExecutor(args.workers) as pool:
        done = [
            pool.submit(
                train, args.store, args.out / f"{slug(name)}-{seed}", name, seed, args.updates,
            )
            for name, seed in jobs
        ]  # fmt: skip
        for future in done:
            future.result()
    print(describe())
    print(table(args.out, args.only, args.seeds))


if __name__ == "__main__":
    main()
