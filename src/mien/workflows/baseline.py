"""`mien.baseline`: a classifier per Action Unit on the features of a frozen body, in one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError, check_name
from mien.extras import need
from mien.labels.kinds import sigmoid
from mien.metrics.heads import HEAD_SCORES
from mien.progress import Progress, say_nothing, silent
from mien.recognition.resolve import find_model
from mien.runs.run import Run
from mien.store import Store
from mien.store.membership import refuse_leaks, refuse_trained_on
from mien.text import to_json
from mien.workflows.models import load_torch_recogniser

if TYPE_CHECKING:
    from mien.models.torch_recogniser import TorchRecogniser
    from mien.training.unit_classifiers import LstmTraining, UnitClassifiers

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
BATCH = 64


@dataclass(frozen=True)
class Baselines:
    """scores: by classifier, those of a head of units (`metrics.heads.PresenceScores`)."""

    model: str
    part: str
    faces: int
    units: tuple[str, ...]
    scores: dict[str, dict[str, Any]]


def baseline(
    model: str | Path,
    *,
    store: str | Path,
    out: str | Path,
    kinds: Sequence[str] = ("lda", "svm", "lstm"),
    part: str = "test",
    split: str | None = None,
    steps: int = 1000,
    rate: float = 1e-4,
    seed: int = 0,
    progress: Progress = silent,
    say: Callable[[str], None] = say_nothing,
) -> Baselines:
    """Fit classifiers of Action Units on the part `train`, score them on another.

    model: a run, a file of weights or weights that come with mien; its last layer is left away.
    kinds: `lda`, `svm`, `lstm` (au-va-thesis, section 2.4.4). steps, rate: of each LSTM. Writes
    `KIND.safetensors` (arrays, no code) and `baseline.json` into `out`.

    Raises InputError where the model cannot be taken apart, no unit is labelled, or the parts share
    people with each other or with those that the model's run was trained on.
    """
    need("mien baseline", "torch", "sklearn")
    from mien.training.unit_classifiers import KINDS, LstmTraining

    for kind in kinds:
        check_name("classifier", kind, KINDS)
    recogniser = load_torch_recogniser(model)
    recogniser.check_features()
    faces = Store.open(Path(store))
    refuse_leaks(faces, split)
    train, test = faces.rows("train", split), faces.rows(part, split)
    _refuse_known(model, faces, test)
    head = faces.labels().head("au")
    if head is None or np.isnan(faces.labels().at(train)["au"]).all():
        raise InputError(f"{store}: no training face is labelled with an Action Unit")
    labels = faces.labels().of([head])["au"]
    every = np.unique(np.concatenate([train, test]))
    each = steps * len(head.outputs) if "lstm" in kinds else 0
    found = _features(recogniser, faces, every, _part_of(progress, 0, len(every) + each))
    features = np.full((len(faces), found.shape[1]), np.nan, np.float32)
    features[every] = found
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    scores = {}
    for kind in kinds:
        training = LstmTraining(steps, rate, seed)
        on = _part_of(progress, len(every), len(every) + each)
        fitted = _fit(kind, faces, features, labels, train, head.outputs, training, on)
        fitted.save(folder / f"{kind}.safetensors")
        decided = fitted.decide(features[test], _tracks(faces, test))
        scores[kind] = HEAD_SCORES["binary"].scores(sigmoid(decided), labels[test], head.outputs)
        never = [u for u, c in zip(head.outputs, decided.T, strict=True) if np.isnan(c).all()]
        if never:
            say(f"{kind}: {', '.join(never)}: shown by all or none of the training faces, left out")
    result = Baselines(str(model), part, len(test), head.outputs, scores)
    write_text(folder / "baseline.json", to_json(vars(result)))
    return result


def _part_of(progress: Progress, first: int, whole: int) -> Progress:
    """Progress of a part of the work that begins after `first` of `whole`."""

    def inner(done: float, total: float | None, note: str = "") -> None:
        progress(first + done, whole, note)

    return inner


def _refuse_known(model: str | Path, store: Store, rows: Rows) -> None:
    """Refuse people that the model's run was trained on."""
    folder = find_model(model)
    if (folder / "run.json").is_file():
        refuse_trained_on(folder, Run.open(folder).info()["data"], store, rows)


def _features(
    recogniser: "TorchRecogniser", store: Store, rows: Rows, progress: Progress
) -> Floats:
    """What the last layer sees of each face (N, F)."""
    pixels = store.pixels(recogniser.preprocessing.size)
    parts = []
    for start in range(0, len(rows), BATCH):
        parts.append(recogniser.features(pixels.gather(rows[start : start + BATCH])))
        progress(min(start + BATCH, len(rows)), len(rows), "features")
    return np.concatenate(parts)


def _fit(
    kind: str,
    store: Store,
    features: Floats,
    labels: Floats,
    train: Rows,
    units: tuple[str, ...],
    training: "LstmTraining",
    progress: Progress,
) -> "UnitClassifiers":
    from mien.training.unit_classifiers import Scaling, UnitClassifiers, fit_linear, fit_lstms

    scaling = Scaling.of(features[train])
    scaled, known = scaling(features[train]), labels[train]
    if kind != "lstm":
        linear = fit_linear(kind, scaled, known, training.seed)
        return UnitClassifiers(kind, units, scaling, linear)
    windows = _windows(store, train)
    return UnitClassifiers(
        kind, units, scaling, None, fit_lstms(scaled, known, windows, training, progress)
    )


def _places(store: Store, rows: Rows) -> Rows:
    """Place in `rows` of every face of the store, -1 where it is not among them."""
    place = np.full(len(store) + 1, -1, np.intp)  # the last one is of a frame without a face
    place[rows] = np.arange(len(rows))
    return place


def _windows(store: Store, rows: Rows) -> Rows:
    """Windows of a frame with three before and after it, as places in `rows`; photographs alone."""
    from mien.training.unit_classifiers import AROUND

    length = 2 * AROUND + 1
    found = _places(store, rows)[store.windows(length, 1)]
    found = found[(found >= 0).any(1)]
    alone = np.setdiff1d(np.arange(len(rows)), found)
    single = np.full((len(alone), length), -1, np.intp)
    single[:, 0] = alone
    return np.concatenate([found, single])


def _tracks(store: Store, rows: Rows) -> list[Rows]:
    """The faces of every track in order of time, as places in `rows`, -1 between them."""
    span = int(np.max(store.column("frame"), initial=0)) + 1
    found = _places(store, rows)[store.windows(span, span)]
    tracks = []
    for track in found[(found >= 0).any(1)]:
        there = np.flatnonzero(track >= 0)
        tracks.append(track[there[0] : there[-1] + 1])
    seen = np.concatenate(tracks) if tracks else np.empty(0, np.intp)
    alone = np.setdiff1d(np.arange(len(rows)), seen)
    return [*tracks, *(np.array([i], np.intp) for i in alone)]
