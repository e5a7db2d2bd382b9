"""Faces followed in windows, people known again."""

import numpy as np
import pytest

from mien.faces.appearance import blended, likeness, look_of
from mien.faces.boxes import iou
from mien.faces.centerface import CenterFace, window_around
from mien.faces.cuts import Cuts
from mien.faces.detection import Detections
from mien.faces.following import LOOK_EVERY, Follower
from mien.faces.people import PeopleTracker
from mien.faces.recorded import RecordedDetector, read, written
from mien.media.decode import decode


@pytest.fixture(scope="module")
def frames(clip):
    """Return 64 frames of the clip, at half a grey border around: (144, 193 + 100, 3)."""
    return [np.pad(f.rgb, ((0, 0), (50, 50), (0, 0)), "edge") for f in decode(clip)][:64]


@pytest.fixture(scope="module")
def detect():
    return CenterFace(threads=1)


class Counting:
    """A detector that counts what is asked of it."""

    def __init__(self, detect):
        self.detect, self.whole, self.windows, self.glances = detect, 0, 0, 0

    def __call__(self, rgb):
        self.whole += 1
        return self.detect(rgb)

    def glance(self, rgb, area):
        self.glances += 1
        return self.detect.glance(rgb, area)

    def near(self, rgb, *where):
        self.windows += 1
        return self.detect.near(rgb, *where)


def followed(detect, frames, group=16, fps=30):
    follow, found = Follower(detect), []
    for i in range(0, len(frames), group):
        part = frames[i : i + group]
        found += follow(part, [(i + k) / fps for k in range(len(part))])
    return found


def test_a_face_is_followed_where_it_is_with_few_looks(detect, frames):
    counting = Counting(detect)
    found = followed(counting, frames)
    exact = [detect(rgb) for rgb in frames]
    assert [len(f) for f in found] == [1] * 64 == [len(f) for f in exact]
    overlaps = [iou(a.boxes, b.boxes)[0, 0] for a, b in zip(found, exact, strict=True)]
    assert min(overlaps) > 0.7
    assert np.median(overlaps) > 0.87
    assert counting.whole <= 4
    assert counting.windows < 60
    noise = [np.diff([f.boxes[0] for f in g], 2, axis=0).std() for g in (found, exact)]
    assert noise[0] < noise[1]


def test_newcomers_are_followed_back_to_where_they_came_in(detect, frames):
    empty = np.full_like(frames[0], 110)
    film = []
    for i, rgb in enumerate(frames[:48]):  # a face comes up in a picture that stays
        picture = rgb.copy()
        picture[:, :70] = empty[:, :70]
        if i < 20:
            picture[:] = empty
        film.append(picture)
    found = followed(detect, film)
    assert [len(f) for f in found] == [0] * 20 + [1] * 28
    beside = [np.concatenate([a, b], 1) for a, b in zip(frames, film, strict=False)]
    found = followed(detect, beside)
    assert [len(f) for f in found] == [1] * 20 + [2] * 28


def test_a_cut_is_a_new_picture_and_movement_is_not(frames):
    cut = Cuts()
    assert [cut(rgb) for rgb in frames[:8]] == [True] + [False] * 7
    assert cut(255 - frames[8])
    assert not cut(255 - frames[9])
    assert not cut(np.roll(255 - frames[10], 6, axis=1))
    assert cut(frames[11][:100])


def test_frames_far_apart_are_looked_at_whole(detect, frames):
    counting = Counting(detect)
    followed(counting, frames[:12], fps=2)
    assert counting.whole == 12
    assert LOOK_EVERY > 12


def test_a_window_is_black_beyond_the_frame(frames):
    box = np.array([-20, -10, 40, 50], np.float32)
    picture, corner, zoom = window_around(frames[0], box, 96)
    assert picture.shape == (3, 96, 96)
    assert (corner == [-50, -40]).all()
    assert zoom == pytest.approx(120 / 96)
    edge = int(40 / zoom) - 1
    assert picture[:, :edge].max() == 0
    assert picture[:, edge + 3 :, edge + 12 :].min() >= 0
    assert picture[:, edge + 3 :, edge + 12 :].mean() > 10


