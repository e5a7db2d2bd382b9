"""Frames that nobody holds any more are gone at once, not when the garbage collector comes by."""

import gc

from av.video.frame import VideoFrame

from mien.media.decode import decode


def test_frames_do_not_wait_for_the_collector(clip):
    gc.collect()
    gc.disable()
    try:
        for frame in decode(clip):
            frame.rgb  # noqa: B018 (converted, and dropped)
        left = sum(
            type(thing) is VideoFrame for thing in gc.get_objects()
        )  # asks no object anything
    finally:
        gc.enable()
    assert frame.index == 119
    assert left < 20
