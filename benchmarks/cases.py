"""What mien makes of files that others could not read, beside what is right.

run: python benchmarks/cases.py CASES [--out table.md] [--only PART_OF_A_NAME]

CASES holds video/, img/ and csv/: files as people had them, none of which comes with mien. Each
goes through the command line: videos through `mien analyze` and `mien ingest` (at the file's own
rate of 24000/1001, or that of the case), pictures through `mien analyze`, and folders with a
labels.csv through `mien import folder`. What is right was settled when the files were made, and
stands here as plain facts. Exit code 1 where one differs.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from machine import describe
from mien.store import Store

BASE = (161.0, 31.0, 276.0, 175.0)
"""Box of the face in the first frame of base.mp4, 320 x 180, from which most videos were made."""
MIRRORED = (320 - BASE[2], BASE[1], 320 - BASE[0], BASE[3])
SQUEEZED = (BASE[0] / 2, BASE[1], BASE[2] / 2, BASE[3])
NEAR_PX = 8.0
GRID = 24000 / 1001
"""Parts of a stream that end between two key frames lack some frames before their last one, so
that a grid has more points than they have frames (concat.ts, rot90.mp4, truncated65.mkv)."""
STEP_S = 1001 / 24000


@dataclass(frozen=True)
class Right:
    """What is right of a file.

    said: words that the notes, or the error, hold; None where there is nothing to say. frames:
    decoded, at least and at most. fps: of the grid it is ingested on. kept: points of that grid.
    step_s: between the first two frames. last_s: time of the last. start_s: the file's own time of
    the first. box: of the first frame's face. faces: of the picture or of the first frame. values:
    of columns of the store, None for missing.
    """

    code: int = 0
    said: tuple[str, ...] | None = None
    frames: tuple[int, int] | None = None
    fps: float = GRID
    kept: int | None = None
    step_s: float | None = STEP_S
    last_s: float | None = None
    start_s: float | None = None
    box: tuple[float, float, float, float] | None = BASE
    faces: int | None = None
    strict: int = 0
    options: tuple[str, ...] = ()
    values: dict[str, list[Any]] = field(default_factory=dict)


def whole(frames: int = 96, **other: Any) -> Right:
    """Return what is right of a video of so many frames at an even rate."""
    times = {"kept": frames, "last_s": (frames - 1) * STEP_S}
    return Right(**{"frames": (frames, frames), **times, **other})


VIDEOS = {
    "anamorphic.mp4": whole(24, said=("pixels are 2 times as wide as high",), box=SQUEEZED),
    "anim.webp": Right(frames=(5, 5), fps=5, kept=5, step_s=0.2, last_s=0.8),
    "base.mp4": whole(),
    "cam.mjpeg": Right(
        frames=(24, 24), fps=25, kept=24, step_s=0.04, last_s=23 * 0.04,
        said=("made from 25 frames/s (assumed",),
    ),
    "concat.ts": Right(frames=(100, 100), kept=104, last_s=4.296, said=("starts again or jumps",)),
    "corrupt_h264.mp4": Right(
        frames=(93, 95), kept=96, last_s=95 * STEP_S, strict=2, said=("damaged packet skipped",),
    ),
    "cover.m4a": Right(code=2, strict=2, said=("holds only a cover picture beside its sound",)),
    "duration_lies.mp4": whole(),
    "editlist_cut.mp4": whole(38, box=None),
    "frag.mp4": whole(),
    "hflip.mp4": Right(
        frames=(26, 26), box=MIRRORED, last_s=1.126, said=("the orientation comes with 1 frame",),
    ),
    "hlg10.mov": whole(24),
    "interlaced.mp4": whole(24),
    "late_video.mp4": whole(start_s=2.0),
    "latin1_title.avi": whole(said=("decoding times only",)),
    "long_audio.mkv": whole(step_s=0.042, last_s=3.962),
    "nokey.ts": Right(
        frames=(72, 72), kept=72, box=None, last_s=71 * STEP_S,
        said=("the first 0.5 s cannot be decoded",),
    ),
    "raw.h264": whole(said=("no usable times in the file: made from 23.976 frames/s",)),
    "rot90.mp4": Right(frames=(26, 26), last_s=1.126, box=(29.0, 57.0, 170.0, 154.0)),
    "still11min.mkv": Right(
        frames=(48, 48), fps=1, kept=702, step_s=0.042, last_s=701.951,
        said=("one frame is shown for 700.0 s",),
    ),
    "timelapse1fps.mp4": Right(frames=(20, 20), fps=1, kept=20, step_s=1.0, last_s=19.0),
    "tkhd_hflip.mp4": Right(frames=(26, 26), last_s=1.126, box=MIRRORED),
    "truncated65.mkv": Right(
        frames=(60, 60), kept=61, step_s=0.042, last_s=2.503, strict=2, said=("truncated: 2.5 s",),
    ),
    "wmv_picture.wmv": whole(step_s=0.042, last_s=3.962),
}  # fmt: skip

PICTURES = {
    "IMG_0001.HEIC": Right(faces=5, box=None),
    "xiaomi.heic": Right(faces=0, box=None),
    "cmyk.jpg": Right(faces=5, box=None),
    "exif_or6.jpg": Right(faces=5, box=None),
    "exif_srational_m1_0.jpg": Right(faces=5, box=None),
    "grey16.png": Right(faces=5, box=None),
    "group30_1280x720_128px.jpg": Right(faces=30, box=None),
    "group30_3840x2160_160px.jpg": Right(faces=30, box=None),
    "photo.jfif": Right(faces=5, box=None),
}

HALF = [0.5] * 4
TABLES = {
    "bad_exif": Right(kept=3, values={"valence": [0.5, 0.5, 0.0]}),
    "cp1252": Right(
        kept=4, said=("read as Windows-1252", "'José'"), values={"subject": ["José"] * 4},
    ),
    "dup_rows": Right(code=2, said=("line 4: image '000000.jpg' has expression 'sad'",)),
    "int_expr": Right(code=2, said=("line 2: expression is '0'; a number means other",)),
    "int_subject": Right(
        kept=5, said=("'001', '1', '1.0'",), values={"subject": ["1", "001", "1.0", "2", "02"]},
    ),
    "naN_words": Right(kept=8, said=("taken as a name",), values={"subject": [
        "N/A", "N/A", "#N/A", "NA", "NA", "none", "Null", "NAN"]}),
    "of_s1": Right(
        kept=3, said=("none above 1, taken for shares of full intensity (0.9 is 4.5 of 5)",),
        values={"AU12_r": [4.5, 0.5, 0.0]},
    ),
    "of_s2": Right(
        kept=3, said=("up to 3.2, taken for FACS intensities",),
        values={"AU12_r": [0.9, 0.1, 0.0], "AU01_r": [0.32, 0.6, 3.2]},
    ),
    "of_s1 --au-scale facs": Right(
        kept=3, options=("--au-scale", "facs"), said=("scale facs, as told",),
        values={"AU12_r": [0.9, 0.1, 0.0]},
    ),
    "openface": Right(
        kept=1, said=("intensities of 0 to 5", "presence as the file tells it"),
        values={"AU12_r": [2.5], "AU12": [1], "AU01_r": [0.32], "AU01": [1]},
    ),
    "pandas_index": Right(kept=4, said=("an index without a name",), values={"valence": HALF}),
    "semicolon_comma": Right(
        kept=4, said=("parted by semicolons", "0,5 is read as 0.5"), values={"valence": HALF},
    ),
    "split_words": Right(kept=4, values={"split": ["train", "val", "test", "val"]}),
    "trailing_commas": Right(kept=4, said=("empty columns",), values={"valence": HALF}),
}  # fmt: skip


@dataclass
class Came:
    """What came of one command."""

    code: int
    lines: list[str]
    told: dict[str, Any]

    @property
    def cells(self) -> str:
        return "; ".join(self.lines).replace("|", "\\|") or "–"


PROGRESS = re.compile(r" \d+/\d+ +\d+(\.\d+)?/s\b")
"""A line that long work says where nobody watches, on a slow machine."""


def mien(case: Path, *arguments: object) -> Came:
    """Run a command; its notes and errors are left without the path of the case."""
    command = [sys.executable, "-m", "mien", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    lines = [line.replace(f"{case}: ", "").replace(f"{case}", "") for line in
             done.stderr.replace("mien: ", "").splitlines()
             if not PROGRESS.search(line)]  # fmt: skip
    try:
        told = json.loads(done.stdout)
    except ValueError:
        told = {}
    return Came(done.returncode, lines, told)


def wrong(came: Came, right: Right) -> Iterator[str]:
    """Yield what differs that every command says."""
    if came.code != right.code:
        yield f"exit code {came.code}, not {right.code}"
    if any("Traceback" in line for line in came.lines):
        yield "a traceback"
    text = "\n".join(came.lines)
    if right.said is None and text:
        yield "something said where there is nothing to say"
    for words in right.said or ():
        if words not in text:
            yield f"not said: {words}"


def near(value: float | None, right: float | None, within: float) -> bool:
    return right is None or (value is not None and abs(value - right) <= within)


def analysed(path: Path, right: Right, folder: Path) -> tuple[str, Came, list[str]]:
    """Analyse a video or picture; return the counts, what came, and what is wrong."""
    out = folder / "out.csv"
    came = mien(path, "analyze", path, "--out", out)
    faults = list(wrong(came, right))
    entry = (came.told.get("inputs") or [{}])[0]
    decoded, rows = entry.get("decoded", 0), []
    if right.code == 0 and out.exists():
        with out.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        faults += _wrong_rows(rows, entry, right)
    if right.frames and not right.frames[0] <= decoded <= right.frames[1]:
        faults.append(f"{decoded} frames")
    strict = mien(path, "analyze", path, "--out", out, "--strict").code
    if strict != right.strict:
        faults.append(f"exit code {strict} with --strict")
    return f"{decoded} frames, {len(rows)} rows", came, faults


def _wrong_rows(rows: list[dict[str, str]], entry: dict[str, Any], right: Right) -> Iterator[str]:
    faces = [row for row in rows if row["frame"] == rows[0]["frame"] and row["success"] == "1"]
    if right.faces is not None and len(faces) != right.faces:
        yield f"{len(faces)} faces, not {right.faces}"
    if right.frames is None:
        return
    times = [float(t) for t in dict.fromkeys(row["timestamp"] for row in rows)]
    if len(times) != entry["frames"] or times[0] != 0 or (np.diff(times) <= 0).any():
        yield "times that do not rise from 0"
    if not near(times[1], right.step_s, 0.002) or not near(times[-1], right.last_s, 0.002):
        yield f"times {times[1]:.3f}, ..., {times[-1]:.3f}"
    if not near(entry["start_s"], right.start_s, 0.002):
        yield f"the file's clock starts at {entry['start_s']}"
    box = [float(faces[0][name]) for name in ("x0", "y0", "x1", "y1")] if faces else [np.inf] * 4
    if right.box and np.abs(np.array(box) - right.box).max() > NEAR_PX:
        yield f"the first face at {box}"


def ingested(path: Path, right: Right, folder: Path) -> tuple[str, Came, list[str]]:
    """Ingest a video on the grid of its own rate."""
    came = mien(path, "ingest", path, "--store", folder / "store", "--fps", right.fps)
    faults = list(wrong(came, right))
    video = (came.told.get("videos") or [{}])[0]
    decoded, kept = video.get("decoded", 0), video.get("frames", 0)
    if right.frames and not right.frames[0] <= decoded <= right.frames[1]:
        faults.append(f"{decoded} frames")
    if right.kept is not None and kept != right.kept:
        faults.append(f"{kept} points of the grid, not {right.kept}")
    return f"{decoded} frames, {kept} kept", came, faults


def imported(path: Path, right: Right, folder: Path) -> tuple[str, Came, list[str]]:
    """Import a folder of photographs and its table; compare the store's columns."""
    place = folder / "store"
    came = mien(path, "import", "folder", path, "--store", place, "--size", 48, *right.options)
    faults = list(wrong(came, right))
    faces = came.told.get("faces", 0)
    if right.kept is not None and faces != right.kept:
        faults.append(f"{faces} faces, not {right.kept}")
    if right.values and came.code == 0:
        store = Store.open(place)
        for name, values in right.values.items():
            found = _column(store, path.name, name)
            same = len(found) == len(values) and all(
                a == b or (isinstance(a, float) and b is not None and abs(a - b) < 1e-5)
                for a, b in zip(found, values, strict=True)
            )
            if not same:
                faults.append(f"{name} is {found}")
    return f"{faces} of {came.told.get('rows', 0)} rows", came, faults


