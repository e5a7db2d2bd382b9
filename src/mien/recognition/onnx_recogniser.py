"""A recogniser as an ONNX file: everything that it takes to use it rightly, and no torch.

The graph takes `images`, float32 (N, C, S, S) as `Preprocessing.batch` makes them, and, where the
preprocessing names P landmarks, `landmarks` (N, P, 2). It gives one output per head, by its name:
raw outputs (N, width), scaled; a discriminator's `fake`, (N,), is the logit of being generated. One
that follows people takes `state` (N, K), zeros of who is new, and gives `state_after`: a frame each
of N people. The file's metadata hold one entry, `mien`, which is JSON:

format         `mien-recogniser-1`
heads          name and outputs of each, in order
learned        by head, the outputs that ever saw a label; the others say nothing
fake           whether there is an output `fake`
preprocessing  how crops are cut and turned into numbers
state          K, the numbers of a person's state; absent where nobody is followed
features       length of the output `features`, (N, F), what the last layer sees; absent without one
provenance     what labels taught each output, and how sure it may call itself; absent if unknown
sha256         of the file without its metadata, and of the above
"""

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import Learned, Predictions
from mien.labels.heads import Head, head_from_dict, head_to_dict
from mien.labels.kinds import Floats, sigmoid
from mien.recognition.landmarks import fitting
from mien.recognition.memory import Times, TrackMemory, Tracks, people_of, times_of
from mien.recognition.preprocessing import Preprocessing
from mien.recognition.provenance import Provenance, read_provenance

SHIPPED = "recogniser.onnx"
"""Of a folder of weights: the file that is used; what taught it may lie beside it."""
FORMAT, ENTRY = "mien-recogniser-1", "mien"
IMAGES, LANDMARKS, FAKE, FEATURES = "images", "landmarks", "fake", "features"
STATE, STATE_AFTER = "state", "state_after"


