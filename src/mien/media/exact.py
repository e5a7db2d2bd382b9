"""Any frame of a video by its number, exactly: the one that `decode` gives that number.

`prepare` (media/prepare.py) reads a video once and writes down its frames; here they are read.
"""

import io
import json
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.media import streams
from mien.media.decode import Frame
from mien.media.display import Display
from mien.media.names import reason, shown

FORMAT = "mien-frames-1"
LIST, PROXY, SOUND = "frames.json", "frames.mp4", "sound.webm"
CACHE_BYTES = 64 * 2**20
"""Decoded frames kept per video, whatever its length."""
_QUALITY = 90


@dataclass(frozen=True)
class FrameList:
    """What `prepare` wrote down of a video, frame by frame.

    source, size, changed_ns: the video's file, its size and time of change. file: where pictures
    are read: the source itself, or PROXY beside the list, a copy with a key frame every few
    frames. ticks: presentation stamp of each frame in that file. keys: numbers of its key frames.
    times, end_s: as `Frame.time_s` and `until_s` have them. container_times: as the source itself
    says, None where it says nothing.
    """

    source: str
    size: int
    changed_ns: int
    file: str
    stream: int
    ticks: list[int]
    keys: list[int]
    times: list[float]
    end_s: float
    container_times: list[float | None]
    width: int
    height: int
    display: Display
    sound: bool = False
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it as frames.json."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, separators=(",", ":"))
        (folder / LIST).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read frames.json. Raises InputError where it is missing, damaged or of another format."""
        path = folder / LIST
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            if held.pop("format") != FORMAT:
                raise InputError(f"{shown(path)}: is of another version; remove its folder")
            found = cls(**{**held, "display": Display(**held["display"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{shown(path)}: cannot be read; remove its folder") from error
        return found

    def fits(self, source: Path) -> bool:
        """Whether the video is the one that was read, by size and time of change."""
        try:
            state = source.stat()
        except OSError:
            return False
        same = (state.st_size, state.st_mtime_ns) == (self.size, self.changed_ns)
        return same and str(source.resolve()) == self.source


class ExactFrames:
    """Frames of one prepared video. Threads may share it; memory is bounded by CACHE_BYTES.

    Raises InputError where the folder holds no list, or its video has changed since.
    """

    def __init__(self, folder: Path) -> None:
        self.listed = FrameList.read(folder)
        self._path = folder / PROXY
        if self.listed.file != PROXY:
            self._path = Path(self.listed.source)
            if not self.listed.fits(self._path):
                raise InputError(f"{shown(self._path)}: is gone, or has changed since it was read")
        self.sound = folder / SOUND if self.listed.sound else None
        self._lock = threading.Lock()
        self._groups: OrderedDict[int, list[VideoFrame]] = OrderedDict()
        self._open = ExitStack()
        self._container: Any = None
        self._stream: Any = None

    @property
    def times(self) -> Sequence[float]:
        """Presentation time of each frame in seconds, from the first."""
        return self.listed.times

    @property
    def end_s(self) -> float:
        """When the last frame goes."""
        return self.listed.end_s

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures, upright, with square pixels."""
        return self.listed.width, self.listed.height

    def rgb(self, frame: int) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) of a frame. Raises IndexError where there is none of that number."""
        if not 0 <= frame < len(self.listed.ticks):
            raise IndexError(frame)
        group = bisect_right(self.listed.keys, frame) - 1
        with self._lock:
            source = self._group(group)[frame - self.listed.keys[group]]
        picture = Frame(frame, 0.0, 0.0, source, display=self.listed.display).rgb
        return picture[: self.listed.height, : self.listed.width]

    def jpeg(self, frame: int) -> bytes:
        """The frame as a JPEG file. Raises IndexError where there is none of that number."""
        file = io.BytesIO()
        Image.fromarray(self.rgb(frame)).save(file, "JPEG", quality=_QUALITY)
        return file.getvalue()

    def close(self) -> None:
        """Give memory and file back; the next frame asked for opens it again."""
        with self._lock:
            self._groups.clear()
            self._open.close()
            self._container = self._stream = None

    def _group(self, group: int) -> list[VideoFrame]:
        """Frames from a key frame to before the next, as decoded; kept while there is room."""
        if group in self._groups:
            self._groups.move_to_end(group)
            return self._groups[group]
        frames = self._decoded(group)
        self._groups[group] = frames
        each = sum(plane.buffer_size for plane in frames[0].planes)
        while len(self._groups) > 1 and each * sum(map(len, self._groups.values())) > CACHE_BYTES:
            self._groups.popitem(last=False)
        return frames

    def _decoded(self, group: int) -> list[VideoFrame]:
        """Decode a group. Raises InputError unless it is exactly the frames that are listed."""
        keys, ticks = self.listed.keys, self.listed.ticks
        first = keys[group]
        end = keys[group + 1] if group + 1 < len(keys) else len(ticks)
        wanted = {tick: n for n, tick in enumerate(ticks[first:end])}
        found: list[VideoFrame | None] = [None] * (end - first)
        try:
            for source in self._from(ticks[first]):
                if source.pts in wanted and not source.is_corrupt:
                    found[wanted[source.pts]] = source
                if source.pts is not None and source.pts >= ticks[end - 1]:
                    break
        except Exception as error:
            raise InputError(f"{shown(self._path)}: {reason(error)}") from error
        whole = [source for source in found if source is not None]
        if len(whole) < len(found):
            raise InputError(f"{shown(self._path)}: frames {first} to {end - 1} are not as listed")
        return whole

    def _from(self, tick: int) -> Iterator[VideoFrame]:
        if self._container is None:
            self._container = self._open.enter_context(streams.opened(self._path))
            self._stream = self._container.streams[self.listed.stream]
            self._stream.thread_type = "AUTO"
        self._container.seek(tick, stream=self._stream, backward=True)
        yield from self._container.decode(self._stream)
