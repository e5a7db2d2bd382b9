"""`mien.probe`, `mien.standardise` and `mien.trim`: raw footage before faces are looked for."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mien.atomic import replacing
from mien.errors import InputError
from mien.progress import Progress, silent

if TYPE_CHECKING:
    from mien.media.probing import Probe
    from mien.media.recut import TimeMap
    from mien.media.timeline import Timeline


@dataclass
class Prepared:
    """What came of it. made: new videos with their frames. failed: source to why."""

    made: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def probe(
    videos: Sequence[str | Path], progress: Progress = silent
) -> tuple[list["Probe"], dict[str, str]]:
    """Say what video files hold: rate, constant or not, duration, size, rotation, sound.

    videos: files and folders. Returns probes, and why others could not be read. Raises InputError
    where there is nothing to look at.
    """
    from mien.media.probing import probe_video

    paths = _videos(videos)
    found: list[Probe] = []
    failed: dict[str, str] = {}
    for i, path in enumerate(paths):
        progress(i, len(paths), path.name)
        try:
            found.append(probe_video(path))
        except InputError as error:
            failed[str(path)] = str(error)
    progress(len(paths), len(paths))
    return found, failed


def standardise(
    videos: Sequence[str | Path],
    out: str | Path,
    *,
    fps: float = 30.0,
    progress: Progress = silent,
) -> Prepared:
    """Write every video to MP4 at an even rate, with its exact time map beside it.

    `OUT/NAME.mp4` and `OUT/NAME.times.csv`; those that are there are kept. Raises InputError for a
    rate of no use and where two videos have one name.
    """
    from mien.ranges import FRAME_RATE

    FRAME_RATE.check("fps", fps)
    folder = _folder(out)
    done = Prepared()
    for path, target in _targets(_videos(videos), folder):
        _recut(done, path, target, progress, fps=fps)
    return done


def trim(
    videos: Sequence[str | Path],
    cuts: str | Path,
    out: str | Path,
    *,
    fps: float | None = None,
    labels: Sequence[str | Path] = (),
    first_frame: int = 0,
    progress: Progress = silent,
) -> Prepared:
    """Cut videos by a list (see `mien.media.cut_list`); labels and time maps go along.

    fps: an even grid, the videos' own times otherwise. labels: CSVs named as their video
    (`video45.csv`, or `video45.NAME.csv`); each part gets its own. first_frame: number of the first
    frame in them. Raises InputError for a list of no use, before anything is written.
    """
    from mien.corpora.table_file import read_table
    from mien.media.cut_list import NEEDED, parts_of

    paths = _videos(videos)
    where = Path(cuts)
    table = read_table(where, "video")
    if missing := [name for name in NEEDED if name not in table.header]:
        raise InputError(f"{where}: lacks the columns {', '.join(missing)}")
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    known = {name: path for path in paths for name in (path.name, path.stem)}
    for line, row in zip(table.line, rows, strict=True):
        if row["video"] not in known:
            raise InputError(f"{where}, line {line}: no video {row['video']!r} is given")
    planned = []
    for path in paths:
        own = [row for row in rows if known[row["video"]] == path]
        planned += [(path, part) for part in parts_of(path, own, str(where))]
    names = [part.name for _, part in planned]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{where}: two parts would be called {double}")
    folder = _folder(out)
    done = Prepared()
    for path, part in planned:
        times = _recut(
            done, path, folder / f"{part.name}.mp4", progress, fps=fps, timeline=part.timeline,
            half=part.half,
        )  # fmt: skip
        if times is not None:
            _follow(done, path, part.name, folder, labels, times, part.timeline, first_frame)
    return done


def _recut(
    done: Prepared,
    path: Path,
    target: Path,
    progress: Progress,
    *,
    fps: float | None,
    timeline: "Timeline | None" = None,
    half: str | None = None,
) -> "TimeMap | None":
    """Make one video unless it is there; returns its time map, None where it could not be made."""
    from mien.media.recut import read_times, recut, times_beside
    from mien.media.timeline import WHOLE

    if target.exists() and times_beside(target).exists():
        done.kept += 1
        return read_times(times_beside(target))
    try:
        found = recut(
            path, target, timeline=timeline or WHOLE, fps=fps, half=half, progress=progress
        )
    except InputError as error:
        done.failed[str(path)] = str(error)
        return None
    done.made[target.name] = len(found.times.time_s)
    done.notes += [f"{target.name}: {note}" for note in found.notes]
    return found.times


def _follow(
    done: Prepared,
    path: Path,
    name: str,
    folder: Path,
    labels: Sequence[str | Path],
    times: "TimeMap",
    timeline: "Timeline",
    first: int,
) -> None:
    from mien.corpora.table_file import read_table
    from mien.media.following import follow

    for table in map(Path, labels):
        if table.name.split(".")[0] != path.stem:
            continue
        rest = table.name.removeprefix(path.stem)
        target = folder / f"{name}{rest}"
        try:
            columns = follow(read_table(table, "frame").columns(), times, timeline, first)
        except InputError as error:
            raise InputError(f"{table}: {error}".replace(f"{table}: {table}", str(table))) from None
        _write_columns(target, columns)
        done.notes.append(f"{target.name}: {len(next(iter(columns.values())))} rows of labels")


def _write_columns(path: Path, columns: Mapping[str, Sequence[str]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _targets(paths: Sequence[Path], folder: Path) -> list[tuple[Path, Path]]:
    seen: dict[str, Path] = {}
    for path in paths:
        if (other := seen.setdefault(path.stem.lower(), path)) != path:
            raise InputError(f"{path} and {other}: two videos of one name; rename one")
        if (folder / f"{path.stem}.mp4").resolve() == path.resolve():
            raise InputError(f"{path}: would be written over; give another folder as --out")
    return [(path, folder / f"{path.stem}.mp4") for path in paths]


def _folder(out: str | Path) -> Path:
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _videos(given: Sequence[str | Path]) -> list[Path]:
    """Files as named; of folders, the videos in them by name."""
    from mien.media.decode import is_video

    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.is_file() and is_video(p))
        elif path.is_file():
            found.append(path)
        else:
            raise InputError(f"{path}: does not exist")
    if not found:
        raise InputError("no video is given, or in the folders given")
    return list(dict.fromkeys(found))
