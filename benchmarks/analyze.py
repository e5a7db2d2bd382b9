"""What analysing costs, where the time goes, and what following faces loses.

run: python benchmarks/analyze.py speed VIDEO [--peer-python VENV/bin/python] [--rounds 3]
     python benchmarks/analyze.py lost FOLDER [--out benchmarks/results/following.csv]
     python benchmarks/analyze.py profile VIDEO
     python benchmarks/analyze.py memory VIDEO [--minutes 20] [--size 1920x1080]

speed: in turn, `mien analyze` as a command, the same with --exact, and the package fer (with its
Haar detector, as it comes) in another Python where one is given: frames a second by the clock and
by processor time of the whole process tree, start included; and when the first rows were there.
lost: of every video of a folder, the faces of a look at the whole of every frame that following
does not have (no box of IoU above 0.3), and those that it has besides; how much boxes shake (second
differences) and how far the model's values lie apart, in their own standard deviations.
profile: processor time a frame of each stage, one after the other.
memory: anonymous memory of the process, every second, over a film looped to so many minutes.
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from machine import describe
from mien.analysis.analyze import Analyzer, SourceFrame, _chunks, frames_of
from mien.analysis.table import header, rows
from mien.faces.boxes import iou, longer_side
from mien.faces.centerface import CenterFace
from mien.faces.crop import square_crop
from mien.faces.detection import Detections
from mien.faces.following import Follower
from mien.media.decode import decode, probe
from mien.media.kinds import kind_of
from mien.workflows.models import load_recogniser

_FER = """
import sys, time
from fer.fer import FER
import cv2
found, count, video = FER(), 0, cv2.VideoCapture(sys.argv[1])
while True:
    there, frame = video.read()
    if not there:
        break
    found.detect_emotions(frame)
    count += 1
print(count)
"""


def timed(command: list[str], watch: Path | None = None) -> tuple[float, float, float]:
    """Run a command; seconds by the clock, of processor time, and until `watch` has rows."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began, first = time.perf_counter(), float("nan")
    work = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while work.poll() is None:
        if watch is not None and np.isnan(first) and watch.exists() and watch.stat().st_size:
            first = time.perf_counter() - began
        time.sleep(0.01)
    if work.returncode:
        raise SystemExit(f"{command[0]} ... failed with {work.returncode}")
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, first


def speed(video: Path, peer: Path | None, rounds: int) -> list[dict[str, object]]:
    """Time the commands in turn, so that what else the machine does falls on all alike."""
    count = sum(1 for _ in decode(video))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "o.csv"
        base = [sys.executable, "-m", "mien", "analyze", str(video), "--out", str(out)]
        commands = {"mien": base, "mien --exact": [*base, "--exact"]}
        if peer is not None:
            commands["fer"] = [str(peer), "-c", _FER, str(video)]
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                watch = out.with_name("o.csv.part") / "00000.csv" if name != "fer" else None
                found[name].append(timed(command, watch))
                out.unlink(missing_ok=True)
    result = []
    for name, times in found.items():
        wall, used, first = (statistics.median(values) for values in zip(*times, strict=True))
        result.append({
            "video": video.name, "tool": name, "frames": count, "fps": f"{count / wall:.1f}",
            "fps_per_processor": f"{count / used:.1f}", "first_row_s": f"{first:.2f}",
            "load": f"{os.getloadavg()[0]:.1f}", "rounds": rounds, "machine": describe(),
        })  # fmt: skip
    return result


def lost(folder: Path) -> Iterator[dict[str, object]]:
    """Compare following with a look at the whole of every frame, video by video."""
    detect, recogniser = CenterFace(threads=1), load_recogniser(threads=1)
    for path in sorted(p for p in folder.iterdir() if kind_of(p) == "video"):
        frames = list(decode(path))
        pictures = [frame.rgb for frame in frames]
        exact, exact_s = _clocked(lambda p=pictures: [detect(rgb) for rgb in p])
        chunks = list(_chunks((SourceFrame(f.index, f.time_s, f.rgb) for f in frames), 1))
        follow = Follower(detect)
        found, follow_s = _clocked(
            lambda c=chunks, f=follow: [
                d for part in c for d in f([x.rgb for x in part], [x.time_s or 0.0 for x in part])
            ]
        )
        pairs = list(zip(exact, found, strict=True))
        yield {
            "video": path.name, "frames": len(frames), "faces": sum(map(len, exact)),
            "lost": sum(int((~(iou(a.boxes, b.boxes) > 0.3).any(1)).sum()) for a, b in pairs),
            "besides": sum(int((~(iou(a.boxes, b.boxes) > 0.3).any(0)).sum()) for a, b in pairs),
            **_compared(pictures, pairs, recogniser),
            "ms_exact": f"{1000 * exact_s / len(frames):.1f}",
            "ms_following": f"{1000 * follow_s / len(frames):.2f}",
        }  # fmt: skip


