"""Pictures of faces that are cut anew, around the detector's box."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.corpora.pictures import FaceFinder
from mien.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    """An actor's face, 120 x 120."""
    with Image.open(ROOT / "docs" / "images" / "actors.png") as sheet:
        return np.asarray(sheet.convert("RGB"))[:120, :120]


@pytest.mark.parametrize("side", [120, 48])
def test_the_box_is_in_pixels_of_the_picture(portrait, side):
    picture = np.asarray(Image.fromarray(portrait).resize((side, side)))
    box, points = FaceFinder()(picture)
    x0, y0, x1, y1 = np.array(box) / side
    assert 0 <= x0 < 0.45 < 0.55 < x1 <= 1
    assert 0 <= y0 < 0.45 < 0.6 < y1 <= 1.05
    left, right, nose, left_mouth, right_mouth = points / side
    assert x0 < left[0] < nose[0] < right[0] < x1
    assert y0 < max(left[1], right[1]) < nose[1] < min(left_mouth[1], right_mouth[1]) < y1


def test_a_face_that_fills_its_picture_is_found(portrait):
    x0, y0, x1, y1 = (round(v) for v in FaceFinder()(portrait)[0])
    tight = portrait[max(0, y0) : y1, max(0, x0) : x1]
    box = np.array(FaceFinder()(tight)[0])
    assert np.abs(box - [0, 0, tight.shape[1], tight.shape[0]]).max() < 0.25 * len(tight)


def test_where_there_is_none_the_picture_is_cut_whole_and_that_is_said(portrait, tmp_path, cli):
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    Image.fromarray(portrait).save(folder / "images" / "a.png")
    Image.fromarray(np.full((60, 90, 3), 128, np.uint8)).save(folder / "images" / "b.png")
    (folder / "labels.csv").write_text("image,expression\na.png,neutral\nb.png,anger\n")
    words = ("import", "folder", folder, "--find-faces", "--size", 32, "--store")
    result = cli(*words, tmp_path / "s")
    assert result.code == 0, result.err
    assert "no face found in 1 images: cut whole" in result.out + result.err
    store = Store.open(tmp_path / "s")
    boxes = np.stack([store.column(name) for name in ("x0", "y0", "x1", "y1")], 1)
    assert boxes[1].tolist() == [15, 0, 75, 60]
    box, points = FaceFinder()(portrait)
    assert boxes[0] == pytest.approx(box, abs=0.01)
    assert store.landmarks()[0] == pytest.approx(points, abs=0.01)
    assert np.isnan(store.landmarks()[1]).all()


@pytest.mark.parametrize("find", [True, False])
def test_a_store_remembers_the_margin_of_its_crops(portrait, tmp_path, cli, find):
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    Image.fromarray(portrait).save(folder / "images" / "a.png")
    (folder / "labels.csv").write_text("image,expression\na.png,neutral\n")
    words = ["--find-faces"] if find else []
    assert cli("import", "folder", folder, *words, "--store", tmp_path / "s").code == 0
    (entry,) = Store.open(tmp_path / "s").info.sources.values()
    assert entry.get("margin") == (FaceFinder.margin if find else None)
