"""Files that other people's programs read, read as they read them."""

import csv
import re
import xml.etree.ElementTree as xml
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from made_tables import made

from mien.analysis.affect_table import AffectTable, write_table
from mien.analysis.formats import FORMATS, format_of
from mien.analysis.formats.openface import HEADER
from mien.errors import InputError

INTENSITIES = [
    f"AU{u:02d}_r" for u in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
]


def write(name: str, table: AffectTable, path):
    FORMATS[name].write(path, table)
    return path


def test_openface_has_its_names_in_its_order():
    assert len(HEADER) == 5 + 8 + 5 * 56 + 6 + 5 * 68 + 6 + 34 + 17 + 18
    assert HEADER[:5] == ["frame", "face_id", "timestamp", "confidence", "success"]
    assert [n for n in HEADER if n.endswith("_r")] == INTENSITIES
    assert HEADER[-2:] == ["AU28_c", "AU45_c"]
    assert HEADER.index("gaze_angle_y") < HEADER.index("eye_lmk_x_0") < HEADER.index("pose_Tx")
    assert HEADER.index("Z_67") + 1 == HEADER.index("p_scale")


@pytest.mark.parametrize("form", ["openface", "openface-spaces"])
def test_openface_reads_as_scripts_read_it(form, tmp_path):
    """By pandas with stripped names, by lstripped names, by csv with the raw header, by numpy."""
    path = write(form, made(), tmp_path / "o.csv")
    table = pd.read_csv(path)
    table.columns = table.columns.str.strip()
    good = table[(table["success"] == 1) & (table["confidence"] >= 0.85)]
    assert len(good) == 249
    assert good["frame"].iloc[0] == 1
    assert list(table["frame"]) == list(range(1, 251))
    assert good[INTENSITIES].dtypes.map(lambda kind: kind.kind == "f").all()
    assert good["AU12_r"].max() == 4
    assert set(good["AU12_c"]) == {0, 1}
    assert good["AU01_r"].isna().all()
    assert np.diff(table["timestamp"]).mean() == pytest.approx(0.04)
    columns = {name.lstrip(): values for name, values in pd.read_csv(path).items()}
    assert columns["pose_Rx"].isna().all()
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    between = " " if form == "openface-spaces" else ""
    at = rows[0].index(f"{between}AU12_c")
    assert int(float(rows[100][at])) == 1
    regular = [n for n in rows[0] if re.match(r"^\s*AU\d+_r$", n)]
    assert len(regular) == 17
    loaded = np.genfromtxt(path, delimiter=",", names=True)
    assert np.nanmax(loaded["AU06_r"]) == 3
    assert pd.read_csv(path, skipinitialspace=True)["AU06_r"].max() == 3


class Fex(pd.DataFrame):
    """What py-feat's Fex asks of a table: lists of columns that are all there."""

    _metadata = ("au_columns", "emotion_columns", "facebox_columns", "landmark_columns")

    def part(self, name: str) -> pd.DataFrame:
        return self[getattr(self, name)]


def test_pyfeat_reads_as_fex_reads_it(tmp_path):
    path = write("pyfeat", made(people=2), tmp_path / "p.csv")
    table = Fex(pd.read_csv(path))
    table.au_columns = [name for name in table.columns if "AU" in name]
    table.emotion_columns = [
        "anger",
        "disgust",
        "fear",
        "happiness",
        "sadness",
        "surprise",
        "neutral",
    ]
    table.facebox_columns = [
        "FaceRectX",
        "FaceRectY",
        "FaceRectWidth",
        "FaceRectHeight",
        "FaceScore",
    ]
    table.landmark_columns = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
    assert len(table.au_columns) == 20
    assert table.part("au_columns")["AU12"].max() == 0.8
    assert table.part("facebox_columns").iloc[0].tolist() == [10, 20, 100, 120, 0.9]
    assert table.part("emotion_columns")["happiness"].max() == 0.8
    assert table.part("landmark_columns").isna().all().all()
    assert set(table["Identity"].dropna()) == {"Person_0", "Person_1"}
    assert table["frame"].iloc[0] == 0
    assert table[table["frame"] == 1]["FaceScore"].isna().all()
    assert table["valence"].max() == 0.6


def test_elan_has_tiers_whose_times_are_in_order(tmp_path):
    root = xml.parse(write("elan", made(), tmp_path / "a.eaf")).getroot()
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    tiers = {}
    for tier in root.iter("TIER"):
        assert tier.get("LINGUISTIC_TYPE_REF") == root.find("LINGUISTIC_TYPE").get(
            "LINGUISTIC_TYPE_ID"
        )
        tiers[tier.get("TIER_ID")] = [
            (slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")], a[0].text)
            for a in tier.iter("ALIGNABLE_ANNOTATION")
        ]
    assert tiers["AU12 lip corner puller"] == [(3000, 6000, "AU12 lip corner puller")]
    assert (3000, 6000, "happiness") in tiers["expression"]
    assert root.find("HEADER/MEDIA_DESCRIPTOR").get("MEDIA_URL").startswith("file:///")


def test_textgrid_fills_the_whole_time(tmp_path):
    text = write("textgrid", made(people=2), tmp_path / "a.TextGrid").read_text(encoding="utf-8")
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    tiers = re.split(r"    item \[\d+\]:\n", text)[1:]
    assert f"size = {len(tiers)}" in text
    assert 'name = "person 1: AU12 lip corner puller"' in text
    for tier in tiers:
        ends = [
            (float(a), float(b))
            for a, b in re.findall(r" {12}xmin = (\S+)\n {12}xmax = (\S+)", tier)
        ]
        assert int(re.search(r"intervals: size = (\d+)", tier)[1]) == len(ends)
        assert ends[0][0] == 0
        assert ends[-1][1] == 10
        assert all(before[1] == after[0] for before, after in pairwise(ends))


def test_subtitles_say_the_expression(tmp_path):
    text = write("webvtt", made(), tmp_path / "a.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n")
    assert "00:00:03.000 --> 00:00:06.000\nhappiness\n" in text
    bare = made(1).table.drop_columns(["expression", "neutral", "happiness", "sadness"])
    with pytest.raises(InputError, match="no expressions"):
        write("webvtt", AffectTable(bare), tmp_path / "b.vtt")


def test_a_folder_gets_a_file_per_input(tmp_path, cli):
    import pyarrow as pa

    both = pa.concat_tables([made(1).table, made(2, video="x/talk.mp4").table])
    write_table(tmp_path / "t.csv", AffectTable(both))
    (tmp_path / "out").mkdir()
    done = cli(
        "export", "table", tmp_path / "t.csv", "--out", tmp_path / "out", "--format", "openface"
    )
    assert done.code == 0, done.err
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["talk-2.csv", "talk-2.csv.json", "talk.csv", "talk.csv.json"]
    assert len(pd.read_csv(tmp_path / "out" / "talk-2.csv")) == 50


def test_the_suffix_says_the_format(tmp_path):
    for name, found in (("a.csv", "mien"), ("a.EAF", "elan"), ("a.TextGrid", "textgrid")):
        assert format_of(tmp_path / name) == found
    with pytest.raises(InputError, match="unknown format 'openfase': did you mean 'openface"):
        format_of(tmp_path / "a.csv", "openfase")
