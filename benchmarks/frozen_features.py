"""What a training with a frozen body costs: one pass of the body, then the last layer alone.

run: python benchmarks/frozen_features.py [--faces 2000] [--epochs 20]
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from machine import describe
from mien.training.build import Parts, build
from mien.training.frozen import CHUNK, features_of
from mien.training.recipe import load_recipe
from store_batches import make_store

FROZEN = ["method.last_blocks=1", "augmentation={}", "batch_size=64"]


def one_pass(parts: Parts, faces: int) -> float:
    """Seconds of the bare body over all training faces, 16 at a time."""
    network = parts.step.networks["recogniser"].eval()
    images = parts.batches.batch(0).images[:CHUNK]
    started = time.perf_counter()
    with torch.no_grad():
        for _ in range(faces // CHUNK):
            features_of(network, images)
    return time.perf_counter() - started


def epoch(parts: Parts, number: int, steps: int) -> float:
    """Seconds of an epoch of training."""
    started = time.perf_counter()
    for step in range(number * steps, (number + 1) * steps):
        parts.step.update(step, parts.batches.batch(step))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    print(describe(), f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder) / "s", args.faces, 2, 48)
        frozen = build(load_recipe("fine-tune", FROZEN), store)
        whole = build(load_recipe("fine-tune", FROZEN[1:]), store)
        steps = len(frozen.batches) // 64
        bare = one_pass(frozen, len(frozen.batches))
        times = [epoch(frozen, number, steps) for number in range(args.epochs)]
        full = epoch(whole, 0, steps)
    print(f"{len(frozen.batches)} training faces, epochs of {steps} steps of 64")
    print(f"one pass of the bare body {bare:.2f} s; one epoch of all layers {full:.2f} s")
    later = sum(times[1:]) / (len(times) - 1)
    print(f"frozen: first epoch {times[0]:.2f} s, each of the others {later:.3f} s")
    print(f"{args.epochs} frozen epochs take {sum(times) / bare:.2f} passes of the body")


if __name__ == "__main__":
    main()
