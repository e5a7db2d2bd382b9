"""What detection and review cost, per video, and how large faces are.

The figures of benroumpi-2018: frames before and after face detection (Figure 3.13), and the least,
mean and greatest width and height of faces per video (Figure 4.4), from the least of which it chose
its image size: 69 px, so 64.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.curation.review import JUDGED, boxes_of, mean_quality, spaced
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.files import log_file
from mien.store.shards import Pixels

Rows = NDArray[np.intp]

PARTS = ("sharpness", "size", "exposure", "frontality", "uncovered", "confidence")
"""Parts of the quality that are told per video."""


def losses(store: Store, progress: Progress = silent) -> dict[str, Any]:
    """Count per video, as plain values, and in all.

    frames: of the video on the store's grid, as its import noted; None where it did not. detected:
    of these, with a face. kept: with a face that no review left out. loss, loss_kept: shares of
    frames without. width, height: least, mean and greatest of the boxes of kept faces, in pixels.
    quality: mean of its parts, over 12 kept faces of each track. image_size: see `image_size_for`.
    """
    video, keep = store.codes("video"), ~store.excluded
    order = np.argsort(video.codes, kind="stable")
    place = np.searchsorted(video.codes[order], np.arange(len(video.names) + 1))
    found, pixels = [], store.pixels()
    for code, name in enumerate(video.names):
        rows = order[place[code] : place[code + 1]]
        if len(rows):
            found.append(_of_video(store, pixels, name, rows[keep[rows]], rows))
        progress(code + 1, len(video.names), name)
    found.sort(key=lambda told: told["video"])
    known = [told for told in found if told["frames"] is not None]
    total: dict[str, Any] = {
        name: sum(told[name] for told in known) if known else None
        for name in ("frames", "detected", "kept")
    }
    total["videos"], total["faces"], total["left_out"] = len(found), len(keep), int((~keep).sum())
    total |= _shares(total["frames"], total["detected"], total["kept"])
    photographs = np.flatnonzero((video.codes < 0) & keep)
    every = np.flatnonzero(keep)
    total |= _sizes(store, every)
    return {
        "store": str(store.folder),
        "all": total,
        "photographs": len(photographs),
        "videos": found,
    }


def image_size_for(smallest: float | None) -> int | None:
    """Return the largest power of two that is no larger than the smallest face: 69 gives 64.

    None where no size is known, or it is below 1 px.
    """
    if smallest is None or smallest < 1:
        return None
    return 1 << int(np.floor(np.log2(smallest)))


def _of_video(store: Store, pixels: Pixels, name: str, kept: Rows, rows: Rows) -> dict[str, Any]:
    frame = store.column("frame")
    frames = _frames(store, store.codes("source").at(rows).used())
    detected, left = len(np.unique(frame[rows])), len(np.unique(frame[kept]))
    return {
        "video": name,
        "frames": frames,
        "detected": detected,
        "kept": left,
        **_shares(frames, detected, left),
        "faces": len(rows),
        "left_out": len(rows) - len(kept),
        "tracks": len(np.unique(store.column("track")[kept])),
        **_sizes(store, kept),
        "quality": _quality(store, pixels, kept),
    }


def _frames(store: Store, sources: tuple[str, ...]) -> int | None:
    """Frames of a video that is an import of its own, from its log."""
    if len(sources) != 1 or store.info.sources[sources[0]]["kind"] != "video":
        return None
    try:
        log: Mapping[str, Any] = json.loads(log_file(store.folder, sources[0]).read_text("utf-8"))
        return int(log["summary"]["frames"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _shares(frames: int | None, detected: int | None, kept: int | None) -> dict[str, Any]:
    if not frames or detected is None or kept is None:
        return {"loss": None, "loss_kept": None}
    return {"loss": round(1 - detected / frames, 4), "loss_kept": round(1 - kept / frames, 4)}


def _sizes(store: Store, rows: Rows) -> dict[str, Any]:
    boxes = boxes_of(store, rows)
    boxes = boxes[~np.isnan(boxes).any(1)]
    if not len(boxes):
        return {"width": None, "height": None, "image_size": None}
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(float)
    told = [[round(float(f(side)), 1) for f in (np.min, np.mean, np.max)] for side in sides.T]
    least = float(sides.max(1).min())
    return {"width": told[0], "height": told[1], "image_size": image_size_for(least)}


def _quality(store: Store, pixels: Pixels, kept: Rows) -> dict[str, float | None]:
    if not len(kept):
        return dict.fromkeys(PARTS)
    track = store.column("track")[kept]
    some = np.concatenate([spaced(kept[track == t], JUDGED) for t in np.unique(track)])
    told = mean_quality(store, some, pixels)
    return {name: told[name] for name in PARTS}
