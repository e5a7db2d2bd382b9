"""Train mien-base on FER+, wildfaces and actors: stores, layers, training, scores, ONNX.

run: python benchmarks/train_mien_base.py --wildfaces DIR --ferplus DIR --actors CAST --out DIR

FER+ and actors may be left out. CAST: what `mien actors` filmed; the shipped
weights had

    mien actors --out CAST --people 80 --videos-per-person 1 --seconds 8 --size 256x256 --fps 12 \
        --seed 7 --raters 1

What is done before is kept, so that a broken-off call goes on. Needs, beside the pictures, the
tables of blendshapes that go with them (columns bs_*): `silver_blendshapes.csv` of FER+, and
wildfaces' own labels.csv.

Units of photographs are blendshapes of a landmark model: relative, not FACS; those of actors are
exact. Valence and arousal are derived, of photographs and actors alike: the point of the votes on
the circumplex mixed with a rule of displayed units. For valence that is the rule that gives actors
theirs (mien.actors.behaviour.affect_of); arousal has one of its own (`AROUSAL`). No rater gave
them.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

import mien
from mien.actors.behaviour import affect_of

BLENDSHAPES: dict[int, tuple[str, ...]] = {
    1: ("browInnerUp",), 2: ("browOuterUpLeft", "browOuterUpRight"),
    4: ("browDownLeft", "browDownRight"), 5: ("eyeWideLeft", "eyeWideRight"),
    6: ("eyeSquintLeft", "eyeSquintRight"), 7: ("eyeSquintLeft", "eyeSquintRight"),
    10: ("mouthUpperUpLeft", "mouthUpperUpRight"),
    12: ("mouthSmileLeft", "mouthSmileRight"), 14: ("mouthDimpleLeft", "mouthDimpleRight"),
    15: ("mouthFrownLeft", "mouthFrownRight"), 17: ("mouthShrugLower",),
    20: ("mouthStretchLeft", "mouthStretchRight"),
    23: ("mouthPressLeft", "mouthPressRight", "mouthRollLower", "mouthRollUpper"),
    25: ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft"),
    26: ("jawOpen",), 45: ("eyeBlinkLeft", "eyeBlinkRight"),
}  # fmt: skip
"""Unit to the blendshapes whose largest stands for it. AU9 has none: noseSneer is always 0."""
MEANS = (1, 2, 4, 6, 12, 15, 20)
"""Units for which the two sides are averaged, as the silver columns of both tables are."""
PRESENT = 0.4
POSITIONS = {
    "neutral": (0.0, 0.0), "happiness": (0.8, 0.2), "sadness": (-0.7, -0.3),
    "anger": (-0.5, 0.6), "disgust": (-0.6, 0.35), "fear": (-0.5, 0.75), "surprise": (0.1, 0.7),
    "contempt": (-0.5, 0.2),
}  # fmt: skip
"""Valence and arousal of expressions on the circumplex (Russell 1980), within the ranges that
AffectNet's raters were given (happiness: valence in (0, 1], arousal in [-0.2, 0.5])."""
AROUSAL = {
    1: 0.14, 2: 0.20, 4: 0.20, 5: 0.42, 6: 0.03, 10: 0.05, 12: 0.05, 15: -0.30, 20: 0.10, 23: 0.10,
    25: 0.20, 26: 0.35, 45: -0.25,
}  # fmt: skip
"""Weight of a unit in arousal: an open mouth, wide eyes and raised brows raise it, closed eyes
lower it. A smile alone hardly does: AffectNet's guidance leaves a happy face at -0.2 to 0.5."""
OF_VOTES = (0.65, 0.4)
"""Weight of the votes' point in valence and in arousal; the rest is the units'."""
SHARES = {"ferplus": 0.58, "wildfaces": 0.32, "actors": 0.10}
"""Share of each store in a batch; what is left out leaves its share to the others."""


