"""The landmarks of OpenSeeFace, a face tracker for webcams (emilianavt/OpenSeeFace, BSD-2)."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from judge_networks import open_net

Box = tuple[float, float, float, float]

SIDE, CELLS = 224, 28  # of the input in pixels, of the heat maps
MEAN, SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# its 66 points in the order of the common 68, which have the mouth's corners twice
COMMON = [*range(48), 58, *range(48, 53), 62, *range(53, 58), 58, 59, 60, 61, 62, 63, 64, 65]


def log_odds(p: np.ndarray) -> np.ndarray:
    """Undo the logistic function in which offsets are stored."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p)) / 16


def open_see_face(folder: Path) -> Callable[[np.ndarray, Box], np.ndarray]:
    """Load the small landmark network of a checkout; it places 68 points on an RGB picture."""
    run = open_net(str(folder / "models/lm_model0_opt.onnx"))

    def place_once(picture: np.ndarray, box: Box) -> np.ndarray:
        x0, y0, x1, y1 = box
        scale = SIDE / np.array([x1 - x0, y1 - y0])
        warp = np.float32(np.column_stack([np.diag(scale), -scale * [x0, y0]]))
        crop = cv2.warpAffine(picture, warp, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        inputs = ((crop / 255 - MEAN) / SPREAD).transpose(2, 0, 1)[None]
        heat, down, right = run(inputs)[0][0].reshape(3, 66, CELLS**2)
        peak, point = heat.argmax(1), np.arange(66)
        cell = np.stack([peak % CELLS, peak // CELLS], -1) / (CELLS - 1)
        offset = np.stack([log_odds(part[point, peak]) for part in (right, down)], -1)
        return ((SIDE - 1) * (cell + offset) / scale + [x0, y0])[COMMON]

    def place(picture: np.ndarray, box: Box) -> np.ndarray:
        middle = np.add(box[:2], box[2:]) / 2
        half = max(box[2] - box[0], box[3] - box[1]) * 0.625
        points = place_once(picture, (*(middle - half), *(middle + half)))
        low, high = points.min(0), points.max(0)
        margin = (high - low) * [0.1, 0.125]
        return place_once(picture, (*(low - margin), *(high + margin)))

    return place
