import json

import numpy as np
import pytest
from PIL import Image

from conftest import read_labels, write_corpus, write_labels
from mien.corpora.folder import import_folder
from mien.corpora.imported import ImportOptions
from mien.corpora.label_table import read_label_table
from mien.errors import InputError
from mien.store import Store
from mien.store.files import log_file


def imported(corpus, store_folder, size=48, **options):
    store = Store.open_or_create(store_folder, size)
    return store, import_folder(corpus, store, ImportOptions(**options))


def test_every_row_arrives_with_its_labels(corpus, tmp_path):
    store, summary = imported(corpus, tmp_path / "s", labels="drawn")
    rows = read_labels(corpus)
    assert (summary.rows, summary.faces, len(store)) == (120, 120, 120)
    assert summary.heads["au"] == summary.heads["au_intensity"] == ("AU12", "AU15", "AU25")
    assert store.layers == ("corpus",)
    labels = store.labels()
    assert {head.name: head.outputs for head in labels.heads} == summary.heads
    assert labels.head("expression").outputs == ("neutral", "happiness", "sadness")
    for i in (0, 1, 57, 119):
        row = rows[i]
        assert labels.column("expression", row["expression"])[i] == 1
        assert labels["expression"][i].sum() == 1
        assert labels["au"][i, 0] == (float(row["AU12"]) >= 0.5)
        assert labels["au_intensity"][i, 0] == pytest.approx(5 * float(row["AU12"]), abs=1e-5)
        unit = labels["au"][i, 2]
        assert np.isnan(unit) if row["AU25"] == "" else unit == (float(row["AU25"]) >= 0.5)
        valence = labels.column("valence_arousal", "valence")[i]
        assert np.isnan(valence) if row["valence"] == "" else valence == np.float32(row["valence"])
    picture = np.asarray(Image.open(corpus / "images" / rows[57]["image"]).convert("RGB"))
    assert (store.pixels().gather(np.array([57]))[0] == picture).all()
    assert store.names("subject")[57] == f"corpus/{rows[57]['subject']}"
    assert store.names("image")[57] == f"corpus/{rows[57]['image']}"
    assert [len(store.rows(part, "official")) for part in ("train", "val", "test")] == [80, 20, 20]
    log = json.loads(log_file(store.folder, "corpus").read_text())
    assert log["settings"]["labels"] == "drawn"
    assert log["summary"]["heads"]["au"] == ["AU12", "AU15", "AU25"]
    assert log["path"] == str(corpus / "labels.csv")


def test_importing_again_replaces(corpus, tmp_path):
    imported(corpus, tmp_path / "s")
    store, _ = imported(corpus, tmp_path / "s", au_threshold=0.2)
    assert len(store) == 120
    strict = imported(corpus, tmp_path / "t", au_threshold=0.9)[0].labels()["au"][:, 0]
    assert (store.labels()["au"][:, 0] == 1).sum() > (strict == 1).sum()
    with pytest.raises(InputError, match="au_threshold 7: give 0 to 5"):
        ImportOptions(au_threshold=7)


def test_the_same_csv_as_another_corpus_and_another_csv_of_the_name(corpus, tmp_path, cli):
    words = ("import", "folder", "--store", tmp_path / "s")
    assert cli(*words, corpus).code == 0
    assert cli(*words, corpus, "--corpus", "again").code == 0
    store = Store.open(tmp_path / "s")
    assert len(store) == 240
    assert store.layers == ("corpus", "again")
    assert len(set(store.names("subject"))) == 24
    other = write_corpus(tmp_path / "other" / "corpus", people=3, each=2)
    refused = cli(*words, other)
    assert refused.code == 2
    assert "its corpus 'corpus' is that of" in refused.err
    assert "--corpus NAME" in refused.err
    assert refused.err.count("\n") == 1
    assert cli(*words, other, "--corpus", "other").code == 0
    assert len(Store.open(tmp_path / "s").rows("val", "official")) == 42
    assert "give a name of letters" in cli(*words, other, "--corpus", "a/b").err


def test_a_csv_of_images_alone_is_enough(corpus, tmp_path):
    write_labels(corpus, [{"image": row["image"]} for row in read_labels(corpus)])
    store, _ = imported(corpus, tmp_path / "s")
    labels = store.labels()
    assert labels.heads == ()
    assert store.names("subject") == [None] * 120


@pytest.mark.parametrize(
    ("values", "intensity"),
    [(("0", "1", ""), [None] * 3), (("0", "0.5", "1"), [0, 2.5, 5]), (("0", "3", "5"), [0, 3, 5])],
)
def test_presence_shares_and_facs_intensities_are_told_apart(corpus, tmp_path, values, intensity):
    rows = [{"image": read_labels(corpus)[i]["image"], "AU1": v} for i, v in enumerate(values)]
    write_labels(corpus, rows)
    store, _ = imported(corpus, tmp_path / "s")
    labels = store.labels()
    assert labels["au"][:2, 0].tolist() == [0, 1]
    expected = [np.nan if level is None else level for level in intensity]
    np.testing.assert_array_equal(labels.column("au_intensity", "AU01"), expected)


def test_oblong_images_are_cut_to_their_middle(tmp_path):
    (tmp_path / "c" / "images").mkdir(parents=True)
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, 20:60] = 255
    Image.fromarray(picture).save(tmp_path / "c" / "images" / "a.png")
    write_labels(tmp_path / "c", [{"image": "a.png"}])
    store, _ = imported(tmp_path / "c", tmp_path / "s", 40)
    assert (store.pixels().gather(np.array([0])) == 255).all()


