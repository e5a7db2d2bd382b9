"""Any frame by its number: the one that `decode` gives that number, with its time."""

import json
import os
import random
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_files import set_matrix, write

from mien.errors import InputError
from mien.media.decode import decode
from mien.media.exact import CACHE_BYTES, ExactFrames, FrameList
from mien.media.prepare import prepare
from numbered import read_number, uneven_ticks, write_numbered

T = Fraction(1, 600)
FILMS: dict[str, dict[str, Any]] = {
    "24.mp4": {"ticks": [25 * n for n in range(90)]},
    "30-b.mp4": {"ticks": [20 * n for n in range(90)], "b_frames": 3},
    "30-b-short.mp4": {"ticks": [20 * n for n in range(90)], "b_frames": 2, "group": 24},
    "120-short.mp4": {"ticks": [5 * n for n in range(90)], "group": 30},
    "uneven-b.mp4": {"ticks": uneven_ticks(90), "b_frames": 3},
    "uneven-b.mkv": {"ticks": uneven_ticks(90), "b_frames": 3},
    "uneven-b-short.mp4": {"ticks": uneven_ticks(90, 1), "b_frames": 2, "group": 20},
    "uneven-b-short.mkv": {"ticks": uneven_ticks(90, 1), "b_frames": 2, "group": 20},
}


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_reason_to_copy(monkeypatch):
    monkeypatch.setattr("mien.media.prepare._QUICK_S", 60)


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_is_the_one_of_its_number_and_time(tmp_path, name):
    film = write_numbered(tmp_path / name, time_base=T, **FILMS[name])
    frames = prepare(film, tmp_path / "frames")
    count = len(FILMS[name]["ticks"])
    told = [(frame.time_s, frame.until_s) for frame in decode(film)]
    assert frames.times == [time_s for time_s, _ in told]
    assert frames.end_s == told[-1][1]
    if name.endswith("mp4"):  # Matroska rounds to milliseconds
        assert frames.times == pytest.approx([float(t * T) for t in FILMS[name]["ticks"]])
    copied = frames.listed.file == "frames.mp4"
    assert copied == (FILMS[name].get("group", 250) > 36)
    order = list(range(count))
    random.Random(0).shuffle(order)
    assert [read_number(frames.rgb(n)) for n in order] == order
    for wrong in (-1, count):
        with pytest.raises(IndexError):
            frames.jpeg(wrong)
    frames.close()
    assert read_number(frames.rgb(count - 1)) == count - 1  # opened again


def test_a_turned_picture_is_upright_and_pixels_are_square(tmp_path):
    turned = write_numbered(tmp_path / "turned.mp4", [20 * n for n in range(20)], group=10)
    set_matrix(turned, 0, 1, -1, 0)
    frames = prepare(turned, tmp_path / "turned")
    assert frames.size == (90, 160)
    assert frames.listed.file == str(turned)
    wanted = [frame.rgb for frame in decode(turned)]
    assert all(np.array_equal(frames.rgb(n), rgb) for n, rgb in enumerate(wanted))
    wide = write(tmp_path / "wide.mp4", aspect=Fraction(13, 12))
    frames = prepare(wide, tmp_path / "wide")
    assert frames.size == next(decode(wide)).rgb.shape[1::-1] == (69, 48)
    odd = write(tmp_path / "odd.mp4", 40, aspect=Fraction(13, 12), options={"g": "99"})
    frames = prepare(odd, tmp_path / "odd")
    assert frames.listed.file == "frames.mp4"
    for frame in decode(odd):
        assert frames.rgb(frame.index).shape == (48, 69, 3)
        assert abs(frames.rgb(frame.index).astype(int) - frame.rgb).mean() < 4


def test_damage_does_not_shift_numbers(tmp_path):
    film = write(tmp_path / "film.mp4", 48, change=lambda i, packet: i not in (17, 18, 30))
    frames = prepare(film, tmp_path / "frames")
    told = list(decode(film))
    assert frames.times == [frame.time_s for frame in told]
    for n, frame in enumerate(told):
        assert abs(frames.rgb(n).astype(int) - frame.rgb).mean() < 4


def test_a_copy_is_made_once_and_anew_when_the_video_changes(tmp_path):
    film, folder = tmp_path / "film.mp4", tmp_path / "frames"
    write_numbered(film, [20 * n for n in range(50)])
    told = []
    prepare(film, folder, progress=lambda done, total, note="": told.append((done, total, note)))
    assert told[-1] == (50, 50, "frames copied")
    before = (folder / "frames.mp4").stat().st_mtime_ns
    prepare(film, folder)
    assert (folder / "frames.mp4").stat().st_mtime_ns == before
    write_numbered(film, [20 * n for n in range(30)], group=10)
    frames = prepare(film, folder)
    assert len(frames.times) == 30
    assert {path.name for path in folder.iterdir()} == {"frames.json"}
    os.utime(film, (1, 1))
    with pytest.raises(InputError, match=r"film\.mp4: is gone, or has changed"):
        ExactFrames(folder)


