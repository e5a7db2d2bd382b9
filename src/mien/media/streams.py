"""Open a video file, choose the stream to read, and read what the file promises of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.format import Flags as FormatFlags
from av.stream import Disposition

from mien.errors import InputError
from mien.media.names import reason, shown

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,m4v,h264,hevc,"
    "wtv,mxf,dv,ivf,nut,rm,yuv4mpegpipe,mjpeg,mpjpeg,av1,obu"
)
"""Demuxers that may open a file. Playlists, which name other files and addresses, may not."""

_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
_STILL_BRANDS = frozenset({"heic", "heix", "heim", "heis", "mif1", "avif"})
_RATES = (0.01, 1000.0)
"""Frame rates outside are taken for damage."""
ASSUMED_RATE = 25.0
STDIN = Path("-")
"""A video that is piped in."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file as a video container; InputError where it is none, whatever it is instead.

    Text of the file's own (titles, say) that is no UTF-8 is replaced, not refused.
    """
    name = shown(path)
    if path == STDIN:
        with _piped() as container:
            yield container
        return
    if not path.exists():
        raise InputError(f"{name}: does not exist")
    if not path.is_file():
        raise InputError(f"{name}: is not a file")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{name}: is empty")
        container = av.open(  # a name may hold a colon
            f"file:{path}", options=dict(_OPTIONS), metadata_errors="replace"
        )
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name}: is not a video that can be read ({reason(error)})") from error
    with container:
        yield container


@contextmanager
def _piped() -> Iterator[Any]:
    try:
        container = av.open(
            _Forward(sys.stdin.buffer),
            options={"format_whitelist": CONTAINERS},
            metadata_errors="replace",
        )
    except Exception as error:
        raise InputError(
            f"standard input: is not a video that can be read as it comes ({reason(error)}); MP4 "
            "needs its index first (ffmpeg -movflags +faststart), Matroska goes as it is"
        ) from error
    with container:
        yield container


class _Forward:
    """A pipe, of which there is no going back; gives all that is asked for, but at the end."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def read(self, size: int) -> bytes:
        return bytes(self._source.read(size))


def choose_stream(container: Any, path: Path, index: int | None = None) -> Any:
    """Return the video stream to read: the file's main one, or the one of that index.

    index: counted over all streams of the file, as ffprobe does. A cover picture is never the
    main stream. Raises InputError where there is no video, saying what there is instead.
    """
    name = shown(path)
    videos = video_streams(container)
    if index is not None:
        for stream in videos:
            if stream.index == index:
                return _decodable(stream, name)
        known = ", ".join(str(stream.index) for stream in videos) or "none"
        raise InputError(f"{name}: stream {index} is no video; its video streams: {known}")
    if not videos:
        raise InputError(f"{name}: {_what_instead(container)}")
    if container.metadata.get("major_brand", "").strip() in _STILL_BRANDS:
        raise InputError(f"{name}: is not a video but a photograph")
    best = container.streams.best("video")
    if best is None or all(best.index != stream.index for stream in videos):
        best = max(videos, key=lambda s: (bool(s.disposition & Disposition.default), s.width or 0))
    return _decodable(best, name)


def video_streams(container: Any) -> list[Any]:
    """List the video streams that are no cover pictures."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def _decodable(stream: Any, name: str) -> Any:
    if stream.codec_context is None:
        raise InputError(f"{name}: no decoder is known for its video")
    return stream


def _what_instead(container: Any) -> str:
    sound = bool(container.streams.audio)
    if container.streams.video:
        return f"holds only a cover picture{' beside its sound' if sound else ''}, no video"
    return "holds sound and no video" if sound else "holds no video"


@dataclass(frozen=True)
class Promise:
    """What a file states of one stream.

    end_s: when its last frame goes, on the file's own clock; None where nothing says so.
    own: that is the stream's own figure, not the longest of all streams. frames: in the index,
    None where no index counts them. rate: frames per second, never missing; rate_assumed: the
    file states none.
    """

    end_s: float | None
    own: bool
    frames: int | None
    rate: float
    rate_assumed: bool


def promise_of(container: Any, stream: Any) -> Promise:
    """Read what the header and the index promise."""
    frames = None
    if container.format.name.startswith("mov") and stream.frames:
        frames = len(stream.index_entries) or None  # after edit lists, unlike the header's count
    own = _own_end(container, stream)
    end = _container_end(container) if own is None else own
    return Promise(end, own is not None, frames, *_rate(stream))


def _own_end(container: Any, stream: Any) -> float | None:
    if untimed(container):
        return None
    if container.format.name == "avi" and stream.frames:  # one tick a frame, by the header
        return float(stream.frames * stream.time_base)
    if stream.duration and stream.duration > 0:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    return _tagged_duration(stream)


def _container_end(container: Any) -> float | None:
    if untimed(container) or not container.duration or container.duration < 0:
        return None
    return float(((container.start_time or 0) + container.duration) / av.time_base)


def untimed(container: Any) -> bool:
    """Whether the format holds no times at all: a bare stream of frames."""
    return bool(container.format.flags & FormatFlags.no_timestamps.value)


def may_splice(container: Any) -> bool:
    """Whether the format allows a clock that jumps (broadcast streams)."""
    return bool(container.format.flags & FormatFlags.ts_discont.value)


def stated_rate(stream: Any) -> float | None:
    """Frames per second by the stream's header; None where absent or absurd."""
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate and _RATES[0] <= rate <= _RATES[1]:
            return float(rate)
    return None


def _rate(stream: Any) -> tuple[float, bool]:
    rate = stated_rate(stream)
    if rate is None:
        return ASSUMED_RATE, True
    return rate, untimed(stream.container) and not stream.codec_context.framerate


def _tagged_duration(stream: Any) -> float | None:
    """Seconds by the DURATION tag of Matroska ('00:00:04.027000000'): the end of the stream."""
    for key, value in stream.metadata.items():
        if key.upper().split("-")[0] == "DURATION":
            try:
                hours, minutes, seconds = value.split(":")
                return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            except ValueError:
                return None
    return None


def pixel_aspect_of(stream: Any) -> float | None:
    """Width of a stored pixel by its height; None where the file does not say."""
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio else None
