"""A model's word on what is to be annotated: ranges and traces that annotators accept or refuse.

They are kept in the journal as what `model:NAME` said, in a pass of their own, and count in no
consensus. A share of them, the control, is shown to nobody: how often annotators find those by
themselves says how far the shown ones lead them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from mien.annotation.items import Floats, Frames, Item
from mien.annotation.journal import Action
from mien.annotation.marks import FULL, Mark
from mien.annotation.panel import SUGGESTED, latest, place_of
from mien.annotation.prepare import rows_of
from mien.annotation.project import Project
from mien.annotation.state import folded
from mien.labels.arrays import Predictions
from mien.progress import Progress, silent
from mien.recognition.protocol import Recogniser
from mien.store import Store
from mien.store.shards import resize_crops

SHORTEST = 3
"""Frames of a range that is worth suggesting."""
_SMOOTH = 5
_BATCH = 128
_SAME = 0.5
"""A mark found what a suggestion means where they share this much of both together."""


@dataclass
class Suggested:
    """What came of it. ranges: by task. hidden: those of the control. unread: items of no face."""

    ranges: dict[str, int]
    hidden: int
    unread: list[str]


def suggest(
    project: Project,
    store: Store,
    recogniser: Recogniser,
    name: str,
    threshold: float = 0.5,
    progress: Progress = silent,
) -> Suggested:
    """Predict every item's faces and keep what follows as suggestions.

    threshold: probability from which a unit counts as active. An item whose faces are not in the
    store is left out, and said.
    """
    actions: list[Action] = []
    done = Suggested({}, 0, [])
    for number, item in enumerate(project.info.items):
        frames = project.frames(item.id)
        rows, frame = rows_of(store, item, frames)
        if len(rows) == 0:
            done.unread.append(item.name)
            continue
        predicted = _predicted(store, recogniser, rows[np.argsort(frame)], frames, np.sort(frame))
        for task, marks in _marks(project, predicted, np.sort(frame), len(frames), threshold):
            marks = [_named(mark, name, item) for mark in marks]
            hidden = [m.id for m in marks if _hidden(project, m.id)]
            body = {"add": [mark.to_dict() for mark in marks]}
            actions += [_action(name, item, task, "ranges", body),
                        _action(name, item, task, "control", {"hidden": hidden})]  # fmt: skip
            done.ranges[task] = done.ranges.get(task, 0) + len(marks)
            done.hidden += len(hidden)
        if "va" in project.info.tasks and item.kind == "video":
            actions += _trace(name, item, predicted, frames, np.sort(frame))
        progress(number + 1, len(project.info.items), "items")
    project.journal.append(actions)
    return done


def _action(name: str, item: Item, task: str, kind: str, body: dict[str, Any]) -> Action:
    digest = hashlib.sha256(repr((name, item.id, task, kind, body)).encode()).hexdigest()[:24]
    return Action(f"model:{name}", item.id, task, SUGGESTED, digest, kind, body)


def _predicted(
    store: Store, recogniser: Recogniser, rows: NDArray[np.intp], frames: Frames,
    frame: NDArray[np.intp],
) -> Predictions:  # fmt: skip
    size = recogniser.preprocessing.size
    pixels = store.pixels(min(size, store.info.size))
    parts = []
    for start in range(0, len(rows), _BATCH):
        here = slice(start, start + _BATCH)
        crops = pixels.gather(rows[here])
        if crops.shape[1] != size:
            crops = resize_crops(crops, size)
        tracks = np.zeros(len(crops), np.intp)
        parts.append(recogniser.predict(crops, tracks, frames.time_s[frame[here]]))
    values = {h.name: np.concatenate([p[h.name] for p in parts]) for h in parts[0].heads}
    return Predictions(parts[0].heads, values, len(rows))


def _marks(
    project: Project, predicted: Predictions, frame: NDArray[np.intp], count: int, threshold: float
) -> list[tuple[str, list[Mark]]]:
    """Ranges by task, with the mean probability of their frames."""
    info = project.info
    found: dict[str, list[Mark]] = {}
    if "au" in info.tasks and predicted.head("au") is not None:
        for unit in info.units:
            chance = _filled(predicted.column("au", unit), frame, count)
            for first, last in _runs(chance >= threshold):
                share = float(np.nanmean(chance[first : last + 1]))
                found.setdefault("au", []).append(_mark(unit, first, last, share))
    head = predicted.head("expression") or predicted.head("expression_votes")
    if "expression" in info.tasks and head is not None:
        each = np.stack(
            [_filled(predicted.column(head.name, n), frame, count) for n in info.expressions], 1
        )
        known = ~np.isnan(each).all(1)
        best = np.where(known, np.nan_to_num(each, nan=-1).argmax(1), -1)
        for code, name in enumerate(info.expressions):
            for first, last in _runs(best == code):
                share = float(np.nanmean(each[first : last + 1, code]))
                found.setdefault("expression", []).append(_mark(name, first, last, share))
    return list(found.items())


def _mark(label: str, first: int, last: int, confidence: float) -> Mark:
    share = round(min(max(confidence, 0.0), 1.0), 3)
    return Mark("s", label, first, last, source="model", confidence=share)


def _named(mark: Mark, name: str, item: Item) -> Mark:
    place = f"{name} {item.id} {mark.label} {mark.first} {mark.last}"
    key = hashlib.sha256(place.encode()).hexdigest()[:16]
    values = {**vars(mark), "id": f"s-{key}", "source": f"model:{name}"[:64]}
    return Mark(**values)


def _hidden(project: Project, mark: str) -> bool:
    """Whether a suggestion is of the control: the same ones however often they are made."""
    drawn = hashlib.sha256(f"{project.info.id} {mark}".encode()).digest()[:4]
    return int.from_bytes(drawn, "big") / 2**32 < project.info.control


def _filled(values: NDArray[np.float32], frame: NDArray[np.intp], count: int) -> Floats:
    """Values by frame of the item, smoothed; NaN where no face was found."""
    found = np.full(count, np.nan)
    if len(values):
        found[frame] = median_filter(values.astype(np.float64), size=_SMOOTH, mode="nearest")
    return found


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    pairs = edges.reshape(-1, 2).tolist()
    return [(first, end - 1) for first, end in pairs if end - first >= SHORTEST]


def _trace(
    name: str, item: Item, predicted: Predictions, frames: Frames, frame: NDArray[np.intp]
) -> list[Action]:
    actions = []
    for dimension in ("valence", "arousal"):
        values = predicted.column("valence_arousal", dimension)
        known = ~np.isnan(values)
        if not known.any():
            continue
        rows = [
            [round(float(s), 4), round(float(np.clip(v, -1, 1)) * FULL)]
            for s, v in zip(frames.time_s[frame[known]], values[known], strict=True)
        ]
        take = {"take": f"model-{dimension}", "dimension": dimension, "device": "model"}
        samples = {"take": take["take"], "samples": rows}
        actions += [_action(name, item, "va", "take", take),
                    _action(name, item, "va", "samples", samples)]  # fmt: skip
    return actions


def suggestions(project: Project, item: Item, task: str) -> tuple[list[Mark], list[Mark], Any]:
    """What the latest model suggests: the ranges that are shown, those that are not, its traces."""
    actions = list(project.journal.read(item=item.id, task=task, round=SUGGESTED))
    actions = [a for a in actions if a.annotator == actions[-1].annotator]
    hidden = {name for a in actions if a.kind == "control" for name in a.body["hidden"]}
    state = folded([a for a in actions if a.kind != "control"], place_of(project, item, task)).state
    marks = sorted(state.marks.values(), key=lambda m: (m.first, m.label))
    shown = [mark for mark in marks if mark.id not in hidden]
    return shown, [mark for mark in marks if mark.id in hidden], state


def help_report(project: Project, annotators: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By annotator how many suggestions were shown, accepted and refused, and of the hidden ones,
    and of those that were shown, how many the annotator marked; see `_found`.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in annotators:
        count = dict.fromkeys(("shown", "accepted", "refused", "hidden", "hidden_found"), 0)
        for item in project.info.items:
            for task in ("au", "expression"):
                state = latest(project, name, item, task)
                shown, hidden, _ = suggestions(project, item, task)
                if state is None or not (shown or hidden):
                    continue
                marks = list(state.marks.values())
                count["shown"] += len(shown)
                count["accepted"] += sum(mark.id in state.marks for mark in shown)
                count["refused"] += sum(mark.id in state.rejected for mark in shown)
                count["hidden"] += len(hidden)
                count["hidden_found"] += sum(_found(mark, marks) for mark in hidden)
        if count["shown"] or count["hidden"]:
            found[name] = count
    return found


def _found(suggestion: Mark, marks: Sequence[Mark]) -> bool:
    """Whether a mark of the same label shares at least half of the frames of both together."""
    for mark in marks:
        if mark.label != suggestion.label or not mark.overlaps(suggestion):
            continue
        shared = min(mark.last, suggestion.last) - max(mark.first, suggestion.first) + 1
        whole = max(mark.last, suggestion.last) - min(mark.first, suggestion.first) + 1
        if shared >= _SAME * whole:
            return True
    return False
