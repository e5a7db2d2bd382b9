"""What came of decoding a file: counted while it is read, told afterwards."""

from dataclasses import dataclass, field
from typing import Literal

Stamps = Literal[
    "as in the file",
    "decoding times",
    "sorted",
    "partly made from the rate",
    "made from the rate",
]

LONG_HELD_S = 10.0
"""A frame shown for longer is told."""


@dataclass
class DecodeReport:
    """Filled by `decode`, complete once its last frame was taken.

    decoded: frames given. damaged_packets: parts of the stream that no frame came of, skipped.
    damaged_frames: frames the decoder gave with errors in them. promised_frames: by the file's
    index, None where it has none that counts them. decoded_s, promised_s: seconds from the first
    frame to the end of the last, and to the end the file states (None: it states none).
    leading_s: seconds before the first frame that could be decoded. truncated: the file ends
    before what it promises. stopped: why reading ended early. rate: frames per second that times
    were made from; rate_assumed: the file states none. made, squeezed: frames whose time was
    made, or moved between its neighbours because another frame had it. out_of_order: some times
    had to be sorted. decoding_times: the file gives no others. splices: times at which
    the file's clock starts again or jumps, counted on without a gap. sizes: of the stored frames
    (width, height), in order of appearance. orientation_held: frames that are turned or mirrored as
    one before them, having no orientation of their own. held_s: longest time between two frames.
    """

    decoded: int = 0
    damaged_packets: int = 0
    damaged_frames: int = 0
    promised_frames: int | None = None
    decoded_s: float = 0.0
    promised_s: float | None = None
    leading_s: float = 0.0
    truncated: bool = False
    stopped: str | None = None
    rate: float | None = None
    rate_assumed: bool = False
    made: int = 0
    squeezed: int = 0
    out_of_order: bool = False
    decoding_times: bool = False
    splices: list[float] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    pixel_aspect: float = 1.0
    orientation_held: int = 0
    held_s: float = 0.0
    stream: int = 0
    other_streams: list[int] = field(default_factory=list)

    @property
    def stamps(self) -> Stamps:
        """Where the frame times come from."""
        if self.made:
            whole = self.made >= self.decoded
            return "made from the rate" if whole else "partly made from the rate"
        if self.out_of_order:
            return "sorted"
        return "decoding times" if self.decoding_times else "as in the file"

    @property
    def damage(self) -> list[str]:
        """What is lost, in lines of plain text: what `decode` refuses when strict."""
        lines = []
        if self.truncated:
            lines.append(f"truncated: {self._extent()} can be decoded{self._because()}")
        elif self.stopped:
            lines.append(f"reading ended after {self.decoded_s:.1f} s ({self.stopped})")
        if self.damaged_packets:
            lines.append(f"{_count(self.damaged_packets, 'damaged packet')} skipped")
        if self.damaged_frames:
            lines.append(f"{_count(self.damaged_frames, 'frame')} decoded with errors")
        return lines

    @property
    def notes(self) -> list[str]:
        """What a reader of the results should know, in lines of plain text; none for most files."""
        lines = [*self.damage]
        if self.leading_s:
            lines.append(
                f"the first {self.leading_s:.1f} s cannot be decoded: no key frame before their end"
            )
        return lines + self._time_notes() + self._picture_notes()

    def _time_notes(self) -> list[str]:
        lines = []
        if self.made:
            which = "the frames" if self.made >= self.decoded else _count(self.made, "frame")
            rate = f"{self.rate:.6g} frames/s" if self.rate else "frames"
            given = "assumed: the file states no rate" if self.rate_assumed else "the file's rate"
            verb = "has" if self.made == 1 < self.decoded else "have"
            lines.append(f"{which} {verb} no usable times in the file: made from {rate} ({given})")
        if self.decoding_times:
            lines.append("the file gives decoding times only: frames have them in the order shown")
        if self.out_of_order:
            lines.append("frame times were out of order: sorted")
        if self.squeezed:
            lines.append(
                f"{_count(self.squeezed, 'frame')} had the time of another frame: set between "
                "its neighbours"
            )
        if self.splices:
            where = ", ".join(f"{time_s:.1f}" for time_s in self.splices[:3])
            more = ", ..." if len(self.splices) > 3 else ""
            lines.append(
                f"the file's clock starts again or jumps at {where}{more} s: times are counted on"
            )
        if self.held_s > LONG_HELD_S:
            lines.append(f"one frame is shown for {self.held_s:.1f} s")
        return lines

    def _picture_notes(self) -> list[str]:
        lines = []
        if self.other_streams:
            others = ", ".join(map(str, self.other_streams))
            lines.append(f"video stream {self.stream} is read, not {others}")
        if len(self.sizes) > 1:
            sizes = ", ".join(f"{width} × {height}" for width, height in self.sizes[:4])
            lines.append(f"the frame size changes: {sizes}")
        if self.orientation_held:
            given = self.decoded - self.orientation_held
            lines.append(
                f"the orientation comes with {_count(given, 'frame')} of {self.decoded}: taken for "
                "those that follow"
            )
        if self.pixel_aspect != 1:
            lines.append(
                f"pixels are {self.pixel_aspect:.4g} times as wide as high: shown square, boxes "
                "can be mapped back"
            )
        return lines

    def _extent(self) -> str:
        if self.promised_frames is not None:
            return f"{self.decoded} of {self.promised_frames} frames"
        return f"{self.decoded_s:.1f} s of {self.promised_s or 0:.1f} s"

    def _because(self) -> str:
        return f" ({self.stopped})" if self.stopped else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
