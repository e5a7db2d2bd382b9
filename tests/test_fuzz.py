"""Mutated files of every kind: each is read or refused with one line, in bounded time and memory.

Counts and seed come from the environment: MIEN_FUZZ_IMAGES, MIEN_FUZZ_VIDEOS, MIEN_FUZZ_TABLES,
MIEN_FUZZ_SEED. A case is its kind, its number and the seed: `mutated` makes it again.
"""

import io
import math
import multiprocessing
import os
import resource
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mien.corpora.imported import ImportOptions
from mien.corpora.label_table import read_label_table
from mien.errors import InputError
from mien.media.decode import decode, probe
from mien.media.images import pages_of
from mien.media.kinds import kind_of
from mien.media.report import DecodeReport
from mien.media.resample import resample

SEED = int(os.environ.get("MIEN_FUZZ_SEED", "0"))
COUNTS = {
    "images": int(os.environ.get("MIEN_FUZZ_IMAGES", "5000")),
    "videos": int(os.environ.get("MIEN_FUZZ_VIDEOS", "2000")),
    "tables": int(os.environ.get("MIEN_FUZZ_TABLES", "2000")),
}
SECONDS_A_CASE = 20
MOST_MEMORY = 2 * 2**30
"""Bytes that a process may hold at its peak, with all it has loaded."""
ADDRESSES = 12 * 2**30
"""Bytes of address space, most of it never touched: a stop for what runs away."""
WORKERS, JOB = 2, 50

Originals = list[tuple[str, bytes]]


def picture(side: tuple[int, int] = (48, 40), mode: str = "RGB") -> Image.Image:
    source = np.random.default_rng(0)
    return Image.fromarray(source.integers(0, 256, (*side, 3)).astype(np.uint8)).convert(mode)


def saved(name: str, image: Image.Image, **options: Any) -> tuple[str, bytes]:
    file = io.BytesIO()
    image.save(file, **options)
    return name, file.getvalue()


def images() -> Originals:
    exif = Image.Exif()
    exif[0x112] = 6
    more = {"save_all": True, "append_images": [picture()] * 2}
    return [
        saved("a.jpg", picture(), format="JPEG", exif=exif),
        saved("b.jpg", picture(), format="JPEG", progressive=True),
        saved("c.jpg", picture(mode="CMYK"), format="JPEG"),
        saved("a.png", picture(mode="RGBA"), format="PNG"),
        saved("b.png", picture(mode="P"), format="PNG"),
        saved("c.png", picture(mode="I;16"), format="PNG"),
        saved("a.webp", picture(), format="WEBP"),
        saved("b.webp", picture(), format="WEBP", duration=40, **more),
        saved("a.tif", picture(), format="TIFF", compression="tiff_lzw", **more),
        saved("b.tif", picture(), format="TIFF", compression="jpeg"),
        saved("a.bmp", picture(), format="BMP"),
        saved("a.gif", picture(), format="GIF", duration=40, **more),
    ]


