"""A whole cast: plan, film, rate, and a contact sheet."""

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mien.actors import film
from mien.actors.portrait import contact_sheet, draw_portrait, portrait_file
from mien.actors.raters import Rater, sample_raters, write_raters, write_ratings
from mien.atomic import write_text
from mien.errors import InputError
from mien.progress import Progress, silent

SHOWN = 24
"""People on the contact sheet, at most."""


def make_cast(
    folder: Path,
    plans: list[film.Plan],
    seed: int,
    workers: int,
    raters: int = 4,
    progress: Progress = silent,
) -> pa.Table:
    """Film what is missing, then write truth.parquet, the ratings and the contact sheet.

    Raises InputError where the folder holds films of another plan: they would not fit the truth.
    """
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    _claim(folder, plans)
    (folder / "annotators").mkdir(exist_ok=True)
    todo = list(film.missing(folder, plans))
    done = len(plans) - len(todo)
    progress(done, len(plans), "videos")
    if workers <= 1 or len(todo) <= 1:
        for plan in todo:
            film.film(plan, folder)
            done += 1
            progress(done, len(plans), "videos")
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            try:
                for finished in as_completed([pool.submit(film.film, p, folder) for p in todo]):
                    finished.result()
                    done += 1
                    progress(done, len(plans), "videos")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    truth = film.join_truth(folder, plans)
    _rate(folder / "annotators", plans, truth, sample_raters(raters, seed), seed)
    people = sorted({number for plan in plans for number in plan.people})[:SHOWN]
    for number in people:
        portrait = portrait_file(folder, number)
        if not portrait.exists():
            draw_portrait(film.actor_of(seed, number), portrait)
    contact_sheet(folder / "contact-sheet.png", folder, people)
    return truth


def _rate(
    folder: Path, plans: list[film.Plan], truth: pa.Table, raters: list[Rater], seed: int
) -> None:
    """Have the first person of every video rated; ratings of an earlier call's raters go."""
    for file in folder.glob("actor*.r[0-9][0-9].*.*"):
        if int(file.name.split(".")[1][1:]) >= len(raters):
            file.unlink()
    rated = {plan.name: f"actor{plan.people[0]:03d}" for plan in plans}
    for name, person in rated.items():
        mine = pc.and_(pc.equal(truth["video"], name), pc.equal(truth["person"], person))
        write_ratings(folder, name, truth.filter(mine), raters, seed)
    write_raters(folder, raters, rated)


def _look() -> str:
    """Name the way that actors look: other code films the same plan otherwise."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _claim(folder: Path, plans: list[film.Plan]) -> None:
    """Keep with the films how they were planned, or refuse those of another plan."""
    file = folder / "cast.json"
    known = {"look": _look(), "plans": [asdict(plan) for plan in plans]}
    wanted = json.dumps(known, indent=1) + "\n"
    if file.exists():
        fits = file.read_text("utf-8") == wanted
    else:  # a new folder, or films of before plans were kept
        fits = not any((folder / "truth").iterdir())
        if fits:
            write_text(file, wanted)
    if not fits:
        raise InputError(
            f"{folder}: holds actors filmed with other settings, or by another version of "
            "mien; repeat those, or give another folder"
        )
