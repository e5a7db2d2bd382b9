import numpy as np
import pytest

from mien.faces import DETECTORS, TRACKERS
from mien.faces.boxes import iou, suppress
from mien.faces.crop import square_crop
from mien.faces.detection import Detections
from mien.faces.journal import DetectionJournal
from mien.faces.tracking import IouTracker, NearestCentreTracker
from mien.media.decode import decode


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
