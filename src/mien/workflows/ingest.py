"""`mien.ingest`: videos into a store."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import InputError, check_name
from mien.faces import DETECTORS, TRACKERS
from mien.faces.crop import MARGIN
from mien.faces.ingest import VIDEOS, Ingester, IngestSettings, VideoSummary, content_digest
from mien.faces.side_by_side import Outcome, ingest_side_by_side
from mien.media.decode import probe
from mien.media.kinds import find_inputs, kind_of, nothing_found
from mien.media.names import shown
from mien.progress import Progress, silent
from mien.ranges import POSITIVE
from mien.store import Store
from mien.store.schema import check_part_name

Progresses = Callable[[str], AbstractContextManager[Progress]]


@dataclass
class Ingested:
    """What came of it. videos: by input, in order. failed: input to the reason.

    skipped: files of folders that are no videos, with the reason.
    """

    videos: list[VideoSummary] = field(default_factory=list)
    failed: Mapping[str, str] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def ingest(
    inputs: str | Path | Iterable[str | Path],
    *,
    store: str | Path,
    size: int | None = None,
    corpus: str = VIDEOS,
    fps: float = 30.0,
    margin: float = MARGIN,
    min_face: float | None = None,
    detector: str = "centerface",
    tracker: str = "iou",
    stream: int | None = None,
    strict: bool = False,
    recursive: bool = False,
    jobs: int | None = 1,
    progress: Progresses = lambda name: nullcontext(silent),
) -> Ingested:
    """Decode videos with exact times, resample, detect, track, crop, append to a store.

    inputs: videos, and folders of videos (recursive: their subfolders too). size: of the crops of a
    new store in pixels. fps: of the frame grid. margin: room around a box, as a share of its longer
    side. min_face: pixels from which faces are looked for; None: it follows from the picture.
    stream: number of the video stream; None for the main one. strict: refuse damaged files instead
    of taking what can be decoded. jobs: videos at once, each in a process of its own; None: one per
    core. The store is the same with any number. (Processes begin by importing the program that
    calls: it must keep what it does under `if __name__ == "__main__"`.) progress: opens a progress
    for each video, or for all that go side by side.

    One bad file does not stop the rest. What the store holds is skipped, what was interrupted goes
    on. Raises InputError where the store or an option is of no use, and where there is no video.
    """
    check_name("detector", detector, DETECTORS)
    check_name("tracker", tracker, TRACKERS)
    check_part_name("corpus", corpus)
    settings = IngestSettings(fps, detector, tracker, margin, min_face, stream, strict)
    if jobs is not None:
        POSITIVE.check("jobs", jobs)
    named = [Path(p) for p in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    files, left = _videos(named, recursive)
    folder = Path(store)
    existed = (folder / "store.json").exists()
    opened = Store.open_or_create(folder, size)
    ingester = Ingester(opened, settings, corpus)
    several = min(jobs or _cores(), len(files))
    outcomes = (_one_by_one if several < 2 else _at_once)(ingester, files, several, progress)
    failed: dict[str, str] = {}
    result = Ingested([], failed, left)
    for path, outcome in zip(files, outcomes, strict=True):
        if isinstance(outcome, InputError):
            failed[shown(path)] = str(outcome)
        else:
            result.videos.append(outcome)
    if not existed and not result.videos:
        opened.discard_if_empty()
    return result


def _one_by_one(
    ingester: Ingester, files: list[Path], jobs: int, progress: Progresses
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for path in files:
        try:
            with progress(shown(Path(path.name))) as bar:
                outcomes.append(ingester.ingest(path, bar))
        except InputError as error:
            outcomes.append(error)
    return outcomes


def _at_once(
    ingester: Ingester, files: list[Path], jobs: int, progress: Progresses
) -> list[Outcome]:
    """Side by side; copies of a file that is among them follow, for they are found there."""
    copies = _copies(files)
    first = [i for i in range(len(files)) if i not in copies]
    with progress(f"{len(first)} videos, {jobs} at once") as bar:
        watch = _Together(bar, [_expected(files[i], ingester.settings) for i in first])
        found = ingest_side_by_side(ingester, [files[i] for i in first], jobs, watch)
    known = dict(zip(first, found, strict=True))
    rest = sorted(copies)
    known |= zip(rest, _one_by_one(ingester, [files[i] for i in rest], 1, progress), strict=True)
    return [known[i] for i in range(len(files))]


class _Together:
    """One progress of several videos: frames of the grid."""

    def __init__(self, bar: Progress, expected: list[float | None]) -> None:
        self._bar, self._done = bar, [0.0] * len(expected)
        known = [frames for frames in expected if frames is not None]
        self._total = sum(known) if len(known) == len(expected) else None

    def __call__(self, number: int, done: float, total: float | None, note: str) -> None:
        self._done[number] = done
        self._bar(sum(self._done), self._total, f"video {number + 1}: {note}")


def _expected(path: Path, settings: IngestSettings) -> float | None:
    """Frames of the grid; None where the file does not say, 0 where it cannot be read."""
    try:
        seconds = probe(path, settings.stream).duration_s
    except InputError:
        return 0.0
    return seconds * settings.fps if seconds else None


def _copies(files: list[Path]) -> set[int]:
    """Places in the list of files whose content is that of an earlier one."""
    sizes: dict[int, list[int]] = {}
    for i, path in enumerate(files):
        if path.is_file():
            sizes.setdefault(path.stat().st_size, []).append(i)
    found: set[int] = set()
    for same in sizes.values():
        seen: set[str] = set()
        for i in same if len(same) > 1 else ():
            mark = content_digest(files[i])
            found |= {i} if mark in seen else set()
            seen.add(mark)
    return found


def _cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _videos(inputs: list[Path], recursive: bool) -> tuple[list[Path], list[tuple[str, str]]]:
    """Files to ingest, and what folders hold besides; a file that is named is always tried."""
    files, skipped = find_inputs(inputs, recursive)
    named = set(inputs)
    moving = {path for path in files if path in named or kind_of(path) == "video"}
    skipped += [(p, "a photograph: `mien import folder`") for p in files if p not in moving]
    if not moving:
        raise nothing_found(inputs, "video", skipped)
    videos = [path for path in files if path in moving]
    return videos, [(shown(path), why) for path, why in skipped]
