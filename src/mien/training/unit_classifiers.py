"""LDA, SVM or LSTM per Action Unit on features of a frozen body (au-va-thesis, section 2.4.4).

Features are normalised to mean 0 and deviation 1 over the training faces. What is kept is arrays in
a safetensors file, never code.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mien.atomic import replacing
from mien.errors import InputError
from mien.progress import Progress, silent

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
FORMAT = "mien-unit-classifiers-1"
KINDS = ("lda", "svm", "lstm")
CELLS, NOISE, MOMENTUM, AROUND = 200, 0.1, 0.9, 3
"""Of the document's LSTM: cells, deviation of the noise on features, momentum, frames each way."""
BATCH = 32


@dataclass(frozen=True)
class Scaling:
    """Mean and deviation of every feature, (F,) each."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, features: Floats) -> "Scaling":
        """Those of features (N, F); a feature that never changes keeps its scale."""
        deviation = features.std(0)
        return cls(features.mean(0), np.where(deviation > 0, deviation, 1).astype(np.float32))

    def __call__(self, features: Floats) -> Floats:
        """Normalise features (..., F)."""
        return np.asarray((features - self.mean) / self.deviation, np.float32)


@dataclass(frozen=True)
class LinearUnits:
    """LDA or SVM: the unit is present where features @ weights + bias > 0.

    weights: (F, K). bias: (K,). NaN for a unit that training faces show always or never.
    """

    weights: Floats
    bias: Floats

    def decide(self, features: Floats) -> Floats:
        """Decision values (N, K) of normalised features (N, F)."""
        return np.asarray(features @ self.weights + self.bias, np.float32)


def fit_linear(kind: str, features: Floats, labels: Floats, seed: int = 0) -> LinearUnits:
    """Fit `lda` or `svm` (linear, C = 1) for every unit on the faces that it is labelled on.

    features: (N, F), normalised. labels: (N, K), NaN where unlabelled.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.svm import LinearSVC

    weights = np.full((features.shape[1], labels.shape[1]), np.nan, np.float32)
    bias = np.full(labels.shape[1], np.nan, np.float32)
    for k, column in enumerate(labels.T):
        known = ~np.isnan(column)
        if len(np.unique(column[known])) < 2:
            continue
        svm = LinearSVC(random_state=seed, max_iter=5000)
        model = LinearDiscriminantAnalysis() if kind == "lda" else svm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # collinear features; a last digit of the SVM
            model.fit(features[known], column[known].astype(int))
        weights[:, k], bias[k] = model.coef_[0], model.intercept_[0]
    return LinearUnits(weights, bias)


class LstmUnit(nn.Module):
    """One hidden layer of 200 cells over features (N, T, F); a logit of each frame (N, T)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, CELLS, batch_first=True)
        self.head = nn.Linear(CELLS, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (N, T) of features (N, T, F)."""
        states, _ = self.lstm(features)
        found: Tensor = self.head(states)[..., 0]
        return found


@dataclass(frozen=True)
class LstmTraining:
    """How the LSTMs are trained: steps of 32 windows each, rate (the document's: 0.0001), seed."""

    steps: int = 1000
    rate: float = 1e-4
    seed: int = 0


def fit_lstms(
    features: Floats,
    labels: Floats,
    windows: Rows,
    training: LstmTraining,
    progress: Progress = silent,
) -> list[LstmUnit | None]:
    """Fit an LSTM for every unit; None for a unit that the faces show always or never.

    features: (N, F), normalised. labels: (N, K). windows: (W, T) of faces in order of time, -1 for
    frames without one, three before and three after the middle. Reading: the loss is of every
    labelled frame of a window, as the network judges every frame afterwards.
    """
    found: list[LstmUnit | None] = []
    values, truth = torch.from_numpy(features), torch.from_numpy(labels)
    for k in range(labels.shape[1]):
        column = truth[:, k]
        if len(np.unique(labels[:, k][~np.isnan(labels[:, k])])) < 2:
            found.append(None)
            continue
        torch.manual_seed(training.seed)
        unit = LstmUnit(features.shape[1])
        optimiser = torch.optim.SGD(unit.parameters(), training.rate, momentum=MOMENTUM)
        useful = windows[(~np.isnan(labels[:, k])[windows] & (windows >= 0)).any(1)]
        draw = np.random.default_rng((training.seed, k))
        for step in range(training.steps):
            chosen = torch.from_numpy(useful[draw.integers(len(useful), size=BATCH)])
            seen = values[chosen.clamp(min=0)] * (chosen >= 0)[..., None]
            wanted = torch.where(chosen >= 0, column[chosen.clamp(min=0)], torch.nan)
            logits = unit(seen + NOISE * torch.randn(seen.shape))
            there = ~wanted.isnan()
            loss = F.binary_cross_entropy_with_logits(logits[there], wanted[there])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            if step % 50 == 0:
                of = labels.shape[1] * training.steps
                progress(k * training.steps + step, of, f"LSTM, loss {loss.item():.3f}")
        found.append(unit.eval())
    return found