BAD = {
    "missing image": ("image", "none.png", "line 3: image 'none.png' does not exist"),
    "image elsewhere": (
        "image",
        "../../secret.png",
        "line 3: image '../../secret.png' lies outside",
    ),
    "empty image": ("image", "", "line 3: image is empty"),
    "valence": ("valence", "1.5", "line 3: valence is 1.5, outside -1 to 1"),
    "infinite": ("arousal", "inf", "line 3: arousal is inf, outside"),
    "no number": ("AU12", "strong", "line 3: AU12 is 'strong', not a number"),
    "negative unit": ("AU12", "-1", "line 3: AU12 is -1, outside 0 to 5"),
    "expression": ("expression", "hungry", "line 3: unknown expression 'hungry'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_cell_is_named_and_nothing_is_added(corpus, tmp_path, cli, case):
    column, value, words = BAD[case]
    rows = read_labels(corpus)
    rows[1][column] = value
    write_labels(corpus, rows)
    result = cli("import", "folder", corpus, "--store", tmp_path / "s")
    assert result.code == 2
    assert words in result.err
    assert str(corpus / "labels.csv") in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_classes_of_any_name_take_the_place_of_expressions(corpus, tmp_path, cli):
    names = ["zebra", "ant", "", "zebra"]
    images = [row["image"] for row in read_labels(corpus)[:4]]
    rows = [{"image": i, "class": name} for i, name in zip(images, names, strict=True)]
    write_labels(corpus, rows)
    assert cli("import", "folder", corpus, "--store", tmp_path / "s").code == 0
    labels = Store.open(tmp_path / "s").labels()
    assert labels.head("expression").outputs == ("ant", "zebra")
    assert labels["expression"].tolist()[:2] == [[0, 1], [1, 0]]
    assert np.isnan(labels["expression"][2]).all()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"class": "arousal"}, "line 2: class 'arousal' has the name of a column"),
        ({"class": "AU4"}, "line 2: class 'AU4' has the name of a column"),
        ({"class": "ant", "expression": "fear"}, "both expression and class"),
    ],
)
def test_a_bad_class_is_named(corpus, tmp_path, cli, cells, words):
    write_labels(corpus, [{"image": row["image"], **cells} for row in read_labels(corpus)])
    result = cli("import", "folder", corpus, "--store", tmp_path / "s")
    assert result.code == 2
    assert words in result.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("valance", "did you mean 'valence'"),
        ("AU99", "no such Action Unit"),
        ("mood", "known: image"),
    ],
)
def test_an_unknown_column_is_refused_unless_ignored(corpus, tmp_path, cli, name, words):
    write_labels(corpus, [{**row, name: "0"} for row in read_labels(corpus)])
    refused = cli("import", "folder", corpus, "--store", tmp_path / "s")
    assert refused.code == 2
    assert words in refused.err
    taken = cli("import", "folder", corpus, "--store", tmp_path / "s", "--ignore", name)
    assert taken.code == 0
    assert name in taken.err


def test_a_bad_import_leaves_an_existing_store_alone(corpus, tmp_path, cli):
    imported(corpus, tmp_path / "s")
    before = Store.open(tmp_path / "s").table()
    rows = read_labels(corpus)
    rows[0]["valence"] = "7"
    write_labels(corpus, rows)
    assert cli("import", "folder", corpus, "--store", tmp_path / "s").code == 2
    assert Store.open(tmp_path / "s").table().equals(before)


def test_a_broken_image_does_not_stop_the_rest(corpus, tmp_path, cli):
    name = read_labels(corpus)[4]["image"]
    (corpus / "images" / name).write_bytes(b"no image")
    result = cli("import", "folder", corpus, "--store", tmp_path / "s", "--json")
    assert result.code == 2
    assert name in result.err
    summary = json.loads(result.out)
    assert summary["faces"] == 119
    assert [key.endswith(name) for key in summary["failed"]] == [True]
    store = Store.open(tmp_path / "s")
    assert len(store) == 119
    assert f"corpus/{name}" not in store.names("image")


def test_missing_images_can_be_left_out(corpus, tmp_path):
    name = read_labels(corpus)[4]["image"]
    (corpus / "images" / name).unlink()
    store, summary = imported(corpus, tmp_path / "s", skip_missing=True)
    assert summary.missing == [name]
    assert len(store) == 119


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("image\n", "no rows"),
        ("image,AU1\na.png\n", "line 2: 1 cells where 2 belong"),
        ("picture\na.png\n", "unknown column 'picture'"),
        ("subject\nx\n", "no column 'image'"),
        ("image,image\na,b\n", "same name"),
        ("image,AU1,AU01\na,0,0\n", "two columns name AU1"),
    ],
)
def test_a_malformed_csv_is_refused(tmp_path, text, words):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_label_table(tmp_path / "labels.csv", ImportOptions())


def test_the_csv_is_found_or_asked_for(tmp_path):
    with pytest.raises(InputError, match="neither a folder nor"):
        imported(tmp_path / "none", tmp_path / "s")
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match="holds 0 CSV files"):
        imported(tmp_path / "c", tmp_path / "s")


def test_a_split_that_shares_people_is_warned_of_at_import(tmp_path, cli):
    corpus = write_corpus(tmp_path / "c", people=4, each=4)
    rows = read_labels(corpus)
    rows[0]["split"] = "test"
    write_labels(corpus, rows)
    result = cli("import", "folder", corpus, "--store", tmp_path / "s")
    assert result.code == 0
    assert "not subject-independent" in result.err
    assert "person c/person00" in result.err
    check = cli("split", tmp_path / "s", "--check")
    assert check.code == 2
    assert "person c/person00 (test, train)" in check.err
