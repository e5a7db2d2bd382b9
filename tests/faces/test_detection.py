import math

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.faces.boxes import iou, longer_side
from mien.faces.centerface import SEEN, CenterFace, plan_looks, smallest_face
from mien.faces.detection import Detections
from mien.faces.journal import DetectionJournal
from mien.media.decode import decode


@pytest.fixture(scope="module")
def frame(clip):
    return next(decode(clip)).rgb


@pytest.fixture(scope="module")
def face(frame):
    """Return the first frame's face: a picture around it, and its box in there."""
    found = CenterFace(threads=1)(frame)
    x0, y0, x1, y1 = found.boxes[0]
    left, top = int(x0) - 20, max(0, int(y0) - 20)
    part = Image.fromarray(frame[top : int(y1) + 20, left : int(x1) + 20])
    return part, found.boxes[0] - np.array([left, top, left, top], np.float32)


def scene(face, width: int, height: int, size: float, places) -> tuple[np.ndarray, np.ndarray]:
    """Paste the face, its box's longer side `size`, at places x y of a grey picture."""
    part, box = face
    scale = size / longer_side(box[None])[0]
    small = part.resize((round(part.width * scale), round(part.height * scale)))
    picture, boxes = Image.new("RGB", (width, height), (120, 120, 120)), []
    for x, y in places:
        picture.paste(small, (x, y))
        boxes.append(box * scale + np.array([x, y, x, y]))
    return np.asarray(picture), np.array(boxes, np.float32)


def hits(found: Detections, boxes: np.ndarray) -> list[bool]:
    return (np.pad(iou(boxes, found.boxes), ((0, 0), (0, 1))).max(1) > 0.4).tolist()


def three() -> Detections:
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    points = np.arange(30, dtype=np.float32).reshape(3, 5, 2)
    return Detections(boxes, np.array([0.9, 0.8, 0.7], np.float32), points, too_small=2)


def test_faces_are_picked_with_all_that_is_known_of_them():
    found = three()
    for picked in (found[1], found[np.array([False, True, False])], found[1:2], found[[1]]):
        assert picked.boxes.tolist() == [[4, 5, 6, 7]]
        assert picked.confidence == pytest.approx([0.8])
        assert picked.landmarks[0, 0].tolist() == [10, 11]
        assert picked.too_small == 2
    assert found[[2, 0]].confidence == pytest.approx([0.7, 0.9])
    assert len(found[:0]) == len(Detections.none()) == 0
    assert Detections.none().landmarks.shape == (0, 5, 2)
    with pytest.raises(IndexError):
        found[3]


def test_without_landmarks_they_are_missing_and_wrong_shapes_are_refused():
    found = Detections(three().boxes, three().confidence)
    assert found.landmarks.shape == (3, 5, 2)
    assert found.landmarks.dtype == np.float32
    assert np.isnan(found.landmarks).all()
    with pytest.raises(ValueError, match="do not fit"):
        Detections(three().boxes[:2], three().confidence)
    with pytest.raises(ValueError, match="do not fit"):
        Detections(three().boxes, three().confidence, np.zeros((3, 10), np.float32))


def test_the_smallest_size_is_a_thirtieth_of_the_shorter_side_and_24_px_at_least():
    assert smallest_face(640, 360) == smallest_face(1280, 720) == 24
    assert smallest_face(2160, 3840) == 72
    assert smallest_face(6000, 4000) == pytest.approx(133.33, abs=0.01)
    assert smallest_face(6000, 4000, 40) == 40
    assert smallest_face(6000, 4000, 5) == SEEN  # never enlarged


@pytest.mark.parametrize("wrong", [0, -3, math.nan, math.inf])
def test_a_smallest_size_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match="positive size"):
        CenterFace(min_face=wrong)


