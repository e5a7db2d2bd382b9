"""Probing, standardising and trimming of real files whose frames say who they are."""

import csv
import json
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import mien
from mien.cli.main import main
from mien.errors import InputError
from mien.media.decode import decode
from mien.media.probing import by_rate, histogram, probe_video
from mien.media.timeline import Timeline, without

SIDE, STEP = 96, 6


def clip(path, times, tone=False):
    """A video whose frame i has brightness about 6 i on the left half, dark on the right."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIDE, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"crf": "4", "bf": "2"}
        sound = container.add_stream("aac", rate=16000, layout="mono") if tone else None
        for i, time_s in enumerate(times):
            pixels = np.zeros((48, SIDE, 3), np.uint8)
            pixels[:, : SIDE // 2] = STEP * i
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            count = int(16000 * times[-1])
            wave = np.sin(np.arange(count) / 16000 * 2 * np.pi * 440).astype(np.float32)
            wave[: count // 2] *= 0.0
            for at in range(0, count - 1024, 1024):
                frame = av.AudioFrame.from_ndarray(wave[None, at : at + 1024], "fltp", "mono")
                frame.sample_rate, frame.pts = 16000, at
                container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def shown(path):
    """Which frame of the original each frame shows, by its brightness."""
    return [round(float(f.rgb[:, : SIDE // 4].mean()) / STEP) for f in decode(path)]


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


STEADY = [i / 25 for i in range(40)]
UNEVEN = [i / 25 + 0.015 * (i % 3) for i in range(40)]


def test_a_constant_and_a_variable_rate_are_told_apart(tmp_path):
    steady = probe_video(clip(tmp_path / "a.mp4", STEADY, tone=True))
    assert (steady.frames, steady.constant, steady.audio) == (40, True, "aac 16000 Hz")
    assert steady.fps == pytest.approx(25.0, abs=0.01)
    assert steady.duration_s == pytest.approx(1.6, abs=0.002)
    uneven = probe_video(clip(tmp_path / "b.mp4", UNEVEN))
    assert uneven.constant is False
    assert (uneven.shortest_s, uneven.longest_s) == pytest.approx((0.01, 0.055), abs=1e-6)
    assert (uneven.audio, uneven.width, uneven.rotation) == (None, SIDE, 0)
    thirty = probe_video(clip(tmp_path / "c.mp4", [round(i / 29.97, 3) for i in range(30)]))
    assert thirty.constant
    assert histogram([steady, uneven, thirty])[25] >= 1
    parts = by_rate([steady, thirty])
    assert parts["30 fps"]["videos"] == 1
    assert parts["other"] == {"videos": 1, "seconds": pytest.approx(1.6, abs=0.002)}


def test_standardise_shows_at_every_point_the_frame_on_screen_then(tmp_path):
    (tmp_path / "in").mkdir()
    source = clip(tmp_path / "in" / "v.mp4", UNEVEN)
    done = mien.standardise([source], tmp_path / "out", fps=30)
    made = tmp_path / "out" / "v.mp4"
    rows = table(tmp_path / "out" / "v.times.csv")
    assert done.made == {"v.mp4": len(rows)}
    assert shown(made) == [int(row["source_frame"]) for row in rows]
    for k, row in enumerate(rows):
        on_screen = max(i for i, t in enumerate(UNEVEN) if t <= k / 30 + 0.00051)
        assert int(row["source_frame"]) == on_screen
        assert float(row["time_s"]) == pytest.approx(k / 30, abs=1e-6)
        assert float(row["source_time_s"]) == pytest.approx(UNEVEN[on_screen], abs=1e-6)
    found = probe_video(made)
    assert found.constant
    assert found.fps == pytest.approx(30, abs=0.01)
    assert mien.standardise([source], tmp_path / "out", fps=30).kept == 1


def test_trim_leaves_out_splits_and_takes_the_labels_along(tmp_path):
    source = clip(tmp_path / "video45.mp4", STEADY, tone=True)
    (tmp_path / "cuts.csv").write_text(
        "video,start_s,end_s,part,half\n"
        "video45,0.2,0.6,video45_1,\nvideo45.mp4,0.8,1.2,video45_1,\n"
        "video45,1.2,,video45_left,left\nvideo45,0.4,0.48,,\n"
    )
    (tmp_path / "video45.csv").write_text(
        "time_s,valence\n" + "".join(f"{t},{i}\n" for i, t in enumerate(STEADY))
    )
    (tmp_path / "video45.au.csv").write_text(
        "frame,AU12\n" + "".join(f"{i + 1},{i}\n" for i in range(40))
    )
    done = mien.trim(
        [source], tmp_path / "cuts.csv", tmp_path / "out", first_frame=1,
        labels=[tmp_path / "video45.csv", tmp_path / "video45.au.csv"],
    )  # fmt: skip
    out = tmp_path / "out"
    kept = [*range(5, 10), *range(12, 15), *range(20, 30)]
    assert done.made == {"video45_1.mp4": len(kept), "video45_left.mp4": 10}
    assert shown(out / "video45_1.mp4") == kept
    rows = table(out / "video45_1.csv")
    assert [int(row["valence"]) for row in rows] == kept
    assert float(rows[5]["time_s"]) == pytest.approx(0.2)
    units = table(out / "video45_1.au.csv")
    assert [(int(r["frame"]), int(r["AU12"])) for r in units] == [
        (i + 1, old) for i, old in enumerate(kept)
    ]
    left = next(decode(out / "video45_left.mp4")).rgb
    assert left.shape == (48, SIDE // 2, 3)
    with av.open(str(out / "video45_left.mp4")) as video:
        sound = np.concatenate([f.to_ndarray()[0] for f in video.decode(audio=0)])
    assert 0.25 < len(sound) / 48000 < 0.5
    assert np.abs(sound).max() > 0.3  # the second half of the original is the tone


def test_cut_lists_of_no_use_are_refused_before_anything_is_written(tmp_path, capsys):
    source = clip(tmp_path / "v.mp4", STEADY[:5])
    cuts = tmp_path / "cuts.csv"
    for text, said in [
        ("video,start_s,end_s\nw.mp4,0,1\n", "line 2: no video 'w.mp4' is given"),
        ("video,start_s\nv.mp4,0\n", "lacks the columns end_s"),
        ("video,start_s,end_s\nv.mp4,2,1\n", "2 to 1 s is no span"),
        ("video,start_s,end_s\nv.mp4,soon,1\n", "start_s='soon' is no time"),
        ("video,start_s,end_s,part\nv,0,1,../x\n", "part '../x'"),
        ("video,start_s,end_s,part\nv,0,1,a\nv,0.5,2,a\n", "begins before the one in front ends"),
        ("video,start_s,end_s,part,half\nv,0,1,a,top\n", "half='top'"),
    ]:
        cuts.write_text(text)
        code = main(["trim", str(source), "--cuts", str(cuts), "--out", str(tmp_path / "o")])
        assert (code, said in capsys.readouterr().err) == (2, True), text
    assert not (tmp_path / "o").exists()
    cuts.write_text("video,start_s,end_s\nv.mp4,0,99\n")
    assert main(["trim", str(source), "--cuts", str(cuts), "--out", str(tmp_path / "o")]) == 2
    assert "nothing of it lies in the spans" in capsys.readouterr().err
    assert list((tmp_path / "o").iterdir()) == []


def test_commands_print_json_and_a_histogram(tmp_path, capsys):
    clip(tmp_path / "a.mp4", STEADY[:10])
    (tmp_path / "b.mp4").write_bytes(b"no video")
    png = tmp_path / "rates.png"
    assert main(["probe", str(tmp_path), "--json", "--png", str(png)]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["histogram"] == {"25": 1}
    assert "b.mp4: is not a video" in said.err
    with Image.open(png) as image:
        assert image.size == (900, 420)
    with pytest.raises(InputError, match="written over"):
        mien.standardise([tmp_path / "a.mp4"], tmp_path)


spans = st.lists(st.floats(0, 100), min_size=2, max_size=12, unique=True).map(
    lambda found: list(zip(sorted(found)[::2], sorted(found)[1::2], strict=False))
)


@given(spans, st.floats(0, 120))
def test_a_time_that_stays_comes_back_and_one_that_goes_is_in_a_cut(cuts, old):
    timeline = without(cuts)
    new = timeline.new(old)
    assert (new is None) == any(start <= old < end for start, end in cuts)
    if new is not None:
        gone = sum(min(end, old) - start for start, end in cuts if start < old)
        assert new == pytest.approx(old - gone, abs=1e-6)
        if all(abs(old - end) > 1e-9 for cut in cuts for end in cut):  # else either side may be
            assert timeline.old(new) == pytest.approx(old, abs=1e-6)


def test_spans_that_overlap_are_refused():
    with pytest.raises(InputError, match="begins before"):
        Timeline(((0.0, 2.0), (1.0, 3.0)))
    with pytest.raises(InputError, match="overlaps"):
        without([(0, 2), (1, 3)])
