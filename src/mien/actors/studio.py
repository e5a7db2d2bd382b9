"""A whole cast: plan, film, rate, and a contact sheet."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mien.actors import film
from mien.actors.identity import sample_identity
from mien.actors.raters import sample_raters, write_ratings
from mien.actors.render import Actor, Light, Moment, View, to_srgb
from mien.media.images import grid, write_image
from mien.progress import Progress, silent

RATERS = 4


def make_cast(
    folder: Path,
    plans: list[film.Plan],
    seed: int,
    workers: int,
    progress: Progress = silent,
) -> pa.Table:
    """Film what is missing, then write truth.parquet, the ratings and the contact sheet."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
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
    raters = sample_raters(RATERS, seed)
    for plan in plans:
        person = f"actor{plan.people[0]:03d}"
        mine = pc.and_(pc.equal(truth["video"], plan.name), pc.equal(truth["person"], person))
        write_ratings(folder / "annotators", plan.name, truth.filter(mine), raters, seed)
    people = sorted({number for plan in plans for number in plan.people})
    contact_sheet(folder / "contact-sheet.png", seed, people[:24])
    return truth


def contact_sheet(path: Path, seed: int, people: list[int], side: int = 192) -> None:
    """Draw every person neutral, glad, sad and surprised, one row each, two people abreast."""

    def both(*units: tuple[int, float]) -> dict[tuple[int, str], float]:
        return {(unit, s): level for unit, level in units for s in ("L", "R")}

    moments = (
        Moment(yaw=-12),
        Moment(both((6, 4), (12, 4.5), (25, 3)), yaw=8),
        Moment(both((1, 4), (4, 3), (15, 4), (17, 2)), pitch=-6),
        Moment(both((1, 4.5), (2, 4.5), (5, 3), (25, 3), (26, 4)), yaw=20),
    )
    tiles = []
    for number in people:
        actor = Actor(sample_identity(film.person_seed(seed, number)))
        view = View(side, side, (side / 2, side * 0.52), side / 29)
        for moment in moments:
            image, alpha = actor.draw(moment, view, Light())
            wall = np.array([0.22, 0.25, 0.29], np.float32)
            tiles.append(to_srgb(image + (1 - alpha[..., None]) * wall))
    write_image(path, grid(np.stack(tiles), 8 if len(people) > 1 else 4))
