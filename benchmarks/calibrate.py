"""Count how often a model is right by how strongly it says something: calibration.json.

run: python benchmarks/calibrate.py MODEL --votes STORE --actors STORE --out DIR [--part val]

Expressions are counted against the votes of people (the largest share of the model against the
class most raters chose), valence and arousal against actors' exact values (within 0.2, by the
distance from 0 that is said). Each is written only if its store is given: a model has no confidence
in what nothing was counted on. Shares are made to rise with strength (isotonic regression, Barlow
et al. 1972), of ten equally large groups. `mien export model` puts the file into the ONNX file.
Then it says how far confidence is from what is right: the mean gap in ten groups (expected
calibration error), before and after, on the half of the people that was not counted.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.optimize import isotonic_regression

import mien
from machine import describe
from mien.atomic import write_text
from mien.recognition.provenance import CALIBRATION_FILE, Calibration

GROUPS = 10
CLOSE = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--votes", type=Path, help="store with votes")
    parser.add_argument("--votes-are", default="votes of several people", help="in words")
    parser.add_argument("--actors", type=Path, help="store of actors")
    parser.add_argument("--actors-are", default="actors", help="in words")
    parser.add_argument("--part", default="val")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    args = parser.parse_args()
    if not args.out.is_dir():
        parser.error(f"{args.out}: is not a folder")
    print(describe())
    reader, found = mien.load_recogniser(args.model), {}
    if args.votes:
        found["expression"] = of_votes(reader, args.votes, args.part, args.votes_are)
    if args.actors:
        found |= of_actors(reader, args.actors, args.part, args.actors_are)
    values = {name: calibration.to_dict() for name, calibration in found.items()}
    write_text(args.out / CALIBRATION_FILE, json.dumps(values, indent=1) + "\n")
    print(args.out / CALIBRATION_FILE)


def of_votes(reader, folder: Path, part: str, what: str) -> Calibration:
    store = mien.Store.open(folder)
    rows = store.rows(part)
    seen = reader.predict(store.pixels(reader.preprocessing.size).gather(rows))
    head = next(head for head in seen.heads if head.name in ("expression_votes", "expression"))
    truth = store.labels().aligned([head])[head.name][rows]
    known = np.isfinite(truth).all(1)
    shares, right = (
        seen[head.name][known],
        truth[known].argmax(1) == seen[head.name][known].argmax(1),
    )
    on = f"{what}, {known.sum():,} faces, {part}"
    return counted("expression", shares.max(1), right, on, "most raters choose this expression")


def of_actors(reader, folder: Path, part: str, what: str) -> dict[str, Calibration]:
    store = mien.Store.open(folder)
    rows = store.rows(part)
    seen = reader.predict(store.pixels(reader.preprocessing.size).gather(rows))
    # the exact layer: labels of that name are the truth of the film, whatever stands before it
    names = [name for name in store.layers if name != "derived"]
    truth = store.labels(names).aligned(seen.heads)["valence_arousal"][rows]
    found = {}
    for i, name in enumerate(("valence", "arousal")):
        said = seen.column("valence_arousal", name)
        known = np.isfinite(truth[:, i]) & np.isfinite(said)
        right = np.abs(said - truth[:, i])[known] <= CLOSE
        on = f"{what}, {known.sum():,} frames, {part}"
        found[name] = counted(name, np.abs(said[known]), right, on, f"within {CLOSE} of the truth")
    return found


def counted(name: str, strength, right, on: str, meaning: str) -> Calibration:
    """Fit on one half, say how well it holds on the other, then fit on all."""
    half = np.random.default_rng(0).permutation(len(strength)) < len(strength) // 2
    tried = fitted(strength[half], right[half], on, meaning)
    before = gap(np.clip(strength[~half], 0, 1), right[~half])
    after = gap(tried(strength[~half]), right[~half])
    print(f"{name}: right {right.mean():.3f}; expected calibration error on the other half "
          f"{before:.3f} -> {after:.3f} ({on})")  # fmt: skip
    return fitted(strength, right, on, meaning)


def fitted(strength, right, on: str, meaning: str) -> Calibration:
    order = np.argsort(strength, kind="stable")
    groups = np.array_split(order, min(GROUPS, max(len(order) // 20, 2)))
    at = np.array([strength[g].mean() for g in groups])
    weights = np.array([len(g) for g in groups], float)
    shares = np.array([right[g].mean() for g in groups])
    rises = np.corrcoef(at, shares)[0, 1] >= 0  # far from 0 may be the less sure side
    level = isotonic_regression(shares, weights=weights, increasing=bool(rises)).x
    keep = np.append(True, np.diff(at) > 1e-9)
    places = tuple(round(float(v), 4) for v in at[keep])
    return Calibration(on, meaning, places, tuple(round(float(v), 4) for v in level[keep]))


def gap(confidence, right) -> float:
    """Expected calibration error in ten equally large groups."""
    groups = np.array_split(np.argsort(confidence, kind="stable"), GROUPS)
    return float(np.mean([abs(confidence[g].mean() - right[g].mean()) for g in groups if len(g)]))


if __name__ == "__main__":
    main()
