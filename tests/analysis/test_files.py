"""Files as people have them, through the commands: good ones keep their rows beside bad ones."""

import csv
import json
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mien.media.encode import VideoWriter
from mien.store import Store

NO_UTF8 = os.fsdecode(b"caf\xe9.mp4")


def shade(number: int) -> np.ndarray:
    return np.full((64, 80, 3), 20 + 5 * number, np.uint8)


def film(path: Path, count: int = 10) -> Path:
    """Write frames of 10 a second, of whatever name."""
    plain = path.parent / "written.mp4"
    with VideoWriter(plain, 10) as video:
        for i in range(count):
            video.write(shade(i), i / 10)
    return plain.rename(path)


def cut(path: Path) -> Path:
    """Write a Matroska file whose end is missing."""
    source = np.random.default_rng(0)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(50):
            noise = source.integers(0, 256, (48, 64, 3)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_bad_files_and_names_cost_no_other_its_rows(tmp_path, cli):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    os.mkfifo(tmp_path / "pipe.mp4")
    strange = [film(tmp_path / NO_UTF8), film(tmp_path / "new\nline.mp4", 7)]
    inputs = [bad, strange[0], tmp_path / "pipe.mp4", tmp_path / "none.mp4", strange[1]]
    done = cli("analyze", *inputs, "--out", tmp_path / "o.csv", "--json")
    assert done.code == 2
    names = [f"{tmp_path}/caf\\xe9.mp4", f"{tmp_path}/new\\nline.mp4"]
    assert [row["input"] for row in rows(tmp_path / "o.csv")] == [names[0]] * 10 + [names[1]] * 7
    summary = json.loads(done.out)
    assert [entry["decoded"] for entry in summary["inputs"]] == [0, 10, 0, 0, 7]
    assert "pipe.mp4: is not a file" in done.err
    assert "none.mp4: does not exist" in done.err

    for status in ("ingested", "skipped"):
        done = cli("ingest", *inputs, "--store", tmp_path / "s", "--fps", 10, "--json")
        assert done.code == 2, done.err
        summary = json.loads(done.out)
        assert [v["input"] for v in summary["videos"]] == names
        assert [v["frames"] for v in summary["videos"]] == [10, 7]
        assert {v["status"] for v in summary["videos"]} == {status}
        assert len(summary["failed"]) == 3
    sources = Store.open(tmp_path / "s").info.sources
    assert set(sources) == {"videos/caf\\xe9.mp4", "videos/new\\nline.mp4"}


def test_a_corpus_may_lie_in_a_folder_of_any_name(tmp_path, cli):
    folder = tmp_path / os.fsdecode(b"f\xe9")
    folder.mkdir()
    Image.new("RGB", (16, 16), (200, 0, 0)).save(folder / "a.png")
    (folder / "bad.png").write_text("no picture")
    (folder / "labels.csv").write_text("image,valence\nbad.png,1\na.png,0.5\n")
    arguments = ("import", "folder", folder, "--store", tmp_path / "s", "--corpus", "c", "--json")
    for _ in range(2):
        done = cli(*arguments)
        assert done.code == 2
        summary = json.loads(done.out)
        assert (summary["faces"], summary["rows"]) == (1, 2)
        assert list(summary["failed"]) == [f"{tmp_path}/f\\xe9/bad.png"]
    assert Store.open(tmp_path / "s").labels()["valence_arousal"][0, 0] == 0.5


def test_damage_is_said_and_refused_when_strict(tmp_path, cli):
    path, good = cut(tmp_path / "cut.mkv"), film(tmp_path / "good.mp4")
    for command, out in (("analyze", ("--out", tmp_path / "o.csv")), ("ingest", ("--store", "s"))):
        out = tuple(tmp_path / o if o == "s" else o for o in out)
        done = cli(command, path, *out)
        assert done.code == 0
        assert "cut.mkv: truncated: " in done.err
        done = cli(command, path, good, *out, "--strict", "--json")
        assert done.code == 2
        assert "error: " in done.err
        assert "truncated: " in done.err
    assert {row["input"] for row in rows(tmp_path / "o.csv")} == {str(good)}
    fresh = tmp_path / "fresh"
    assert cli("ingest", path, "--strict", "--store", fresh).code == 2
    assert not fresh.exists()


def test_pages_and_animations_have_all_their_frames(tmp_path, cli):
    first, *others = (Image.fromarray(shade(i)) for i in range(3))
    more = {"save_all": True, "append_images": others}
    first.save(tmp_path / "p.tif", **more)
    first.save(tmp_path / "a.webp", duration=200, lossless=True, **more)
    done = cli("analyze", tmp_path, "--out", tmp_path / "o.csv", "--json")
    assert done.code == 0
    found = [(Path(row["input"]).name, row["frame"], row["timestamp"])
             for row in rows(tmp_path / "o.csv")]  # fmt: skip
    assert found == [
        ("a.webp", "0", "0.000000"),
        ("a.webp", "1", "0.200000"),
        ("a.webp", "2", "0.400000"),
        ("p.tif", "0", ""),
        ("p.tif", "1", ""),
        ("p.tif", "2", ""),
    ]
    assert [entry["decoded"] for entry in json.loads(done.out)["inputs"]] == [3, 3]


def test_what_folders_hold_is_read_by_content_or_said(tmp_path, cli):
    folder = tmp_path / "f"
    (folder / "sub").mkdir(parents=True)
    film(folder / "sub" / "deep.mp4", 3)
    film(folder / "named.jpg", 4)
    Image.fromarray(shade(0)).save(folder / "photo.png")
    Image.fromarray(shade(0)).save(folder / "b.webp", save_all=True,
                                   append_images=[Image.fromarray(shade(9))])  # fmt: skip
    (folder / "notes.txt").touch()
    store = ("--store", tmp_path / "s", "--fps", 10, "--json")
    done = cli("ingest", folder, *store)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [(Path(v["input"]).name, v["decoded"]) for v in told["videos"]] == [
        ("b.webp", 2),
        ("named.jpg", 4),
    ]
    assert {Path(entry["input"]).name: entry["reason"] for entry in told["skipped"]} == {
        "notes.txt": "neither a video nor a photograph by its name",
        "photo.png": "a photograph: `mien import folder`",
        "sub": "a subfolder",
    }
    done = cli("ingest", folder, *store, "--recursive")
    assert [v["status"] for v in json.loads(done.out)["videos"]] == ["skipped"] * 2 + ["ingested"]


@pytest.mark.parametrize("command", ["analyze", "ingest"])
def test_nothing_to_read_is_an_error(tmp_path, cli, command):
    (tmp_path / "f" / "sub").mkdir(parents=True)
    out = ("--out", tmp_path / "o.csv") if command == "analyze" else ("--store", tmp_path / "s")
    done = cli(command, tmp_path / "f", *out)
    assert done.code == 2
    assert "sub: a subfolder; --recursive looks into subfolders" in done.err
    assert not (tmp_path / "s").exists()
    assert not (tmp_path / "o.csv").exists()
