"""Pictures in memory, features, streams, and what there is to choose from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_networks import SIDE, small

import mien
from mien.errors import InputError
from mien.labels.heads import Head
from mien.media.decode import decode
from mien.models.onnx_export import export_onnx
from mien.recognition.onnx_recogniser import OnnxRecogniser
from mien.recognition.provenance import Calibration, Provenance

HEADS = (Head("valence_arousal", ("valence", "arousal")), Head("expression", ("neutral", "fear")))


class WithFeatures(type(small(HEADS).network)):
    """The small network, which says what its last layer sees."""

    def features(self, images):
        return self.layers(images)

    def forward(self, images):
        return self.head(self.features(images))


@pytest.fixture
def exported(tmp_path):
    recogniser = small(HEADS)
    recogniser.network.__class__ = WithFeatures
    labels = {"valence_arousal": {"valence": "derived", "arousal": "actors"}}
    counted = Calibration("votes", "most say so", (0.2, 0.9), (0.1, 0.8))
    recogniser.provenance = Provenance(labels, {"expression": counted})
    export_onnx(recogniser, tmp_path / "mine.onnx")
    return recogniser, tmp_path / "mine.onnx"


def test_features_and_provenance_travel_with_the_file(exported):
    recogniser, path = exported
    loaded = OnnxRecogniser.load(path)
    assert loaded.provenance == recogniser.provenance
    crops = np.random.default_rng(0).integers(0, 256, (20, SIDE, SIDE, 3), np.uint8)
    features = loaded.features(crops)
    assert features.shape == (20, 6 * 7 * 7)
    assert np.allclose(features, recogniser.features(crops), atol=1e-4)
    weight = recogniser.network.head.weight.detach().numpy()
    raw = features @ weight.T + recogniser.network.head.bias.detach().numpy()
    assert np.allclose(raw[:, :2], loaded.predict(crops)["valence_arousal"], atol=1e-2)
    with pytest.raises(InputError, match="no output of features"):
        mien.load_recogniser("joint-32-actors").features(crops)


def test_pictures_of_any_size_are_read(exported, clip):
    _, path = exported
    reader = mien.load_recogniser(path)
    source = np.random.default_rng(0)
    pictures = [source.integers(0, 256, (h, 40, 3), np.uint8) for h in (30, 40, 50)]
    found = reader.predict(pictures)
    assert found["valence_arousal"].shape == (3, 2)
    assert reader.predict([])["expression"].shape == (0, 2)
    frames = [next(decode(clip)).rgb, np.zeros((144, 176, 3), np.uint8)]
    faces = reader.find([*frames, frames[0]], features=True)
    assert faces.frame.tolist() == [0, 2]
    assert faces.features.shape == (2, 294)
    assert np.allclose(faces.predictions["expression"][0], faces.predictions["expression"][1])
    for odd, words in ((pictures[0], r"\(N, H, W, 3\)"), ([pictures[0] / 255.0], "float64"),
                       ([[1, 2]], "not list")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            reader.predict(odd)


def test_a_stream_gives_frames_as_they_come(exported, clip):
    _, path = exported
    reader = mien.load_recogniser(path)
    from_file = list(mien.stream(clip, model=reader, fps=2))
    assert [f.faces[0].face_id for f in from_file] == [0] * 8
    face = from_file[0].faces[0]
    assert set(face.values) == {"valence", "arousal", "neutral", "fear"}
    assert face.expression == max(("neutral", "fear"), key=face.values.get)
    assert face.status == "face"
    pairs = [(f.time_s, f.rgb) for f in from_file]
    again = list(mien.stream(pairs, model=reader))
    assert [f.time_s for f in again] == [f.time_s for f in from_file]
    assert again[3].faces[0].values == pytest.approx(from_file[3].faces[0].values)
    with pytest.raises(InputError, match="picture 1: its time 0"):
        list(mien.stream([(0.0, pairs[0][1]), (0.0, pairs[1][1])], model=reader))


def test_models_are_listed_and_named_with_their_hash(exported, tmp_path, monkeypatch, cli):
    _, path = exported
    (tmp_path / "broken.onnx").write_bytes(b"no")
    done = cli("models", tmp_path, "--json")
    assert done.code == 0, done.err
    found = {entry["name"]: entry for entry in json.loads(done.out)}
    assert {"mien-base", "joint-32-actors", "mine", "broken"} <= set(found)
    assert found["mine"]["sources"]["valence_arousal"] == {
        "valence": "derived",
        "arousal": "actors",
    }
    assert found["mine"]["calibrated"] == {"expression": "votes"}
    assert found["mine"]["features"] == 294
    assert "cannot be read as ONNX" in found["broken"]["error"]
    assert set(found["mien-base"]["sources"]["au"].values()) == {"silver"}
    assert "derived" in cli("models", tmp_path).out
    sha256 = found["mine"]["sha256"]
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    assert mien.load_recogniser(f"mine@{sha256[:10]}").sha256 == sha256
    with pytest.raises(InputError, match="its SHA-256 is"):
        mien.load_recogniser("mine@0123456789")
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "none"))
    with pytest.raises(InputError, match="MIEN_MODELS"):
        mien.list_models()
    assert Path(found["mine"]["path"]) == path


def test_a_network_that_sees_more_than_pictures_has_no_features(exported):
    recogniser, _ = exported
    crops = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    plain, recogniser.preprocessing = (
        recogniser.preprocessing,
        replace(recogniser.preprocessing, landmarks=5),
    )
    with pytest.raises(InputError, match="sees landmarks too"):
        recogniser.features(crops)
    recogniser.preprocessing, recogniser.follows = plain, True
    with pytest.raises(InputError, match="sees frames before too"):
        recogniser.features(crops)
    with pytest.raises(InputError, match="has no features to take"):
        small(HEADS).features(crops)
