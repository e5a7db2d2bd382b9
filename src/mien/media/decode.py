"""Decode video files frame by frame, with the exact presentation time of every frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mien.errors import InputError
from mien.media import streams
from mien.media.animations import AnimatedFrame, animation_of
from mien.media.display import UPRIGHT, Display, Matrix, display_of, matrix_of
from mien.media.names import reason, shown
from mien.media.report import DecodeReport
from mien.media.times import FrameClock, TimedFrame, policy_of

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".qt", ".3gp", ".3g2", ".f4v", ".avi", ".divx", ".mkv", ".webm"}
    | {".mpg", ".mpeg", ".mpe", ".m2v", ".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv"}
    | {".ogv", ".ogm", ".gif", ".apng", ".mxf", ".dv", ".ivf", ".nut", ".rm", ".rmvb", ".wtv"}
    | {".h264", ".264", ".h265", ".265", ".hevc", ".y4m", ".mjpeg", ".mjpg"}
)
"""Names that say video, for finding them in a folder; a file that is named may have any."""

_LOOKED = 3
"""Frames at the start that are asked for side data one by one, whatever they say."""
_HEAD = 64
"""Packets looked at before the first is decoded, to settle how to read their times."""
_SHORTFALL_S, _SHORTFALL_SHARE = 0.25, 0.02
"""How much of the stated duration may be missing before a file counts as truncated; the share
only where the figure may be rounded or another stream's."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself.

    width, height: as shown, that is upright with square pixels: the size of `Frame.rgb`.
    file_width, file_height: upright, in the file's own pixels. start_s: time of the first frame
    on the file's own clock, whose zero is where the file puts it (0 in most; beside sound that
    starts before the picture, later). stream: index of the stream read, among all of the file.
    pixel_aspect: width by height of a pixel of the file, upright.
    """

    path: Path
    width: int
    height: int
    duration_s: float | None
    frame_rate: float | None
    declared_frames: int
    file_width: int = 0
    file_height: int = 0
    start_s: float | None = None
    stream: int = 0
    pixel_aspect: float = 1.0


class Frame:
    """One decoded frame.

    index: in the file, from 0. time_s: presentation time in seconds, counted from the first frame
    that can be decoded. until_s: when it would go if no other followed. container_time_s: its
    time on the file's own clock, as the file says; None where the file says none. stated_end_s:
    when the last frame goes by the file's header, counted like time_s; None where not stated.
    """

    def __init__(
        self,
        index: int,
        time_s: float,
        until_s: float,
        source: VideoFrame,
        *,
        display: Display = UPRIGHT,
        container_time_s: float | None = None,
        stated_end_s: float | None = None,
    ) -> None:
        self.index, self.time_s, self.until_s, self._source = index, time_s, until_s, source
        self.display, self.container_time_s = display, container_time_s
        self.stated_end_s = stated_end_s

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """Pixels (H, W, 3), upright and square, converted when first asked for.

        Files whose pixels are not square are stretched along the shorter side of a pixel, so that
        faces have their shape and no pixel is lost; `to_file_pixels` maps boxes back.
        """
        source, display = self._source, self.display
        try:
            upright = display.shown_size(source.width, source.height)
            size = display.upright_size(*upright)  # before turning
            if size == (source.width, source.height):
                image = source.to_ndarray(format="rgb24")
            else:
                image = source.to_ndarray(
                    format="rgb24", width=size[0], height=size[1], interpolation="BICUBIC"
                )
            return display.upright(np.asarray(image, np.uint8))
        except Exception as error:
            raise InputError(
                f"frame {self.index} cannot be converted to RGB: {reason(error)}"
            ) from error

    def to_file_pixels(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes (N, 4), x0 y0 x1 y1, or points (N, ..., 2) of `rgb` to the file's own pixels.

        The file's own pixels are those of the upright picture before it is stretched, as ffmpeg
        and OpenCV give it: the same as `rgb` unless the file's pixels are not square.
        """
        width, height = self.display.upright_size(self._source.width, self._source.height)
        shown_width, shown_height = self.display.shown_size(self._source.width, self._source.height)
        x, y = width / shown_width, height / shown_height
        pairs = np.asarray(places, np.float32).reshape(-1, 2) * np.array([x, y], np.float32)
        return np.asarray(pairs.reshape(places.shape), np.float32)


def is_video(path: Path) -> bool:
    """Whether the name says video."""
    return path.suffix.lower() in SUFFIXES


