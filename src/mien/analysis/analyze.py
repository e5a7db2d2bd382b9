"""Follow faces through videos and photographs and say what each shows, a few frames at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mien.analysis.ahead import ahead
from mien.analysis.selection import ALL, Selection
from mien.errors import InputError
from mien.faces import DETECTORS, TRACKERS
from mien.faces.crop import MARGIN, square_crop
from mien.faces.detection import Detections, Detector
from mien.faces.following import Follower, WindowDetector
from mien.faces.recorded import RecordedDetector
from mien.labels.arrays import Predictions
from mien.media.decode import decode
from mien.media.images import pages_of, read_image
from mien.media.kinds import kind_of
from mien.media.report import DecodeReport
from mien.media.resample import resample
from mien.media.sequences import RATE as SEQUENCE_RATE
from mien.media.sequences import sequence_files
from mien.recognition.landmarks import in_crop
from mien.recognition.protocol import Recogniser

CHUNK = 16
"""Frames that go through together; up to four chunks are in memory, whatever the video's length."""
CHUNK_BYTES = 32_000_000
"""Most of a chunk's pixels: of large pictures fewer go together."""


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


@dataclass(frozen=True)
class AnalyzedChunk:
    """What came of successive frames. frames: number of them. analyzed: a result for each; none
    where they were done before. looks: what the detector found, for `Analyzer.chunks`."""

    frames: int
    analyzed: list[AnalyzedFrame]
    looks: list[str]


@dataclass
class _Seen:
    """A chunk whose faces are found."""

    frames: list[SourceFrame]
    found: list[Detections] = field(default_factory=list)
    people: list[NDArray[np.intp]] = field(default_factory=list)
    crops: NDArray[np.uint8] | None = None
    looks: list[str] = field(default_factory=list)


def frames_of(
    path: Path,
    fps: float | None = None,
    *,
    report: DecodeReport | None = None,
    stream: int | None = None,
    strict: bool = False,
    selection: Selection = ALL,
) -> Iterator[SourceFrame]:
    """Yield the frames of a video, its own or on a grid of `fps`, or the pages of a photograph.

    selection: which of a video's. Of pictures that make up a sequence, `fps` is the rate.

    report: filled with what came of decoding. stream: number of the video stream; None for the main
    one. strict: raise InputError where a video is damaged, instead of skipping what is lost.
    """
    kind = kind_of(path)
    if kind == "sequence":
        rate = fps or SEQUENCE_RATE
        for number, picture in selection.of_numbered(sequence_files(path), rate):
            yield SourceFrame(number, number / rate, read_image(picture))
        return
    if kind in ("image", "pages"):
        for number, rgb in enumerate(pages_of(path)):
            yield SourceFrame(number, None, rgb)
        return
    frames = selection.of(decode(path, report, stream=stream, strict=strict))
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


def crop_landmarks(
    recogniser: Recogniser, margin: float, seen: Iterable[tuple[SourceFrame, Detections]]
) -> NDArray[np.float32] | None:
    """Landmarks of the faces of pictures in their crops, for a model that takes them; else None.

    They are of pixels of the file, as a store's, where those are not square.
    """
    if not recogniser.preprocessing.landmarks:
        return None
    places = []
    for frame, found in seen:
        scale = np.array(frame.to_file, np.float32)
        boxes = found.boxes * np.tile(scale, 2)
        places.append(in_crop(found.landmarks * scale, boxes, margin))
    return np.concatenate(places)


