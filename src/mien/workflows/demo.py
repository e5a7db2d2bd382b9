"""`mien.demo`: the whole way on people who do not exist."""

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mien.errors import InputError
from mien.extras import need
from mien.labels.expressions import BASIC
from mien.progress import Progress, say_nothing, silent
from mien.store import Store
from mien.workflows.analyze import analyze
from mien.workflows.evaluate import evaluate
from mien.workflows.film import film
from mien.workflows.import_corpus import import_corpus
from mien.workflows.sample import sample
from mien.workflows.split import split
from mien.workflows.train import train

FPS = 6
"""Few frames a second: more people and more of what each does in the same time."""
START = (
    "start=joint-32-actors",
    "method.generator.learning_rate=1e-4",
    "method.discriminator.learning_rate=1e-4",
)
"""Weights that the training goes on from, in smaller steps than one from nothing takes."""

Bars = Callable[[str], AbstractContextManager[Progress]]


def demo(
    out: str | Path = "demo",
    *,
    quick: bool = False,
    from_scratch: bool = False,
    workers: int = 2,
    progress: Bars = lambda name: nullcontext(silent),
    say: Callable[[str], None] = say_nothing,
) -> Path:
    """Film, ingest, split, train, evaluate, sample, analyse, report; returns the report's path.

    quick: fewer people and steps. from_scratch: not from weights that come with mien. workers:
    processes that film. say: told every step as the command that does the same. Raises InputError
    where `out` holds a demo already.
    """
    need("mien demo", "torch", "numba", "plotly")
    from mien.report.demo_report import write_demo_report
    from mien.training.precision import fastest

    folder = Path(out)
    cast, store, run = folder / "cast", folder / "store", folder / "run"
    if store.exists() or run.exists():
        raise InputError(f"{out}: holds a demo already; remove it or name another with --out")
    people, seconds, size, steps = (18, 5, (320, 180), 70) if quick else (64, 8, (426, 240), 600)
    with _step(say, progress, "actors", "--out", cast, "--people", people) as bar:
        film(cast, people=people, videos_per_person=1, seconds=seconds, size=size, fps=FPS,
             workers=workers, progress=bar)  # fmt: skip
    with _step(say, progress, "import", "actors", cast, "--store", store, "--fps", FPS) as bar:
        import_corpus("actors", cast, store=store, size=64, fps=FPS, progress=bar)
    with _step(say, progress, "split", store, "--ratios", "0.6,0.2,0.2"):
        split(store, ratios=(0.6, 0.2, 0.2))
    settings = (
        f"steps={steps}",
        f"checkpoint_every={max(steps // 5, 50)}",
        "weights.expression=4",
        f"precision={fastest()}",
        f"heads.expression={json.dumps(BASIC)}",
        "average=0.99",
        *(() if from_scratch else START),
    )
    words = [word for setting in settings for word in ("--set", setting)]
    with _step(say, progress, "train", "joint-32", "--store", store, "--run", run, *words) as bar:
        train("joint-32", store=store, run=run, settings=settings, progress=bar, say=say)
    with _step(say, progress, "evaluate", run, "--split", "test") as bar:
        evaluate(run, part="test", progress=bar)
    with _step(say, progress, "sample", run, "--out", folder / "grid.png"):
        sample(run, count=64, out=folder / "grid.png")
    video, table = _unseen(store, cast), folder / "unseen.csv"
    with _step(say, progress, "analyze", video, "--model", run, "--checkpoint", "last",
               "--out", table, "--overlay", folder / "unseen.mp4"):  # fmt: skip
        analyze(video, model=run, checkpoint="last", out=table, overlay=folder / "unseen.mp4",
                report=folder / "unseen.html", progress=progress)  # fmt: skip
    write_demo_report(folder, video.name)
    return folder / "report.html"


@contextmanager
def _step(say: Callable[[str], None], progress: Bars, *words: object) -> Iterator[Progress]:
    """Say the command that a step is, and open a progress for it."""
    say(f"$ mien {shlex.join(str(word) for word in words)}")
    with progress(str(words[0])) as bar:
        yield bar


def _unseen(store_folder: Path, cast: Path) -> Path:
    """Pick the test video in which one person's valence moves most, in full view, to follow it."""
    truth = pq.read_table(cast / "truth.parquet", columns=["video", "occluded"])
    filmed, covered = np.array(truth["video"].to_pylist()), truth["occluded"].to_numpy()
    store = Store.open(store_folder)
    rows, valence = store.rows("test"), store.labels().column("valence_arousal", "valence")
    videos, people = (store.codes(name).at(rows) for name in ("video", "subject"))
    spread = {}
    for name in videos.used():
        mine = videos.where(name)
        if len(people.at(np.flatnonzero(mine)).used()) == 1:
            file = Path(name).name
            clear = 1 - covered[filmed == file].mean()
            spread[file] = float(np.nanstd(valence[rows][mine])) * clear**2
    liveliest: str = max(spread, key=spread.__getitem__)
    return cast / liveliest
