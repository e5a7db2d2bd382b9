"""A training step of each recipe against the bare forward, backward and update of its networks.

run: python benchmarks/train_step.py [--recipe config1-32 | all] [--precision bfloat16]
     [--rounds 12] [--seconds 60] [--also channels-last compiled] [--set augmentation={}]

All run in turn, round by round, on the same machine: the ratios are what counts. The bare loop and
the plain one, which is what one writes first, are in `bare_steps.py`. The work of a step, in
floating-point operations, is what torch counts in the bare loop.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from bare_steps import Bare
from machine import describe
from mien.runs.run import Run
from mien.training.build import build
from mien.training.loop import Loop
from mien.training.recipe import Recipe, load_recipe, recipe_files
from mien.training.recorder import Recorder
from store_batches import make_store

FEWEST = 3
"""Rounds that are measured however long they take."""

VARIANTS = {"channels-last": {"channels_last": True}, "compiled": {"compiled": True}}


def matmul_peak(kind: torch.dtype) -> float:
    """Return GFLOP/s of a large matrix product."""
    a = torch.rand(2048, 2048).to(kind)
    best = min(_timed(lambda: a @ a) for _ in range(8))
    return 2 * 2048**3 / best / 1e9


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(
    recipe: Recipe, rounds: int, steps: int, seconds: float, also: Sequence[str]
) -> tuple[dict[str, list[float]], float]:
    """Seconds of each round by contender, and the operations of a round."""
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder) / "s", 1000, 2, max(32, recipe.image_size))
        parts = build(recipe, store, fresh=False)
        run = Run(Path(folder) / "run")
        run.checkpoints_folder.mkdir(parents=True)
        make = partial(Bare, parts)
        rivals = {"bare": make(), "plain": make(plain=True)}
        rivals |= {name: make(**VARIANTS[name]) for name in also}
        with Recorder(run, 0) as recorder:
            loop = Loop(parts, run, recorder, None, print)
            work: dict[str, Callable[[range], None]] = {"mien": partial(_steps, loop, recipe)}
            work |= {name: rival.steps for name, rival in rivals.items()}
            found: dict[str, list[float]] = {name: [] for name in work}
            until = time.perf_counter() + seconds
            for number in range(rounds + 1):  # the first warms up
                if number > FEWEST and time.perf_counter() > until:
                    break
                turn = range(number * steps, (number + 1) * steps)
                for name, go in work.items():
                    found[name].append(_timed(partial(go, turn)))
        with FlopCounterMode(display=False) as counter:
            rivals["bare"].steps(range(steps))
    return {name: times[1:] for name, times in found.items()}, counter.get_total_flops()


def _steps(loop: Loop, recipe: Recipe, turn: range) -> None:
    for step in turn:
        loop.one_step(step)
        if (step + 1) % recipe.log_every == 0:
            loop.log(step + 1)


def _row(name: str, times: dict[str, list[float]], work: float, steps: int, peak: float) -> str:
    """One line of the table."""

    def ratio(over: str, under: str) -> list[float]:
        return [a / b for a, b in zip(times[over], times[under], strict=True)]

    mien, bare = (statistics.median(times[name]) for name in ("mien", "bare"))
    low, high = np.quantile(ratio("mien", "bare"), [0.25, 0.75])
    rate = work / mien / 1e9
    cells = [
        name,
        f"{mien / steps * 1e3:.1f}",
        f"{bare / steps * 1e3:.1f}",
        f"{statistics.median(ratio('mien', 'bare')):.2f} ({low:.2f} to {high:.2f})",
        f"{statistics.median(ratio('plain', 'mien')):.2f}",
        f"{rate:.0f} ({rate / peak:.0%})",
    ]
    others = [other for other in times if other in VARIANTS]
    cells += [f"{statistics.median(ratio('bare', other)):.2f}" for other in others]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", nargs="+", default=["config1-32"], help="names, or all")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=12, help="of each, per round")
    parser.add_argument("--seconds", type=float, default=60, help="at most, about, a recipe")
    parser.add_argument("--also", nargs="*", default=[], choices=tuple(VARIANTS))
    parser.add_argument("--set", nargs="*", default=[], help="settings of every recipe")
    args = parser.parse_args()
    names = list(recipe_files()) if args.recipe == ["all"] else args.recipe
    peak = matmul_peak(torch.bfloat16 if args.precision == "bfloat16" else torch.float32)
    print(describe(), f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(
        f"{args.precision}, up to {args.rounds} rounds of {args.steps} steps; a matrix product "
        f"{peak:.0f} GFLOP/s\n"
    )
    others = [f"bare over {name}" for name in args.also]
    heads = ["recipe", "mien, ms", "bare, ms", "mien over bare", "plain over mien", "GFLOP/s"]
    print(f"| {' | '.join(heads + others)} |")
    print(f"|{' --- |' * len(heads + others)}")
    for name in names:
        recipe = load_recipe(name, [f"precision={args.precision}", *args.set])
        times, work = measure(recipe, args.rounds, args.steps, args.seconds, args.also)
        print(_row(name, times, work, args.steps, peak), flush=True)


if __name__ == "__main__":
    main()
