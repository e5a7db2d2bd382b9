"""Frame times from the stamps of a file: rising, whatever the file says."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any

from av.video.frame import VideoFrame

from mien.media.report import DecodeReport

REORDER = 16
"""Frames a decoder may hold back to show later ones first (H.264, H.265: at most 16)."""
JUMP_S = 10.0
"""A longer gap is a splice where the format allows one, or where it leaves the stated duration."""
UNSTATED_JUMP_S = 600.0
"""A longer gap is a splice where the file states no duration."""


@dataclass(frozen=True)
class StampPolicy:
    """How the stamps of a stream are to be read, settled on its first packets.

    kind: 'pts', presentation times; 'dts', decoding times, where the file has no others; None,
    where it has none. A decoder hands decoding times on in the order it shows frames, late by as
    many frames as it holds back. first: decoding time of the first packet, in ticks.
    """

    kind: str | None
    first: int = 0


def policy_of(packets: Sequence[Any], reorders: bool, untimed: bool) -> StampPolicy:
    """Settle how to read the stamps.

    packets: the first of the stream. reorders: the codec shows frames in another order than it
    stores them; then presentation times that only rise are decoding times under a wrong name.
    untimed: the format holds no times; those that a reader makes up do not count, and neither do
    times that most packets share.
    """
    shown = [p.pts for p in packets if p.pts is not None]
    stored = [p.dts for p in packets if p.dts is not None]
    if untimed or len({*shown, *stored}) <= len(packets) // 4:
        return StampPolicy(None)
    if not shown:
        return StampPolicy("dts", stored[0])
    rising = len(shown) > REORDER and all(a < b for a, b in pairwise(shown))
    return StampPolicy("dts", stored[0]) if reorders and rising and stored else StampPolicy("pts")


@dataclass(frozen=True)
class TimedFrame:
    """A frame with its time on the file's clock, made continuous; stamp_s: as the file says."""

    source: VideoFrame
    time_s: float
    until_s: float
    stamp_s: float | None


class FrameClock:
    """Gives the frames of one stream rising times.

    Frames come in the order they are shown. Stamps that are missing are made from the rate; where
    they come out of order, they are sorted within `REORDER` frames; where they start again or
    jump (a splice), time goes on from the last frame by one step. All of it is counted in the
    report.

    rate: frames per second. end_s: the end the file states on its own clock. may_splice: the
    format allows clocks that jump.
    """

    def __init__(
        self,
        policy: StampPolicy,
        rate: float,
        end_s: float | None,
        may_splice: bool,
        report: DecodeReport,
    ) -> None:
        self._policy, self._step, self._end_s = policy, 1 / rate, end_s
        self._may_splice, self._report = may_splice, report
        self._depth = 0
        self._delay: int | None = None
        self._offset = 0.0
        self._top: float | None = None
        self._first: float | None = None
        self._last: float | None = None
        self._recent: deque[float] = deque(maxlen=REORDER + 1)
        self._frames: deque[VideoFrame] = deque()
        self._times: list[tuple[float, int, float | None]] = []
        self._pushed = 0
        self._suspect: tuple[float, float] | None = None  # before a long gap, and after it
        report.decoding_times = policy.kind == "dts"

    def timed(self, frames: Iterable[VideoFrame]) -> Iterator[TimedFrame]:
        """Yield every frame with its time, in the order they come."""
        for frame in frames:
            self._push(frame)
            if len(self._frames) > self._depth:
                yield self._pop()
        while self._frames:
            yield self._pop()

    def _push(self, frame: VideoFrame) -> None:
        stamp = self._stamp(frame)
        if stamp is None:
            self._report.made += self._policy.kind != "dts"  # those held back last have none
            time_s = self._top + self._step if self._top is not None else 0.0
        else:
            time_s = self._placed(self._checked(stamp + self._offset))
        self._top = time_s if self._top is None else max(self._top, time_s)
        self._recent.append(time_s)
        self._frames.append(frame)
        heappush(self._times, (time_s, self._pushed, stamp))
        self._pushed += 1

    def _stamp(self, frame: VideoFrame) -> float | None:
        if self._policy.kind is None or frame.time_base is None:
            return None
        ticks = frame.pts
        if self._policy.kind == "dts" and frame.dts is not None:
            self._delay = frame.dts - self._policy.first if self._delay is None else self._delay
            ticks = frame.dts - self._delay
        elif self._policy.kind == "dts":
            ticks = None
        return None if ticks is None else float(ticks * frame.time_base)

    def _placed(self, time_s: float) -> float:
        """Return the time, or where time goes on if this one is a splice."""
        top = self._top
        if top is None:
            return time_s
        back = top - time_s
        if back < 0:
            if -back > JUMP_S:
                self._suspect, self._depth = (top, time_s), REORDER
            return self._spliced(time_s) if self._jumps(time_s, -back) else time_s
        late = self._depth and 0 < back < REORDER * self._step
        if self._fills_a_gap(time_s) or late:
            self._depth, self._report.out_of_order = REORDER, True
            return time_s
        if back <= 1.5 * self._step:
            self._depth = REORDER  # the frames ahead say where between its neighbours it goes
            return time_s
        return self._spliced(time_s)

    def _checked(self, time_s: float) -> float:
        """Take back a long gap where the next frame does not follow it: one stamp was wrong."""
        if self._suspect is None:
            return time_s
        before, after = self._suspect
        self._suspect = None
        if not (before < time_s < after - JUMP_S and self._top == after):
            return time_s
        made = before + min(self._step, (time_s - before) / 2)
        self._times = [(made, n, None) if t == after else (t, n, s) for t, n, s in self._times]
        heapify(self._times)
        self._top = self._recent[-1] = made
        self._report.made += 1
        return time_s

    def _jumps(self, time_s: float, gap_s: float) -> bool:
        if gap_s <= JUMP_S + self._step:
            return False
        if self._may_splice:
            return True
        if self._end_s is None:
            return gap_s > UNSTATED_JUMP_S
        return time_s - self._offset > self._end_s + 1.0

    def _spliced(self, time_s: float) -> float:
        assert self._top is not None
        there = self._top + self._step
        self._offset += there - time_s
        start = self._first if self._first is not None else self._recent[0]
        self._report.splices.append(there - start)
        return there

    def _fills_a_gap(self, time_s: float) -> bool:
        """Whether the time lies in a gap that recent frames left: late, not of a new start."""
        below = [t for t in self._recent if t < time_s]
        above = [t for t in self._recent if t >= time_s]
        if not below or not above or min(above) == time_s:
            return False
        return min(above) - max(below) > 1.5 * self._step

    def _pop(self) -> TimedFrame:
        frame = self._frames.popleft()
        time_s, _, stamp = heappop(self._times)
        if self._last is not None and time_s <= self._last:
            time_s = self._between(self._last)
            self._report.squeezed += 1
        self._last = time_s
        self._first = time_s if self._first is None else self._first
        return TimedFrame(frame, time_s, time_s + self._length(frame), stamp)

    def _between(self, last: float) -> float:
        """Return a time after `last` that leaves room for the frames still to come before it."""
        later = [t for t, _, _ in self._times if t > last]
        room = min([*later, last + self._step]) - last
        return last + room / (2 + len(self._times) - len(later))

    def _length(self, frame: VideoFrame) -> float:
        if self._policy.kind == "pts" and frame.duration > 0 and frame.time_base:
            return float(frame.duration * frame.time_base)
        return self._step