@torch.inference_mode()
def decide_lstms(
    units: Sequence[LstmUnit | None], features: Floats, tracks: Sequence[Rows]
) -> Floats:
    """Logits (N, K) of normalised features (N, F), every track fed whole; NaN without a network.

    tracks: the faces of each in order of time, -1 for frames without one.
    """
    found = np.full((len(features), len(units)), np.nan, np.float32)
    values = torch.from_numpy(features)
    for track in tracks:
        place = torch.from_numpy(track)
        seen = (values[place.clamp(min=0)] * (place >= 0)[:, None])[None]
        there = track >= 0
        for k, unit in enumerate(units):
            if unit is not None:
                found[track[there], k] = unit(seen)[0].numpy()[there]
    return found


@dataclass(frozen=True)
class UnitClassifiers:
    """What was fitted: units by name, how features are normalised, the classifiers of a kind."""

    kind: str
    units: tuple[str, ...]
    scaling: Scaling
    linear: LinearUnits | None
    lstms: Sequence[LstmUnit | None] = ()

    def decide(self, features: Floats, tracks: Sequence[Rows] | None = None) -> Floats:
        """Decision values (N, K) of raw features (N, F): present above 0, NaN where not learned.

        tracks: as of `decide_lstms`; None where every face is by itself.
        """
        scaled = self.scaling(features)
        if self.linear is not None:
            return self.linear.decide(scaled)
        alone = [np.array([i], np.intp) for i in range(len(features))]
        return decide_lstms(self.lstms, scaled, alone if tracks is None else tracks)

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all."""
        tensors = {
            "mean": torch.from_numpy(self.scaling.mean),
            "deviation": torch.from_numpy(self.scaling.deviation),
        }
        if self.linear is not None:
            tensors["weights"] = torch.from_numpy(self.linear.weights)
            tensors["bias"] = torch.from_numpy(self.linear.bias)
        for name, unit in zip(self.units, self.lstms, strict=False):
            if unit is not None:
                tensors |= {f"{name}.{key}": value for key, value in unit.state_dict().items()}
        header = {"format": FORMAT, "kind": self.kind, "units": json.dumps(self.units)}
        with replacing(path) as temporary:
            save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata=header)

    @classmethod
    def load(cls, path: Path) -> "UnitClassifiers":
        """Read back `save`; executes no code. Raises InputError where the file is none."""
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if header.get("format") != FORMAT:
                raise InputError(f"{path}: holds no unit classifiers ({FORMAT})")
            units = tuple(json.loads(header["units"]))
            scaling = Scaling(tensors["mean"].numpy(), tensors["deviation"].numpy())
            if header["kind"] != "lstm":
                linear = LinearUnits(tensors["weights"].numpy(), tensors["bias"].numpy())
                return cls(header["kind"], units, scaling, linear)
            lstms = [_lstm(tensors, name, len(scaling.mean)) for name in units]
            return cls("lstm", units, scaling, None, lstms)
        except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise InputError(f"{path}: cannot be read as unit classifiers: {error}") from error


def _lstm(tensors: Mapping[str, Tensor], name: str, features: int) -> LstmUnit | None:
    state = {
        key.removeprefix(f"{name}."): value
        for key, value in tensors.items()
        if key.startswith(f"{name}.")
    }
    if not state:
        return None
    unit = LstmUnit(features)
    unit.load_state_dict(state)
    return unit.eval()
