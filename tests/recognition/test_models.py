"""Models by name, and analyses with them: how crops are cut, what the table and the page say."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from small_networks import HEADS, real_crops, save, small

from mien.analysis.analyze import Analyzer, crop_margin, frames_of, remarks
from mien.errors import InputError
from mien.labels.heads import Head
from mien.media.decode import decode
from mien.models import RECOGNISERS
from mien.models.onnx_export import HALF_TOLERANCE, export_onnx, largest_difference
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.onnx_recogniser import OnnxRecogniser
from mien.recognition.preprocessing import Preprocessing
from mien.recognition.resolve import find_model
from mien.runs.run import Checkpoint, Run
from mien.weights import shipped
from mien.workflows.models import export_model, load_recogniser

INTENSITY = (
    Head("valence_arousal", ("valence", "arousal")),
    Head("au_intensity", ("AU06", "AU12")),
    Head("expression_votes", ("neutral", "happiness", "sadness")),
)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def weights(folder, heads=HEADS, margin=0.2, name="config1"):
    """Write random weights of a network of the documents, its outputs spread out."""
    recogniser = small(heads, margin=margin)
    recogniser.network = RECOGNISERS[name](outputs=recogniser.spec.outputs).eval()
    for parameter in recogniser.network.parameters():
        parameter.data.mul_(3)
    return save(recogniser, name, folder / "weights.safetensors")


# Finding


def test_a_run_a_file_or_a_name(run_folder, tmp_path, monkeypatch):
    file = weights(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "joint-32-actors").mkdir()  # no run: the name still means the weights
    assert find_model(str(run_folder)) == run_folder
    assert find_model(file) == file
    assert find_model("joint-32-actors") == shipped()["joint-32-actors"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("runs/none", "runs/none: neither a run, nor a model file .*joint-32-actors"),
        (".", "not a run"),
        ("model.pt", "ends in .onnx or .safetensors"),
    ],
)
def test_what_is_no_model(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.pt").touch()
    with pytest.raises(InputError, match=words):
        find_model(name)


def test_the_checkpoint_of_a_run(run_folder):
    run = Run.open(run_folder)
    crops = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    for which, checkpoint in (("last", run.last()), ("best", run.best())):
        expected = TorchRecogniser.load(checkpoint.recogniser).predict(crops)
        assert largest_difference(load_recogniser(run_folder, which).predict(crops), expected) == 0
    with pytest.raises(InputError, match="checkpoint 'first'"):
        load_recogniser(run_folder, "first")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_weights_that_come_with_mien_are_the_same_both_ways(clip, name):
    loaded = load_recogniser(name)
    assert isinstance(loaded.recogniser, OnnxRecogniser)
    crops = real_crops(clip, loaded.preprocessing.size)
    expected = TorchRecogniser.load(Checkpoint(shipped()[name]).recogniser).predict(crops)
    assert largest_difference(loaded.predict(crops), expected) < HALF_TOLERANCE


# Without torch

IMPORTS = """
import sys
import mien.analysis, mien.analysis.analyze, mien.analysis.overlay, mien.analysis.table
import mien.recognition.onnx_recogniser, mien.recognition.resolve, mien.workflows.models
from pathlib import Path
import numpy as np
from mien.errors import InputError
from mien.workflows.models import export_model, load_recogniser
"""
NO_TORCH = "import sys\nsys.modules['torch'] = None  # as if it were not installed\n"


def run_python(code, *arguments):
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_an_onnx_file_is_used_without_torch(tmp_path):
    path = tmp_path / "model.onnx"
    export_onnx(small(HEADS), path)
    use = (
        "found = load_recogniser(sys.argv[1]).predict(np.zeros((3, 32, 32, 3), np.uint8))\n"
        "print(found['au'].shape, sys.modules.get('torch'))"
    )
    for before in ("", NO_TORCH):
        done = run_python(before + IMPORTS + use, path)
        assert done.stdout.strip() == "(3, 3) None", done.stderr


def test_what_needs_torch_says_so(tmp_path):
    done = run_python(
        NO_TORCH + IMPORTS + "for work in (load_recogniser, export_model):\n"
        "    try: work(sys.argv[1], *([Path('o.onnx')] if work is export_model else []))\n"
        "    except InputError as error: print(error)",
        weights(tmp_path),
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all("needs torch: pip install 'mien[train]'" in line for line in lines)


# Exporting


def test_the_command_exports_a_run_that_analyses_alike(clip, run_folder, tmp_path, cli):
    file = tmp_path / "model.onnx"
    result = cli("export", "model", run_folder, "--out", file, "--json")
    assert result.code == 0, result.err
    said = json.loads(result.out)
    assert said["difference"] <= 1e-4
    assert said["bytes"] == file.stat().st_size
    assert said["sha256"] == OnnxRecogniser.load(file).sha256
    tables = []
    for model in (run_folder, file):
        out = tmp_path / "o.csv"
        assert cli("analyze", clip, "--fps", 5, "--model", model, "--out", out).code == 0
        tables.append(table(out))
    assert len(tables[0]) == 20
    assert_alike(*tables)


def assert_alike(one, other):
    assert [list(row) for row in one] == [list(row) for row in other]
    for left, right in zip(one, other, strict=True):
        for column, value in left.items():
            if column in ("input", "status", "expression") or value == "":
                assert right[column] == value
            else:
                assert float(right[column]) == pytest.approx(float(value), abs=1e-3), column


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["W", "--out", "o.pt"], "should end in .onnx"),
        (["W", "--out", "none/o.onnx"], "does not exist"),
        (["none", "--out", "o.onnx"], "neither a run"),
        (["O", "--out", "o.onnx"], "is an ONNX file already"),
    ],
)
def test_exports_that_do_not_fit(arguments, words, tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").touch()
    named = {"W": weights(tmp_path), "O": tmp_path / "m.onnx"}
    result = cli("export", "model", *(named.get(a, a) for a in arguments))
    assert result.code == 2
    assert words in result.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "weights.safetensors"]


# How crops are cut


class Spy:
    """A recogniser that keeps its crops."""

    def __init__(self, margin, **more):
        self.inner = small(HEADS, margin=margin)
        self.heads = self.inner.heads
        self.preprocessing = Preprocessing(32, margin, **more)
        self.seen = []

    follows = False

    def anew(self):
        return self

    def predict(self, crops, tracks=None, time_s=None, landmarks=None):
        self.seen.append(crops)
        return self.inner.predict(crops)


def cut(clip, margin, wanted=None):
    spy = Spy(margin)
    next(iter(Analyzer(spy, margin=wanted).analyze(frames_of(clip))))
    return spy.seen[0][0].astype(int)


def test_crops_are_cut_as_the_model_was_trained(clip):
    assert (cut(clip, 0.05) == cut(clip, None)).all()
    assert (cut(clip, 0.05) != cut(clip, 0.4)).any()
    assert (cut(clip, 0.4) == cut(clip, None, 0.4)).all()
    assert (cut(clip, 0.4, 0.4) == cut(clip, 0.4)).all()


def test_another_margin_than_the_models_is_refused():
    with pytest.raises(InputError, match=r"margin 0\.05: .* cut with 0\.4.*leave the margin away"):
        Analyzer(Spy(0.4), margin=0.05)
    assert crop_margin(None) == 0.05
    assert crop_margin(None, 0.3) == 0.3


def test_models_that_are_fed_otherwise_are_refused():
    for more in ({"window": 8}, {"interpolation": "bilinear"}):
        with pytest.raises(InputError, match="analysis feeds single images"):
            Analyzer(Spy(0.05, **more))


def test_what_to_know_is_said():
    assert remarks(None) == []
    assert remarks(Spy(0.4)) == []
    assert "0.4 of it around" in remarks(Spy(0.4), crops=True)[0]
    assert "a margin of 0.05 is taken" in remarks(Spy(None))[0]
    assert "cut like those" in remarks(Spy(None), crops=True)[0]


def test_the_command_refuses_and_notes(clip, tmp_path, cli):
    known, unknown = tmp_path / "known.onnx", tmp_path / "unknown.onnx"
    export_onnx(small(HEADS, margin=0.4), known)
    export_onnx(small(HEADS, margin=None), unknown)
    out = tmp_path / "o.csv"
    result = cli("analyze", clip, "--model", known, "--out", out, "--margin", 0.1)
    assert result.code == 2
    assert "margin 0.1: the model was trained on crops cut with 0.4" in result.err
    assert not out.exists()
    picture = tmp_path / "face.png"
    Image.fromarray(next(decode(clip)).rgb).save(picture)
    result = cli("analyze", picture, "--model", unknown, "--out", out)
    assert result.code == 0
    assert "does not say how its crops were cut: a margin of 0.05" in result.err
    result = cli("analyze", picture, "--model", unknown, "--out", out, "--margin", 0.1)
    assert (result.code, "margin" in result.err) == (0, False)
    folder = tmp_path / "crops"
    folder.mkdir()
    Image.fromarray(real_crops(clip)[0]).save(folder / "0.png")
    result = cli("analyze", "--crops", folder, "--model", known, "--out", out)
    assert result.code == 0
    assert "the face's box and 0.4 of it around" in result.err


# What the table and the page say, whatever the heads


def test_intensities_and_votes(clip, tmp_path, cli):
    """The model has its heads in another form: AU12_r is filled, and nothing claims presence."""
    file, out, page = weights(tmp_path, INTENSITY), tmp_path / "o.csv", tmp_path / "o.html"
    overlay = tmp_path / "o.mp4"
    result = cli(
        *("analyze", clip, "--fps", 5, "--model", file, "--out", out),
        *("--report", page, "--overlay", overlay),
    )
    assert result.code == 0, result.err
    rows = table(out)
    classes = ["neutral", "happiness", "sadness"]
    affect = ["valence", "arousal", "AU06_r", "AU12_r", "expression", *classes]
    assert list(rows[0])[11:] == affect
    assert all(0 <= float(row["AU12_r"]) <= 5 for row in rows)
    for row in rows:
        assert sum(float(row[c]) for c in classes) == pytest.approx(1, abs=1e-3)
        assert row["expression"] == max(classes, key=lambda c: float(row[c]))
    html = page.read_text(encoding="utf-8")
    assert "Action Units: intensity, 0 to 5" in html
    assert "AU12 lip corner puller" in html
    assert "Action Units: probability" not in html
    assert "valence and arousal" in html
    assert overlay.stat().st_size > 0
    export_model(file, tmp_path / "model.onnx")
    other = tmp_path / "other.csv"
    model = tmp_path / "model.onnx"
    assert cli("analyze", clip, "--fps", 5, "--model", model, "--out", other).code == 0
    assert_alike(rows, table(other))


@pytest.mark.parametrize("head", [HEADS[1], HEADS[2], INTENSITY[2]], ids=lambda head: head.name)
def test_photographs_of_a_model_of_one_head(head, clip, tmp_path, cli):
    """No valence, no expression or no units: the page does without."""
    picture, out, page = (tmp_path / name for name in ("face.png", "o.csv", "o.html"))
    Image.fromarray(next(decode(clip)).rgb).save(picture)
    model = weights(tmp_path, [head])
    result = cli("analyze", picture, "--model", model, "--out", out, "--report", page)
    assert result.code == 0, result.err
    (row,) = table(out)
    html = page.read_text(encoding="utf-8")
    assert "1 face<" in html
    assert "valence " not in html
    assert ("<b>" in html) == ("expression" in row)
    for column, value in row.items():
        if column.endswith("_p"):
            assert (f"{column[:-2]} {float(value):.2f}" in html) == (float(value) >= 0.5)
        if column.endswith("_r"):
            assert (f"{column[:-2]} {float(value):.2f} of 5" in html) == (float(value) >= 1)
