"""Files as the ABAW challenges take them: `image_location,valence,arousal` and the like.

    FOLDER/VA/predictions.txt     image_location,valence,arousal
    FOLDER/EXPR/predictions.txt   image_location,Neutral,...,Other: a class number in each row
    FOLDER/AU/predictions.txt     image_location,AU1,...,AU26: 0 or 1 each
    FOLDER/MTL/predictions.txt    image,valence,arousal,expression,aus: all of them in one row

A location is `video/00001.jpg`, frames from 1; of a photograph it is its name. Where a video shows
two people, Aff-Wild2 has a folder for each, `video_left` and `video`: a person of such a name is
located there.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError
from mien.evaluation.judged import JudgedFaces
from mien.labels.action_units import parse
from mien.metrics.challenge import CLASSES, UNITS

Rows = NDArray[np.intp]
SIDES = ("_left", "_right")
CLASS_NAMES = ",".join(name.capitalize() for name in CLASSES)
UNIT_NAMES = ",".join(f"AU{parse(unit)}" for unit in UNITS)


def write_submission(folder: Path, faces: JudgedFaces) -> dict[str, int]:
    """Write the files of every challenge whose outputs are predicted; rows of each, by name.

    Where a frame shows several people, the one who is seen in most frames of the video is taken.
    Raises InputError where no challenge's outputs are all predicted.
    """
    where = _locations(faces)
    parts = {"VA": _affect(faces), "EXPR": _expressions(faces), "AU": _units(faces)}
    headers = {"VA": "valence,arousal", "EXPR": CLASS_NAMES, "AU": UNIT_NAMES}
    written = {}
    for name, cells in parts.items():
        if cells is not None:
            written[name] = _write(folder / name, f"image_location,{headers[name]}", where, cells)
    va, expr, au = parts.values()
    if va is not None and expr is not None and au is not None:
        written["MTL"] = _write(
            folder / "MTL",
            "image,valence,arousal,expression,aus",
            where,
            [f"{v},{e},{a}" if v and e and a else "" for v, e, a in zip(va, expr, au, strict=True)],
        )
    if not written:
        raise InputError(
            f"{faces.name}: predicts nothing that a challenge asks for: valence and arousal, the "
            f"eight classes {', '.join(CLASSES)}, or the units {', '.join(UNITS)}"
        )
    return written


def _write(folder: Path, header: str, where: dict[int, str], cells: list[str]) -> int:
    lines = [f"{name},{cells[face]}" for face, name in where.items() if cells[face]]
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "predictions.txt", "\n".join([header, *lines]) + "\n")
    return len(lines)


def _locations(faces: JudgedFaces) -> dict[int, str]:
    """Face to its location, in order of video and frame; one face a frame."""
    store, rows = faces.store, faces.rows
    videos, images = (store.codes(kind).at(rows) for kind in ("video", "image"))
    people = store.ids().at(rows)
    frame, track = store.column("frame")[rows], store.column("track")[rows]
    pairs = np.stack([videos.codes, track], axis=1)
    _, place, seen = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    often = seen[place.reshape(-1)]
    order = np.lexsort((-often, frame, images.codes, videos.codes))
    found: dict[int, str] = {}
    taken: set[str] = set()
    for face in order.tolist():
        if videos.codes[face] >= 0:
            video = PurePosixPath(videos.names[videos.codes[face]])
            person = people.names[people.codes[face]] if people.codes[face] >= 0 else ""
            side = next((side for side in SIDES if person == f"{video}{side}"), "")
            name = f"{video.stem}{side}/{int(frame[face]) + 1:05d}.jpg"
        else:
            name = images.names[images.codes[face]].partition("/")[2]
        if name not in taken:
            taken.add(name)
            found[face] = name
    return found


def _affect(faces: JudgedFaces) -> list[str] | None:
    if faces.predictions.head("valence_arousal") is None:
        return None
    both = np.stack(
        [faces.predictions.column("valence_arousal", axis) for axis in ("valence", "arousal")], 1
    )
    return _cells(both, lambda row: ",".join(f"{v:.6f}" for v in np.clip(row, -1, 1)))


def _expressions(faces: JudgedFaces) -> list[str] | None:
    name = next((n for n in ("expression", "expression_votes") if n in faces.predictions), None)
    if name is None:
        return None
    shares = np.stack([faces.predictions.column(name, label) for label in CLASSES], 1)
    if np.isnan(shares).all():
        return None
    known = ~np.isnan(shares).all(1)
    best = np.where(known, np.nan_to_num(shares, nan=-1.0).argmax(1), -1)
    return [str(b) if b >= 0 else "" for b in best]


def _units(faces: JudgedFaces) -> list[str] | None:
    said = np.stack([faces.predictions.column("au", unit) for unit in UNITS], 1)
    if np.isnan(said).all(0).any():
        return None
    return _cells(said, lambda row: ",".join(str(int(p >= 0.5)) for p in row))


def _cells(values: NDArray[np.float32], text: Callable[[NDArray[np.float32]], str]) -> list[str]:
    """Text of each row; empty where one of its values is not known."""
    return ["" if np.isnan(row).any() else text(row) for row in values]
