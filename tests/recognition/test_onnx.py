import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from small_networks import HEADS, SIDE, real_crops, small

import mien.models.onnx_export as onnx_export
from mien.errors import InputError
from mien.faces.centerface import _weights_file
from mien.labels.arrays import Learned
from mien.labels.heads import HEADS as HEAD_TYPES
from mien.labels.heads import Head
from mien.models import RECOGNISERS
from mien.models.heads import FakeOutput, HeadLayout, OutputSpec
from mien.models.onnx_export import export_onnx, largest_difference
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.onnx_recogniser import ENTRY, OnnxRecogniser, RecogniserCard, write_card
from mien.recognition.preprocessing import Preprocessing

CLASSES = ("neutral", "happiness", "sadness")
ONE_EACH = [*HEADS, Head("expression_votes", CLASSES)]


@pytest.fixture
def crops(clip):
    return real_crops(clip)


@pytest.fixture
def exported(tmp_path):
    def write(recogniser):
        assert export_onnx(recogniser, tmp_path / "model.onnx") <= 1e-4
        return tmp_path / "model.onnx"

    return write


def both(recogniser, path, crops):
    """Predictions in torch and in ONNX Runtime, which are to be the same and say something."""
    loaded = OnnxRecogniser.load(path)
    in_torch, in_onnx = recogniser.predict(crops), loaded.predict(crops)
    assert loaded.heads == recogniser.heads
    assert loaded.preprocessing == recogniser.preprocessing
    assert largest_difference(in_torch, in_onnx) < 1e-4
    return in_torch, in_onnx


SCALES = {"au_intensity": 5}


def test_every_head_has_its_case():
    assert {head.name for head in ONE_EACH} == set(HEAD_TYPES)


@pytest.mark.parametrize("head", ONE_EACH, ids=lambda head: head.name)
def test_the_same_numbers_on_real_crops(head, crops, exported):
    recogniser = small([head])
    _, found = both(recogniser, exported(recogniser), crops)
    values = found[head.name]
    assert values.shape == (len(crops), len(head.outputs))
    assert values.std(0).max() > 0.05 * SCALES.get(head.name, 1)  # the crops are told apart
    if head.type.kind in ("exclusive", "votes"):
        assert values.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isnan(found.fake).all()


def test_scales_what_was_never_learned_and_the_fake_output(crops, exported):
    learned = Learned({"valence_arousal": ("arousal",), "au": ("AU01", "AU12", "AU25")})
    plain = small(HEADS, learned, FakeOutput())
    scaled = small(HEADS, learned, FakeOutput(scale=0.5), valence_arousal=0.25)
    in_torch, found = both(scaled, exported(scaled), crops)
    assert np.isnan(found.column("valence_arousal", "valence")).all()
    assert np.isnan(found["au_intensity"]).all()
    before = plain.predict(crops)
    arousal = before.column("valence_arousal", "arousal")
    assert found.column("valence_arousal", "arousal") == pytest.approx(arousal / 4, abs=1e-4)
    logit = np.log(before.fake.astype(float) / (1 - before.fake.astype(float)))
    assert found.fake == pytest.approx(1 / (1 + np.exp(-logit / 2)), abs=1e-3)
    assert found.fake.std() > 0.02
    assert in_torch.fake == pytest.approx(found.fake, abs=1e-4)


def test_a_fake_output_that_shares_a_softmax(crops, exported):
    recogniser = small([Head("expression", CLASSES)], fake=FakeOutput(shares="expression"))
    _, found = both(recogniser, exported(recogniser), crops)
    with torch.inference_mode():
        images = torch.from_numpy(recogniser.preprocessing.batch(crops))
        shares = recogniser.network(images).softmax(1).numpy()
    assert found.fake == pytest.approx(shares[:, -1], abs=1e-4)
    real = shares[:, :-1] / shares[:, :-1].sum(1, keepdims=True)
    assert found["expression"] == pytest.approx(real, abs=1e-4)


def test_a_score_without_bounds_is_no_probability(crops, exported):
    recogniser = small(HEADS[:1], fake=FakeOutput(probability=False))
    _, found = both(recogniser, exported(recogniser), crops)
    assert np.isnan(found.fake).all()


def test_grey(crops, exported):
    recogniser = small(HEADS, channels=1)
    both(recogniser, exported(recogniser), crops)


def test_no_crop_no_row(exported):
    found = OnnxRecogniser.load(exported(small(HEADS, fake=FakeOutput()))).predict(
        np.empty((0, SIDE, SIDE, 3), np.uint8)
    )
    assert [found[head.name].shape for head in HEADS] == [(0, 2), (0, 3), (0, 2), (0, 3)]
    assert found.fake.shape == (0,)


@pytest.mark.parametrize("name", ["talk-conditional"])
def test_a_network_of_the_documents(name, tmp_path):
    check_network(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOGNISERS)
def test_all_networks_of_the_documents(name, tmp_path):
    check_network(name, tmp_path)


