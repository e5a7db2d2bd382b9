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
from mien.recognition.memory import Times, TrackMemory, Tracks, people_of, times_of
from mien.recognition.preprocessing import Preprocessing
from mien.recognition.provenance import Provenance, read_provenance


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
        provenance: Provenance | None = None,
    ) -> None:
        super().__init__(network, spec, preprocessing, batch_size, provenance)
        self._sequence, self.state_size = network, network.state_size
        self.memory = TrackMemory(network.state_size)

    def anew(self) -> "SequenceRecogniser":
        """Return one with the same network that has not seen anybody."""
        return type(self)(
            self._sequence, self.spec, self.preprocessing, self.batch_size, self.provenance
        )

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
        people, time = people_of(count, tracks), times_of(count, time_s)
        order = np.argsort(people, kind="stable")
        self.memory.check_order(people[order], time[order])
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
        names, counts = np.unique(people, return_counts=True)
        before = torch.from_numpy(self.memory.before(names)).to(device)
        lengths = torch.from_numpy(counts).to(device)
        output, after = self._sequence(images.to(device), lengths, before)
        if self._sequence.streams:
            last = np.cumsum(counts) - 1
            self.memory.keep(names, after.float().cpu().numpy(), time[last])
        found: Tensor = output.float().cpu()
        return found


def recogniser_of(
    network: nn.Module,
    spec: OutputSpec,
    preprocessing: Preprocessing,
    provenance: Provenance | None = None,
) -> TorchRecogniser:
    """Return the recogniser that a network of single images, or of sequences, makes."""
    if isinstance(network, SequenceNetwork):
        return SequenceRecogniser(network, spec, preprocessing, provenance=provenance)
    return TorchRecogniser(network, spec, preprocessing, provenance=provenance)


def open_recogniser(path: Path) -> TorchRecogniser:
    """Load a safetensors file of either kind, with what lies beside it (`provenance`).

    Raises InputError where it holds no recogniser.
    """
    network, card = load_network(path, {**RECOGNISERS, **SEQUENCES})
    if card.spec is None or card.preprocessing is None:
        raise InputError(f"{path}: this network has no affect heads")
    provenance = read_provenance(path.parent, card.spec.layout.heads)
    return recogniser_of(network, card.spec, card.preprocessing, provenance)
