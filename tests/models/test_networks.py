"""Shapes and parameter counts of the documents' tables, worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mien.models import (
    DISCRIMINATORS,
    GENERATORS,
    RECOGNISERS,
    channels_of,
    frames_of,
    landmarks_of,
    takes_size,
)
from mien.models.checkpoint import NetworkCard, load_network, save_network
from mien.models.gan.bodies import (
    Residual,
    ResNetDiscriminator64,
    ResNetDiscriminator96,
    VggDiscriminator64,
    VggDiscriminator96,
)
from mien.models.gan.capsule import CapsuleDiscriminator32, squash
from mien.models.gan.categorical28 import Categorical28Discriminator, Categorical28Generator
from mien.models.gan.cnn_m import CnnM64
from mien.models.gan.config1 import Config1Discriminator, Config1Generator
from mien.models.gan.config2 import (
    Config2Discriminator,
    Config2Discriminator7,
    Config2Generator,
    Config2Generator7,
)
from mien.models.gan.joint32 import Joint32Discriminator, Joint32Generator
from mien.models.gan.joint_large import (
    Joint64Discriminator,
    Joint64Generator,
    Joint96Discriminator,
    Joint96Generator,
)
from mien.models.gan.regression64 import Regression64Discriminator, Regression64Generator
from mien.models.gan.talk32 import (
    TalkConditionalCritic,
    TalkConditionalDiscriminator,
    TalkConditionalGenerator,
    TalkCritic,
    TalkDiscriminator,
    TalkGenerator,
)
from mien.models.gan.vanilla import VanillaDiscriminator, VanillaGenerator
from mien.models.layers import SameConv2d, SameDeconvolution
from mien.models.recognition.base48 import Base48

OUTPUTS = 13


def sizes(network: nn.Module, given: torch.Tensor) -> list[tuple[int, ...]]:
    """Channels and side after every convolution or dense layer."""
    found = []
    head = [network.head] if hasattr(network, "head") else []
    for layer in (*network.layers, *head):
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


@pytest.mark.parametrize("k", [5, 7])
def test_config2_is_tables_vii_and_viii(k):
    generator = (Config2Generator if k == 5 else Config2Generator7)()
    given = torch.rand(1, 1024, 6, 6)
    assert sizes(generator, given) == [(512, 12), (256, 24), (128, 48), (3, 96)]
    kernels = [1024 * 512, 512 * 256, 256 * 128, 128 * 3]
    convolutions = sum(kernels) * k * k + 512 + 256 + 128 + 3
    dense = 100 * 36_864 + 36_864
    assert parameters(generator) == dense + convolutions + 2 * (1024 + 512 + 256 + 128)
    assert generator(torch.rand(1, 100)).shape == (1, 3, 96, 96)
    discriminator = (Config2Discriminator if k == 5 else Config2Discriminator7)(outputs=11)
    found = sizes(discriminator, torch.rand(1, 3, 96, 96))
    assert found == [(64, 48), (128, 24), (256, 12), (512, 6), (11,)]
    convolutions = (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) * k * k + 64 + 128 + 256 + 512
    dense = 18_432 * 11 + 11
    assert parameters(discriminator) == convolutions + 2 * (64 + 128 + 256 + 512) + dense


def test_regression_gan_is_sections_4_4_2_and_4_4_3():
    generator = Regression64Generator()
    found = sizes(generator, torch.rand(2, 512, 4, 4))
    assert found == [(256, 8), (128, 16), (64, 32), (3, 64)]
    kernels = 512 * 256 + 256 * 128 + 128 * 64 + 64 * 3
    dense, norms = 100 * 8_192 + 8_192, 2 * (512 + 256 + 128 + 64)
    assert parameters(generator) == dense + kernels * 25 + 256 + 128 + 64 + 3 + norms
    discriminator = Regression64Discriminator(outputs=3)
    found = sizes(discriminator, torch.rand(2, 3, 64, 64))
    assert found == [(64, 32), (128, 16), (256, 8), (512, 4), (3,)]
    kernels = 3 * 64 + 64 * 128 + 128 * 256 + 256 * 512
    convolutions, norms = kernels * 25 + 64 + 128 + 256 + 512, 2 * (128 + 256 + 512)
    assert parameters(discriminator) == convolutions + norms + 512 * 3 + 3
    kinds = [type(layer) for layer in discriminator.layers]
    assert kinds[:3] == [SameConv2d, nn.LeakyReLU, nn.Dropout]  # no batch norm in the first
    assert kinds[3:7] == [SameConv2d, nn.BatchNorm2d, nn.LeakyReLU, nn.Dropout]
    assert kinds[-2:] == [nn.AdaptiveAvgPool2d, nn.Flatten]


def test_vanilla_gan_is_table_3_9():
    generator, discriminator = VanillaGenerator(), VanillaDiscriminator(outputs=1)
    assert parameters(generator) == 100 * 128 + 128 + 128 * 784 + 784
    assert parameters(discriminator) == 784 * 128 + 128 + 128 + 1
    deviation = discriminator.hidden[1].weight.std().item()
    assert deviation == pytest.approx((2 / 784) ** 0.5, rel=0.02)
    grey = generator(torch.rand(2, 100))
    assert grey.shape == (2, 1, 28, 28)
    widths = [tuple(p.shape) for p in generator.parameters()]
    assert widths == [(128, 100), (128,), (784, 128), (784,)]
    assert discriminator.features(grey).shape == (2, 128)


def test_joint_32_is_configuration_1_in_the_other_order():
    for joint, paper, arguments in (
        (Joint32Generator, Config1Generator, {}),
        (Joint32Discriminator, Config1Discriminator, {"outputs": 11}),
    ):
        mine, theirs = joint(**arguments), paper(**arguments)
        assert parameters(mine) == parameters(theirs)
        kinds = [type(layer) for layer in mine.layers]
        for i, kind in enumerate(kinds):
            if kind is nn.BatchNorm2d:
                assert kinds[i - 1] is nn.LeakyReLU


@pytest.mark.parametrize(
    ("made", "judge", "side"),
    [(Joint64Generator, Joint64Discriminator, 4), (Joint96Generator, Joint96Discriminator, 6)],
)
def test_the_larger_joint_networks(made, judge, side):
    generator, discriminator = made(), judge(outputs=11)
    start = generator.project(torch.zeros(2, 100)).view(2, 256, side, side)
    shapes = []
    for layer in generator.layers:
        start = layer(start)
        if isinstance(layer, nn.ConvTranspose2d):
            shapes.append(tuple(start.shape[1:3]))
    assert shapes == [(128, side * 2), (64, side * 4), (32, side * 8), (3, side * 16)]
    kernels = (256 * 128 + 128 * 64 + 64 * 32 + 32 * 3) * 25
    dense = 101 * 256 * side**2
    assert parameters(generator) == dense + kernels + (128 + 64 + 32 + 3) + 2 * (
        256 + 128 + 64 + 32
    )
    given = torch.rand(2, 3, side * 16, side * 16)
    shapes = sizes(discriminator, given)
    assert shapes == [(32, side * 8), (64, side * 4), (128, side * 2), (256, side), (11,)]
    kernels = (3 * 32 + 32 * 64 + 64 * 128 + 128 * 256) * 25
    norms, biases = 2 * (32 + 64 + 128 + 256), 32 + 64 + 128 + 256
    assert parameters(discriminator) == kernels + biases + norms + (256 * side**2 + 1) * 11


def test_cnn_m_is_figure_4_3():
    network = CnnM64(outputs=3)
    shapes = []
    given = torch.rand(2, 3, 64, 64)
    for layer in network.layers:
        given = layer(given)
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            shapes.append(tuple(given.shape[1:3]))
    assert shapes == [(96, 29), (96, 14), (256, 7), (256, 4), *[(512, 4)] * 3, (512, 2)]
    kernels = 3 * 96 * 49 + 96 * 256 * 25 + (256 * 512 + 2 * 512 * 512) * 9
    biases, norms = 96 + 256 + 3 * 512, 2 * (96 + 256 + 3 * 512)
    dense = 2_048 * 4096 + 4096 + 4096 * 3 + 3
    assert parameters(network) == kernels + biases + norms + dense


def test_the_vgg_like_body():
    network = VggDiscriminator64(outputs=11)
    found = sizes(network, torch.rand(2, 3, 64, 64))
    wanted = [(32, 64)] * 2 + [(64, 32)] * 2 + [(128, 16)] * 2 + [(256, 8)] * 2
    assert found == [*wanted, (11,)]
    kernels = 3 * 32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128**2 + 128 * 256 + 256**2
    biases, norms = 2 * (32 + 64 + 128 + 256), 4 * (32 + 64 + 128 + 256)
    assert parameters(network) == kernels * 9 + biases + norms + 257 * 11
    assert parameters(VggDiscriminator96(outputs=11)) == parameters(network)


def test_the_resnet_like_body():
    network = ResNetDiscriminator64(outputs=11)
    given, shapes = torch.rand(2, 3, 64, 64), []
    for layer in network.layers:
        given = layer(given)
        if isinstance(layer, nn.Conv2d | Residual):
            shapes.append(tuple(given.shape[1:3]))
    assert shapes == [(32, 32), *[(32, 32)] * 2, *[(64, 16)] * 2, *[(128, 8)] * 2, *[(256, 4)] * 2]
    first = 3 * 32 * 9 + 2 * 32
    blocks = 0
    for inputs, width in ((32, 32), (32, 64), (64, 128), (128, 256)):
        one = inputs * width * 9 + width**2 * 9 + 4 * width  # no biases before a norm
        shortcut = 0 if inputs == width else inputs * width + 2 * width
        blocks += one + shortcut + 2 * width**2 * 9 + 4 * width
    assert parameters(network) == first + blocks + 257 * 11
    assert parameters(ResNetDiscriminator96(outputs=11)) == parameters(network)


def test_the_capsules():
    network = CapsuleDiscriminator32(outputs=11)
    maps = network.convolution(torch.rand(2, 3, 32, 32))
    assert maps.shape == (2, 128, 12, 12)  # (32 - 9) // 2 + 1
    assert network.primary(maps).shape == (2, 16 * 8, 4, 4)
    assert network.features(torch.rand(2, 3, 32, 32)).shape == (2, 16 * 4 * 4 * 8)
    convolutions = 3 * 128 * 81 + 128 + 128 * 128 * 25 + 128
    votes = 256 * 11 * 8 * 16
    assert parameters(network) == convolutions + votes + 11 * 16 + 11


def test_the_talks_networks():
    assert sizes(TalkGenerator(), torch.rand(2, 256, 4, 4)) == [(128, 8), (64, 16), (3, 32)]
    shapes = [(64, 16), (128, 8), (256, 4)]
    assert sizes(TalkDiscriminator(outputs=8), torch.rand(2, 3, 32, 32)) == [*shapes, (8,)]
    conditional = TalkConditionalDiscriminator(outputs=1, classes=7)
    assert sizes(conditional.body, torch.rand(2, 4, 32, 32)) == [*shapes, (1,)]
    plain = parameters(TalkDiscriminator(outputs=1))
    label = 7 * 50 + 50 * 1024 + 1024
    assert parameters(conditional) == plain + 25 * 64 + label  # one more channel
    norms = 2 * (128 + 256)
    assert (
        parameters(TalkConditionalCritic(outputs=1, classes=7)) == parameters(conditional) - norms
    )
    generator = TalkConditionalGenerator(classes=7)
    kernels = 256 * 128 + 128 * 64 + 64 * 3
    body = 150 * 4096 + 4096 + kernels * 25 + 128 + 64 + 3 + 2 * (256 + 128 + 64)
    assert parameters(generator) == 7 * 50 + body
    critic = TalkCritic(outputs=8)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in critic.modules())
    kernels = 3 * 64 + 64 * 128 + 128 * 256
    assert parameters(critic) == kernels * 25 + 64 + 128 + 256 + 4096 * 8 + 8
    told = TalkConditionalDiscriminator(outputs=1, classes=7).eval()
    image = torch.rand(2, 3, 32, 32)
    label = torch.tensor([0, 1])
    assert not torch.equal(told(image, label), told(image, 1 - label))


def test_capsules_are_shorter_than_one_and_keep_their_direction():
    vectors = torch.tensor([[3.0, 4.0], [0.03, 0.04]])
    short = squash(vectors)
    assert short.norm(dim=1).tolist() == pytest.approx([25 / 26, 0.0025 / 1.0025], rel=1e-3)
    assert torch.allclose(short[:, 0] / short[:, 1], torch.tensor([0.75, 0.75]))


def test_same_deconvolution_is_tensorflows():
    for k in (5, 7):
        layer = SameDeconvolution(1, 1, k)
        given = torch.rand(1, 1, 6, 6)
        full = F.conv_transpose2d(given, layer.weight, layer.bias, stride=2)
        before = (k - 2) // 2
        assert torch.allclose(layer(given), full[:, :, before : before + 12, before : before + 12])


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


EVERY = [("generators", name) for name in GENERATORS] + [
    ("recognisers", name) for name in RECOGNISERS
]
REGISTRIES = {"generators": GENERATORS, "recognisers": RECOGNISERS}


def test_every_discriminator_is_a_recogniser():
    assert DISCRIMINATORS.items() <= RECOGNISERS.items()
    assert "cnn-m-64" not in DISCRIMINATORS


@pytest.mark.parametrize(("registry", "name"), EVERY, ids=str)
def test_every_network_trains_and_survives_the_disk(registry, name, tmp_path):
    generates = registry == "generators"
    kind = REGISTRIES[registry][name]
    conditional = hasattr(kind, "conditional")
    arguments = {"noise": 20} if generates else {"outputs": OUTPUTS}
    arguments |= {"classes": 3} if conditional else {}
    arguments |= {"image_size": 32} if takes_size(kind) else {}  # quicker
    network = kind(**arguments)
    side, channels = network.image_size, channels_of(network)
    time = (frames_of(network),) if frames_of(network) > 1 else ()
    given = (torch.rand(4, 20) if generates else torch.rand(4, *time, channels, side, side),)
    given += (torch.tensor([0, 1, 2, 0]),) if conditional else ()
    given += (torch.rand(4, landmarks_of(network), 2),) if landmarks_of(network) else ()
    out = network(*given)
    assert torch.isfinite(out).all()
    if generates:
        assert out.shape == (4, 1 if name == "vanilla" else 3, side, side)
        assert out.abs().max() <= 1
    else:
        assert out.shape == (4, OUTPUTS)
        assert network.features(*given).shape[0] == 4
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    save_network(tmp_path / name, network, NetworkCard(name, arguments))
    again, card = load_network(tmp_path / name, REGISTRIES[registry])
    assert card == NetworkCard(name, arguments)
    assert torch.equal(again(*given), network.eval()(*given))


def test_base_48_halves_its_grid_four_times():
    network = Base48(outputs=112)
    images = torch.zeros(2, 1, 48, 48)
    sizes = []
    for layer in network.layers:
        images = layer(images)
        sizes.append(tuple(images.shape[1:]))
    assert sizes[0] == (32, 48, 48)
    assert sizes[3:] == [(32, 24, 24), *[(64, 12, 12)] * 2, *[(144, 6, 6)] * 2, *[(240, 3, 3)] * 2]
    assert network(torch.zeros(2, 1, 48, 48)).shape == (2, 112)
    assert sum(p.numel() for p in network.parameters()) == 2_777_892
