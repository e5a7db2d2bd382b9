"""A store of 1,000,000 faces in 5,000 sources: what opening, asking and committing cost.

run: python benchmarks/store_scale.py [--faces 1000000] [--sources 5000] [--keep DIR]

Most sources are videos of two people, in ten corpora; every tenth is a folder of photographs. The
crops are noise of 8 px. The second figure of a row is the same in the same process again, the third
the processor time of the first: what it would take on a machine with nothing else to do.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from machine import describe
from mien.labels.expressions import CANONICAL
from mien.store import Store
from mien.store.segments import MOST
from mien.store.splits import SPLITS, independent_groups, shared_between_splits

SIZE = 8
CORPORA = 10
UNITS = (1, 2, 4, 6, 12, 15, 20, 25)


def commit(store: Store, number: int, n: int) -> None:
    """Add a source of n faces with labels of every head."""
    random = np.random.default_rng(number)
    corpus = f"corpus{number % CORPORA}"
    half = np.arange(n) >= n // 2
    faces: dict[str, Any] = {
        name: random.random(n, np.float32) * 640 for name in ("x0", "y0", "x1", "y1")
    }
    if number % 10 == 3:
        faces["image"] = [f"{number}/{i}.jpg" for i in range(n)]
        faces["subject"] = [f"p{number}-{i // 20}" for i in range(n)]
    else:
        video = f"v{number}.mp4"
        faces["video"] = [video] * n
        faces["subject"] = np.where(half, f"{video}#1", f"{video}#0").tolist()
        faces["track"] = half.astype(np.int32)
        faces["frame"] = np.arange(n, dtype=np.int32) % (n // 2)
        faces["time_s"] = faces["frame"] / 30
    labels = {
        **{name: random.uniform(-1, 1, n).astype(np.float32) for name in ("valence", "arousal")},
        **{f"AU{unit:02d}": random.integers(0, 2, n) for unit in UNITS},
        **{f"AU{unit:02d}_r": random.random(n, np.float32) * 5 for unit in UNITS},
        "expression": np.array(CANONICAL)[random.integers(0, len(CANONICAL), n)],
    }
    part = SPLITS[number % 3]
    with store.new_shard() as crops:
        crops.append(random.integers(0, 256, (n, SIZE, SIZE, 3), np.uint8))
        store.commit(
            f"{corpus}/{number}",
            corpus=corpus,
            kind="made",
            crops=crops,
            faces=faces,
            labels={corpus: labels},
            split=[part] * n,
        )


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def anonymous() -> float:
    """Memory in MB that belongs to no file."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ask(folder: Path) -> dict[str, list[float]]:
    """Times in ms of what is asked of a store: the first time, the second, processor of the first.

    Every question is asked of a store that was just opened and had nothing read.
    """
    questions: dict[str, Callable[[Store], Any]] = {
        "open": lambda store: Store.open(folder),
        "rows of a part": lambda store: store.rows("train"),
        "leak check": lambda store: shared_between_splits(
            store.split(), store.codes("subject"), store.codes("video")
        ),
        "independent groups": lambda store: independent_groups(
            store.codes("subject"), store.codes("video"), store.codes("image")
        ),
        "labels of all heads": lambda store: store.labels(),
        "windows of 16 frames": lambda store: store.windows(16, 16),
    }
    found = {}
    for name, question in questions.items():
        store = Store.open(folder)
        processor = time.process_time()
        first = seconds(lambda question=question, store=store: question(store))
        processor = time.process_time() - processor
        second = seconds(lambda question=question, store=store: question(store))
        found[name] = [first, second, processor]
    store = Store.open(folder)
    pixels, n = store.pixels(), len(store)
    order = np.random.default_rng(1).permutation(n)
    batches = [order[(i * 64) % (n - 64) :][:64] for i in range(2000)]
    for _ in range(2):
        took = seconds(lambda: [pixels.gather(batch) for batch in batches])
        found.setdefault(f"batch of 64 at {SIZE} px", []).append(took / len(batches))
    return {name: [1e3 * value for value in values] for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=5000)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make it there, or use it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary) / "store"
        store = Store.open_or_create(folder, SIZE)
        each = args.faces // args.sources
        made, done = [], len(store.info.sources)
        for number in range(done, args.sources):
            made.append(1e3 * seconds(lambda number=number: commit(store, number, each)))
        print(describe())
        print(f"{len(store)} faces in {len(store.info.sources)} sources")
        found = ask(folder)
        memory = anonymous()
        new = range(store.info.next_face, store.info.next_face + MOST + 6)  # names never used
        last = [1e3 * seconds(lambda number=number: commit(store, number, 200)) for number in new]
        print(f"{'':30}first      second   processor")
        for name, times in found.items():
            print(f"{name:26}" + "".join(f"{value:9.2f} ms" for value in times))
        typical, worst = np.median(last), max(last)
        print(
            f"{'commit of 200 faces':26}{typical:9.2f} ms, of {len(last)} the longest {worst:.0f}"
        )
        if made:
            print(f"{'all commits on the way':26}{np.mean(made):9.2f} ms each on average")
        print(f"{'anonymous memory':26}{memory:9.0f} MB")
        files = {part: len(segments) for part, segments in store.info.segments.items()}
        print(f"files: {files['faces']} of faces, {sum(files.values())} in all parts")


if __name__ == "__main__":
    main()
