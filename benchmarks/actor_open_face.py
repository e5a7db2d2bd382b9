"""What OpenFace's Action Unit models, which learnt from people, read off actors.

run: python benchmarks/actor_open_face.py film EVENTS [--people 36] [--seed 5] [--ten]
     FeatureExtraction -aus -f EVENTS/person00.mp4 -out_dir READINGS        # OpenFace's, each film
     python benchmarks/actor_open_face.py score EVENTS READINGS

`film` has actors perform what a cast shows too rarely to judge: each of 15 units alone or with one
that it often comes with, two or three at a time, 16 events and blinks in 16 seconds of a moving
head, in MP4s with a truth like a cast's. `score` takes a cast as well. It correlates OpenFace's
intensity of each unit, one number and no fit, with the acted one, over all faces in full view and
within each person, and tells what else moves that number: its slopes on all acted units at once.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from actor_views import films
from machine import describe
from mien.actors.behaviour import LIPS_WITH_JAW, envelope
from mien.actors.identity import sample_identity
from mien.actors.render import Actor, Moment, View, to_srgb
from mien.actors.room import background
from mien.actors.shot import sample_light
from mien.media.encode import VideoWriter

Array = NDArray[np.float64]

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 45)
DISPLAYS = (
    (1,), (2,), (1, 2), (4,), (1, 4), (6,), (12,), (6, 12), (12, 25), (15,), (15, 17), (20,),
    (20, 25), (25,), (26,), (25, 26), (9,), (10,), (9, 10), (5,), (7,), (4, 7), (17,),
)  # fmt: skip
TEN = (1, 2, 4, 6, 12, 15, 20, 25, 26, 45)
RATE, SECONDS, SIDE, EVENTS = 25, 16, 288, 16


def perform(number: int, source: np.random.Generator, units: Sequence[int]) -> dict[int, Array]:
    """Draw the course of every unit, 0 to 5; those not in `units` stay still, but for blinks."""
    time_s = np.arange(RATE * SECONDS) / RATE
    displays = [display for display in DISPLAYS if set(display) <= set(units)]
    course = {unit: np.zeros(len(time_s)) for unit in UNITS}
    for event in range(EVENTS):
        turn = EVENTS * number + 7 * event + int(source.integers(3))
        shown = displays[turn % len(displays)]
        start, onset = float(source.uniform(0.6, SECONDS - 2)), float(source.uniform(0.25, 0.5))
        apex, offset = float(source.uniform(0.3, 1.1)), float(source.uniform(0.3, 0.5))
        rise = envelope(time_s, start, onset, apex, offset)
        for unit in shown:
            course[unit] = np.maximum(course[unit], rise * source.uniform(2.5, 5))
    course[25] = np.maximum(course[25], LIPS_WITH_JAW * course[26])
    at = 0.5
    while at < SECONDS - 0.5:
        course[45] = np.maximum(course[45], 5 * envelope(time_s, at, 0.1, 0.06, 0.16))
        at += float(source.uniform(1.2, 3.5))
    return course


def sway(degrees: float, source: np.random.Generator) -> Array:
    """Draw how a head turns about one axis."""
    time_s = np.arange(RATE * SECONDS) / RATE
    waves = [
        source.normal() * np.sin(2 * np.pi * (rate * time_s + source.random()))
        for rate in (0.11, 0.2, 0.33)
    ]
    return degrees * np.sum(waves, axis=0) / 1.5


def film(
    folder: Path, number: int, seed: int, units: Sequence[int] = UNITS
) -> Iterator[dict[str, object]]:
    """Film one person; yields the rows of truth."""
    source = np.random.default_rng((seed, number))
    course = perform(number, source, units)
    yaw, pitch, roll = (sway(degrees, source) for degrees in (9, 5, 4))
    actor = Actor(sample_identity(1000 * seed + number))
    light, room = sample_light(source), background(source, SIDE, SIDE)
    view = View(SIDE, SIDE, (SIDE / 2, 0.55 * SIDE), SIDE / 34)
    name = f"person{number:02d}.mp4"
    with VideoWriter(folder / name, RATE, 23) as video:
        for frame in range(RATE * SECONDS):
            now = {unit: float(values[frame]) for unit, values in course.items()}
            intensity = {(unit, side): level for unit, level in now.items() for side in "LR"}
            turn = float(yaw[frame]), float(pitch[frame]), float(roll[frame])
            image, alpha = actor.draw(Moment(intensity, *turn), view, light)
            video.write(to_srgb(image + (1 - alpha[..., None]) * room), frame / RATE)
            box = {"x0": 0.2 * SIDE, "y0": 0.2 * SIDE, "x1": 0.8 * SIDE, "y1": 0.85 * SIDE}
            units = {f"AU{unit}": level for unit, level in now.items()}
            yield {
                "video": name, "frame": frame, "person": name[:-4], "occluded": False,
                "yaw_deg": turn[0], **box, **units,
            }  # fmt: skip


def read(cast: Path, readings: Path) -> tuple[NDArray[np.str_], Array, Array]:
    """Who, acted units and OpenFace's, of all faces in full view of films of one person."""
    rows = []
    for video, faces in films(cast):
        shown = {frame: here[0] for frame, here in faces.items()}
        if len({face["person"] for here in faces.values() for face in here}) == 1:
            for reading in csv.read_csv(readings / f"{video.stem}.csv").to_pylist():
                seen = {name.strip(): value for name, value in reading.items()}
                if seen["success"] and seen["frame"] - 1 in shown:
                    rows.append((shown[seen["frame"] - 1], seen))
    people = [face["person"] for face, _ in rows]
    truth = [[face[f"AU{unit}"] for unit in UNITS] for face, _ in rows]
    read_off = [[seen[f"AU{unit:02d}_r"] for unit in UNITS] for _, seen in rows]
    return np.array(people), np.array(truth), np.array(read_off)


