"""Write video files."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from mien.media.sound import RATE, Sound

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
_TIME_BASE = Fraction(1, 90000)


class VideoWriter:
    """H.264, or VP9 in WebM, one call per frame, times kept exactly; browsers play it.

    sound: goes along, as AAC, or Opus in WebM; it is closed with the video.
    """

    def __init__(
        self,
        path: Path,
        frame_rate: float = 30.0,
        quality: int = 20,
        sound: Sound | None = None,
    ) -> None:
        self._path, self._rate, self._quality = path, frame_rate, quality
        self._sound = sound
        self._container: Any = None
        self._stream: Any = None
        self._heard: Any = None
        self._last = -1

    def _start(self, width: int, height: int) -> None:
        webm = self._path.suffix.lower() == ".webm"
        options = {"movflags": "+faststart"} if self._path.suffix.lower() == ".mp4" else {}
        self._container = av.open(f"file:{self._path}", "w", options=options)
        rate = Fraction(self._rate).limit_denominator(1001)
        stream = self._container.add_stream("libvpx-vp9" if webm else "libx264", rate=rate)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _TIME_BASE
        stream.options = self._settings(webm)
        self._stream = stream
        if self._sound is not None and self._sound.present:
            self._heard = self._container.add_stream("libopus" if webm else "aac", rate=RATE)
            self._heard.layout = "stereo"

    def _settings(self, webm: bool) -> dict[str, str]:
        if webm:
            crf = str(self._quality + 12)  # on VP9's scale
            return {"crf": crf, "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}
        # x264's macroblock tree reads memory that it never wrote: without it, the same frames give
        # the same bytes, whatever was in memory before.
        return {"crf": str(self._quality), "preset": "veryfast", "x264-params": "no-mbtree=1"}

    def _hear(self, until_s: float) -> None:
        if self._heard is None or self._sound is None:
            return
        for frame in self._sound.until(until_s):
            self._container.mux(self._heard.encode(frame))

    def write(self, rgb: NDArray[np.uint8], time_s: float) -> None:
        """Append a frame (H, W, 3); an odd last row or column is cut off.

        A frame of another size than the first is scaled to it.
        """
        if self._stream is None:
            self._start(rgb.shape[1] // 2 * 2, rgb.shape[0] // 2 * 2)
        width, height = self._stream.width, self._stream.height
        if abs(rgb.shape[0] - height) > 1 or abs(rgb.shape[1] - width) > 1:
            rgb = np.asarray(Image.fromarray(rgb).resize((width, height)))
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), format="rgb24")
        self._last = max(self._last + 1, round(time_s / _TIME_BASE))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._container.mux(self._stream.encode(frame))
        self._hear(time_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._container is not None:
            if error[0] is None:
                self._container.mux(self._stream.encode(None))
                self._hear(self._last * float(_TIME_BASE) + 1 / self._rate)
                if self._heard is not None:
                    self._container.mux(self._heard.encode(None))
            self._container.close()
        if self._sound is not None:
            self._sound.close()
