"""Commands that are killed at random moments, and stores that are compared by what they hold."""

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mien.store import Store

STARTER = """
import sys
import mien.workflows.import_corpus
from mien.cli.main import main
if sys.argv[1] == "ingest":
    import mien.workflows.ingest, onnxruntime, rich.table
print("ready", flush=True)
sys.exit(main(sys.argv[1:]))
"""
"""Says when the imports, which nobody wants to kill, are done."""


def _started(words: list[str]) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def undisturbed(*words: object) -> float:
    """Run a command to its end; returns the seconds it took."""
    process = _started([str(word) for word in words])
    started = time.monotonic()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return time.monotonic() - started


def killed(kills: int, seconds: float, seed: int, *words: object) -> int:
    """Run a command again and again, each time killed within `seconds`, until `kills` have hit.

    Returns the number of times that it came to its end before: the last one always does.
    """
    moments = random.Random(seed)
    hits, ends = 0, 0
    while hits < kills:
        process = _started([str(word) for word in words])
        try:
            process.communicate(timeout=moments.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        assert process.returncode in (0, -9)
        hits += process.returncode == -9
        ends += process.returncode == 0
    undisturbed(*words)
    return ends + 1


def held(folder: Path) -> dict[str, Any]:
    """What a store says and shows, in the order of its faces, whatever numbers these have."""
    store = Store.open(folder)
    rows = np.arange(len(store))
    table = store.table().drop_columns(["face_id", "shard", "row"])
    ids = store.column("face_id")
    assert (np.diff(ids) > 0).all()
    layers = {}
    for name in store.layers:
        layer = store.layer(name)
        faces = store.find(layer["face_id"].to_numpy())
        assert (faces >= 0).all()
        layers[name] = (faces.tolist(), layer.drop_columns(["face_id"]).to_pydict())
    assert not list((folder / "partial").glob("*")), "something was left behind"
    assert not list(folder.rglob(".*.tmp*"))
    logs = sorted(path.name for path in (folder / "log").iterdir())
    keep = ("kind", "corpus", "faces", "digest", "settings", "margin")
    sources = {
        name: {key: entry.get(key) for key in keep} for name, entry in store.info.sources.items()
    }
    return {
        "table": table.to_pydict(),
        "pixels": store.pixels().gather(rows).tobytes(),
        "layers": layers,
        "heads": [(head.name, head.outputs) for head in store.heads],
        "splits": {name: store.split(name).to_list() for name in store.splits},
        "sources": sources,
        "logs": logs,
    }


def same(found: Path, wanted: Path) -> None:
    """Assert that two stores hold the same."""
    mine, other = held(found), held(wanted)
    for part, value in other.items():
        np.testing.assert_equal(mine[part], value, err_msg=part)
