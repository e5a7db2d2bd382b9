"""Look at pictures one by one as they come: a camera, or a film while it is watched."""

import csv
import os
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mien.analysis.analyze import (
    AnalyzedFrame,
    SourceFrame,
    check_fed,
    crop_landmarks,
    crop_margin,
)
from mien.analysis.table import header, rows
from mien.errors import InputError
from mien.faces import DETECTORS, TRACKERS
from mien.faces.crop import square_crop
from mien.labels.action_units import FACS, parse
from mien.labels.heads import Head
from mien.labels.kinds import cells
from mien.media.names import shown
from mien.recognition.protocol import Recogniser

_LONGEST_STEP_S = 0.25
"""What a pause between two pictures counts for at most."""


class Onlooker:
    """Finds, follows and recognises the faces of one source, a picture at a time.

    margin, min_face: as for `Analyzer`. Tracker and recogniser begin with the first picture. Raises
    InputError for a recogniser that needs pictures which are yet to come.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        detector: str = "centerface",
        tracker: str = "people",
        margin: float | None = None,
        min_face: float | None = None,
    ) -> None:
        check_fed(recogniser)
        if (window := recogniser.preprocessing.window) != 1:
            raise InputError(
                f"this model sees {window} pictures together, later ones too, and cannot follow a "
                "camera; `mien analyze` takes it"
            )
        self.recogniser, self._margin = recogniser.anew(), crop_margin(recogniser, margin)
        self._detect, self._track = DETECTORS[detector](min_face), TRACKERS[tracker]()
        self._last_s: float | None = None
        self._clock_s = 0.0

    def look(self, source: SourceFrame) -> AnalyzedFrame:
        """Return what a picture shows. Its time is later than that of the picture before."""
        found = self._detect(source.rgb)
        clock_s = self._counted(source.time_s or 0.0)
        numbers = self._track(found, clock_s, source.rgb)
        kept = np.flatnonzero(numbers >= 0)
        found, side = found[kept], self.recogniser.preprocessing.size
        crops = [square_crop(source.rgb, box, side, self._margin) for box in found.boxes]
        empty = np.empty((0, side, side, 3), np.uint8)
        predicted = self.recogniser.predict(
            np.stack(crops) if crops else empty,
            numbers[kept],
            np.full(len(found), clock_s),
            landmarks=crop_landmarks(self.recogniser, self._margin, [(source, found)]),
        )
        return AnalyzedFrame(source, found, numbers[kept], predicted)

    def _counted(self, time_s: float) -> float:
        """Time by the tracker's clock: a slow machine's pauses do not make people be forgotten."""
        passed = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        self._clock_s += min(passed, _LONGEST_STEP_S)
        return self._clock_s


def told_heads(heads: tuple[Head, ...]) -> list[dict[str, Any]]:
    """Say what a recogniser's heads are, for a page: name, kind, outputs and what to call them."""
    return [
        {
            "name": head.name,
            "kind": head.type.kind,
            "outputs": list(head.outputs),
            "titles": [_title(output) for output in head.outputs],
        }
        for head in heads
    ]


def told_faces(analyzed: AnalyzedFrame) -> list[dict[str, Any]]:
    """Say what was found, for a page: per face its person, box, and values by head (or null)."""
    found, predicted = analyzed.found, analyzed.predictions
    names = [] if predicted is None else [head.name for head in predicted.heads]
    return [
        {
            "person": int(analyzed.face_id[i]),
            "box": [round(float(v), 1) for v in found.boxes[i]],
            "confidence": round(float(found.confidence[i]), 3),
            "heads": {name: cells(predicted[name][i]) for name in names if predicted is not None},
        }
        for i in range(len(found))
    ]


def _title(output: str) -> str:
    number = parse(output)
    return output if number is None else FACS[number]


class Recording:
    """A table that grows while it is recorded: that of `mien analyze`, for the user alone.

    Whole rows are on disk after each picture. Raises InputError where the file exists already.
    """

    def __init__(self, path: Path, source: str, heads: tuple[Head, ...]) -> None:
        self.path, self.rows = path, 0
        self._source, self._header = source, header(heads)
        self._frames = 0
        self._start: float | None = None
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise InputError(f"{shown(path)}: exists already") from error
        except OSError as error:
            raise InputError(f"{shown(path)}: cannot be written ({error.strerror})") from error
        self._file: TextIO = os.fdopen(descriptor, "w", newline="", encoding="utf-8")
        csv.writer(self._file).writerow(self._header)
        self._file.flush()

    def write(self, analyzed: AnalyzedFrame) -> None:
        """Append a picture's rows; numbers and times count from the first one."""
        source = analyzed.source
        time_s = source.time_s or 0.0
        self._start = time_s if self._start is None else self._start
        counted = SourceFrame(
            self._frames, time_s - self._start, source.rgb, source.container_s, source.to_file
        )
        self._frames += 1
        moved = AnalyzedFrame(counted, analyzed.found, analyzed.face_id, analyzed.predictions)
        lines = list(rows(self._source, moved, len(self._header)))
        csv.writer(self._file).writerows(lines)
        self._file.flush()
        self.rows += len(lines)

    def close(self) -> None:
        """End the table."""
        self._file.close()


def recording_path(wanted: Path | None) -> Path:
    """Return a file that does not exist: the one asked for, or one more of its kind beside it."""
    path = wanted or Path(time.strftime("live-%Y%m%d-%H%M%S.csv"))
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free
