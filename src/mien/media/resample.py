"""From a file's own frame times to an even grid."""

from collections.abc import Iterable, Iterator
from math import floor

from mien.media.decode import Frame


def resample(frames: Iterable[Frame], fps: float) -> Iterator[tuple[int, Frame]]:
    """Yield (k, frame) for k = 0, 1, 2, ...: the frame that is on screen at k / fps.

    Presentation times are rounded to the nearest grid point, so that files whose times are
    quantised (milliseconds, say) lose no frame; a frame that shares its grid point with a later
    one is dropped, and one that stays on screen is repeated. The last frame is shown once.
    """
    held: Frame | None = None
    k = 0
    for frame in frames:
        point = floor(frame.time_s * fps + 0.5)
        while held is not None and k < point:
            yield k, held
            k += 1
        held = frame
    if held is not None:
        yield k, held