def pearson(truth: Array, seen: Array) -> float:
    """Correlate; a reading that never changes sees nothing."""
    return float(np.corrcoef(truth, seen)[0, 1]) if seen.std() > 0 else 0.0


def score(cast: Path, readings: Path) -> None:
    people, truth, seen = read(cast, readings)
    everybody = np.unique(people)
    centred = seen.copy()
    for person in everybody:
        centred[people == person] -= np.median(seen[people == person], axis=0)
    inputs = np.column_stack([truth, np.ones(len(truth))])
    slopes = np.linalg.lstsq(inputs, centred, rcond=None)[0]
    print(f"{len(people)} faces, {len(everybody)} people; Pearson with the acted intensity")
    print("AU   over all  within person  people  slopes on acted units: its own, above 0.08")
    for i, unit in enumerate(UNITS):
        showing = [p for p in everybody if truth[people == p, i].max() > 1]
        if not showing:
            continue
        own = [pearson(truth[people == p, i], seen[people == p, i]) for p in showing]
        total = np.corrcoef(truth[:, i], seen[:, i])[0, 1]
        steep = zip(UNITS, slopes[:-1, i], strict=True)
        moved = [(u, s) for u, s in steep if u == unit or abs(s) > 0.08]
        told = ", ".join(f"AU{u} {s:+.2f}" for u, s in moved)
        print(f"{unit:<4}{total:9.2f}{np.mean(own):15.2f}{len(showing):8}  {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("film", "score"))
    parser.add_argument("folder", type=Path, help="of the films")
    parser.add_argument("readings", type=Path, nargs="?", help="OpenFace's CSV files")
    parser.add_argument("--people", type=int, default=36)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--ten", action="store_true", help="act only the ten units measured")
    args = parser.parse_args()
    print(describe())
    if args.what == "score":
        if args.readings is None:
            parser.error("score needs the folder of OpenFace's CSV files too")
        score(args.folder, args.readings)
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    units = TEN if args.ten else UNITS
    people = range(args.people)
    rows = [row for number in people for row in film(args.folder, number, args.seed, units)]
    pq.write_table(pa.Table.from_pylist(rows), args.folder / "truth.parquet")


if __name__ == "__main__":
    main()
