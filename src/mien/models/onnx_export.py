"""Write a recogniser as an ONNX file (`recognition/onnx_recogniser.py` says what is in one)."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.atomic import replacing
from mien.errors import InputError
from mien.labels.arrays import Predictions
from mien.models.heads import OutputSpec
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.onnx_recogniser import (
    FEATURES,
    STATE_AFTER,
    OnnxRecogniser,
    RecogniserCard,
    write_card,
)

TOLERANCE = 1e-4
"""Largest difference of a file's predictions from its network's (`largest_difference`)."""
HALF_TOLERANCE = 1e-2
"""The same where weights are rounded to half precision; intensities run to 5."""
_TESTED, _PEOPLE = 20, 3
_LEAST_HALVED = 64


def export_onnx(recogniser: TorchRecogniser, path: Path, half: bool = False) -> float:
    """Write the file; returns the largest difference of its predictions, on made pictures.

    half: round weights to half precision, in which the file stores them; they are computed with as
    ever. Raises InputError, and writes nothing, where the difference is above `TOLERANCE`, or
    `HALF_TOLERANCE`.
    """
    import onnx

    if recogniser.preprocessing.window > 1:
        raise InputError(
            f"{path}: a recogniser that sees {recogniser.preprocessing.window} frames together "
            "stays in torch; ONNX files hold those that take frame by frame"
        )
    model = to_onnx(recogniser, half)
    crops = made_pictures(recogniser.preprocessing.size)
    points = made_landmarks(recogniser.preprocessing.landmarks)
    tracks = np.arange(len(crops)) % _PEOPLE  # for those that follow people
    with replacing(path) as temporary:
        onnx.save_model(model, str(temporary))
        exported = OnnxRecogniser.load(temporary)
        found = exported.anew().predict(crops, tracks, landmarks=points)
        expected = recogniser.anew().predict(crops, tracks, landmarks=points)
        difference = largest_difference(found, expected)
        if exported.card.features is not None:
            apart = np.abs(exported.features(crops) - recogniser.features(crops))
            scale = max(1.0, float(np.abs(recogniser.features(crops)).max()))
            difference = max(difference, float(apart.max()) / scale)
        if not difference <= (HALF_TOLERANCE if half else TOLERANCE):
            raise InputError(f"{path}: the file would predict {difference:g} off the network")
    return difference


def to_onnx(recogniser: TorchRecogniser, half: bool = False) -> Any:
    """Return the `onnx.ModelProto` of a recogniser, its card in it. half: as `export_onnx`."""
    spec, preprocessing = recogniser.spec, recogniser.preprocessing
    fake = spec.fake is not None and spec.fake.probability
    state, side = recogniser.state_size, preprocessing.size
    example: tuple[Tensor, ...] = (torch.zeros(2, preprocessing.channels, side, side),)
    if preprocessing.landmarks:
        example += (torch.zeros(2, preprocessing.landmarks, 2),)
    if state:
        example += (torch.zeros(2, state),)
    width = _width_of_features(recogniser.network, example)
    card = RecogniserCard(
        spec.layout.heads, spec.learned, fake, preprocessing, state, width, recogniser.provenance
    )
    outputs = [*card.outputs, *([] if width is None else [FEATURES])]
    faces = torch.export.Dim("faces")
    with _quiet():
        program = torch.onnx.export(
            _Named(recogniser.network, spec, outputs).eval(),
            example,
            dynamo=True,
            verbose=False,
            input_names=card.inputs,
            output_names=outputs,
            dynamic_shapes={"given": tuple({0: faces} for _ in example)},
        )
    assert program is not None
    model = program.model_proto
    _forget_origins(model)
    _halve(model, rounded=half)
    write_card(model, card)
    return model


@torch.inference_mode()
def _width_of_features(network: Any, example: tuple[Tensor, ...]) -> int | None:
    """Length of what the last layer sees of images; None where a network takes or says more."""
    if len(example) > 1 or not hasattr(network, "features"):
        return None
    return int(network.features(*example).flatten(1).shape[1])


class _Named(nn.Module):
    """The network with its outputs cut into heads and scaled, as `OutputSpec` says.

    Features are those that the network computes on its way, where it asks itself for them.
    """

    def __init__(self, network: nn.Module, spec: OutputSpec, names: list[str]) -> None:
        super().__init__()
        self.network, self.spec, self.names = network, spec, names

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        if STATE_AFTER in self.names:
            images, state = given
            output, after = self.network(images, None, state)
            return self._cut(output, {STATE_AFTER: after})
        if FEATURES not in self.names:
            return self._cut(self.network(*given), {})
        network: Any = self.network
        plain, kept = network.features, list[Tensor]()

        def remembered(*seen: Tensor) -> Tensor:
            kept.append(plain(*seen))
            return kept[-1]

        network.features = remembered
        try:
            output = network(*given)
        finally:
            del network.features
        features = kept[-1] if kept else plain(*given)
        return self._cut(output, {FEATURES: features.flatten(1)})

    def _cut(self, output: Tensor, more: dict[str, Tensor]) -> tuple[Tensor, ...]:
        found = {**self.spec.layout.split(output), **more}
        if self.spec.fake is not None:
            found["fake"] = self.spec.fake.logit(output, found)
        return tuple(found[name] for name in self.names)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's exporter from telling of its own deprecations and of what is not installed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _forget_origins(model: Any) -> None:
    """Drop what the exporter notes of the source: file names of this machine among it."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    del graph.value_info[:]


def _halve(model: Any, rounded: bool) -> None:
    """Store weights that half precision holds in it; the graph widens them again.

    rounded: those that it holds nearly, too (batch normalisation folded into a convolution).
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        held = np.isfinite(half).all() if rounded else (half.astype(np.float32) == values).all()
        if values.size < _LEAST_HALVED or not held:
            continue
        wide, narrow = tensor.name, f"{tensor.name}_half"
        tensor.CopyFrom(numpy_helper.from_array(half, narrow))
        graph.node.insert(0, helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))


def made_pictures(size: int) -> NDArray[np.uint8]:
    """Coarse and fine noise (N, size, size, 3), to compare recognisers on."""
    source = np.random.default_rng(0)
    coarse = source.integers(0, 256, (_TESTED, 5, 5, 3), np.uint8)
    at = np.arange(size) * 5 // size
    pictures = coarse[:, at][:, :, at]
    pictures[::2] = source.integers(0, 256, pictures[::2].shape, np.uint8)
    return pictures


def made_landmarks(points: int) -> NDArray[np.float32]:
    """Places in the pictures of `made_pictures` (N, points, 2), some of them unknown."""
    source = np.random.default_rng(0)
    made = source.uniform(-1, 1, (_TESTED, points, 2)).astype(np.float32)
    made[source.random((_TESTED, points)) < 0.25] = np.nan
    return made


def largest_difference(one: Predictions, other: Predictions) -> float:
    """Largest between any two numbers; infinite where only one of them says something.

    Of numbers beyond 1 it is a share of them: a linear output of an untrained network is in the
    thousands, and float32 holds seven digits.
    """
    pairs = [(one[name], other[name]) for name in one] + [(one.fake, other.fake)]
    largest = 0.0
    for a, b in pairs:
        if (np.isnan(a) != np.isnan(b)).any():
            return float("inf")
        apart = np.abs(np.nan_to_num(a - b)) / np.maximum(np.abs(np.nan_to_num(b)), 1)
        largest = max(largest, float(apart.max(initial=0.0)))
    return largest
