"""What is labelled: one person in one video, or a set of pictures, with exact times."""

import io
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import replacing
from mien.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Item:
    """One person in one video, or a set of pictures.

    id: `v001`, names its file in the project. name: of the video, with the person's side where it
    shows several. kind: video or images. path: of the video file, or of the folder of pictures.
    video: its name in the store. tracks: of the person, there; none: whoever is seen.
    """

    id: str
    name: str
    kind: str
    path: str
    video: str = ""
    tracks: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Item":
        """Read back `to_dict`."""
        return cls(**{**values, "tracks": tuple(values["tracks"])})


@dataclass(frozen=True)
class Frames:
    """The frames of an item, in the order they are shown.

    time_s: (N,) presentation times from the first frame; of pictures their numbers. end_s: when the
    last one goes. box: (N, 4) the person's face in pixels as shown, NaN where it was not found.
    width, height: of the picture as shown. names: of pictures.
    """

    time_s: Floats
    end_s: float
    box: NDArray[np.float32]
    width: int
    height: int
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.time_s)

    def at(self, seconds: float) -> int:
        """The frame that is on screen at a time, the first and last beyond the ends."""
        return int(self.at_all(np.array([seconds]))[0])

    def at_all(self, seconds: Floats) -> NDArray[np.intp]:
        """The frames that are on screen at several times."""
        found = np.searchsorted(self.time_s, np.asarray(seconds) + 1e-6, side="right") - 1
        return np.clip(found, 0, max(len(self) - 1, 0))

    def nearest(self, seconds: Floats) -> NDArray[np.intp]:
        """The frames whose times are nearest."""
        edges = (self.time_s[1:] + self.time_s[:-1]) / 2
        return np.searchsorted(edges, np.asarray(seconds))

    @cached_property
    def until_s(self) -> Floats:
        """When each frame goes (N,)."""
        return np.append(self.time_s[1:], self.end_s)

    def save(self, path: Path) -> None:
        """Write the frames whole."""
        buffer = io.BytesIO()
        names = np.array(self.names, dtype=np.str_)
        size = np.array([self.width, self.height])
        end = np.array(self.end_s)
        np.savez_compressed(
            buffer, time_s=self.time_s, end_s=end, box=self.box, size=size, names=names
        )
        with replacing(path) as temporary:
            temporary.write_bytes(buffer.getvalue())
            temporary.chmod(0o600)

    @classmethod
    def load(cls, path: Path) -> "Frames":
        """Read back; raises InputError where the file is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as found:
                width, height = (int(v) for v in found["size"])
                return cls(
                    found["time_s"].astype(np.float64),
                    float(found["end_s"]),
                    found["box"].astype(np.float32),
                    width,
                    height,
                    tuple(str(name) for name in found["names"]),
                )
        except Exception as error:  # of other people's parsers
            raise InputError(f"{path}: cannot be read as frames: {error!r}") from error