def check_network(name, folder):
    spec = OutputSpec(HeadLayout(HEADS), Learned({h.name: h.outputs for h in HEADS}), FakeOutput())
    network = RECOGNISERS[name]
    more = {"classes": 3} if getattr(network, "conditional", False) else {}
    recogniser = TorchRecogniser(
        network(outputs=spec.outputs, **more),
        spec,
        Preprocessing(network.image_size, channels=getattr(network, "channels", 3)),
    )
    assert export_onnx(recogniser, folder / "model.onnx") < 1e-4


def test_weights_in_half_precision_stay_so_and_lose_nothing(tmp_path):
    recogniser = small(HEADS)
    export_onnx(recogniser, tmp_path / "whole.onnx")
    recogniser.network.half().float()
    assert export_onnx(recogniser, tmp_path / "half.onnx") < 1e-4
    weights = sum(p.numel() for p in recogniser.network.head.parameters())
    saved = (tmp_path / "whole.onnx").stat().st_size - (tmp_path / "half.onnx").stat().st_size
    assert saved > 1.9 * weights


def test_the_file_says_nothing_of_the_machine(exported):
    content = exported(small(HEADS)).read_bytes()
    folder = str(Path(onnx_export.__file__).parent).encode()
    assert all(word not in content for word in (folder, b"site-packages", b".py"))


def test_a_file_that_would_predict_otherwise_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    with pytest.raises(InputError, match=r"model\.onnx: the file would predict .* off the network"):
        export_onnx(small(HEADS), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def edited(path, change):
    model = onnx.load(str(path))
    change(model)
    onnx.save_model(model, str(path))
    return path


def described(change):
    def edit(model):
        values = json.loads(model.metadata_props[0].value)
        change(values)
        model.metadata_props[0].value = json.dumps(values)

    return edit


def _other_weight(model):
    tensor = next(t for t in model.graph.initializer if len(t.raw_data) > 1000)
    tensor.raw_data = b"\x00" + tensor.raw_data[1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_weight, "is not as it was exported"),
        (described(lambda v: v["preprocessing"].update(margin=0.4)), "is not as it was exported"),
        (described(lambda v: v.update(format="mien-recogniser-9")), "format is mien-recogniser-9"),
        (described(lambda v: v.pop("heads")), "description cannot be read"),
        (described(lambda v: v["heads"][0].update(name="gaze")), "unknown head 'gaze'"),
        (described(lambda v: v["preprocessing"].update(tilt=1)), "description cannot be read"),
        (lambda model: model.metadata_props[0].__setattr__("value", "{"), "cannot be read"),
        (lambda model: model.metadata_props[0].__setattr__("value", "[]"), "cannot be read"),
        (lambda model: model.metadata_props.pop(), "not a recogniser of mien"),
    ],
)
def test_files_that_are_not_what_they_were_are_refused(change, words, exported):
    path = edited(exported(small(HEADS)), change)
    with pytest.raises(InputError, match=words) as caught:
        OnnxRecogniser.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_description_of_another_graph_is_refused(exported):
    def widen(model):
        card = RecogniserCard.from_dict(json.loads(model.metadata_props[0].value))
        head = Head("au", ("AU01", "AU12"))
        write_card(model, RecogniserCard((head,), card.learned, False, card.preprocessing))

    with pytest.raises(InputError, match="are not its heads'"):
        OnnxRecogniser.load(edited(exported(small(HEADS[1:2])), widen))


@pytest.mark.parametrize("content", [b"", b"no", bytes(range(256)) * 40])
def test_files_that_are_no_onnx(content, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read as ONNX|not a recogniser") as caught:
        OnnxRecogniser.load(path)
    assert "\n" not in str(caught.value)


def test_a_cut_file_is_refused(exported):
    path = exported(small(HEADS))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError):
        OnnxRecogniser.load(path)


def test_weights_in_other_files_are_not_read(exported):
    def outside(model):
        tensor = model.graph.initializer[0]
        tensor.external_data.add(key="location", value="../secret")

    with pytest.raises(InputError, match="lie in other files"):
        OnnxRecogniser.load(edited(exported(small(HEADS)), outside))


def test_the_detectors_own_file_is_foreign():
    with pytest.raises(InputError, match="not a recogniser of mien"):
        OnnxRecogniser.load(_weights_file())


def test_models_are_told_apart(tmp_path):
    hashes = set()
    for i, margin in enumerate((0.05, 0.2, 0.2)):
        path = tmp_path / f"{i}.onnx"
        export_onnx(small(HEADS, margin=margin), path)
        model = onnx.load(str(path))
        assert [entry.key for entry in model.metadata_props] == [ENTRY]
        hashes.add(OnnxRecogniser.load(path).sha256)
    assert len(hashes) == 2
    assert {len(h) for h in hashes} == {64}


def test_crops_of_another_size_or_type_are_refused(crops, exported):
    recogniser = small(HEADS)
    for taker in (recogniser, OnnxRecogniser.load(exported(recogniser))):
        with pytest.raises(InputError, match=r"crops are uint8 \(24, 16, 32, 3\)"):
            taker.predict(crops[:, ::2])
        with pytest.raises(InputError, match="crops are float64"):
            taker.predict(crops / 255)
