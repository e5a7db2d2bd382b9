"""Which faces of a store a rater's file speaks of: those of a video, or of one person in it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mien.corpora.rater_files import RatedName
from mien.errors import InputError
from mien.media.names import shown
from mien.store import Store
from mien.store.files import log_file

Rows = NDArray[np.intp]
RATE = 30.0
"""Frames a second of the documents' videos, taken where a source says nothing."""


@dataclass(frozen=True)
class RatedVideo:
    """Faces that are rated. rate: frames a second of the store's grid; None where it is not known.

    frames: of the video, with a face or without.
    """

    name: str
    rows: Rows
    frames: int
    rate: float | None


class Videos:
    """Finds the faces of a rated video; `together`: names of all files that are read at once."""

    def __init__(self, store: Store, together: Iterable[RatedName], track: int | None) -> None:
        self._store, self._track = store, track
        names = store.codes("video")
        self._codes = names.codes
        self._frame, self._tracks = store.column("frame"), store.column("track")
        self._by_stem: dict[str, list[int]] = {}
        for code, name in enumerate(names.names):
            self._by_stem.setdefault(PurePosixPath(name).name, []).append(code)
            self._by_stem.setdefault(PurePosixPath(name).stem, []).append(code)
        self._sided = {name.video: name.side for name in together if name.side}

    def of(self, path: Path, name: RatedName) -> RatedVideo:
        """Return the faces that a file speaks of.

        Raises InputError where the store has no such video or two, and where two people are in its
        frames and nothing says which of them is meant.
        """
        whole = f"{name.video}_{name.side}" if name.side else name.video
        own = whole in self._by_stem
        code = self._code(path, whole if own else name.video)
        mine = np.flatnonzero(self._codes == code)
        rows = self._subject(mine, name.person or whole) if self._track is None else mine[:0]
        if not len(rows):
            rows = self._person(path, mine, None if own and name.side else self._side(name))
        return self._video(code, rows)

    def _side(self, name: RatedName) -> str | None:
        """Its own, or the one that the other person's file leaves."""
        other = self._sided.get(name.video)
        if name.side or other is None or f"{name.video}_{other}" in self._by_stem:
            return name.side
        return "right" if other == "left" else "left"

    def _code(self, path: Path, stem: str) -> int:
        found = sorted(set(self._by_stem.get(stem, ())))
        names = self._store.codes("video").names
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{shown(path)}: {', '.join(names[i] for i in found)} are all called {stem!r}"
            )
        known = ", ".join(sorted({PurePosixPath(n).stem for n in names})[:5]) or "none"
        raise InputError(
            f"{shown(path)}: {self._store.folder} has no video {stem!r} (it has {known}, ...); "
            "--video names it"
        )

    def _subject(self, mine: Rows, person: str) -> Rows:
        people = self._store.ids()
        wanted = [i for i, n in enumerate(people.names) if PurePosixPath(n).name == person]
        return mine[np.isin(people.codes[mine], wanted)]

    def _person(self, path: Path, mine: Rows, side: str | None) -> Rows:
        if self._track is not None:
            mine = mine[self._tracks[mine] == self._track]
            if not len(mine):
                raise InputError(f"{shown(path)}: its video has no track {self._track}")
        elif side is not None:
            mine = self._on_side(path, mine, side)
        if len(np.unique(self._frame[mine])) < len(mine):
            tracks = ", ".join(map(str, np.unique(self._tracks[mine])[:8]))
            raise InputError(
                f"{shown(path)}: several people are in one frame of its video; name the file "
                f"VIDEO_left.txt or VIDEO_right.txt, or say --track (of {tracks})"
            )
        return mine

    def _on_side(self, path: Path, mine: Rows, side: str) -> Rows:
        """Tracks whose faces are, on the mean, left or right of the middle of all tracks."""
        x = (self._store.column("x0")[mine] + self._store.column("x1")[mine]) / 2
        tracks, of = np.unique(self._tracks[mine], return_inverse=True)
        if np.isnan(x).any() or len(tracks) < 2:
            raise InputError(
                f"{shown(path)}: the {side} one of two people, but its video shows one, or boxes "
                "are not known; say --track"
            )
        means = np.bincount(of, x) / np.bincount(of)
        left = means < (means.min() + means.max()) / 2
        found: Rows = mine[left[of] if side == "left" else ~left[of]]
        return found

    def _video(self, code: int, rows: Rows) -> RatedVideo:
        name = self._store.codes("video").names[code]
        frames, rate = int(self._frame[self._codes == code].max()) + 1, None
        try:
            log = json.loads(log_file(self._store.folder, name).read_text("utf-8"))
            rate = float(log["settings"]["fps"])
            frames = max(frames, int(log["summary"]["frames"]))
        except (OSError, ValueError, LookupError, TypeError):
            pass
        return RatedVideo(name, rows, frames, rate)
