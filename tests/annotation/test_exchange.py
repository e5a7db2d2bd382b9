"""Files out and in again: the same project; other tools' files, and what does not fit."""

import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made_projects import make_project

from mien.annotation.formats import FORMATS
from mien.annotation.journal import Action
from mien.annotation.panel import FIRST, ledger_of
from mien.annotation.project import Project
from mien.annotation.rasters import affect_raster, expression_raster, unit_raster
from mien.errors import InputError
from mien.workflows.annotate import (
    export_annotation,
    import_annotation,
    pack_annotation,
    unpack_annotation,
)


def annotate(project: Project) -> None:
    """Two annotators, two items, everything that can be said."""
    source = np.random.default_rng(0)
    actions = []

    def do(who: str, item: str, task: str, kind: str, **body: object) -> None:
        key = f"k{len(actions)}"
        actions.append(Action(who, item, task, FIRST, key, kind, dict(body), 5))

    for who in ("r1", "r2"):
        for item in ("v001", "v002"):
            for dimension in ("valence", "arousal"):
                times = np.sort(source.uniform(0, 1.9, 60)).round(4).tolist()
                rows = [[t, int(v)] for t, v in zip(times, source.integers(-1000, 1001, 60),
                                                    strict=True)]  # fmt: skip
                do(who, item, "va", "take", take=dimension, dimension=dimension, device="mouse")
                do(who, item, "va", "samples", take=dimension, samples=rows)
            do(who, item, "va", "nudge", dimension="valence", from_s=0.2, to_s=0.5, by=-30)
            marks = [
                {"id": "a", "label": "AU12", "first": 3, "last": 20, "apex": 9, "intensity": "C"},
                {"id": "b", "label": "AU12", "first": 21, "last": 21, "note": "one | frame, \"Å\""},
                {"id": "c", "label": "AU06", "first": 0, "last": 59, "source": "model:m",
                 "confidence": 0.75},
            ]  # fmt: skip
            do(who, item, "au", "ranges", add=marks)
            do(who, item, "au", "seen", labels=["AU12", "AU06"])
            do(who, item, "au", "seen", labels=["AU01"], first=10, last=30)
            names = [{"id": "n", "label": "neutral", "first": 0, "last": 9},
                     {"id": "h", "label": "happiness", "first": 10, "last": 40}]  # fmt: skip
            do(who, item, "expression", "ranges", add=names)
            do(who, item, "expression", "note", text="laughs\nthen not")
    project.journal.append(actions)


@pytest.fixture
def labelled(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "one", (60, 60), ("r1", "r2"))
    annotate(project)
    return project


