"""Detections of a video that is being ingested, kept line by line so that a killed run resumes.

Detection is nearly all the work: with it on record, going through the video again costs little.
"""

import json
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from mien.faces.detection import LANDMARKS, Detections

_COLUMNS = 5 + 2 * len(LANDMARKS)


class DetectionJournal:
    """Detections by frame index, in memory and appended to a file.

    A line a frame: its index, its faces (box, confidence, landmarks; null where unknown), and how
    many were too small. detector: whose they are, and with what settings; another's do not count.
    """

    def __init__(self, path: Path, detector: str) -> None:
        self.path = path
        self._known = self._read(detector)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._known:
            self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        else:
            self._file = path.open("w", encoding="utf-8", buffering=1)
            self._file.write(json.dumps({"detector": detector}) + "\n")

    def _read(self, detector: str) -> dict[int, Detections]:
        """Read whole lines; a torn last one, a damaged or another journal counts for nothing."""
        if not self.path.exists():
            return {}
        whole, _, torn = self.path.read_bytes().rpartition(b"\n")
        known = {}
        try:
            first, *lines = whole.decode().split("\n")
            if json.loads(first)["detector"] != detector:
                return {}
            for line in lines:
                index, rows, too_small = json.loads(line)
                values = np.array(rows, np.float32).reshape(-1, _COLUMNS)
                landmarks = values[:, 5:].reshape(-1, len(LANDMARKS), 2)
                known[int(index)] = Detections(
                    values[:, :4], values[:, 4], landmarks, int(too_small)
                )
        except (ValueError, KeyError, TypeError):
            return {}
        if torn:
            self.path.write_bytes(whole + b"\n")
        return known

    def get(self, index: int) -> Detections | None:
        """Return what was found in a frame of the file; None where it was not looked at yet."""
        return self._known.get(index)

    def add(self, index: int, found: Detections) -> None:
        """Record what was found in a frame."""
        flat = found.landmarks.reshape(len(found), 2 * len(LANDMARKS))
        values = np.column_stack([found.boxes, found.confidence, flat]).astype(object)
        values[np.isnan(values.astype(float))] = None
        line = [index, values.tolist(), found.too_small]
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def remove(self) -> None:
        """Delete the file: the video is in the store."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
