"""The report of an analysis: one HTML file that needs nothing else, but the videos to play them."""

import base64
import gzip
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from mien.labels.action_units import INTENSITY_MAX
from mien.labels.kinds import THRESHOLD
from mien.labels.table_columns import CLASS, AffectColumns, unit_title
from mien.media.decode import Frame, decode
from mien.media.images import fit_within, read_image
from mien.media.kinds import kind_of
from mien.report.figures import PLOTLY_SCRIPT, Stretch, affect_figure, density_figure
from mien.report.pages import write_page
from mien.report.traces import Trace, TurningPoint, thinned, turning_points

MOST_FACES = 4
"""Faces of one video that get traces of their own: those seen longest."""
MOST_STILLS = 60
MOST_BYTES = 30_000_000
"""Of the table inside the page, packed: a longer one stays beside it."""
_THUMBNAIL = 220
_SAME_TIME_S = 1e-5  # the table's times are rounded to microseconds
Array = NDArray[np.float64]


class People(Protocol):
    """What is asked of one person (`analysis.affect_table.Person`)."""

    input: str
    face_id: int | None
    rows: NDArray[np.intp]
    time_s: Array


class Seen(Protocol):
    """What is asked of a table (`analysis.affect_table.AffectTable`)."""

    table: pa.Table
    columns: AffectColumns

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs, in order."""

    def floats(self, name: str) -> Array:
        """One column (N,), NaN where empty."""

    def people(self) -> Iterator[Any]:
        """The people of every input."""


@dataclass(frozen=True)
class Told:
    """What goes with a table. ribbons: by input and person. summary: a row per person, as
    `mien analyze --summary` writes it. csv: the table as text. about: the JSON beside it."""

    ribbons: Mapping[tuple[str, int | None], Sequence[Stretch]]
    summary: Sequence[Mapping[str, Any]]
    csv: str
    about: Mapping[str, Any]


def write_report(path: Path, seen: Seen, told: Told, *, faces: bool = True) -> None:
    """Write the page of a table; the inputs are read for pictures.

    Videos are not inside: the page plays the file where it lies, or one that its reader picks.
    faces: False leaves out pictures, and where the videos lie.
    """
    stills = [name for name in seen.inputs if _is_still(name)]
    people: dict[str, list[Any]] = {}
    for person in seen.people():
        people.setdefault(person.input, []).append(person)
    makers = _Maker(path, seen, told, faces)
    names = [Path(name).name for name in seen.inputs]
    moving = [name for name in seen.inputs if not _is_still(name)]
    videos = [makers.video(name, people.get(name, []), i) for i, name in enumerate(moving)]
    packed = base64.b64encode(gzip.compress(told.csv.encode("utf-8", "replace"), mtime=0)).decode()
    write_page(
        path,
        "analysis.html",
        title=", ".join(names[:3]) + (" ..." if names[3:] else ""),
        plotly=PLOTLY_SCRIPT if videos else "",
        videos=videos,
        stills=[makers.still(name) for name in stills[:MOST_STILLS]],
        more_stills=max(len(stills) - MOST_STILLS, 0),
        rows=seen.table.num_rows,
        data=packed if len(packed) <= MOST_BYTES else "",
        model=told.about.get("model"),
        sources=_sources(told.about.get("model")),
        changed=_changed(told.about.get("output") or {}),
        faces=faces,
    )


def _is_still(name: str) -> bool:
    return kind_of(Path(name)) in ("image", "pages")


def _sources(model: Mapping[str, Any] | None) -> list[str]:
    """What labels each head was taught with, in words."""
    labels = ((model or {}).get("labels") or {}).get("labels", {})
    found = []
    for head, outputs in labels.items():
        by_source: dict[str, list[str]] = {}
        for output, source in outputs.items():
            by_source.setdefault(source, []).append(output)
        said = "; ".join(
            source if len(by_source) == 1 else f"{source}: {', '.join(names)}"
            for source, names in by_source.items()
        )
        found.append(f"{head.replace('_', ' ')}: {said}")
    return found


def _changed(options: Mapping[str, Any]) -> list[str]:
    found = []
    if options.get("smooth"):
        found.append(f"smoothed over {options['smooth']:g} s")
    if options.get("neutral"):
        found.append("each person's own neutral face taken off")
    return found


@dataclass(frozen=True)
class _Maker:
    """Makes the parts of a page."""

    path: Path
    seen: Seen
    told: Told
    faces: bool

    def video(self, name: str, people: list[Any], number: int) -> dict[str, Any]:
        mine = pc.equal(self.seen.table["input"], name)
        part = self.seen.table.filter(mine)
        frames = pc.count_distinct(part["frame"]).as_py()
        with_face = pc.count_distinct(part.filter(pc.equal(part["success"], 1))["frame"]).as_py()
        longest = sorted(people, key=lambda person: -len(person.rows))
        return {
            "name": Path(name).name,
            "number": number,
            "source": self._relative(Path(name)) if self.faces else "",
            "frames": frames,
            "with_face": with_face,
            "share": with_face / frames if frames else 0.0,
            "people": len(people),
            "faces": [self.face(person) for person in longest[:MOST_FACES]],
        }

    def _relative(self, video: Path) -> str:
        """Where the video lies, as seen from the page; empty where it is not there."""
        if not video.is_file():
            return ""
        try:
            way = os.path.relpath(video.resolve(), self.path.resolve().parent)
        except ValueError:  # on another drive
            return ""
        return quote(Path(way).as_posix())

    def face(self, person: Any) -> dict[str, Any]:
        columns = self.seen.columns
        signals = {name: self.seen.floats(name)[person.rows] for name in columns.signals}
        trace = Trace(person.time_s, signals)
        names = _told_once(trace, columns)
        points = turning_points(trace, names)
        pictures = self._pictures(person, points) if self.faces else {}
        short = thinned(trace)
        ribbon = self.told.ribbons.get((person.input, person.face_id), ())
        axes = [short.signals.get(name, np.empty(0)) for name in ("valence", "arousal")]
        return {
            "number": person.face_id,
            "frames": len(person.rows),
            "figure": affect_figure(short, columns, points, ribbon),
            "density": density_figure(*axes) if all(map(len, axes)) else "",
            "silent": not trace.known(columns.signals),
            "summary": self._summary(person),
            "turns": [
                {"time": p.time_s, "text": _describe(p), "picture": pictures.get(p.time_s, "")}
                for p in points
            ],
        }

    def _summary(self, person: Any) -> dict[str, Any]:
        """A person's row in words: what it shows most."""
        row = next(
            (r for r in self.told.summary
             if r["input"] == person.input and r["face_id"] == person.face_id), {},
        )  # fmt: skip
        shares = [(c, row.get(f"{c}_share") or 0.0) for c in self.seen.columns.classes]
        units = []
        for key in row:
            unit = key.removesuffix("_share")
            if key.endswith("_share") and unit.startswith("AU") and (row[key] or 0) >= 0.01:
                title = unit_title(f"{unit}_p") or unit
                units.append((title, row[key], row.get(f"{unit}_per_minute")))
        means = [(a, row.get(f"{a}_mean"), row.get(f"{a}_sd")) for a in self.seen.columns.axes]
        return {
            "seconds": row.get("seconds"),
            "read": row.get("read"),
            "dominant": row.get("dominant"),
            "shares": sorted((s for s in shares if s[1] >= 0.005), key=lambda s: -s[1]),
            "units": sorted(units, key=lambda unit: -unit[1])[:8],
            "means": [entry for entry in means if entry[1] is not None],
        }

    def _pictures(self, person: Any, points: Iterable[TurningPoint]) -> dict[float, str]:
        boxes = np.stack(
            [self.seen.floats(c)[person.rows] for c in ("x0", "y0", "x1", "y1")], axis=1
        )
        where = {float(t): boxes[i] for i, t in enumerate(person.time_s)}
        return _pictures(Path(person.input), {p.time_s for p in points}, where)

    def still(self, name: str) -> dict[str, Any]:
        columns = self.seen.columns
        rows = self.seen.table.filter(pc.equal(self.seen.table["input"], name)).to_pylist()
        rgb = read_image(Path(name)) if self.faces and Path(name).exists() else None
        faces = []
        for row in rows:
            if not row["success"]:
                continue
            box = np.array([row[c] for c in ("x0", "y0", "x1", "y1")], float)
            units = [c for c in columns.presence if (row[c] or 0) >= THRESHOLD]
            units += [c for c in columns.intensity if (row[c] or 0) >= 1]  # from A, the trace, on
            faces.append(
                {
                    "picture": "" if rgb is None else _data_url(_around(rgb, box)),
                    "expression": row.get(CLASS),
                    "units": [f"{c[:-2]} {row[c]:.2f}{_of(c)}" for c in units],
                    "axes": [f"{c} {row[c]:.2f}" for c in columns.axes if row[c] is not None],
                }
            )
        return {"name": Path(name).name, "faces": faces}


