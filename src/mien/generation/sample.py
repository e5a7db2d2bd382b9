"""Generate faces and let the discriminator name their affect (benroumpi-2018, section 6.2.3)."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.atomic import replacing
from mien.labels.action_units import column
from mien.media.images import grid, write_image
from mien.metrics.affect import Predictions
from mien.models.predictor import AffectPredictor, to_pixels
from mien.models.sampler import FaceSampler
from mien.runs.run import Checkpoint
from mien.text import number_cell

COLUMNS = 8
_LEAST_SIDE = 64  # small faces are enlarged by whole factors until this wide in the grid


@dataclass(frozen=True)
class Samples:
    """Generated faces (N, S, S, 3) RGB, and the same network's predictions of them."""

    pixels: NDArray[np.uint8]
    predictions: Predictions


def sample(checkpoint: Checkpoint, count: int, seed: int) -> Samples:
    """Generate `count` faces, the same for the same seed, and predict each."""
    sampler = FaceSampler.load(checkpoint.sampler)
    predictor = AffectPredictor.load(checkpoint.discriminator)
    faces = list(sampler.batches(count, seed))
    return Samples(to_pixels(torch.cat(faces)), predictor.predict_batches(faces))


def write_grid(path: Path, samples: Samples, columns: int = COLUMNS) -> None:
    """Write the faces as one picture, row by row."""
    side = samples.pixels.shape[1]
    write_image(path, grid(samples.pixels, columns, max(1, -(-_LEAST_SIDE // side))))


def write_predictions(path: Path, samples: Samples, columns: int = COLUMNS) -> None:
    """Write one CSV row per face, in the order of the grid; empty where nothing was learned."""
    found = samples.predictions
    header = ["face", "grid_row", "grid_column", "p_fake", "valence", "arousal"]
    header += [f"{column(au)}_p" for au in found.aus]
    header += ["expression", *found.expressions]
    best = found.expression_index()
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for i in range(len(found)):
            values = [
                found.fake_probability[i],
                *found.valence_arousal[i],
                *found.au_probability[i],
            ]
            name = found.expressions[best[i]] if best[i] >= 0 else ""
            row = [i, i // columns, i % columns, *map(number_cell, values)]
            writer.writerow([*row, name, *map(number_cell, found.expression_probability[i])])
