import math

import numpy as np
import pytest

from mien.faces.cover import uncovered
from mien.faces.pose import pose

FRONTAL = np.array([(36, 42), (64, 42), (50, 59), (39, 71), (61, 71)], np.float32)


def turned(points, degrees):
    a = math.radians(degrees)
    middle = points.mean(0)
    return (
        (points - middle) @ [[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]] + middle
    ).astype(np.float32)


def test_a_frontal_face_is_at_zero_and_rolls_with_the_picture():
    assert pose(FRONTAL) == (0, 0)
    for angle in (-30, 10, 120):
        yaw, roll = pose(turned(FRONTAL, angle))
        assert (yaw, roll) == (pytest.approx(0, abs=0.1), pytest.approx(angle, abs=0.1))


def test_yaw_follows_the_nose_whatever_the_roll_and_mirrors():
    aside = FRONTAL.copy()
    aside[2, 0] += 8
    yaw = pose(aside).yaw
    assert yaw == pytest.approx(109 * 8 / 29, abs=0.1)
    assert pose(turned(aside, 40)).yaw == pytest.approx(yaw, abs=0.1)
    mirrored = aside[[1, 0, 2, 4, 3]] * [-1, 1] + [100, 0]
    assert pose(mirrored.astype(np.float32)).yaw == pytest.approx(-yaw, abs=0.1)
    aside[2, 0] = 500
    assert pose(aside).yaw == 90


def test_without_landmarks_it_is_unknown():
    missing = FRONTAL.copy()
    missing[4, 1] = np.nan
    for points in (missing, np.zeros((5, 2), np.float32)):
        assert np.isnan(pose(points)).all()
    upside = FRONTAL.copy()
    upside[3:, 1] = 20
    assert np.isnan(pose(upside).yaw)


def test_a_mug_before_the_mouth_covers_and_light_does_not():
    points = ((FRONTAL / 100) * 2 - 1).astype(np.float32)
    skin = np.empty((96, 96, 3), np.uint8)
    skin[:] = (200, 150, 120)
    assert uncovered(skin, points) == 1
    assert uncovered((skin * np.linspace(0.4, 1, 96)[:, None, None]).astype(np.uint8), points) > 0.6
    mug = skin.copy()
    mug[58:, 30:70] = (210, 30, 30)
    assert uncovered(mug, points) < 0.1
    grey = np.repeat(mug[:, :, :1], 3, 2)
    assert math.isnan(uncovered(grey, points))
    assert math.isnan(uncovered(skin, np.full((5, 2), np.nan, np.float32)))
    assert 0 <= uncovered(skin, np.full((5, 2), 9, np.float32)) <= 1  # beyond the crop
