"""How far apart dlib's face recogniser, which learnt from photographs, puts actors.

run: python benchmarks/actor_identities.py CAST [--each 8]

In the judges' venv (`actor_judges.py` says how to make it). Of every person, pictures in full view
spread over their films, whatever they do there: the mean distance between two of one person, and
to those of the nearest other. dlib calls two pictures one person below 0.6; it was trained on
celebrities, for whom that is right in 99 of 100 pairs. Also told: how many pictures lie nearest to
the mean of their own person's others.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import dlib
import numpy as np

from actor_judges import MODELS, landmarks
from actor_views import films, pictures, spread
from machine import describe

RECOGNISER = dlib.face_recognition_model_v1(f"{MODELS}/dlib_face_recognition_resnet_model_v1.dat")


def embedded(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return the recogniser's 128 numbers of the face in a box."""
    points = [dlib.point(*map(int, p)) for p in np.rint(landmarks(picture, box, nudges=3))]
    shape = dlib.full_object_detection(dlib.rectangle(*map(int, box)), points)
    return np.array(RECOGNISER.compute_face_descriptor(np.ascontiguousarray(picture), shape))


def collect(cast: Path, each: int) -> dict[str, np.ndarray]:
    """Embed up to `each` pictures of every person of a cast."""
    found = defaultdict(list)
    for video, faces in films(cast):
        people = defaultdict(list)
        for face in (face for here in faces.values() for face in here):
            people[face["person"]].append(face)
        for picture, here in pictures(video, spread(people.values(), each)):
            for face in here:
                found[face["person"]].append(embedded(picture, face["box"]))
    return {person: np.array(rows[:each]) for person, rows in found.items() if len(rows) > 2}


def main() -> None:
    """Print the distances."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cast", type=Path)
    parser.add_argument("--each", type=int, default=8)
    args = parser.parse_args()
    people = list(collect(args.cast, args.each).values())

    def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None] - b[None], axis=2)

    within = [apart(own, own).sum() / (len(own) * (len(own) - 1)) for own in people]
    between = np.array([[apart(a, b).mean() for b in people] for a in people])
    np.fill_diagonal(between, np.inf)
    right, middles = [], [own.mean(0) for own in people]
    for i, own in enumerate(people):
        for j, one in enumerate(own):
            means = middles.copy()
            means[i] = np.delete(own, j, 0).mean(0)
            right.append(np.argmin([np.linalg.norm(one - mean) for mean in means]) == i)
    nearest = between.min(1)
    print(describe())
    print(f"{len(people)} people, {sum(map(len, people))} pictures")
    print(f"two pictures of one person: {np.mean(within):.2f} apart (most {np.max(within):.2f})")
    print(f"the nearest other: {np.median(nearest):.2f} (least {nearest.min():.2f})")
    print(f"all others: {np.mean(between[np.isfinite(between)]):.2f}")
    print(f"nearest to their own person's others: {np.mean(right):.0%}")


if __name__ == "__main__":
    main()
