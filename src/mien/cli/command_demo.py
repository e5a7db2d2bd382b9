"""Go the whole way on actors: film, ingest, split, train, evaluate, sample, analyse, report.

example: mien demo --out demo
         mien demo --quick

Everything is made on this machine: people who do not exist are filmed, found by the real detector,
and split by person; a GAN whose discriminator recognises affect is trained on them for a few
minutes; an actor it has never seen is analysed beside the truth. Training starts from weights that
come with mien and learnt from other actors (--from-scratch: from random ones). Every step is a
command of its own and is shown. --quick takes fewer people and steps.
"""

import argparse
import json
import shlex
import time
from pathlib import Path

from mien.cli.arguments import positive
from mien.cli.output import note
from mien.errors import InputError
from mien.labels.expressions import BASIC

FPS = 6
"""Few frames a second: more people and more of what each does in the same time."""
START = (
    "start=joint-32-actors",
    "method.generator.learning_rate=1e-4",
    "method.discriminator.learning_rate=1e-4",
)
"""Weights that the training goes on from, in smaller steps than one from nothing takes."""
DOCUMENT_UNITS = "[1, 2, 4, 6, 12, 15, 20, 25]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument(
        "--quick", action="store_true", help="about a minute instead of three to six"
    )
    parser.add_argument(
        "--from-scratch", action="store_true", help="do not start from mien's weights"
    )
    parser.add_argument("--workers", type=positive, default=2, help="processes that film (2)")


def run(args: argparse.Namespace) -> int:
    from mien.report.demo_report import write_demo_report
    from mien.training.precision import fastest

    out: Path = args.out
    if (out / "store").exists() or (out / "run").exists():
        raise InputError(f"{out}: holds a demo already; remove it or name another with --out")
    started = time.monotonic()
    people, seconds, size, steps = (18, 5, "320x180", 70) if args.quick else (64, 8, "426x240", 600)
    cast, store, run_folder = out / "cast", out / "store", out / "run"
    _step(
        *("actors", "--out", cast, "--people", people, "--videos-per-person", 1),
        *("--seconds", seconds, "--fps", FPS, "--size", size, "--workers", args.workers),
    )
    _step(
        *("import", "actors", cast, "--store", store, "--through-pipeline"),
        *("--fps", FPS, "--size", 64),
    )
    _step("split", store, "--ratios", "0.6,0.2,0.2", "--seed", 0)
    settings = (
        f"steps={steps}",
        f"checkpoint_every={max(steps // 5, 50)}",
        f"heads.au={DOCUMENT_UNITS}",
        "weights.expression=4",
        f"precision={fastest()}",
        f"heads.expression={json.dumps(BASIC)}",
        "average=0.99",
        *(() if args.from_scratch else START),
    )
    words = [word for setting in settings for word in ("--set", setting)]
    _step("train", "joint-32", "--store", store, "--run", run_folder, *words)
    _step("evaluate", run_folder, "--split", "test")
    _step("sample", run_folder, "--count", 64, "--out", out / "grid.png")
    video = _unseen(store, cast)
    table = out / "unseen.csv"
    _step(
        *("analyze", video, "--model", run_folder, "--checkpoint", "last", "--out", table),
        *("--overlay", out / "unseen.mp4", "--report", out / "unseen.html"),
    )
    write_demo_report(out, video.name)
    note(f"done in {time.monotonic() - started:.0f} s. Open {out / 'report.html'}")
    print(out / "report.html")
    print(f"Next: `mien analyze YOUR_VIDEO --model {run_folder} --out seen.csv`,")
    print("or your own labelled faces: `mien import folder PATH --store STORE`.")
    return 0


def _step(*words: object) -> None:
    """Show a command and run it; raises InputError where it fails."""
    from mien.cli.main import main

    arguments = [str(word) for word in words]
    note(f"$ mien {shlex.join(arguments)}")
    code = main(arguments)
    if code == 130:
        raise KeyboardInterrupt
    if code != 0:
        raise InputError(f"the demo stopped at `mien {arguments[0]}`; the line above says why")


def _unseen(store_folder: Path, cast: Path) -> Path:
    """Pick the test video in which one person's valence moves most, in full view, to follow it."""
    import numpy as np
    import pyarrow.parquet as pq

    from mien.store import Store

    truth = pq.read_table(cast / "truth.parquet", columns=["video", "occluded"])
    filmed, covered = np.array(truth["video"].to_pylist()), truth["occluded"].to_numpy()
    store = Store.open(store_folder)
    rows, valence = store.rows("test"), store.labels().column("valence_arousal", "valence")
    videos, people = (np.array(store.names(c), object)[rows] for c in ("video", "subject"))
    spread = {}
    for name in sorted(set(videos)):
        if len(set(people[videos == name])) == 1:
            clear = 1 - covered[filmed == name].mean()
            spread[name] = float(np.nanstd(valence[rows][videos == name])) * clear**2
    liveliest: str = max(spread, key=spread.__getitem__)
    return cast / liveliest
