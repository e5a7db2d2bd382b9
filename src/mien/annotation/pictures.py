"""Pictures of items for the page: frames of videos, and photographs fitted into one size."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mien.annotation.items import Frames, Item
from mien.annotation.prepare import read_video
from mien.annotation.project import Project
from mien.errors import InputError
from mien.media.exact import ExactFrames
from mien.media.images import read_image
from mien.progress import Progress, silent
from mien.web import FrameSource

WIDTH, HEIGHT = 800, 600
"""Of photographs on the page, whatever their own size."""


class Photographs:
    """A folder of pictures as if it were a video of a frame a second."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, names
        self.times: Sequence[float] = [float(i) for i in range(len(names))]
        self.end_s = float(len(names))
        self.size = (WIDTH, HEIGHT)
        self.sound: Path | None = None

    def jpeg(self, frame: int) -> bytes:
        """The picture, fitted and centred. Raises IndexError where there is none of that number."""
        if not 0 <= frame < len(self._names):
            raise IndexError(frame)
        path = self._folder / self._names[frame]
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise InputError(f"{self._names[frame]}: leads out of its folder")
        picture = Image.fromarray(read_image(path))
        scale = min(WIDTH / picture.width, HEIGHT / picture.height)
        size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        whole = Image.new("RGB", (WIDTH, HEIGHT), (38, 41, 45))
        place = ((WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2)
        whole.paste(picture.resize(size, Image.Resampling.BICUBIC), place)
        file = io.BytesIO()
        whole.save(file, "JPEG", quality=92)
        return file.getvalue()


def open_pictures(project: Project, item: Item, progress: Progress = silent) -> FrameSource:
    """Open an item's pictures; a video that was not read yet is read once.

    Raises InputError where the video is gone, or is not the one that the project is of.
    """
    frames = project.frames(item.id)
    if item.kind == "images":
        return Photographs(Path(item.path), frames.names)
    return _checked(read_video(project.folder, Path(item.path), progress), item, frames)


def _checked(found: ExactFrames, item: Item, frames: Frames) -> ExactFrames:
    times = np.array(found.times)
    if len(times) != len(frames) or not np.allclose(times, frames.time_s, atol=1e-6):
        raise InputError(f"{item.path}: is not the video that the project was made of")
    return found
