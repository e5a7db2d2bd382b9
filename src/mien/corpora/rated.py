"""Raters' files joined to the faces of a store: what each says in columns of a label layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.corpora.attach import Attached
from mien.corpora.rated_faces import RATE, RatedVideo, Videos
from mien.corpora.rater_files import (
    Range,
    RatedName,
    rated_name,
    read_ranges,
    read_unit_frames,
)
from mien.corpora.traces import SCALE, Trace, read_traces
from mien.errors import InputError
from mien.labels import expressions
from mien.labels.action_units import FACS, column
from mien.labels.heads import heads_in
from mien.media.names import shown
from mien.store import Store

Columns = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class RatedOptions:
    """How raters' files are read.

    rate: frames a second that they count in; the store's own where None. first_frame: what the
    first is called. scale: of a trace. units: of a file, in its order, or those that were looked
    for. keep_empty: faces that show no unit: all (None), or so many drawn with `seed`. outside: the
    expression of frames in no range; none where None. video, track: whom the files are of, where
    their names do not say.
    """

    rate: float | None = None
    first_frame: int | None = None
    scale: float = SCALE
    units: tuple[int, ...] = ()
    keep_empty: int | None = None
    outside: str | None = None
    video: str | None = None
    track: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise InputError for what no file is read with."""
        if not 0 < self.scale < float("inf"):
            raise InputError(f"--scale {self.scale:g}: give what a trace has for 1, as 1000")
        if self.keep_empty is not None and self.keep_empty < 0:
            raise InputError(f"--keep-empty {self.keep_empty}: give 0 or more")
        if wrong := [unit for unit in self.units if unit not in FACS]:
            raise InputError(f"--units {wrong[0]}: is no Action Unit")
        if self.outside is not None and expressions.parse(self.outside) is None:
            raise InputError(f"--outside {self.outside}: is no expression")