def silver(row: dict[str, str]) -> dict[int, float]:
    """Share of full intensity of every unit, 0 to 1; empty where no landmarks were found."""
    found = {}
    for unit, names in BLENDSHAPES.items():
        given = row.get(f"AU{unit}", "")
        if given:
            found[unit] = float(given)
            continue
        cells = [row.get(f"bs_{name}", "") for name in names]
        if not all(cells):
            return {}
        values = [float(cell) for cell in cells]
        found[unit] = float(np.mean(values)) if unit in MEANS else max(values)
    return found


def derived(units: dict[int, float], votes: dict[str, float]) -> tuple[float, float]:
    """Valence and arousal from units (shares of full intensity) and from shares of votes."""
    valence, _ = affect_of({unit: np.array([5 * share]) for unit, share in units.items()})
    pull = sum(AROUSAL.get(unit, 0.0) * max(share, 0.0) ** 0.75 for unit, share in units.items())
    shown = float(valence[0]), float(np.tanh(1.15 * pull))
    point = [sum(share * POSITIONS[name][i] for name, share in votes.items()) for i in (0, 1)]
    found = [w * at + (1 - w) * of for w, at, of in zip(OF_VOTES, point, shown, strict=True)]
    return found[0], found[1]


def write_layers(rows: list[dict[str, str]], votes: dict[str, dict[str, float]], out: Path) -> Path:
    """Write the table of silver units and derived affect; returns its path."""
    columns = [f"AU{unit:02d}_{kind}" for unit in BLENDSHAPES for kind in ("c", "r")]
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "valence", "arousal", *columns])
        for row in rows:
            units = silver(row)
            if not units or row["image"] not in votes:
                continue
            affect = derived(units, votes[row["image"]])
            cells = [c for share in units.values() for c in (int(share >= PRESENT), 5 * share)]
            shown = [f"{v:.4f}" if isinstance(v, float) else v for v in (*affect, *cells)]
            writer.writerow([row["image"], *shown])
    return out


