"""Read a video once, so that any of its frames is at hand at once: `exact.ExactFrames`."""

import time
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from mien.atomic import replacing_folder
from mien.errors import InputError
from mien.media import streams
from mien.media.animations import animation_of
from mien.media.decode import Frame, VideoInfo, decode, probe
from mien.media.display import UPRIGHT, Display
from mien.media.exact import LIST, PROXY, ExactFrames, FrameList
from mien.media.names import shown
from mien.media.report import DecodeReport
from mien.media.sound_copy import extract_sound
from mien.progress import Progress, silent

GROUP = 12
"""Frames of the copy from one key frame to the next."""
LONGEST_GROUP, LARGEST_GROUP = 36, 48 * 2**20
"""A video whose groups are longer, in frames or in bytes when decoded, is copied."""
_RATE = 25  # of the copy's stamps, which only number its frames
_INDEXED = frozenset({"mov", "matroska", "webm"})
"""Formats that lead to a key frame exactly."""
_TRIED, _QUICK_S = 7, 0.1


def prepare(
    video: Path, folder: Path, *, stream: int | None = None, progress: Progress = silent
) -> ExactFrames:
    """Return a video's frames by number; where `folder` does not hold them yet, read them once.

    folder: is made, whole or not at all; its parent exists. A video of which every frame can be
    reached quickly is read where it is; of any other a copy with close key frames is kept in the
    folder, with the very same frames and times. Its sound is kept there too. Raises InputError
    where the video cannot be read.
    """
    if (folder / LIST).is_file():
        known = FrameList.read(folder)
        if known.fits(video):
            return ExactFrames(folder)
    if not folder.parent.is_dir():
        raise InputError(f"{shown(folder)}: the folder {shown(folder.parent)} does not exist")
    with replacing_folder(folder) as temporary:
        _read(video, temporary, stream, progress).write(temporary)
    return ExactFrames(folder)


@dataclass
class _Noted:
    """What is written down of each frame on the way."""

    report: DecodeReport = field(default_factory=DecodeReport)
    times: list[float] = field(default_factory=list)
    container_times: list[float | None] = field(default_factory=list)
    displays: set[Display] = field(default_factory=set)
    end_s: float = 0.0

    def note(self, frame: Frame) -> None:
        self.times.append(frame.time_s)
        self.container_times.append(frame.container_time_s)
        self.displays.add(frame.display)
        self.end_s = frame.until_s


def _read(video: Path, folder: Path, stream: int | None, progress: Progress) -> FrameList:
    info = probe(video, stream)
    keys = _Keys.of(video, info.stream)
    if keys is not None and keys.quick(info.file_width, info.file_height):
        noted = _decode(video, info, None, progress)
        placed = keys.placed(noted)
        if placed is not None:
            found = _listed(video, folder, info, noted, str(video.resolve()))
            ticks, starts = placed
            display = next(iter(noted.displays))
            found = replace(found, stream=info.stream, ticks=ticks, keys=starts, display=display)
            if _reachable(found, folder):
                return found
    with _Copy(folder / PROXY, info.width, info.height) as copy:
        noted = _decode(video, info, copy, progress)
    found = _listed(video, folder, info, noted, PROXY)
    ticks = [n * copy.step for n in range(copy.count)]
    return replace(found, ticks=ticks, keys=list(range(0, copy.count, GROUP)))


def _decode(video: Path, info: VideoInfo, copy: "_Copy | None", progress: Progress) -> _Noted:
    """Decode all frames, write them into `copy` where there is one, and note what they are."""
    noted, what = _Noted(), "frames read" if copy is None else "frames copied"
    for frame in decode(video, noted.report, stream=None if animation_of(video) else info.stream):
        if copy is not None:
            copy.write(frame.rgb)
        noted.note(frame)
        progress(len(noted.times), info.declared_frames or None, what)
    return noted


def _listed(video: Path, folder: Path, info: VideoInfo, noted: _Noted, file: str) -> FrameList:
    state = video.stat()
    return FrameList(
        source=str(video.resolve()),
        size=state.st_size,
        changed_ns=state.st_mtime_ns,
        file=file,
        stream=0,
        ticks=[],
        keys=[],
        times=noted.times,
        end_s=noted.end_s,
        container_times=noted.container_times,
        width=info.width,
        height=info.height,
        display=UPRIGHT,
        sound=extract_sound(video, folder, info.start_s or 0.0),
        notes=tuple(noted.report.notes),
    )


