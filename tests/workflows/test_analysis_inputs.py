"""What `mien analyze` takes, how it goes on after a kill, what it says of a full disk."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.errors import InputError
from mien.media.decode import decode
from mien.media.named import expanded, listed
from mien.media.sequences import is_sequence, sequence_files
from mien.workflows.analysis_part import OutputFailed, Part, writing

BOXES = ("--model", "none")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_moments_and_steps_keep_the_files_own_frames(clip, tmp_path, cli):
    out = tmp_path / "o.csv"
    words = ("analyze", clip, *BOXES, "--out", out)
    only = (*words, "--person", 1, "--end", "0.1")
    assert cli(*only).code == 0
    assert [r["success"] for r in rows(out)] == ["0"] * 3  # there is nobody but 0
    assert cli(*words, "--start", "0:01", "--end", "2.0s", "--every", "0.2s").code == 0
    found = rows(out)
    assert [r["frame"] for r in found] == ["30", "36", "42", "48", "54"]
    assert [float(r["timestamp"]) for r in found] == pytest.approx(
        [k * 1001 / 30000 for k in (30, 36, 42, 48, 54)], abs=1e-5
    )
    assert "give a time after the start" in cli(*words, "--start", 3, "--end", 2).err
    assert "give one of them" in cli(*words, "--fps", 5, "--every", 1).err
    assert "give a time as 90" in cli(*words, "--start", "soon").err


def test_numbered_pictures_are_a_film(clip, tmp_path, cli):
    for frame in decode(clip):
        if frame.index < 6 and frame.index != 3:
            Image.fromarray(frame.rgb).save(tmp_path / f"shot_{frame.index + 7:04d}.png")
    name = tmp_path / "shot_%04d.png"
    assert is_sequence(name)
    assert [number for number, _ in sequence_files(name)] == [0, 1, 2, 4, 5]
    done = cli("analyze", name, *BOXES, "--out", tmp_path / "o.csv", "--fps", 10)
    assert done.code == 0, done.err
    found = rows(tmp_path / "o.csv")
    assert [(r["frame"], float(r["timestamp"])) for r in found] == [
        ("0", 0.0), ("1", 0.1), ("2", 0.2), ("4", 0.4), ("5", 0.5),
    ]  # fmt: skip
    assert {r["face_id"] for r in found} == {"0"}
    assert (
        "no picture has such a name"
        in cli("analyze", tmp_path / "none_%d.png", *BOXES, "--out", tmp_path / "n.csv").err
    )


def test_patterns_and_lists_name_inputs(tmp_path):
    for name in ("b.mp4", "a.mp4", "c[1].mp4"):
        (tmp_path / name).touch()
    assert [p.name for p in expanded([tmp_path / "?.mp4"])] == ["a.mp4", "b.mp4"]
    assert expanded([tmp_path / "c[1].mp4"]) == [tmp_path / "c[1].mp4"]
    with pytest.raises(InputError, match=r"x\*: no file has such a name"):
        expanded([tmp_path / "x*"])
    names = tmp_path / "list.txt"
    names.write_text("# days\n\na.mp4\n  b.mp4 \n")
    assert listed(names) == [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for line, told in (("../x.mp4", "outside"), ("/etc/passwd", "outside"), ("z.mp4", "exist")):
        names.write_text(f"a.mp4\n{line}\n")
        with pytest.raises(InputError, match=f"line 2: .*{told}"):
            listed(names)


def test_a_film_comes_through_a_pipe(clip, tmp_path, monkeypatch, cli):
    piped = tmp_path / "film.mkv"
    import av

    with av.open(str(clip)) as source, av.open(str(piped), "w") as out:
        video = source.streams.video[0]
        stream = out.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)

    class Pipe:
        buffer = io.BytesIO(piped.read_bytes())

    monkeypatch.setattr(sys, "stdin", Pipe)
    done = cli("analyze", "-", *BOXES, "--out", tmp_path / "o.csv")
    assert done.code == 0, done.err
    found = rows(tmp_path / "o.csv")
    assert len(found) == 120
    assert {r["input"] for r in found} == {"-"}
    assert float(found[-1]["timestamp"]) == pytest.approx(119 * 1001 / 30000, abs=2e-3)
    Pipe.buffer = io.BytesIO(b"nothing")
    assert (
        "standard input: is not a video"
        in cli("analyze", "-", *BOXES, "--out", tmp_path / "p.csv").err
    )
    assert (
        "goes without --resume"
        in cli("analyze", "-", *BOXES, "--out", tmp_path / "p.csv", "--resume").err
    )


def test_several_processes_give_the_same_table(clip, tmp_path):
    inputs = []
    for name in ("a.mp4", "b.mp4", "bad.mp4"):
        path = tmp_path / name
        path.write_bytes(clip.read_bytes() if name != "bad.mp4" else b"no video")
        inputs.append(path)
    told = []
    one = mien.analyze(inputs, out=tmp_path / "one.csv", model=None, every=0.3)
    two = mien.analyze(
        inputs, out=tmp_path / "two.csv", model=None, every=0.3, jobs=2, say=told.append
    )
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert [e.error for e in one.inputs] == [e.error for e in two.inputs]
    assert "bad.mp4" in "\n".join(told)


def killed_and_resumed(clip: Path, folder: Path, kills: int, seed: int) -> None:
    """Kill an analysis at random moments until it is done; its table equals one in one go."""
    base = [sys.executable, "-m", "mien", "analyze", str(clip), "--out"]
    whole, out = folder / "whole.csv", folder / "out.csv"
    began = time.monotonic()
    subprocess.run([*base, str(whole)], check=True, capture_output=True)
    longest = time.monotonic() - began
    source, died = np.random.default_rng(seed), 0
    for _ in range(kills):
        work = subprocess.Popen([*base, str(out), "--resume"], stderr=subprocess.DEVNULL)
        try:
            work.wait(float(source.uniform(0.3, 0.9)) * longest)
        except subprocess.TimeoutExpired:
            work.send_signal(signal.SIGKILL)
            died += work.wait() != 0
        if out.exists():
            assert out.read_bytes() == whole.read_bytes()
            out.unlink()
    subprocess.run([*base, str(out), "--resume"], check=True, capture_output=True)
    assert died > 0
    assert out.read_bytes() == whole.read_bytes()
    assert not (folder / "out.csv.part").exists()


def test_a_killed_analysis_goes_on_to_the_same_table(clip, tmp_path):
    killed_and_resumed(clip, tmp_path, 2, 0)


@pytest.mark.slow
def test_twenty_kills_change_nothing(clip, tmp_path):
    killed_and_resumed(clip, tmp_path, 20, 1)


def test_an_overlay_is_made_anew_and_other_options_are_refused(clip, tmp_path, monkeypatch, cli):
    from mien.workflows import analysis_work

    record, out = analysis_work.Work._record, tmp_path / "o.csv"

    def stop_after_two(self, recording, summary, chunk, passed):
        record(self, recording, summary, chunk, passed)
        if passed >= 32:
            raise KeyboardInterrupt

    words = ("analyze", clip, *BOXES, "--overlay", tmp_path / "o.mp4", "--out", out)
    monkeypatch.setattr(analysis_work.Work, "_record", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        mien.analyze(clip, out=out, model=None, overlay=tmp_path / "o.mp4")
    monkeypatch.undo()
    part = tmp_path / "o.csv.part"
    assert len((part / "00000.csv").read_text().splitlines()) == 32
    assert "was begun with other options" in cli(*words, "--every", 1, "--resume").err
    assert cli(*words, "--resume").code == 0
    assert len(rows(out)) == 120
    assert len(list(decode(tmp_path / "o.mp4"))) == 120
    assert not part.exists()


def test_rows_without_a_line_that_counts_them_are_cut(tmp_path):
    with Part.opened(tmp_path / "p", {"a": 1}, False) as part:
        with part.recording(0, part.progressed(0)) as recording:
            recording.add("one\n", 16, ["x"], {"rows": 1})
            recording.add("two\n", 32, ["y"], {"rows": 2})
        with part.rows(0).open("a") as file:
            file.write("thr")
        with (part.folder / "00000.jsonl").open("a") as file:
            file.write('{"frames": 48, "off')
    with Part.opened(tmp_path / "p", {"a": 1}, True) as part:
        since = part.progressed(0)
        assert (since.frames, since.looks, since.counts) == (32, ["x", "y"], {"rows": 2})
        with part.recording(0, since) as recording:
            recording.add("three\n", 48, ["z"], {"rows": 3})
        assert part.rows(0).read_text() == "one\ntwo\nthree\n"
        assert part.progressed(0).frames == 48
        with pytest.raises(InputError, match="another process"):
            Part.opened(tmp_path / "p", {"a": 1}, True).__enter__()
    with pytest.raises(InputError, match="begun with other a"):
        Part.opened(tmp_path / "p", {"a": 2}, True).__enter__()
    with Part.opened(tmp_path / "p", {"a": 2}, False) as part:
        assert part.progressed(0).frames == 0


def test_a_full_disk_is_one_line_and_no_inputs_fault(clip, tmp_path, monkeypatch, cli):
    told = "x: cannot be written: No space left"
    with pytest.raises(OutputFailed, match=told), writing(Path("x")):
        Path("/dev/full").write_text("a")
    from mien.workflows import analysis_part

    def full(self, *record):
        with writing(self._folder):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(analysis_part.Recording, "add", full)
    done = cli("analyze", clip, clip, *BOXES, "--out", tmp_path / "o.csv")
    assert done.code == 2
    assert "o.csv.part: cannot be written: No space left on device" in done.err
    assert done.err.count("error:") == 1
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_one_line(clip, tmp_path, cli):
    tmp_path.chmod(0o500)
    done = cli("analyze", clip, *BOXES, "--out", tmp_path / "o.csv")
    tmp_path.chmod(0o700)
    assert done.code == 2
    assert "cannot be written: Permission denied" in done.err