def _told_once(trace: Trace, columns: AffectColumns) -> list[str]:
    """Signals to look for turns in: presence only of units that have no intensity."""
    told = {name[:-2] for name in trace.known(columns.intensity)}
    return [n for n in columns.signals if not (n in columns.presence and n[:-2] in told)]


def _describe(point: TurningPoint) -> str:
    name = unit_title(point.signal) or point.signal
    return (
        f"{name} {'peaks at' if point.rising else 'falls to'} {point.value:.2f}{_of(point.signal)}"
    )


def _of(name: str) -> str:
    """The scale of an intensity, so that nobody takes it for a probability."""
    return f" of {INTENSITY_MAX:g}" if name.endswith("_r") else ""


def _pictures(
    path: Path, wanted: set[float], boxes: dict[float, NDArray[np.float64]]
) -> dict[float, str]:
    """Cut the face, with room around it, from the frames shown at the wanted times."""
    found = {}
    for time_s, frame in _frames(path, wanted):
        scale = frame.to_file_pixels(np.ones((1, 2), np.float32))[0]  # boxes are the file's own
        found[time_s] = _data_url(_around(frame.rgb, boxes[time_s] / np.tile(scale, 2)))
    return found


def _frames(path: Path, wanted: set[float]) -> Iterator[tuple[float, Frame]]:
    if not wanted or not path.exists():
        return
    for frame in decode(path):
        nearest = min(wanted, key=lambda time_s: abs(time_s - frame.time_s))
        if abs(nearest - frame.time_s) < _SAME_TIME_S:
            yield nearest, frame
        if frame.time_s > max(wanted):
            return


def _around(rgb: NDArray[np.uint8], box: NDArray[np.float64]) -> Image.Image:
    x0, y0, x1, y1 = box
    half = max(x1 - x0, y1 - y0) * 0.85
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    height, width = rgb.shape[:2]
    left, right = (int(np.clip(v, 0, width)) for v in (x - half, x + half))
    top, bottom = (int(np.clip(v, 0, height)) for v in (y - half, y + half))
    return Image.fromarray(np.ascontiguousarray(rgb[top:bottom, left:right]))


def _data_url(image: Image.Image) -> str:
    image = image.resize(fit_within(image.size, _THUMBNAIL), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
