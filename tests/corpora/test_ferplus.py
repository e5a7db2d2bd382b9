"""FER+: votes, parts, doubles, and what a table may do wrong."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.corpora.ferplus import EXPRESSIONS, import_ferplus
from mien.corpora.imported import ImportOptions
from mien.errors import InputError
from mien.store import Store

HEADER = ["Usage", "Image name", *EXPRESSIONS, "unknown", "NF"]
FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}


def corpus(folder: Path, rows: list[tuple[str, str, list[int]]], nested: bool = True) -> Path:
    """Write a FER+ of grey noise; pictures of one number are the same to the byte."""
    folder.mkdir()
    with (folder / "fer2013new.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for usage, name, votes in rows:
            writer.writerow([usage, name, *votes])
            if not name:
                continue
            place = folder / "data" / FOLDERS[usage] if nested else folder / FOLDERS[usage]
            place.mkdir(parents=True, exist_ok=True)
            seed = int("".join(c for c in name if c.isdigit())) % 100
            noise = np.random.default_rng(seed).integers(0, 255, (48, 48), np.uint8)
            Image.fromarray(noise).save(place / name)
    return folder


HAPPY = [0, 10, 0, 0, 0, 0, 0, 0, 0, 0]
TORN = [3, 0, 0, 4, 0, 0, 0, 1, 2, 0]
NOBODY = [0, 0, 0, 0, 0, 0, 0, 1, 0, 9]
UNKNOWN = [0, 0, 0, 0, 0, 0, 0, 0, 10, 0]


@pytest.mark.parametrize("nested", [True, False])
def test_votes_are_soft_labels_and_usages_are_parts(tmp_path, nested):
    rows = [
        ("Training", "fer0000001.png", HAPPY),
        ("Training", "fer0000002.png", TORN),
        ("Training", "fer0000003.png", NOBODY),
        ("Training", "", HAPPY),
        ("PublicTest", "fer0000004.png", UNKNOWN),
        ("PrivateTest", "fer0000005.png", HAPPY),
    ]
    path = corpus(tmp_path / "fp", rows, nested)
    store = Store.open_or_create(tmp_path / "s", 48)
    summary = import_ferplus(path, store, ImportOptions())
    assert summary.faces == 5
    store = Store.open(tmp_path / "s")
    assert [store.names("image")[i] for i in range(5)] == [
        f"fp/fer000000{i}.png" for i in range(1, 6)
    ]
    assert {p: len(store.rows(p)) for p in ("train", "val", "test")} == {
        "train": 3, "val": 1, "test": 1,
    }  # fmt: skip
    labels = store.labels()
    torn = [labels.column("expression_votes", name)[1] for name in EXPRESSIONS]
    assert torn == pytest.approx([3 / 8, 0, 0, 4 / 8, 0, 0, 0, 1 / 8])
    known = np.isfinite(labels["expression_votes"]).all(1)
    assert known.tolist() == [True, True, False, False, True]


def test_training_pictures_that_are_held_out_elsewhere_are_left_out(tmp_path):
    rows = [
        ("Training", "fer0000001.png", HAPPY),
        ("Training", "fer0000002.png", HAPPY),
        ("PrivateTest", "fer0000101.png", HAPPY),
    ]
    store = Store.open_or_create(tmp_path / "s", 48)
    summary = import_ferplus(corpus(tmp_path / "fp", rows), store, ImportOptions())
    assert summary.faces == 2
    assert summary.notes == ["1 training pictures are in val or test too: left out"]
    assert Store.open(tmp_path / "s").names("image")[0] == "fp/fer0000002.png"


def test_pictures_that_are_not_there_are_listed(tmp_path):
    rows = [("Training", "fer0000001.png", HAPPY), ("PrivateTest", "fer0000005.png", HAPPY)]
    path = corpus(tmp_path / "fp", rows)
    (path / "data" / "FER2013Test" / "fer0000005.png").unlink()
    summary = import_ferplus(path, Store.open_or_create(tmp_path / "s", 48), ImportOptions())
    assert summary.missing == ["fer0000005.png"]
    assert summary.faces == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("Training", "../fer1.png", HAPPY), "is no file name"),
        (("Train", "fer1.png", HAPPY), "Usage is 'Train'"),
        (("Training", "fer1.png", HAPPY[:4]), "ten whole numbers"),
        (("Training", "fer1.png", ["x", *HAPPY[1:]]), "ten whole numbers"),
        (("Training", "fer1.png", [-1, *HAPPY[1:]]), "is negative"),
    ],
)
def test_a_wrong_row_is_one_line_and_nothing_is_stored(tmp_path, row, said):
    path = corpus(tmp_path / "fp", [("Training", "fer0000001.png", HAPPY)])
    with (path / "fer2013new.csv").open("a", newline="") as file:
        csv.writer(file).writerow([row[0], row[1], *row[2]])
    store = Store.open_or_create(tmp_path / "s", 48)
    with pytest.raises(InputError, match=said) as error:
        import_ferplus(path, store, ImportOptions())
    assert "line 3" in str(error.value)
    assert len(store) == 0


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad", b"a,b\n1,2\n"])
def test_what_is_no_ferplus_is_one_line(tmp_path, cli, content):
    (tmp_path / "fp").mkdir()
    if content is not None:
        (tmp_path / "fp" / "fer2013new.csv").write_bytes(content)
    result = cli("import", "ferplus", tmp_path / "fp", "--store", tmp_path / "s")
    assert result.code == 2
    assert result.err.count("\n") == 1


def test_a_broken_picture_is_left_out_and_named(tmp_path):
    rows = [("Training", "fer0000001.png", HAPPY), ("Training", "fer0000002.png", HAPPY)]
    path = corpus(tmp_path / "fp", rows)
    broken = path / "data" / "FER2013Train" / "fer0000002.png"
    broken.write_bytes(b"no picture")
    summary = import_ferplus(path, Store.open_or_create(tmp_path / "s", 48), ImportOptions())
    assert summary.faces == 1
    assert [Path(name).name for name in summary.failed] == ["fer0000002.png"]
