import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from conftest import draw_face
from mien.analysis.analyze import CHUNK, Analyzer, SourceFrame, frames_of
from mien.analysis.overlay import draw
from mien.errors import InputError
from mien.media.decode import decode, probe
from mien.workflows.models import load_recogniser

FRONT = ["input", "frame", "timestamp", "face_id", "success", "confidence", "status"]
FRONT += ["x0", "y0", "x1", "y1"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def blank_then(clip: Path, folder: Path) -> Path:
    """Write a video whose first five frames hold no face and the next five the clip's."""
    from mien.media.encode import VideoWriter

    path = folder / "late.mp4"
    with VideoWriter(path) as video:
        for i in range(5):
            video.write(np.full((144, 176, 3), 90, np.uint8), i / 25)
        for frame in decode(clip):
            if frame.index < 5:
                video.write(frame.rgb, (5 + frame.index) / 25)
    return path


def test_one_row_per_frame_face_or_no_face(clip, run_folder, tmp_path, cli):
    video, out = blank_then(clip, tmp_path), tmp_path / "out.csv"
    result = cli("analyze", video, "--model", run_folder, "--out", out, "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["inputs"][0]["frames_with_face"] == 5
    rows = table(out)
    assert list(rows[0])[:11] == FRONT
    assert [row["frame"] for row in rows] == [str(i) for i in range(10)]
    assert [row["success"] for row in rows] == ["0"] * 5 + ["1"] * 5
    assert float(rows[7]["timestamp"]) == pytest.approx(7 / 25, abs=1e-4)
    empty, full = rows[2], rows[8]
    assert all(empty[name] == "" for name in list(empty)[7:])
    assert [row["status"] for row in rows] == ["no face"] * 5 + ["face"] * 5
    assert full["face_id"] == "0"
    assert 0 <= float(full["AU12_p"]) <= 1
    assert full["AU12_c"] == str(int(float(full["AU12_p"]) >= 0.5))
    assert -3 < float(full["valence"]) < 3
    units = ("AU01", "AU02", "AU04", "AU06", "AU12", "AU15", "AU20", "AU25")
    affect = ["valence", "arousal", *(f"{unit}_{kind}" for unit in units for kind in "pc")]
    names = ["neutral", "happiness", "sadness"]
    assert list(full) == [*FRONT, *affect, "expression", *names]  # the model's heads
    assert full["AU01_p"] == ""  # never learned
    assert full["expression"] == max(names, key=lambda n: float(full[n]))
    assert sum(float(full[n]) for n in names) == pytest.approx(1, abs=1e-3)


def test_overlay_and_report(clip, run_folder, tmp_path, cli):
    video = blank_then(clip, tmp_path)
    overlay, report = tmp_path / "seen.mp4", tmp_path / "seen.html"
    result = cli(
        *("analyze", video, "--model", run_folder, "--out", tmp_path / "o.csv"),
        *("--overlay", overlay, "--report", report),
    )
    assert result.code == 0, result.err
    frames = list(decode(overlay))
    assert len(frames) == 10
    assert frames[7].time_s == pytest.approx(7 / 25, abs=1e-3)
    assert probe(overlay).height >= 480  # small videos are enlarged so that the text can be read
    page = report.read_text(encoding="utf-8")
    assert "AU12 lip corner puller" in page
    assert "10 frames, 5 with a face" in page
    assert "<script src" not in page
    assert "<link" not in page


def test_the_overlay_draws_box_circle_and_words(clip, run_folder):
    recogniser = load_recogniser(run_folder, "last")
    analyzed = next(iter(Analyzer(recogniser).analyze(frames_of(clip))))
    picture = draw(analyzed)
    assert picture.shape == (576, 772, 3)  # shown with square pixels, four times as large
    x0, y0, x1, _ = (analyzed.found.boxes[0] * 4).astype(int)
    line = picture[y0 + 1, (x0 + x1) // 2]
    assert line[2] > 180  # the box, in its light blue
    assert (picture[10:60, 10:60] != np.asarray(draw_plain(clip))[10:60, 10:60]).any()


def draw_plain(clip: Path) -> Image.Image:
    return Image.fromarray(next(decode(clip)).rgb).resize((772, 576), Image.Resampling.BICUBIC)


def test_photographs_folders_and_bad_files_together(clip, run_folder, tmp_path, cli):
    folder = tmp_path / "in"
    folder.mkdir()
    face = Image.fromarray(next(decode(clip)).rgb)
    wide = Image.new("RGB", (2 * face.width, face.height))
    wide.paste(face, (0, 0))
    wide.paste(face, (face.width, 0))
    wide.save(folder / "two.png")
    Image.new("RGB", (100, 80)).save(folder / "none.png")
    (folder / "broken.jpg").write_bytes(b"no")
    (folder / "notes.txt").write_text("not looked at")
    out, report = tmp_path / "o.csv", tmp_path / "o.html"
    result = cli(
        *("analyze", folder, "--model", run_folder, "--out", out, "--report", report, "--json")
    )
    assert result.code == 2
    assert "broken.jpg" in result.err
    summary = json.loads(result.out)
    assert summary["failed"] == 1
    assert [Path(entry["input"]).name for entry in summary["inputs"]] == [
        "broken.jpg",
        "none.png",
        "two.png",
    ]
    rows = table(out)
    assert [(Path(r["input"]).name, r["success"]) for r in rows] == [
        ("none.png", "0"),
        ("two.png", "1"),
        ("two.png", "1"),
    ]
    assert [r["timestamp"] for r in rows] == ["", "", ""]
    assert {rows[1]["face_id"], rows[2]["face_id"]} == {"0", "1"}
    assert "2 faces" in report.read_text(encoding="utf-8")


def test_crops_are_taken_whole_one_row_each(run_folder, tmp_path, cli):
    folder = tmp_path / "crops"
    folder.mkdir()
    for i, smile in enumerate((-0.8, 0.0, 0.8)):
        draw_face(smile, 200).save(folder / f"{i}.png")
    out = tmp_path / "o.csv"
    words = ("analyze", "--crops", folder, "--model", run_folder, "--out", out)
    assert cli(*words).code == 0
    rows = table(out)
    assert [Path(r["input"]).name for r in rows] == ["0.png", "1.png", "2.png"]
    assert all(r["success"] == "1" and r["confidence"] == "" for r in rows)
    assert (rows[0]["x1"], rows[0]["y1"]) == ("48.00", "48.00")
    assert len({r["AU12_p"] for r in rows}) == 3
    first = out.read_bytes()
    unused = ("--fps", 10, "--min-face", 30, "--end", 1, "--person", 1, "--exact", "--no-faces")
    told = cli(*words, *unused).err
    for option in ("--fps", "--min-face", "--end", "--person", "--exact"):
        assert f"{option} has no effect with --crops" in told
    assert "--no-faces has no effect without --report" in told
    assert out.read_bytes() == first


def test_without_a_model_there_are_boxes_only(clip, tmp_path, cli):
    out, report = tmp_path / "o.csv", tmp_path / "o.html"
    result = cli("analyze", clip, "--out", out, "--fps", 10, "--model", "none", "--report", report)
    assert result.code == 0
    rows = table(out)
    assert len(rows) == 40
    assert list(rows[0]) == FRONT
    assert all(r["success"] == "1" and r["x1"] for r in rows)
    assert "boxes only" in report.read_text(encoding="utf-8")


def test_a_truncated_video_adds_no_row_and_the_rest_goes_on(clip, tmp_path, cli):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:-2000])
    out = tmp_path / "o.csv"
    result = cli("analyze", cut, clip, "--out", out)
    assert result.code == 2
    assert str(cut) in result.err
    assert {r["input"] for r in table(out)} == {str(clip)}


def test_nothing_readable_writes_nothing(tmp_path, cli):
    (tmp_path / "a.mp4").write_bytes(b"")
    result = cli("analyze", tmp_path / "a.mp4", "--out", tmp_path / "o.csv")
    assert result.code == 2
    assert "is empty" in result.err
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("name at least one", ["--out", "o.csv"]),
        ("--overlay takes exactly one video", ["a.png", "--out", "o.csv", "--overlay", "o.mp4"]),
        ("should end in .html", ["a.mp4", "--out", "o.csv", "--report", "o.pdf"]),
        ("unknown detector", ["a.mp4", "--out", "o.csv", "--detector", "centreface"]),
        ("--crops needs --model", ["--crops", ".", "--model", "none", "--out", "o.csv"]),
        ("not a run", ["a.mp4", "--out", "o.csv", "--model", "."]),
        ("neither a run, nor a model", ["a.mp4", "--out", "o.csv", "--model", "joint-3"]),
        (
            "--margin goes without",
            ["--crops", ".", "--model", "m", "--margin", "1", "--out", "o.csv"],
        ),
        ("does not exist", ["a.mp4", "--out", "none/o.csv"]),
        ("is asked for twice", ["a.mp4", "--out", "o.csv", "--summary", "o.csv"]),
        ("is asked for twice", ["a.mp4", "--out", "o.csv", "--summary", "o.csv.json"]),
    ],
)
def test_requests_that_do_not_fit(words, arguments, tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    result = cli("analyze", *arguments)
    assert result.code == 2
    assert words in result.err
    assert list(tmp_path.iterdir()) == []


def test_memory_stays_bounded_whatever_the_length():
    """At no time are more than a few chunks of frames alive."""
    import gc
    import weakref

    alive: list[weakref.ref] = []
    most = 0

    def endless(n: int):
        nonlocal most
        for i in range(n):
            rgb = np.zeros((64, 64, 3), np.uint8)
            alive.append(weakref.ref(rgb))
            yield SourceFrame(i, i / 30, rgb)
            del rgb
            if i % 10 == 0:
                gc.collect()
                most = max(most, sum(ref() is not None for ref in alive))

    assert sum(1 for _ in Analyzer(None).analyze(endless(300))) == 300
    assert 0 < most <= 7 * CHUNK


def test_nobody_is_followed_from_a_page_to_the_next(clip, tmp_path, cli):
    face = Image.fromarray(next(decode(clip)).rgb)
    face.save(tmp_path / "album.tif", save_all=True, append_images=[face])
    assert cli("analyze", tmp_path / "album.tif", "--out", tmp_path / "o.csv").code == 0
    assert [row["face_id"] for row in table(tmp_path / "o.csv")] == ["0", "1"]


def test_an_older_table_is_not_taken_for_the_new_one(tmp_path, cli):
    (tmp_path / "a.mp4").write_bytes(b"")
    out = tmp_path / "o.csv"
    out.write_text("older")
    result = cli("analyze", tmp_path / "a.mp4", "--out", out)
    assert result.code == 2
    assert result.out == ""
    assert "o.csv: was not written, no input could be read; the older file" in result.err
    assert out.read_text() == "older"
    with pytest.raises(InputError, match="was not written"):
        _ = mien.analyze(tmp_path / "a.mp4", out=out).table


def test_a_file_may_be_called_na(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("NA").write_bytes(clip.read_bytes())
    done = mien.analyze("NA", out="o.csv", fps=1)
    assert set(done.table["input"].to_pylist()) == {"NA"}


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyboardInterrupt()])
def test_one_input_costs_no_other_its_rows(clip, tmp_path, monkeypatch, error):
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / name).write_bytes(clip.read_bytes())
    chunks, calls = Analyzer.chunks, 0

    def fail_in_the_second(self, frames, known=(), done=0):
        nonlocal calls
        calls += 1
        for i, chunk in enumerate(chunks(self, frames, known, done)):
            if calls == 2 and i == 1:
                raise error
            yield chunk

    monkeypatch.setattr(Analyzer, "chunks", fail_in_the_second)
    inputs, out, told = [tmp_path / f"{name}.mp4" for name in "abc"], tmp_path / "o.csv", []
    if isinstance(error, Exception):
        done = mien.analyze(inputs, out=out, fps=5, say=told.append)
        assert [Path(e.input).name for e in done.failed] == ["b.mp4"]
        assert "b.mp4: RuntimeError: odd" in "\n".join(told)
        assert {Path(row["input"]).name for row in table(out)} == {"a.mp4", "c.mp4"}
        assert not (tmp_path / "o.csv.part").exists()
        return
    with pytest.raises(KeyboardInterrupt):
        mien.analyze(inputs, out=out, fps=5, say=told.append)
    assert not out.exists()
    assert "o.csv.part: keeps what is done; the same command with --resume goes on" in told[-1]
    whole = mien.analyze(inputs, out=tmp_path / "whole.csv", fps=5)
    assert calls == 5
    assert mien.analyze(inputs, out=out, fps=5, resume=True).inputs == whole.inputs
    assert calls == 7  # the first was done
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not (tmp_path / "o.csv.part").exists()
