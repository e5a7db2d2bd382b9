"""What a run says while it trains: metrics.jsonl and TensorBoard."""

import json
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.media.images import emotion_circle, grid, side_by_side, write_image
from mien.runs.run import Run


def _step(line: str) -> float:
    """Step of a line of metrics; infinity for a torn or damaged one."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


class Recorder:
    """Writes metrics and sample grids of a run, from a step on: later entries are dropped."""

    def __init__(self, run: Run, first_step: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.run = run
        self._drop_after(first_step)
        self._lines = run.metrics_file.open("a", encoding="utf-8", buffering=1)
        self._board: Any = SummaryWriter(
            str(run.folder / "tensorboard"), purge_step=first_step + 1 if first_step else None
        )

    def _drop_after(self, step: int) -> None:
        """Forget what a killed run wrote after its last checkpoint, a torn line included."""
        if not self.run.metrics_file.exists():
            return
        lines = self.run.metrics_file.read_text(encoding="utf-8").split("\n")
        kept = [line for line in lines if _step(line) <= step]
        write_text(self.run.metrics_file, "".join(f"{line}\n" for line in kept))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Record named numbers of a step; NaN goes to neither place."""
        known = {name: value for name, value in values.items() if np.isfinite(value)}
        self._lines.write(json.dumps({"step": step, **known}) + "\n")
        for name, value in known.items():
            self._board.add_scalar(name, value, step)

    def warning(self, step: int, text: str) -> None:
        """Record a warning in words."""
        self._lines.write(json.dumps({"step": step, "warning": text}) + "\n")
        self._board.add_text("warnings", text, step)

    def samples(
        self,
        step: int,
        pixels: NDArray[np.uint8],
        columns: int = 8,
        affect: NDArray[np.float32] | None = None,
    ) -> None:
        """Record a grid of generated faces (N, S, S, 3) as PNG and in TensorBoard.

        affect: valence and arousal (N, 2) that the discriminator sees in them, drawn on the circle
        beside the grid (benroumpi-2018, figures 6.10 to 6.17).
        """
        sheet = grid(pixels, columns)
        folder = self.run.folder / "samples"
        folder.mkdir(exist_ok=True)
        scale = max(1, 512 // sheet.width)
        picture = grid(pixels, columns, scale)
        if affect is not None:
            picture = side_by_side(picture, emotion_circle(affect, picture.height))
        write_image(folder / f"step-{step:08d}.png", picture)
        self._board.add_image("samples", np.asarray(sheet), step, dataformats="HWC")
        self._board.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._board.close()
