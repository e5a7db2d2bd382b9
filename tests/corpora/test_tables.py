"""Tables as other programs write them: read in the one way there is and said, or refused."""

import csv
import io
import json
import re
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mien.corpora.given_split import read_given_split
from mien.corpora.imported import ImportOptions
from mien.corpora.label_table import LabelTable, read_label_table
from mien.corpora.table_file import likely_doubles, number
from mien.errors import InputError
from mien.store import Store


def labels(folder: Path, content: str | bytes, **options) -> LabelTable:
    data = content.encode() if isinstance(content, str) else content
    (folder / "labels.csv").write_bytes(data)
    return read_label_table(folder / "labels.csv", ImportOptions(**options))


def said(table: LabelTable, words: str) -> bool:
    return any(words in note for note in table.notes)


def store_columns(table: LabelTable) -> dict[str, list[float]]:
    """Return what goes into the store, with None for NaN."""
    return {
        name: [None if np.isnan(v) else round(float(v), 5) for v in values]
        for name, values in table.numeric_columns()
    }


PLAIN = "image,subject,expression,valence\na.png,p1,happy,0.5\nb.png,p2,,\n"

SHAPES = {
    "plain": (PLAIN, ""),
    "semicolons, decimal commas": (
        PLAIN.replace(",", ";").replace("0.5", "0,5"),
        "decimal commas: 0,5 is read as 0.5",
    ),
    "tabs": (PLAIN.replace(",", "\t"), "parted by tabs"),
    "sep line": ("sep=;\r\n" + PLAIN.replace(",", ";"), "parted by semicolons"),
    "utf-8 with a mark": (PLAIN.encode("utf-8-sig"), ""),
    "utf-16": (PLAIN.encode("utf-16"), "read as UTF-16"),
    "utf-16-le, no mark": (PLAIN.encode("utf-16-le"), "read as UTF-16"),
    "utf-16-be, no mark": (PLAIN.encode("utf-16-be"), "read as UTF-16"),
    "windows lines": (PLAIN.replace("\n", "\r\n"), ""),
    "old mac lines": (PLAIN.replace("\n", "\r"), ""),
    "trailing commas": (PLAIN.replace("\n", ",,\n"), "at the ends of the lines"),
    "trailing commas in rows": (
        PLAIN.replace("\n", ",\n").replace("valence,", "valence"),
        "at the ends of the lines",
    ),
    "empty rows below": (PLAIN + ",,,\n\n", ""),
    "spaces": (PLAIN.replace(",", ", "), ""),
    "spaces before quotes": (PLAIN.replace("p1", ' "p1"'), ""),
    "an unnamed empty column": (
        PLAIN.replace("image,", "image,,").replace("png,", "png,,"),
        "column 2 is left out: empty",
    ),
    "an index": (
        "".join(f"{i}{x}" for i, x in zip(("", ",0", ",1"), PLAIN.splitlines(True), strict=True))
        .replace("image", ",image")
        .replace(",0a.png", "0,a.png")
        .replace(",1b.png", "1,b.png"),
        "column 1 is left out: an index",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_one_table_in_many_shapes(tmp_path, shape):
    content, words = SHAPES[shape]
    table = labels(tmp_path, content)
    assert table.image == ["a.png", "b.png"]
    assert table.names == {"subject": ["p1", "p2"], "expression": ["happiness", None]}
    assert store_columns(table) == {"valence": [0.5, None]}
    assert said(table, words) if words else table.notes == []


def test_windows_1252_is_read_and_shown(tmp_path):
    table = labels(tmp_path, "image,subject\na.png,José\nb.png,O’Søren\n".encode("cp1252"))
    assert table.names["subject"] == ["José", "O’Søren"]
    assert said(table, "read as Windows-1252: check that 'José'")


@pytest.mark.parametrize(
    "data",
    [
        "Иван".encode("cp1251"),
        "张伟".encode("gbk"),
        "Łukasz".encode("cp1250"),
        "é".encode() + b"\xff",
    ],
)
def test_other_encodings_are_not_guessed(tmp_path, data):
    with pytest.raises(InputError, match="line 2: is not UTF-8, nor clearly Windows-1252"):
        labels(tmp_path, b"image,subject\na.png," + data + b"\n")


REFUSED = {
    "a decimal comma between commas": (
        "image,valence\na.png,0,5\n",
        "line 2: 3 cells where 2 belong; cells that hold a comma",
    ),
    "too few": ("image,valence\n\na.png\n", "line 3: 1 cells where 2 belong"),
    "values without a name": (",subject\na.png,p\n", r"column 1 holds values \('a.png'\)"),
    "values at the end": ("image,\na.png,1\n", "line 2: 2 cells where 1 belong"),
    "one name twice": ("image,subject,subject\na,b,c\n", "the same name, 'subject'"),
    "one unit twice": ("image,AU1,AU01\na,0,0\n", "two columns name AU1"),
    "an open quote": ('image,subject\na.png,"p\nb.png,q\n', "line 2: .*double quote left open"),
    "two delimiters": ("picture;a,b\n1;2,3\n", "line 1: cannot tell by what"),
    "a bar": ("sep=|\nimage|subject\na|b\n", "not by '|'"),
    "a workbook": (b"PK\x03\x04" + bytes(50), "is an Excel workbook"),
    "zeros": (b"image,subject\na.png,p\0\n", "line 2: subject holds a NUL byte"),
    "no header": ("a.png,p\nb.png,q\n", "the first line holds the columns' names"),
    "a column of another name": ("input,AU1\na.png,1\n", "is it 'input'"),
    "half UTF-16": (PLAIN.encode("utf-16")[:-1], "begins as UTF-16 and is not"),
    "integer expressions": (
        "image,expression\na.png,3\n",
        "line 2: expression is '3'; .* write the names .* 'class'",
    ),
    "float expressions": ("image,expression\na.png,3.0\n", "line 2: expression is '3.0'"),
    "digits of grouping": ("image,valence\na.png,1_0\n", "is '1_0', not a number"),
    "a large number": ("image,valence\na.png,1e300\n", "is 1e300, outside"),
    "a missing split": ("image,split\na.png,NA\n", "line 2: unknown split 'NA'"),
    "a long unit": (f"image,AU{'1' * 5000}\na.png,1\n", "no such Action Unit"),
    "half presence": ("image,AU01_c\na.png,1\nb.png,0.5\n", "line 3: AU01 is 0.5, not 0 or 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_one_reading_is_one_line(tmp_path, case):
    content, words = REFUSED[case]
    with pytest.raises(InputError) as caught:
        labels(tmp_path, content)
    text = str(caught.value)
    assert text.startswith(str(tmp_path / "labels.csv"))
    assert "\n" not in text
    assert re.search(words.replace("'|'", r"'\|'"), text)


def test_lines_are_those_of_the_file(tmp_path):
    text = 'sep=;\n\nimage;subject\n"a\nb.png";p\n\nc.png;q\n'
    assert labels(tmp_path, text).line == [4, 7]


OPEN_FACE = (
    "image,frame, face_id, timestamp, confidence, success, gaze_0_x, pose_Tx, x_0, Y_67, p_rx,"
    " AU01_r, AU12_r, AU01_c, AU12_c, AU28_c\n"
    "a.png,1, 0, 0.0, 0.98, 1, 0.1, 3.2, 100.1, 4, 0.2, 0.32, 2.50, 1, 0, 1\n"
    "b.png,2, 0, 0.1, 0.02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0\n"
)


def test_open_face_presence_and_intensity_stand_side_by_side(tmp_path):
    table = labels(tmp_path, OPEN_FACE)
    assert sorted(table.au) == [1, 12, 28]
    assert store_columns(table) == {
        "AU01": [1, None],
        "AU01_r": [0.32, None],
        "AU12": [0, None],
        "AU12_r": [2.5, None],
        "AU28": [1, None],
    }
    assert table.au_full_scale == 5
    assert {"frame", "face_id", "confidence", "success", "gaze_0_x", "Y_67"} <= set(table.ignored)
    assert said(table, "1 rows have success 0")
    assert said(table, "intensities of 0 to 5, as columns AU.._r are")
    kept = labels(tmp_path, OPEN_FACE, ignore=("success",))
    assert store_columns(kept)["AU12_r"] == [2.5, 0]


def test_low_open_face_intensities_stay_low(tmp_path):
    table = labels(tmp_path, "image,AU12_r\na.png,0.9\nb.png,0.1\n")
    assert store_columns(table) == {"AU12": [1, 0], "AU12_r": [0.9, 0.1]}


def test_units_without_a_suffix_share_one_scale(tmp_path):
    table = labels(tmp_path, "image,AU1,AU12,AU28\na.png,3,1,0\nb.png,0,0,1\n")
    intensities = {k: v for k, v in store_columns(table).items() if k.endswith("_r")}
    assert intensities == {"AU01_r": [3, 0], "AU12_r": [1, 0], "AU28_r": [0, 1]}


def test_the_columns_of_a_store_come_back(tmp_path):
    table = labels(tmp_path, "image,AU12,AU12_r,AU28\na.png,1,0.2,0\nb.png,0,3,\n")
    assert store_columns(table) == {"AU12": [1, 0], "AU12_r": [0.2, 3], "AU28": [0, None]}
    with pytest.raises(InputError, match="two columns name AU12; --ignore one"):
        labels(tmp_path, "image,AU12,AU12_r\na.png,0.7,3\n")


def test_py_feat_scores_of_expressions_are_not_kept(tmp_path):
    table = labels(
        tmp_path,
        "image,FaceRectX,Pitch,AU01,AU12,anger,happiness,neutral,Identity\n"
        "a.png,3,1.5,0.2,0.8,0.1,0.8,0.1,Person_0\n",
    )
    assert store_columns(table) == {"AU01": [0], "AU01_r": [1], "AU12": [1], "AU12_r": [4]}
    assert table.names == {}
    assert said(table, "columns anger, happiness, neutral: scores of expressions are no labels")
    assert {"FaceRectX", "Pitch", "anger", "Identity"} <= set(table.ignored)


@pytest.mark.parametrize(
    ("cells", "scale", "full", "words"),
    [
        ("0 1", None, None, "only 0 and 1, taken for presence; --au-scale facs"),
        ("0.9 0.1", None, 1, "taken for shares of full intensity (0.9 is 4.5 of 5); --au-scale"),
        ("0.9 3.2", None, 5, "up to 3.2, taken for FACS intensities"),
        ("0.9 0.1", "facs", 5, "scale facs, as told"),
        ("0 1", "facs", 5, "scale facs, as told"),
        ("0 1", "share", 1, "scale share, as told"),
        ("0 1", "presence", None, "scale presence, as told"),
    ],
)
def test_the_scale_of_units_is_said_and_can_be_told(tmp_path, cells, scale, full, words):
    first, second = cells.split()
    table = labels(tmp_path, f"image,AU12\na.png,{first}\nb.png,{second}\n", au_scale=scale)
    assert table.au_full_scale == full
    assert said(table, words)


@pytest.mark.parametrize(("scale", "words"), [("presence", "not 0 or 1"), ("share", "not 0 to 1")])
def test_units_beyond_the_scale_that_was_told_are_refused(tmp_path, scale, words):
    with pytest.raises(InputError, match=f"line 3: AU12 is 3.5, {words}"):
        labels(tmp_path, "image,AU12\na.png,1\nb.png,3.5\n", au_scale=scale)


def test_the_command_takes_the_scale_and_says_what_it_read(corpus, tmp_path, cli):
    given = ("--au-scale", "facs", "--json")
    result = cli("import", "folder", corpus, "--store", tmp_path / "s", *given)
    assert result.code == 0
    assert json.loads(result.out)["notes"] == ["Action Units: scale facs, as told"]
    assert "mien: Action Units: scale facs, as told\n" in result.err
    highest = np.nanmax(Store.open(tmp_path / "s").labels()["au_intensity"])
    assert highest <= 1


def test_two_corpora_of_a_store_on_two_scales_are_pointed_out(tmp_path, cli):
    for name, highest in (("one", 0.6), ("two", 3.2), ("three", 0.5)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (16, 16)).save(tmp_path / name / "a.png")
        Image.new("RGB", (16, 16)).save(tmp_path / name / "b.png")
        rows = f"image,AU12\na.png,0.3\nb.png,{highest}\n"
        (tmp_path / name / "labels.csv").write_text(rows)

    def told(name, *more):
        done = cli("import", "folder", tmp_path / name, "--store", tmp_path / "s", *more)
        assert done.code == 0, done.err
        return [line for line in done.err.splitlines() if "warning" in line]

    assert told("one") == []
    (line,) = told("two")
    assert "Action Units of one in this store were taken on another scale" in line
    assert told("one", "--au-scale", "facs") == told("two") == []
    (line,) = told("three")
    assert "Action Units of one, two in this store" in line


def test_words_for_missing_are_names_of_people(tmp_path):
    words = ["NA", "none", "Null", "NAN", "N/A"]
    text = "image,subject,video,valence\n"
    text += "".join(f"{i}.png,{word},{word},{word}\n" for i, word in enumerate(words))
    table = labels(tmp_path, text + "z.png,,,0\n")
    assert table.names["subject"] == table.names["video"] == [*words, None]
    assert store_columns(table)["valence"] == [None] * 5 + [0]
    assert said(table, "warning: subject 'N/A', 'NA', 'NAN', 'Null', 'none': taken as a name")


def test_likely_doubles_are_kept_apart_and_pointed_out(tmp_path):
    names = ["1", "001", "1.0", "10", "p2", "p02", "q"]
    text = "image,subject\n" + "".join(f"{i}.png,{name}\n" for i, name in enumerate(names))
    table = labels(tmp_path, text)
    assert table.names["subject"] == names
    assert said(table, "'001', '1', '1.0'; 'p02', 'p2': kept apart")
    assert likely_doubles({"0", "00", "10", "100", "1.5", "1.05"}) == [["0", "00"]]


def test_rows_that_repeat_are_dropped_and_said(tmp_path):
    table = labels(tmp_path, "image,valence,frame\na.png,0.5,1\n./a.png,0.5,2\nb.png,1,3\n")
    assert table.image == ["a.png", "b.png"]
    assert table.line == [2, 4]
    assert store_columns(table) == {"valence": [0.5, 1]}
    assert said(table, "1 rows repeat an earlier one")


def test_rows_that_contradict_are_refused_with_both_lines(tmp_path):
    words = "line 4: image 'a.png' has valence '-1', and '0.5' in line 2"
    with pytest.raises(InputError, match=words):
        labels(tmp_path, "image,valence\na.png,0.5\nb.png,1\na.png,-1\n")


@pytest.mark.parametrize(("written", "stored"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC")])
def test_images_are_found_in_either_normal_form(tmp_path, written, stored):
    (tmp_path / "images").mkdir()
    file = unicodedata.normalize(stored, "Zoë.png")
    (tmp_path / "images" / file).touch()
    table = labels(tmp_path, "image\n" + unicodedata.normalize(written, "Zoë.png") + "\n")
    assert (tmp_path / "images" / table.image[0]).is_file()


def test_absolute_paths_inside_the_folder_are_relative(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    inside = [tmp_path / "images" / "a.png", tmp_path / "link" / "images" / "b.png"]
    outside = ["/elsewhere/c.png", f"{tmp_path}/../d.png"]
    table = labels(tmp_path, "image\n" + "".join(f"{name}\n" for name in (*inside, *outside)))
    assert table.image == ["images/a.png", "link/images/b.png", *outside]
    assert said(table, "2 absolute paths")


def test_backslashes_are_slashes_where_such_a_file_is(tmp_path):
    (tmp_path / "images" / "p1").mkdir(parents=True)
    (tmp_path / "images" / "p1" / "a.png").touch()
    table = labels(tmp_path, "image\nimages\\p1\\a.png\np1\\none.png\n")
    assert table.image == ["images/p1/a.png", "p1\\none.png"]


def test_a_given_split_may_come_in_any_shape(tmp_path):
    (tmp_path / "s.csv").write_bytes("subject;split;\nJosé;Train;\n7;dev;\n".encode("utf-16"))
    assert read_given_split(tmp_path / "s.csv", ["7", "José", None, "x"], [None] * 4) == [
        "val",
        "train",
        None,
        None,
    ]
    with pytest.raises(InputError, match="line 3: the store knows no subject '7'; it knows '007'"):
        read_given_split(tmp_path / "s.csv", ["007", "José"], [None] * 2)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[("0,5", 0.5), ("-.5", -0.5), ("1e-3", 1e-3), ("5.", 5), ("1.2.3", None)],
        *[("1,2.3", None), ("\u0661", None), ("0x1", None), ("", None), (".", None), (" 1", None)],
    ],
)
def test_numbers(cell, value):
    assert number(cell) == value


PIECES = [b"image", b"AU12_c", b"subject", b"split", b"success", b"valence", b"1", b"0,5", b"NA"]
PIECES += [b",", b",", b";", b"\t", b"\n", b"\n", b"\r", b'"', b"\0", b"\xe9", b"\xff\xfe", b" "]
PIECES += [b"/", b"..", b"\\", "\u00e9".encode(), b"sep=;\n", b"PK\x03\x04", b"1e999", b"9" * 400]


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
    | st.lists(st.sampled_from(PIECES), max_size=20).map(b"image,AU12,expression\na,".join)
    | st.lists(st.sampled_from(PIECES), max_size=20).map(
        lambda parts: b"image,valence,subject\na.png,0.5,x\n" + b"".join(parts)
    )
)
@settings(max_examples=400, deadline=None)
def test_no_bytes_raise_anything_but_an_input_error(data):
    with tempfile.TemporaryDirectory() as folder:
        try:
            table = labels(Path(folder), data)
        except InputError as error:
            assert str(error).startswith(folder)  # noqa: PT017
        else:
            assert len(table.image) == len(table.line) > 0


def text_of(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=8).map(str.strip).filter(bool)


ASCII = "abcXYZ019 _-.,;\t\n\"'|="
WORLD = ASCII + "éüßñŁИ张\u0301’"
WESTERN = st.lists(st.sampled_from(["é", "ü", "ß", "’", "a", "Z", ",", ";", "7"]), min_size=1).map(
    lambda parts: "x".join(parts)
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, str, float | None]]]:
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    delimiter = draw(st.sampled_from(",;\t"))
    mark = draw(st.sampled_from(".,"))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    name = WESTERN if encoding == "cp1252" else text_of(WORLD)
    value = st.none() | st.integers(-100, 100).map(lambda n: n / 100)
    rows = draw(st.lists(st.tuples(text_of("abc019_-"), name, value), min_size=1, max_size=6))
    rows = list({row[0]: row for row in rows}.values())
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
    writer.writerow(["image", "subject", "valence"])
    for image, subject, valence in rows:
        writer.writerow(
            [image, subject, "" if valence is None else f"{valence}".replace(".", mark)]
        )
    return file.getvalue().encode(encoding), rows


@given(tables())
@settings(max_examples=300, deadline=None)
def test_what_was_written_is_read(table):
    data, rows = table
    with tempfile.TemporaryDirectory() as folder:
        read = labels(Path(folder), data)
    assert read.image == [image for image, _, _ in rows]
    assert read.names["subject"] == [subject for _, subject, _ in rows]
    assert store_columns(read)["valence"] == [value for _, _, value in rows]