def _column(store: Store, corpus: str, name: str) -> list[Any]:
    if name == "subject":
        names = store.names("subject")
        return [n if n is None else n.removeprefix(f"{corpus}/") for n in names]
    if name == "split":
        return [next((p for p in ("train", "val", "test") if row in store.rows(p)), None)
                for row in range(len(store))]  # fmt: skip
    found: list[Any] = store.layer(corpus)[name].to_pylist()
    return found


STEPS = (
    ("video", VIDEOS, "analyze", analysed),
    ("video", VIDEOS, "ingest", ingested),
    ("img", PICTURES, "analyze", analysed),
    ("csv", TABLES, "import", imported),
)


def compare(cases: Path, only: str) -> Iterator[tuple[list[str], bool]]:
    """Yield a line of the table per file and command, and whether all is right."""
    for kind, facts, command, run in STEPS:
        here = {path.name for path in (cases / kind).iterdir()}
        unknown = sorted(here - {name.split()[0] for name in facts})
        for name in (*facts, *unknown):
            if only not in name:
                continue
            if name in unknown or name.split()[0] not in here:
                why = "nothing is known of it" if name in unknown else "is not there"
                yield [f"{kind}/{name}", command, "", "", "", why], False
                continue
            right = facts[name]
            with tempfile.TemporaryDirectory() as folder:
                counts, came, faults = run(cases / kind / name.split()[0], right, Path(folder))
            line = [f"{kind}/{name}", command, str(came.code), counts, came.cells]
            yield [*line, "yes" if not faults else f"**no**: {'; '.join(faults)}"], not faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="cases whose name holds it")
    args = parser.parse_args()
    lines, good = [], 0
    for cells, agrees in compare(args.cases, args.only):
        good += agrees
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    head = "| file | command | exit code | what came | what it said | right |"
    text = f"{describe()}\n\n{good} of {len(lines)} right\n\n{head}\n{'| --- ' * 6}|\n"
    if args.out:
        args.out.write_text(text + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{good} of {len(lines)} right")
    return int(good < len(lines))


if __name__ == "__main__":
    sys.exit(main())
