"""Shapes and parameter counts of the documents' tables, worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mien.errors import InputError
from mien.models import DISCRIMINATORS, GENERATORS
from mien.models.checkpoint import LearnedHeads, load_network, save_network
from mien.models.gan.categorical28 import Categorical28Discriminator, Categorical28Generator
from mien.models.gan.config1 import Config1Discriminator, Config1Generator
from mien.models.heads import HeadLayout
from mien.models.layers import SameConv2d
from mien.models.predictor import AffectPredictor, to_network, to_pixels

LAYOUT = HeadLayout(True, (1, 2, 4, 6, 12, 15, 20, 25), ("neutral", "happiness"))


def sizes(network: nn.Module, given: torch.Tensor) -> list[tuple[int, ...]]:
    """Channels and side after every convolution or dense layer."""
    found = []
    for layer in network.layers:
        given = layer(given)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            found.append(tuple(given.shape[1:3]))
    return found


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_config1_generator_is_table_v_with_valid_padding():
    network = Config1Generator()
    noise = torch.rand(2, 100)[:, :, None, None]
    assert sizes(network, noise) == [(384, 2), (128, 6), (64, 14), (3, 32)]
    kernels = [tuple(m.weight.shape) for m in network.layers if isinstance(m, nn.ConvTranspose2d)]
    assert kernels == [(100, 384, 2, 2), (384, 128, 4, 4), (128, 64, 4, 4), (64, 3, 6, 6)]
    convolutions = 153_600 + 384 + 786_432 + 128 + 131_072 + 64 + 6_912 + 3
    assert parameters(network) == convolutions + 2 * (384 + 128 + 64)


def test_config1_discriminator_is_table_vi():
    network = Config1Discriminator(outputs=11)
    assert sizes(network, torch.rand(2, 3, 32, 32)) == [(64, 16), (128, 8), (256, 4), (11,)]
    assert tuple(network.layers[0].weight.shape) == (64, 3, 5, 5)
    convolutions = 4_800 + 64 + 204_800 + 128 + 819_200 + 256
    assert parameters(network) == convolutions + 2 * (64 + 128 + 256) + 4096 * 11 + 11


def test_categorical_generator_is_table_3_11_at_28_px():
    network = Categorical28Generator()
    noise = torch.rand(2, 100)[:, :, None, None]
    assert sizes(network, noise) == [(384, 2), (128, 5), (64, 12), (3, 28)]
    convolutions = 153_600 + 384 + 442_368 + 128 + 131_072 + 64 + 6_912 + 3
    assert parameters(network) == convolutions + 2 * (384 + 128 + 64)


def test_categorical_discriminator_is_table_3_10():
    network = Categorical28Discriminator(outputs=11)
    assert sizes(network, torch.rand(2, 3, 28, 28)) == [(64, 14), (128, 7), (256, 4), (11,)]
    assert parameters(network) == parameters(Config1Discriminator(outputs=11))


@pytest.mark.parametrize("network", [Categorical28Generator(), Categorical28Discriminator(11)])
def test_categorical_gan_normalises_after_activation(network):
    kinds = [type(layer) for layer in network.layers]
    for i, kind in enumerate(kinds):
        if kind is nn.BatchNorm2d:
            assert kinds[i - 1] is nn.LeakyReLU


@pytest.mark.parametrize("network", [Config1Generator(), Config1Discriminator(11)])
def test_config1_normalises_before_activation(network):
    kinds = [type(layer) for layer in network.layers]
    for i, kind in enumerate(kinds):
        if kind is nn.BatchNorm2d:
            assert kinds[i + 1] in (nn.ReLU, nn.LeakyReLU)


@pytest.mark.parametrize(("size", "left", "right"), [(32, 1, 2), (28, 1, 2), (7, 2, 2), (5, 2, 2)])
def test_same_padding_is_tensorflows(size, left, right):
    layer = SameConv2d(1, 1, kernel=5, stride=2)
    image = torch.rand(1, 1, size, size)
    padded = F.pad(image, (left, right, left, right))
    expected = F.conv2d(padded, layer.weight, layer.bias, stride=2)
    assert torch.allclose(layer(image), expected)
    assert layer(image).shape[2] == -(-size // 2)


@pytest.mark.parametrize("registry", [GENERATORS, DISCRIMINATORS], ids=["G", "D"])
def test_every_network_trains_and_survives_the_disk(registry, tmp_path):
    for name, kind in registry.items():
        arguments = {"noise": 20} if registry is GENERATORS else {"outputs": LAYOUT.outputs}
        network = kind(**arguments)
        side = network.image_size
        given = torch.rand(4, 20) if registry is GENERATORS else torch.rand(4, 3, side, side)
        out = network(given)
        assert torch.isfinite(out).all()
        out.square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
        if registry is GENERATORS:
            assert out.shape == (4, 3, side, side)
            assert out.abs().max() <= 1
        save_network(tmp_path / name, network, name, arguments)
        again, _ = load_network(tmp_path / name, registry)
        assert torch.equal(again(given), network.eval()(given))


def test_outputs_are_in_the_documents_order():
    output = torch.arange(LAYOUT.outputs).float()[None]
    heads = LAYOUT.split(output)
    assert LAYOUT.outputs == 13
    assert LAYOUT.label_outputs == 10
    assert heads.valence_arousal.tolist() == [[0, 1]]
    assert heads.au.tolist() == [[2, 3, 4, 5, 6, 7, 8, 9]]
    assert heads.expression.tolist() == [[10, 11]]
    assert heads.fake.tolist() == [12]


def test_what_was_never_taught_is_not_said():
    heads = LearnedHeads(LAYOUT, valence=True, arousal=False, aus=(12,), expressions=False)
    predictor = AffectPredictor(Config1Discriminator(LAYOUT.outputs), heads, batch_size=2)
    found = predictor.predict(torch.randint(0, 255, (5, 32, 32, 3), dtype=torch.uint8).numpy())
    known = [bool((found.au_probability[:, i] >= 0).all()) for i in range(8)]
    assert known == [au == 12 for au in LAYOUT.aus]
    assert (found.valence_arousal[:, 0] == found.valence_arousal[:, 0]).all()
    assert (found.valence_arousal[:, 1] != found.valence_arousal[:, 1]).all()
    assert found.expression_index().tolist() == [-1] * 5
    assert len(found) == 5


def test_predicting_nothing_gives_nothing():
    heads = LearnedHeads(LAYOUT, True, True, LAYOUT.aus, True)
    predictor = AffectPredictor(Config1Discriminator(LAYOUT.outputs), heads)
    assert len(predictor.predict(torch.empty(0, 32, 32, 3, dtype=torch.uint8).numpy())) == 0


def test_heads_are_kept_with_the_weights(tmp_path):
    heads = LearnedHeads(LAYOUT, True, False, (1, 12), True)
    network = Config1Discriminator(LAYOUT.outputs)
    save_network(tmp_path / "d", network, "config1", {"outputs": LAYOUT.outputs}, heads)
    assert load_network(tmp_path / "d", DISCRIMINATORS)[1] == heads


def test_a_pickle_is_not_loaded(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(InputError, match="cannot read the weights"):
        load_network(tmp_path / "weights.safetensors", DISCRIMINATORS)


def test_pixels_survive_the_network_range():
    levels = torch.arange(256, dtype=torch.uint8).numpy().reshape(1, 16, 16, 1).repeat(3, 3)
    assert (to_pixels(to_network(levels)) == levels).all()
    assert to_network(levels).min() == -1
    assert to_network(levels).max() == 1
