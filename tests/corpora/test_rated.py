"""Raters' files as the documents' tools write them, joined to faces."""

import json

import numpy as np
import pyarrow as pa
import pytest

from mien.actors.action_units import UNITS
from mien.actors.raters import sample_raters, write_ratings
from mien.corpora.rated import RatedOptions, attach_rated
from mien.corpora.rater_files import rated_name
from mien.corpora.traces import read_traces
from mien.errors import InputError
from mien.store import Store

FRAMES = 90


def add_video(store: Store, name: str, frames: int = FRAMES, people: int = 1) -> None:
    """Add a video in which people stand side by side, each with a track, the first on the right."""
    n = frames * people
    track = np.repeat(np.arange(people, dtype=np.int32), frames)
    with store.new_shard() as crops:
        crops.append(np.zeros((n, 8, 8, 3), np.uint8))
        store.commit(
            name,
            corpus="c",
            kind="made",
            crops=crops,
            faces={
                "video": [f"{name}.mp4"] * n,
                "frame": np.tile(np.arange(frames, dtype=np.int32), people),
                "time_s": np.tile(np.arange(frames) / 30, people),
                "track": track,
                "x0": 100.0 - 60 * track,
                "x1": 140.0 - 60 * track,
            },
        )


@pytest.fixture
def store(tmp_path) -> Store:
    made = Store.open_or_create(tmp_path / "store", 8)
    add_video(made, "video89")
    return made


def affect(store: Store, layer: str = "r", name: str = "valence") -> np.ndarray:
    return store.labels([layer]).column("valence_arousal", name)


def test_two_files_with_clocks_of_their_own_as_the_document_interpolates(store, tmp_path):
    """benroumpi-2018, section 3.7: x = 1, 2, ..., xp = seconds * 30, each dimension alone."""
    v = {0.010: 0, 0.541: -408, 0.556: -432, 0.576: -448, 0.587: -448, 2.95: -828}
    a = {0.016: 0, 0.037: 0, 0.116: 0, 0.176: -37, 0.218: -116, 3.0: 500}
    for name, samples in (("valence", v), ("arousal", a)):
        lines = [f"{t:.3f} {value}" for t, value in samples.items()]
        (tmp_path / f"video89_{name}.txt").write_text("\n".join(["Seconds\tValues", *lines]))
    paths = [tmp_path / "video89_valence.txt", tmp_path / "video89_arousal.txt"]
    found = attach_rated(store, paths, "r", "traces", RatedOptions())
    x = np.arange(1, FRAMES + 1)
    expected = np.interp(x, np.array(list(v)) * 30, np.array(list(v.values()))) / 1000
    assert affect(store) == pytest.approx(expected, abs=1e-6)
    expected = np.interp(x, np.array(list(a)) * 30, np.array(list(a.values()))) / 1000
    assert affect(store, name="arousal") == pytest.approx(expected, abs=1e-6)
    assert affect(store)[16] == pytest.approx(-0.440533, abs=1e-5)  # frame 17 is at 0.5667 s
    assert any("video89_valence.txt: extended by 2 frames" in note for note in found.notes)
    assert found.labelled == FRAMES


def test_a_trace_is_extended_by_two_frames_and_no_further(store, tmp_path):
    (tmp_path / "video89.txt").write_text("0 100 200\n2.0 100 200\n")
    found = attach_rated(store, [tmp_path / "video89.txt"], "r", "traces", RatedOptions())
    assert np.flatnonzero(np.isnan(affect(store)))[0] == 62  # 60 frames, 61 and 62 extended
    assert found.labelled == 62
    assert "the last 28 frames stay unlabelled" in " ".join(found.notes)
    (tmp_path / "video89.txt").write_text("0 100 200\n3.5 800 200\n")
    found = attach_rated(store, [tmp_path / "video89.txt"], "r", "traces", RatedOptions())
    assert found.labelled == FRAMES
    assert affect(store)[-1] == pytest.approx(0.1 + 0.7 * 3.0 / 3.5, abs=1e-6)
    assert "cropped by 15 frames" in found.notes[0] + found.notes[1]
    assert "another cut" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 1\n2 1001\n", "line 2: 1001 is beyond 1000"),
        ("0 1\n2 1\n1 5\n", "line 3: time goes back"),
        ("0 0.5\n1 0.25\n", "say --scale 1"),
        ("0 1 2 3\n", "lines hold 4 numbers"),
        ("0 1\n1 x\n", "line 2: 'x' is no number"),
        ("Seconds Values\n", "holds no sample"),
        ("-1 5\n", "a time before 0"),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(tmp_path, text, said):
    (tmp_path / "v_valence.txt").write_text(text)
    with pytest.raises(InputError, match=said):
        read_traces(tmp_path / "v_valence.txt", "valence")


