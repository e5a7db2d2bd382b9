"""Animated pictures (WebP, PNG, AVIF) frame by frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.media.images import opened_image, picture_format, quiet
from mien.media.names import reason, shown

FORMATS = frozenset({"WEBP", "PNG", "AVIF"})
"""Read by Pillow; animated GIF is read like any other video."""
UNSTATED_S = 0.1
"""How long browsers show a frame that states no duration."""

AnimatedFrame = tuple[NDArray[np.uint8], float, bool]
"""Pixels (H, W, 3), seconds it is shown, whether those had to be assumed."""


@dataclass(frozen=True)
class Animation:
    """An animated picture, not yet decoded."""

    path: Path
    width: int
    height: int
    frames: int

    def play(self) -> Iterator[AnimatedFrame]:
        """Yield its frames in order; InputError where one cannot be decoded."""
        with opened_image(self.path) as image:
            for index in range(self.frames):
                try:
                    with quiet():
                        image.seek(index)
                        rgb = np.asarray(image.convert("RGB"))
                    stated = float(image.info.get("duration") or 0) / 1000
                except Exception as error:
                    raise InputError(
                        f"{shown(self.path)}: frame {index} cannot be decoded ({reason(error)})"
                    ) from error
                yield rgb, stated or UNSTATED_S, not stated


def animation_of(path: Path) -> Animation | None:
    """Return the animation a file holds; None where it is no picture.

    Raises InputError where it is a still picture: that is no video.
    """
    kind = picture_format(path)
    if kind is None or kind == "GIF":
        return None
    if kind in FORMATS:
        with opened_image(path) as image, quiet():
            frames = int(getattr(image, "n_frames", 1))
            if frames > 1:
                return Animation(path, image.width, image.height, frames)
    raise InputError(f"{shown(path)}: is not a video but a photograph ({kind})")
