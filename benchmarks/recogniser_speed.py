"""Cutting and recognising a face on one thread: milliseconds each, in batches of 16 and one by one.

run: python benchmarks/recogniser_speed.py [MODEL]

Processor time of this process, so that a busy machine does not count; faces of 180 px in a picture
of 1280 x 720.
"""

import argparse
import time

import numpy as np

import mien
from machine import describe
from mien.faces.crop import MARGIN, square_crop


def milliseconds(recogniser, faces: int, repeats: int) -> float:
    source = np.random.default_rng(0)
    picture = source.integers(0, 256, (720, 1280, 3), np.uint8)
    boxes = source.uniform(0, 500, (faces, 2)).astype(np.float32)
    boxes = np.concatenate([boxes, boxes + 180], axis=1)
    size = recogniser.preprocessing.size
    margin = recogniser.preprocessing.margin or MARGIN

    def once() -> None:
        recogniser.predict(np.stack([square_crop(picture, box, size, margin) for box in boxes]))

    once()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        once()
        found.append(time.process_time() - start)
    return 1000 * float(np.median(found)) / faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="mien-base")
    args = parser.parse_args()
    recogniser = mien.load_recogniser(args.model, threads=1).recogniser
    print(describe())
    print(f"batches of 16: {milliseconds(recogniser, 16, 40):.2f} ms a face")
    print(f"one by one: {milliseconds(recogniser, 1, 200):.2f} ms a face")


if __name__ == "__main__":
    main()
