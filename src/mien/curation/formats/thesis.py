"""The documents' folders: frames of every video in a folder, a text file of labels beside it.

    OUT/frames/video45/0000001.png ...     seven digits, from 1 (benroumpi-2018, section 3.6)
    OUT/labels/video45.txt                 a line per frame: number, valence, arousal
    OUT/labels_au/video45.txt              number, then presence and intensity of each unit

Two people of one video are two videos (video55, video55_2), as the documents count them.
"""

from pathlib import Path

import numpy as np

from mien.curation.exports import Selection
from mien.curation.formats.by_video import video_names
from mien.curation.formats.pictures import each, png
from mien.errors import InputError
from mien.progress import Progress


def write(selection: Selection, out: Path, progress: Progress) -> None:
    """Write the folders; raises InputError where faces are of no video."""
    videos = selection.column("video")
    if None in videos:
        raise InputError(
            f"{selection.store.folder}: {videos.count(None)} faces are of no video; the documents' "
            "folders are by video"
        )
    names = video_names(selection, [str(video) for video in videos])
    frames = selection.store.column("frame")[selection.rows] + 1
    for name in set(names):
        (out / "frames" / name).mkdir(parents=True)
    for i, crop in each(selection, progress):
        (out / "frames" / names[i] / f"{frames[i]:07d}.png").write_bytes(png(crop))
    labels = selection.labels
    _write_lines(out / "labels", names, frames, _affect(selection))
    if labels.head("au") is not None:
        _write_lines(out / "labels_au", names, frames, _units(selection))


def _affect(selection: Selection) -> list[list[str]]:
    labels = selection.labels
    pairs = (labels.column("valence_arousal", axis) for axis in ("valence", "arousal"))
    return [
        [f"{v:.4f}", f"{a:.4f}"] if np.isfinite(v) and np.isfinite(a) else []
        for v, a in zip(*pairs, strict=True)
    ]


def _units(selection: Selection) -> list[list[str]]:
    labels = selection.labels
    head = labels.head("au")
    assert head is not None
    lines: list[list[str]] = [[] for _ in range(len(selection.rows))]
    for unit in head.outputs:
        presence, intensity = labels.column("au", unit), labels.column("au_intensity", unit)
        for i, (shown, strength) in enumerate(zip(presence, intensity, strict=True)):
            lines[i] += ["" if np.isnan(shown) else str(int(shown >= 0.5)),
                         "" if np.isnan(strength) else f"{strength:.2f}"]  # fmt: skip
    return [line if any(line) else [] for line in lines]


def _write_lines(
    folder: Path, names: list[str], frames: np.ndarray, cells: list[list[str]]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[tuple[int, str]]] = {}
    for name, frame, values in zip(names, frames.tolist(), cells, strict=True):
        if values:
            lines.setdefault(name, []).append((frame, " ".join([str(frame), *values])))
    for name, found in lines.items():
        text = "\n".join(line for _, line in sorted(found)) + "\n"
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
