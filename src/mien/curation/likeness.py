"""How alike two people's faces are: for suggestions of who may be one person, never kept.

What tells people apart identifies them. So descriptions are computed when somebody asks, in memory,
and only pairs of names leave this file.

`appearance` needs nothing more and is weak: of 798 photographs of wildfaces it finds two of one
person more alike than two of strangers in 66 % of cases (50 % is chance). Its threshold is passed
by 1 in 1,000 pairs of strangers and by 3 % of the pairs of one person; tracks of one recording,
with the same light and hair, pass it far more often (benchmarks/face_measures.py).

`dlib` (the ResNet of King 2017, `pip install dlib-bin face_recognition_models`, 137 MB) is meant
for this: 98 % on 200 of these photographs, and 87 % of the pairs of one person pass its threshold
with 1 in 1,000 pairs of strangers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.faces.carried import carried_file

Floats = NDArray[np.float32]
Crops = NDArray[np.uint8]

_SIDE, _CELL, _DIRECTIONS = 48, 8, 9
_COLOURS = 4
_CHIP = 150
_CHIP_POINTS = np.array([(47.6, 46.6), (100.5, 46.6), (74.0, 76.6), (50.4, 103.0), (97.6, 103.0)])
"""Where eyes, nose tip and corners of the mouth are in dlib's picture of an average face."""


@dataclass(frozen=True)
class Describer:
    """describe: crops (N, S, S, 3) and landmarks (N, 5, 2) in them, -1 to 1, to vectors (N, D) of
    length 1. alike: cosine from which two people are suggested. note: how far to trust it."""

    describe: Callable[[Crops, Floats], Floats]
    alike: float
    note: str


def appearance(crops: Crops, points: Floats) -> Floats:
    """Directions of edges by place (Dalal and Triggs 2005), and coarse colours."""
    shapes, colours = [], []
    for crop in crops:
        image = Image.fromarray(crop)
        grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        shapes.append(_edges(np.asarray(grey, np.float32)))
        few = image.resize((_COLOURS, _COLOURS), Image.Resampling.BOX)
        colours.append(np.asarray(few, np.float32).ravel())
    whole = np.concatenate([_unit(np.stack(shapes)), 0.5 * _unit(np.stack(colours))], 1)
    return _normed(whole)


def _edges(grey: Floats) -> Floats:
    down, right = np.gradient(grey)
    strength, direction = np.hypot(down, right), np.arctan2(down, right) % np.pi
    bins = (direction / np.pi * _DIRECTIONS).astype(int).clip(0, _DIRECTIONS - 1)
    many = _SIDE // _CELL
    cells = np.stack(
        [
            (strength * (bins == b)).reshape(many, _CELL, many, _CELL).sum((1, 3))
            for b in range(_DIRECTIONS)
        ],
        -1,
    )
    size = np.linalg.norm(cells, axis=-1, keepdims=True)
    return np.asarray(cells / (size + 0.02 * size.mean() + 1e-6), np.float32).ravel()


def dlib(crops: Crops, points: Floats) -> Floats:
    """128 numbers by dlib's network, of faces brought into place by their landmarks.

    Raises InputError where dlib or its weights are not installed.
    """
    install = "dlib-bin face_recognition_models"
    if find_spec("_dlib_pybind11") is None:
        raise InputError(f"`dlib` is not installed: `pip install {install}`")
    name = "dlib_face_recognition_resnet_model_v1.dat"
    weights = carried_file("face_recognition_models", name, install)
    network = import_module("_dlib_pybind11").face_recognition_model_v1(str(weights))
    chips = [_chip(crop, marks) for crop, marks in zip(crops, points, strict=True)]
    told = [np.asarray(network.compute_face_descriptor(chip), np.float32) for chip in chips]
    return _normed(np.stack(told))


def _chip(crop: Crops, points: Floats) -> Crops:
    """Turn, scale and move a face into dlib's place; a crop without landmarks is only resized."""
    image = Image.fromarray(crop)
    if np.isnan(points).any():
        return np.asarray(image.resize((_CHIP, _CHIP), Image.Resampling.BICUBIC))
    here = (np.asarray(points, np.float64) + 1) / 2 * np.array([crop.shape[1], crop.shape[0]])
    x, y = _CHIP_POINTS.T
    ones, none = np.ones(5), np.zeros(5)
    rows = np.concatenate([np.stack([x, -y, ones, none], 1), np.stack([y, x, none, ones], 1)])
    a, b, c, d = np.linalg.lstsq(rows, here.T.ravel(), rcond=None)[0]
    place, how = (a, -b, c, b, a, d), Image.Resampling.BICUBIC
    return np.asarray(image.transform((_CHIP, _CHIP), Image.Transform.AFFINE, place, how))


def _unit(vectors: Floats) -> Floats:
    """Vectors of length 1 about their own mean."""
    return _normed(vectors - vectors.mean(1, keepdims=True))


def _normed(vectors: Floats) -> Floats:
    """Vectors of length 1, but for zeros."""
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return np.asarray(vectors / length, np.float32)


DESCRIBERS = {
    "appearance": Describer(appearance, 0.7, "weak: it goes by light, colour and hair; look"),
    "dlib": Describer(dlib, 0.93, "a face network; twins, bad light and profiles still deceive it"),
}


@dataclass(frozen=True)
class Pair:
    """Two people, by name, who may be one. likeness: cosine of their mean descriptions."""

    first: str
    second: str
    likeness: float


def suggest(
    names: Sequence[str],
    vectors: Floats,
    owner: NDArray[np.intp],
    together: set[frozenset[int]],
    alike: float,
) -> list[Pair]:
    """Pair people, the most alike first.

    vectors: (N, D), of faces; owner: (N,), whose each is, an index into `names`. together: pairs
    of people who are in one frame, and so are not one person.
    """
    mean = np.zeros((len(names), vectors.shape[1]), np.float32)
    np.add.at(mean, owner, vectors)
    mean = _normed(mean)
    likeness = mean @ mean.T
    found = []
    for a, b in zip(*np.nonzero(np.triu(likeness >= alike, 1)), strict=True):
        if frozenset((int(a), int(b))) not in together:
            found.append(Pair(names[a], names[b], round(float(likeness[a, b]), 3)))
    return sorted(found, key=lambda pair: -pair.likeness)
