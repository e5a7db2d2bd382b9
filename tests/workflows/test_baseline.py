"""Classifiers of units on frozen features: what they learn, keep and refuse."""

import json

import numpy as np
import pytest

from mien.errors import InputError
from mien.store import Store
from mien.training.unit_classifiers import (
    LstmTraining,
    Scaling,
    UnitClassifiers,
    fit_linear,
    fit_lstms,
)
from mien.workflows.baseline import _tracks, _windows, baseline
from store.made import add, crops


def made(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 4), the first of which is shown by unit 0; unit 1 is never shown."""
    features = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32) * 5 + 3
    labels = np.full((count, 2), np.nan, np.float32)
    labels[:, 0] = features[:, 0] > 3
    labels[:, 1] = 0
    labels[::5, 0] = np.nan
    return features, labels


@pytest.mark.parametrize("kind", ["lda", "svm", "lstm"])
def test_a_unit_is_learned_survives_the_disk_and_one_never_shown_says_nothing(kind, tmp_path):
    features, labels = made()
    scaling = Scaling.of(features)
    scaled = scaling(features)
    assert np.allclose(scaled.mean(0), 0, atol=1e-5)
    assert np.allclose(scaled.std(0), 1, atol=1e-5)
    units = ("AU12", "AU28")
    if kind == "lstm":
        windows = np.arange(len(features))[:, None]
        lstms = fit_lstms(scaled, labels, windows, LstmTraining(150, 0.5, 0))
        fitted = UnitClassifiers(kind, units, scaling, None, lstms)
    else:
        fitted = UnitClassifiers(kind, units, scaling, fit_linear(kind, scaled, labels))
    decided = fitted.decide(features)
    known = ~np.isnan(labels[:, 0])
    assert ((decided[known, 0] > 0) == labels[known, 0]).mean() > 0.9
    assert np.isnan(decided[:, 1]).all()
    fitted.save(tmp_path / "kept.safetensors")
    again = UnitClassifiers.load(tmp_path / "kept.safetensors")
    assert again.units == units
    assert np.array_equal(again.decide(features), decided, equal_nan=True)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read as unit classifiers"):
        UnitClassifiers.load(tmp_path / "no.safetensors")


def test_windows_are_of_one_track_and_photographs_stand_alone(tmp_path):
    store = Store.open_or_create(tmp_path / "store", 16)
    frames = [0, 1, 2, 4, 0, 1]
    add(
        store, "video", crops(6), video=["v"] * 6, track=[0, 0, 0, 0, 1, 1], frame=frames,
        subject=["a"] * 6, time_s=[float(f) for f in frames],
    )  # fmt: skip
    add(store, "photo", crops(2), subject=["b", "c"])
    rows = np.arange(8)
    windows = _windows(store, rows)
    assert windows[0].tolist() == [0, 1, 2, -1, 3, -1, -1]
    assert windows[1].tolist() == [4, 5, -1, -1, -1, -1, -1]
    assert [w[0] for w in windows[2:]] == [6, 7]
    assert [t.tolist() for t in _tracks(store, rows)] == [[0, 1, 2, -1, 3], [4, 5], [6], [7]]
    assert [t.tolist() for t in _tracks(store, rows[1:4])] == [[0, 1, -1, 2]]


def test_the_command_prints_one_table_and_keeps_arrays(cli, faces, tmp_path):
    out = tmp_path / "out"
    words = ["baseline", "mien-base", "--store", faces, "--out", out, "--lstm-steps", "3"]
    found = cli(*words)
    assert found.code == 0, found.err
    assert "AU12" in found.out
    assert "svm" in found.out
    assert sorted(path.name for path in out.iterdir()) == [
        "baseline.json", "lda.safetensors", "lstm.safetensors", "svm.safetensors",
    ]  # fmt: skip
    scores = json.loads((out / "baseline.json").read_text())["scores"]
    assert scores["svm"]["outputs"]["AU12"]["f1"] > 0.6  # a smile that is drawn
    assert UnitClassifiers.load(out / "svm.safetensors").units == ("AU12", "AU15", "AU25")


def test_what_has_no_units_or_no_layers_is_refused(cli, faces, tmp_path):
    found = cli("baseline", "mien-base", "--store", faces, "--out", tmp_path, "--with", "tree")
    assert (found.code, "unknown classifier 'tree'" in found.err) == (2, True)
    store = Store.open_or_create(tmp_path / "bare", 48)
    add(store, "a", crops(4, 48), subject=list("abcd"), split=["train", "train", "test", "test"])
    with pytest.raises(InputError, match="no training face is labelled with an Action Unit"):
        baseline("mien-base", store=tmp_path / "bare", out=tmp_path / "out")
