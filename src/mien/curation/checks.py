"""The checks of `mien check`, by name, each a function from a store to findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.curation.findings import ERROR, NOTE, SHOWN, WARNING, Finding
from mien.curation.near_duplicates import hashes, near_pairs, sampled
from mien.labels.arrays import Labels, Predictions
from mien.labels.kinds import THRESHOLD, likeliest
from mien.metrics.affect import affect_scores, flat_scores
from mien.progress import Progress, silent
from mien.store import Store
from mien.store.names import Names
from mien.store.splits import shared_between_splits

JUMP = 0.5
"""A change of valence or arousal between two frames beyond this is a candidate for noise."""
OPPOSED = 0.5
"""Valence that contradicts happiness (below -0.5) or sadness and anger (above 0.5)."""


@dataclass
class Subject:
    """What the checks look at. split: the part of every face, None where there is no split."""

    store: Store
    split: Names | None
    progress: Progress = silent

    @cached_property
    def labels(self) -> Labels:
        """All labels."""
        return self.store.labels()

    @cached_property
    def alike(self) -> NDArray[np.intp]:
        """Pairs of rows (P, 2) of near-duplicates."""
        codes, rows = hashes(self.store, sampled(self.store), self.progress)
        return rows[near_pairs(codes)]


def leaks(subject: Subject) -> Iterator[Finding]:
    """One person or video in two parts of the split."""
    if subject.split is None:
        yield Finding("leaks", NOTE, "there is no split yet")
        return
    store = subject.store
    for shared in shared_between_splits(
        subject.split, store.codes("subject"), store.codes("video")
    ):
        yield Finding("leaks", ERROR, f"in two parts of the split: {shared}", 1)


def duplicates(subject: Subject) -> Iterator[Finding]:
    """Near-duplicate faces in two parts, under two names, or with different labels."""
    pairs = subject.alike
    people = subject.store.codes("subject").codes
    if subject.split is not None:
        part = subject.split.codes
        across = pairs[(part[pairs] >= 0).all(1) & (part[pairs[:, 0]] != part[pairs[:, 1]])]
        if len(across):
            text = f"{len(across)} pairs of nearly the same picture in two parts of the split"
            yield Finding("duplicates", ERROR, text, len(across), across[:SHOWN])
    named = (people[pairs] >= 0).all(1)
    other = pairs[named & (people[pairs[:, 0]] != people[pairs[:, 1]])]
    if len(other):
        text = f"{len(other)} pairs of nearly the same picture under two people's names"
        yield Finding("duplicates", WARNING, text, len(other), other[:SHOWN])
    if len(pairs):
        yield Finding("duplicates", NOTE, f"{len(pairs)} pairs of nearly the same picture in all",
                      len(pairs), pairs[:SHOWN])  # fmt: skip


def impossible(subject: Subject) -> Iterator[Finding]:
    """Labels outside their range, and presence that contradicts intensity."""
    labels = subject.labels
    for head in labels.heads:
        low, high = head.kind.bounds
        values = labels[head.name]
        bad = np.flatnonzero(((values < low) | (values > high)).any(1))
        if len(bad):
            text = f"{len(bad)} faces with {head.name} outside {low:g} to {high:g}"
            yield Finding("impossible", ERROR, text, len(bad), bad[:SHOWN, None])
    presence, intensity = labels.head("au"), labels.head("au_intensity")
    if presence is None or intensity is None:
        return
    for unit in presence.outputs:
        shown, strength = labels.column("au", unit), labels.column("au_intensity", unit)
        bad = np.flatnonzero((shown < THRESHOLD) & (strength >= 2.0))
        if len(bad):
            text = f"{len(bad)} faces where {unit} is absent and of intensity 2 (B) or more"
            yield Finding("impossible", WARNING, text, len(bad), bad[:SHOWN, None])


def counts(subject: Subject) -> Iterator[Finding]:
    """Faces that a source's entry promises, against those in the table."""
    store = subject.store
    names = store.codes("source")
    held = dict(zip(names.names, names.counts().tolist(), strict=True))
    for source, entry in store.info.sources.items():
        promised = entry.get("faces")
        if promised is not None and promised != held.get(source, 0):
            text = f"source {source} says {promised} faces, the table has {held.get(source, 0)}"
            yield Finding("counts", ERROR, text, 1)
    ids = store.column("face_id")
    if len(np.unique(ids)) != len(ids):
        yield Finding("counts", ERROR, f"{len(ids) - len(np.unique(ids))} face ids occur twice", 1)


