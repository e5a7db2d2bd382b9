"""Decode video files frame by frame, with the exact presentation time of every frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mien.errors import InputError

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,m4v,h264,hevc,"
    "wtv,mxf,dv,ivf,nut,rm,vob"
)
"""Demuxers that may open a file. Playlists, which name other files and addresses, may not."""

SUFFIXES = frozenset(
    {
        ".mp4",
        ".mov",
        ".m4v",
        ".avi",
        ".mkv",
        ".webm",
        ".mpg",
        ".mpeg",
        ".ts",
        ".wmv",
        ".flv",
        ".3gp",
    }
    | {".ogv", ".gif", ".mts", ".mxf"}
)
"""Names that say video, for finding them in a folder; a file that is named may have any."""

_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
_SHORTFALL_S, _SHORTFALL_SHARE = 0.5, 0.02
"""How much of the declared duration may be missing before a file counts as truncated."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself. Sizes are as shown, rotation applied."""

    path: Path
    width: int
    height: int
    duration_s: float | None
    frame_rate: float | None
    declared_frames: int


class Frame:
    """One decoded frame.

    index: in the file, from 0. time_s: presentation time from the first. until_s: when it would go
    if no other followed.
    """

    def __init__(self, index: int, time_s: float, until_s: float, source: VideoFrame) -> None:
        self.index, self.time_s, self.until_s, self._source = index, time_s, until_s, source

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """Pixels (H, W, 3), upright, converted when first asked for."""
        try:
            image = np.asarray(self._source.to_ndarray(format="rgb24"), np.uint8)
        except (av.FFmpegError, ValueError) as error:
            raise InputError(f"frame {self.index} cannot be converted to RGB: {error}") from error
        turns = round(self._source.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def is_video(path: Path) -> bool:
    """Whether the name says video."""
    return path.suffix.lower() in SUFFIXES


def _open(path: Path) -> Any:
    if not path.exists():
        raise InputError(f"{path}: does not exist")
    if not path.is_file():
        raise InputError(f"{path}: is not a file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty")
    try:
        container = av.open(f"file:{path}", options=dict(_OPTIONS))  # a name may hold a colon
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path}: is not a video that can be read ({_reason(error)})") from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path}: holds no video")
    return container


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _duration(container: Any, stream: Any) -> tuple[float | None, bool]:
    """Return seconds, and whether it is the video stream's own figure."""
    if stream.duration:
        return float(stream.duration * stream.time_base), True
    if container.duration:
        return container.duration / av.time_base, False
    return None, False


def probe(path: Path) -> VideoInfo:
    """Read a file's header and first frame; raises InputError where it is no readable video."""
    with _open(path) as container:
        stream = container.streams.video[0]
        try:
            first = next(container.decode(stream), None)
        except av.FFmpegError as error:
            raise InputError(f"{path}: cannot be decoded ({_reason(error)})") from error
        if first is None:
            raise InputError(f"{path}: no frame can be decoded")
        upright = round(first.rotation / 90) % 2 == 0
        size = (first.width, first.height) if upright else (first.height, first.width)
        rate = float(stream.average_rate) if stream.average_rate else None
        return VideoInfo(path, *size, _duration(container, stream)[0], rate, stream.frames)


def decode(path: Path) -> Iterator[Frame]:
    """Yield every frame in presentation order.

    Raises InputError where the file is missing, empty or no video, and, after the frames that
    can be had, where decoding fails or ends well before the declared duration: truncated files
    are told from short ones.
    """
    with _open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        start: float | None = None
        time_s, until_s, step, index = 0.0, 0.0, 0.0, 0
        try:
            for index, source in enumerate(container.decode(stream)):
                stamp = source.time if source.time is not None else time_s + step
                start = stamp if start is None else start
                step = stamp - start - time_s if index else step
                time_s = stamp - start
                until_s = time_s + _duration_of(source, step)
                yield Frame(index, time_s, until_s, source)
        except av.FFmpegError as error:
            raise InputError(
                f"{path}: damaged, decoding fails after {time_s:.1f} s ({_reason(error)})"
            ) from error
        if start is None:
            raise InputError(f"{path}: no frame can be decoded")
        if stream.frames and index + 1 >= stream.frames:
            return
        _refuse_truncated(path, until_s, *_duration(container, stream))


def _duration_of(source: VideoFrame, step: float) -> float:
    """Seconds a frame says it stays; else as long as the one before it did."""
    if source.duration and source.time_base:
        return float(source.duration * source.time_base)
    return step


def _refuse_truncated(path: Path, end_s: float, declared_s: float | None, exact: bool) -> None:
    if declared_s is None:
        return
    share = _SHORTFALL_SHARE if exact else 0.4  # a container's figure may be its audio's
    if end_s < declared_s - max(_SHORTFALL_S, share * declared_s):
        raise InputError(f"{path}: truncated, {end_s:.1f} s of {declared_s:.1f} s can be decoded")
