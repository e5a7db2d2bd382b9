"""`mien.ingest`: videos into a store."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import InputError, check_name
from mien.faces import DETECTORS, TRACKERS
from mien.faces.crop import MARGIN
from mien.faces.ingest import VIDEOS, Ingester, IngestSettings, VideoSummary
from mien.media.kinds import find_inputs, kind_of, nothing_found
from mien.media.names import shown
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.schema import check_part_name


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
    progress: Callable[[str], AbstractContextManager[Progress]] = lambda name: nullcontext(silent),
) -> Ingested:
    """Decode videos with exact times, resample, detect, track, crop, append to a store.

    inputs: videos, and folders of videos (recursive: their subfolders too). size: of the crops of a
    new store in pixels. fps: of the frame grid. margin: room around a box, as a share of its longer
    side. min_face: pixels from which faces are looked for; None: it follows from the picture.
    stream: number of the video stream; None for the main one. strict: refuse damaged files instead
    of taking what can be decoded. progress: opens a progress for each video.

    One bad file does not stop the rest. What the store holds is skipped, what was interrupted goes
    on. Raises InputError where the store or an option is of no use, and where there is no video.
    """
    check_name("detector", detector, DETECTORS)
    check_name("tracker", tracker, TRACKERS)
    check_part_name("corpus", corpus)
    settings = IngestSettings(fps, detector, tracker, margin, min_face, stream, strict)
    named = [Path(p) for p in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    files, left = _videos(named, recursive)
    folder = Path(store)
    existed = (folder / "store.json").exists()
    opened = Store.open_or_create(folder, size)
    ingester = Ingester(opened, settings, corpus)
    failed: dict[str, str] = {}
    result = Ingested([], failed, left)
    for path in files:
        try:
            with progress(shown(Path(path.name))) as bar:
                result.videos.append(ingester.ingest(path, bar))
        except InputError as error:
            failed[shown(path)] = str(error)
    if not existed and not result.videos:
        opened.discard_if_empty()
    return result


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