def test_a_value_a_line_needs_a_dimension_and_decimal_commas_are_read(tmp_path):
    (tmp_path / "v.txt").write_text("0,010;5\n1,5;-5\n")
    with pytest.raises(InputError, match="valence or arousal"):
        read_traces(tmp_path / "v.txt", None)
    found = read_traces(tmp_path / "v.txt", "arousal")["arousal"]
    assert found.seconds.tolist() == [0.01, 1.5]
    assert found.values.tolist() == [0.005, -0.005]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("video89_valence.txt", ("video89", None, "valence")),
        ("arousal/video89.txt", ("video89", None, "arousal")),
        ("video55_left.txt", ("video55", "left", None)),
        ("video55_left_valence.txt", ("video55", "left", "valence")),
        ("talk.r03.va.csv", ("talk", None, None)),
        ("talk.r03.au.txt", ("talk", None, None)),
    ],
)
def test_names_of_files(tmp_path, path, said):
    found = rated_name(tmp_path / path)
    assert (found.video, found.side, found.dimension) == said


def unit_lines(shown: dict[int, int], frames: int = FRAMES) -> str:
    """A line per frame from 1 on: the documents' eight units, one of them shown."""
    lines = []
    for frame in range(1, frames + 1):
        cells = ["0 0"] * 8
        if frame in shown:
            cells[shown[frame]] = "1 1"
        lines.append(" ".join([str(frame), *cells]))
    return "\n".join(lines) + "\n"


def test_units_a_line_per_frame_and_frames_without_any_kept_or_dropped(store, tmp_path):
    path = tmp_path / "video89.txt"
    path.write_text(unit_lines(dict.fromkeys(range(11, 31), 4)))  # AU12 in frames 11 to 30
    found = attach_rated(store, [path], "r", "au-frames", RatedOptions())
    labels = store.labels(["r"])
    assert np.flatnonzero(labels.column("au", "AU12") == 1).tolist() == list(range(10, 30))
    assert (labels.column("au", "AU25") == 0).all()
    assert labels.head("au_intensity") is None  # it was always 1: it says nothing
    assert "20 faces show a unit at least, 70 none: 70 of these kept" in found.notes[-1]
    found = attach_rated(store, [path], "r", "au-frames", RatedOptions(keep_empty=30))
    units = store.labels(["r"]).column("au", "AU12")
    assert ((units == 1).sum(), (units == 0).sum(), np.isnan(units).sum()) == (20, 30, 40)
    attach_rated(store, [path], "r", "au-frames", RatedOptions(keep_empty=0))
    units = store.labels(["r"]).column("au", "AU12")
    assert ((units == 1).sum(), np.isnan(units).sum()) == (20, 70)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 " + "0 0 " * 8, "say --first-frame 0"),
        ("1 " + "0 0 " * 7, "line 1: 15 cells"),
        ("1 " + "2 0 " * 8, "presence is 2"),
        ("1 " + "1 6 " * 8, "intensity is 6"),
        ("9999999999999999999999 " + "0 0 " * 8, "is in no video"),
        ("1 " + "0 0 " * 8 + "\n1 " + "0 0 " * 8, "line 2: frame 1 is there twice"),
        ("", "holds no frame"),
    ],
)
def test_what_is_no_file_of_units_is_refused(store, tmp_path, text, said):
    (tmp_path / "video89.txt").write_text(text)
    with pytest.raises(InputError, match=said):
        attach_rated(store, [tmp_path / "video89.txt"], "r", "au-frames", RatedOptions())
    assert "r" not in store.layers


def test_ranges_count_from_one_and_those_of_actors_from_zero(store, tmp_path):
    path = tmp_path / "video89.csv"
    path.write_text("AU12,11,30\n4,1,2\n")
    found = attach_rated(store, [path], "r", "au-ranges", RatedOptions(units=(20,)))
    labels = store.labels(["r"])
    assert np.flatnonzero(labels.column("au", "AU12") == 1).tolist() == list(range(10, 30))
    assert np.flatnonzero(labels.column("au", "AU04") == 1).tolist() == [0, 1]
    assert (labels.column("au", "AU20") == 0).all()
    assert "video89.csv: frames are counted from 1" in found.notes
    path.write_text("label,first_frame,last_frame\nAU12,10,29\n")
    attach_rated(store, [path], "own", "au-ranges", RatedOptions())
    units = store.labels(["own"]).column("au", "AU12")
    assert np.flatnonzero(units == 1).tolist() == list(range(10, 30))


def test_an_expression_per_frame_and_two_are_none(store, tmp_path):
    path = tmp_path / "video89.txt"
    path.write_text("happy 1 20\nsadness 16 40\nsadness 38 50\n")
    found = attach_rated(store, [path], "r", "expression-ranges", RatedOptions())
    labels = store.labels(["r"])
    names = labels.head("expression").outputs
    said = labels["expression"]
    happy, sad = (said[:, names.index(name)] for name in ("happiness", "sadness"))
    assert np.flatnonzero(happy == 1).tolist() == list(range(15))
    assert np.flatnonzero(sad == 1).tolist() == list(range(20, 50))
    assert "5 faces with two expressions stay unlabelled" in " ".join(found.notes)
    attach_rated(store, [path], "n", "expression-ranges", RatedOptions(outside="neutral"))
    labels = store.labels(["n"])
    neutral = labels["expression"][:, labels.head("expression").outputs.index("neutral")]
    assert np.flatnonzero(neutral == 1).tolist() == list(range(50, FRAMES))


