"""The documents' recognisers, from the command line: train, go on, evaluate, export, analyse."""

import csv
import json

import numpy as np
import pytest
import torch

from conftest import drawn_landmarks
from mien.errors import InputError
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.landmarks import fitting, in_crop
from mien.recognition.onnx_recogniser import OnnxRecogniser
from mien.runs.run import Run
from mien.store import Store
from mien.training.build import build
from mien.training.recipe import load_recipe

NAMES = ("cnn-m", "cnn-m-valence", "cnn-m-arousal", "vgg-16", "vgg-face", "resnet-50",
         "inception-v2", "avec-cnn", "cnn-m-landmarks")  # fmt: skip
QUICK = ("cnn-m-landmarks", "avec-cnn")


def settings(**values: object) -> list[str]:
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)
def test_a_recipe_goes_all_the_way(name, large_faces, faces_with_landmarks, clip, tmp_path, cli):
    store = faces_with_landmarks if name == "cnn-m-landmarks" else large_faces
    run, model, table = tmp_path / "run", tmp_path / "model.onnx", tmp_path / "out.csv"
    small = {"image_size": 32, "batch_size": 8, "checkpoint_every": 1, "keep_checkpoints": 1}
    steps = [
        ("train", name, "--store", store, "--run", run, *settings(steps=1, **small)),
        ("train", "--run", run, "--resume", *settings(steps=2)),
        ("evaluate", run, "--store", store),
        ("export", "model", run, "--out", model),
        ("analyze", clip, "--model", model, "--out", table, "--fps", 1),
    ]
    for words in steps:
        result = cli(*words)
        assert result.code == 0, result.err
    assert Run.open(run).last().step == 2
    scores = json.loads((run / "evaluation.json").read_text())
    assert scores["test"]["last"]["step"] == 2
    heads = TorchRecogniser.load(Run.open(run).last().recogniser).heads
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["success"] == "1"]
    assert len(rows) == 4  # one a second
    for head in heads:
        for column in head.kind.table_columns(head.name, head.outputs):
            assert column in rows[0]


def test_one_axis_is_a_network_of_one_output(large_faces):
    for axis in ("valence", "arousal"):
        parts = build(load_recipe(f"cnn-m-{axis}", ["image_size=32"]), Store.open(large_faces))
        (head,) = parts.spec.layout.heads
        assert head.outputs == (axis,)
        assert parts.step.networks["recogniser"].head.out_features == 1
        batch = parts.batches.batch(0).labels
        column = Store.open(large_faces).labels().column("valence_arousal", axis)
        known = column[~np.isnan(column)]
        mine = batch.values["valence_arousal"][batch.valid["valence_arousal"] > 0]
        assert mine.shape == (int(batch.valid["valence_arousal"].sum()),)
        assert np.isin(mine.numpy(), known).all()


def test_landmarks_come_from_the_store_as_places_in_the_crop(faces_with_landmarks):
    store = Store.open(faces_with_landmarks)
    rows = np.array([0, 3, 5])
    found = store.landmarks_in_crops(rows)
    smiles = store.labels().column("valence_arousal", "valence")
    for place, row in ((0, 0), (2, 5)):  # box 8 to 88 and a margin of 0.1: the whole picture
        wanted = np.array(drawn_landmarks(smiles[row], 96)) / 48 - 1
        assert found[place] == pytest.approx(wanted, abs=1e-5)
    assert np.isnan(found[1]).all()
    parts = build(load_recipe("cnn-m-landmarks", ["image_size=32"]), store)
    batch = parts.batches.batch(0)
    chosen = parts.batches.sources[0].sampler.positions(0)
    wanted = store.landmarks_in_crops(store.rows("train")[chosen])
    assert torch.equal(batch.labels.landmarks.nan_to_num(9), torch.tensor(wanted).nan_to_num(9))
    assert np.isnan(wanted).any()
    assert parts.preprocessing.landmarks == 5


