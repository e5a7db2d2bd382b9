"""`mien.sample`: generate faces, and name what the discriminator predicts of each."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mien.errors import InputError
from mien.runs.run import Run

if TYPE_CHECKING:
    from mien.generation.sample import Samples


def sample(
    run: str | Path,
    *,
    count: int = 64,
    seed: int = 0,
    checkpoint: Literal["last", "best"] = "last",
    out: str | Path | None = None,
) -> "Samples":
    """Generate faces with a run's generator, the same for the same seed.

    out: where to write them as one picture, and beside it, as .csv, the predictions. Raises
    InputError where the run has no generator.
    """
    from mien.generation.sample import sample as sample_faces
    from mien.generation.sample import write_grid, write_predictions

    if count < 1 or seed < 0 or checkpoint not in ("last", "best"):
        raise InputError(
            f"count {count}, seed {seed}, checkpoint {checkpoint!r}: give a count of at least 1, a "
            "seed from 0, and 'last' or 'best'"
        )
    target = Run.open(Path(run))
    samples = sample_faces(target.last() if checkpoint == "last" else target.best(), count, seed)
    if out is not None:
        write_grid(Path(out), samples)
        write_predictions(Path(out).with_suffix(".csv"), samples)
    return samples