def probe(path: Path, stream: int | None = None) -> VideoInfo:
    """Read a file's header and first frame; raises InputError where it is no readable video.

    stream: which to read, by its index in the file; the main video stream otherwise.
    """
    animation = animation_of(path)
    if animation is not None:
        width, height, count = animation.width, animation.height, animation.frames
        return VideoInfo(path, width, height, None, None, count, width, height, 0.0)
    with streams.opened(path) as container:
        chosen = streams.choose_stream(container, path, stream)
        promise = streams.promise_of(container, chosen)
        reader = _Reader(path, container, chosen, promise, DecodeReport(), strict=False)
        first = next(reader.timed_frames(), None)
        if first is None:
            raise InputError(f"{shown(path)}: no frame can be decoded{reader.why()}")
        source, display = first.source, reader.display(first.source)
        start_s = first.stamp_s
        duration_s = promise.end_s
        if promise.end_s is not None and promise.own:
            duration_s = promise.end_s - (start_s or 0.0)
        return VideoInfo(
            path,
            *display.shown_size(source.width, source.height),
            duration_s,
            streams.stated_rate(chosen),
            chosen.frames,
            *display.upright_size(source.width, source.height),
            start_s,
            chosen.index,
            display.pixel_aspect,
        )


def decode(
    path: Path,
    report: DecodeReport | None = None,
    *,
    stream: int | None = None,
    strict: bool = False,
) -> Iterator[Frame]:
    """Yield every frame that can be decoded, in the order they are shown, with rising times.

    report: is filled on the way; complete after the last frame. Damaged parts are skipped and
    counted there, and a file that ends before what it promises is told there as truncated: the
    caller decides what becomes of its frames. strict: refuse damage instead, by an InputError
    where it is met, at the latest after the last frame. stream: which to read, by its index in
    the file; the main video stream otherwise. Animated pictures (WebP, PNG, AVIF) are videos.

    Raises InputError where the file is missing, empty or no video, and where no frame can be
    decoded.
    """
    report = DecodeReport() if report is None else report
    animation = animation_of(path)
    if animation is not None:
        yield from _animated(animation.play(), report)
        return
    with streams.opened(path) as container:
        chosen = streams.choose_stream(container, path, stream)
        promise = streams.promise_of(container, chosen)
        report.stream = chosen.index
        others = streams.video_streams(container)
        report.other_streams = [s.index for s in others if s.index != chosen.index]
        reader = _Reader(path, container, chosen, promise, report, strict)
        yield from reader.frames()
        if not report.decoded:
            raise InputError(f"{shown(path)}: no frame can be decoded{reader.why()}")
        if strict and report.damage:
            raise InputError(f"{shown(path)}: {'; '.join(report.damage)}")


def _animated(frames: Iterator[AnimatedFrame], report: DecodeReport) -> Iterator[Frame]:
    time_s = 0.0
    for index, (rgb, seconds, made) in enumerate(frames):
        source = VideoFrame.from_ndarray(rgb, format="rgb24")
        report.decoded += 1
        report.made += made
        report.rate = 1 / seconds if made else report.rate
        report.rate_assumed |= made
        report.decoded_s = time_s + seconds
        yield Frame(index, time_s, time_s + seconds, source, container_time_s=time_s)
        time_s += seconds


