"""How large each head's gradient is in the layers that all heads share, and where it points.

run: python benchmarks/joint_gradients.py --store STORE [--seeds 3] [--at 20 300]
     [--only "GAN joint (kollias-2018)" ...]

Trains variants of `joint_ablation.py` in memory and, at the discriminator's updates asked for,
takes the gradient of each head's weighted loss apart, on the real batch and on a generated one,
with respect to every weight but those of the last layer. Prints the norms, mean over seeds, and
cosines between the units' gradient on real faces and the others'. The losses' halving of real and
fake is left out: ratios are what counts.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from joint_ablation import BASE, OWN, RECIPES, VARIANTS
from machine import describe
from mien.store import Store
from mien.training.build import Parts, build
from mien.training.data import Batch
from mien.training.methods.categorical import CategoricalStep
from mien.training.recipe import load_recipe

TERMS = ("real/au", "real/valence_arousal", "real/fake", "fake/au", "fake/valence_arousal",
         "fake/fake")  # fmt: skip
SHOWN = ("GAN joint (kollias-2018)", "joint, VA/16", "joint, all", "G leads: joint", "joint-32")


def of_heads(step: CategoricalStep, batch: Batch) -> dict[str, Tensor]:
    """Gradient of each head's loss, as one long vector of the shared weights."""
    pair, real = step.pair, batch.images
    shared = list(pair.discriminator.network.parameters())[:-2]  # without the last layer's
    with torch.no_grad():
        fake = pair.generate(len(real))
    on_real = step.loss.on_real(pair.discriminate_again(real), batch.labels)
    on_fake = step.loss.on_fake(pair.discriminate_again(fake))
    losses = {f"real/{name}": loss for name, loss in on_real.items()}
    losses |= {f"fake/{name}": loss for name, loss in on_fake.items()}
    found = {}
    for name, loss in losses.items():
        parts = torch.autograd.grad(loss, shared, retain_graph=True)
        found[name] = torch.cat([part.flatten() for part in parts])
    return found


def _trained(parts: Parts, at: list[int]) -> dict[int, dict[str, Tensor]]:
    """Train to the last of the discriminator's updates in `at`; gradients at each of them."""
    step = parts.step
    assert isinstance(step, CategoricalStep), "these variants are of the categorical method"
    found: dict[int, dict[str, Tensor]] = {}
    number = updates = 0
    while updates < max(at):
        batch = parts.batches.batch(number)
        torch.manual_seed((parts.recipe.seed << 32) + number)
        step.update(number, batch)
        updates += step.pair.schedule.updates_discriminator(number)
        if updates in at and updates not in found:
            found[updates] = of_heads(step, batch)
        number += 1
    return found


def measure(store: Store, name: str, seeds: int, at: list[int]) -> list[str]:
    """Lines of the table of one variant, one an update."""
    recipe = RECIPES.get(name, "config1-32")
    base = OWN if name in RECIPES else BASE
    runs = []
    for seed in range(seeds):
        settings = [*base, *VARIANTS[name], f"seed={seed}"]
        runs.append(_trained(build(load_recipe(recipe, settings), store), at))
    return [_row(name, moment, [run[moment] for run in runs]) for moment in at]


def _row(name: str, moment: int, found: list[dict[str, Tensor]]) -> str:
    cells = [name, str(moment)]
    for term in TERMS:
        norms = [g[term].norm().item() for g in found if term in g]
        cells.append(f"{np.mean(norms):.2f}" if norms else "–")
    for term in TERMS[1:]:
        pairs = [(g["real/au"], g[term]) for g in found if term in g]
        cosines = [torch.cosine_similarity(a, b, dim=0).item() for a, b in pairs]
        cells.append(f"{np.mean(cosines):+.2f}" if cosines else "–")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--at", type=int, nargs="+", default=[20, 300])
    parser.add_argument("--only", nargs="+", default=SHOWN, choices=tuple(VARIANTS))
    args = parser.parse_args()
    store = Store.open(args.store)
    print(describe())
    heads = ["variant", "D updates", *TERMS, *(f"cos {term}" for term in TERMS[1:])]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for name in args.only:
        print("\n".join(measure(store, name, args.seeds, args.at)), flush=True)


if __name__ == "__main__":
    main()
