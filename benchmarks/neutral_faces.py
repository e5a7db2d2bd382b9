"""What taking each person's neutral face off does (`mien analyze --neutral auto`).

run: python benchmarks/neutral_faces.py MODEL --store STORE [--part val] [--least 10]

For the people of the part who have enough faces that look neutral: agreement of every unit's
intensity with the store's labels (exact of actors, silver of photographs), within people and over
all, before and after.
Labels of expressions are not used to find neutral faces: the model's own are.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa

import mien
from machine import describe
from mien.analysis import baseline
from mien.analysis.affect_table import AffectTable
from mien.metrics.continuous import ccc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--part", default="val")
    parser.add_argument("--least", type=int, default=baseline.LEAST, help="neutral faces a person")
    parser.add_argument("--exact", action="store_true", help="leave the layer `derived` out")
    args = parser.parse_args()
    baseline.LEAST = args.least
    print(describe())
    store, reader = mien.Store.open(args.store), mien.load_recogniser(args.model)
    rows = store.rows(args.part)
    seen = reader.predict(store.pixels(reader.preprocessing.size).gather(rows))
    subjects = [str(name) for name in np.array(store.names("subject"), object)[rows]]
    before = table_of(seen, subjects)
    after, done = baseline.take_off_neutral(before)
    people = {entry.input for entry in done if entry.frames}
    mine = np.isin(subjects, list(people))
    print(f"{args.store.name} {args.part}: {len(people)} of {len(done)} people, {mine.sum()} faces")
    if not people:
        return
    layers = [n for n in store.layers if n != "derived"] if args.exact else None
    labels = store.labels(layers)
    print(f"{'unit':8}{'r all':>8}{'':>8}{'CCC all':>8}{'':>8}{'r within':>9}")
    head = next(head for head in seen.heads if head.name == "au_intensity")
    truth = labels.aligned([head])["au_intensity"][rows]
    sums = []
    for i, unit in enumerate(head.outputs):
        pair = [(t.floats(f"{unit}_r")[mine], truth[mine, i]) for t in (before, after)]
        if not np.isfinite(pair[0][1]).any() or not np.isfinite(pair[0][0]).any():
            continue
        scores = [(r(a, b), ccc(a, b), within(a, b, np.array(subjects)[mine])) for a, b in pair]
        sums.append(scores)
        print(f"{unit:8}" + "".join(f"{v[j]:8.3f}" for j in range(3) for v in scores))
    means = np.nanmean(np.array(sums), 0)
    print(f"{'mean':8}" + "".join(f"{v[j]:8.3f}" for j in range(3) for v in means))


def table_of(seen, subjects: list[str]) -> AffectTable:
    """A table in which every person is an input of their own, of one face a frame."""
    n = len(subjects)
    columns = {
        "input": pa.array(subjects), "frame": pa.array(range(n)),
        "timestamp": pa.array([i / 25 for i in range(n)]), "face_id": pa.array([0] * n),
        "success": pa.array([1] * n),
    }  # fmt: skip
    for head in seen.heads:
        names = head.kind.table_columns(head.name, head.outputs)
        values = head.kind.table_values(seen[head.name], head.outputs)
        columns |= {name: pa.array(v) for name, v in zip(names, values, strict=True)}
    return AffectTable(pa.table(columns))


def r(a, b) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    flat = known.sum() < 3 or a[known].std() < 1e-9 or b[known].std() < 1e-9
    return float("nan") if flat else float(np.corrcoef(a[known], b[known])[0, 1])


def within(a, b, who) -> float:
    """Correlation of what is left when each person's own mean is taken off both."""
    a, b = a.astype(float).copy(), b.astype(float).copy()
    for person in np.unique(who):
        own = who == person
        a[own] -= np.nanmean(a[own])
        b[own] -= np.nanmean(b[own])
    return r(a, b)


if __name__ == "__main__":
    main()
