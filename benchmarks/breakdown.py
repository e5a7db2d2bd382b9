"""How well a model does by what a face looks like and how it is seen, as Markdown tables.

run: python benchmarks/breakdown.py MODEL --photographs STORE --labels CSV --actors STORE --seed N

Photographs (a store that `mien import folder --find-faces` made; its labels.csv has `yaw_deg`): by
pose, by size (crops scaled down to so many pixels, and up again), by blur (Gaussian, in pixels of a
48 px crop), by tone in the picture (individual typology angle, Chardon et al. 1991, of colour
photographs: the light counts as much as the skin). Actors (`mien import actors`; --seed of the
cast): by tone of skin, and by the cues of sex and age that they were drawn with. A cue is what a
picture was given, and no claim about anybody.

Scores: accuracy and macro-F1 of expressions; mean correlation of the units' intensities with the
labels (silver of photographs, exact of actors); CCC of valence (derived of photographs). Groups of
fewer than 30 faces or 5 people are left out. `±` is 1.96 standard errors, over people.
"""

import argparse
import csv
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import mien
from machine import describe
from mien.labels.arrays import Predictions
from mien.labels.kinds import likeliest
from mien.metrics.classification import classification_scores
from mien.metrics.continuous import ccc

LEAST, LEAST_PEOPLE = 30, 5
Groups = dict[str, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--labels", type=Path, help="their labels.csv, with yaw_deg")
    parser.add_argument("--actors", type=Path)
    parser.add_argument("--seed", type=int, help="of the cast")
    parser.add_argument("--part", default="val", help="or `all`")
    args = parser.parse_args()
    print(describe())
    reader = mien.load_recogniser(args.model)
    print(f"model {args.model}, SHA-256 {reader.sha256[:12]}")
    if args.photographs:
        of_photographs(reader, args.photographs, args.labels, args.part)
    if args.actors:
        of_actors(reader, args.actors, args.seed, args.part)


class Faces:
    """The faces of a part of a store, with labels."""

    def __init__(self, reader: Any, folder: Path, part: str, exact: bool) -> None:
        store = mien.Store.open(folder)
        self.rows = store.rows(None if part == "all" else part)
        self.crops = store.pixels(reader.preprocessing.size).gather(self.rows)
        self.reader = reader
        self.subjects = np.array(store.names("subject"), object)[self.rows]
        images = store.names("image")
        self.images = [str(images[row]) for row in self.rows]
        layers = [n for n in store.layers if n != "derived"] if exact else None
        labels = store.labels(layers).aligned(reader.heads)
        self.truth = {name: values[self.rows] for name, values in labels.items()}

    def table(self, title: str, groups: Groups, seen: Predictions) -> None:
        print(f"\n| {title} | faces | people | accuracy | macro F1 | units r | valence CCC |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, mask in groups.items():
            if mask.sum() >= LEAST and len(set(self.subjects[mask])) >= LEAST_PEOPLE:
                print(f"| {name} | {self.scores(seen, mask)} |")

    def scores(self, seen: Predictions, mask: np.ndarray) -> str:
        rows = np.flatnonzero(mask)
        head = next((h for h in seen.heads if h.kind.classes), None)
        cells = [f"{len(rows):,}", f"{len(set(self.subjects[rows])):,}"]
        if head is None:
            cells += ["–", "–"]
        else:
            true, said = likeliest(self.truth[head.name][rows]), likeliest(seen[head.name][rows])
            found = classification_scores(said, true, len(head.outputs))
            spread = 1.96 * standard_error(said == true, true >= 0, self.subjects[rows])
            cells += [f"{found.accuracy:.3f} ± {spread:.3f}", f"{found.macro_f1:.2f}"]
        units = [
            correlation(seen["au_intensity"][rows, i], self.truth["au_intensity"][rows, i])
            for i in range(self.truth["au_intensity"].shape[1])
        ] if "au_intensity" in self.truth else []  # fmt: skip
        known = [v for v in units if np.isfinite(v)]
        cells.append(f"{np.mean(known):.2f}" if known else "–")
        agreed = ccc(seen.column("valence_arousal", "valence")[rows],
                     self.truth["valence_arousal"][rows, 0])  # fmt: skip
        cells.append("–" if np.isnan(agreed) else f"{agreed:.2f}")
        return " | ".join(cells)


def standard_error(right: np.ndarray, known: np.ndarray, who: np.ndarray) -> float:
    """Of a share, people drawn anew rather than faces (ratio estimator)."""
    if not known.any():
        return float("nan")
    mean = right[known].mean()
    sums = [float((right[known & (who == p)] - mean).sum()) for p in set(who[known])]
    return float(np.sqrt(np.sum(np.square(sums))) / known.sum())


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < LEAST or a[known].std() < 1e-6 or b[known].std() < 1e-6:
        return float("nan")
    return float(np.corrcoef(a[known], b[known])[0, 1])


def of_photographs(reader: Any, folder: Path, labels: Path | None, part: str) -> None:
    faces = Faces(reader, folder, part, exact=False)
    seen = reader.predict(faces.crops)
    everyone = np.ones(len(faces.crops), bool)
    faces.table(f"photographs of {folder.name}, {part}", {"all": everyone}, seen)
    if labels is not None:
        with labels.open(newline="", encoding="utf-8") as file:
            turned = {row["image"]: row["yaw_deg"] for row in csv.DictReader(file)}
        yaw = np.array([abs(float(turned.get(Path(n).name) or "nan")) for n in faces.images])
        edges = (0, 10, 20, 30, 45, 91)
        groups = {f"{low} to {high}°": (yaw >= low) & (yaw < high)
                  for low, high in pairwise(edges)}  # fmt: skip
        faces.table("pose: yaw, either way", groups, seen)
    tone, coloured = typology(faces.crops)
    groups = {"light (above 41°)": coloured & (tone > 41),
              "intermediate (10 to 41°)": coloured & (tone > 10) & (tone <= 41),
              "dark (10° and below)": coloured & (tone <= 10),
              "grey photographs": ~coloured}  # fmt: skip
    faces.table("tone in the picture", groups, seen)
    for title, change, amounts in (
        ("size: pixels of the crop", smaller, (48, 32, 24, 16, 12)),
        ("blur: pixels of 48", blurred, (0.0, 0.5, 1.0, 1.5, 2.0)),
    ):
        print(f"\n| {title} | faces | people | accuracy | macro F1 | units r | valence CCC |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for amount in amounts:
            changed = np.stack([change(crop, amount) for crop in faces.crops])
            print(f"| {amount:g} | {faces.scores(reader.predict(changed), everyone)} |")


def smaller(crop: np.ndarray, side: float) -> np.ndarray:
    whole = Image.fromarray(crop)
    small = whole.resize((int(side), int(side)), Image.Resampling.BICUBIC)
    return np.asarray(small.resize(whole.size, Image.Resampling.BICUBIC))


def blurred(crop: np.ndarray, deviation: float) -> np.ndarray:
    scale = crop.shape[0] / 48
    return gaussian_filter(crop, (deviation * scale, deviation * scale, 0)) if deviation else crop


def typology(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Individual typology angle of the middle of each crop, in degrees, and which have colour."""
    side = crops.shape[1]
    middle = crops[:, side * 45 // 100 : side * 70 // 100, side * 25 // 100 : side * 75 // 100]
    coloured = np.ptp(middle.astype(int), axis=3).mean((1, 2)) > 8
    colour = np.median(middle.reshape(len(crops), -1, 3), axis=1) / 255
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness, b = 116 * f[:, 1] - 16, 200 * (f[:, 1] - f[:, 2])
    return np.degrees(np.arctan2(lightness - 50, np.maximum(b, 1e-6))), coloured


def of_actors(reader: Any, folder: Path, seed: int | None, part: str) -> None:
    from mien.actors.film import person_seed
    from mien.actors.identity import sample_identity

    faces = Faces(reader, folder, part, exact=True)
    seen = reader.predict(faces.crops)
    faces.table(f"actors of {folder.name}, {part}", {"all": np.ones(len(faces.crops), bool)}, seen)
    if seed is None:
        return
    numbers = [int(re.search(r"(\d+)$", str(name)).group(1)) for name in faces.subjects]
    identities = {n: sample_identity(person_seed(seed, n)) for n in set(numbers)}
    cues = np.array([[getattr(identities[n], c) for c in ("tone", "male", "age")] for n in numbers])
    tone, male, age = cues.T
    faces.table("actors: tone of skin", {"lightest third": tone < 1 / 3,
        "middle": (tone >= 1 / 3) & (tone < 2 / 3), "darkest third": tone > 2 / 3},
        seen)  # fmt: skip
    faces.table("actors: cue of sex", {"female": male < 0.5, "male": male >= 0.5}, seen)
    faces.table("actors: cue of age", {"under 35": age < 35, "35 to 54": (age >= 35) & (age < 55),
                "55 and above": age >= 55}, seen)  # fmt: skip


if __name__ == "__main__":
    main()
