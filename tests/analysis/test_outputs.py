"""What becomes of a table: smoothed, read by rule, summed up; confidence only where calibrated."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
from made_tables import made

import mien
from mien.analysis.affect_table import AffectTable, read_table, write_table
from mien.analysis.baseline import take_off_neutral
from mien.analysis.confidence import add_confidence
from mien.analysis.rules import read_by_rule
from mien.analysis.smoothing import smooth, smoothed
from mien.analysis.status import off_middle, statuses
from mien.analysis.summary import summarise
from mien.errors import InputError
from mien.faces.detection import Detections
from mien.recognition.provenance import Calibration, Provenance, read_provenance


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_comes_back_as_it_was_written(suffix, tmp_path):
    table = made(2)
    write_table(tmp_path / f"a{suffix}", table)
    found = read_table(tmp_path / f"a{suffix}")
    assert found.table.column_names == table.table.column_names
    for name in ("frame", "timestamp", "valence", "AU12_r", "face_id"):
        assert np.allclose(found.floats(name), table.floats(name), atol=1e-4, equal_nan=True), name
    assert found.table["expression"].to_pylist() == table.table["expression"].to_pylist()
    assert found.readable.sum() == 49


def test_a_steady_rise_stays_and_nothing_lags_on_uneven_times():
    source = np.random.default_rng(0)
    times = np.cumsum(source.uniform(0.005, 0.08, 400))
    line = 0.3 * times - 1
    assert np.allclose(smoothed(times, line[:, None], 0.4)[:, 0], line, atol=1e-9)
    step = (times > times[200]).astype(float)
    after = smoothed(times, step[:, None], 0.4)[:, 0]
    crossed = np.interp(0.5, after[150:250], times[150:250])
    assert crossed == pytest.approx((times[200] + times[201]) / 2, abs=0.03)
    noisy = source.normal(size=400)
    assert smoothed(times, noisy[:, None], 0.4).std() < 0.5


def test_gaps_stay_gaps_and_do_not_mix():
    times = np.append(np.arange(50) / 25, 10 + np.arange(50) / 25)
    values = np.append(np.zeros(50), np.ones(50))
    values[20] = np.nan
    found = smoothed(times, values[:, None], 5.0)[:, 0]
    assert np.isnan(found[20])
    assert np.isnan(found).sum() == 1
    assert found[49] == pytest.approx(0)
    assert found[50] == pytest.approx(1)


def test_smoothing_tells_presence_and_expression_anew():
    table = smooth(made(), 0.5)
    shown = np.array(table.table["AU12_c"].to_pylist()[2:])
    assert (shown == (table.floats("AU12_p")[2:] >= 0.5)).all()
    assert 0 < table.floats("AU12_p")[76] < 0.8
    shares = table.stacked(("neutral", "happiness", "sadness"))
    assert np.allclose(shares[2:].sum(1), 1)
    assert table.table["expression"][100].as_py() == "happiness"
    assert table.table["status"][1].as_py() == "no face"
    assert table.table["AU12_c"][1].as_py() is None


def test_each_persons_neutral_face_is_taken_off_and_no_more_than_a_trace():
    table, done = take_off_neutral(made())
    assert [(entry.face_id, entry.frames) for entry in done] == [(0, 49)]
    assert table.floats("AU12_r")[0] == pytest.approx(0)
    assert table.floats("AU12_r")[100] == pytest.approx(4.0 - 0.8)
    assert table.floats("AU06_r")[100] == pytest.approx(3.0 - 0.4)
    assert table.floats("valence")[100] == pytest.approx(0.5)
    assert table.floats("AU06_p")[100] == pytest.approx(0.9)  # its neutral face says 0.1 already
    assert table.floats("AU12_p")[100] < 0.8
    few, done = take_off_neutral(made(0.3))
    assert done[0].frames == 0
    assert few.floats("AU12_r")[0] == pytest.approx(0.8)


def test_emotions_are_read_by_rule_beside_the_learnt():
    table = read_by_rule(made())
    said = table.table["rule_expression"].to_pylist()
    assert said[100] == "happiness"
    assert said[0] == "none"
    assert said[1] is None
    assert table.floats("rule_happiness")[100] == 1
    assert np.isnan(table.floats("rule_sadness")).all()  # no AU1, AU4, AU14 here
    assert table.columns.classes == ("neutral", "happiness", "sadness")


def test_a_summary_weighs_by_time():
    (row,) = summarise(made())
    assert row["frames"] == 249
    assert row["input_frames"] == 250
    assert row["AU12_share"] == pytest.approx(75 / 249, abs=1e-6)
    assert row["AU12_per_minute"] == pytest.approx(60 / (249 / 25), rel=1e-6)
    assert row["dominant"] == "neutral"
    assert row["happiness_share"] == pytest.approx(75 / 249, abs=1e-6)
    assert row["valence_mean"] == pytest.approx((75 * 0.6 + 174 * 0.1) / 249, abs=1e-6)
    nobody = AffectTable(made().table.slice(1, 1))
    assert summarise(nobody)[0]["face_id"] is None


def test_faces_that_cannot_be_read_enter_no_summary():
    table = made()
    status = [
        "turned away" if i >= 75 else s for i, s in enumerate(table.table["status"].to_pylist())
    ]
    (row,) = summarise(table.with_columns({"status": status}))
    assert row["read"] == pytest.approx(74 / 249)
    assert row["AU12_share"] == 0


def test_what_stands_against_a_face_is_told_apart():
    ahead = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
    turned = ahead + np.array([[0, 0], [0, 0], [25, 0], [0, 0], [0, 0]], np.float32)
    boxes = np.array([[0, 0, 100, 100], [0, 0, 100, 100], [0, 0, 20, 22]], np.float32)
    found = Detections(boxes, np.ones(3, np.float32), np.stack([ahead, turned, ahead]))
    assert statuses(found) == ["face", "turned away", "too small"]
    assert off_middle(found.landmarks).round(2).tolist() == [0, 1.25, 0]
    assert statuses(Detections(boxes[:1], np.ones(1, np.float32))) == ["face"]


def test_confidence_is_given_for_what_was_calibrated_and_for_nothing_else():
    counted = Calibration("votes", "most say so", (0.2, 0.9), (0.1, 0.8))
    table = add_confidence(made(), Provenance({}, {"expression": counted}))
    new = [n for n in table.table.column_names if n.endswith("_confidence")]
    assert new == ["expression_confidence"]
    assert table.floats("expression_confidence")[0] == pytest.approx(0.7, abs=1e-6)
    assert np.isnan(table.floats("expression_confidence")[1])
    assert add_confidence(made(), Provenance()).table.column_names == made().table.column_names
    with pytest.raises(InputError, match="rising"):
        Calibration("votes", "", (0.9, 0.2), (0.1, 0.8))


def test_what_taught_a_model_is_read_strictly(tmp_path):
    from mien.labels.heads import Head

    heads = (Head("au", ("AU01", "AU09")), Head("valence_arousal", ("valence", "arousal")))
    assert read_provenance(tmp_path, heads).source("au", "AU01") == "unvalidated"
    file = tmp_path / "labels.toml"
    file.write_text(
        '[labels]\nexpression_votes = "votes"\n[labels.au]\ndefault = "silver"\nAU09 = "actors"\n'
    )
    found = read_provenance(tmp_path, heads)
    assert [found.source("au", u) for u in ("AU01", "AU09")] == ["silver", "actors"]
    assert found.source("valence_arousal", "valence") == "unvalidated"
    assert Provenance.from_dict(found.to_dict()) == found
    for text, words in (
        ('[labels]\nau = "gold"', "'gold' is no source"),
        ('[labels.au]\nAU02 = "silver"', "labels.au.AU02: the network has no such output"),
        ('[labels]\nhead = "silver"', "there is no such head"),
        ("labels = ", "labels.toml"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=words):
            read_provenance(tmp_path, heads)
    file.unlink()
    (tmp_path / "calibration.json").write_text('{"expression": {"on": "x"}}')
    with pytest.raises(InputError, match=r"calibration\.json"):
        read_provenance(tmp_path, heads)


def test_a_table_is_converted_with_a_json_beside(tmp_path, cli):
    write_table(tmp_path / "t.csv", made())
    done = cli(
        *("export", "table", tmp_path / "t.csv", "--out", tmp_path / "s.parquet", "--smooth"),
        *("--rules", "--summary", tmp_path / "sum.json"),
    )
    assert done.code == 0, done.err
    said = json.loads((tmp_path / "s.parquet.json").read_text())
    assert said["output"]["smooth"] == 0.3
    assert said["mien"] == mien.__version__
    assert set(said["rules"]["unread"]) == {"sadness", "surprise", "fear", "anger", "disgust"}
    assert json.loads((tmp_path / "sum.json").read_text())["people"][0]["dominant"] == "neutral"
    assert read_table(tmp_path / "s.parquet").table.num_rows == 250


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["t.csv", "--out", "t.csv"], "is an input"),
        (["t.csv", "--out", "a.csv", "--summary", "a.csv"], "is asked for twice"),
        (["t.csv", "--out", "a.csv", "--summary", "t.csv"], "is an input"),
        (["t.csv", "--out", "a.csv", "--summary", "a.csv.json"], "is asked for twice"),
        (["talk.csv", "--out", ".", "--format", "openface"], "talk.csv: is an input"),
        (["t.csv", "--out", "none", "--format", "openface"], "or be a folder that is there"),
        (["t.csv", "--out", "t.pdf"], "should end in"),
        (["t.csv", "--out", "no/t.vtt"], "does not exist"),
        (["t.csv", "--out", "a.csv", "--format", "elan"], "should end in .eaf"),
        (["t.csv", "--out", "a.vtt", "--smooth", "0"], "at least 0.01"),
        (["no.csv", "--out", "a.vtt"], "no.csv: does not exist"),
        (["odd.csv", "--out", "a.vtt"], "is not a table of `mien analyze`"),
        (["t.csv", "--out", "a.vtt", "--summary", "a.txt"], "should end in .csv or .json"),
        (["two.csv", "--out", "a.vtt"], "holds one input, and there are 2"),
    ],
)
def test_what_cannot_be_converted_is_one_line(arguments, words, tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "talk.csv"):
        write_table(tmp_path / name, made(1))
    two = pa.concat_tables([made(1).table, made(1, video="b.mp4").table])
    write_table(tmp_path / "two.csv", AffectTable(two))
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    done = cli("export", "table", *arguments)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_analysis_writes_what_was_asked_for(clip, tmp_path, cli):
    out = tmp_path / "o.eaf"
    done = cli("analyze", clip, "--model", "joint-32-actors", "--fps", 5, "--out", out, "--smooth",
               "--summary", tmp_path / "s.csv")  # fmt: skip
    assert done.code == 0, done.err
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["o.eaf", "o.eaf.json", "s.csv"]  # the raw table went
    said = json.loads((tmp_path / "o.eaf.json").read_text())
    assert len(said["model"]["sha256"]) == 64
    assert said["model"]["labels"]["labels"]["au"]["AU12"] == "actors"
    assert said["analysis"]["fps"] == 5
    assert said["inputs"][0]["frames"] == 20
    with (tmp_path / "s.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["frames"] == "20"
    refused = cli("analyze", clip, "--model", "joint-32-actors", "--out", out, "--confidence")
    assert refused.code == 2
    assert "calibrated on nothing" in refused.err


def test_in_memory_alone(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = mien.analyze(clip, model="joint-32-actors", fps=2, smooth=0.5)
    assert done.path is None
    assert done.table.num_rows == done.to_pandas().shape[0] == 8
    assert list(tmp_path.iterdir()) == []
