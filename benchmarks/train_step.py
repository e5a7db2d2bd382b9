"""A training step of a recipe against the bare forward, backward and update of its networks.

run: python benchmarks/train_step.py [--recipe config1-32] [--precision bfloat16] [--rounds 12]

All run in turn, round by round, on the same machine: the ratios are what counts. The bare loop has
real images in memory, the same networks, losses, optimisers and precision, and nothing else: no
store, no labels' bookkeeping, no clipping, no logging, no checks. The plain loop is what one writes
first: float32, gradients of everything, the graph of generated images kept in the discriminator's
turn.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import nn
from torch.nn import functional as F

from machine import describe
from mien.models import DISCRIMINATORS, GENERATORS
from mien.runs.run import Run
from mien.store import Store
from mien.training.build import build
from mien.training.loop import Loop
from mien.training.recipe import Recipe, load_recipe
from mien.training.recorder import Recorder
from store_batches import make_store


def discriminators_turn(recipe: Recipe, step: int) -> bool:
    """Whose turn a step is, written out again."""
    if recipe.updated_more == "generator":
        return step % (recipe.update_rate + 1) == 0
    return step % (recipe.update_rate + 1) < recipe.update_rate


class Bare:
    """The same mathematics, written out by hand. plain: without any economy, in float32."""

    def __init__(self, recipe: Recipe, outputs: int, plain: bool) -> None:
        self.recipe, self.plain = recipe, plain
        self.fast = recipe.precision == "bfloat16" and not plain
        self.g = GENERATORS[recipe.generator.network](noise=recipe.noise)
        self.d = DISCRIMINATORS[recipe.discriminator.network](outputs=outputs)
        self.adam_g = torch.optim.Adam(self.g.parameters(), 1e-4, (0.5, 0.999))
        self.adam_d = torch.optim.Adam(self.d.parameters(), 1e-5, (0.5, 0.999))
        side = recipe.image_size
        self.real = torch.rand(recipe.batch_size, 3, side, side) * 2 - 1
        self.au = torch.randint(0, 2, (recipe.batch_size, 1)).float()
        self.va = torch.rand(recipe.batch_size, 2)

    def steps(self, turn: range) -> None:
        for step in turn:
            self.step(step)

    def step(self, step: int) -> None:
        noise = torch.rand(self.recipe.batch_size, self.recipe.noise) * 2 - 1
        if discriminators_turn(self.recipe, step):
            with torch.set_grad_enabled(self.plain):
                fake = self._run(self.g, noise)
            loss = self._on(self._run(self.d, self.real), self.va, self.au, 0.0)
            flat = torch.full_like(self.va, 0.01), torch.full_like(self.au, 0.01)
            loss = loss + self._on(self._run(self.d, fake), *flat, 0.9)
            self._update(self.adam_d, loss)
        else:
            self.d.requires_grad_(self.plain)
            fake = self._run(self.g, noise)
            p = torch.sigmoid(self._run(self.d, fake)[:, -1])
            loss = torch.log(p + 1e-7).mean() + F.huber_loss(fake, self.real)
            self._update(self.adam_g, loss)
            self.d.requires_grad_(True)

    def _run(self, network: nn.Module, given: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.fast):
            out: torch.Tensor = network(given)
        return out.float()

    @staticmethod
    def _on(out: torch.Tensor, va: torch.Tensor, au: torch.Tensor, fake: float) -> torch.Tensor:
        target = torch.full_like(out[:, -1], fake)
        cross = F.binary_cross_entropy_with_logits
        return F.mse_loss(out[:, :2], va) + cross(out[:, 2:3], au) + cross(out[:, -1], target)

    @staticmethod
    def _update(adam: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()


def matmul_peak(kind: torch.dtype) -> float:
    """Return GFLOP/s of a large matrix product."""
    a = torch.rand(2048, 2048).to(kind)
    best = min(_timed(lambda: a @ a) for _ in range(8))
    return 2 * 2048**3 / best / 1e9


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def flops(network: nn.Module, given: torch.Tensor) -> int:
    """Count multiply-adds twice, of one forward pass."""
    total = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.ConvTranspose2d):
            total += 2 * inputs[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            total += 2 * output.numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules()]
    with torch.no_grad():
        network(given)
    for hook in hooks:
        hook.remove()
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="config1-32")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=12, help="of each, per round")
    args = parser.parse_args()
    recipe = load_recipe(
        args.recipe, [f"precision={args.precision}", "heads.aus=[1,2,4]", "heads.expressions=[]"]
    )
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder) / "s", 1000, 2, max(32, recipe.image_size))
        store.set_column("split", pa.array(["train"] * len(store)))
        store.set_column("arousal", store.table["valence"].combine_chunks())  # both VA heads learn
        parts = build(recipe, Store.open(Path(folder) / "s"))
        run = Run(Path(folder) / "run")
        run.checkpoints_folder.mkdir(parents=True)
        outputs = parts.learned.layout.outputs
        bare, plain = Bare(recipe, outputs, False), Bare(recipe, outputs, True)
        ours: list[float] = []
        theirs: list[float] = []
        first: list[float] = []
        with Recorder(run, 0) as recorder:
            loop = Loop(parts, run, recorder, None, print)
            done = 0
            for _ in range(args.rounds + 1):
                turn = range(done, done + args.steps)
                ours.append(_timed(partial(_steps, loop, recipe, turn)))
                theirs.append(_timed(partial(bare.steps, turn)))
                first.append(_timed(partial(plain.steps, turn)))
                done += args.steps
        ratios = [a / b for a, b in zip(ours[1:], theirs[1:], strict=True)]
        faster = [a / b for a, b in zip(first[1:], ours[1:], strict=True)]
        side = recipe.image_size
        d = flops(bare.d, torch.rand(1, 3, side, side)) * recipe.batch_size
        g = flops(bare.g, torch.rand(1, recipe.noise)) * recipe.batch_size
        turns = [discriminators_turn(recipe, i) for i in range(args.steps)]
        # D's turn: two passes forward and backward, G forward. G's: G forward and backward, D
        # forward and backward to its input. A backward is two forwards' worth, to the input one.
        work = sum(6 * d + g if turn else 3 * g + 2 * d for turn in turns)
        ours_s, bare_s = statistics.median(ours[1:]), statistics.median(theirs[1:])
        kind = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
        rate, peak = work / ours_s / 1e9, matmul_peak(kind)
        print(describe(), f"torch {torch.__version__}, {torch.get_num_threads()} threads")
        print(
            f"{recipe.name}, {recipe.precision}, batch {recipe.batch_size}: {args.rounds} rounds "
            f"of {args.steps} steps"
        )
        print(f"mien {ours_s / args.steps * 1e3:.1f} ms, bare {bare_s / args.steps * 1e3:.1f} ms")
        low, high = np.quantile(ratios, [0.25, 0.75])
        print(f"mien over bare {statistics.median(ratios):.3f} (quartiles {low:.3f} to {high:.3f})")
        print(f"plain float32 over mien: {statistics.median(faster):.2f} times")
        print(f"{rate:.0f} GFLOP/s, {rate / peak:.0%} of the {peak:.0f} of a matrix product")


def _steps(loop: Loop, recipe: Recipe, turn: range) -> None:
    for step in turn:
        loop.one_step(step)
        if (step + 1) % recipe.log_every == 0:
            loop.log(step + 1)


if __name__ == "__main__":
    main()
