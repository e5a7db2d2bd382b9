import dataclasses
import time

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mien.faces.centerface import CenterFace
from mien.faces.crop import square_crop
from mien.faces.detection import Detections
from mien.faces.quality import Quality, quality
from mien.media.decode import decode

FRONTAL = np.array([(36, 42), (64, 42), (50, 59), (39, 71), (61, 71)], np.float32)
PROFILE = np.array([(30, 42), (44, 42), (28, 59), (31, 71), (42, 71)], np.float32)
BOX = np.array([0, 0, 128, 128], np.float32)
FRAME = (640, 360)


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    """Draw a picture with edges and shades: what is measured does not know faces."""
    source = np.random.default_rng(0)
    rough = source.integers(30, 225, (17, 17, 3), np.uint8)
    return np.asarray(Image.fromarray(rough).resize((112, 112), Image.Resampling.BICUBIC))


def changed(crop, *, picture=None, box=BOX, points=FRONTAL) -> tuple[Quality, set[str]]:
    """Judge the crop with something changed; return it, and the components that got worse."""
    good = quality(crop, BOX, FRONTAL, FRAME)
    other = quality(crop if picture is None else picture, box, points, FRAME)
    assert other.score < good.score - 0.1
    pairs = zip(dataclasses.asdict(good).items(), dataclasses.astuple(other), strict=True)
    return other, {name for (name, before), after in pairs if after < before - 0.02}


def test_a_good_face_is_good(crop):
    good = quality(crop, BOX, FRONTAL, FRAME)
    assert good.size == good.inside == 1
    assert good.score > 0.7
    parts = dataclasses.astuple(good)
    assert good.score == pytest.approx(np.prod(parts))


def test_blur_alone_lowers_sharpness(crop):
    blurred = np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(2.5)))
    other, worse = changed(crop, picture=blurred)
    assert worse == {"sharpness"}
    assert other.sharpness < 0.7 * quality(crop, BOX, FRONTAL, FRAME).sharpness


def test_small_size_alone_lowers_size(crop):
    other, worse = changed(crop, box=BOX / 4)
    assert worse == {"size"}
    assert other.size == pytest.approx(1 / 3)
    assert quality(crop, BOX / 8, FRONTAL, FRAME).score == 0


def test_darkness_alone_lowers_exposure(crop):
    other, worse = changed(crop, picture=(crop * 0.15).astype(np.uint8))
    assert worse == {"exposure"}
    assert other.exposure < 0.4


def test_too_much_light_alone_lowers_exposure(crop):
    bright = np.clip(crop.astype(int) + 150, 0, 255).astype(np.uint8)
    other, worse = changed(crop, picture=bright)
    assert worse == {"exposure"}
    assert other.exposure < 0.6


def test_dark_skin_in_good_light_is_not_called_dark(crop):
    assert quality(crop // 2, BOX, FRONTAL, FRAME).exposure > 0.7


def test_profile_alone_lowers_frontality(crop):
    other, worse = changed(crop, points=PROFILE)
    assert worse == {"frontality"}
    assert other.frontality == 0


def test_frontality_falls_with_yaw_and_not_with_roll(crop):
    def turned(degrees: float) -> float:
        points = FRONTAL.copy()
        points[2, 0] += 14 * np.sin(np.radians(degrees)) * 1.5
        return quality(crop, BOX, points, FRAME).frontality

    falls = [turned(yaw) for yaw in (0, 10, 20, 30)]
    assert falls == sorted(falls, reverse=True)
    assert falls[0] > 0.9
    assert falls[3] < 0.5
    middle = FRONTAL.mean(0)
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rolled = ((FRONTAL - middle) @ turn + middle).astype(np.float32)
    assert quality(crop, BOX, rolled, FRAME).frontality == pytest.approx(falls[0], abs=1e-3)


def test_a_face_cut_by_the_frame_is_less(crop):
    other, worse = changed(crop, points=FRONTAL - np.float32([51, 0]))
    assert worse == {"inside"}
    assert other.inside == pytest.approx(2 / 5)


def test_without_landmarks_the_rest_decides(crop):
    bare = Detections(BOX[None], np.ones(1, np.float32))
    found = quality(crop, BOX, bare.landmarks[0], FRAME)
    assert np.isnan(found.frontality)
    assert np.isnan(found.inside)
    assert found.score == pytest.approx(found.sharpness * found.size * found.exposure)


def test_a_flat_picture_has_no_quality_and_no_warning():
    flat = np.full((96, 96, 3), 128, np.uint8)
    assert quality(flat, BOX, FRONTAL, FRAME).score == 0
    together = np.zeros((5, 2), np.float32)
    assert quality(flat, BOX, together, FRAME).frontality == 0


def test_a_real_face_is_fair_and_its_blurred_copy_worse(clip):
    frame = next(decode(clip)).rgb
    found = CenterFace(threads=1)(frame)
    size = (frame.shape[1], frame.shape[0])

    def judged(picture: np.ndarray) -> Quality:
        crop = square_crop(picture, found.boxes[0], 96)
        return quality(crop, found.boxes[0], found.landmarks[0], size)

    good = judged(frame)
    blurred = judged(np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(2))))
    assert 0.1 < good.score <= 1
    assert blurred.sharpness < 0.6 * good.sharpness
    assert (blurred.size, blurred.frontality) == (good.size, good.frontality)


def test_it_is_cheap(crop):
    spent = []
    for _ in range(50):
        started = time.perf_counter()
        quality(crop, BOX, FRONTAL, FRAME)
        spent.append(time.perf_counter() - started)
    assert min(spent) < 1e-3  # 0.2 ms on a quiet machine
