"""Make the store of real faces that docs/joint.md is about: silver units, stand-in affect.

run: python benchmarks/wildfaces_store.py WILDFACES --store STORE

wildfaces has no valence or arousal. The stand-in is what `actors.behaviour.affect_of` makes of the
silver units: it exercises heads and losses, and is nobody's opinion of these people.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from mien.actors.behaviour import affect_of
from mien.labels.action_units import DOCUMENT_AUS, column
from mien.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wildfaces", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    args = parser.parse_args()
    words = ["import", "folder", args.wildfaces, "--store", args.store, "--size", "96"]
    label = ["--labels", "silver units, stand-in valence and arousal"]
    subprocess.run([sys.executable, "-m", "mien", *map(str, words), *label], check=True)
    store = Store.open(args.store)
    labels = store.labels()
    shown = {au: labels.column("au_intensity", column(au)) for au in DOCUMENT_AUS}
    values = dict(zip(("valence", "arousal"), affect_of(shown), strict=True))
    store.label("stand-in", store.column("face_id"), values)


if __name__ == "__main__":
    main()