def test_what_is_no_video_leaves_nothing_and_a_damaged_list_is_said(tmp_path):
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"notes\.mp4"):
        prepare(tmp_path / "notes.mp4", tmp_path / "frames")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.mp4"]
    film = write_numbered(tmp_path / "film.mp4", [20 * n for n in range(10)], group=5)
    prepare(film, tmp_path / "frames")
    path = tmp_path / "frames" / "frames.json"
    whole = json.loads(path.read_text())
    for text in ("", "[]", "{}", json.dumps(whole | {"extra": 1}), json.dumps(whole)[:-20]):
        path.write_text(text)
        with pytest.raises(InputError, match=r"frames\.json: cannot be read; remove its folder"):
            ExactFrames(tmp_path / "frames")


def test_a_list_that_does_not_fit_the_file_is_an_error_not_another_frame(tmp_path):
    film = write_numbered(tmp_path / "film.mp4", [20 * n for n in range(30)], group=10)
    prepare(film, tmp_path / "frames")
    path = tmp_path / "frames" / "frames.json"
    listed = json.loads(path.read_text())
    listed["ticks"][12] += 1
    path.write_text(json.dumps(listed))
    frames = ExactFrames(tmp_path / "frames")
    assert read_number(frames.rgb(9)) == 9
    with pytest.raises(InputError, match="frames 10 to 19 are not as listed"):
        frames.rgb(11)


def test_threads_share_a_video_and_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("mien.media.exact.CACHE_BYTES", 750_000)
    film = write_numbered(tmp_path / "film.mp4", [20 * n for n in range(120)])
    frames = prepare(film, tmp_path / "frames")
    wrong = []

    def look(seed: int) -> None:
        for n in random.Random(seed).choices(range(120), k=25):
            if read_number(frames.rgb(n)) != n:
                wrong.append(n)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    kept = sum(map(len, frames._groups.values()))
    assert kept * 160 * 90 * 1.5 <= 750_000
    assert CACHE_BYTES <= 100 * 2**20


def test_sound_begins_with_the_first_frame(tmp_path):
    silent = write(tmp_path / "silent.mp4")
    assert prepare(silent, tmp_path / "a").sound is None
    film = write(tmp_path / "film.mp4", 50, sound_s=2.0)
    sound = prepare(film, tmp_path / "b").sound
    assert sound is not None
    with av.open(str(sound)) as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        decoded = list(container.decode(audio=0))
        assert decoded[0].time == pytest.approx(0, abs=0.01)
        end = decoded[-1].time + decoded[-1].samples / decoded[-1].sample_rate
        assert end == pytest.approx(2.0, abs=0.05)


@pytest.mark.slow
def test_any_frame_of_half_an_hour_is_there_in_a_quarter_second(tmp_path):
    """720p, 30 frames a second, 30 minutes: the copy of 20 s, 90 times one after the other."""
    film = write_numbered(tmp_path / "film.mp4", [20 * n for n in range(600)], size=(1280, 720))
    prepare(film, tmp_path / "frames").close()
    frames = _repeated(tmp_path / "frames", 90)
    assert len(frames.times) == 54_000
    took = []
    for n in random.Random(0).sample(range(54_000), 200):
        began = time.perf_counter()
        frames.jpeg(n)
        took.append(time.perf_counter() - began)
        assert read_number(frames.rgb(n)) == n % 600
    told = np.percentile(took, [50, 95]) * 1000
    print(f"\nframes of 30 minutes: {told[0]:.0f} ms, {told[1]:.0f} ms at the 95th percentile")
    assert told[1] < 250


def _repeated(folder: Path, times: int) -> ExactFrames:
    """Join a copy to itself, so that it is long and cost little to make."""
    whole = FrameList.read(folder)
    short, step = folder / "short.mp4", whole.ticks[1]
    (folder / "frames.mp4").rename(short)
    with av.open(str(folder / "frames.mp4"), "w") as output:
        track = None
        for turn in range(times):
            with av.open(str(short)) as source:
                stream = source.streams.video[0]
                track = track or output.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.size:
                        shift = turn * len(whole.times) * step
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = track
                        output.mux(packet)
    count = times * len(whole.times)
    replace(
        whole,
        ticks=[n * step for n in range(count)],
        keys=list(range(0, count, 12)),
        times=[n / 30 for n in range(count)],
    ).write(folder)
    return ExactFrames(folder)