def votes_of_ferplus(folder: Path) -> dict[str, dict[str, float]]:
    with (folder / "fer2013new.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["Image name"]]
    counts = {row["Image name"]: {n: float(row[n]) for n in POSITIONS} for row in rows}
    return {
        name: {n: v / sum(of.values()) for n, v in of.items()}
        for name, of in counts.items()
        if sum(of.values())
    }


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [row for row in csv.DictReader(file) if row.get("found", "1") == "1"]


def make_store(name: str, folder: Path, out: Path, size: int) -> Path:
    """Import one of the three with its derived layer, unless that is done."""
    store, done = out / name, out / f"{name}-done"
    if done.exists():
        return store
    common: dict[str, Any] = {"store": store, "size": size, "corpus": name}
    if name == "ferplus":
        summary = mien.import_corpus("ferplus", folder, find_faces=True, **common)
        votes = votes_of_ferplus(folder)
        rows = read_rows(folder / "silver_blendshapes.csv")
        table = write_layers(rows, votes, out / "ferplus-layers.csv")
    elif name == "wildfaces":
        summary = mien.import_corpus("folder", folder, find_faces=True, ignore=["AU*"], **common)
        rows = read_rows(folder / "labels.csv")
        votes = {row["image"]: {row["expression"]: 1.0} for row in rows if row["expression"]}
        table = write_layers(rows, votes, out / "wildfaces-layers.csv")
    else:
        summary = mien.import_corpus("actors", folder, fps=12.0, **common)
        mien.split(store, ratios=(0.9, 0.1))
        table = write_actors_layer(store, out / "actors-layers.csv")
    print(summary.faces, *summary.notes, sep="; ")
    print(mien.add_labels(store, table, layer="derived").labelled)
    done.touch()
    return store


def write_actors_layer(folder: Path, out: Path) -> Path:
    """Write the derived affect of actors, from their exact units and displayed expression."""
    store = mien.Store.open(folder)
    labels = store.labels(["actors"])
    heads = {head.name: head for head in labels.heads}
    values = labels.aligned(labels.heads)
    names = {output: i for i, output in enumerate(heads["au_intensity"].outputs)}
    place = zip(store.names("video"), store.column("frame"), store.column("track"), strict=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["video", "frame", "track", "valence", "arousal"])
        for row, (video, frame, track) in enumerate(place):
            shown, expression = values["au_intensity"][row], values["expression"][row]
            if not np.isfinite(shown).any() or not np.isfinite(expression).all():
                continue
            known = {u: f"AU{u:02d}" for u in BLENDSHAPES if f"AU{u:02d}" in names}
            units = {u: float(shown[names[name]]) / 5 for u, name in known.items()}
            votes = {heads["expression"].outputs[int(expression.argmax())]: 1.0}
            affect = derived(units, votes)
            writer.writerow([video, frame, track, *(f"{v:.4f}" for v in affect)])
    return out


def recipe_with(stores: list[Path], out: Path) -> Path:
    """The recipe with its sources, as a file."""
    from mien.workflows.recipes import recipe_text

    total = sum(SHARES[store.name] for store in stores)
    sources = ", ".join(
        f"{{ store = {json.dumps(str(store.resolve()))}, "
        f'weight = {SHARES[store.name] / total:.4f}, layers = ["derived", "{store.name}"] }}'
        for store in stores
    )
    path = out / "mien-base.toml"
    path.write_text(recipe_text("mien-base") + f"\n[data]\nsources = [{sources}]\n", "utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wildfaces", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--actors", type=Path, metavar="CAST")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    given = {name: getattr(args, name) for name in SHARES}
    stores = [make_store(n, folder, args.out, 48) for n, folder in given.items() if folder]
    recipe = recipe_with(stores, args.out)
    run = args.out / "run"

    def progress(done: float, total: float | None, note: str = "") -> None:
        print(f"{done:.0f}/{total:.0f} {note}", flush=True)

    mien.train(
        str(recipe), run=run, settings=args.settings, resume=run.exists(), progress=progress,
        say=print,
    )  # fmt: skip
    scores: dict[str, Any] = mien.evaluate(run, part="val")
    print(json.dumps({name: _short(found["best"]) for name, found in scores.items()}, indent=2))
    model = mien.export_model(run, args.out / "mien-base.onnx")
    print(model)
    for store in stores:
        print(json.dumps(agreement(args.out / "mien-base.onnx", store), indent=2))


def agreement(model: Path, folder: Path) -> dict[str, Any]:
    """Expressions against the largest vote, correlations with silver units, on the part val."""
    store = mien.Store.open(folder)
    rows = store.rows("val")
    seen = mien.load_recogniser(model).predict(store.pixels(48).gather(rows))
    truth = store.labels().aligned(seen.heads)
    found: dict[str, Any] = {"store": folder.name, "faces": len(rows)}
    votes = truth["expression_votes"][rows]
    known = np.isfinite(votes).all(1)
    said, right = seen["expression_votes"][known].argmax(1), votes[known].argmax(1)
    found["accuracy"] = round(float((said == right).mean()), 4)
    head = next(head for head in seen.heads if head.name == "expression_votes")
    for i, name in enumerate(head.outputs):
        both = 2 * ((said == i) & (right == i)).sum()
        found[f"{name} F1"] = round(float(both / max(1, (said == i).sum() + (right == i).sum())), 3)
    head = next(head for head in seen.heads if head.name == "au_intensity")
    units = {}
    for i, name in enumerate(head.outputs):
        true, own = truth["au_intensity"][rows, i], seen["au_intensity"][:, i]
        both = np.isfinite(true)
        units[name] = round(float(np.corrcoef(true[both], own[both])[0, 1]), 3)
    found["correlation with silver"] = units
    return found


def _short(scores: dict[str, Any]) -> dict[str, Any]:
    votes = scores["expression_votes"]
    return {
        "step": scores["step"],
        "accuracy": votes["accuracy"],
        "f1": votes["f1"],
        "valence, arousal": [r["ccc"] for r in scores["valence_arousal"]["outputs"].values()],
        "units": {u: round(r["ccc"], 3) for u, r in scores["au_intensity"]["outputs"].items()},
    }


if __name__ == "__main__":
    main()