SIZES = [(176, 144), (640, 360), (1280, 720), (3840, 2160), (4000, 6000), (8000, 1000), (300, 9000)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("min_face", [None, 24, 60, 400])
def test_every_face_from_the_smallest_size_is_whole_in_a_look_that_can_see_it(size, min_face):
    width, height = size
    looks = plan_looks(width, height, min_face)
    least = smallest_face(width, height, min_face)
    assert all((k.x1 - k.x0) * (k.y1 - k.y0) * k.scale**2 <= 1.7e6 for k in looks)
    assert all(0 < k.scale <= 1 for k in looks)
    source = np.random.default_rng(0)
    for face in np.geomspace(least, max(least, min(width, height)), 12):
        if face > min(width, height):
            break  # none can be in there
        for x, y in source.uniform(0, 1, (40, 2)) * (width - face, height - face):
            assert any(
                k.x0 <= x and k.y0 <= y and x + face <= k.x1 and y + face <= k.y1
                and SEEN * 0.999 <= face * k.scale <= 600.001 and face <= k.largest
                for k in looks
            )  # fmt: skip


def test_ordinary_videos_and_the_default_take_one_or_two_looks():
    assert len(plan_looks(640, 360)) == 1
    assert [len(plan_looks(*size)) for size in ((1280, 720), (3840, 2160), (6000, 4000))] == [2] * 3


@pytest.mark.parametrize("size", [(1280, 720), (3840, 2160)])
def test_thirty_faces_a_little_over_the_smallest_size_are_found_in_large_pictures(face, size):
    width, height = size
    least = smallest_face(*size)
    places = [
        (round((i % 6 + 0.3) * width / 6), round((i // 6 + 0.2) * height / 5)) for i in range(30)
    ]
    picture, boxes = scene(face, *size, 1.25 * least, places)
    found = CenterFace(threads=1)(picture)
    assert sum(hits(found, boxes)) >= 29
    assert len(found) <= 30
    assert found.too_small == 0


def test_a_smaller_size_is_found_in_tiles_where_asked_for(face):
    places = [(100, 60), (1010, 500), (1020, 900), (1800, 520), (1890, 1000), (950, 1010)]
    picture, boxes = scene(face, 2000, 1400, 28, places)
    assert hits(CenterFace(min_face=96, threads=1)(picture), boxes) == [False] * 6
    assert len(plan_looks(2000, 1400, 24)) > 2
    found = CenterFace(min_face=24, threads=1)(picture)
    assert hits(found, boxes) == [True] * 6
    assert len(found) == 6


def test_large_and_small_faces_of_a_tiled_picture_are_found_once(face):
    large, first = scene(face, 2000, 1400, 700, [(300, 100)])
    small, second = scene(face, 2000, 1400, 40, [(1700, 1200)])
    picture = np.where((small == 120).all(2, keepdims=True), large, small)
    found = CenterFace(min_face=24, threads=1)(picture)
    assert hits(found, np.concatenate([first, second])) == [True, True]
    assert len(found) == 2


def test_faces_that_are_too_small_leave_a_hint_and_empty_pictures_none(face):
    places = [(100 + 150 * i, 300) for i in range(6)]
    picture, boxes = scene(face, 1280, 720, 20, places)
    found = CenterFace(min_face=45, threads=1)(picture)
    missed = 6 - sum(hits(found, boxes))
    assert missed >= 3
    assert 0 < found.too_small <= missed
    empty = CenterFace(threads=1)(np.full((720, 1280, 3), 120, np.uint8))
    assert (len(empty), empty.too_small) == (0, 0)


def test_landmarks_are_eyes_nose_and_mouth_and_move_with_the_picture(frame):
    detect = CenterFace(threads=1)
    found = detect(frame)
    left, right, nose, mouth_left, mouth_right = found.landmarks[0]
    x0, y0, x1, y1 = found.boxes[0]
    assert x0 < left[0] < nose[0] < right[0] < x1
    assert y0 < left[1] < nose[1] < mouth_left[1] < y1
    assert mouth_left[0] < mouth_right[0]
    assert abs(left[1] - right[1]) < 0.15 * (y1 - y0)
    shifted = np.pad(frame, ((16, 0), (32, 0), (0, 0)), mode="edge")
    moved = detect(shifted).landmarks[0] - found.landmarks[0]
    assert np.abs(moved - [32, 16]).max() < 0.08 * (y1 - y0)
    mirrored = detect(np.ascontiguousarray(frame[:, ::-1])).landmarks[0]
    assert abs(mirrored[0, 0] - (frame.shape[1] - right[0])) < 0.1 * (x1 - x0)


def test_landmarks_of_several_people_lie_in_their_boxes(data):
    picture = np.asarray(Image.open(data / "videos" / "multi_face.jpg").convert("RGB"))
    found = CenterFace(threads=1)(picture)
    assert len(found) == 5
    low, high = found.boxes[:, None, :2], found.boxes[:, None, 2:]
    assert ((found.landmarks > low) & (found.landmarks < high)).all()
    assert (found.landmarks[:, 0, 0] < found.landmarks[:, 1, 0]).all()
    first = found[int(np.argmin(np.abs(found.boxes[:, 0] - 314)))].landmarks[0]
    by_eye = [(343, 282), (392, 279), (372, 306), (349, 327), (388, 324)]
    assert np.abs(first - by_eye).max() < 8


def test_a_crowd_that_was_missed_is_found(data):
    for name in ("group30_3840x2160_160px.jpg", "group30_1280x720_128px.jpg"):
        picture = np.asarray(Image.open(data / "cases" / "img" / name).convert("RGB"))
        assert len(CenterFace()(picture)) == 30


def test_a_journal_keeps_landmarks_and_one_without_them_counts_for_nothing(tmp_path):
    path = tmp_path / "j.jsonl"
    with DetectionJournal(path, "a") as journal:
        journal.add(0, three())
        journal.add(1, Detections(three().boxes, three().confidence))
        journal.add(2, Detections.none())
    assert "NaN" not in path.read_text()
    with DetectionJournal(path, "a") as journal:
        kept = journal.get(0)
        assert np.array_equal(kept.landmarks, three().landmarks)
        assert np.array_equal(kept.boxes, three().boxes)
        assert kept.too_small == 2
        assert np.isnan(journal.get(1).landmarks).all()
        assert journal.get(2).landmarks.shape == (0, 5, 2)
    path.write_text('{"detector": "a"}\n[0, [[1, 2, 3, 4, 0.9]]]\n')
    with DetectionJournal(path, "a") as journal:
        assert journal.get(0) is None
    path.write_text('{"detector": "a"}\n[0, []]\n')  # no face: found with other eyes all the same
    with DetectionJournal(path, "a") as journal:
        assert journal.get(0) is None
