import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import add, crops

from mien.errors import InputError
from mien.store import Store
from mien.store.windows import track_windows


def windows(video, track, frame, length, stride):
    columns = (np.array(c, np.int32) for c in (video, track, frame))
    return track_windows(*columns, length, stride).tolist()


def test_windows_follow_a_track_and_mask_the_frames_without_a_face():
    frame = [0, 1, 3, 4, 7]
    found = windows([0] * 5, [0] * 5, frame, 4, 2)
    assert found == [[0, 1, -1, 2], [-1, 2, 3, -1], [3, -1, -1, 4]]
    assert windows([0] * 5, [0] * 5, frame, 4, 4) == [[0, 1, -1, 2], [3, -1, -1, 4]]
    assert windows([0] * 5, [0] * 5, frame, 9, 9) == [[0, 1, -1, 2, 3, -1, -1, 4, -1]]


def test_no_window_crosses_tracks_or_videos_whatever_the_order_of_rows():
    video, track, frame = [1, 0, 0, 1, 0, -1], [0, 1, 0, 0, 0, 0], [5, 2, 0, 6, 1, 7]
    assert windows(video, track, frame, 2, 2) == [[4 - 2, 4], [1, -1], [0, 3]]


def test_long_gaps_leave_windows_out():
    assert windows([0, 0], [0, 0], [0, 100], 2, 2) == [[0, -1], [1, -1]]


rows = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(-1, 2), st.integers(-1, 30)),
    max_size=40,
    unique=True,
)


@given(rows, st.integers(1, 6), st.integers(1, 6))
def test_windows_hold_what_is_there(table, length, stride):
    """Against walking through every track."""
    expected = []
    for video, track in sorted({r[:2] for r in table if min(r) >= 0}):
        at = {r[2]: i for i, r in enumerate(table) if r[:2] == (video, track) and r[2] >= 0}
        start, last = min(at), max(at)
        while True:
            window = [at.get(start + i, -1) for i in range(length)]
            if max(window) >= 0:
                expected.append(window)
            if start + length > last:
                break
            start += stride
    video, track, frame = zip(*table, strict=True) if table else ([], [], [])
    assert windows(video, track, frame, length, stride) == expected


def test_a_store_gives_windows_of_its_videos_and_none_of_photographs(tmp_path):
    store = Store.open_or_create(tmp_path / "s", 16)
    add(store, "photos", crops(2), image=["1", "2"])
    add(store, "film", crops(3), video=["v"] * 3, track=[0, 0, 0], frame=[0, 1, 2])
    assert store.windows(2, 1).tolist() == [[2, 3], [3, 4]]
    assert store.windows(2, 2).tolist() == [[2, 3], [4, -1]]
    with pytest.raises(InputError, match="give at least 1"):
        store.windows(0, 1)
