"""Weights that others trained: their layouts, tensor by tensor, and what is refused."""

import itertools
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mien.errors import InputError
from mien.models.pretrained import load_pretrained
from mien.models.recognition.cnn_m import CnnM
from mien.models.recognition.resnet50 import ResNet50
from mien.models.recognition.vgg16 import Vgg16, VggFace

SIDE = 32
PLACES = (SIDE // 32) ** 2 * 512
VGG_WIDTHS = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
TORCHVISION_VGG = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]  # places in `features`
CAFFE_VGG = ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3",
             "5_1", "5_2", "5_3"]  # fmt: skip


NUMBERS = itertools.count(1)


def tensor(*shape: int) -> torch.Tensor:
    """Another number in every tensor, many times: one in memory."""
    return torch.tensor([next(NUMBERS) + 0.5]).expand(shape)


def layer(name: str, *shape: int) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": tensor(*shape), f"{name}.bias": tensor(shape[0])}


def vgg_convolutions(names: list[str]) -> dict[str, torch.Tensor]:
    found, before = {}, 3
    for name, width in zip(names, VGG_WIDTHS, strict=True):
        found |= layer(name, width, before, 3, 3)
        before = width
    return found


def torchvision_vgg() -> dict[str, torch.Tensor]:
    return {
        **vgg_convolutions([f"features.{place}" for place in TORCHVISION_VGG]),
        **layer("classifier.0", 4096, PLACES),
        **layer("classifier.3", 4096, 4096),
        **layer("classifier.6", 1000, 4096),
    }


def timm_vgg() -> dict[str, torch.Tensor]:
    side = SIDE // 32
    return {
        **vgg_convolutions([f"features.{place}" for place in TORCHVISION_VGG]),
        **layer("pre_logits.fc1", 4096, 512, side, side),
        **layer("pre_logits.fc2", 4096, 4096, 1, 1),
        **layer("head.fc", 1000, 4096),
    }


def vgg_face() -> dict[str, torch.Tensor]:
    return {
        **vgg_convolutions([f"conv{number}" for number in CAFFE_VGG]),
        **layer("fc6", 4096, PLACES),
        **layer("fc7", 4096, 4096),
        **layer("fc8", 2622, 4096),
    }


def norm(name: str, width: int) -> dict[str, torch.Tensor]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {
        **{f"{name}.{part}": tensor(width) for part in parts},
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def resnet(counted: bool = True) -> dict[str, torch.Tensor]:
    """torchvision's and timm's resnet50."""
    found = {"conv1.weight": tensor(64, 3, 7, 7), **norm("bn1", 64), **layer("fc", 1000, 2048)}
    before = 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for number in range(blocks):
            place = f"layer{stage}.{number}"
            found |= {
                f"{place}.conv1.weight": tensor(width, before, 1, 1),
                f"{place}.conv2.weight": tensor(width, width, 3, 3),
                f"{place}.conv3.weight": tensor(4 * width, width, 1, 1),
                **norm(f"{place}.bn1", width),
                **norm(f"{place}.bn2", width),
                **norm(f"{place}.bn3", 4 * width),
            }
            if number == 0:
                found[f"{place}.downsample.0.weight"] = tensor(4 * width, before, 1, 1)
                found |= norm(f"{place}.downsample.1", 4 * width)
            before = 4 * width
    return {k: v for k, v in found.items() if counted or "num_batches" not in k}


def unfilled(kind: type[torch.nn.Module], **arguments: int) -> torch.nn.Module:
    """A network without the time that it takes to draw its numbers."""
    with torch.device("meta"):
        network = kind(outputs=2, **arguments)
    return network.to_empty(device="cpu")


def taken(network: torch.nn.Module, given: dict[str, torch.Tensor]) -> dict[str, str]:
    """Whose weights each of the network's tensors has: names of its own to those of the file."""
    by_value = {t.flatten()[0].item(): name for name, t in given.items() if t.ndim}
    found = {}
    for name, mine in network.state_dict().items():
        if mine.ndim == 0:
            continue
        ends = mine.flatten()[[0, -1]].tolist()
        if ends[0] == ends[1] and ends[0] in by_value:
            found[name] = by_value[ends[0]]
    return found


DENSE = ["layers.33", "layers.36", "layers.39"]
CONVOLUTIONS = [f"layers.{place + 1}" for place in TORCHVISION_VGG]


@pytest.mark.parametrize(
    ("make", "dense", "left"),
    [
        (torchvision_vgg, ["classifier.0", "classifier.3"], "classifier.6.weight"),
        (timm_vgg, ["pre_logits.fc1", "pre_logits.fc2"], "head.fc.weight"),
        (vgg_face, ["fc6", "fc7", "fc8"], ""),
    ],
)
def test_every_vgg_layout_is_covered_one_to_one(make, dense, left, tmp_path):
    given = make()
    torch.save(given, tmp_path / "vgg.pth")
    network = unfilled(Vgg16, image_size=SIDE)
    told = load_pretrained(tmp_path / "vgg.pth", network)
    prefix = "conv" if make is vgg_face else "features."
    numbers = CAFFE_VGG if make is vgg_face else map(str, TORCHVISION_VGG)
    pairs = [*zip(CONVOLUTIONS, (prefix + n for n in numbers), strict=True),
             *zip(DENSE, dense, strict=False)]  # fmt: skip
    wanted = {f"{ours}.{p}": f"{theirs}.{p}" for ours, theirs in pairs for p in ("weight", "bias")}
    assert taken(network, given) == wanted
    assert f"{len(wanted)} tensors" in told
    assert ("left out" in told) == bool(left)
    assert left in told
    assert "from random numbers: " in told
    assert "head.weight, head.bias" in told


@pytest.mark.parametrize("counted", [True, False])
def test_resnets_layout_is_covered_one_to_one(counted, tmp_path):
    given = resnet(counted)
    save_file({k: v.contiguous() for k, v in given.items()}, tmp_path / "resnet50.safetensors")
    network = unfilled(ResNet50)
    told = load_pretrained(tmp_path / "resnet50.safetensors", network)
    wanted = {n: n for n in given if not n.startswith("fc.") and "num_batches" not in n}
    assert taken(network, given) == wanted
    assert told.endswith(
        "left out: fc.weight, fc.bias; from random numbers: head.weight, head.bias"
    )


def test_inputs_are_as_the_weights_expect(tmp_path):
    """A grey of 51 is (0.2 - mean) / deviation to torchvision, 51 - mean to VGG-Face."""
    grey = torch.full((1, 3, 1, 1), 51 / 127.5 - 1)
    for make, wanted in (
        (torchvision_vgg, [(0.2 - m) / d for m, d in
                           zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)]),
        (vgg_face, [51 - m for m in (129.1863, 104.7624, 93.5940)]),
    ):  # fmt: skip
        torch.save(make(), tmp_path / "vgg.pth")
        network = unfilled(VggFace, image_size=SIDE)
        load_pretrained(tmp_path / "vgg.pth", network)
        assert network.layers[0](grey).flatten().tolist() == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("wrap", [lambda g: {"state_dict": g, "epoch": 3},
                                  lambda g: {f"module.{k}": v for k, v in g.items()}])  # fmt: skip
