"""Shuffled batches of 64 crops at 32 px from a store of 100,000 faces: mean time of a batch.

run: python benchmarks/store_batches.py [--faces 100000] [--shards 20]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from machine import describe
from mien.labels.expressions import CANONICAL
from mien.store import Store


def make_store(folder: Path, faces: int, shards: int, size: int) -> Store:
    """Make a store of noise in which every head finds labels: as many imports as shards."""
    store = Store.open_or_create(folder, size)
    source = np.random.default_rng(0)
    for shard in range(shards):
        n = faces // shards
        with store.writing():
            number, writer = store.new_shard()
            with writer:
                writer.append(source.integers(0, 256, (n, size, size, 3), np.uint8))
                writer.finish()
            columns = {
                "shard": np.full(n, number, np.int32),
                "row": np.arange(n, dtype=np.int32),
                "video": [f"video{shard}"] * n,
                "subject": [f"video{shard}#0"] * n,
                "frame": np.arange(n, dtype=np.int32),
                "time_s": np.arange(n) / 30,
                "x0": source.random(n, np.float32) * 640,
                "AU12": source.integers(0, 2, n),
                "valence": source.random(n, np.float32),
                "arousal": source.random(n, np.float32),
                "expression": np.array(CANONICAL)[source.integers(0, len(CANONICAL), n)],
                "split": ["train"] * n,
            }
            store.commit(f"source{shard}", {}, columns, (12,), CANONICAL)
    return store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--batches", type=int, default=2000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_store(Path(folder) / "s", args.faces, args.shards, 32)
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
        print(f"{n} faces in {args.shards} shards, labels of {len(labels)} read")
        print(f"open, table and labels: {opened * 1e3:.0f} ms")
        print(f"batch of 64 at 32 px:   {each * 1e3:.3f} ms")
        print(f"size over raw pixels:   {used / raw - 1:+.2%}")


if __name__ == "__main__":
    main()