def test_two_people_in_one_frame_are_left_and_the_other(store, tmp_path):
    """benroumpi-2018, section 3.4: video55_left.txt is the person on the left, video55.txt not."""
    add_video(store, "video55", people=2)
    (tmp_path / "video55.txt").write_text("0 0 500\n3 0 500\n")
    (tmp_path / "video55_left.txt").write_text("0 0 -500\n3 0 -500\n")
    paths = [tmp_path / "video55.txt", tmp_path / "video55_left.txt"]
    with pytest.raises(InputError, match=r"several people .* --track \(of 0, 1\)"):
        attach_rated(store, paths[:1], "r", "traces", RatedOptions())
    attach_rated(store, paths, "r", "traces", RatedOptions())
    mine = store.codes("video").where("c/video55.mp4")
    track, arousal = store.column("track"), affect(store, name="arousal")
    assert (arousal[mine & (track == 1)] == -0.5).all()  # track 1 stands on the left
    assert (arousal[mine & (track == 0)] == 0.5).all()
    assert np.isnan(arousal[~mine]).all()


def test_half_videos_of_two_people_are_found_by_their_own_names(store, tmp_path):
    add_video(store, "video55")
    add_video(store, "video55_left")
    (tmp_path / "video55.txt").write_text("0 0 500\n3 0 500\n")
    (tmp_path / "video55_left.txt").write_text("0 0 -500\n3 0 -500\n")
    paths = [tmp_path / "video55.txt", tmp_path / "video55_left.txt"]
    attach_rated(store, paths, "r", "traces", RatedOptions())
    arousal, videos = affect(store, name="arousal"), store.codes("video")
    assert (arousal[videos.where("c/video55_left.mp4")] == -0.5).all()
    assert (arousal[videos.where("c/video55.mp4")] == 0.5).all()


def test_two_raters_of_one_video_need_two_layers(store, tmp_path):
    for rater in ("r00", "r01"):
        (tmp_path / f"video89.{rater}.va.csv").write_text("0,0,0\n3,5,5\n")
    paths = sorted(tmp_path.glob("*.va.csv"))
    with pytest.raises(InputError, match="give each rater a layer"):
        attach_rated(store, paths, "r", "traces", RatedOptions())


def test_raters_of_actors_write_the_documents_forms_and_their_own(store, tmp_path):
    """The three forms of a rater say the same of the same frames."""
    wave = np.sin(np.arange(FRAMES) / 9)
    truth = pa.table(
        {
            "time_s": np.arange(FRAMES) / 30,
            "valence": wave,
            "arousal": wave**2,
            "expression": ["happiness" if w > 0.5 else "neutral" for w in wave],
            **{f"AU{u}": np.where(wave > 0.3, 2.0 if u in (12, 25) else 0.0, 0.0) for u in UNITS},
        }
    )
    write_ratings(tmp_path, "video89.mp4", truth, sample_raters(1, 3), 3)
    two = [tmp_path / f"video89.r00.{d}.txt" for d in ("valence", "arousal")]
    clocks = [[line.split()[0] for line in path.read_text().splitlines()[1:]] for path in two]
    assert clocks[0] != clocks[1]
    forms = {
        "two": ("traces", two),
        "one": ("traces", [tmp_path / "video89.r00.va.csv"]),
        "frames": ("au-frames", [tmp_path / "video89.r00.au.txt"]),
        "ranges": ("au-ranges", [tmp_path / "video89.r00.au.csv"]),
    }
    for layer, (form, paths) in forms.items():
        attach_rated(store, paths, layer, form, RatedOptions())
    assert affect(store, "two") == pytest.approx(affect(store, "one"), abs=2e-3)
    assert np.ptp(affect(store, "two")) > 0.2
    for unit in ("AU12", "AU25"):
        frames, ranges = (store.labels([name]).column("au", unit) for name in ("frames", "ranges"))
        assert frames.tolist() == ranges.tolist()
        assert frames.sum() > 5


@pytest.mark.parametrize(
    "wrong", [{"scale": 0.0}, {"keep_empty": -1}, {"units": (999,)}, {"outside": "bored"}]
)
def test_options_of_no_use_are_refused(wrong):
    with pytest.raises(InputError, match="--"):
        RatedOptions(**wrong)


def test_from_the_command_line(store, tmp_path, cli):
    (tmp_path / "video89.txt").write_text(unit_lines({5: 0}))
    asked = ("--layer", "r", "--format", "au-frames", "--drop-empty", "--json")
    found = cli("labels", "add", store.folder, tmp_path / "video89.txt", *asked)
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert (told["rows"], told["labelled"]) == (FRAMES, 1)
    (tmp_path / "video7.txt").write_text(unit_lines({}))
    found = cli("labels", "add", store.folder, tmp_path / "video7.txt", *asked)
    assert found.code == 2
    assert "has no video 'video7'" in found.err
    found = cli("labels", "add", store.folder, tmp_path / "a", tmp_path / "b", "--layer", "x")
    assert found.code == 2
    assert "one at a time" in found.err
