"""The sound of a video, for another video made of it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from mien.media.names import reason

RATE = 48_000


class Sound:
    """Decoded sound of a file, handed out as the picture goes on.

    start_s: time on the file's own clock that becomes 0. trouble: why the rest is missing, if it
    is. A file without sound, or whose sound cannot be read, has none: no error.
    """

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        self.trouble: str | None = None
        self._start_s = start_s
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())
        self._next: Any = None
        self._end = 0
        try:
            self._container = av.open(f"file:{path}")
            if self._container.streams.audio:
                self._frames = self._container.decode(audio=0)
            self._advance()
        except Exception as error:
            self._give_up(error)

    @property
    def present(self) -> bool:
        """Whether anything can be heard."""
        return self._next is not None

    def until(self, time_s: float) -> Iterator[Any]:
        """Yield the audio frames that begin before `time_s` and were not yet handed out."""
        while self._next is not None and self._begin(self._next) < time_s:
            frame = self._next
            begin = round(self._begin(frame) * frame.sample_rate)
            self._advance()
            if begin + frame.samples <= 0 or begin < self._end:
                continue  # before the picture, or a clock that runs backwards
            self._end = begin + frame.samples
            frame.pts, frame.time_base = begin, Fraction(1, frame.sample_rate)
            yield frame

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()

    def _begin(self, frame: Any) -> float:
        return float(frame.time or 0.0) - self._start_s

    def _advance(self) -> None:
        try:
            self._next = next(self._frames, None)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._next, self.trouble = None, f"the sound cannot be read: {reason(error)}"
