"""Layers and parameter counts of the documents' recognisers, worked out by hand."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from mien.errors import InputError
from mien.models import DISCRIMINATORS, RECOGNISERS
from mien.models.layers import InputRange, SameMaxPool2d
from mien.models.recognition.avec_cnn import AvecCnn, SameContrast
from mien.models.recognition.cnn_3d import Cnn3d
from mien.models.recognition.cnn_m import CnnM, CnnMLandmarks
from mien.models.recognition.inception_v2 import Inception, InceptionV2
from mien.models.recognition.resnet50 import Bottleneck, ResNet50
from mien.models.recognition.vgg16 import Vgg16


def shapes(layers: nn.Sequential, given: torch.Tensor, *kinds: type[nn.Module]):
    """Channels and side after every layer of these kinds."""
    found = []
    for layer in layers:
        given = layer(given)
        if isinstance(layer, kinds):
            found.append(tuple(given.shape[1:3]))
    return found


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


CNN_M_KERNELS = 3 * 96 * 49 + 96 * 256 * 25 + (256 * 512 + 2 * 512 * 512) * 9
CNN_M_NORMS = 3 * (96 + 256 + 3 * 512)  # with the biases before them


def test_cnn_m_is_figure_2_23():
    network = CnnM(outputs=2)
    found = shapes(network.layers, torch.rand(1, 3, 96, 96), nn.Conv2d, nn.MaxPool2d)
    assert found == [(96, 45), (96, 22), (256, 11), (256, 6), *[(512, 6)] * 3, (512, 3)]
    dense = 3 * 3 * 512 * 4096 + 4096 + 4096 * 2 + 2
    assert parameters(network) == CNN_M_KERNELS + CNN_M_NORMS + dense == 25_419_074
    assert network.widths == (4096,)


def test_cnn_m_with_landmarks_has_fifteen_more_numbers_at_fc_1():
    network = CnnMLandmarks(outputs=2)
    assert parameters(network) == parameters(CnnM(outputs=2)) + 15 * 4096


def test_a_missing_landmark_is_not_one_in_the_middle():
    network = CnnMLandmarks(outputs=2, image_size=32).eval()
    images, points = torch.rand(2, 3, 32, 32), torch.full((2, 5, 2), 0.0)
    points[1, 2, 0] = float("nan")
    given = network.dense[0].register_forward_hook(lambda _, args, __: seen.append(args[0]))
    seen: list[torch.Tensor] = []
    assert network(images, points).isfinite().all()
    given.remove()
    known = torch.ones(2, 5)
    known[1, 2] = 0
    assert torch.equal(seen[0][:, -5:], known)
    assert not seen[0][:, -15:-5].any()


@pytest.mark.parametrize(("side", "last"), [(32, 1), (64, 2), (80, 3), (96, 3), (128, 4), (224, 7)])
def test_cnn_m_works_at_any_size(side, last):
    network = CnnM(outputs=2, image_size=side)
    assert shapes(network.layers, torch.rand(1, 3, side, side), nn.MaxPool2d)[-1] == (512, last)


def test_vgg_16_is_figure_2_20():
    network = Vgg16(outputs=2)
    found = shapes(network.layers, torch.rand(1, 3, 96, 96), nn.Conv2d, nn.MaxPool2d)
    assert found == [
        *[(64, 96)] * 2, (64, 48),
        *[(128, 48)] * 2, (128, 24),
        *[(256, 24)] * 3, (256, 12),
        *[(512, 12)] * 3, (512, 6),
        *[(512, 6)] * 3, (512, 3),
    ]  # fmt: skip
    kernels = 9 * (
        3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 2 * 256 * 256
        + 256 * 512 + 2 * 512 * 512 + 3 * 512 * 512
    )  # fmt: skip
    biases = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    assert kernels + biases == 14_714_688
    dense = 9 * 512 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 2622 + 2622 + 2622 * 2 + 2
    assert parameters(network) == kernels + biases + dense
    kinds = [type(layer) for layer in network.layers[-9:]]
    assert kinds == [nn.Linear, nn.ReLU, nn.Dropout] * 3
    assert [layer.out_features for layer in network.layers[-9::3]] == [4096, 4096, 2622]


def test_features_come_after_any_fully_connected_layer():
    network = Vgg16(outputs=2, image_size=32).eval()
    images = torch.rand(2, 3, 32, 32)
    first, second, last = (network.features(images, layer) for layer in (1, 2, 3))
    assert [found.shape[1] for found in (first, second, last)] == list(network.widths)
    assert torch.equal(network.layers[-6:-4](first), second)
    assert torch.equal(network.layers[-3:-1](second), last)
    assert torch.equal(network.features(images), last)
    assert torch.equal(network.head(last), network(images))
    with pytest.raises(InputError, match="there are 1 to 3"):
        network.features(images, 4)


def test_vgg_drops_out_after_every_fully_connected_layer():
    network = Vgg16(outputs=2, image_size=32, dropout=0.999)
    given = torch.ones(1, 2622)
    assert (network.layers[-1](given) == 0).float().mean() > 0.9
    assert [network.layers[i].p for i in (-7, -4, -1)] == [0.999] * 3


def test_resnet_50_is_figure_2_21():
    network = ResNet50(outputs=2)
    given = network.pool(network.conv1(torch.rand(1, 3, 96, 96)))
    assert tuple(given.shape[1:3]) == (64, 24)
    wanted = [[(256, 24)] * 3, [(512, 12)] * 4, [(1024, 6)] * 6, [(2048, 3)] * 3]
    blocks, before = 0, 64
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    for stage, found, width in zip(stages, wanted, (64, 128, 256, 512), strict=True):
        assert shapes(stage, given, Bottleneck) == found
        given = stage(given)
        for number in range(len(found)):
            blocks += before * width + 9 * width * width + width * 4 * width + 2 * 6 * width
            if number == 0:
                blocks += before * 4 * width + 2 * 4 * width
            before = 4 * width
    stem = 3 * 64 * 49 + 2 * 64
    assert stem + blocks == 23_508_032  # He et al.'s 25.6 million without their 1000 classes
    assert parameters(network) == stem + blocks + 2048 * 2 + 2
    assert network.eval().features(torch.rand(1, 3, 96, 96)).shape == (1, 2048)


def test_inception_v2_is_its_table():
    network = InceptionV2(outputs=11)
    given = torch.rand(1, 3, 96, 96)
    found = []
    for layer in network.layers:
        given = layer(given)
        found.append(tuple(given.shape[1:3]))
    stem = [(64, 48), (64, 24), (64, 24), (192, 24), (192, 12)]
    modules = [(256, 12), (320, 12), *[(576, 6)] * 5, *[(1024, 3)] * 3]
    assert found == stem + modules
    kernels = 3 * 8 * 49 + 24 * 64 + 64 * 64 + 64 * 192 * 9
    norms = 2 * (64 + 64 + 192)
    rows = [  # before, 1 x 1, 3 x 3, double 3 x 3, the pool's
        (192, 64, 64, 64, 64, 96, 32), (256, 64, 64, 96, 64, 96, 64),
        (320, 0, 128, 160, 64, 96, 0),
        (576, 224, 64, 96, 96, 128, 128), (576, 192, 96, 128, 96, 128, 128),
        (576, 160, 128, 160, 128, 160, 96), (576, 96, 128, 192, 160, 192, 96),
        (576, 0, 128, 192, 192, 256, 0),
        (1024, 352, 192, 320, 160, 224, 128), (1024, 352, 192, 320, 192, 224, 128),
    ]  # fmt: skip
    for before, one, reduced, three, less, twice, pooled in rows:
        kernels += before * (one + reduced + less + pooled)
        kernels += 9 * (reduced * three + less * twice + twice * twice)
        norms += 2 * (one + reduced + three + less + 2 * twice + pooled)
    assert parameters(network) == kernels + norms + 1024 * 11 + 11


def test_the_inception_module_factorises_five_by_five():
    module = Inception(8, 4, (2, 4), (3, 6), "max", 2)
    kernels = [
        [c.kernel_size[0] for c in branch.modules() if isinstance(c, nn.Conv2d)]
        for branch in module.branches
    ]
    assert kernels == [[1], [1, 3], [1, 3, 3], [1]]
    image = torch.rand(1, 8, 5, 5)
    assert module(image).shape == (1, 4 + 4 + 6 + 2, 5, 5)
    assert torch.equal(module.eval()(image)[:, :4], module.branches[0](image))


def test_avec_cnn_is_section_2_4_4():
    network = AvecCnn(outputs=1)
    found = shapes(network.layers, torch.rand(1, 3, 96, 96), nn.Conv2d, nn.MaxPool2d)
    assert found == [(64, 96), (64, 48), (128, 48), (128, 24), (256, 24), (256, 2)]
    kernels = 25 * (3 * 64 + 64 * 128 + 128 * 256)
    dense = 4 * 256 * 300 + 300 + 300 + 1
    assert parameters(network) == kernels + 64 + 128 + 256 + dense
    assert network.features(torch.rand(2, 3, 96, 96)).shape == (2, 300)


def test_quadrant_pooling_keeps_the_quadrants_apart():
    maps = torch.zeros(1, 1, 24, 24)
    maps[0, 0, 3, 20] = 7
    pool = AvecCnn(outputs=1).layers[9]
    assert pool(maps).flatten().tolist() == [0, 7, 0, 0]


def test_brightness_and_contrast_do_not_matter_to_avec_cnn():
    picture = torch.rand(1, 3, 8, 8)
    same = SameContrast()
    assert torch.allclose(same(picture), same(picture * 0.3 - 0.2), atol=1e-5)
    assert same(torch.ones(1, 3, 8, 8)).abs().max() == 0


def test_cnn_3d_convolves_into_time():
    network = Cnn3d(outputs=2)
    given, found = torch.rand(1, 3, 7, 64, 64), []
    for layer in network.layers:
        given = layer(given)
        if isinstance(layer, nn.Conv3d | nn.MaxPool3d):
            found.append(tuple(given.shape[1:4]))
    assert found == [(16, 5, 58), (16, 5, 29), (32, 3, 23), (32, 3, 7), (128, 1, 1)]
    kernels = 3 * 7 * 7 * (3 * 16 + 16 * 32 + 32 * 128)
    assert parameters(network) == kernels + 16 + 32 + 128 + 128 * 2 + 2
    windows = torch.rand(2, 7, 3, 64, 64)
    assert not torch.allclose(network(windows), network(windows.flip(1)))


def test_same_max_pool_is_tensorflows():
    given = -torch.rand(1, 1, 5, 5) - 1  # below the zeros that must not win
    found = SameMaxPool2d(2, 2)(given)
    assert found.shape == (1, 1, 3, 3)
    assert found[0, 0, 2, 2] == given[0, 0, 4, 4]
    assert found[0, 0, 0, 0] == given[0, 0, :2, :2].max()
    odd = SameMaxPool2d(3, 2)(given)
    assert odd[0, 0, 0, 0] == given[0, 0, :2, :2].max()  # a pixel before, a pixel behind
    even = SameMaxPool2d(3, 2)(given[:, :, :4, :4])
    assert even[0, 0, 0, 0] == given[0, 0, :3, :3].max()  # only behind


def test_an_input_range_is_per_channel_and_kept():
    layer = InputRange()
    images = torch.rand(2, 3, 4, 4)
    assert torch.equal(layer(images), images)
    assert set(layer.state_dict()) == {"scale", "shift"}
    layer.scale[1], layer.shift[1] = 2, -1
    assert torch.equal(layer(images)[:, 1], images[:, 1] * 2 - 1)
    assert torch.equal(layer(images)[:, 0], images[:, 0])


def test_the_pages_parameters_are_the_networks():
    page = (Path(__file__).parents[2] / "docs" / "recognisers.md").read_text(encoding="utf-8")
    found = {}
    for names, number in re.findall(r"^\| (`.*?`) \|.*\| ([\d,]{6,}) \|", page, re.MULTILINE):
        for name in re.findall(r"`(.*?)`", names):
            found[name] = int(number.replace(",", ""))
    assert found.keys() == RECOGNISERS.keys() - DISCRIMINATORS.keys()
    with torch.device("meta"):
        assert found == {name: parameters(RECOGNISERS[name](outputs=2)) for name in found}
