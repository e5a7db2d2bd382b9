"""Items of a new project: who is to be labelled in which video, with exact times and boxes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.annotation.items import Frames, Item
from mien.corpora.pictures import FaceFinder, read_crops
from mien.errors import InputError
from mien.faces.crop import MARGIN
from mien.media.exact import ExactFrames
from mien.media.images import is_image
from mien.media.names import shown
from mien.media.prepare import prepare
from mien.progress import Progress, silent
from mien.store import Store

LASTING = 0.25
"""Share of the frames with faces that a track needs to be somebody to label, beside others."""
SAME_S = 2e-3
"""Times that differ by less are one frame's."""


@dataclass(frozen=True)
class Faces:
    """Faces of one video in a store. rows: of the store's table, in order of time; frame: which
    frame of the file each is in; track: whose it is; box: (M, 4)."""

    rows: NDArray[np.intp]
    frame: NDArray[np.intp]
    track: NDArray[np.int64]
    box: NDArray[np.float32]


def faces_of(store: Store, video: str, time_s: NDArray[np.float64]) -> Faces:
    """Find a video's faces and the frame of the file that each is in, by its exact time.

    time_s: of the file's frames. A face whose time is no frame's is left out.
    """
    names = store.codes("video")
    rows = np.flatnonzero(names.where(video))
    times = store.column("time_s")[rows]
    edges = (time_s[1:] + time_s[:-1]) / 2
    frame = np.searchsorted(edges, times)
    fits = np.abs(time_s[frame] - times) < SAME_S if len(time_s) else np.zeros(0, bool)
    rows, frame = rows[fits], frame[fits]
    box = np.stack([store.column(c)[rows] for c in ("x0", "y0", "x1", "y1")], 1)
    return Faces(rows, frame, store.column("track")[rows].astype(np.int64), box)


def read_video(project: Path, path: Path, progress: Progress = silent) -> ExactFrames:
    """Read a video so that its frames are at hand; once, in the project's folder `pictures`.

    Items of one video share what is kept. Raises InputError where the file cannot be decoded.
    """
    name = hashlib.blake2b(str(path.resolve()).encode(), digest_size=8).hexdigest()
    (project / "pictures").mkdir(mode=0o700, parents=True, exist_ok=True)
    return prepare(path, project / "pictures" / name, progress=progress)


def video_items(
    store: Store, path: Path, video: str, number: int, pictures: ExactFrames
) -> list[tuple[Item, Frames]]:
    """One item for every person who lasts in a video, from left to right.

    number: of the first item. pictures: the video, read. A video in which no frame shows two faces
    is one item, whatever its tracks.
    """
    time_s = np.array(pictures.times, np.float64)
    width, height = pictures.size
    faces = faces_of(store, video, time_s)
    stem = Path(shown(Path(path.name))).stem
    found: list[tuple[Item, Frames]] = []
    for side, tracks in _people(faces):
        mine = np.isin(faces.track, tracks) if tracks else np.ones(len(faces.track), bool)
        box = np.full((len(time_s), 4), np.nan, np.float32)
        box[faces.frame[mine]] = faces.box[mine]
        name = f"{stem}_{side}" if side else stem
        place = f"v{number + len(found):03d}"
        item = Item(place, name, "video", str(path.resolve()), video, tracks)
        found.append((item, Frames(time_s, pictures.end_s, box, width, height)))
    return found


def _people(faces: Faces) -> list[tuple[str, tuple[int, ...]]]:
    """Side and tracks of the people of a video; no side and no tracks where there is one."""
    _, together = np.unique(faces.frame, return_counts=True)
    tracks, many = np.unique(faces.track, return_counts=True)
    lasting = tracks[many >= LASTING * max(len(together), 1)]
    if (together < 2).all() or len(lasting) < 2:
        return [("", ())]
    middle = {t: float(faces.box[faces.track == t][:, ::2].mean()) for t in lasting.tolist()}
    order = sorted(middle, key=middle.__getitem__)
    sides = ["left", "right"] if len(order) == 2 else [str(i + 1) for i in range(len(order))]
    return [(side, (track,)) for side, track in zip(sides, order, strict=True)]


def image_item(
    store: Store, folder: Path, number: int, progress: Progress = silent
) -> tuple[Item, Frames]:
    """A folder of pictures as one item; their faces go into the store, cut as those of videos.

    Raises InputError where the folder holds no picture that can be read.
    """
    corpus = shown(Path(folder.resolve().name))
    files = sorted(p for p in folder.iterdir() if p.is_file() and is_image(p))
    if not files:
        raise InputError(f"{folder}: holds no picture")
    names = [shown(Path(file.name)) for file in files]
    with store.new_shard() as crops:
        done = read_crops(files, range(len(files)), crops, progress, FaceFinder())
        if not done.rows:
            raise InputError(f"{folder}: none of its {len(files)} pictures can be read")
        boxes = np.array(done.boxes, np.float32)
        store.commit(
            corpus,
            corpus=corpus,
            kind="pictures",
            crops=crops,
            faces={
                "image": [names[row] for row in done.rows],
                **dict(zip(("x0", "y0", "x1", "y1"), boxes.T, strict=True)),
            },
            path=str(folder.resolve()),
            margin=MARGIN,
        )
    kept = tuple(names[row] for row in done.rows)
    item = Item(f"v{number:03d}", corpus, "images", str(folder.resolve()), corpus)
    time_s = np.arange(len(kept), dtype=np.float64)
    return item, Frames(time_s, float(len(kept)), boxes, 0, 0, kept)


def rows_of(store: Store, item: Item, frames: Frames) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of a store's table that show the item's person, and the frame of the item of each."""
    if item.kind == "images":
        names = store.names("image")
        place = {f"{item.video}/{name}": i for i, name in enumerate(frames.names)}
        pairs = [(row, place[name]) for row, name in enumerate(names) if name in place]
        rows, frame = np.array(pairs, np.intp).reshape(-1, 2).T
        return rows, frame
    faces = faces_of(store, item.video, frames.time_s)
    mine = np.isin(faces.track, item.tracks) if item.tracks else _alone(faces)
    return faces.rows[mine], faces.frame[mine]


def _alone(faces: Faces) -> NDArray[np.bool_]:
    """Of a video that shows one person: in a frame with two faces, the larger."""
    keep = np.ones(len(faces.rows), bool)
    size = np.ptp(faces.box[:, 1::2], axis=1)
    seen: dict[int, int] = {}
    for i, frame in enumerate(faces.frame.tolist()):
        other = seen.get(frame)
        if other is not None and faces.track[other] != faces.track[i]:
            keep[i if size[i] <= size[other] else other] = False
        if other is None or size[i] > size[other]:
            seen[frame] = i
    return keep


def pictures_of(folders: Sequence[Path]) -> list[Path]:
    """Those of some inputs that are folders with pictures and no videos."""
    return [f for f in folders if f.is_dir() and any(is_image(p) for p in f.iterdir())]
