"""Who is who: identity switches of the trackers on films with known people.

run: python benchmarks/people.py [--out benchmarks/results/people.csv] [--films 3] [--seconds 12]

Composes films of mien's actors, two and four of them, in furnished rooms: they move across each
other (the one behind is covered), leave and return, and the film cuts to other rooms, other sizes
and other places of the same people and back. The truth of a frame is the boxes of the people of
whose face at least half is to be seen. Faces are found by following (`mien.faces.following`) and
numbered by each tracker.

MOTA (Bernardin and Stiefelhagen 2008): 1 less misses, false faces and identity switches over the
faces of the truth, matched by IoU above 0.4. IDF1 (Ristani et al. 2016): F1 of faces under the best
assignment of numbers to people for the whole film.
"""

import argparse
import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import linear_sum_assignment

from machine import describe
from mien.actors.identity import sample_identity
from mien.actors.portrait import MOMENTS
from mien.actors.render import Actor, Light, View, to_srgb
from mien.actors.room import background
from mien.faces import TRACKERS
from mien.faces.boxes import iou
from mien.faces.centerface import CenterFace
from mien.faces.detection import Detections
from mien.faces.following import Follower

WIDTH, HEIGHT, FPS = 640, 360, 25
SIDE = 224
_SAME = 0.4

Sprite = tuple[Image.Image, NDArray[np.float32]]
"""A picture of somebody, RGBA, and the face's box in it."""


