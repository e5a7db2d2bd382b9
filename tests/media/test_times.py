"""Frame times of files whose stamps are missing, shuffled, start again or jump."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_files import RATE, shift, write

from mien.errors import InputError
from mien.media.decode import Frame, decode, probe
from mien.media.report import DecodeReport
from mien.media.resample import LONGEST_S, LONGEST_STATED_S, resample, uneven


def times_of(path: Path) -> tuple[np.ndarray, DecodeReport]:
    """Return the times; the frames are told to be in their order by their brightness."""
    report = DecodeReport()
    frames = list(decode(path, report))
    assert report.decoded == len(frames)
    times = np.array([frame.time_s for frame in frames])
    assert (np.diff(times) > 0).all()
    return times, report


def even(count: int) -> np.ndarray:
    return np.arange(count) / RATE


def test_a_file_with_good_times_has_nothing_to_note(tmp_path):
    times, report = times_of(write(tmp_path / "v.mp4"))
    assert times == pytest.approx(even(24), abs=1e-4)
    assert (report.stamps, report.notes) == ("as in the file", [])
    assert report.decoded_s == pytest.approx(24 / RATE, abs=1e-3)
    assert report.promised_frames == 24


@pytest.mark.parametrize(
    ("name", "codec", "assumed"),
    [("v.h264", "libx264", False), ("v.mjpeg", "mjpeg", True), ("v.m2v", "mpeg2video", False)],
)
def test_bare_streams_get_times_from_the_rate(tmp_path, name, codec, assumed):
    times, report = times_of(write(tmp_path / name, codec=codec))
    assert times == pytest.approx(even(24), abs=1e-6)
    assert (report.stamps, report.rate_assumed) == ("made from the rate", assumed)
    assert "no usable times in the file: made from 25 frames/s" in report.notes[0]
    assert next(decode(tmp_path / name)).container_time_s is None
    assert [k for k, _ in resample(decode(tmp_path / name), RATE)] == list(range(24))


def test_a_clock_that_starts_again_goes_on(tmp_path):
    part = write(tmp_path / "part.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(part + part)
    times, report = times_of(tmp_path / "twice.ts")
    assert times == pytest.approx(even(48), abs=1e-3)
    assert report.splices == pytest.approx([24 / RATE], abs=1e-3)
    assert "starts again or jumps at 1.0 s" in report.notes[-1]
    kept = {frame.index for _, frame in resample(decode(tmp_path / "twice.ts"), RATE)}
    assert len(kept) == 48


def test_a_broadcast_clock_that_jumps_goes_on(tmp_path):
    early = write(tmp_path / "a.ts").read_bytes()
    late = write(tmp_path / "b.ts", change=shift(500)).read_bytes()
    (tmp_path / "v.ts").write_bytes(early + late)
    times, report = times_of(tmp_path / "v.ts")
    assert times == pytest.approx(even(48), abs=1e-3)
    assert len(report.splices) == 1


def test_frames_reordered_in_avi_rise_evenly(tmp_path):
    times, report = times_of(write(tmp_path / "v.avi"))
    assert times == pytest.approx(even(24), abs=1e-3)
    assert report.stamps == "decoding times"
    levels = [int(frame.rgb[-1, -1].mean()) for frame in decode(tmp_path / "v.avi")]
    assert levels == sorted(levels)


def test_times_out_of_order_are_sorted(tmp_path):
    def swap(i, packet):
        step = round(Fraction(1, RATE) / packet.time_base)
        packet.pts += 2 * step + {5: step, 6: -step}.get(i, 0)

    path = write(tmp_path / "v.mkv", options={"bf": "0"}, change=swap)
    times, report = times_of(path)
    assert report.out_of_order
    assert "out of order" in report.notes[0]
    assert times[[0, 4, 7, 23]] == pytest.approx(np.array([0, 4, 7, 23]) / RATE, abs=1e-3)


def test_one_wrong_stamp_moves_nothing_else(tmp_path):
    def spike(i, packet):
        if i == 9:
            packet.pts += round(300 / packet.time_base)

    path = write(tmp_path / "v.mkv", options={"bf": "0"}, change=spike)
    times, report = times_of(path)
    assert times == pytest.approx(even(24), abs=2e-3)
    assert report.stamps == "partly made from the rate"
    assert report.notes[-1].startswith("1 frame has no usable time")


def test_times_that_all_frames_share_are_no_times(tmp_path):
    def zero(_, packet):
        packet.pts = packet.dts = 0

    times, report = times_of(write(tmp_path / "v.mkv", options={"bf": "0"}, change=zero))
    assert times == pytest.approx(even(24), abs=1e-6)
    assert report.stamps == "made from the rate"


def test_times_count_from_the_first_frame_and_the_files_own_are_kept(tmp_path):
    path = write(tmp_path / "late.mp4", change=shift(2), sound_s=3)
    frames = list(decode(path))
    assert frames[0].time_s == 0
    assert frames[0].container_time_s == pytest.approx(2, abs=1e-3)
    assert frames[5].container_time_s == pytest.approx(2 + 5 / RATE, abs=1e-3)
    info = probe(path)
    assert info.start_s == pytest.approx(2, abs=1e-3)
    assert info.duration_s == pytest.approx(24 / RATE, abs=1e-2)


def grid_of(times: list[float], fps: float, length: float = 0.04) -> list[int]:
    frames = [Frame(i, t, t + length, None) for i, t in enumerate(times)]  # type: ignore[arg-type]
    return [frame.index for _, frame in resample(frames, fps)]


def test_the_grid_shows_the_frame_on_screen():
    times = [i * 1001 / 24000 for i in range(96)]
    shown = grid_of(times, 1, 1001 / 24000)
    assert shown == [max(i for i, t in enumerate(times) if t <= k + 0.00051) for k in range(4)]
    assert grid_of([0, 0.95, 1.4, 2.6], 1) == [0, 1, 2]


def test_jitter_at_the_rate_of_the_grid_loses_no_frame():
    jitter = np.random.default_rng(0).uniform(-0.002, 0.002, 200)
    jitter[0] = 0
    assert grid_of((np.arange(200) / 30 + jitter).tolist(), 30) == list(range(200))
    assert grid_of([i * 1001 / 30000 for i in range(200)], 30) == list(range(200))


def test_a_still_lasts_as_long_as_the_file_states(tmp_path):
    def pause(i, packet):
        if i >= 12:
            shift(700)(i, packet)

    path = write(tmp_path / "still.mkv", options={"bf": "0"}, change=pause)
    times, report = times_of(path)
    assert times[[11, 12]] == pytest.approx([11 / RATE, 700 + 12 / RATE], abs=2e-3)
    assert report.damage == []
    points = [frame.index for _, frame in resample(decode(path), 1)]
    assert len(points) == 701
    assert points[1:701] == [11] * 700


def test_longer_stills_than_stated_or_than_any_are_damage():
    def held(stated: float | None, gap: float) -> list[Frame]:
        return [
            Frame(0, 0.0, 0.1, None, stated_end_s=stated),  # type: ignore[arg-type]
            Frame(1, gap, gap + 0.1, None, stated_end_s=stated),  # type: ignore[arg-type]
        ]

    assert len(list(resample(held(LONGEST_S + 9, LONGEST_S + 5), 0.1))) == 61
    for stated, gap in ((None, LONGEST_S + 5), (99.0, LONGEST_S + 5), (1e9, LONGEST_STATED_S + 5)):
        with pytest.raises(InputError, match="times are damaged"):
            list(resample(held(stated, gap), 0.1))


def test_the_last_frame_of_an_avi_lasts_as_long_as_the_others(tmp_path):
    times, report = times_of(write(tmp_path / "v.avi", codec="libx264"))
    assert report.decoded_s == pytest.approx(24 / RATE, abs=1e-6)
    assert len(list(resample(decode(tmp_path / "v.avi"), RATE))) == len(times) == 24


def test_a_frame_that_is_held_for_long_is_told(tmp_path):
    def later(_: int, packet: object) -> None:
        if packet.pts * packet.time_base >= 1:
            shift(15.0)(_, packet)

    options = {"codec": "mpeg4", "change": later, "container": "matroska"}
    _, report = times_of(write(tmp_path / "v.mkv", 50, **options))
    assert report.held_s == pytest.approx(15 + 1 / RATE, abs=1e-3)
    assert report.notes == ["one frame is shown for 15.0 s"]


@pytest.mark.parametrize(
    ("decoded", "kept", "points", "told"),
    [
        (96, 96, 120, False),  # 24 per second on a grid of 30
        (240, 119, 120, False),  # 60 per second: every other one
        (96, 60, 120, True),
        (240, 60, 120, True),
        (3, 1, 1, False),
    ],
)
def test_more_is_lost_to_a_grid_than_its_rate_explains(decoded, kept, points, told):
    notes = uneven(decoded, kept, points, 30.0)
    assert len(notes) == told
    assert all(f"{decoded - kept} of {decoded} frames" in note for note in notes)