def film(name: str, codec: str, options: dict[str, str] | None = None) -> tuple[str, bytes]:
    file, source = io.BytesIO(), np.random.default_rng(0)
    kind = {"mkv": "matroska", "ts": "mpegts"}.get(name[2:], name[2:])
    with av.open(file, "w", format=kind) as output:
        stream: Any = output.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if codec == "mjpeg":
            stream.pix_fmt = "yuvj420p"
        for i in range(12):
            shade = source.integers(0, 40, (48, 64, 3)) + 10 * i
            frame = av.VideoFrame.from_ndarray(shade.astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return name, file.getvalue()


def videos() -> Originals:
    short = {"g": "6", "preset": "veryfast"}
    return [
        film("a.mp4", "libx264", short),
        film("b.mp4", "mpeg4"),
        film("a.mkv", "libx264", short),
        film("b.mkv", "libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
        film("a.ts", "mpeg2video"),
        film("b.ts", "libx264", short),
        film("a.avi", "mpeg4"),
        film("b.avi", "mjpeg"),
        film("a.webm", "libvpx", {"deadline": "realtime"}),
        film("b.webm", "libvpx-vp9", {"deadline": "realtime"}),
    ]


TABLE = """image,subject,split,expression,valence,arousal,AU1,AU12
a.jpg,1,train,happy,0.5,-0.25,0.32,2.5
"b, c.jpg",001,val,sad,,0,1,
d.jpg,José,test,NA,1,1,5,0
"""
OPEN_FACE = """image, frame, success, AU01_r, AU01_c, AU12_r, AU12_c
a.jpg, 1, 1, 0.32, 1, 2.5, 1
b.jpg, 2, 0, 0, 0, 0, 0
"""
WORDS = (
    *("", "NA", "nan", "1e999", "-inf", "0,5", "1.0", "٣", "0" * 400, "..", "/", "a" * 300, "\0"),
    *(",", ";", "\t", '"', "\n", "\r", "sep=;\n", "image", "AU12", "AU99", "split", "\ufeff", "é"),
)


def tables() -> Originals:
    semicolons = TABLE.replace(",", ";").replace(".5", ",5")
    return [
        ("a.csv", TABLE.encode()),
        ("b.csv", semicolons.encode("cp1252")),
        ("c.csv", TABLE.replace(",", "\t").encode("utf-16")),
        ("d.csv", OPEN_FACE.encode()),
        ("e.csv", TABLE.replace("\n", "\r\n").encode("utf-8-sig")),
    ]


ORIGINALS: dict[str, Callable[[], Originals]] = {
    "images": images,
    "videos": videos,
    "tables": tables,
}


def mutated(kind: str, number: int, originals: Originals) -> tuple[str, bytes]:
    """Damage one of the originals in a few places, half of the times near its head."""
    source = np.random.default_rng([SEED, sorted(ORIGINALS).index(kind), number])
    name, whole = originals[number % len(originals)]
    data = bytearray(whole)
    small = kind == "tables"
    for _ in range(source.integers(1, 2 if small else 5)):
        end = min(len(data), 200) if source.random() < 0.5 else len(data)
        at = int(source.integers(0, max(end, 1)))
        length = int(source.integers(1, 2 ** source.integers(1, 4 if small else 10)))
        there = bytes(data[at : at + length])
        choice = source.integers(0, 12 if small else 8)
        if choice == 0:  # other bytes
            data[at : at + length] = source.bytes(len(there))
        elif choice == 1:  # one other bit
            data[at : at + 1] = bytes(b ^ (1 << source.integers(0, 8)) for b in there[:1])
        elif choice == 2:  # zeros
            data[at : at + length] = bytes(len(there))
        elif choice == 3:  # taken out
            del data[at : at + length]
        elif choice == 4:  # twice
            data[at:at] = there
        elif choice == 5:  # the rest is missing
            del data[at + 1 :]
        elif choice >= 9 and small:  # another cell
            cells = bytes(data).split(b",")
            cells[source.integers(0, len(cells))] = str(source.choice(WORDS)).encode()
            data = bytearray(b",".join(cells))
        elif choice >= 6 and small:  # words that mean something to a table
            data[at : at + int(source.integers(0, 4))] = str(source.choice(WORDS)).encode()
        elif choice == 6:  # numbers at the ends of their range
            value = int(source.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF]))
            order = "big" if source.random() < 0.5 else "little"
            data[at : at + 4] = value.to_bytes(4, order)
        else:  # a piece of another file of the kind
            other = originals[source.integers(0, len(originals))][1]
            start = int(source.integers(0, len(other)))
            data[at : at + length] = other[start : start + length]
    return name, bytes(data)


def read_picture(path: Path) -> None:
    if kind_of(path) == "video":
        read_film(path)
        return
    for page in pages_of(path):
        assert page.ndim == 3
        assert page.shape[2] == 3
        assert page.dtype == np.uint8