def _reachable(found: FrameList, folder: Path) -> bool:
    """Whether frames from the beginning to the end can be reached by their numbers, and quickly."""
    found.write(folder)
    frames, slow = ExactFrames(folder), 0
    try:
        for frame in np.linspace(0, len(found.ticks) - 1, _TRIED).astype(int):
            began = time.perf_counter()
            frames.rgb(int(frame))
            slow += time.perf_counter() - began > _QUICK_S
    except InputError:
        return False
    finally:
        frames.close()
    return slow <= _TRIED // 2


@dataclass(frozen=True)
class _Keys:
    """Stamps of a stream's packets and of its key frames, in the file's ticks, rising."""

    stamps: list[int]
    keys: list[int]
    time_base: Fraction

    @classmethod
    def of(cls, video: Path, stream: int) -> Self | None:
        """Read them without decoding; None where the file cannot be entered at a key frame."""
        if animation_of(video) is not None:
            return None
        stamps, keys = [], []
        with streams.opened(video) as container:
            if _INDEXED.isdisjoint(container.format.name.split(",")):
                return None
            chosen = container.streams[stream]
            base = chosen.time_base
            try:
                for packet in container.demux(chosen):
                    if not packet.size:
                        continue
                    if packet.pts is None or packet.is_corrupt or packet.is_discard:
                        return None
                    stamps.append(packet.pts)
                    if packet.is_keyframe:
                        keys.append(packet.pts)
            except Exception:  # reading it to the end says what is wrong
                return None
        rising = sorted(stamps)
        if not keys or base is None or len({*stamps}) < len(stamps) or min(keys) != rising[0]:
            return None
        return cls(rising, sorted(keys), base)

    def quick(self, width: int, height: int) -> bool:
        """Whether every frame lies near enough behind a key frame."""
        starts = np.searchsorted(self.stamps, self.keys)
        longest = int(np.diff([*starts, len(self.stamps)]).max())
        return longest <= LONGEST_GROUP and longest * width * height * 1.5 <= LARGEST_GROUP

    def placed(self, noted: _Noted) -> tuple[list[int], list[int]] | None:
        """Return the stamp of every frame and the numbers of the key frames.

        None where frames and packets do not agree one to one, in number and time: then only
        decoding all of it tells which frame is which.
        """
        times, report = noted.container_times, noted.report
        odd = report.damage or report.made or report.squeezed or report.splices
        if odd or report.out_of_order or len(report.sizes) > 1 or len(noted.displays) > 1:
            return None
        if len(times) != len(self.stamps) or None in times:
            return None
        ticks = [round(Fraction(time_s or 0.0) / self.time_base) for time_s in times]
        if ticks != self.stamps:
            return None
        return ticks, [int(n) for n in np.searchsorted(self.stamps, self.keys)]


class _Copy:
    """A video with a key frame every GROUP frames and stamps that number its frames.

    Nothing is written until the first frame. An odd row or column is doubled at the edge, and is
    cut off again when frames are read.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._path, self._width, self._height = path, width, height
        self._container: Any = None
        self._stream: Any = None
        self.count, self.step = 0, 1

    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Append a frame (H, W, 3); one of another size is scaled."""
        if self._container is None:
            self._start()
        if rgb.shape[:2] != (self._height, self._width):
            rgb = np.asarray(Image.fromarray(rgb).resize((self._width, self._height)))
        odd = (0, self._height % 2), (0, self._width % 2), (0, 0)
        picture = np.pad(rgb, odd, "edge") if self._height % 2 or self._width % 2 else rgb
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = self.count, Fraction(1, _RATE)
        self.count += 1
        self._container.mux(self._stream.encode(frame))

    def _start(self) -> None:
        self._container = av.open(f"file:{self._path}", "w")
        options = {
            "preset": "ultrafast",
            "crf": "17",
            "x264-params": f"keyint={GROUP}:min-keyint={GROUP}:scenecut=0:bframes=0",
        }
        self._stream = self._container.add_stream("libx264", rate=_RATE, options=options)
        self._stream.width = self._width + self._width % 2
        self._stream.height = self._height + self._height % 2
        self._stream.pix_fmt = "yuv420p"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._container is None:
            return
        if error is None:
            self._container.mux(self._stream.encode(None))
            self.step = round(Fraction(1, _RATE) / self._stream.time_base)
        self._container.close()
