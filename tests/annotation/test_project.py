"""Making a project: videos, people, times, who may read it; and the command line."""

import json
import stat
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from made_projects import make_project, make_store

import mien
from mien.annotation.items import Frames
from mien.annotation.journal import Action
from mien.annotation.panel import FIRST
from mien.annotation.prepare import Faces, _people, rows_of
from mien.annotation.project import Project, parse_annotators, parse_units
from mien.errors import InputError
from mien.media.decode import decode
from mien.media.encode import VideoWriter
from mien.store import Store


@pytest.fixture(scope="module")
def short(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 15 frames of the real clip, the last of them held long: an uneven film."""
    path = tmp_path_factory.mktemp("short") / "talk.mp4"
    with VideoWriter(path, 25, 23) as video:
        for i, frame in enumerate(islice(decode(clip), 15)):
            video.write(frame.rgb, i / 25 + (0.2 if i > 9 else 0))
    return path


@pytest.fixture(scope="module")
def started(short: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("started") / "project"
    mien.init_annotation(
        folder, [short], annotators=["r1", "r2"], tasks=["au"], units=[12, "AU1"], seed=4
    )
    return folder


def test_init(started, short):
    project = Project(started)
    (item,) = project.info.items
    assert (item.name, item.video, item.tracks) == ("talk", "videos/talk.mp4", ())
    assert project.info.units == ("AU01", "AU12")
    frames = project.frames(item.id)
    np.testing.assert_allclose(frames.time_s, [f.time_s for f in decode(short)])
    assert not np.isnan(frames.box).all()
    for file in (*started.glob("*"), *(started / "frames").iterdir()):
        if file.is_file():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(started.stat().st_mode) == 0o700
    tokens = json.loads((started / "tokens.json").read_text())
    assert set(tokens) == {"r1", "r2", "adjudicator"}
    assert project.who(tokens["r2"]) == "r2"
    assert project.who("é" + tokens["r2"]) is None
    project.close()


def test_labels_of_frames_reach_the_faces_of_these_frames(started):
    """The store's grid repeats and drops frames of an uneven film; times tell which they are."""
    project = Project(started)
    (item,) = project.info.items
    frames = project.frames(item.id)
    marks = [{"id": "a", "label": "AU12", "first": 9, "last": 10}]
    project.journal.append([
        Action("r1", item.id, "au", FIRST, "a", "ranges", {"add": marks}),
        Action("r1", item.id, "au", FIRST, "b", "seen", {"labels": ["AU12"]}),
    ])  # fmt: skip
    report = mien.consensus(started, annotators=["r1"])
    store = Store.open(started / "store")
    rows, frame = rows_of(store, item, frames)
    assert len(rows) == len(store) == report["written"]["faces"]
    np.testing.assert_allclose(frames.time_s[frame], store.column("time_s")[rows], atol=1e-6)
    assert len(rows) > len(np.unique(frame))  # frame 9 is held on the grid
    present = store.labels(["consensus"]).column("au", "AU12")[rows]
    np.testing.assert_array_equal(present, np.isin(frame, (9, 10)))
    assert (started / "store" / "log" / "layer consensus.json").is_file()
    project.close()


def test_two_people_are_two_items():
    frame = np.repeat(np.arange(40), 2)
    box = np.tile([[200, 0, 300, 99], [10, 0, 90, 99]], (40, 1)).astype(np.float32)
    both = Faces(np.arange(80), frame, np.tile([0, 1], 40), box)
    assert _people(both) == [("left", (1,)), ("right", (0,))]
    passer_by = Faces(np.arange(44), np.r_[np.arange(40), 5, 6, 7, 8], np.r_[[0] * 40, [1] * 4],
                      np.zeros((44, 4), np.float32))  # fmt: skip
    assert _people(passer_by) == [("", ())]
    broken_track = Faces(np.arange(40), np.arange(40), np.r_[[0] * 20, [1] * 20],
                         np.zeros((40, 4), np.float32))  # fmt: skip
    assert _people(broken_track) == [("", ())]


def test_frames_by_time():
    frames = Frames(np.array([0, 0.04, 0.1, 0.5]), 0.6, np.zeros((4, 4), np.float32), 8, 8)
    assert [frames.at(s) for s in (-1, 0, 0.039, 0.04, 0.3, 9)] == [0, 0, 0, 1, 2, 3]
    assert frames.nearest(np.array([0.06, 0.08, 0.31])).tolist() == [1, 2, 3]
    assert frames.until_s.tolist() == [0.04, 0.1, 0.5, 0.6]


def test_orders_differ_and_are_kept(tmp_path):
    project = make_project(tmp_path / "p", (10,) * 8, ("r1", "r2", "r3"))
    orders = project.info.orders
    assert {tuple(sorted(order)) for order in orders.values()} == {
        tuple(sorted(item.id for item in project.info.items))
    }
    assert len(set(orders.values())) == 3
    assert Project(tmp_path / "p").info == project.info


def test_names_that_are_none():
    assert parse_units([1, "AU02", "au 12"]) == ("AU01", "AU02", "AU12")
    with pytest.raises(InputError, match="no Action Unit"):
        parse_units([99])
    for names in (["r1", "r1"], ["../x"], ["adjudicator"], ["answers"], [""], []):
        with pytest.raises(InputError):
            parse_annotators(names)


def test_the_command_line(cli, tmp_path, started, short):
    again = cli("annotate", "init", started, short, "--annotators", "r1")
    assert again.code == 2
    assert "holds a project already" in again.err
    none = cli("annotate", tmp_path / "nowhere")
    assert none.code == 2
    assert "not an annotation project" in none.err
    lines = cli("annotate", "links", started).out.split()
    assert lines[0] == "r1"
    wrong = cli("annotate", "init", tmp_path / "new", short, "--annotators", "r1", "--tasks", "ua")
    assert wrong.code == 2
    assert "unknown task 'ua'" in wrong.err
    assert not (tmp_path / "new").exists()
    assert cli("annotate", "stage", started, "verification").code == 2  # r2 has not begun
    assert cli("annotate", "stage", started, "blind", "--force").code == 0
    packed = cli("annotate", "pack", started, tmp_path / "r1.mienpack", "--annotator", "r1")
    assert packed.code == 0, packed.err
    away = cli("annotate", "unpack", tmp_path / "r1.mienpack", tmp_path / "away")
    assert away.code == 0, away.err
    project = Project(tmp_path / "away")
    assert Path(project.info.items[0].path).read_bytes() == short.read_bytes()
    project.close()
    host = cli("annotate", started, "--host", "0.0.0.0")
    assert host.code == 2
    assert "ssh -L" in host.err


def test_a_store_of_other_videos_is_refused(tmp_path):
    project = make_project(tmp_path / "p")
    project.journal.append([Action("r1", "v001", "au", FIRST, "b", "seen", {"labels": ["AU12"]})])
    other = make_project(tmp_path / "q")
    object.__setattr__(other.info.items[0], "video", "videos/else.mp4")
    make_store(tmp_path / "store", other)
    with pytest.raises(InputError, match="holds no face of the project"):
        mien.consensus(project.folder, store=tmp_path / "store")
