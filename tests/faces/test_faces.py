import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien.errors import InputError
from mien.faces import DETECTORS, TRACKERS
from mien.faces.boxes import iou, suppress
from mien.faces.crop import square_crop
from mien.faces.detection import Detections
from mien.faces.ingest import Ingester, IngestSettings
from mien.faces.journal import DetectionJournal
from mien.faces.tracking import IouTracker, NearestCentreTracker
from mien.media.decode import decode
from mien.store import Store


def boxes(*rows: tuple[float, float, float, float]) -> Detections:
    values = np.array(rows, np.float32).reshape(-1, 4)
    return Detections(values, np.linspace(0.9, 0.5, len(rows)).astype(np.float32))


def at(x: float, y: float = 0, side: float = 10) -> tuple[float, float, float, float]:
    return (x, y, x + side, y + side)


def test_overlap_by_hand():
    a, b = boxes(at(0)).boxes, boxes(at(5), at(20), at(0)).boxes
    assert iou(a, b)[0].tolist() == pytest.approx([50 / 150, 0, 1])


def test_the_stronger_of_two_overlapping_boxes_stays():
    found = np.stack([at(0), at(1), at(50)]).astype(np.float32)
    assert suppress(found, np.array([0.5, 0.9, 0.7], np.float32), 0.3).tolist() == [1, 2]


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_finds_a_real_face_and_none_in_noise(name, clip):
    detect = DETECTORS[name]()
    frame = next(decode(clip)).rgb
    found = detect(frame)
    assert len(found) == 1
    assert found.confidence[0] > 0.5
    x0, y0, x1, y1 = found.boxes[0]
    assert 0 <= x0 < 88 < x1 <= 176
    assert 0 <= y0 < y1 <= 144
    noise = np.random.default_rng(0).integers(0, 255, (144, 176, 3), np.uint8)
    assert len(detect(noise)) == 0
    larger = np.repeat(np.repeat(frame, 3, 0), 3, 1)
    assert iou(detect(larger).boxes / 3, found.boxes).max() > 0.8


@pytest.mark.parametrize("name", TRACKERS)
def test_every_tracker_numbers_faces_and_takes_empty_frames(name):
    track = TRACKERS[name]()
    assert track(boxes(at(0)), 0.0).tolist() == [0]
    assert track(Detections.none(), 0.1).tolist() == []
    assert track(boxes(at(1)), 0.2).tolist() == [0]


def test_two_people_keep_their_numbers_whatever_the_order():
    track = IouTracker()
    assert track(boxes(at(0), at(40)), 0.0).tolist() == [0, 1]
    assert track(boxes(at(39), at(2)), 0.04).tolist() == [1, 0]
    assert track(boxes(at(39), at(80), at(3)), 0.08).tolist() == [1, 2, 0]


def test_gaps_are_bridged_for_a_while_and_not_for_ever():
    track = IouTracker(gap_s=1.0)
    track(boxes(at(0)), 0.0)
    assert track(boxes(at(4)), 0.9).tolist() == [0]  # moved in the meantime, still near
    assert track(boxes(at(4)), 2.5).tolist() == [1]  # gone too long
    assert track(boxes(at(60)), 2.6).tolist() == [2]  # too far to be the same


def test_a_face_far_larger_is_another_person():
    track = IouTracker()
    track(boxes(at(0)), 0.0)
    assert track(boxes(at(-15, -15, 40)), 0.1).tolist() == [1]


def test_the_documents_rule_keeps_the_nearest_centre():
    track = NearestCentreTracker()
    assert track(boxes(at(50), at(0)), 0.0).tolist() == [0, -1]  # the most confident first
    assert track(boxes(at(0), at(44)), 0.1).tolist() == [-1, 0]
    assert track(boxes(at(0)), 0.2).tolist() == [0]


def test_crops_are_square_with_edges_repeated():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = 200
    crop = square_crop(image, np.array([20, 10, 40, 30], np.float32), 16, margin=0)
    assert crop.shape == (16, 16, 3)
    assert crop[8, 2, 0] < 10
    assert crop[8, 13, 0] > 190
    beyond = square_crop(image, np.array([50, -20, 70, 20], np.float32), 16)
    assert (beyond == 200).all()


def test_a_crop_inside_equals_the_picture():
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    same = square_crop(image, np.array([8, 8, 24, 24], np.float32), 16, margin=0)
    assert (same == image[8:24, 8:24]).all()


def ingest(folder: Path, *videos: Path, **settings: object) -> tuple[Store, list]:
    store = Store.open_or_create(folder, 48)
    with store.writing():
        ingester = Ingester(store, IngestSettings(**settings))  # type: ignore[arg-type]
        return store, [ingester.ingest(video) for video in videos]


