"""From a file's own frame times to an even grid."""

from collections.abc import Iterable, Iterator
from math import floor
from typing import Protocol, TypeVar

from mien.errors import InputError

LONGEST_S = 600.0
"""A longer gap between frames is taken for damage, unless the file states that it lasts so long."""
LONGEST_STATED_S = 4 * 3600.0
"""A longer gap is taken for damage whatever the file states."""

_ROUNDING_S = 0.00051
"""Times kept in milliseconds are off by half of one."""
_SAME_RATE = (0.85, 1.15)
"""A file whose frames follow each other like the grid's points, but for jitter."""

_KEPT = 0.9
"""Share of the frames, or of the points where those are fewer, that a grid keeps of even times."""


class Timed(Protocol):
    """A frame by its times; see `mien.media.decode.Frame`."""

    @property
    def time_s(self) -> float:
        """When it comes."""

    @property
    def until_s(self) -> float:
        """When it would go if no other followed."""

    @property
    def stated_end_s(self) -> float | None:
        """When the last frame goes by the file's header."""


AnyFrame = TypeVar("AnyFrame", bound=Timed)


def resample(frames: Iterable[AnyFrame], fps: float) -> Iterator[tuple[int, AnyFrame]]:
    """Yield (k, frame) for k = 0, 1, 2, ...: the frame that is on screen at k / fps.

    A frame counts as on screen from half a millisecond before its time, since many files round
    their times to milliseconds; where it follows the one before it about as grid points follow
    each other, from a quarter of a grid step before, so that a file of the grid's own rate loses
    no frame to jitter. Frames between two grid points are dropped, those that stay are repeated.
    There are as many points as the file's length times fps, rounded, or one more where the last
    frame starts on it. Raises InputError where a frame would be held for more than `LONGEST_S`
    and the file does not state that it lasts so long, or for more than `LONGEST_STATED_S`.
    """
    held: AnyFrame | None = None
    k = 0
    early = _ROUNDING_S
    for frame in frames:
        if held is not None:
            _refuse_gap(held, frame.time_s)
            early = _early(held, frame, fps)
        while held is not None and k / fps < frame.time_s - early:
            yield k, held
            k += 1
        held = frame
    if held is None:
        return
    _refuse_gap(held, held.until_s)
    points = max(floor((held.time_s + _ROUNDING_S) * fps) + 1, floor(held.until_s * fps + 0.5))
    for later in range(k, points):
        yield later, held


def uneven(decoded: int, kept: int, points: int, fps: float) -> list[str]:
    """Say so where more frames fell between the points of a grid than its rate explains.

    decoded: frames of the file. kept: how many of them are on the grid. points: of the grid.
    """
    if kept >= _KEPT * min(decoded, points) - 2:
        return []
    return [
        f"{decoded - kept} of {decoded} frames fall between the points of the grid of {fps:g} per "
        "second, while others are repeated: the file's times are uneven"
    ]


def _early(held: Timed, frame: Timed, fps: float) -> float:
    steps = (frame.time_s - held.time_s) * fps
    return 0.25 / fps if _SAME_RATE[0] < steps < _SAME_RATE[1] else _ROUNDING_S


def _refuse_gap(held: Timed, end_s: float) -> None:
    longest = LONGEST_S
    if held.stated_end_s is not None and end_s <= held.stated_end_s + 1:
        longest = LONGEST_STATED_S
    if end_s - held.time_s > longest:
        raise InputError(
            f"one frame is held from {held.time_s:.1f} to {end_s:.1f} s: the file's times are "
            "damaged"
        )
