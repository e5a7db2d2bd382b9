"""Compare the detectors on videos and photographs: faces found, how far boxes agree, time.

run: python benchmarks/detectors.py VIDEO|PICTURE... [--every 10] [--against centerface]

Of each input every n-th frame is looked at by every detector. faces: found in these frames. both:
boxes of the two that overlap by an IoU above 0.4, one to one. IoU: mean of these. landmarks: their
mean distance, as a share of the box's longer side. ms: median per frame, with one thread.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from machine import describe
from mien.faces import DETECTORS
from mien.faces.boxes import iou, longer_side
from mien.faces.detection import Detections
from mien.media.decode import decode
from mien.media.images import is_image

OVERLAP = 0.4


def pictures(path: Path, every: int) -> Iterator[NDArray[np.uint8]]:
    """Read a photograph, or every n-th frame of a video."""
    if is_image(path):
        yield np.asarray(Image.open(path).convert("RGB"))
    else:
        yield from (frame.rgb for frame in islice(decode(path), 0, None, every))


def agreement(first: Detections, second: Detections) -> list[tuple[float, float]]:
    """Match faces one to one; IoU and mean distance of the landmarks of each pair."""
    from scipy.optimize import linear_sum_assignment

    overlap = iou(first.boxes, second.boxes)
    found = []
    for a, b in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[a, b] > OVERLAP:
            apart = np.linalg.norm(first.landmarks[a] - second.landmarks[b], axis=1).mean()
            found.append(
                (float(overlap[a, b]), float(apart / longer_side(first.boxes[a : a + 1])[0]))
            )
    return found


def main() -> None:
    """Print a line per input and detector."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--against", default="centerface", choices=DETECTORS)
    args = parser.parse_args()
    print(describe())
    print("input | frames | detector | faces | both | IoU | landmarks | ms")
    detectors = {name: detector(threads=1) for name, detector in DETECTORS.items()}
    for path in args.inputs:
        found: dict[str, list[Detections]] = {name: [] for name in detectors}
        times: dict[str, list[float]] = {name: [] for name in detectors}
        for rgb in pictures(path, args.every):
            for name, detect in detectors.items():
                began = time.perf_counter()
                found[name].append(detect(rgb))
                times[name].append(time.perf_counter() - began)
        for name in detectors:
            pairs = [
                pair
                for a, b in zip(found[args.against], found[name], strict=True)
                for pair in agreement(a, b)
            ]
            near, apart = np.mean(pairs, axis=0) if pairs else (np.nan, np.nan)
            faces, ms = sum(map(len, found[name])), 1e3 * float(np.median(times[name]))
            row = (
                path.name,
                len(found[name]),
                name,
                faces,
                len(pairs),
                f"{near:.2f}",
                f"{apart:.3f}",
                f"{ms:.0f}",
            )
            print(" | ".join(map(str, row)), flush=True)


if __name__ == "__main__":
    main()