class Analyzer:
    """Detects, tracks and predicts; one input at a time.

    margin: room around a face's box, as a share of its longer side; None: as the model was
    trained. min_face: size in pixels from which faces are looked for; None: it follows from the
    picture. exact: look for faces in the whole of every frame, instead of following those that are
    known (`faces.following`). people: numbers of those to look at; all where there are none.
    Raises InputError for another margin than the model's, and for a model that is fed in a way that
    is not built yet.
    """

    def __init__(
        self,
        recogniser: Recogniser | None,
        detector: str = "centerface",
        tracker: str = "people",
        margin: float | None = None,
        min_face: float | None = None,
        exact: bool = False,
        people: Sequence[int] = (),
    ) -> None:
        self.recogniser, self.tracker, self.min_face = recogniser, tracker, min_face
        self.margin = crop_margin(recogniser, margin)
        if recogniser is not None:
            check_fed(recogniser)
        self._detector_name, self._exact, self._people = detector, exact, list(people)
        self._detect: Detector | None = None

    def analyze(self, frames: Iterable[SourceFrame]) -> Iterator[AnalyzedFrame]:
        """Yield one result per frame, face or no face.

        From one photograph (a frame without a time) to the next nobody is followed.
        """
        for chunk in self.chunks(frames):
            yield from chunk.analyzed

    def chunks(
        self, frames: Iterable[SourceFrame], known: Sequence[str] = (), done: int = 0
    ) -> Iterator[AnalyzedChunk]:
        """Yield the same chunk by chunk: decoding, finding and recognising go on at once.

        known: the `looks` of the first chunks of these frames, in order, from another time; they
        are taken as they were. done: frames that need no results, a whole number of chunks.
        """
        recogniser = None if self.recogniser is None else self.recogniser.anew()
        window = 1 if recogniser is None else recogniser.preprocessing.window
        follows = recogniser is not None and recogniser.follows  # what came before counts then
        decoded, passed = ahead(_chunks(frames, window), 1), 0
        for seen in ahead(self._seen(decoded, known, 0 if follows else done), 1):
            passed += len(seen.frames)
            analyzed: list[AnalyzedFrame] = []
            if seen.crops is not None:
                analyzed = list(self._predicted(recogniser, seen, seen.crops))
            yield AnalyzedChunk(len(seen.frames), analyzed if passed > done else [], seen.looks)

    def detector(self) -> Detector:
        """The detector, made when it is first asked for."""
        if self._detect is None:
            threads = 0 if self._exact else 1  # following runs beside two other stages
            self._detect = DETECTORS[self._detector_name](self.min_face, threads=threads)
        return self._detect

    def _seen(
        self, chunks: Iterable[list[SourceFrame]], known: Sequence[str], done: int
    ) -> Iterator[_Seen]:
        """Find and name the faces, and cut them out."""
        detect = RecordedDetector(cast(WindowDetector, self.detector()), known)
        follow = not self._exact and hasattr(self.detector(), "near")
        follower, tracker = Follower(detect), TRACKERS[self.tracker]()
        begin = end = passed = 0
        for frames in chunks:
            seen = _Seen(frames)
            if follow and frames[0].time_s is not None:
                seen.found = follower([f.rgb for f in frames], [f.time_s or 0.0 for f in frames])
            else:
                seen.found = [detect(frame.rgb) for frame in frames]
            for i, frame in enumerate(frames):
                if frame.time_s is None:
                    tracker, begin = TRACKERS[self.tracker](), end
                numbers = tracker(seen.found[i], frame.time_s or 0.0, frame.rgb)
                end = max(end, begin + int(numbers.max(initial=-1)) + 1)
                kept = np.flatnonzero(numbers >= 0)
                if self._people:
                    kept = kept[np.isin(numbers[kept] + begin, self._people)]
                seen.found[i] = seen.found[i][kept]
                seen.people.append(numbers[kept] + begin)
            passed += len(frames)
            seen.looks = detect.taken()
            seen.crops = self._crops(seen) if passed > done else None
            yield seen

    def _crops(self, seen: _Seen) -> NDArray[np.uint8]:
        """Cut the faces of a chunk for the model, (N, S, S, 3); (0, ...) without one."""
        side = 1 if self.recogniser is None else self.recogniser.preprocessing.size
        boxes = (
            (f.rgb, box) for f, d in zip(seen.frames, seen.found, strict=True) for box in d.boxes
        )
        crops = [square_crop(rgb, box, side, self.margin) for rgb, box in boxes if self.recogniser]
        return np.stack(crops) if crops else np.empty((0, side, side, 3), np.uint8)

    def analyze_crop(self, path: Path) -> AnalyzedFrame:
        """Predict one image that is a face already: no detection."""
        picture = SourceFrame(0, None, read_image(path))
        height, width = picture.rgb.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        found = Detections(whole, np.full(1, np.nan, np.float32))
        predictions = None
        if self.recogniser is not None:
            crop = self.recogniser.preprocessing.fit(picture.rgb)
            points = crop_landmarks(self.recogniser, self.margin, [(picture, found)])
            predictions = self.recogniser.anew().predict(crop[None], landmarks=points)
        return AnalyzedFrame(picture, found, np.full(1, -1, np.intp), predictions)

    def _predicted(
        self, recogniser: Recogniser | None, seen: _Seen, crops: NDArray[np.uint8]
    ) -> Iterator[AnalyzedFrame]:
        predictions = None
        if recogniser is not None:
            times = [np.nan if f.time_s is None else f.time_s for f in seen.frames]
            predictions = recogniser.predict(
                crops,
                np.concatenate(seen.people),
                np.repeat(times, [len(found) for found in seen.found]),
                landmarks=crop_landmarks(
                    recogniser, self.margin, zip(seen.frames, seen.found, strict=True)
                ),
            )
        first = 0
        for frame, found, numbers in zip(seen.frames, seen.found, seen.people, strict=True):
            faces = slice(first, first + len(found))
            first += len(found)
            mine = None if predictions is None else predictions.at(faces)
            yield AnalyzedFrame(frame, found, numbers, mine)


def check_fed(recogniser: Recogniser) -> None:
    """Raise InputError for a model that is fed in a way that is not built yet."""
    preprocessing = recogniser.preprocessing
    together = preprocessing.window != 1 and not recogniser.follows
    if together or preprocessing.interpolation != "bicubic":
        raise InputError(
            "analysis feeds single images resized bicubically; this model takes windows of "
            f"{preprocessing.window} resized by {preprocessing.interpolation}"
        )


def _chunks(frames: Iterable[SourceFrame], window: int) -> Iterator[list[SourceFrame]]:
    """Group frames: photographs each alone, large pictures fewer together.

    window: frames that the recogniser sees together, where those are more than one: then as many.
    """
    chunk: list[SourceFrame] = []
    for frame in frames:
        chunk.append(frame)
        most = max(1, min(CHUNK, CHUNK_BYTES // max(frame.rgb.nbytes, 1)))
        if frame.time_s is None or len(chunk) >= (window if window > 1 else most):
            yield chunk
            chunk = []
    if chunk:
        yield chunk
