"""Where actors' features lie and how far they travel, beside photographs of people.

run: python benchmarks/actor_anatomy.py draw --out PICTURES [--people 40]
     python benchmarks/actor_anatomy.py measure PICTURES WILDFACES --open-see-face FOLDER

`draw` takes mien: a picture of each actor at rest, and one with each movement at full intensity.
`measure` takes the judges' venv (`actor_judges.py` says how to make it) and prints, by dlib's and
by OpenSeeFace's landmarks and in distances between the eyes: features at rest, of 300 frontal
neutral photographs and of the actors; then how far movements carry them, from the actors' rest,
and from faces of wildfaces that hardly show a movement to the 1 % that show it most, by silver
blendshapes.
"""

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

MOVEMENTS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "AU1+2": ((1, 2), ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")),
    "AU4": ((4,), ("browDownLeft", "browDownRight")),
    "AU12": ((12,), ("mouthSmileLeft", "mouthSmileRight")),
    "AU15": ((15,), ("mouthFrownLeft", "mouthFrownRight")),
    "AU20": ((20,), ("mouthStretchLeft", "mouthStretchRight")),
    "AU26": ((26,), ("jawOpen",)),
    "AU45": ((45,), ("eyeBlinkLeft", "eyeBlinkRight")),
}
"""Units acted, and the blendshapes by which photographs are chosen."""

SIDE, PHOTOGRAPHS = 192, 300
Features = dict[str, np.ndarray]


def draw(out: Path, people: int) -> None:
    """Draw the actors; poses at rest vary a little, as they do before a camera."""
    from mien.actors.identity import sample_identity
    from mien.actors.portrait import WALL
    from mien.actors.render import Actor, Light, Moment, View, to_srgb
    from mien.media.images import grid, write_image

    out.mkdir(parents=True, exist_ok=True)
    view = View(SIDE, SIDE, (SIDE / 2, SIDE * 0.56), SIDE / 33)
    source = np.random.default_rng(0)
    for number in range(people):
        actor = Actor(sample_identity(1000 + number))
        yaw, pitch = source.normal(0, (6, 5))
        moments = {"rest": Moment(yaw=yaw, pitch=pitch), "front": Moment()}
        for name, (units, _) in MOVEMENTS.items():
            moments[name] = Moment({(unit, side): 5.0 for unit in units for side in "LR"})
        for name, moment in moments.items():
            image, alpha = actor.draw(moment, view, Light())
            picture = to_srgb(image + (1 - alpha[..., None]) * WALL)
            write_image(out / f"{name}_{number:03d}.png", grid(picture[None], 1))


def features(points: np.ndarray) -> dict[str, float]:
    """Read heights and widths from 68 landmarks, eyes level, in distances between the eyes."""
    first, second = points[36:42].mean(0), points[42:48].mean(0)
    across = second - first
    roll = np.arctan2(across[1], across[0])
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    x, y = ((points - (first + second) / 2) @ turn / np.hypot(*across)).T
    return {
        "inner brow": -y[[21, 22]].mean(),
        "middle brow": -y[[19, 24]].mean(),
        "outer brow": -y[[17, 26]].mean(),
        "eye open": y[[40, 41, 46, 47]].mean() - y[[37, 38, 43, 44]].mean(),
        "mouth width": x[54] - x[48],
        "corners down": y[[48, 54]].mean() - y[[51, 57]].mean(),
        "lips apart": y[66] - y[62],
        "jaw width": x[13] - x[3],
        "chin": y[8],
    }


def measure(pictures: Path, wildfaces: Path, open_see_face_folder: Path) -> None:
    """Print the two tables."""
    import cv2

    from actor_judges import Box, hog, landmarks
    from open_see_face import open_see_face

    see = open_see_face(open_see_face_folder)

    def read(paths: Iterable[Path]) -> dict[str, Features]:
        """Features of every picture in which HOG finds a face, by landmarker."""
        rows: dict[str, list[dict[str, float]]] = {"dlib": [], "OpenSeeFace": []}
        for path in paths:
            picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            picture = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            box: Box | None = next(iter(hog(picture)), None)
            if box:
                rows["dlib"].append(features(landmarks(picture, box, nudges=1)))
                rows["OpenSeeFace"].append(features(see(picture, box)))
        return {who: {k: np.array([r[k] for r in rs]) for k in rs[0]} for who, rs in rows.items()}

    faces = [row for row in csv.DictReader((wildfaces / "labels.csv").open()) if frontal(row)]
    neutral = [row for row in faces if row["expression"] == "neutral"]
    source = np.random.default_rng(0)

    def photographs(rows: list[dict[str, str]], most: int) -> dict[str, Features]:
        chosen = source.permutation(len(rows))[:most]
        return read(wildfaces / "images" / rows[i]["image"] for i in chosen)

    def acted(name: str) -> dict[str, Features]:
        return read(sorted(pictures.glob(f"{name}_*.png")))

    real, rest, front = photographs(neutral, PHOTOGRAPHS), acted("rest"), acted("front")
    print("at rest: mean and spread, photographs | actors")
    for who, seen in real.items():
        cells = (
            f"{name} {v.mean():.3f} {v.std():.3f} | {w.mean():.3f} {w.std():.3f}"
            for name, v, w in zip(seen, seen.values(), rest[who].values(), strict=True)
        )
        print(f"  {who}: " + "; ".join(cells))
    print("travel: photographs | actors at 5")
    for name, (_, shapes) in MOVEMENTS.items():
        shown = np.array([np.mean([float(row[f"bs_{s}"]) for s in shapes]) for row in faces])
        calm = np.quantile(shown[[row["expression"] == "neutral" for row in faces]], 0.4)
        most = photographs([faces[i] for i in np.argsort(-shown)[: len(faces) // 100]], 120)
        least = photographs([r for r, s in zip(faces, shown, strict=True) if s <= calm], 120)
        moved = acted(name)
        for who in real:
            cells = (
                f"{key} {most[who][key].mean() - least[who][key].mean():+.3f} | "
                f"{moved[who][key].mean() - front[who][key].mean():+.3f}"
                for key in moved[who]
            )
            print(f"  {name} by {who}: " + "; ".join(cells))


def frontal(row: dict[str, str]) -> bool:
    """Whether a photograph of wildfaces looks ahead."""
    return abs(float(row["yaw_deg"])) < 12 and abs(float(row["pitch_deg"])) < 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    drawing = parts.add_parser("draw")
    drawing.add_argument("--out", type=Path, required=True)
    drawing.add_argument("--people", type=int, default=40)
    measuring = parts.add_parser("measure")
    measuring.add_argument("pictures", type=Path)
    measuring.add_argument("wildfaces", type=Path)
    measuring.add_argument("--open-see-face", type=Path, required=True)
    args = parser.parse_args()
    if args.part == "draw":
        draw(args.out, args.people)
    else:
        measure(args.pictures, args.wildfaces, args.open_see_face)


if __name__ == "__main__":
    main()