@dataclass(frozen=True)
class RecogniserCard:
    """What a file says of its network, as the module's docstring lists it."""

    heads: tuple[Head, ...]
    learned: Learned
    fake: bool
    preprocessing: Preprocessing
    state: int = 0
    features: int | None = None
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs."""
        landmarks = [LANDMARKS] if self.preprocessing.landmarks else []
        return [IMAGES, *landmarks, *([STATE] if self.state else [])]

    @property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs, `features` apart."""
        named = [head.name for head in self.heads]
        return [*named, *([FAKE] if self.fake else []), *([STATE_AFTER] if self.state else [])]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        return {
            "format": FORMAT,
            "heads": [head_to_dict(head) for head in self.heads],
            "learned": {name: list(outputs) for name, outputs in self.learned.outputs.items()},
            "fake": self.fake,
            "preprocessing": self.preprocessing.to_dict(),
            **({"state": self.state} if self.state else {}),
            **({} if self.features is None else {"features": self.features}),
            **({"provenance": known} if (known := self.provenance.to_dict()) else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RecogniserCard":
        """Read back `to_dict`; raises KeyError, TypeError or InputError for what it is not."""
        return cls(
            tuple(head_from_dict(head) for head in values["heads"]),
            Learned({name: tuple(outputs) for name, outputs in values["learned"].items()}),
            bool(values["fake"]),
            Preprocessing.from_dict(values["preprocessing"]),
            int(values.get("state", 0)),
            None if values.get("features") is None else int(values["features"]),
            Provenance.from_dict(values.get("provenance", {})),
        )


def write_card(model: Any, card: RecogniserCard) -> None:
    """Put a card into an ONNX model (`onnx.ModelProto`), which has no other metadata then."""
    del model.metadata_props[:]
    values = {**card.to_dict(), "sha256": _digest(model, card)}
    model.metadata_props.add(key=ENTRY, value=json.dumps(values))


class OnnxRecogniser:
    """A recogniser in ONNX Runtime, on the CPU (`recognition.protocol`).

    sha256: to tell models apart. batch_size: crops that go through it at once. threads: 0 for one
    per core.
    """

    def __init__(self, model: Any, batch_size: int = 16, threads: int = 0) -> None:
        """Take an `onnx.ModelProto`; raises InputError where it is no recogniser of mien."""
        self.card, self.sha256 = _read_card(model)
        self.heads, self.preprocessing = self.card.heads, self.card.preprocessing
        self.provenance, self.batch_size = self.card.provenance, batch_size
        self.follows, self.memory = self.card.state > 0, TrackMemory(self.card.state)
        self._session = _session(model, threads)
        self._check_outputs()

    @classmethod
    def load(cls, path: Path, threads: int = 0) -> "OnnxRecogniser":
        """Load a file; executes no code from it. Raises InputError where it is no recogniser."""
        import onnx

        try:
            model = onnx.load(str(path), load_external_data=False)
        except Exception as error:
            raise InputError(f"{path}: cannot be read as ONNX: {_first_line(error)}") from error
        try:
            found = cls(model, threads=threads)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        if path.name == SHIPPED and not found.provenance.labels:
            found.provenance = read_provenance(path.parent, found.heads)
        return found

    def anew(self) -> "OnnxRecogniser":
        """Return itself, or one with the same graph that has not seen anybody."""
        if not self.follows:
            return self
        fresh = copy.copy(self)
        fresh.memory = TrackMemory(self.card.state)
        return fresh

    def predict(
        self,
        crops: NDArray[np.uint8],
        tracks: NDArray[np.intp] | None = None,
        time_s: NDArray[np.float64] | None = None,
        landmarks: NDArray[np.float32] | None = None,
    ) -> Predictions:
        """Predict for RGB bytes (N, S, S, 3), S the size of the preprocessing.

        Raises InputError for crops of another size or type, and without the landmarks that the
        network takes.
        """
        images = self.preprocessing.batch(crops)
        if self.follows:
            return self._decoded(self._followed(images, tracks, time_s), len(images))
        points = fitting(landmarks, len(crops), self.preprocessing.landmarks)
        given = {IMAGES: images} if points is None else {IMAGES: images, LANDMARKS: points}
        starts = range(0, len(images), self.batch_size)
        parts = [self._run({k: v[i : i + self.batch_size] for k, v in given.items()})
                 for i in starts]  # fmt: skip
        return self._decoded(parts, len(images))

    def _decoded(self, parts: Sequence[Mapping[str, Floats]], count: int) -> Predictions:
        """Say what the raw outputs of several batches mean, of `count` faces together."""
        raw = {h.name: _stacked((p[h.name] for p in parts), h.width) for h in self.heads}
        fake = np.full(count, np.nan, np.float32)
        if self.card.fake and parts:
            fake = sigmoid(np.concatenate([part[FAKE] for part in parts]))
        return Predictions.decoded(self.heads, raw, self.card.learned, fake)

    def features(self, crops: NDArray[np.uint8]) -> Floats:
        """What the last layer sees, (N, F), of RGB bytes (N, S, S, 3).

        Raises InputError where the file has no such output: exported before there was one.
        """
        if self.card.features is None:
            raise InputError(
                "this model file has no output of features: it was exported before there was one, "
                "or its network sees more than pictures"
            )
        images, size = self.preprocessing.batch(crops), self.batch_size
        parts = [
            self._session.run([FEATURES], {IMAGES: images[i : i + size]})[0]
            for i in range(0, len(images), size)
        ]
        return _stacked(parts, self.card.features)

    def _followed(
        self, images: Floats, tracks: Tracks | None, time_s: Times | None
    ) -> list[dict[str, Floats]]:
        """Raw outputs of frames of tracks: round by round, a frame of each track at once."""
        people, time = people_of(len(images), tracks), times_of(len(images), time_s)
        order = np.argsort(people, kind="stable")
        self.memory.check_order(people[order], time[order])
        first = np.flatnonzero(np.diff(people[order], prepend=people[order][:1] - 1))
        counts = np.diff(np.append(first, len(order)))
        turn = np.empty(len(images), np.intp)
        turn[order] = np.arange(len(images)) - np.repeat(first, counts)
        whole = {head.name: np.empty((len(images), head.width), np.float32) for head in self.heads}
        for number in range(int(counts.max(initial=0))):
            chosen = np.flatnonzero(turn == number)
            for rows in np.split(chosen, range(self.batch_size, len(chosen), self.batch_size)):
                before = self.memory.before(people[rows])
                found = self._run({IMAGES: images[rows], STATE: before})
                self.memory.keep(people[rows], found[STATE_AFTER], time[rows])
                for name, values in whole.items():
                    values[rows] = found[name]
        return [whole]

    def _run(self, given: Mapping[str, Floats]) -> dict[str, Floats]:
        found = self._session.run(self.card.outputs, dict(given))
        return dict(zip(self.card.outputs, found, strict=True))

    def _check_outputs(self) -> None:
        """Raise InputError where the graph is not the one that the card describes."""
        size, channels = self.preprocessing.size, self.preprocessing.channels
        wanted = {IMAGES: [channels, size, size]}
        if self.preprocessing.landmarks:
            wanted[LANDMARKS] = [self.preprocessing.landmarks, 2]
        wanted.update({head.name: [head.width] for head in self.heads})
        wanted.update({FAKE: []} if self.card.fake else {})
        if self.card.state:
            wanted.update({STATE: [self.card.state], STATE_AFTER: [self.card.state]})
        wanted.update({} if self.card.features is None else {FEATURES: [self.card.features]})
        ends = (*self._session.get_inputs(), *self._session.get_outputs())
        found = {end.name: end.shape[1:] for end in ends}
        if found != wanted:
            raise InputError(
                f"the graph's inputs and outputs, {found}, are not its heads' {wanted}"
            )


def _stacked(parts: Iterable[Floats], width: int) -> Floats:
    return np.concatenate([np.empty((0, width), np.float32), *parts])


def _read_card(model: Any) -> tuple[RecogniserCard, str]:
    text = next((entry.value for entry in model.metadata_props if entry.key == ENTRY), None)
    if text is None:
        raise InputError("not a recogniser of mien (`mien export model RUN` makes them)")
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise InputError("its weights lie in other files, which are not read")
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            raise InputError(f"its format is {values['format']}; this version reads {FORMAT}")
        card, sha256 = RecogniserCard.from_dict(values), str(values["sha256"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"its description cannot be read: {error!r}") from error
    if _digest(model, card) != sha256:
        raise InputError("it is not as it was exported (its SHA-256 differs): export it anew")
    return card, sha256


def _digest(model: Any, card: RecogniserCard) -> str:
    bare = type(model)()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    digest = hashlib.sha256(bare.SerializeToString(deterministic=True))
    digest.update(json.dumps(card.to_dict(), sort_keys=True).encode())
    return digest.hexdigest()


def _session(model: Any, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise InputError(f"ONNX Runtime does not take it: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