def test_wrapped_weights_are_found(wrap, tmp_path):
    torch.save(wrap(resnet()), tmp_path / "resnet50.pth")
    assert "318 tensors" in load_pretrained(tmp_path / "resnet50.pth", unfilled(ResNet50))


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def changed(given: dict[str, torch.Tensor], **changes: torch.Tensor | None):
    """The weights with a tensor changed, added, or (None) left out; __ stands for a dot."""
    new = {**given, **{name.replace("__", "."): tensor for name, tensor in changes.items()}}
    return {name: tensor for name, tensor in new.items() if tensor is not None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer4__2__conv3__weight": None}, "lacks layer4.2.conv3.weight"),
        ({"extra__weight": torch.zeros(1)}, "has an unknown extra.weight"),
        (
            {"layer1__0__conv1__weight": torch.zeros(64, 32, 1, 1)},
            "layer1.0.conv1.weight is 64 x 32 x 1 x 1, and the recipe's network takes 64 x 64",
        ),
    ],
)
def test_a_wrong_file_names_its_tensor_and_changes_nothing(changes, words, tmp_path):
    torch.save(changed(resnet(), **changes), tmp_path / "w.pth")
    network = unfilled(ResNet50)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with pytest.raises(InputError) as caught:
        load_pretrained(tmp_path / "w.pth", network)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(same(v, before[k]) for k, v in network.state_dict().items())


def test_weights_of_another_size_say_which(tmp_path):
    given = changed(vgg_face(), fc6__weight=torch.rand(1).expand(4096, 25088))
    torch.save(given, tmp_path / "vgg_face_dag.pth")
    with pytest.raises(InputError, match=r"fc6.weight is 4096 x 25088.*image_size=224"):
        load_pretrained(tmp_path / "vgg_face_dag.pth", unfilled(VggFace, image_size=SIDE))


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/mien-was-here"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read as weights"),
        (b"not weights", "cannot be read as weights"),
        (pickle.dumps(Evil()), "cannot be read as weights"),
        ({"a": 1}, "holds no weights by name, but 'a', a int"),
        ([1, 2], "holds no weights by name, but a list"),
        ({}, "holds no CnnM (mien): nothing is none"),
        ({"conv1.weight": torch.zeros(1)}, "conv1.weight is none of its tensors"),
    ],
    ids=str,
)
def test_what_holds_no_weights_is_refused_in_one_line(content, words, tmp_path):
    path = tmp_path / "w.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError) as caught:
        load_pretrained(path, unfilled(CnnM, image_size=SIDE))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("/tmp/mien-was-here").exists()
