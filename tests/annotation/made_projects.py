"""Projects without a video: times, faces and truth are made; simulated raters annotate them."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mien.actors.action_units import UNITS
from mien.actors.behaviour import perform
from mien.actors.raters import SEEN, Rater, sample_raters, write_ratings
from mien.annotation.items import Frames, Item
from mien.annotation.project import Project, ProjectInfo, drawn_orders, parse_units
from mien.labels.action_units import DOCUMENT_AUS
from mien.labels.expressions import BASIC
from mien.store import Store

RATED = (1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 20, 25, 26)
"""Units of the project of simulated raters; their files have more."""


def make_frames(n: int, fps: float = 30.0) -> Frames:
    box = np.tile(np.array([10, 10, 50, 50], np.float32), (n, 1))
    return Frames(np.arange(n) / fps, n / fps, box, 64, 64)


def make_project(
    folder: Path,
    lengths: tuple[int, ...] = (60,),
    annotators: tuple[str, ...] = ("r1", "r2", "r3"),
    units: tuple[int, ...] = DOCUMENT_AUS,
    fps: float = 30.0,
) -> Project:
    """A project of videos that are not there; item `vid1` of `lengths[0]` frames, and so on."""
    items = tuple(
        Item(f"v{i:03d}", f"vid{i}", "video", f"/nowhere/vid{i}.mp4", f"videos/vid{i}.mp4")
        for i in range(1, len(lengths) + 1)
    )
    frames = {item.id: make_frames(n, fps) for item, n in zip(items, lengths, strict=True)}
    info = ProjectInfo(
        secrets.token_hex(8), annotators, ("va", "au", "expression"), parse_units(units), BASIC,
        items, drawn_orders(annotators, items, 3), 3,
    )  # fmt: skip
    return Project.create(folder, info, frames)


def make_store(folder: Path, project: Project, truth: dict[str, pa.Table] | None = None) -> Store:
    """A store with a face in every frame of every item, and what is true of it."""
    store = Store.open_or_create(folder, 8)
    for item in project.info.items:
        frames = project.frames(item.id)
        n = len(frames)
        labels = {}
        if truth is not None:
            table = truth[item.name]
            labels = {
                name: table[name].to_pylist() for name in ("valence", "arousal", "expression")
            }
            for unit in UNITS:
                labels[f"AU{unit:02d}"] = (table[f"AU{unit}"].to_numpy() >= SEEN).astype(np.int8)
        with store.new_shard() as crops:
            crops.append(np.zeros((n, 8, 8, 3), np.uint8))
            store.commit(
                item.video, corpus="videos", kind="video", crops=crops,
                faces={
                    "video": [item.video.split("/")[1]] * n, "frame": np.arange(n),
                    "time_s": frames.time_s, "track": np.zeros(n, int),
                    **dict(zip(("x0", "y0", "x1", "y1"), frames.box.T, strict=True)),
                },
                labels={"truth": labels} if labels else None,
            )  # fmt: skip
    return store


@dataclass
class Rated:
    """A project, its raters as they are, and the folder of what they wrote."""

    project: Project
    raters: list[Rater]
    written: Path
    store: Store


def make_rated(
    folder: Path, videos: int, seconds: float, raters: int, seed: int, fps: float = 30.0
) -> Rated:
    """Have simulated raters rate what actors would do; their files are yet to be imported."""
    n = round(seconds * fps)
    people = sample_raters(raters, seed)
    names = tuple(f"r{rater.number:02d}" for rater in people)
    project = make_project(folder / "project", (n,) * videos, names, RATED, fps)
    truth = {}
    (folder / "annotators").mkdir()
    for i, item in enumerate(project.info.items):
        played = perform(seconds, fps, np.random.default_rng((seed, i)), UNITS)
        columns = {f"AU{unit}": values for unit, values in played.displayed().items()}
        truth[item.name] = pa.table(
            {
                "time_s": played.time_s,
                "valence": played.valence,
                "arousal": played.arousal,
                "expression": played.expression,
                **columns,
            }
        )
        write_ratings(folder / "annotators", f"{item.name}.mp4", truth[item.name], people, seed)
    store = make_store(folder / "project" / "store", project, truth)
    return Rated(project, people, folder / "annotators", store)
