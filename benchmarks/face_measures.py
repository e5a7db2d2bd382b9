"""How far to trust what a review shows: pose and likeness on wildfaces, cover on actors.

run: python benchmarks/face_measures.py WILDFACES [--faces 800] [--describer appearance|dlib]
     python benchmarks/face_measures.py --films FILMS --store STORE

The first takes people of two to six photographs, drawn at random, and photographs turned by more
than 18 degrees, for every fifth of them; each stands on grey, is detected by CenterFace and cut as
mien cuts. yaw, roll: Pearson's r and mean error in degrees against the corpus's own angles.
likeness: AUC of pairs of one person against pairs of strangers, and what share of each passes the
threshold of the suggestions. The second takes films of `mien actors` and the store that `mien
ingest` made of them, and says by AUC how well `uncovered`, and the detector's confidence, tell the
frames in which something is before the face.
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from machine import describe
from mien.curation.likeness import DESCRIBERS
from mien.faces.centerface import CenterFace
from mien.faces.cover import uncovered
from mien.faces.crop import square_crop
from mien.faces.pose import pose
from mien.metrics.ranking import roc_auc
from mien.recognition.landmarks import in_crop
from mien.store import Store

MARGIN, SIDE = 0.05, 128


def chosen(folder: Path, count: int) -> list[dict[str, str]]:
    """Draw photographs: people of several, and every fifth one that is turned."""
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    many, draw = Counter(row["subject"] for row in rows), np.random.default_rng(0)
    turned = [row for row in rows if abs(float(row["yaw_deg"] or 0)) > 18]
    several = sorted({row["subject"] for row in rows if 2 <= many[row["subject"]] <= 6})
    people = draw.permutation(several)[: count // 3 + 1].tolist()
    ours = [row for row in rows if row["subject"] in set(people)][: count - count // 5]
    return ours + [turned[i] for i in draw.permutation(len(turned))[: count // 5]]


def on_wildfaces(folder: Path, count: int, describer: str) -> None:
    """Measure pose and likeness."""
    detect, crops, marks, angles, subjects = CenterFace(), [], [], [], []
    for row in chosen(folder, count):
        ground = np.full((2 * SIDE, 2 * SIDE, 3), 120, np.uint8)
        picture = Image.open(folder / "images" / row["image"]).convert("RGB").resize((SIDE, SIDE))
        ground[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2] = np.asarray(picture)
        found = detect(ground)
        if len(found) == 1:
            crops.append(square_crop(ground, found.boxes[0], 96, MARGIN))
            marks.append((found.landmarks[0], found.boxes[0]))
            angles.append([float(row[f"{name}_deg"] or "nan") for name in ("yaw", "roll")])
            subjects.append(row["subject"])
    told, known = np.array([pose(points) for points, _ in marks]), np.array(angles) * [1, -1]
    for i, name in enumerate(("yaw", "roll")):
        sound = np.isfinite(told[:, i]) & np.isfinite(known[:, i])
        r = np.corrcoef(told[sound, i], known[sound, i])[0, 1]
        error = np.abs(told[sound, i] - known[sound, i]).mean()
        print(f"{name}: {sound.sum()} photographs, r {r:.2f}, mean error {error:.1f} degrees")
    points, boxes = (np.stack(part) for part in zip(*marks, strict=True))
    inside = in_crop(points, boxes, np.full(len(boxes), MARGIN))
    vectors = DESCRIBERS[describer].describe(np.stack(crops), inside)
    first, second = np.triu_indices(len(crops), 1)
    same = np.array(subjects)[first] == np.array(subjects)[second]
    likeness = (vectors @ vectors.T)[first, second]
    passed = likeness >= DESCRIBERS[describer].alike
    print(
        f"{describer}: {len(crops)} photographs, {same.sum()} pairs of one person, AUC "
        f"{auc(same, likeness):.3f}; at {DESCRIBERS[describer].alike} {passed[same].mean():.1%} of "
        f"them and {passed[~same].mean():.2%} of strangers"
    )


def on_actors(films: Path, folder: Path) -> None:
    """Measure cover."""
    truth: dict[str, dict[float, bool]] = {}
    for row in pq.read_table(films / "truth.parquet").to_pylist():
        truth.setdefault(Path(row["video"]).stem, {})[row["time_s"]] = bool(row["occluded"])
    store = Store.open(folder)
    rows, pixels = store.rows(None), store.pixels()
    points, covered = store.landmarks_in_crops(rows), []
    for name, time_s in zip(store.names("video"), store.column("time_s"), strict=True):
        frames = truth[Path(name or "").stem]
        covered.append(frames[min(frames, key=lambda t: abs(t - time_s))])
    shown = np.array([uncovered(pixels.gather(rows[i : i + 1])[0], points[i]) for i in rows])
    hidden = np.array(covered)[rows]
    print(
        f"{len(rows)} faces, {hidden.sum()} covered: AUC of uncovered {auc(hidden, -shown):.2f}, "
        f"of the detector's confidence {auc(hidden, -store.column('confidence')[rows]):.2f}"
    )


def auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve."""
    return float(roc_auc(score, positive))


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wildfaces", nargs="?", type=Path)
    parser.add_argument("--faces", type=int, default=800)
    parser.add_argument("--describer", choices=DESCRIBERS, default="appearance")
    parser.add_argument("--films", type=Path)
    parser.add_argument("--store", type=Path)
    args = parser.parse_args()
    print(describe())
    if args.wildfaces:
        on_wildfaces(args.wildfaces, args.faces, args.describer)
    if args.films and args.store:
        on_actors(args.films, args.store)


if __name__ == "__main__":
    main()