def said(project: Project, tasks: tuple[str, ...]) -> dict[str, list[object]]:
    """Every frame's labels, of whom and of what."""
    found = {}
    for who in project.info.annotators:
        for item in project.info.items:
            frames, labels = project.frames(item.id), project.labels_of(item)
            state = {t: ledger_of(project, who, item, t, FIRST).state for t in labels}
            rasters = {
                "va": lambda s, f, n: affect_raster(s, f).round(4).tolist(),
                "au": lambda s, f, n: [part.tolist() for part in unit_raster(s, n, len(f))],
                "expression": lambda s, f, n: expression_raster(s, n, len(f)).tolist(),
            }
            for task in tasks:
                found[f"{who} {item.id} {task}"] = rasters[task](state[task], frames, labels[task])
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_imported_again_is_the_same_project(labelled, tmp_path, name):
    carries = FORMATS[name].carries
    done = export_annotation(labelled.folder, tmp_path / "out", format=name)
    assert done.files
    other = make_project(tmp_path / "two", (60, 60), ("r1", "r2"))
    import_annotation(other.folder, tmp_path / "out", format=name)
    np.testing.assert_equal(said(other, carries), said(labelled, carries))
    export_annotation(other.folder, tmp_path / "again", format=name)
    files = sorted(p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.*"))
    assert len(files) == len(done.files)
    for file in files:
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_json_keeps_everything_but_the_annotators_own_data(labelled, tmp_path):
    export_annotation(labelled.folder, tmp_path / "out", annotators=["r1"])
    content = json.loads((tmp_path / "out" / "r1" / "vid1.json").read_text())
    units = content["tasks"]["au"]
    assert "spent_ms" not in units
    model = next(m for m in units["marks"] if m["label"] == "AU06")
    assert (model["source"], model["confidence"]) == ("model:m", 0.75)
    assert (model["from_s"], model["to_s"]) == (0.0, 2.0)
    assert content["tasks"]["expression"]["note"] == "laughs\nthen not"
    assert not (tmp_path / "out" / "r2").exists()
    export_annotation(labelled.folder, tmp_path / "own", spent=True)
    content = json.loads((tmp_path / "own" / "r1" / "vid1.json").read_text())
    assert content["tasks"]["au"]["spent_ms"] == 15


def test_importing_twice_adds_nothing_and_others_labels_are_safe(labelled, tmp_path):
    export_annotation(labelled.folder, tmp_path / "out")
    other = make_project(tmp_path / "two", (60, 60), ("r1", "r2"))
    first = import_annotation(other.folder, tmp_path / "out")
    assert first.labels > 0
    assert import_annotation(other.folder, tmp_path / "out").labels == 0
    with pytest.raises(InputError, match="r1 has labels of vid1"):
        import_annotation(labelled.folder, tmp_path / "out")


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_aff_wild_files_with_clocks_of_their_own(tmp_path):
    """benroumpi-2018, Table 3.3, and the interpolation of its section 3.7."""
    project = make_project(tmp_path / "one", (30,), ("r1",))
    write(tmp_path, "in/r1/valence/vid1.txt",
          "0.010 0\n0.541 -408\n0.556\t-432\n0.576, -448\n0.587 -448\n")  # fmt: skip
    write(tmp_path, "in/r1/arousal/vid1.txt",
          "Seconds Values\n0.016 0\n0.037 0\n0.116 0\n0.176 -37\n0.218 -116\n")  # fmt: skip
    import_annotation(project.folder, tmp_path / "in", format="affwild")
    state = ledger_of(project, "r1", project.info.items[0], "va", FIRST).state
    found = affect_raster(state, project.frames("v001"))
    times = np.arange(30) / 30
    want = np.interp(times[:18], [0.010, 0.541, 0.556, 0.576, 0.587], [0, -408, -432, -448, -448])
    np.testing.assert_allclose(found[:18, 0], want / 1000)
    want = np.interp(times[:18], [0.016, 0.037, 0.116, 0.176, 0.218], [0, 0, 0, -37, -116])
    np.testing.assert_allclose(found[:18, 1], want / 1000)


def test_au_files_of_one_line_per_frame(tmp_path):
    project = make_project(tmp_path / "one", (4,), ("r1",), (1, 12))
    write(tmp_path, "in/r1/vid1.txt", "1 0 0 1 1\n2 0 0 1 1\n3 1 1 0 0\n4 0 0 0 0\n")
    done = import_annotation(project.folder, tmp_path / "in", format="au-text")
    assert any("every intensity is 1" in line for line in done.notes)
    state = ledger_of(project, "r1", project.info.items[0], "au", FIRST).state
    present, level = unit_raster(state, ("AU01", "AU12"), 4)
    assert present.tolist() == [[0, 1], [0, 1], [1, 0], [0, 0]]
    assert np.isnan(level[0, 1])


@pytest.mark.parametrize(
    ("format", "file", "text", "says"),
    [
        ("affwild", "r1/valence/vid1.txt", "0.1 5\n0.05 6\n", "line 2: goes back in time"),
        ("affwild", "r1/valence/vid1.txt", "0.1 1001\n", "line 1"),
        ("affwild", "r1/valence/vid1.txt", "0.1 5 6\n0.2 7 8\n", "line 1"),
        ("affwild", "r1/valence/vid1.txt", "\n", "no sample"),
        ("au-text", "r1/vid1.txt", "1 0 0\n", "3 cells, not 17"),
        ("au-text", "r1/vid1.txt", "61" + " 0 0" * 8, "frame 61: the video has 60"),
        ("au-text", "r1/vid1.txt", "1" + " 2 0" * 8, "give 0 or 1"),
        ("au-text", "r1/vid1.txt", "1" + " 1 7" * 8, "give 1 to 5"),
        ("csv", "vid1.r1.au.csv", "label,first_frame,last_frame\nAU12,5,99\n", "line 2"),
        ("csv", "vid1.r1.au.csv", "label,first_frame,last_frame\nAU12,9,5\n", "ends before"),
        ("csv", "vid1.r1.va.csv", "seconds,valence\n1,2\n", "lacks the column arousal"),
        ("elan", "r1/vid1.eaf", "<a", "cannot be read as ELAN"),
        ("elan", "r1/vid1.eaf", '<!DOCTYPE x [<!ENTITY a "b">]><x/>', "declares entities"),
        ("json", "r1/vid1.json", "{}", "cannot be read"),
        ("json", "r1/vid1.json", '{"format": "mien-annotation-item-1", "frames": 3}', "3 frames"),
        ("json", "other.json", "{}", "such as"),
    ],
)
def test_files_that_do_not_fit_add_nothing(tmp_path, format, file, text, says):
    project = make_project(tmp_path / "one", (60,), ("r1",))
    write(tmp_path / "in", file, text)
    with pytest.raises(InputError, match=says):
        import_annotation(project.folder, tmp_path / "in", format=format)
    assert list(project.journal.read()) == []


def test_a_part_travels_and_comes_back(labelled, tmp_path):
    pack_annotation(labelled.folder, tmp_path / "r1.mienpack", annotator="r1", videos=False)
    assert stat.S_IMODE((tmp_path / "r1.mienpack").stat().st_mode) == 0o600
    text = (tmp_path / "r1.mienpack").read_bytes()
    assert labelled.token("r1").encode() in text
    assert labelled.token("r2").encode() not in text
    done = unpack_annotation(tmp_path / "r1.mienpack", tmp_path / "away")
    assert done.created
    away = Project(tmp_path / "away")
    assert away.info.annotators == ("r1",)
    assert away.who(labelled.token("r1")) == "r1"
    assert away.who(labelled.token("r2")) is None
    new = {"id": "new", "label": "AU25", "first": 1, "last": 2}
    away.journal.append([Action("r1", "v001", "au", FIRST, "new", "ranges", {"add": [new]})])
    pack_annotation(away.folder, tmp_path / "back.mienpack", annotator="r1", videos=False)
    done = unpack_annotation(tmp_path / "back.mienpack", labelled.folder)
    assert (done.created, done.actions) == (False, 1)
    assert unpack_annotation(tmp_path / "back.mienpack", labelled.folder).actions == 0
    state = ledger_of(labelled, "r1", labelled.info.items[0], "au", FIRST).state
    assert state.marks["new"].label == "AU25"
    other = make_project(tmp_path / "other", (60,), ("r1",))
    pack_annotation(other.folder, tmp_path / "x.mienpack", annotator="r1", videos=False)
    with pytest.raises(InputError, match="no part of the project"):
        unpack_annotation(tmp_path / "x.mienpack", labelled.folder)


def test_packs_that_are_none(labelled, tmp_path):
    (tmp_path / "no.mienpack").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        unpack_annotation(tmp_path / "no.mienpack", tmp_path / "away")
    pack_annotation(labelled.folder, tmp_path / "r1.mienpack", annotator="r1", videos=False)
    with zipfile.ZipFile(tmp_path / "r1.mienpack") as file:
        about, journal = file.read("pack.json"), file.read("journal.json")
    with zipfile.ZipFile(tmp_path / "bad.mienpack", "w") as file:
        file.writestr("pack.json", about.replace(b'"v001"', b'"../x"'))
        file.writestr("journal.json", journal)
    with pytest.raises(InputError, match="no way that mien does"):
        unpack_annotation(tmp_path / "bad.mienpack", tmp_path / "away")
    with zipfile.ZipFile(tmp_path / "bad.mienpack", "w") as file:
        file.writestr("pack.json", about)
        file.writestr("journal.json", journal.replace(b'"r1"', b'"r2"'))
    with pytest.raises(InputError, match="what others than r1 said"):
        unpack_annotation(tmp_path / "bad.mienpack", tmp_path / "away")