def test_a_clip_becomes_one_row_per_face_per_frame(clip, tmp_path):
    store, (summary,) = ingest(tmp_path / "s", clip)
    assert (summary.frames, summary.frames_with_face, summary.faces) == (120, 120, 120)
    assert (summary.tracks, summary.loss, summary.seconds) == (1, 0, 4)
    table = store.table
    assert table["frame"].to_pylist() == list(range(120))
    assert table["time_s"].to_pylist()[-1] == pytest.approx(119 * 1001 / 30000, abs=1e-4)
    assert set(store.names("subject")) == {"carphone_pristine.mp4#0"}
    first = store.pixels().gather(np.array([0]))[0]
    box = np.array([table[c][0].as_py() for c in ("x0", "y0", "x1", "y1")], np.float32)
    assert (first == square_crop(next(decode(clip)).rgb, box, 48)).all()
    assert not list((store.folder / "partial").iterdir())


def test_what_is_complete_is_skipped_even_under_another_name(clip, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    store, (first, second, third) = ingest(tmp_path / "s", clip, clip, copy)
    assert (first.status, second.status, third.status) == ("ingested", "skipped", "skipped")
    assert second.frames == 120
    assert len(store) == 120


def test_other_settings_replace_and_another_file_of_the_name_is_added(clip, tmp_path):
    ingest(tmp_path / "s", clip)
    store, (slower,) = ingest(tmp_path / "s", clip, fps=10.0)
    assert (slower.frames, len(store)) == (41, 41)  # 0 to 3.97 s, rounded to tenths
    (tmp_path / "other").mkdir()
    distorted = clip.with_name("carphone_distorted.mp4")
    namesake = tmp_path / "other" / clip.name
    namesake.write_bytes(distorted.read_bytes())
    store, (other,) = ingest(tmp_path / "s", namesake, fps=10.0)
    assert other.video != clip.name
    assert len(set(store.names("video"))) == 2


def test_a_damaged_video_leaves_nothing(clip, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:-2000])
    store = Store.open_or_create(tmp_path / "s", 48)
    with store.writing(), pytest.raises(InputError):
        Ingester(store, IngestSettings()).ingest(cut)
    assert len(store) == 0
    left = [p.name for p in (tmp_path / "s").rglob("*") if p.is_file()]
    assert sorted(left) == [".lock", "store.json"]


def test_a_journal_survives_a_torn_line_and_another_detector_does_not_use_it(tmp_path):
    path = tmp_path / "j.jsonl"
    with DetectionJournal(path, "a") as journal:
        journal.add(0, boxes(at(1)))
        journal.add(1, Detections.none())
    with path.open("a") as file:
        file.write("[2, [[1.0, 2")
    with DetectionJournal(path, "a") as journal:
        assert journal.get(0).boxes.tolist() == [[1, 0, 11, 10]]
        assert len(journal.get(1)) == 0
        assert journal.get(2) is None
        journal.add(2, boxes(at(3)))
    assert len(path.read_text().splitlines()) == 4
    with DetectionJournal(path, "b") as journal:
        assert journal.get(0) is None


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_ingest_resumes_to_the_same_store(clip, tmp_path, stop):
    command = [sys.executable, "-m", "mien", "ingest", str(clip), "--size", "48", "--json"]
    for attempt in range(3):  # on a busy machine it may be done before the signal comes
        store = tmp_path / f"killed{attempt}"
        process = subprocess.Popen(
            [*command, "--store", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # under nohup too
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            journals = list(store.glob("partial/*.jsonl"))
            if journals and journals[0].read_text().count("\n") > 20:
                break
            time.sleep(0.005)
        process.send_signal(stop)
        _, err = process.communicate(timeout=60)
        if process.returncode != 0:
            break
    assert process.returncode == (-9 if stop == signal.SIGKILL else 130), err
    assert not (store / "faces.parquet").exists()
    kept = next(iter(store.glob("partial/*.jsonl"))).read_text().count("\n")
    assert kept > 20
    done = subprocess.run([*command, "--store", str(store)], capture_output=True, check=True)
    assert json.loads(done.stdout)["videos"][0]["status"] == "ingested"
    whole, _ = ingest(tmp_path / "whole", clip)
    resumed = Store.open(store)
    assert resumed.table.equals(whole.table)
    rows = np.arange(120)
    assert (resumed.pixels().gather(rows) == whole.pixels().gather(rows)).all()
    assert not [p for p in store.rglob("*.tmp") if p.is_file()]
