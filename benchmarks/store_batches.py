"""Shuffled batches of 64 crops at 32 px from a store of 100,000 faces: mean time of a batch.

run: python benchmarks/store_batches.py [--faces 100000] [--sources 5000]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from machine import describe
from mien.labels.expressions import CANONICAL
from mien.store import Store


def make_store(folder: Path, faces: int, sources: int, size: int) -> Store:
    """Make a store of noise in which every head finds labels, of as many videos as sources."""
    store = Store.open_or_create(folder, size)
    random = np.random.default_rng(0)
    n = faces // sources
    for number in range(sources):
        columns = {
            "video": [f"video{number}"] * n,
            "subject": [f"video{number}#0"] * n,
            "track": np.zeros(n, np.int32),
            "frame": np.arange(n, dtype=np.int32),
            "time_s": np.arange(n) / 30,
            "x0": random.random(n, np.float32) * 640,
        }
        labels = {
            "AU12": random.integers(0, 2, n),
            "valence": random.random(n, np.float32),
            "arousal": random.random(n, np.float32),
            "expression": np.array(CANONICAL)[random.integers(0, len(CANONICAL), n)],
        }
        with store.new_shard() as crops:
            crops.append(random.integers(0, 256, (n, size, size, 3), np.uint8))
            store.commit(
                f"source{number}",
                corpus="made",
                kind="made",
                crops=crops,
                faces=columns,
                labels={"made": labels},
                split=["train"] * n,
            )
    return store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=2000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_store(Path(folder) / "s", args.faces, args.sources, 32)
        started = time.perf_counter()
        store = Store.open(Path(folder) / "s")
        n, pixels, labels = len(store), store.pixels(32), store.labels()
        opened = time.perf_counter() - started
        order = np.random.default_rng(1).permutation(n)
        picks = [order[(i * 64) % (n - 64) :][:64] for i in range(args.batches)]
        for pick in picks[:200]:
            pixels.gather(pick)
        started = time.perf_counter()
        for pick in picks:
            pixels.gather(pick)
        each = (time.perf_counter() - started) / args.batches
        used = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
        raw = n * 32 * 32 * 3
        print(describe())
        print(f"{n} faces of {args.sources} sources in {len(store.info.shards)} shards")
        print(f"open, pixels, labels of {labels.n}: {opened * 1e3:.0f} ms")
        print(f"batch of 64 at 32 px:   {each * 1e3:.3f} ms")
        print(f"size over raw pixels:   {used / raw - 1:+.2%}")


if __name__ == "__main__":
    main()
