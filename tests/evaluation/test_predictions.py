"""Tables of other tools against a store: every column form, every row accounted for."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluation.joining import join
from mien.evaluation.judged import JudgedFaces
from mien.evaluation.prediction_table import read_prediction_table
from mien.evaluation.submission import write_submission
from mien.labels.arrays import Predictions
from mien.labels.heads import Head
from mien.store import Store


@pytest.fixture
def film(tmp_path):
    """Return a store of a video at 10 frames a second: one person, from frame 3 on two."""
    store = Store.open_or_create(tmp_path / "film", 16)
    frames = [0, 1, 2, 3, 3, 4, 4]
    tracks = [0, 0, 0, 0, 1, 0, 1]
    left = [10.0 if track == 0 else 60.0 for track in tracks]
    with store.new_shard() as shard:
        shard.append(np.zeros((7, 16, 16, 3), np.uint8))
        store.commit(
            "videos/talk.mp4",
            corpus="videos",
            kind="video",
            crops=shard,
            faces={
                "video": ["talk.mp4"] * 7,
                "subject": [f"talk.mp4#{track}" for track in tracks],
                "track": tracks,
                "frame": frames,
                "time_s": [frame / 10 for frame in frames],
                "x0": left,
                "y0": [10.0] * 7,
                "x1": [x + 40 for x in left],
                "y1": [50.0] * 7,
            },
            labels={"videos": {"AU12": [1, 0, 1, 1, 0, 1, 0]}},
            summary={"faces": 7},
        )  # fmt: skip
    return store


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


OPENFACE = """frame, timestamp, confidence, success, AU12_r, AU12_c
1, 0.000, 0.98, 1, 2.50, 1.00
2, 0.100, 0.98, 1, 0.00, 0.00
3, 0.200, 0.10, 0, 0.00, 0.00
"""


def test_openface_has_spaces_no_name_and_frames_from_1(film, tmp_path):
    table = read_prediction_table(write(tmp_path / "talk.csv", OPENFACE))
    assert [head.name for head in table.heads] == ["au", "au_intensity"]
    found = join(film, table)
    assert found.row[:3].tolist() == [0, 1, -1]  # by time, not by its frames from 1
    assert found.account() == {
        "rows": 3, "used": 2, "no_face": 1, "unknown": 0, "unpaired": 0, "ambiguous": 0,
    }  # fmt: skip
    assert np.isnan(table.values["au"][2, 0])  # what a tracker writes when it has lost the face
    assert "rows without a name are taken for those of 'talk'" in found.notes


def test_openface_of_several_people_is_joined_by_its_landmarks(film, tmp_path):
    header = "frame,face_id,timestamp,confidence,success,AU12_c," + ",".join(
        f"{axis}_{i}" for axis in "xy" for i in range(4)
    )
    right, left = "62,98,62,98,12,12,48,48", "12,48,12,48,12,12,48,48"
    text = f"{header}\n4,0,0.300,1,1,0,{right}\n4,1,0.300,1,1,1,{left}\n"
    found = join(film, read_prediction_table(write(tmp_path / "talk.csv", text)))
    assert found.row[3:5].tolist() == [1, 0]  # its numbers of faces are its own


def test_a_challenges_file_names_frames_from_1_and_is_what_is_written(film, tmp_path):
    text = "image_location,valence,arousal\ntalk/00001.jpg,0.5,0.1\ntalk/00003.jpg,-0.5,0.2\n"
    found = join(film, read_prediction_table(write(tmp_path / "va.txt", text)))
    assert found.row[:3].tolist() == [0, -1, 1]
    told = np.linspace(-1, 1, 14).reshape(7, 2).astype(np.float32)
    heads = (Head("valence_arousal", ("valence", "arousal")),)
    predictions = Predictions(heads, {"valence_arousal": told}, 7)
    faces = JudgedFaces("m", film, film.rows(None), film.labels(), predictions)
    assert write_submission(tmp_path / "abaw", faces) == {"VA": 5}  # five frames, a face each
    lines = (tmp_path / "abaw" / "VA" / "predictions.txt").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [f"talk/{n:05d}.jpg" for n in range(1, 6)]
    assert lines[4].endswith(f",{told[3, 0]:.6f},{told[3, 1]:.6f}")  # who is seen more often
    with pytest.raises(InputError, match="predicts nothing that a challenge asks for"):
        write_submission(tmp_path, JudgedFaces("m", film, film.rows(None), film.labels(), few(7)))


def few(n):
    return Predictions((Head("au", ("AU12",)),), {"au": np.zeros((n, 1), np.float32)}, n)


def test_faces_without_boxes_go_by_number_and_else_are_ambiguous(film, tmp_path):
    text = "video,frame,track,AU12_p\ntalk.mp4,3,1,0.2\ntalk.mp4,3,0,0.9\n"
    found = join(film, read_prediction_table(write(tmp_path / "a.csv", text)))
    assert found.row[3:5].tolist() == [1, 0]
    assert any("a column timestamp is safer" in line for line in found.notes)
    text = "video,frame,AU12_p\ntalk.mp4,3,0.2\ntalk.mp4,3,0.9\ntalk.mp4,0,0.5\n"
    found = join(film, read_prediction_table(write(tmp_path / "b.csv", text)))
    assert (found.used, found.ambiguous) == (1, 2)
    assert (found.row[3:5] == -1).all()


def test_what_the_store_has_not_is_counted_and_named(film, tmp_path):
    text = "input,timestamp,x0,y0,x1,y1,AU12_p\n"
    text += "/data/in/talk.mp4,0.1,12,12,48,48,0.7\n"  # the path is another machine's
    text += "talk.mp4,0.0,200,12,240,48,0.7\n"  # a face elsewhere in the frame
    text += "talk.mp4,7.5,12,12,48,48,0.7\nother.mp4,0.1,12,12,48,48,0.7\n"
    found = join(film, read_prediction_table(write(tmp_path / "t.csv", text)))
    assert found.account() == {
        "rows": 4, "used": 1, "no_face": 0, "unknown": 2, "unpaired": 1, "ambiguous": 0,
    }  # fmt: skip
    assert found.row[1] == 0
    assert found.examples == ["talk.mp4 at 7.5", "other.mp4 at 0.1"]
    text = "image,AU12_p\nx.png,0.5\n"
    with pytest.raises(InputError, match=r"fits no face of .*: x\.png; 1 rows: 1 of pictures"):
        join(film, read_prediction_table(write(tmp_path / "n.csv", text)))


def test_pyfeat_has_shares_in_bare_columns_and_both_cases_of_emotions(tmp_path):
    text = ",frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,AU01,AU12,Neutral,Happy,input\n"
    text += "0,0,1,2,10,20,0.5,0.75,0.2,0.6,a.jpg\n1,0,,,,,,,,,b.jpg\n"
    table = read_prediction_table(write(tmp_path / "v2.csv", text))
    assert table.box[0].tolist() == [1, 2, 11, 22]
    assert table.values["au"][0].tolist() == [0.5, 0.75]
    assert table.heads[-1].outputs == ("neutral", "happiness")
    assert table.values["expression"][0] == pytest.approx([0.25, 0.75])
    assert table.found.tolist() == [True, False]
    old = write(tmp_path / "v1.csv", "input,anger,happiness\na.jpg,0.9,0.1\n")
    assert read_prediction_table(old).heads[0].outputs == ("anger", "happiness")
    libreface = write(
        tmp_path / "lf.csv", "image,au_12_intensity,facial_expression\na.png,3.5,Happy\n"
    )
    table = read_prediction_table(libreface)
    assert [(h.name, h.outputs) for h in table.heads] == [
        ("au_intensity", ("AU12",)),
        ("expression", ("happiness",)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,AU12_p\na.png,x\n", "line 2: AU12_p is 'x', not a number"),
        ("image,AU12_p\na.png,0.5\nb.png,1.5\n", "line 3: AU12 is 1.5, not within 0 and 1"),
        ("image,valence,arousal\na.png,7,1\n", "divide a table on -10 to 10 by 10"),
        ("image,AU12_r\na.png,9\n", "AU12 is 9, not within 0 and 5"),
        ("image,speed\na.png,1\n", "holds no predictions"),
        ("image,expression\na.png,bored\n", "unknown expression 'bored'"),
        ("image,anger,happiness\na.png,-1,2\n", "not shares"),
        ("image,AU12,AU_12\na.png,0,1\n", "two columns name AU_12"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_prediction_table(write(tmp_path / "t.csv", text))


def guesses(store, path, noise, seed=0, skip=0):
    """Write a table of predictions for every image of a store: labels with noise."""
    source, labels = np.random.default_rng(seed), store.labels()
    names = labels.head("expression").outputs

    def noisy(value, low, high):
        shifted = np.nan_to_num(value) + noise * source.normal()
        return float(np.clip(shifted, low, high))

    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "AU12_p", "AU15_p", "valence", "arousal", *names])
        for row, name in enumerate(store.names("image")):
            if row < skip:
                continue
            units = [labels.column("au", unit)[row] for unit in ("AU12", "AU15")]
            both = [labels.column("valence_arousal", axis)[row] for axis in ("valence", "arousal")]
            cells = [noisy(unit * 0.6 + 0.2, 0, 1) for unit in units]
            cells += [noisy(value, -1, 1) for value in both]
            shares = labels["expression"][row] + noise * source.random(len(names))
            writer.writerow([name, *cells, *shares])
    return path


def test_a_table_is_scored_with_everything_that_may_be_asked(faces, tmp_path, cli):
    store = Store.open(faces)
    good = guesses(store, tmp_path / "good.csv", 0.2, skip=3)
    poor = guesses(store, tmp_path / "poor.csv", 0.9, seed=1)
    picture, page, folder = tmp_path / "r.png", tmp_path / "page.html", tmp_path / "abaw"
    done = cli(
        "evaluate", "--predictions", good, "--store", faces, "--part", "test", "--intervals",
        "--by", "person", "--thresholds", "val", "--post-process", "val", "--against", poor,
        "--calibration", picture, "--report", page, "--submission", folder, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["rows"] == {
        "rows": 117, "used": 117, "no_face": 0, "unknown": 0, "unpaired": 0, "ambiguous": 0,
    }  # fmt: skip
    assert (result["faces"], result["predicted"]) == (20, 20)
    assert "20 of the 20 faces of test have a prediction" in done.err
    details = result["details"]
    # Test people are two: intervals are of two people, and the table has a row for each.
    assert details["intervals"]["drawn"] == "people"
    assert details["intervals"]["number"] == 2
    interval = details["intervals"]["heads"]["valence_arousal"]["valence CCC"]
    ccc = result["scores"]["valence_arousal"]["outputs"]["valence"]["ccc"]
    assert interval["value"] == pytest.approx(ccc, abs=1e-6)
    assert interval["low"] <= ccc <= interval["high"]
    assert set(details["by"]["person"]) == {"corpus/person10", "corpus/person11"}
    assert details["by"]["person"]["corpus/person10"]["faces"] == 10
    assert set(details["thresholds"]["units"]) == {"AU12", "AU15"}
    change = details["against"]["heads"]["valence_arousal"]["valence CCC"]
    assert change["difference"] == pytest.approx(change["first"] - change["second"], abs=1e-6)
    assert change["first"] == pytest.approx(ccc, abs=1e-6)
    assert change["difference"] > 0
    assert (
        details["post_processing"]["heads"]["valence_arousal"]["valence"]["without"]["CCC"] == ccc
    )
    assert details["calibration"]["au"]["all"]["expected_error"] > 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = page.read_text("utf-8")
    assert "data:image/png" in text
    assert "20 of the 20 faces of test have a prediction" in text
    lines = (folder / "VA" / "predictions.txt").read_text().splitlines()
    assert lines[0] == "image_location,valence,arousal"
    assert len(lines) == 21
    assert lines[1].startswith("p10_00.png,")
    expr = (folder / "EXPR" / "predictions.txt").read_text().splitlines()
    assert expr[0] == "image_location,Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
    assert {line.split(",")[1] for line in expr[1:]} <= {"0", "4", "5"}
    shown = cli("evaluate", "--predictions", good, "--store", faces, "--part", "all")
    assert "AU12 F1" in shown.out
    assert "117 of the 120 faces of all have a prediction" in shown.err


def test_what_cannot_be_asked_of_a_table_is_said(faces, tmp_path, cli):
    good = guesses(Store.open(faces), tmp_path / "good.csv", 0.2)
    words = ("--predictions", good, "--store", faces)
    for options, message in (
        (("--thresholds", "test"), "choose on val, score on test"),
        (("--part", "nowhere"), "no face in part 'nowhere'"),
        (("--against", tmp_path / "no.csv"), "does not exist"),
        (("--by", "video"), "no video is named"),
        (("--sweep",), "--sweep is of a run's checkpoints"),
    ):
        found = cli("evaluate", *words, *options)
        assert (found.code, "Traceback" in found.err) == (2, False)
        assert message in found.err, options
    assert "give a run's folder" in cli("evaluate").err
    assert "needs --store" in cli("evaluate", "--predictions", good).err
    only_val = tmp_path / "val.csv"
    rows = [line for line in good.read_text().splitlines() if not line.startswith("corpus/p1")]
    only_val.write_text("\n".join(rows) + "\n")
    found = cli("evaluate", "--predictions", only_val, "--store", faces)
    assert "predicts none of the 20 faces of 'test'" in found.err


def test_a_class_that_the_table_lacks_is_said(faces, tmp_path, cli):
    store = Store.open(faces)
    names = store.names("image")
    lines = ["image,neutral,happiness", *(f"{name},0.5,0.5" for name in names)]
    path = write(tmp_path / "two.csv", "\n".join(lines) + "\n")
    found = cli("evaluate", "--predictions", path, "--store", faces)
    assert found.code == 0, found.err
    assert "no column for (sadness): left out" in found.err


def test_it_needs_no_torch(faces, tmp_path):
    path = guesses(Store.open(faces), tmp_path / "good.csv", 0.2)
    code = (
        "import sys, mien; "
        f"mien.evaluate_predictions({str(path)!r}, store={str(faces)!r}); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
