"""What a network's outputs mean, kept with its weights; from images to predictions."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from mien.errors import InputError
from mien.labels.arrays import Learned
from mien.labels.heads import Head
from mien.losses.cross_entropy import constant_cross_entropy, uniform_cross_entropy
from mien.models import DISCRIMINATORS
from mien.models.checkpoint import NetworkCard, load_network, save_network
from mien.models.gan.config1 import Config1Discriminator
from mien.models.gan.vanilla import VanillaDiscriminator
from mien.models.heads import FakeOutput, HeadLayout, OutputSpec
from mien.models.images import to_network, to_pixels
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.preprocessing import Preprocessing

UNITS = tuple(f"AU{number:02d}" for number in (1, 2, 4, 6, 12, 15, 20, 25))
LAYOUT = HeadLayout(
    (
        Head("valence_arousal", ("valence", "arousal")),
        Head("au", UNITS),
        Head("expression", ("neutral", "happiness")),
    )
)
OUTPUTS = LAYOUT.outputs + 1
ALL = Learned({head.name: head.outputs for head in LAYOUT.heads})
FORM = Preprocessing(32)


def spec_of(learned: Learned = ALL) -> OutputSpec:
    return OutputSpec(LAYOUT, learned, FakeOutput())


def test_exclusive_heads_are_one_softmax_of_k_plus_1():
    layout = HeadLayout((Head("expression", ("a", "b", "c")),))
    spec = OutputSpec(layout, Learned({}), FakeOutput(shares="expression"))
    raw = torch.randn(5, 4)
    out = spec.split(raw)
    expression = out.heads["expression"]
    together = raw.softmax(1)
    assert torch.allclose(out.fake.sigmoid(), together[:, 3], atol=1e-6)
    label = torch.tensor([0, 1, 2, 0, 1])
    apart = F.cross_entropy(expression, label) + constant_cross_entropy(out.fake, 0.0)
    assert apart.item() == pytest.approx(F.cross_entropy(raw, label).item(), rel=1e-5)
    # A fake's target is alpha, and (1 - alpha) / n on every class (au-va-thesis, section 3.2.2).
    target = torch.tensor([0.1 / 3, 0.1 / 3, 0.1 / 3, 0.9]).expand(5, 4)
    fake = constant_cross_entropy(out.fake, 0.9) + 0.1 * uniform_cross_entropy(expression)
    assert fake.item() == pytest.approx(F.cross_entropy(raw, target).item(), rel=1e-5)


def test_outputs_are_in_the_documents_order():
    output = torch.arange(OUTPUTS).float()[None]
    out = spec_of().split(output)
    assert spec_of().outputs == OUTPUTS == 13
    assert out.heads["valence_arousal"].tolist() == [[0, 1]]
    assert out.heads["au"].tolist() == [[2, 3, 4, 5, 6, 7, 8, 9]]
    assert out.heads["expression"].tolist() == [[10, 11]]
    assert out.fake.tolist() == [12]


def test_heads_may_be_wider_than_their_outputs_and_scaled():
    heads = (
        Head("au_intensity", ("AU01", "AU12")),
        Head("valence_arousal", ("valence", "arousal")),
    )
    layout = HeadLayout(heads, {"valence_arousal": 0.25})
    spec = OutputSpec(layout, Learned({}), FakeOutput(scale=0.5))
    out = spec.split(torch.arange(13.0)[None])
    assert spec.outputs == 2 * 5 + 2 + 1
    assert out.heads["au_intensity"].tolist() == [list(range(10))]
    assert out.heads["valence_arousal"].tolist() == [[2.5, 2.75]]
    assert out.fake.tolist() == [6]


def test_outputs_that_never_saw_a_label_say_nothing():
    learned = Learned({"valence_arousal": ("valence",), "au": ("AU12",)})
    recogniser = TorchRecogniser(Config1Discriminator(OUTPUTS), spec_of(learned), FORM, 2)
    crops = torch.randint(0, 255, (5, 32, 32, 3), dtype=torch.uint8).numpy()
    found = recogniser.predict(crops)
    said = {name: (~np.isnan(values)).tolist() for name, values in found.items()}
    assert said["valence_arousal"] == [[True, False]] * 5
    assert said["au"] == [[unit == "AU12" for unit in UNITS]] * 5
    assert said["expression"] == [[False, False]] * 5
    assert found.n == 5
    assert ((found.fake > 0) & (found.fake < 1)).all()


def test_predictions_are_the_networks_outputs_decoded():
    network = Config1Discriminator(OUTPUTS).eval()
    crops = torch.randint(0, 255, (3, 32, 32, 3), dtype=torch.uint8).numpy()
    with torch.no_grad():
        raw = network(to_network(crops))
    found = TorchRecogniser(network, spec_of(), FORM).predict(crops)
    wanted = {
        "valence_arousal": raw[:, :2],
        "au": raw[:, 2:10].sigmoid(),
        "expression": raw[:, 10:12].softmax(1),
    }
    for name, values in wanted.items():
        assert np.allclose(found[name], values.numpy(), atol=1e-6)
    assert np.allclose(found.fake, raw[:, 12].sigmoid().numpy(), atol=1e-6)


def test_a_recogniser_without_a_fake_output_says_nothing_of_it():
    spec = OutputSpec(LAYOUT, ALL)
    recogniser = TorchRecogniser(Config1Discriminator(spec.outputs), spec, FORM)
    found = recogniser.predict(np.zeros((2, 32, 32, 3), np.uint8))
    assert spec.outputs == 12
    assert np.isnan(found.fake).tolist() == [True, True]


def test_predicting_nothing_gives_nothing():
    recogniser = TorchRecogniser(Config1Discriminator(OUTPUTS), spec_of(), FORM)
    found = recogniser.predict(np.empty((0, 32, 32, 3), np.uint8))
    assert (found.n, found["au"].shape, found.fake.shape) == (0, (0, 8), (0,))


def test_a_card_is_kept_with_the_weights(tmp_path):
    learned = Learned({"valence_arousal": ("valence",), "au": ("AU01", "AU12")})
    layout = HeadLayout(LAYOUT.heads, {"valence_arousal": 0.25})
    spec = OutputSpec(layout, learned, FakeOutput(0.5, "expression", probability=False))
    preprocessing = Preprocessing(32, margin=0.1, channels=1, mean=0.4, std=0.2)
    card = NetworkCard("config1", {"outputs": OUTPUTS}, spec, preprocessing)
    save_network(tmp_path / "d", Config1Discriminator(OUTPUTS), card)
    assert load_network(tmp_path / "d", DISCRIMINATORS)[1] == card
    assert TorchRecogniser.load(tmp_path / "d").spec == spec


def test_weights_of_no_recogniser_are_refused(tmp_path):
    path = tmp_path / "g.safetensors"
    save_network(path, Config1Discriminator(OUTPUTS), NetworkCard("config1", {"outputs": OUTPUTS}))
    with pytest.raises(InputError, match="this network has no affect heads"):
        TorchRecogniser.load(path)
    with pytest.raises(InputError, match="unknown network 'config1'"):
        load_network(path, {"vanilla": VanillaDiscriminator})
    save_network(path, Config1Discriminator(OUTPUTS), NetworkCard("config1", {"outputs": 3}))
    with pytest.raises(InputError, match="the weights do not fit their network"):
        load_network(path, DISCRIMINATORS)


def test_weights_of_another_version_are_refused(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "old.safetensors", metadata={"format": "mien-1"})
    with pytest.raises(
        InputError, match=r"not a network of this version of mien \(mien-network-2\)"
    ):
        load_network(tmp_path / "old.safetensors", DISCRIMINATORS)


def test_a_pickle_is_not_loaded(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(InputError, match="cannot read the weights"):
        load_network(tmp_path / "weights.safetensors", DISCRIMINATORS)


def test_pixels_survive_the_network_range():
    levels = torch.arange(256, dtype=torch.uint8).numpy().reshape(1, 16, 16, 1).repeat(3, 3)
    assert (to_pixels(to_network(levels)) == levels).all()
    assert to_network(levels).min() == -1
    assert to_network(levels).max() == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_preprocessing_is_what_networks_were_trained_on(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    found = Preprocessing(8, channels=channels).batch(pixels)
    assert found.shape == (3, channels, 8, 8)
    assert np.allclose(found, to_network(pixels, channels).numpy(), atol=1e-6)


def test_preprocessing_by_hand():
    white = np.full((2, 2, 3), (255, 0, 51), np.uint8)
    found = Preprocessing(2, mean=0.4, std=0.2).batch(white[None])
    assert found[0, :, 0, 0].tolist() == pytest.approx([3, -2, -1], abs=1e-5)
    grey = Preprocessing(2, channels=1, mean=0, std=1).batch(white[None])
    assert grey[0, :, 1, 1].tolist() == pytest.approx([0.299 + 0.2 * 0.114], abs=1e-5)
    assert Preprocessing(2).fit(white) is white
    assert (Preprocessing(5).fit(white) == np.full((5, 5, 3), (255, 0, 51))).all()
