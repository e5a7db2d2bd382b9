"""Generate faces and let the discriminator name their affect (benroumpi-2018, section 6.2.3)."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.atomic import replacing
from mien.errors import InputError
from mien.labels.arrays import Predictions
from mien.media.images import grid, write_image
from mien.models.images import to_pixels
from mien.models.sampler import FaceSampler
from mien.models.torch_recogniser import TorchRecogniser
from mien.runs.run import Checkpoint
from mien.text import cell

COLUMNS = 8
_LEAST_SIDE = 64  # small faces are enlarged by whole factors until this wide in the grid


@dataclass(frozen=True)
class Samples:
    """Generated faces (N, S, S, 3) RGB, and the same network's predictions of them.

    step: of the checkpoint that made them.
    """

    pixels: NDArray[np.uint8]
    predictions: Predictions
    step: int


def sample(checkpoint: Checkpoint, count: int, seed: int) -> Samples:
    """Generate `count` faces, the same for the same seed, and predict each.

    Raises InputError for a checkpoint without a generator.
    """
    if checkpoint.sampler is None:
        raise InputError(f"{checkpoint.folder}: has no generator, so it makes no faces")
    recogniser = TorchRecogniser.load(checkpoint.recogniser)
    faces = list(FaceSampler.load(checkpoint.sampler).batches(count, seed))
    predictions = recogniser.predict_batches(faces)
    return Samples(to_pixels(torch.cat(faces)), predictions, checkpoint.step)


def write_grid(path: Path, samples: Samples, columns: int = COLUMNS) -> None:
    """Write the faces as one picture, row by row."""
    side = samples.pixels.shape[1]
    write_image(path, grid(samples.pixels, columns, max(1, -(-_LEAST_SIDE // side))))


def write_predictions(path: Path, samples: Samples, columns: int = COLUMNS) -> None:
    """Write one CSV row per face, in the order of the grid; empty where nothing was learned."""
    found = samples.predictions
    header = ["face", "grid_row", "grid_column", "p_fake"]
    values: list[list[object]] = [list(found.fake)]
    for head in found.heads:
        header += head.kind.table_columns(head.name, head.outputs)
        values += head.kind.table_values(found[head.name], head.outputs)
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for i in range(found.n):
            place = [i, i // columns, i % columns]
            writer.writerow([*place, *(cell(column[i]) for column in values)])
