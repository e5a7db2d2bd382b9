"""Weights that others trained, read from a file in one of the layouts that they are given away in.

A layout says, tensor by tensor, which of the network's own it becomes, and what range and order of
colours the weights expect. Nothing is fetched, and loading executes no code from the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mien.errors import InputError
from mien.models.recognition.resnet50 import ResNet50
from mien.models.recognition.vgg16 import BLOCKS, Vgg16

WEIGHT_FILES = (".safetensors", ".pth", ".pt")
_SHOWN = 3


@dataclass(frozen=True)
class Colours:
    """What weights were trained on: (value / 255 * `full` - mean) / deviation, per channel, RGB."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    full: float = 1.0

    def range(self) -> tuple[Tensor, Tensor]:
        """Scale and shift (3,) from mien's [-1, 1] (`layers.InputRange`)."""
        mean, deviation = torch.tensor(self.mean), torch.tensor(self.deviation)
        half = self.full / 2
        return half / deviation, (half - mean) / deviation


IMAGENET = Colours((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of torchvision's and timm's weights."""
FACES = Colours((129.186279296875, 104.76238250732422, 93.59396362304688), (1.0, 1.0, 1.0), 255.0)
"""Of VGG-Face's, in torch: RGB bytes minus the mean of its faces. The Caffe files are of BGR."""


@dataclass(frozen=True)
class Layout:
    """A way to name a network's tensors.

    names: theirs to the network's own; None for those that only their task needs. colours: what
    the weights expect, with the names of the network's scale and shift; None for its own.
    """

    title: str
    names: Mapping[str, str | None]
    colours: Colours | None = None
    range: str = ""


def layouts_of(network: nn.Module) -> tuple[Layout, ...]:
    """Layouts that a network's weights are given away in; its own is the last."""
    own = Layout("mien", {name: name for name in network.state_dict()})
    for kind, make in _LAYOUTS.items():
        if isinstance(network, kind):
            return (*make(network), own)
    return (own,)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file; raises InputError where it holds anything else."""
    try:
        if path.suffix.lower() == ".safetensors":
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        told = str(error).partition("\n")[0].partition(" Please file")[0]
        raise InputError(f"{path}: cannot be read as weights: {told}") from error
    while isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not all(isinstance(t, Tensor) for t in found.values()):
        raise InputError(f"{path}: holds no weights by name, but {_kind(found)}")
    return {str(name).removeprefix("module."): tensor for name, tensor in found.items()}


def load_pretrained(path: Path, network: nn.Module, with_outputs: bool = False) -> str:
    """Load a file into a network and say, in words, what was taken and what was left out.

    with_outputs: whether the file's outputs are the network's; else they begin anew. Raises
    InputError, with a tensor's name, where the file lacks one, has one that its layout does not
    know, or has one of another shape; the network is then as it was.
    """
    found = read_weights(path)
    layout = _layout(path, found, network)
    known = {t: o for t, o in layout.names.items() if t in found or not _counts(t)}
    wanted = {t: o for t, o in known.items() if o is not None and (with_outputs or not _is_head(o))}
    _refuse(path, layout, "lacks", [name for name in wanted if name not in found])
    _refuse(path, layout, "has an unknown", [n for n in found if n not in layout.names])
    state = dict(network.state_dict())
    for theirs, ours in wanted.items():
        state[ours] = _shaped(path, theirs, found[theirs], ours, state[ours])
    anew = [o for o in state if o not in wanted.values() and not _counts(o)]
    if layout.colours is not None:
        scale, shift = f"{layout.range}.scale", f"{layout.range}.shift"
        state[scale], state[shift] = layout.colours.range()
        anew = [name for name in anew if name not in (scale, shift)]
    network.load_state_dict(state)
    left = [name for name in known if name in found and name not in wanted]
    told = f"{path}: {len(wanted)} tensors by {layout.title}'s names"
    told += f"; left out: {', '.join(left)}" if left else ""
    return told + (f"; from random numbers: {', '.join(anew)}" if anew else "")


def _layout(path: Path, found: Mapping[str, Tensor], network: nn.Module) -> Layout:
    """The layout with most of the file's names; InputError where none has any."""
    layouts = layouts_of(network)
    shares = [len(found.keys() & layout.names.keys()) / len(layout.names) for layout in layouts]
    if not max(shares):
        titles = ", ".join(layout.title for layout in layouts)
        raise InputError(
            f"{path}: holds no {type(network).__name__} ({titles}): "
            f"{next(iter(found), 'nothing')} is none of its tensors"
        )
    return layouts[shares.index(max(shares))]


def _refuse(path: Path, layout: Layout, what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        shown = ", ".join(names[:_SHOWN])
        raise InputError(f"{path}: {what} {shown}{more} ({layout.title}'s layout)")


def _shaped(path: Path, theirs: str, tensor: Tensor, ours: str, wanted: Tensor) -> Tensor:
    """The tensor in the network's shape: a fully connected layer may be stored as a convolution."""
    flat = tensor.flatten(1) if tensor.ndim == 4 and wanted.ndim == 2 else tensor
    if flat.shape != wanted.shape:
        sizes = [" x ".join(map(str, shape)) for shape in (tensor.shape, wanted.shape)]
        raise InputError(
            f"{path}: {theirs} is {sizes[0]}, and the recipe's network takes {sizes[1]} ({ours}); "
            "image_size and the network must be those of the file (of VGG's, image_size=224)"
        )
    return flat.to(wanted)


def _is_head(name: str | None) -> bool:
    """Whether a tensor of the network is of its outputs, which each recipe has its own of."""
    return name is not None and name.split(".")[0] == "head"


def _counts(name: str) -> bool:
    """Whether a tensor only counts batches: older files have none."""
    return name.endswith("num_batches_tracked")


def _kind(found: Any) -> str:
    if isinstance(found, Mapping):
        wrong = next(name for name, value in found.items() if not isinstance(value, Tensor))
        return f"{wrong!r}, a {type(found[wrong]).__name__}"
    return f"a {type(found).__name__}"


def _both(theirs: str, ours: str | None) -> dict[str, str | None]:
    """Weight and bias of a layer."""
    return {f"{theirs}.{p}": None if ours is None else f"{ours}.{p}" for p in ("weight", "bias")}


def _vgg(network: nn.Module) -> tuple[Layout, ...]:
    """torchvision's and timm's VGG-16 without batch norm, and VGG-Face's (`vgg_face_dag`)."""
    layers = network.get_submodule("layers")
    places = [i for i, layer in enumerate(layers.children()) if isinstance(layer, nn.Conv2d)]
    dense = [i for i, layer in enumerate(layers.children()) if isinstance(layer, nn.Linear)]
    numbers = [(b, c) for b, block in enumerate(BLOCKS, 1) for c in range(1, len(block) + 1)]
    convolutions: dict[str, str | None] = {}
    faces: dict[str, str | None] = {}
    for place, (block, number) in zip(places, numbers, strict=True):
        convolutions |= _both(f"features.{place - 1}", f"layers.{place}")
        faces |= _both(f"conv{block}_{number}", f"layers.{place}")
    for number, place in zip((6, 7, 8), dense, strict=True):
        faces |= _both(f"fc{number}", f"layers.{place}")
    first, second = (f"layers.{place}" for place in dense[:2])
    torchvision = _both("classifier.0", first) | _both("classifier.3", second)
    timm = _both("pre_logits.fc1", first) | _both("pre_logits.fc2", second)
    return (
        Layout(
            "torchvision", convolutions | torchvision | _both("classifier.6", None), IMAGENET,
            "layers.0",
        ),
        Layout("timm", convolutions | timm | _both("head.fc", None), IMAGENET, "layers.0"),
        Layout("VGG-Face", faces, FACES, "layers.0"),
    )  # fmt: skip


def _resnet(network: nn.Module) -> tuple[Layout, ...]:
    """torchvision's and timm's, which name all tensors alike."""
    body = {n: n for n in network.state_dict() if not _is_head(n) and not n.startswith("range.")}
    return (Layout("torchvision and timm", {**body, **_both("fc", None)}, IMAGENET, "range"),)


_LAYOUTS: dict[type[nn.Module], Callable[[nn.Module], tuple[Layout, ...]]] = {
    Vgg16: _vgg,
    ResNet50: _resnet,
}