def baselines(subject: Subject) -> Iterator[Finding]:
    """What the largest class, the mean, and units all absent or present score on a part."""
    if subject.split is None:
        return
    train = np.flatnonzero(subject.split.where("train"))
    for name in ("val", "test"):
        rows = np.flatnonzero(subject.split.where(name))
        if not len(rows) or not len(train):
            continue
        for way, scores in _trivial(subject.labels, train, rows).items():
            brief = {key: value for key, value in scores.items() if key.count("/") == 1}
            shown = ", ".join(f"{key} {value:.3f}" for key, value in brief.items())
            text = f"{way} scores on {name}: {shown}"
            yield Finding("baselines", NOTE, text, len(rows), facts=dict(scores))


def _trivial(
    labels: Labels, train: NDArray[np.intp], rows: NDArray[np.intp]
) -> dict[str, dict[str, float]]:
    truth, seen = labels.at(rows), labels.at(train)
    values, present = {}, {}
    for head in labels.heads:
        known = seen[head.name]
        with np.errstate(all="ignore"):
            usual = np.nan_to_num(np.nanmean(known, axis=0)) if len(known) else np.zeros(1)
        if head.kind.classes:
            usual = np.eye(len(head.outputs), dtype=np.float32)[int(np.argmax(usual))]
        elif head.kind.counted:
            usual = np.zeros(len(head.outputs))
        values[head.name] = np.tile(usual.astype(np.float32), (len(rows), 1))
        present[head.name] = np.ones_like(values[head.name])
    found = {"the training part's usual label": _flat(labels, values, truth)}
    if labels.head("au") is not None:
        every = _flat(labels, present, truth)
        found["all units present"] = {k: v for k, v in every.items() if k.startswith("au/")}
    return found


def _flat(
    labels: Labels, values: dict[str, NDArray[np.float32]], truth: Labels
) -> dict[str, float]:
    scores = affect_scores(Predictions(labels.heads, values, truth.n), truth)
    return {name: value for name, value in flat_scores(scores).items() if np.isfinite(value)}


def noise(subject: Subject) -> Iterator[Finding]:
    """Candidates for wrong labels: duplicates that disagree, jumps, valence against expression."""
    labels = subject.labels
    expression = labels.head("expression")
    if expression is not None:
        said = likeliest(labels["expression"])
        both = said[subject.alike]
        bad = subject.alike[(both >= 0).all(1) & (both[:, 0] != both[:, 1])]
        if len(bad):
            text = f"{len(bad)} pairs of nearly the same picture with different expressions"
            yield Finding("noise", WARNING, text, len(bad), bad[:SHOWN])
        yield from _opposed(labels, said)
    yield from _jumps(subject)


def _opposed(labels: Labels, said: NDArray[np.intp]) -> Iterator[Finding]:
    valence = labels.column("valence_arousal", "valence")
    head = labels.head("expression")
    assert head is not None
    for name, sign in (("happiness", -1), ("sadness", 1), ("anger", 1), ("disgust", 1)):
        if name in head.outputs:
            mine = said == head.outputs.index(name)
            bad = np.flatnonzero(mine & (sign * valence > OPPOSED))
            if len(bad):
                word = "below -0.5" if sign < 0 else "above 0.5"
                text = f"{len(bad)} faces of {name} with valence {word}"
                yield Finding("noise", WARNING, text, len(bad), bad[:SHOWN, None])


def _jumps(subject: Subject) -> Iterator[Finding]:
    store, labels = subject.store, subject.labels
    head = labels.head("valence_arousal")
    if head is None:
        return
    video, track = store.codes("video").codes, store.column("track")
    frame = store.column("frame")
    order = np.lexsort((frame, track, video))
    order = order[video[order] >= 0]
    a, b = order[:-1], order[1:]
    follows = (video[a] == video[b]) & (track[a] == track[b]) & (frame[b] - frame[a] == 1)
    a, b = a[follows], b[follows]
    for i, output in enumerate(head.outputs):
        values = labels["valence_arousal"][:, i]
        far = np.abs(values[b] - values[a]) > JUMP
        if far.any():
            rows = np.stack([a[far], b[far]], axis=1)
            text = f"{len(rows)} jumps of {output} by more than {JUMP:g} from one frame to the next"
            yield Finding("noise", WARNING, text, len(rows), rows[:SHOWN])


CHECKS: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "leaks": leaks,
    "duplicates": duplicates,
    "impossible": impossible,
    "counts": counts,
    "baselines": baselines,
    "noise": noise,
}
"""Name to check, in the order they are told."""
