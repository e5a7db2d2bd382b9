"""A sequence network as a recogniser: keeps what it has seen of every track."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien.labels.arrays import Predictions
from mien.models import RECOGNISERS
from mien.models.checkpoint import load_network
from mien.models.heads import OutputSpec
from mien.models.sequences import SEQUENCES
from mien.models.sequences.base import SequenceNetwork
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.preprocessing import Preprocessing

REMEMBERED = 4096
"""Tracks whose state is kept; of more, those that were not seen for longest are forgotten."""

Tracks = NDArray[np.intp]
Times = NDArray[np.float64]


class SequenceRecogniser(TorchRecogniser):
    """A network that follows faces through time (`recognition.protocol`).

    One that streams keeps a state per track from call to call. Another sees, of each call, the
    faces of a track as one window, and begins each anew.
    """

    follows = True

    def __init__(
        self,
        network: SequenceNetwork,
        spec: OutputSpec,
        preprocessing: Preprocessing,
        batch_size: int = 256,
    ) -> None:
        super().__init__(network, spec, preprocessing, batch_size)
        self._sequence = network
        self._seen: dict[int, tuple[Tensor, float]] = {}

    def anew(self) -> "SequenceRecogniser":
        """Return one with the same network that has not seen anybody."""
        return type(self)(self._sequence, self.spec, self.preprocessing, self.batch_size)

    def predict(
        self,
        crops: NDArray[np.uint8],
        tracks: Tracks | None = None,
        time_s: Times | None = None,
        landmarks: NDArray[np.float32] | None = None,
    ) -> Predictions:
        """Predict for RGB bytes (N, S, S, 3) of tracks, (N,), each in order of time.

        A negative track, or none, is somebody who is seen once. Raises InputError for crops of
        another size or type, and for a track whose time goes backwards.
        """
        count = len(crops)
        alone = -1 - np.arange(count)  # numbers of people who are seen once: kept by nobody
        people = alone if tracks is None else np.where(np.asarray(tracks) < 0, alone, tracks)
        time = np.full(count, np.nan) if time_s is None else np.asarray(time_s, np.float64)
        order = np.argsort(people, kind="stable")
        output = torch.empty(count, self.spec.outputs)
        for part in self._parts(people[order]):
            rows = order[part]
            images = torch.from_numpy(self.preprocessing.batch(crops[rows]))
            output[torch.from_numpy(rows)] = self._outputs(images, people[rows], time[rows])
        return self._decoded([output])

    def _parts(self, people: Tracks) -> Iterator[slice]:
        """Cut sorted faces into batches: between tracks where the network sees whole windows."""
        ends = np.append(np.flatnonzero(np.diff(people)) + 1, len(people))
        start = 0
        while start < len(people):
            end = min(start + self.batch_size, len(people))
            if not self._sequence.streams:
                whole = ends[(ends > start) & (ends <= end)]
                end = int(whole[-1]) if len(whole) else int(ends[ends > start][0])
            yield slice(start, end)
            start = end

    @torch.inference_mode()
    def _outputs(self, images: Tensor, people: Tracks, time: Times) -> Tensor:
        """Raw outputs of frames that are sorted by their track; keeps the tracks' states."""
        device = next(self.network.parameters()).device
        names, first, counts = np.unique(people, return_index=True, return_counts=True)
        last = first + counts - 1
        self._check_order(names, people, time, first)
        before = torch.stack([self._state(int(name)) for name in names]).to(device)
        lengths = torch.from_numpy(counts).to(device)
        output, after = self._sequence(images.to(device), lengths, before)
        if self._sequence.streams:
            for name, state, when in zip(names, after, time[last], strict=True):
                if name >= 0:
                    self._seen.pop(int(name), None)  # to the end of the order
                    self._seen[int(name)] = (state.clone(), float(when))
            for name in list(self._seen)[: max(0, len(self._seen) - REMEMBERED)]:
                del self._seen[name]
        found: Tensor = output.float().cpu()
        return found

    def _state(self, track: int) -> Tensor:
        known = self._seen.get(track)
        return torch.zeros(self._sequence.state_size) if known is None else known[0]

    def _check_order(self, names: Tracks, people: Tracks, time: Times, first: Tracks) -> None:
        never = (torch.empty(0), -np.inf)
        since = np.array([self._seen.get(int(name), never)[1] for name in names])
        same = people[1:] == people[:-1]
        wrong = people[1:][same & (np.diff(time) < 0)]
        wrong = np.concatenate([wrong, names[time[first] < since]])
        if len(wrong):
            raise InputError(f"the faces of track {wrong[0]} are not in order of time")


def recogniser_of(
    network: nn.Module, spec: OutputSpec, preprocessing: Preprocessing
) -> TorchRecogniser:
    """Return the recogniser that a network of single images, or of sequences, makes."""
    if isinstance(network, SequenceNetwork):
        return SequenceRecogniser(network, spec, preprocessing)
    return TorchRecogniser(network, spec, preprocessing)


def open_recogniser(path: Path) -> TorchRecogniser:
    """Load a safetensors file of either kind; raises InputError where it holds no recogniser."""
    network, card = load_network(path, {**RECOGNISERS, **SEQUENCES})
    if card.spec is None or card.preprocessing is None:
        raise InputError(f"{path}: this network has no affect heads")
    return recogniser_of(network, card.spec, card.preprocessing)