class _Reader:
    """Reads one stream of an open container, counting what is damaged or missing."""

    def __init__(
        self,
        path: Path,
        container: Any,
        stream: Any,
        promise: streams.Promise,
        report: DecodeReport,
        strict: bool,
    ) -> None:
        self._path, self._container, self._stream = path, container, stream
        self._promise, self._report, self._strict = promise, report, strict
        self._aspect = streams.pixel_aspect_of(stream)
        self._matrix: Matrix | None = None
        self._turn = 0  # of the frame that had the matrix, in degrees
        self._error: Exception | None = None
        self._packets = 0
        self._latest_s = float("-inf")  # end of the latest packet or frame, any stream
        report.promised_frames = promise.frames
        report.rate, report.rate_assumed = promise.rate, promise.rate_assumed

    def why(self) -> str:
        """Return the last error of the decoder, in brackets; nothing where it met none."""
        why = reason(self._error) if self._error else self._report.stopped
        return f" ({why})" if why else ""

    def display(self, source: VideoFrame) -> Display:
        """Return how the next frame of this stream is shown.

        PyAV's side data and its frame hold each other until the garbage collector comes by, and
        frames are large: they are asked where the frame's rotation leaves it open, no more.
        """
        turn = source.rotation
        if self._report.decoded >= _LOOKED and not source.key_frame:
            if turn == self._turn and (turn or self._matrix is None):
                return display_of(self._matrix, self._aspect)
            if turn == 0 and self._turn:
                self._report.orientation_held += 1
                return display_of(self._matrix, self._aspect)
        matrix = matrix_of(source)
        self._report.orientation_held += matrix is None and self._matrix is not None
        if matrix is not None:
            self._matrix, self._turn = matrix, turn
        return display_of(self._matrix, self._aspect)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames; settle the report after the last."""
        start = stated_end = None
        before_s = end_s = 0.0
        for index, timed in enumerate(self.timed_frames()):
            if start is None:
                start = timed.time_s
                self._report.leading_s = self._leading(timed)
                if self._promise.end_s is not None:
                    stated_end = self._promise.end_s - start
            source, display = timed.source, self.display(timed.source)
            self._count(source, display)
            end_s = self._report.decoded_s = timed.until_s - start
            held_s = max(timed.time_s - start - before_s, timed.until_s - timed.time_s)
            self._report.held_s = max(self._report.held_s, held_s)
            before_s = timed.time_s - start
            yield Frame(
                index,
                timed.time_s - start,
                end_s,
                source,
                display=display,
                container_time_s=timed.stamp_s,
                stated_end_s=stated_end,
            )
        self._report.promised_s = stated_end
        self._report.truncated = start is not None and self._is_truncated()

    def timed_frames(self) -> Iterator[TimedFrame]:
        """Yield the stream's frames with their times on the file's clock."""
        self._stream.thread_type = "AUTO"
        packets = self._video_packets()
        head = list(islice(packets, _HEAD))
        policy = policy_of(
            head,
            bool(self._stream.codec_context.has_b_frames),
            streams.untimed(self._container),
        )
        clock = FrameClock(
            policy,
            self._promise.rate,
            self._promise.end_s,
            streams.may_splice(self._container),
            self._report,
        )
        yield from clock.timed(self._decoded(chain(head, packets)))

    def _video_packets(self) -> Iterator[Any]:
        """Yield the packets of the video; note how far the file goes."""
        sounds = () if self._promise.own else self._container.streams.audio
        packets = self._container.demux(self._stream, *sounds)
        while True:
            try:
                packet = next(packets, None)
            except Exception as error:
                self._report.stopped = reason(error)
                return
            if packet is None:
                return
            if packet.dts is not None and packet.time_base:
                end = packet.dts + (packet.duration or 0)
                self._latest_s = max(self._latest_s, float(end * packet.time_base))
            if packet.stream.index == self._stream.index:
                self._packets += bool(packet.size)
                yield packet

    def _decoded(self, packets: Iterator[Any]) -> Iterator[VideoFrame]:
        started = False
        for packet in packets:
            try:
                frames = packet.decode()
            except EOFError:
                continue
            except Exception as error:
                self._error = error
                if started:  # before the first frame the stream may start between key frames
                    self._damaged(packets=1)
                continue
            for frame in frames:
                started = True
                self._damaged(frames=int(frame.is_corrupt))
                if frame.pts is not None and frame.time_base:
                    end = frame.pts + (frame.duration or 0)
                    self._latest_s = max(self._latest_s, float(end * frame.time_base))
                yield frame

    def _damaged(self, packets: int = 0, frames: int = 0) -> None:
        self._report.damaged_packets += packets
        self._report.damaged_frames += frames
        if self._strict and packets + frames:
            raise InputError(
                f"{shown(self._path)}: damaged after {self._report.decoded_s:.1f} s{self.why()}"
            )

    def _count(self, source: VideoFrame, display: Display) -> None:
        report, size = self._report, (source.width, source.height)
        report.decoded += 1
        report.pixel_aspect = display.pixel_aspect
        if not report.sizes or report.sizes[-1] != size:
            report.sizes.append(size)

    def _leading(self, first: TimedFrame) -> float:
        """Seconds of the stream before its first frame that can be decoded."""
        start = self._stream.start_time
        if start is None or first.stamp_s is None:
            return 0.0
        lost = first.stamp_s - float(start * self._stream.time_base)
        return lost if lost > 1.5 / self._promise.rate else 0.0

    def _is_truncated(self) -> bool:
        promise = self._promise
        if promise.frames is not None:
            return self._packets < promise.frames
        if promise.end_s is None:
            return False
        allowed = max(_SHORTFALL_S, 3 / promise.rate)
        if not promise.own:
            allowed = max(allowed, _SHORTFALL_SHARE * promise.end_s)
        return self._latest_s < promise.end_s - allowed
