"""Aff-Wild2's layout: cropped_aligned/VIDEO/NNNNN.jpg and annotation files of its challenges.

Frames are counted from 1; line i + 1 of an annotation file is frame i. What is not labelled is -5
(valence, arousal) or -1 (expression, units), as the challenges write it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.curation.exports import Selection
from mien.curation.formats.by_video import video_names
from mien.curation.formats.pictures import each, png
from mien.errors import InputError
from mien.progress import Progress

EXPRESSIONS = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
UNITS = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU15", "AU23", "AU24", "AU25",
         "AU26")  # fmt: skip
SETS = {"train": "Train_Set", "val": "Validation_Set", "test": "Test_Set"}
VA_HEADER = "valence,arousal"
EXPRESSION_HEADER = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
AU_HEADER = ",".join(f"AU{int(unit[2:])}" for unit in UNITS)


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write the layout; raises InputError where faces are of no video."""
    videos = selection.column("video")
    if None in videos:
        raise InputError(f"{selection.store.folder}: some faces are of no video")
    names = video_names(selection, [str(video) for video in videos])
    frames = selection.store.column("frame")[selection.rows].astype(int) + 1
    for i, crop in each(selection, progress):
        folder = out / "cropped_aligned" / names[i]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{frames[i]:05d}.jpg").write_bytes(png(crop, "JPEG"))
    parts = selection.parts
    for challenge, header, lines, missing in _annotations(selection):
        for name in dict.fromkeys(names):
            mine = np.array([i for i, other in enumerate(names) if other == name])
            rows = [missing] * int(frames[mine].max())
            for i in mine:
                rows[frames[i] - 1] = lines[i]
            folder = out / challenge / SETS.get(parts[mine[0]] or "train", "Train_Set")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text("\n".join([header, *rows]) + "\n", "utf-8")


def _annotations(selection: Selection) -> list[tuple[str, str, list[str], str]]:
    labels = selection.labels
    found = []
    if labels.head("valence_arousal") is not None:
        pair = np.stack([labels.column("valence_arousal", a) for a in ("valence", "arousal")], 1)
        known = np.asarray(np.isfinite(pair).all(1))
        lines = [
            f"{v:.3f},{a:.3f}" if k else "-5,-5" for (v, a), k in zip(pair, known, strict=True)
        ]
        found.append(("VA_Estimation_Challenge", VA_HEADER, lines, "-5,-5"))
    head = labels.head("expression")
    if head is not None:
        values = labels["expression"]
        known = np.asarray(np.isfinite(values).all(1))
        codes = [EXPRESSIONS.index(o) if o in EXPRESSIONS else -1 for o in head.outputs]
        best = [str(codes[i]) if k else "-1" for i, k in zip(values.argmax(1), known, strict=True)]
        found.append(("EXPR_Recognition_Challenge", EXPRESSION_HEADER, best, "-1"))
    if labels.head("au") is not None:
        found.append(("AU_Detection_Challenge", AU_HEADER, _units(selection), _MISSING_UNITS))
    return found


_MISSING_UNITS = ",".join(["-1"] * len(UNITS))


def _units(selection: Selection) -> list[str]:
    columns: list[NDArray[np.float32]] = [selection.labels.column("au", unit) for unit in UNITS]
    return [
        ",".join("-1" if np.isnan(v) else str(int(v >= 0.5)) for v in row)
        for row in zip(*columns, strict=True)
    ]
