"""From a file's own frame times to an even grid."""

from collections.abc import Iterable, Iterator
from math import floor

from mien.errors import InputError
from mien.media.decode import Frame

LONGEST_S = 600.0
"""A longer gap between frames is taken for damage, not for a still picture."""


def resample(frames: Iterable[Frame], fps: float) -> Iterator[tuple[int, Frame]]:
    """Yield (k, frame) for k = 0, 1, 2, ...: the frame that is on screen at k / fps.

    Presentation times are rounded to the nearest grid point, so that files whose times are
    quantised (milliseconds, say) lose no frame; a frame that shares its grid point with a later
    one is dropped, and one that stays on screen is repeated, the last one for as long as it says.
    Raises InputError where a frame would be held for more than `LONGEST_S`.
    """
    held: Frame | None = None
    k = 0
    for frame in frames:
        point = floor(frame.time_s * fps + 0.5)
        if held is not None:
            _refuse_gap(held.time_s, frame.time_s)
        while held is not None and k < point:
            yield k, held
            k += 1
        held = frame
    if held is None:
        return
    _refuse_gap(held.time_s, held.until_s)
    yield k, held
    for later in range(k + 1, floor(held.until_s * fps + 0.5)):
        yield later, held


def _refuse_gap(start_s: float, end_s: float) -> None:
    if end_s - start_s > LONGEST_S:
        raise InputError(
            f"one frame is held from {start_s:.1f} to {end_s:.1f} s: the file's times are damaged"
        )