def test_places_follow_the_margin_and_the_longer_side():
    points = np.array([[[10, 20], [30, 20]]], np.float32)
    boxes = np.array([[10, 0, 30, 40]], np.float32)
    assert in_crop(points, boxes, 0.0)[0].tolist() == [[-0.5, 0], [0.5, 0]]
    assert in_crop(points, boxes, 0.5)[0].tolist() == [[-0.25, 0], [0.25, 0]]
    assert np.isnan(in_crop(points, boxes, np.array([np.nan]))).all()


def test_a_crop_and_its_landmarks_agree():
    from mien.faces.crop import square_crop

    rgb = np.zeros((100, 120, 3), np.uint8)
    rgb[38:42, 58:62] = 255
    box, margin = np.array([40, 20, 90, 60], np.float32), 0.2
    crop = square_crop(rgb, box, 70, margin)[..., 0].astype(float)
    middle = np.array([(crop.sum(0) * np.arange(70)).sum(), (crop.sum(1) * np.arange(70)).sum()])
    place = in_crop(np.array([[[60, 40]]], np.float32), box[None], margin)[0, 0]
    assert (place + 1) / 2 * 70 - 0.5 == pytest.approx(middle / crop.sum(), abs=0.1)


def test_the_network_and_its_file_see_the_landmarks(faces_with_landmarks, tmp_path):
    parts = build(
        load_recipe("cnn-m-landmarks", ["image_size=32"]), Store.open(faces_with_landmarks)
    )
    recogniser = TorchRecogniser(parts.step.networks["recogniser"], parts.spec, parts.preprocessing)
    crops = np.zeros((2, 32, 32, 3), np.uint8)
    points = np.zeros((2, 5, 2), np.float32)
    points[1, 3:, 1] = 0.8
    found = recogniser.predict(crops, landmarks=points)["valence_arousal"]
    assert not np.allclose(found[0], found[1])
    from mien.models.onnx_export import export_onnx

    assert export_onnx(recogniser, tmp_path / "m.onnx") < 1e-4
    file = OnnxRecogniser.load(tmp_path / "m.onnx")
    assert file.preprocessing.landmarks == 5
    assert np.allclose(file.predict(crops, landmarks=points)["valence_arousal"], found, atol=1e-5)
    for taker in (recogniser, file):
        with pytest.raises(InputError, match=r"takes 5 landmarks beside every crop.*given none"):
            taker.predict(crops)
        with pytest.raises(InputError, match=r"given an array \(2, 4, 2\)"):
            taker.predict(crops, landmarks=points[:, 1:])


def test_what_takes_no_landmarks_ignores_them():
    assert fitting(np.zeros((2, 5, 2), np.float32), 2, 0) is None


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("cnn-m-landmarks", ["augmentation.mirror=true"], "augmentation.mirror moves the face"),
        (
            "cnn-m",
            ["method.recogniser.network=cnn-3d", "image_size=64"],
            "takes windows of 7 frames",
        ),
        (
            "cnn-m",
            ["image_size=16"],
            "image_size 16 does not fit cnn-m, which is for 32 px or more",
        ),
        ("avec-cnn", ["image_size=36"], "32 px or more, in steps of 8"),
        ("cnn-m", ["heads.valence_arousal=['happy']"], "'happy' is none of its outputs"),
        ("inception-v2", ["heads.au=[]"], "needs at least one head"),
        ("inception-v2", ["heads.au=[4, 9]"], "no training face has a label of au"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(faces_with_landmarks, large_faces, name, words, told):
    store = faces_with_landmarks if name == "cnn-m-landmarks" else large_faces
    with pytest.raises(InputError) as caught:
        build(load_recipe(name, words), Store.open(store))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_landmarks_that_no_face_has_are_refused(large_faces):
    with pytest.raises(InputError, match=r"no training face of .* has any; `mien ingest`"):
        build(load_recipe("cnn-m-landmarks", ["image_size=32"]), Store.open(large_faces))


def test_files_without_landmarks_are_what_they_were():
    from mien.recognition.preprocessing import Preprocessing

    plain = Preprocessing(48, 0.1)
    assert "landmarks" not in plain.to_dict()
    assert Preprocessing.from_dict(plain.to_dict()) == plain
    taking = Preprocessing(48, 0.1, landmarks=5)
    assert Preprocessing.from_dict(taking.to_dict()) == taking
