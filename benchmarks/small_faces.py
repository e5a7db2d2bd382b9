"""How small a face may be in how large a picture: recall, false faces and time of the detector.

run: python benchmarks/small_faces.py [WILDFACES] [--threads 1]

Composes pictures of 720p to 24 MP with 1, 10 and 30 faces of one size, the longer side of the
face's box: mien's actors in a furnished room, out of focus, with grain; or, with WILDFACES, a
folder of photographs of faces (images/*.jpg), those on grey, as they are cut too tightly to stand
in a room. Only photographs that the detector knows at 128 px are used, so that recall is what size
costs and nothing else. Sizes are multiples of the size from which faces are looked for: 1/30 of the
shorter side, at least 24 px; then 24 px whatever the picture, where large ones are cut into tiles.

found: share of faces with a box of IoU above 0.4. false: boxes off all faces. hint: pictures with
faces missed in which `too_small` says so.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from machine import describe
from mien.actors.identity import sample_identity
from mien.actors.portrait import MOMENTS
from mien.actors.render import Actor, Light, View, to_srgb
from mien.actors.room import background
from mien.faces.boxes import iou, longer_side
from mien.faces.centerface import CenterFace, plan_looks, smallest_face

PICTURES = ((1280, 720), (1920, 1080), (3840, 2160), (6000, 4000))
LARGE = PICTURES[2:]
COUNTS = (1, 1, 10, 30)
"""Faces in each of the pictures that a line is about."""
DEFAULT_SIZES = (0.6, 0.8, 1.0, 1.25, 2.0, 6.0, 24.0)
SMALL_SIZES = (1.0, 1.25, 8.0, 32.0)
SIDE = 128

Face = tuple[Image.Image, NDArray[np.float32]]
"""A square picture, RGBA, and the face's box in it."""


def photographs(folder: Path, count: int) -> list[Face]:
    """Take every n-th photograph in which the detector, on a grey ground, finds one face."""
    detect, faces = CenterFace(), []
    paths = sorted((folder / "images").glob("*.jpg"))
    for path in paths[:: max(1, len(paths) // (count + count // 4))]:
        picture = Image.open(path).convert("RGB").resize((SIDE, SIDE))
        ground = np.full((2 * SIDE, 2 * SIDE, 3), 120, np.uint8)
        ground[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2] = np.asarray(picture)
        found = detect(ground)
        if len(found) == 1 and len(faces) < count:
            faces.append((picture.convert("RGBA"), found.boxes[0] - SIDE / 2))
    return faces


def actors(count: int) -> list[Face]:
    """Draw actors; their boxes reach from forehead to chin."""
    faces = []
    view = View(2 * SIDE, 2 * SIDE, (SIDE, SIDE * 1.1), SIDE / 17)
    for number in range(-(-count // len(MOMENTS))):
        actor = Actor(sample_identity(4000 + number))
        for moment in MOMENTS:
            image, alpha = actor.draw(moment, view, Light(exposure=1 + 0.5 * actor.person.tone))
            colour = to_srgb(image / np.maximum(alpha, 1e-3)[..., None])
            whole = np.dstack([colour, (alpha * 255).astype(np.uint8)])
            screen = actor.project(actor.place(moment)[0][actor.face], view)[:, :2]
            box = np.concatenate([screen.min(0), screen.max(0)]).astype(np.float32)
            faces.append((Image.fromarray(whole, "RGBA"), box))
    return faces


def room(source: np.random.Generator, width: int, height: int) -> Image.Image:
    """Paint a background, enlarged from at most 1280 px, with grain at every pixel."""
    factor = max(1.0, width / 1280)
    small = to_srgb(background(source, round(width / factor), round(height / factor)))
    large = np.asarray(Image.fromarray(small).resize((width, height)))
    grain = source.integers(-6, 7, (512, 512, 1), np.int8)
    grain = np.tile(grain, (-(-height // 512), -(-width // 512), 1))[:height, :width]
    return Image.fromarray(np.clip(large.astype(np.int16) + grain, 0, 255).astype(np.uint8))


def compose(
    source: np.random.Generator, ground: Image.Image, faces: list[Face], size: float, count: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """Put faces on a grid with some play; None where they do not fit. Returns picture and boxes."""
    width, height = ground.size
    cell = 2.2 * size  # photographs and actors reach beyond the face's box
    columns, rows = int(width / cell), int(height / cell)
    if columns * rows < count:
        return None
    picture, boxes = ground.copy(), []
    for place in source.permutation(columns * rows)[:count]:
        tile, box = faces[int(source.integers(len(faces)))]
        scale = size / longer_side(box[None])[0]
        side = round(tile.width * scale)
        play = source.uniform(0, 1, 2) * max(0, cell - side)
        x = int(place % columns * width / columns + play[0])
        y = int(place // columns * height / rows + play[1])
        face = tile.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
        picture.paste(face, (x, y), face)
        boxes.append(box * side / tile.width + np.array([x, y, x, y], np.float32))
    return np.asarray(picture), np.stack(boxes)


def lines(
    ground: Image.Image, faces: list[Face], min_face: float | None, threads: int
) -> Iterator[str]:
    """Measure one kind of picture, a line for every size of face."""
    detect = CenterFace(min_face, threads=threads)
    picture = ground.size
    source = np.random.default_rng(picture[0])
    least, looks = smallest_face(*picture, min_face), len(plan_looks(*picture, min_face))
    for factor in DEFAULT_SIZES if min_face is None else SMALL_SIZES:
        hits: dict[int, list[float]] = {}
        spent, false, hinted, missing = [], 0, 0, 0
        for count in COUNTS:
            made = compose(source, ground, faces, factor * least, count)
            if made is None:
                continue
            started = time.perf_counter()
            found = detect(made[0])
            spent.append(time.perf_counter() - started)
            overlap = np.pad(iou(made[1], found.boxes), ((0, 0), (0, 1)))
            found_here = overlap.max(1) > 0.4
            hits.setdefault(count, []).extend(found_here.tolist())
            false += int((overlap[:, :-1].max(0) < 0.2).sum())
            if not found_here.all():
                missing += 1
                hinted += found.too_small > 0
        if spent:
            share = (f"{np.mean(hits[n]):5.2f}" if n in hits else "    -" for n in COUNTS[1:])
            yield (
                f"{picture[0]:4d} x {picture[1]:4d} {least:9.0f} {factor * least:8.0f} "
                f"{' '.join(share)} {false:6d}   {hinted}/{missing} {looks:6d} "
                f"{1000 * np.median(spent):6.0f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wildfaces", nargs="?", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    faces = photographs(args.wildfaces, 60) if args.wildfaces else actors(24)
    print(describe(), f"{args.threads} thread(s)", sep=", ")
    print(f"{len(faces)} {'photographs' if args.wildfaces else 'pictures of actors'}; sizes in px")
    print("                               found of")
    print("picture     from size  face px     1    10    30  false  hint  looks     ms")
    for picture, min_face in (
        *((size, None) for size in PICTURES),
        *((size, 24) for size in LARGE),
    ):
        source = np.random.default_rng(picture[0])
        ground = Image.new("RGB", picture, (120,) * 3) if args.wildfaces else room(source, *picture)
        for line in lines(ground, faces, min_face, args.threads):
            print(line, flush=True)


if __name__ == "__main__":
    main()
