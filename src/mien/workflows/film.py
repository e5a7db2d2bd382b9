"""`mien.film`: films of people who do not exist, with exact ground truth."""

from pathlib import Path

from mien.errors import InputError
from mien.progress import Progress, silent

MOST = 100_000
"""Videos of one cast."""


def film(
    out: str | Path,
    *,
    people: int = 24,
    videos_per_person: int = 2,
    seconds: float = 12.0,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    raters: int = 4,
    workers: int = 1,
    progress: Progress = silent,
) -> int:
    """Film actors into a folder; returns the rows of truth. The same seed gives the same videos.

    size: width and height in pixels, fps: frames a second of all videos; None: each its own. What
    is there whole is kept, so that an interrupted call goes on. Raises InputError for impossible
    numbers.
    """
    from mien.actors.film import plan_videos
    from mien.actors.studio import make_cast

    if min(people, videos_per_person, raters, workers) < 1 or seed < 0:
        raise InputError("people, videos per person, raters and workers: give at least 1")
    if size is not None and not (
        64 <= size[0] <= 3840 and 64 <= size[1] <= 2160 and size[0] % 2 == size[1] % 2 == 0
    ):
        raise InputError(f"size {size[0]}x{size[1]}: even numbers from 64x64 to 3840x2160")
    if not 0.5 <= seconds <= 3600:
        raise InputError(f"seconds {seconds:g}: give 0.5 to 3600")
    if fps and seconds * fps < 2:
        raise InputError(f"seconds {seconds:g}, fps {fps:g}: not even two frames")
    if people * videos_per_person > MOST:
        raise InputError(f"{people * videos_per_person} videos, more than {MOST}")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    plans = plan_videos(people, videos_per_person, seconds, seed, size, fps)
    return len(make_cast(folder, plans, seed, workers, raters, progress))
