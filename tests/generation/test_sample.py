import csv
import json

import numpy as np
from PIL import Image

from mien.generation.sample import sample
from mien.runs.run import Run


def test_a_grid_and_beside_it_what_each_face_shows(run_folder, tmp_path, cli):
    shown = cli("sample", run_folder, "--count", 20, "--out", tmp_path / "grid.png", "--json")
    assert shown.code == 0
    assert json.loads(shown.out)["step"] == 8
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (8 * 64, 3 * 64)
    rows = list(csv.DictReader((tmp_path / "grid.csv").read_text().splitlines()))
    assert len(rows) == 20
    assert (rows[9]["grid_row"], rows[9]["grid_column"]) == ("1", "1")
    assert {"valence", "arousal", "AU12_p", "expression", "happiness", "p_fake"} <= set(rows[0])
    assert all(0 <= float(row["AU12_p"]) <= 1 for row in rows)


def test_the_seed_decides_and_a_face_does_not_depend_on_its_neighbours(run_folder):
    checkpoint = Run.open(run_folder).last()
    few, many = sample(checkpoint, 3, seed=5), sample(checkpoint, 9, seed=5)
    assert (few.pixels == many.pixels[:3]).all()
    assert (few.pixels != sample(checkpoint, 3, seed=6).pixels).any()
    assert np.allclose(few.predictions["au"], many.predictions["au"][:3], atol=1e-6, equal_nan=True)
    assert np.allclose(few.predictions.fake, many.predictions.fake[:3], atol=1e-6)


def test_bad_requests(run_folder, tmp_path, cli):
    assert cli("sample", run_folder, "--count", 0, "--out", tmp_path / "a.png").code == 2
    assert "name ends in" in cli("sample", run_folder, "--out", tmp_path / "a.xyz").err
    assert list(tmp_path.iterdir()) == []


def test_a_recogniser_makes_no_faces(recogniser_run, tmp_path, cli):
    result = cli("sample", recogniser_run, "--out", tmp_path / "a.png")
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert "has no generator, so it makes no faces" in result.err
    assert list(tmp_path.iterdir()) == []
