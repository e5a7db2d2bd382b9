"""How real the actors look to machines, and how fast they are drawn.

run: python benchmarks/actors_realism.py [--people 24] [--run RUN --store WILD]

With --run, trained on actors alone, and --store of real faces: does it recognise units in them, as
the area under the ROC curve (0.5 is chance) and F1 beside that of the same calls shuffled.

Otherwise: detection by yaw and by size (the package's own detector: it proves proportions, not
realism), negative controls (the backs of their heads; smooth eggs of the same colour), how
different people are (distance to the nearest other neutral face over that to one's own smile), and
faces drawn per second. Judges that never saw an actor are in actor_judges.py.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from machine import describe
from mien.actors import film
from mien.actors.identity import sample_identity
from mien.actors.render import Actor, Light, Moment, View, to_srgb
from mien.faces.centerface import CenterFace

YAWS = (-45, -30, -15, 0, 15, 30, 45)
WALL = np.array([0.22, 0.25, 0.29], np.float32)


def picture(actor: Actor, moment: Moment, side: int, face_px: int) -> np.ndarray:
    """Draw an actor into a square picture, the face `face_px` pixels high from brow to chin."""
    view = View(side, side, (side / 2, side / 2), face_px / 17)
    image, alpha = actor.draw(moment, view, Light())
    return to_srgb(image + (1 - alpha[..., None]) * WALL)


def egg(side: int, colour: np.ndarray) -> np.ndarray:
    """Draw a shaded ellipsoid of the colour of a skin."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    inside = (x / 0.26) ** 2 + (y / 0.36) ** 2
    shade = np.sqrt(np.clip(1 - inside, 0, 1))[..., None]
    ball = colour[None, None] * (0.35 + 0.65 * shade)
    return np.where(inside[..., None] < 1, ball, 130).astype(np.uint8)


def transfer(run_folder: Path, store_folder: Path) -> None:
    """Print how a recogniser trained on actors alone does on real faces of the split val."""
    from mien.labels.kinds import THRESHOLD, likeliest
    from mien.models.torch_recogniser import TorchRecogniser
    from mien.runs.run import Run
    from mien.store import Store

    store = Store.open(store_folder)
    recogniser = TorchRecogniser.load(Run.open(run_folder).last().recogniser)
    rows = store.rows("val")
    found = recogniser.predict(store.pixels(recogniser.preprocessing.size).gather(rows))
    truth = store.labels().at(rows).of(recogniser.heads)
    areas, scores, chance = [], [], []
    units = found.head("au")
    for unit in units.outputs if units else ():
        shown, said = truth.column("au", unit) == 1, found.column("au", unit)
        n = shown.sum()
        if not 0 < n < len(shown):
            continue
        ranks = rankdata(said)[shown].sum() - n * (n + 1) / 2
        areas.append(ranks / (n * (~shown).sum()))
        called = said >= THRESHOLD
        scores.append(2 * (called & shown).sum() / max(called.sum() + n, 1))
        chance.append(2 * called.mean() * shown.mean() / max(called.mean() + shown.mean(), 1e-9))
        print(f"{unit}: AUC {areas[-1]:.2f}, F1 {scores[-1]:.2f}, shuffled {chance[-1]:.2f}")
    print(f"{len(rows)} faces: mean AUC {np.mean(areas):.3f}, mean F1 {np.mean(scores):.3f}, "
          f"shuffled {np.mean(chance):.3f}")  # fmt: skip
    said, known = likeliest(found["expression"]), likeliest(truth["expression"])
    said, known = said[known >= 0], known[known >= 0]
    shuffled = (np.random.default_rng(0).permutation(said) == known).mean()
    print(f"expressions: accuracy {(said == known).mean():.3f}, shuffled {shuffled:.3f}")


def faces_per_second(actor: Actor, moment: Moment, view: View, count: int = 10) -> float:
    """Time drawing the same picture again and again."""
    actor.draw(moment, view, Light())
    started = time.perf_counter()
    for _ in range(count):
        actor.draw(moment, view, Light())
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--store", type=Path)
    args = parser.parse_args()
    if args.run and args.store:
        print(describe())
        transfer(args.run, args.store)
        return
    detect = CenterFace()
    actors = [Actor(sample_identity(9000 + i)) for i in range(args.people)]
    print(describe())
    for yaw in YAWS:
        found = [len(detect(picture(a, Moment(yaw=yaw), 256, 160))) == 1 for a in actors]
        print(f"one face found, yaw {yaw:+d}, 160 px: {np.mean(found):.0%}")
    for size in (96, 64, 48, 32):
        found = [len(detect(picture(a, Moment(yaw=10), 256, size))) == 1 for a in actors]
        print(f"one face found, yaw +10, {size} px: {np.mean(found):.0%}")
    backs = [len(detect(picture(a, Moment(yaw=180), 256, 160))) > 0 for a in actors]
    eggs = [len(detect(egg(256, np.asarray(a.person.skin)))) > 0 for a in actors]
    print(f"controls called a face: backs of heads {np.mean(backs):.0%}, eggs {np.mean(eggs):.0%}")
    smile = Moment({(12, "L"): 3, (12, "R"): 3}, yaw=6)
    neutral = np.stack([picture(a, Moment(), 64, 50).astype(float).ravel() for a in actors])
    smiling = np.stack([picture(a, smile, 64, 50).astype(float).ravel() for a in actors])
    between = np.linalg.norm(neutral[:, None] - neutral[None], axis=2)
    np.fill_diagonal(between, np.inf)
    within = np.linalg.norm(neutral - smiling, axis=1)
    ratio = between.min(1) / within
    middle, least = np.median(ratio), ratio.min()
    print(f"nearest other person over own smile, in pixels: median {middle:.2f}, least {least:.2f}")
    for side in (128, 256):
        view = View(side, side, (side / 2, side / 2), side / 27)
        rates = [faces_per_second(actor, smile, view) for actor in actors]
        print(
            f"{side} px, antialiased: {np.median(rates):.0f} faces a second "
            f"(slowest actor {min(rates):.0f}, fastest {max(rates):.0f})"
        )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "truth").mkdir()
        plans = film.plan_videos(3, 1, 6.0, 5, (640, 360), 30.0)
        film.film(plans[0], Path(folder))
        started = time.perf_counter()
        for plan in plans[1:]:
            film.film(plan, Path(folder))
        rate = 6.0 * 30 * len(plans[1:]) / (time.perf_counter() - started)
        print(f"640 x 360, with noise and encoding: {rate:.0f} frames a second")


if __name__ == "__main__":
    main()
