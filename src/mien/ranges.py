"""Ranges of the numbers that people give: the command line and Python check the same."""

from dataclasses import dataclass
from numbers import Integral, Real

from mien.errors import InputError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, whole ones where `kind` is int. what: in words."""

    kind: type[int] | type[float]
    low: float
    high: float
    what: str

    def check(self, name: str, value: object) -> None:
        """Raise InputError where a value is no such number. name: of what it was given for."""
        kind = Integral if self.kind is int else Real
        if isinstance(value, bool) or not isinstance(value, kind):
            raise InputError(f"{name} {value!r}: is not {self.what}")
        if not self.low <= float(value) <= self.high:
            raise InputError(f"{name} {value}: give {self.low:g} to {self.high:.10g}")


PIXEL_SIZE = Range(int, 8, 1024, "a whole number of pixels")
FRAME_RATE = Range(float, 0.1, 1000, "frames per second")
MARGIN = Range(float, 0, 2, "a share of the box")
FACE_SIZE = Range(float, 1, 100_000, "a number of pixels")
STREAM = Range(int, 0, 1000, "the number of a stream")
SEED = Range(int, 0, 2**31 - 1, "a whole number")
THRESHOLD = Range(float, 0, 5, "a number")
POSITIVE = Range(int, 1, 10**9, "a whole number")
SMOOTHING = Range(float, 0.01, 60, "a number of seconds")
TIME = Range(float, 0, 10_000_000, "a time in seconds")
STEP = Range(float, 0.001, 86_400, "a time in seconds")
PERSON = Range(int, 0, 10**9, "the number of a person")
JOBS = Range(int, 1, 256, "a number of processes")
