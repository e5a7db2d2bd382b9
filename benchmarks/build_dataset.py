"""From links to a folder that could be published: the chain of docs/datasets.md, on actors.

run: python benchmarks/build_dataset.py --out DIR [--people 6] [--seconds 5]
     python benchmarks/build_dataset.py --out DIR --cast FILMS

Films of people who do not exist are put on a server of this machine; everything after that is a
`mien` command, printed with what it said and how long it took (DIR/transcript.txt): download,
probe, standardise, trim, ingest, labels, split, check, statistics, card, export, and the export
read back.
FILMS: of an earlier `mien actors`, one person in each.
Needs the extras actors, download, export and report.
"""

import argparse
import csv
import json
import shlex
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from machine import describe
from mien.cli.main import COMMANDS
from mien.media.decode import probe
from mien.store import Store

UNITS = (1, 2, 4, 6, 12, 15, 20, 25)
SEEN = 1.0
"""Intensity of the truth from which a unit counts as present."""
INTRO_S, OUTRO_S = 0.5, 0.4


class Chain:
    """Runs commands in a folder, and keeps what they said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds = folder, {}
        self._transcript = (folder / "transcript.txt").open("a", encoding="utf-8")

    def say(self, text: str) -> None:
        print(text, flush=True)
        self._transcript.write(text + "\n")
        self._transcript.flush()

    def __call__(self, *words: str, may_find: bool = False) -> str:
        """Run a command; returns what it printed. may_find: exit code 1 is an answer, too."""
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "mien", *words],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        took = time.perf_counter() - started
        name = " ".join(words[:2] if words[0] in ("download", "export", "labels") else words[:1])
        self.seconds[name] = self.seconds.get(name, 0.0) + took
        self.say(f"\n$ mien {shlex.join(words)}\n{done.stderr}{done.stdout}".rstrip())
        self.say(f"[{took:.1f} s, exit code {done.returncode}]")
        if done.returncode not in ((0, 1) if may_find else (0,)):
            raise SystemExit(f"mien {words[0]}: exit code {done.returncode}")
        return done.stdout


class Quiet(SimpleHTTPRequestHandler):
    """A server that writes no log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(folder: Path) -> ThreadingHTTPServer:
    """Serve a folder on this machine, at a port that is free."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def write_rows(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def write_cuts(path: Path, videos: list[Path]) -> None:
    """Write a cut list: the intro and the outro go; the first video becomes two scenes."""
    rows: list[list[object]] = []
    for i, video in enumerate(videos):
        seconds = probe(video).duration_s or 0.0
        middle = round(seconds / 2, 3)
        end = f"{seconds - OUTRO_S:g}"
        if i == 0:
            rows += [[video.name, f"{INTRO_S:g}", f"{middle:g}", f"{video.stem}_1", ""],
                     [video.name, f"{middle:g}", end, f"{video.stem}_2", ""]]  # fmt: skip
        else:
            rows += [[video.name, "0", f"{INTRO_S:g}", "", ""], [video.name, end, "999", "", ""]]
    write_rows(path, ["video", "start_s", "end_s", "part", "half"], rows)


def write_units(folder: Path, cast: Path, even: Path) -> list[str]:
    """Write the truth of each video as a table by its new times, by the time map beside it."""
    truth = pq.read_table(cast / "truth.parquet")
    written = []
    for video in sorted(even.glob("*.mp4")):
        mine = truth.filter(pc.equal(truth["video"], video.name))
        times = np.unique(mine["time_s"].to_numpy())
        with (even / f"{video.stem}.times.csv").open(encoding="utf-8") as file:
            frames = list(csv.DictReader(file))
        shown = [float(frame["source_time_s"]) for frame in frames]
        at = np.abs(times[None] - np.array(shown)[:, None]).argmin(1)
        place = {t: i for i, t in enumerate(mine["time_s"].to_pylist())}
        rows = [place[times[i]] for i in at]
        units = [np.asarray(mine[f"AU{unit}"])[rows] >= SEEN for unit in UNITS]
        names = np.array(mine["expression"].to_pylist())[rows]
        table = [
            [frame["time_s"], *(int(unit[i]) for unit in units), names[i]]
            for i, frame in enumerate(frames)
        ]
        path = folder / f"{video.stem}.units.csv"
        write_rows(path, ["time_s", *(f"AU{unit}" for unit in UNITS), "expression"], table)
        written.append(str(path.relative_to(folder.parent)))
    return written


def join_units(folder: Path, target: Path) -> None:
    """Put the tables of all trimmed videos into one, which names them."""
    rows: list[list[object]] = []
    header: list[str] = []
    for path in sorted(folder.glob("*.units.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = list(csv.reader(file))
        rows += [[f"{path.name.split('.')[0]}.mp4", *line] for line in lines]
    write_rows(target, ["video", *header], rows)


def state_people(store: Path, names: list[str]) -> None:
    """State in subjects.csv who is who, as somebody who looked would: by the films' names."""
    sexes = ("female", "male")
    rows = []
    for name in names:
        actor = name.partition("/")[2].partition("_")[0]
        rows.append([name, actor, sexes[int(actor[-3:]) % 2], "", "yes", "yes", "", ""])
    header = ["id", "person", "sex", "age", "research", "publication", "until", "notes"]
    write_rows(store / "subjects.csv", header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--cast", type=Path, metavar="FILMS")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    run = Chain(args.out.resolve())
    root = run.folder
    run.say(describe())
    cast = args.cast.resolve() if args.cast else root / "web"
    if args.cast is None:
        run("actors", "--out", "web", "--people", str(args.people), "--videos-per-person", "1",
            "--seconds", str(args.seconds), "--size", "480x360", "--raters", "1", "--seed", "2",
            "--workers", "2")  # fmt: skip
    server = serve(cast)
    place = f"127.0.0.1:{server.server_address[1]}"
    films = sorted(cast.glob("*.mp4"))
    links = [f"http://{place}/{film.name} {film.stem}" for film in films]
    (root / "links.txt").write_text("\n".join([*links, f"http://{place}/gone.mp4 gone"]) + "\n")
    run("download", "videos", "links.txt", "--out", "downloaded", "--allow-address", place)
    server.shutdown()
    prepare(run, cast)
    label(run)
    publish(run)
    run.say("\n" + "\n".join(f"{name:<18} {took:7.1f} s" for name, took in run.seconds.items()))


def prepare(run: Chain, cast: Path) -> None:
    """Downloaded videos to a store."""
    root = run.folder
    run("probe", "downloaded", "--png", "rates.png")
    run("standardise", "downloaded", "--out", "even")
    (root / "labels").mkdir(exist_ok=True)
    write_cuts(root / "cuts.csv", sorted((root / "even").glob("*.mp4")))
    units = write_units(root / "labels", cast, root / "even")
    for path in sorted((cast / "annotators").glob("*.r00.va.csv")):
        shutil.copy(path, root / "labels")
    traces = [f"labels/{path.name}" for path in sorted((root / "labels").glob("*.va.csv"))]
    run("trim", "even", "--cuts", "cuts.csv", "--out", "trimmed", "--labels", *traces, *units)
    run("ingest", "trimmed", "--store", "faces", "--size", "96", "--fps", "10")
    run("ingest", "trimmed", "--store", "faces", "--fps", "10")  # nothing left to do


def label(run: Chain) -> None:
    """Labels and people into the store, and a split of it."""
    root = run.folder
    traces = [f"trimmed/{p.name}" for p in sorted((root / "trimmed").glob("*.va.csv"))]
    run("labels", "add", "faces", *traces, "--layer", "rater0", "--format", "traces")
    join_units(root / "trimmed", root / "units.csv")
    run("labels", "add", "faces", "units.csv", "--layer", "units")
    run("labels", "list", "faces")
    state_people(root / "faces", sorted(Store.open(root / "faces").ids().used()))
    run("split", "faces", "--ratios", "0.5,0.25,0.25", "--procedure", "stratified")
    run("check", "faces", "--out", "findings", may_find=True)


def publish(run: Chain) -> None:
    """Pages, card and export; and the export read back, which must hold the same labels."""
    run("stats", "faces", "--html", "statistics.html")
    run("stats", "faces")
    if "card" in COMMANDS:
        run("card", "faces", "--out", "card.md")
    for form in ("huggingface", "thesis"):
        run("export", "store", "faces", "--format", form, "--out", f"published-{form}",
            "--for", "publication", "--pseudonymous")  # fmt: skip
    run("export", "store", "faces", "--format", "folder", "--out", "copy")
    run("import", "mien-folder", "copy", "--store", "back")
    same = [json.loads(run("stats", name, "--json")) for name in ("faces", "back")]
    heads = [found["heads"] for found in same]
    run.say(f"read back: {'the same labels' if heads[0] == heads[1] else 'OTHER LABELS'}")


if __name__ == "__main__":
    main()