@dataclass
class _Collected:
    """Columns by video, of the rows that a video has."""

    options: RatedOptions
    videos: Videos
    parts: list[tuple[RatedVideo, Mapping[str, NDArray[np.generic]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, video: RatedVideo, columns: Mapping[str, NDArray[np.generic]]) -> None:
        self.parts.append((video, columns))

    def frames(self, store: Store, video: RatedVideo) -> NDArray[np.int64]:
        """The files' frame, from 0, that every face is in."""
        grid = store.column("frame")[video.rows].astype(np.int64)
        if self.options.rate in (None, video.rate):
            return grid
        return np.round(store.column("time_s")[video.rows] * self.options.rate).astype(np.int64)


def attach_rated(
    store: Store, paths: Sequence[Path], layer: str, form: str, options: RatedOptions
) -> Attached:
    """Put raters' files of one form into a layer, replacing what it said of these faces.

    form: of `FORMS`. Raises InputError for files that cannot be read, fit no video, or speak twice
    of one face.
    """
    named = [(path, _named(path, options)) for path in paths]
    collected = _Collected(options, Videos(store, (n for _, n in named), options.track))
    FORMS[form](store, named, collected)
    rows = np.concatenate([video.rows for video, _ in collected.parts])
    if len(np.unique(rows)) < len(rows):
        raise InputError(
            "two of these files speak of the same faces; give each rater a layer (--layer), and a "
            "call of its own"
        )
    columns = _joined(collected)
    dropped = _drop_empty(columns, options, collected.notes)
    said = [np.asarray([v is not None and v == v for v in c]) for c in columns.values()]
    known = np.any(said, axis=0) if said else np.zeros(len(rows), bool)
    if not known.any() and not dropped:
        raise InputError(f"{shown(paths[0])}: says nothing of any face of {store.folder}")
    store.label(layer, store.column("face_id")[rows], columns)
    heads = {head.name: head.outputs for head in heads_in(columns)}
    return Attached(
        layer, len(rows), int(known.sum()), heads, [], list(dict.fromkeys(collected.notes))
    )


def _named(path: Path, options: RatedOptions) -> RatedName:
    found = rated_name(path)
    if options.video is None:
        return found
    return RatedName(options.video, found.side, found.dimension, found.person)


def _joined(collected: _Collected) -> dict[str, NDArray[np.generic]]:
    names = dict.fromkeys(name for _, columns in collected.parts for name in columns)
    text = {n for _, columns in collected.parts for n, c in columns.items() if c.dtype == object}
    found: dict[str, NDArray[np.generic]] = {}
    for name in names:
        empty = None if name in text else np.nan
        kind = object if name in text else np.float32
        found[name] = np.concatenate(
            [c.get(name, np.full(len(v.rows), empty, kind)) for v, c in collected.parts]
        )
    return found


def _drop_empty(
    columns: dict[str, NDArray[np.generic]], options: RatedOptions, notes: list[str]
) -> int:
    """Unlabel faces that show no unit beyond those kept (kollias-2018, section II-D)."""
    presence = [c for n, c in columns.items() if n.startswith("AU") and not n.endswith("_r")]
    if not presence:
        return 0
    values = np.stack(presence, axis=1).astype(np.float32)
    shows, said = (values == 1).any(1), ~np.isnan(values).all(1)
    empty = np.flatnonzero(said & ~shows)
    keep = len(empty) if options.keep_empty is None else min(options.keep_empty, len(empty))
    gone = np.random.default_rng(options.seed).permutation(empty)[keep:]
    for name, values_of in columns.items():
        if name.startswith("AU"):
            columns[name] = values_of.copy()
            columns[name][gone] = np.nan
    notes.append(
        f"{int(shows.sum())} faces show a unit at least, {len(empty)} none: {keep} of these kept, "
        f"{len(gone)} left unlabelled"
    )
    return len(gone)


def _traces(store: Store, named: list[tuple[Path, RatedName]], collected: _Collected) -> None:
    """Two files a video, or one."""
    found: dict[tuple[str, str | None], dict[str, Trace]] = {}
    first: dict[tuple[str, str | None], tuple[Path, RatedName]] = {}
    for path, name in named:
        key = name.video, name.side
        mine = found.setdefault(key, {})
        first.setdefault(key, (path, name))
        for dimension, trace in read_traces(path, name.dimension, collected.options.scale).items():
            if dimension in mine:
                raise InputError(
                    f"{shown(path)}: {shown(mine[dimension].path)} is the {dimension} of this "
                    "video too; give each rater a layer, and a call of its own"
                )
            mine[dimension] = trace
    for key, traces in found.items():
        video = collected.videos.of(*first[key])
        rate = collected.options.rate or video.rate
        if rate is None:
            rate = RATE
            collected.notes.append(f"{video.name}: its rate is not known, {RATE:g} was taken")
        grid_rate = video.rate or rate
        frames = collected.frames(store, video) + 1
        length = round(video.frames * rate / grid_rate)
        columns: Columns = {}
        for dimension, trace in traces.items():
            columns[dimension] = trace.at_frames(frames.astype(float), rate).astype(np.float32)
            if told := trace.fit(length, rate):
                collected.notes.append(told)
        if len(traces) == 1:
            collected.notes.append(f"warning: {video.name}: {next(iter(traces))} alone was given")
        collected.add(video, columns)


def _unit_frames(store: Store, named: list[tuple[Path, RatedName]], collected: _Collected) -> None:
    options = collected.options
    for path, name in named:
        video = collected.videos.of(path, name)
        read = read_unit_frames(path, options.units, options.first_frame)
        wanted, order = collected.frames(store, video), np.argsort(read.frames)
        sorted_frames = read.frames[order]
        place = np.minimum(np.searchsorted(sorted_frames, wanted), len(order) - 1)
        there = sorted_frames[place] == wanted
        columns: Columns = {}
        for values, ending in ((read.presence, ""), (read.intensity, "_r")):
            chosen = np.where(there[:, None], values[order[place]], np.nan).astype(np.float32)
            columns |= {f"{column(u)}{ending}": chosen[:, i] for i, u in enumerate(read.units)}
        beyond = int((read.frames >= video.frames).sum()) if options.rate is None else 0
        if beyond or not there.all():
            collected.notes.append(
                f"{shown(Path(path.name))}: {beyond} lines beyond the video's end, "
                f"{int((~there).sum())} faces without a line"
            )
        collected.add(video, _without_constant_intensity(columns, collected.notes, path))


def _without_constant_intensity(columns: Columns, notes: list[str], path: Path) -> Columns:
    """Leave intensity out where it only repeats presence (au-va-thesis put it 'always at 1')."""
    strong = [values for name, values in columns.items() if name.endswith("_r")]
    if strong and np.nanmax(np.stack(strong), initial=0.0) > 1:
        return columns
    notes.append(f"{shown(Path(path.name))}: intensity is 1 at most, as presence: not kept")
    return {name: values for name, values in columns.items() if not name.endswith("_r")}


def _unit_ranges(store: Store, named: list[tuple[Path, RatedName]], collected: _Collected) -> None:
    read = _all_ranges(named, collected, units=True)
    units = [column(unit) for unit in collected.options.units]
    units = list(dict.fromkeys([*units, *sorted({r.label for _, rs in read for r in rs})]))
    if not units:
        raise InputError(f"{shown(named[0][0])}: holds no range; --units says what was looked for")
    collected.notes.append(f"absent outside its ranges: {' '.join(units)}; others are unlabelled")
    for (path, name), ranges in read:
        video = collected.videos.of(path, name)
        frames = collected.frames(store, video)
        columns = {unit: np.zeros(len(frames), np.float32) for unit in units}
        for marked in ranges:
            columns[marked.label][(frames >= marked.first) & (frames <= marked.last)] = 1.0
        collected.add(video, columns)


def _expression_ranges(
    store: Store, named: list[tuple[Path, RatedName]], collected: _Collected
) -> None:
    """A frame has one expression (kollias-2018, III-C): two on one frame are none."""
    outside = collected.options.outside and expressions.parse(collected.options.outside)
    for (path, name), ranges in _all_ranges(named, collected, units=False):
        video = collected.videos.of(path, name)
        frames = collected.frames(store, video)
        said = np.full(len(frames), outside, object)
        times = np.zeros(len(frames), np.intp)
        for marked in ranges:
            inside = (frames >= marked.first) & (frames <= marked.last)
            times += inside & ((times == 0) | (said != marked.label))
            said[inside] = marked.label
        if (torn := times > 1).any():
            said[torn] = None
            collected.notes.append(
                f"{shown(Path(path.name))}: {int(torn.sum())} faces with two expressions stay "
                "unlabelled"
            )
        collected.add(video, {"expression": said})


def _all_ranges(
    named: list[tuple[Path, RatedName]], collected: _Collected, units: bool
) -> list[tuple[tuple[Path, RatedName], list[Range]]]:
    found = []
    for path, name in named:
        ranges, base = read_ranges(path, units, collected.options.first_frame)
        collected.notes.append(f"{shown(Path(path.name))}: frames are counted from {base}")
        found.append(((path, name), ranges))
    return found


FORMS = {
    "traces": _traces,
    "au-frames": _unit_frames,
    "au-ranges": _unit_ranges,
    "expression-ranges": _expression_ranges,
}
"""Form of raters' files to what reads them."""
