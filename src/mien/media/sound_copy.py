"""The sound of a video as a file that every browser plays, beginning with the first frame."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from mien.media import streams
from mien.media.exact import SOUND

_RATE = 48000
_BITS_PER_S = 96_000
_PIECE = 48000


def extract_sound(video: Path, folder: Path, start_s: float) -> bool:
    """Write a video's first sound track into `folder` as SOUND (Opus); whether there is one.

    start_s: time of the first frame on the file's own clock: sound before it is left out, silence
    is put where sound begins later or is missing in between. Sound that cannot be decoded ends
    there, and what came before is kept.
    """
    path = folder / SOUND
    with streams.opened(video) as container:
        if not container.streams.audio:
            return False
        source = container.streams.audio[0]
        if source.codec_context is None:
            return False
        with av.open(f"file:{path}", "w", format="webm") as output:
            track: Any = output.add_stream("libopus", rate=_RATE, layout="stereo")
            track.codec_context.bit_rate = _BITS_PER_S
            written = _encode(container, source, output, track, start_s)
            output.mux(track.encode(None))
    if not written:
        path.unlink()
    return written > 0


def _encode(container: Any, source: Any, output: Any, track: Any, start_s: float) -> int:
    """Encode all samples at their places; returns how many there are a channel."""
    resample, at = AudioResampler("flt", "stereo", _RATE), 0
    try:
        for decoded in container.decode(source):
            place = None if decoded.time is None else round((decoded.time - start_s) * _RATE)
            for piece in resample.resample(decoded):
                samples = piece.to_ndarray().reshape(-1, 2)
                if place is not None:
                    samples = _placed(samples, place, at)
                    place = None
                at += len(samples)
                _mux(output, track, samples, at - len(samples))
    except Exception:  # what was decoded counts
        return at
    return at


def _placed(samples: Any, place: int, at: int) -> Any:
    """Samples to go on with at `at`, of which the first belongs at `place`."""
    if place < at - _RATE // 50:
        return samples[at - place :]
    if place > at + _RATE // 50:  # less is rounding
        return np.concatenate([np.zeros((place - at, 2), np.float32), samples])
    return samples


def _mux(output: Any, track: Any, samples: Any, at: int) -> None:
    for first in range(0, len(samples), _PIECE):
        part = np.ascontiguousarray(samples[first : first + _PIECE]).reshape(1, -1)
        frame = AudioFrame.from_ndarray(part, format="flt", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = _RATE, Fraction(1, _RATE), at + first
        output.mux(track.encode(frame))
