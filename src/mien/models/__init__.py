"""Networks. They take numbers, never configurations; to add one: a file, and a line here.

Every network has image_size, and channels where not 3. Generators have noise; conditional ones
(`conditional`) take a class beside it and have classes. Recognisers and discriminators take their
number of outputs and have features(images), what their last layer sees.

Beyond that: one that works at several sizes takes `image_size`; `widths` are those of
features(images, layer) for layer 1, 2, ..., where recurrent networks may begin; `landmarks` is how
many points of a face it takes beside the images, (N, landmarks, 2); `frames` how many images at
once, (N, frames, channels, S, S).
"""

import inspect

from torch import nn

from mien.models.gan.bodies import (
    ResNetDiscriminator64,
    ResNetDiscriminator96,
    VggDiscriminator64,
    VggDiscriminator96,
)
from mien.models.gan.capsule import CapsuleDiscriminator32
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
from mien.models.recognition.avec_cnn import AvecCnn
from mien.models.recognition.base48 import Base48
from mien.models.recognition.cnn_3d import Cnn3d
from mien.models.recognition.cnn_m import CnnM, CnnMLandmarks
from mien.models.recognition.inception_v2 import InceptionV2
from mien.models.recognition.resnet50 import ResNet50
from mien.models.recognition.vgg16 import Vgg16, VggFace

GENERATORS: dict[str, type[nn.Module]] = {
    "categorical-28": Categorical28Generator,
    "config1": Config1Generator,
    "config2-5x5": Config2Generator,
    "config2-7x7": Config2Generator7,
    "joint-32": Joint32Generator,
    "joint-64": Joint64Generator,
    "joint-96": Joint96Generator,
    "regression-64": Regression64Generator,
    "talk": TalkGenerator,
    "talk-conditional": TalkConditionalGenerator,
    "vanilla": VanillaGenerator,
}

DISCRIMINATORS: dict[str, type[nn.Module]] = {
    "capsule-32": CapsuleDiscriminator32,
    "categorical-28": Categorical28Discriminator,
    "config1": Config1Discriminator,
    "config2-5x5": Config2Discriminator,
    "config2-7x7": Config2Discriminator7,
    "joint-32": Joint32Discriminator,
    "joint-64": Joint64Discriminator,
    "joint-96": Joint96Discriminator,
    "regression-64": Regression64Discriminator,
    "resnet-64": ResNetDiscriminator64,
    "resnet-96": ResNetDiscriminator96,
    "talk": TalkDiscriminator,
    "talk-conditional": TalkConditionalDiscriminator,
    "talk-critic": TalkCritic,
    "talk-conditional-critic": TalkConditionalCritic,
    "vanilla": VanillaDiscriminator,
    "vgg-64": VggDiscriminator64,
    "vgg-96": VggDiscriminator96,
}

RECOGNISERS: dict[str, type[nn.Module]] = {
    **DISCRIMINATORS,  # each is a recogniser too, without a GAN
    "avec-cnn": AvecCnn,
    "base-48": Base48,
    "cnn-3d": Cnn3d,
    "cnn-m": CnnM,
    "cnn-m-64": CnnM64,
    "cnn-m-landmarks": CnnMLandmarks,
    "inception-v2": InceptionV2,
    "resnet-50": ResNet50,
    "vgg-16": Vgg16,
    "vgg-face": VggFace,
}


def channels_of(network: nn.Module) -> int:
    """Colour channels that a network takes: 3, or 1 for grey."""
    return int(getattr(network, "channels", 3))


def takes_size(kind: type[nn.Module]) -> bool:
    """Whether a network works at several sizes of images: `image_size` is one of its arguments."""
    return "image_size" in inspect.signature(kind).parameters


def landmarks_of(network: nn.Module | type[nn.Module]) -> int:
    """Landmarks that a network takes beside every image; 0 of most."""
    return int(getattr(network, "landmarks", 0))


def frames_of(network: nn.Module | type[nn.Module]) -> int:
    """Frames that a network takes at once; 1 of most."""
    return int(getattr(network, "frames", 1))