def test_what_was_found_is_recorded_to_the_last_bit(detect, frames):
    found = detect(frames[0])
    again = read(written(found))
    for name in ("boxes", "confidence", "landmarks"):
        assert (getattr(again, name) == getattr(found, name)).all()
    assert len(read(written(Detections.none()))) == 0
    with pytest.raises(ValueError, match="too short"):
        read("AA==")
    first = RecordedDetector(detect)
    whole = followed(first, frames[:40])
    counting = Counting(detect)
    second = followed(RecordedDetector(counting, first.taken()), frames[:40])
    assert all((a.boxes == b.boxes).all() for a, b in zip(whole, second, strict=True))
    assert counting.whole + counting.windows + counting.glances == 0


def person(picture, x, y, size, skin, shirt, hair):
    """Paint somebody: returns the box of the face."""
    x0, y0, x1, y1 = x, y, x + int(0.8 * size), y + size
    picture[max(y0 - size // 2, 0) : y0 + 4, x0:x1] = hair
    picture[y1 : y1 + size, x0 - size // 3 : x1 + size // 3] = shirt
    picture[y0:y1, x0:x1] = skin
    return [x0, y0, x1, y1]


ANNA = ((225, 180, 150), (200, 40, 40), (60, 40, 30))
BERT = ((150, 105, 80), (40, 60, 200), (20, 20, 20))


def scene(where, ground=90):
    picture = np.full((240, 480, 3), ground, np.uint8)
    picture[::7] += 9
    boxes = [person(picture, *place, *who) for who, place in where]
    found = Detections(np.array(boxes, np.float32).reshape(-1, 4), np.ones(len(boxes), np.float32))
    return picture, found


def test_people_keep_their_numbers_when_they_cross_and_after_a_cut():
    track, numbers, places = PeopleTracker(), [], range(40, 340, 6)
    for i, x in enumerate(places):  # Anna in front; Bert is covered while they cross
        apart = abs(x - (380 - x))
        seen = [(BERT, (380 - x, 70, 60)), (ANNA, (x, 70, 60))]
        picture, found = scene(seen)
        shown = [1] if apart < 40 else [0, 1]
        numbers.append(track(found[shown], i / 25, picture).tolist())
    assert numbers[0] == [0, 1] == numbers[-1]
    assert {tuple(n) for n in numbers} == {(0, 1), (1,)}
    picture, found = scene([(ANNA, (100, 90, 80)), (BERT, (300, 60, 90))], ground=200)
    assert track(found, 2.1, picture).tolist() == [1, 0]  # a cut: they have changed places
    picture, found = scene([(BERT, (60, 60, 70))], ground=30)
    assert track(found, 60.0, picture).tolist() == [0]  # back after a minute


def test_strangers_are_new_people_and_boxes_alone_do():
    track = PeopleTracker()
    picture, found = scene([(ANNA, (100, 90, 80))])
    assert track(found, 0.0, picture).tolist() == [0]
    picture, found = scene([(BERT, (104, 90, 80))], ground=220)
    assert track(found, 0.04, picture).tolist() == [1]
    track = PeopleTracker()
    assert [track(found, i / 25).tolist() for i in range(3)] == [[0]] * 3
    assert track(Detections.none(), 0.2).tolist() == []


def test_looks_are_alike_of_one_person_and_not_of_two():
    first, found = scene([(ANNA, (100, 90, 80)), (BERT, (300, 60, 90))])
    second, there = scene([(ANNA, (220, 70, 100))], ground=140)
    looks = np.stack([look_of(first, box) for box in found.boxes])
    now = look_of(second, there.boxes[0])
    same, other = likeness(now, looks)
    assert same > 0.9
    assert other < 0.5
    assert np.allclose(blended(looks[0], now, 1.0), now)
    corner = look_of(first, np.array([100, 160, 180, 239], np.float32))
    assert np.isnan(corner[2]).all()  # no clothes in the picture
    assert likeness(corner, corner[None])[0] == pytest.approx(1, abs=1e-4)