def read_film(path: Path) -> None:
    probe(path)
    report = DecodeReport()
    times: list[float] = []
    points = 0
    for k, frame in resample(seen(path, report, times), 30.0):
        assert k == points
        points += 1
        if k % 8 == 0:
            assert frame.rgb.ndim == 3
    assert points > 0
    assert report.decoded == len(times) > 0
    assert times[0] == 0
    assert all(a < b for a, b in pairwise(times))
    assert all(map(math.isfinite, times))
    assert all("\n" not in line for line in report.notes)


def seen(path: Path, report: DecodeReport, times: list[float]) -> Iterator[Any]:
    for frame in decode(path, report):
        times.append(frame.time_s)
        yield frame


def read_csv(path: Path) -> None:
    table = read_label_table(path, ImportOptions())
    count = len(table.line)
    assert count > 0
    assert len(table.image) == count
    for name, values in table.columns().items():
        assert len(values) == count
        if name == "expression":
            continue
        low, high = (-1, 1) if name in ("valence", "arousal") else (0, 5)
        known = values[~np.isnan(values)]
        assert ((low <= known) & (known <= high)).all(), name


READERS = {"images": read_picture, "videos": read_film, "tables": read_csv}


def work(kind: str, numbers: range, originals: Originals, folder: Path) -> tuple[Counter, list]:
    """Read some cases; return how they ended, and the tracebacks of those that ended badly."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, in a decoder too
    place = folder / f"{os.getpid()}"
    place.mkdir(exist_ok=True)
    ends, failures = Counter(), []
    for number in numbers:
        name, data = mutated(kind, number, originals)
        path = place / f"{number}-{name}"
        path.write_bytes(data)
        signal.alarm(SECONDS_A_CASE)
        try:
            READERS[kind](path)
            ends["read"] += 1
        except InputError as error:
            ends["refused"] += 1
            if "\n" in str(error) or not str(error):
                failures.append(f"{kind} {number} {name}: not one line: {error!s}")
        except Exception:
            failures.append(f"{kind} {number} {name}: {traceback.format_exc()}")
        signal.alarm(0)
        if peak() > MOST_MEMORY:
            failures.append(f"{kind} {number} {name}: {peak() / 2**30:.1f} GiB of memory")
            break
        path.unlink()
    return ends, failures


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def collected(jobs: list[Future], folder: Path) -> tuple[Counter, list[str]]:
    ends, failures = Counter(), []
    try:
        for job in as_completed(jobs):
            some, bad = job.result()
            ends += some
            failures += bad
    except BrokenProcessPool:
        cases = ", ".join(path.name for path in sorted(folder.glob("*/*")))
        failures.append(f"a process was ended, by a crash or after {SECONDS_A_CASE} s, at {cases}")
    return ends, failures


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(ORIGINALS))
def test_mutated_files_are_read_or_refused(kind, tmp_path):
    originals, started = ORIGINALS[kind](), time.monotonic()
    for name, data in originals:
        (tmp_path / name).write_bytes(data)
        READERS[kind](tmp_path / name)  # before it is damaged, each can be read
        (tmp_path / name).unlink()
    chunks = [range(n, min(n + JOB, COUNTS[kind])) for n in range(0, COUNTS[kind], JOB)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawn) as pool:
        jobs = [pool.submit(work, kind, chunk, originals, tmp_path) for chunk in chunks]
        ends, failures = collected(jobs, tmp_path)
    print(f"{kind}: seed {SEED}, {dict(ends)}, {time.monotonic() - started:.0f} s")
    assert not failures, f"{len(failures)} of {COUNTS[kind]}:\n" + "\n".join(failures[:5])
    assert ends.total() == COUNTS[kind]
    assert ends["read"] > 0
    assert ends["refused"] > 0
