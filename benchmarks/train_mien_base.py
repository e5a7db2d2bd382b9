"""Train mien-base on FER+ and wildfaces: stores, silver and derived layers, training, scores, ONNX.

run: python benchmarks/train_mien_base.py --ferplus DIR --wildfaces DIR --out DIR [--steps N]

What is done before is kept, so that a broken-off call goes on. Needs, beside the pictures, the
tables of blendshapes that go with them (columns bs_*): `silver_blendshapes.csv` of FER+, and
wildfaces' own labels.csv.

Units are blendshapes of a landmark model: relative, not FACS. Valence and arousal are derived:
the point of the votes on the circumplex, and the rule that gives actors theirs from displayed units
(mien.actors.behaviour.affect_of), mixed with the weights below. No rater gave them.
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
    "neutral": (0.0, 0.0), "happiness": (0.8, 0.4), "sadness": (-0.7, -0.3),
    "anger": (-0.5, 0.6), "disgust": (-0.6, 0.35), "fear": (-0.5, 0.7), "surprise": (0.1, 0.7),
    "contempt": (-0.5, 0.2),
}  # fmt: skip
"""Valence and arousal of expressions on the circumplex (Russell 1980; AffectNet's guidance)."""
OF_VOTES = (0.65, 0.3)
"""Weight of the votes' point in valence and in arousal; the rest is the units'."""


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
    """Valence and arousal from units and from shares of votes."""
    shown = affect_of({unit: np.array([5 * share]) for unit, share in units.items()})
    point = [sum(share * POSITIONS[name][i] for name, share in votes.items()) for i in (0, 1)]
    valence, arousal = (
        weight * at + (1 - weight) * float(of[0])
        for weight, at, of in zip(OF_VOTES, point, shown, strict=True)
    )
    return valence, arousal


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


def make_stores(ferplus: Path, wildfaces: Path, out: Path, size: int) -> list[Path]:
    stores = [out / "ferplus", out / "wildfaces"]
    done = out / "stores-done"
    if done.exists():
        return stores
    summary = mien.import_corpus(
        "ferplus", ferplus, store=stores[0], size=size, corpus="ferplus", find_faces=True
    )
    print(summary.faces, *summary.notes, sep="; ")
    summary = mien.import_corpus(
        "folder", wildfaces, store=stores[1], size=size, corpus="wildfaces", find_faces=True,
        ignore=["AU*"],
    )  # fmt: skip
    print(summary.faces, *summary.notes, sep="; ")
    rows = read_rows(ferplus / "silver_blendshapes.csv")
    table = write_layers(rows, votes_of_ferplus(ferplus), out / "ferplus-layers.csv")
    print(mien.add_labels(stores[0], table, layer="derived").labelled)
    rows = read_rows(wildfaces / "labels.csv")
    votes = {row["image"]: {row["expression"]: 1.0} for row in rows if row["expression"]}
    table = write_layers(rows, votes, out / "wildfaces-layers.csv")
    print(mien.add_labels(stores[1], table, layer="derived").labelled)
    done.touch()
    return stores


def recipe_with(stores: list[Path], weights: list[float], out: Path) -> Path:
    """The recipe with its sources, as a file."""
    from mien.workflows.recipes import recipe_text

    sources = ", ".join(
        f"{{ store = {json.dumps(str(store.resolve()))}, weight = {weight} }}"
        for store, weight in zip(stores, weights, strict=True)
    )
    path = out / "mien-base.toml"
    path.write_text(recipe_text("mien-base") + f"\n[data]\nsources = [{sources}]\n", "utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ferplus", type=Path, required=True)
    parser.add_argument("--wildfaces", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--share", type=float, default=0.7, help="of FER+ in every batch (0.7)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    stores = make_stores(args.ferplus, args.wildfaces, args.out, 48)
    recipe = recipe_with(stores, [args.share, 1 - args.share], args.out)
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