def _clocked(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.thread_time()
    return work(), time.thread_time() - began


def _compared(
    pictures: list[NDArray[np.uint8]], pairs: list[tuple[Detections, Detections]], recogniser
) -> dict[str, object]:
    """Boxes and values of a video's one person; blank for several people, or none."""
    names = ("iou", "shake_exact", "shake_following", "values_apart", "values_r")
    if any(len(a) != 1 or len(b) != 1 for a, b in pairs):
        return dict.fromkeys(names, "")
    exact, found = (np.stack([pair[i].boxes[0] for pair in pairs]) for i in (0, 1))
    values = []
    for boxes in (exact, found):
        size, margin = recogniser.preprocessing.size, recogniser.preprocessing.margin or 0.0
        crops = [
            square_crop(rgb, box, size, margin) for rgb, box in zip(pictures, boxes, strict=True)
        ]
        predicted = recogniser.predict(np.stack(crops))
        values.append(np.concatenate([predicted[h.name] for h in predicted.heads], axis=1))
    kept = ~np.isnan(values[0]).any(0) & (values[0].std(0) > 0.02)
    one, other = (v[:, kept] for v in values)
    apart = np.abs(one - other).mean(0) / one.std(0)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, other.T, strict=True)]
    overlaps = np.diagonal(iou(exact, found))
    shakes = (f"{_shake(boxes):.4f}" for boxes in (exact, found))
    numbers = f"{np.median(overlaps):.3f}", *shakes, f"{apart.mean():.3f}", f"{np.mean(r):.3f}"
    return dict(zip(names, numbers, strict=True))


def _shake(boxes: NDArray[np.float32]) -> float:
    """Deviation of an edge from steady motion, frame to frame, in sizes of the face."""
    second = np.diff(boxes, 2, axis=0) / longer_side(boxes)[1:-1, None]
    return float(np.sqrt((second**2).mean() / 6))


def profile(video: Path) -> None:
    """Print processor time of each stage, in milliseconds a frame."""
    began = time.thread_time()
    analyzer = Analyzer(load_recogniser(threads=1))
    analyzer.detector()
    loaded = time.thread_time() - began
    chunks, decoded = _clocked(lambda: list(_chunks(frames_of(video), 1)))
    count = sum(map(len, chunks))
    seen, finding = _clocked(lambda: list(analyzer._seen(chunks, (), 0)))
    recogniser = analyzer.recogniser

    def predicted(part):
        return analyzer._predicted(recogniser, part, part.crops)

    analyzed, predicting = _clocked(
        lambda: [a for s in seen if s.crops is not None for a in predicted(s)]
    )
    width = len(header(analyzer.recogniser.heads if analyzer.recogniser else ()))
    _, writing = _clocked(lambda: [list(rows("x", a, width)) for a in analyzed])
    print(f"{video.name}: {count} frames; models {loaded:.2f} s")
    for name, seconds in (
        ("decode, to RGB", decoded),
        ("find, follow, cut out", finding),
        ("recognise", predicting),
        ("rows", writing),
    ):
        print(f"{name:24} {1000 * seconds / count:6.2f} ms a frame")


def memory(video: Path, minutes: float, size: tuple[int, int]) -> None:
    """Print anonymous memory over a long film."""
    from mien.media.encode import VideoWriter

    rate = probe(video).frame_rate or 25.0
    with tempfile.TemporaryDirectory() as folder:
        film = _looped(video, Path(folder) / "film.mp4", minutes, size, rate, VideoWriter)
        work = subprocess.Popen(
            [sys.executable, "-m", "mien", "analyze", str(film), "--out", f"{folder}/o.csv"],
            stderr=subprocess.DEVNULL,
        )
        taken = []
        while work.poll() is None:
            taken.append(_anonymous(work.pid))
            time.sleep(1)
    mebi = np.array([t for t in taken if t], float) / 1024
    third = max(1, len(mebi) // 3)
    print(describe())
    middle, last = (f"{np.median(part):.0f}" for part in (mebi[third : 2 * third], mebi[-third:]))
    print(
        f"{minutes:g} minutes of {size[0]} x {size[1]}, exit {work.returncode}: most "
        f"{mebi.max():.0f} MiB; median of the middle third {middle}, of the last {last}"
    )


def _looped(video: Path, film: Path, minutes: float, size: tuple[int, int], rate: float, writer):
    """Write the video enlarged, then copy its packets over and over."""
    import av
    from PIL import Image

    once = film.with_name("once.mp4")
    with writer(once, rate) as out:
        for frame in decode(video):
            out.write(np.asarray(Image.fromarray(frame.rgb).resize(size)), frame.time_s)
    length = sum(1 for _ in decode(once)) / rate
    with av.open(str(film), "w") as out:
        stream = None
        for turn in range(int(np.ceil(60 * minutes / length))):
            with av.open(str(once)) as source:
                track = source.streams.video[0]
                stream = stream or out.add_stream_from_template(track)
                shift = round(turn * length / track.time_base)
                for packet in source.demux(track):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        out.mux(packet)
    return film


def _anonymous(pid: int) -> int:
    """Anonymous memory of a process in KiB; 0 where it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _write(out: Path | None, found: list[dict[str, object]]) -> None:
    if out is not None:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(found[0]))
            writer.writeheader()
            writer.writerows(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "lost", "profile", "memory"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--peer-python", type=Path, help="with the package fer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if args.what == "profile":
        return profile(args.path)
    if args.what == "memory":
        width, height = map(int, args.size.split("x"))
        return memory(args.path, args.minutes, (width, height))
    found = []
    for row in (
        speed(args.path, args.peer_python, args.rounds) if args.what == "speed" else lost(args.path)
    ):
        found.append(row)
        print(row, flush=True)
    _write(args.out, found)
    return None


if __name__ == "__main__":
    main()
