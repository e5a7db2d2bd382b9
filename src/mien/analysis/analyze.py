"""Follow faces through videos and photographs and say what each shows, a few frames at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.faces import DETECTORS, TRACKERS
from mien.faces.crop import MARGIN, square_crop
from mien.faces.detection import Detections, Detector
from mien.labels.arrays import Predictions
from mien.media.decode import decode
from mien.media.images import pages_of, read_image
from mien.media.kinds import kind_of
from mien.media.report import DecodeReport
from mien.media.resample import resample
from mien.recognition.landmarks import in_crop
from mien.recognition.protocol import Recogniser

_Item = TypeVar("_Item")

CHUNK = 8
"""Frames held in memory at once, whatever the length of the video; as many as a recogniser sees
together, where those are more."""


@dataclass(frozen=True)
class SourceFrame:
    """A picture to look at.

    frame: number in the file from 0; the page of a picture of several. time_s: exact presentation
    time from the first frame; None for photographs. rgb: upright, with square pixels. container_s:
    the time that the file itself gives. to_file: factors (x, y) from pixels of `rgb` to the file's
    own.
    """

    frame: int
    time_s: float | None
    rgb: NDArray[np.uint8]
    container_s: float | None = None
    to_file: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class AnalyzedFrame:
    """A frame, its N faces and what is predicted of them.

    face_id: (N,) number of the person within the input; -1 where no detection ran (crops).
    predictions: of the N faces; None without a model.
    """

    source: SourceFrame
    found: Detections
    face_id: NDArray[np.intp]
    predictions: Predictions | None


def frames_of(
    path: Path,
    fps: float | None = None,
    *,
    report: DecodeReport | None = None,
    stream: int | None = None,
    strict: bool = False,
) -> Iterator[SourceFrame]:
    """Yield the frames of a video, its own or on a grid of `fps`, or the pages of a photograph.

    report: filled with what came of decoding. stream: number of the video stream; None for the main
    one. strict: raise InputError where a video is damaged, instead of skipping what is lost.
    """
    if kind_of(path) in ("image", "pages"):
        for number, rgb in enumerate(pages_of(path)):
            yield SourceFrame(number, None, rgb)
        return
    frames = decode(path, report, stream=stream, strict=strict)
    numbered = ((f.index, f) for f in frames) if fps is None else resample(frames, fps)
    for number, frame in numbered:
        x, y = frame.to_file_pixels(np.ones((1, 2), np.float32))[0]
        yield SourceFrame(
            number, frame.time_s, frame.rgb, frame.container_time_s, (float(x), float(y))
        )


def crop_margin(recogniser: Recogniser | None, wanted: float | None = None) -> float:
    """Margin to cut crops with: the model's, where it is known, else `wanted` or 0.05.

    Raises InputError where `wanted` is not the model's: its numbers would be wrong, and look right.
    """
    known = None if recogniser is None else recogniser.preprocessing.margin
    if known is None:
        return MARGIN if wanted is None else wanted
    if wanted is not None and not np.isclose(wanted, known):
        raise InputError(
            f"margin {wanted:g}: the model was trained on crops cut with {known:g}, and would be "
            "wrong on others; leave the margin away"
        )
    return known


def remarks(recogniser: Recogniser | None, crops: bool = False) -> list[str]:
    """What to know of how crops are cut. crops: whether the inputs are faces already."""
    if recogniser is None:
        return []
    known = recogniser.preprocessing.margin
    if known is not None:
        need = f"crops must be cut as the model's were: the face's box and {known:g} of it around"
        return [need] if crops else []
    cut = "the model does not say how its crops were cut"
    if crops:
        return [f"{cut}: give it faces cut like those it was trained on"]
    return [f"{cut}: a margin of {MARGIN:g} is taken unless another is given"]


class Analyzer:
    """Detects, tracks and predicts; one input at a time.

    margin: room around a face's box, as a share of its longer side; None: as the model was
    trained. min_face: size in pixels from which faces are looked for; None: it follows from the
    picture. Raises InputError for another than the model's, and for a model that is fed in a way
    that is not built yet.
    """

    def __init__(
        self,
        recogniser: Recogniser | None,
        detector: str = "centerface",
        tracker: str = "iou",
        margin: float | None = None,
        min_face: float | None = None,
    ) -> None:
        self.recogniser, self.tracker, self.min_face = recogniser, tracker, min_face
        self.margin = crop_margin(recogniser, margin)
        if recogniser is not None:
            _check(recogniser)
        self._detector_name = detector
        self._detect: Detector | None = None

    def analyze(self, frames: Iterable[SourceFrame]) -> Iterator[AnalyzedFrame]:
        """Yield one result per frame, face or no face.

        From one photograph (a frame without a time) to the next nobody is followed.
        """
        if self._detect is None:
            self._detect = DETECTORS[self._detector_name](self.min_face)
        tracker, begin, end = TRACKERS[self.tracker](), 0, 0
        recogniser = None if self.recogniser is None else self.recogniser.anew()
        for chunk in _chunks(frames, _together(recogniser)):
            seen = []
            for frame in chunk:
                found = self._detect(frame.rgb)
                if frame.time_s is None:
                    tracker, begin = TRACKERS[self.tracker](), end
                numbers = tracker(found, frame.time_s or 0.0)
                kept = np.flatnonzero(numbers >= 0)
                people = numbers[kept] + begin
                end = max(end, int(people.max(initial=-1)) + 1)
                seen.append((frame, found[kept], people))
            yield from self._predicted(recogniser, seen)

    def analyze_crop(self, path: Path) -> AnalyzedFrame:
        """Predict one image that is a face already: no detection."""
        picture = SourceFrame(0, None, read_image(path))
        height, width = picture.rgb.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        found = Detections(whole, np.full(1, np.nan, np.float32))
        predictions = None
        if self.recogniser is not None:
            crop = self.recogniser.preprocessing.fit(picture.rgb)
            points = self._landmarks([(picture, found)])
            predictions = self.recogniser.anew().predict(crop[None], landmarks=points)
        return AnalyzedFrame(picture, found, np.full(1, -1, np.intp), predictions)

    def _landmarks(self, seen: list[tuple[SourceFrame, Detections]]) -> NDArray[np.float32] | None:
        """Landmarks of the faces in their crops, for a model that takes them; else None.

        They are of pixels of the file, as a store's, where those are not square.
        """
        if self.recogniser is None or not self.recogniser.preprocessing.landmarks:
            return None
        places = []
        for frame, found in seen:
            scale = np.array(frame.to_file, np.float32)
            boxes = found.boxes * np.tile(scale, 2)
            places.append(in_crop(found.landmarks * scale, boxes, self.margin))
        return np.concatenate(places)

    def _predicted(
        self,
        recogniser: Recogniser | None,
        seen: list[tuple[SourceFrame, Detections, NDArray[np.intp]]],
    ) -> Iterator[AnalyzedFrame]:
        predictions = None
        if recogniser is not None:
            side = recogniser.preprocessing.size
            crops = [
                square_crop(frame.rgb, box, side, self.margin)
                for frame, found, _ in seen
                for box in found.boxes
            ]
            empty = np.empty((0, side, side, 3), np.uint8)
            times = [np.nan if f.time_s is None else f.time_s for f, _, _ in seen]
            predictions = recogniser.predict(
                np.stack(crops) if crops else empty,
                np.concatenate([numbers for _, _, numbers in seen]),
                np.repeat(times, [len(found) for _, found, _ in seen]),
                landmarks=self._landmarks([(frame, found) for frame, found, _ in seen]),
            )
        first = 0
        for frame, found, numbers in seen:
            faces = slice(first, first + len(found))
            first += len(found)
            mine = None if predictions is None else predictions.at(faces)
            yield AnalyzedFrame(frame, found, numbers, mine)


def _check(recogniser: Recogniser) -> None:
    preprocessing = recogniser.preprocessing
    together = preprocessing.window != 1 and not recogniser.follows
    if together or preprocessing.interpolation != "bicubic":
        raise InputError(
            "analysis feeds single images resized bicubically; this model takes windows of "
            f"{preprocessing.window} resized by {preprocessing.interpolation}"
        )


def _together(recogniser: Recogniser | None) -> int:
    """Frames that are looked at together: as many as the recogniser sees so, or a few."""
    window = 1 if recogniser is None else recogniser.preprocessing.window
    return window if window > 1 else CHUNK


def _chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
