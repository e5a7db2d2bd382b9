"""Statistics, a stratified split and the search for near-duplicates on a large made store.

run: python benchmarks/store_scale.py --faces 1000000 --keep DIR
     python benchmarks/curation_scale.py DIR

Each in a process of its own, so that its memory is its own: wall-clock and processor time, and the
most memory that belonged to no file. The faces of that store are noise of 8 px: hashes of such say
nothing of accuracy, and plain ones are not passed over as often as real ones.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from machine import describe
from mien.store import Store
from store_scale import anonymous


def page(folder: Path) -> str:
    from mien.workflows.stats import write_statistics

    with tempfile.TemporaryDirectory() as temporary:
        written = write_statistics(folder, Path(temporary) / "page.html")
        return f"{written.stat().st_size / 2**20:.1f} MiB"


def numbers(folder: Path) -> str:
    from mien.workflows.stats import stats

    return f"{stats(folder)['all']['faces']} faces"


def stratified(folder: Path) -> str:
    from mien.curation.splitting import stratified as draw
    from mien.store.splits import independent_groups

    store = Store.open(folder)
    columns = (store.codes(name) for name in ("subject", "video", "image"))
    groups = independent_groups(*columns)
    drawn = draw(groups, store.labels(), (0.7, 0.15, 0.15), 0)
    return f"largest gap {max(drawn.gaps.values()):.2f} points"


def duplicates(folder: Path) -> str:
    from mien.curation.near_duplicates import hashes, near_pairs, sampled

    store = Store.open(folder)
    codes, rows = hashes(store, sampled(store))
    return f"{len(near_pairs(codes))} pairs among {len(rows)} faces"


WORK: dict[str, Callable[[Path], str]] = {
    "mien stats": numbers,
    "mien stats --html": page,
    "stratified split": stratified,
    "near-duplicates": duplicates,
}


def measure(name: str, folder: Path) -> None:
    """Do one piece of work and print a line of it."""
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            most[0] = max(most[0], anonymous())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    wall, processor = time.perf_counter(), time.process_time()
    found = WORK[name](folder)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    done.set()
    watcher.join()
    print(f"{name:20}{wall:9.2f} s{processor:11.2f} s{most[0]:9.0f} MB  {found}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--only", choices=sorted(WORK))
    args = parser.parse_args()
    if args.only:
        measure(args.only, args.store)
        return
    store = Store.open(args.store)
    print(describe())
    print(f"{len(store)} faces in {len(store.info.sources)} sources")
    print(f"{'':20}{'wall':>11}{'processor':>13}{'memory':>12}")
    for name in WORK:
        subprocess.run([sys.executable, __file__, str(args.store), "--only", name], check=True)


if __name__ == "__main__":
    main()