@dataclass
class Score:
    """Counts of one film, or of several. pairs: frames by (film, person, number)."""

    truth: int = 0
    found: int = 0
    misses: int = 0
    false: int = 0
    switches: int = 0
    pairs: dict[tuple[int, int], int] = field(default_factory=dict)
    id_hits: int = 0

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy."""
        return 1 - (self.misses + self.false + self.switches) / max(self.truth, 1)

    @property
    def idf1(self) -> float:
        """F1 of identities."""
        return 2 * self.id_hits / max(self.truth + self.found, 1)

    def add(self, other: "Score") -> None:
        """Add another film's."""
        for name in ("truth", "found", "misses", "false", "switches", "id_hits"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def cast(seed: int, count: int) -> list[list[Sprite]]:
    """Draw actors, each in a few moments."""
    view = View(SIDE, SIDE, (SIDE / 2, SIDE * 0.5), SIDE / 42)
    people = []
    for number in range(count):
        actor = Actor(sample_identity(seed * 100 + number))
        sprites = []
        for moment in MOMENTS:
            image, alpha = actor.draw(moment, view, Light(exposure=1 + 0.5 * actor.person.tone))
            colour = to_srgb(image / np.maximum(alpha, 1e-3)[..., None])
            whole = np.dstack([colour, (alpha * 255).astype(np.uint8)])
            screen = actor.project(actor.place(moment)[0][actor.face], view)[:, :2]
            box = np.concatenate([screen.min(0), screen.max(0)]).astype(np.float32)
            sprites.append((Image.fromarray(whole, "RGBA"), box))
        people.append(sprites)
    return people


@dataclass
class Place:
    """Where somebody is in a shot: x from `begin` to `end` and back, in widths of the picture."""

    begin: float
    end: float
    low: float
    size: float
    period_s: float
    away: tuple[float, float]

    def at(self, time_s: float) -> tuple[float, float]:
        """Left and top of the sprite in pixels, at a time of the film."""
        share = 0.5 - 0.5 * np.cos(2 * np.pi * time_s / self.period_s)
        x = self.begin + (self.end - self.begin) * share
        if self.away[0] < time_s < self.away[1]:
            x = 2.0  # out of the picture
        return x * WIDTH, self.low * HEIGHT


def shots(source: np.random.Generator, people: int, seconds: float) -> list[tuple[float, int]]:
    """List beginnings of shots and which of two cameras each is by."""
    begin, found, camera = 0.0, [], 0
    while begin < seconds:
        found.append((begin, camera))
        begin += float(source.uniform(2.5, 4.5))
        camera = 1 - camera
    return found


def places(source: np.random.Generator, people: int, seconds: float) -> list[Place]:
    """Draw where everybody is before one camera."""
    found = []
    order = source.permutation(people)
    for slot in order:
        left = -0.02 + 0.75 * slot / max(people - 1, 1)
        away = float(source.uniform(1, seconds))
        found.append(Place(
            left, 0.75 - left + float(source.normal(0, 0.04)), float(source.uniform(0.06, 0.2)),
            float(source.uniform(0.5, 0.75)), float(source.uniform(5, 9)),
            (away, away + float(source.uniform(0.8, 2.5))),
        ))  # fmt: skip
    return found


def film(seed: int, people: int, seconds: float):
    """Yield (frame, boxes of the faces that are seen, their people) of a film."""
    source = np.random.default_rng((seed, people))
    sprites = cast(seed, people)
    rooms = [to_srgb(background(source, WIDTH, HEIGHT)) for _ in range(2)]
    cameras = [places(source, people, seconds) for _ in range(2)]
    cuts = shots(source, people, seconds)
    for number in range(int(seconds * FPS)):
        time_s = number / FPS
        camera = [c for begin, c in cuts if begin <= time_s][-1]
        picture = Image.fromarray(rooms[camera]).convert("RGB")
        owner = np.full((HEIGHT, WIDTH), -1)
        boxes = np.zeros((people, 4), np.float32)
        for person, place in enumerate(cameras[camera]):  # the last is in front
            tile, box = sprites[person][int(time_s * 1.3 + person) % len(MOMENTS)]
            side = int(place.size * HEIGHT)
            small = tile.resize((side, side), Image.Resampling.BILINEAR)
            x, y = (round(v) for v in place.at(time_s))
            picture.paste(small, (x, y), small)
            mask = np.zeros((HEIGHT, WIDTH), bool)
            solid = np.asarray(small)[..., 3] > 128
            y0, y1, x0, x1 = max(y, 0), min(y + side, HEIGHT), max(x, 0), min(x + side, WIDTH)
            if x1 > x0 and y1 > y0:
                mask[y0:y1, x0:x1] = solid[y0 - y : y1 - y, x0 - x : x1 - x]
            owner[mask] = person
            boxes[person] = box * side / SIDE + np.array([x, y, x, y])
        seen = [p for p in range(people) if _shown(owner, boxes[p], p)]
        grain = source.normal(0, 3, (HEIGHT, WIDTH, 1))
        rgb = np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
        yield rgb, boxes[seen], seen


def _shown(owner: NDArray[np.int_], box: NDArray[np.float32], person: int) -> bool:
    x0, y0, x1, y1 = (int(v) for v in box)
    area = max(x1 - x0, 1) * max(y1 - y0, 1)
    part = owner[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    return bool((part == person).sum() / area > 0.5)


def score(truth: list[tuple[NDArray[np.float32], list[int]]],
          found: list[tuple[NDArray[np.float32], list[int]]]) -> Score:  # fmt: skip
    """Compare numbers with people, frame by frame."""
    result, last = Score(), dict[int, int]()
    for (boxes, people), (places_, numbers) in zip(truth, found, strict=True):
        result.truth += len(people)
        result.found += len(numbers)
        overlap = iou(boxes, places_)
        rows, columns = linear_sum_assignment(-overlap)
        hits = [(r, c) for r, c in zip(rows, columns, strict=True) if overlap[r, c] > _SAME]
        result.misses += len(people) - len(hits)
        result.false += len(numbers) - len(hits)
        for row, column in hits:
            person, number = people[row], numbers[column]
            result.switches += last.get(person, number) != number
            last[person] = number
            key = (person, number)
            result.pairs[key] = result.pairs.get(key, 0) + 1
    if result.pairs:
        persons, numbers_ = (sorted(set(k)) for k in zip(*result.pairs, strict=True))
        table = np.array([[result.pairs.get((p, n), 0) for n in numbers_] for p in persons])
        result.id_hits = int(table[linear_sum_assignment(-table)].sum())
    return result


def evaluate(people: int, films: int, seconds: float) -> dict[str, Score]:
    """Score every tracker on films of so many people."""
    totals = {name: Score() for name in TRACKERS}
    detect = CenterFace(threads=1)
    for seed in range(films):
        frames = list(film(seed + 1, people, seconds))
        follow, faces = Follower(detect), []
        for i in range(0, len(frames), 16):
            group = [rgb for rgb, _, _ in frames[i : i + 16]]
            faces += follow(group, [(i + k) / FPS for k in range(len(group))])
        truth = [(boxes, seen) for _, boxes, seen in frames]
        for name, total in totals.items():
            total.add(score(truth, _numbered(name, frames, faces)))
    return totals


def _numbered(name: str, frames: list, faces: list[Detections]):
    track, found = TRACKERS[name](), []
    for i, ((rgb, _, _), here) in enumerate(zip(frames, faces, strict=True)):
        numbers = track(here, i / FPS, rgb)
        kept = np.flatnonzero(numbers >= 0)
        found.append((here.boxes[kept], numbers[kept].tolist()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--films", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12)
    args = parser.parse_args()
    print(describe())
    rows = []
    for people in (2, 4):
        for name, found in evaluate(people, args.films, args.seconds).items():
            rows.append({
                "people": people, "tracker": name, "faces": found.truth, "misses": found.misses,
                "false": found.false, "switches": found.switches, "MOTA": f"{found.mota:.3f}",
                "IDF1": f"{found.idf1:.3f}", "films": args.films, "machine": describe(),
            })  # fmt: skip
            print({k: v for k, v in rows[-1].items() if k != "machine"}, flush=True)
    if args.out:
        with args.out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
