"""Faces that stand for others: of every label, of every person, the difficult ones, of a video."""

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.curation.collection import Collection, Rows
from mien.curation.plane import affect_of
from mien.labels.kinds import likeliest

SHOWN = 6
"""Frames of a video beside its graph, as au-va-thesis's Tables 3.5 and 3.7 have."""
LEAST_LABELLED = 8


@dataclass(frozen=True)
class Chosen:
    """A face and why it was chosen."""

    row: int
    why: str


def may_be_shown(of: Collection, today: datetime.date | None = None) -> NDArray[np.bool_]:
    """(N,) False for faces of people who said no to publication or whose consent has ended."""
    today = today or datetime.date.today()
    store = of.store
    refused = {
        store.subjects.person(name)
        for name, stated in store.subjects.stated.items()
        if stated.publication is False or (stated.until is not None and stated.until < today)
    }
    hidden = np.array([name in refused for name in of.people.names] + [False])
    return ~hidden[of.people.codes]


def clearness(of: Collection) -> NDArray[np.float32]:
    """Order faces by how well they can be seen (N,): quality, where unknown confidence, else 0."""
    quality, confidence = of.store.column("quality"), of.store.column("confidence")
    known = np.where(np.isfinite(quality), quality, confidence)
    return np.nan_to_num(known, nan=0.0).astype(np.float32)


def of_every_label(of: Collection, allowed: NDArray[np.bool_]) -> list[Chosen]:
    """A clear face for every unit and expression and for each end of valence and arousal.

    People take turns: somebody who stands for a label already stands for another one last.
    """
    clear = clearness(of)
    taken: dict[int, int] = {}
    found = []
    for why, rows in _labelled(of):
        rows = rows[allowed[rows]]
        if len(rows) == 0:
            continue
        people = of.people.codes[rows]
        used, place = np.unique(people, return_inverse=True)
        turns = np.array([taken.get(p, 0) for p in used.tolist()])[place]
        best = rows[np.lexsort((rows, -clear[rows], turns))[0]]
        person = int(of.people.codes[best])
        taken[person] = taken.get(person, 0) + 1
        found.append(Chosen(int(best), why))
    return found


def _labelled(of: Collection) -> list[tuple[str, Rows]]:
    found: list[tuple[str, Rows]] = []
    head = of.labels.head("expression")
    if head is not None:
        best = likeliest(of.labels["expression"])
        found += [(name, np.flatnonzero(best == i)) for i, name in enumerate(head.outputs)]
    names, shown, _ = of.units
    found += [(name, np.flatnonzero(shown[:, i])) for i, name in enumerate(names)]
    affect = affect_of(of)
    for axis, name in enumerate(("valence", "arousal")):
        known = np.flatnonzero(np.isfinite(affect[:, axis]))
        if len(known) >= LEAST_LABELLED:
            values = affect[known, axis]
            low, high = np.quantile(values, (0.02, 0.98))
            found.append((f"low {name}", known[values <= low]))
            found.append((f"high {name}", known[values >= high]))
    return found


def of_every_person(of: Collection, rows: Rows, allowed: NDArray[np.bool_]) -> Rows:
    """The clearest face of each person among `rows`, people in order of their names."""
    rows = rows[allowed[rows] & (of.people.codes[rows] >= 0)]
    order = rows[np.lexsort((rows, -clearness(of)[rows], of.people.codes[rows]))]
    people = of.people.codes[order]
    first = order[np.flatnonzero(np.diff(people, prepend=-2))] if len(order) else order
    names = of.people.names
    return np.array(sorted(first.tolist(), key=lambda r: names[of.people.codes[r]]), np.intp)


def challenging(of: Collection, allowed: NDArray[np.bool_], most: int) -> list[Chosen]:
    """The least clear faces, at most one a track and two a person, and where a face was lost.

    A track that breaks off and goes on shows that something was in front of the face, or that it
    turned away: a hand, a cup, a headset (au-va-thesis, Figures 3.14 to 3.16).
    """
    tracks = of.store.tracks()
    clear = clearness(of)
    before_gap = _before_gaps(of, tracks)
    difficult = np.where(before_gap, clear - 0.5, clear)
    seen_tracks: set[int] = set()
    people: dict[int, int] = {}
    found = []
    for row in np.argsort(difficult, kind="stable").tolist():
        track, person = int(tracks[row]), int(of.people.codes[row])
        if not allowed[row] or (track >= 0 and track in seen_tracks):
            continue
        if person >= 0 and people.get(person, 0) >= 2:
            continue
        seen_tracks.add(track)
        people[person] = people.get(person, 0) + 1
        why = "before the face was lost" if before_gap[row] else f"clearness {clear[row]:.2f}"
        found.append(Chosen(row, why))
        if len(found) == most:
            break
    return found


def _before_gaps(of: Collection, tracks: Rows) -> NDArray[np.bool_]:
    """(N,) True for the last face before a track goes missing for some frames."""
    frame = of.store.column("frame").astype(np.int64)
    order = np.lexsort((frame, tracks))
    a, b = order[:-1], order[1:]
    gap = (tracks[a] == tracks[b]) & (tracks[a] >= 0) & (frame[b] - frame[a] > 1)
    found = np.zeros(len(frame), bool)
    found[a[gap]] = True
    return found


def tracks_to_show(of: Collection, allowed: NDArray[np.bool_], most: int) -> list[Rows]:
    """Faces of the tracks whose valence and arousal range widest, in order of time.

    One track a person first; at most `most`.
    """
    affect = affect_of(of)
    usable = allowed & np.isfinite(affect).all(1)
    tracks = np.where(usable, of.store.tracks(), -1)
    frame = of.store.column("frame")
    order = np.lexsort((frame, tracks))
    order = order[np.searchsorted(tracks[order], 0) :]
    if len(order) == 0:
        return []
    starts = np.flatnonzero(np.diff(tracks[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    spread = sum(
        np.maximum.reduceat(affect[order, i], starts)
        - np.minimum.reduceat(affect[order, i], starts)
        for i in (0, 1)
    )
    spread = np.where(ends - starts >= LEAST_LABELLED, spread, -1.0)
    person = of.people.codes[order[starts]]
    taken: dict[int, int] = {}
    rank = np.empty(len(starts), np.intp)
    ranked = np.argsort(-spread, kind="stable")
    for i in ranked.tolist():
        rank[i] = taken.get(int(person[i]), 0)
        taken[int(person[i])] = int(rank[i]) + 1
    chosen = [i for i in np.lexsort((-spread, rank)).tolist() if spread[i] >= 0][:most]
    return [order[starts[i] : ends[i]] for i in chosen]


def frames_of(of: Collection, rows: Rows, count: int = SHOWN) -> Rows:
    """Of a track's faces (M,) those whose labels differ most from each other, in their order.

    Greedy: each is the farthest, in valence, arousal and units shown, from those chosen before; the
    first is the farthest from the mean.
    """
    _, shown, _ = of.units
    features = np.concatenate([affect_of(of)[rows], 0.5 * shown[rows].astype(np.float32)], axis=1)
    away = ((features - features.mean(0)) ** 2).sum(1)
    chosen = [int(away.argmax())]
    nearest = ((features - features[chosen[0]]) ** 2).sum(1)
    while len(chosen) < min(count, len(rows)) and nearest.max() > 0:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((features - features[chosen[-1]]) ** 2).sum(1))
    found: Rows = rows[np.sort(chosen)]
    return found
