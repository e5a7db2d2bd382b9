"""Networks. They take numbers, never configurations; to add one: a file, and a line here."""

from torch import nn

from mien.models.gan.categorical28 import Categorical28Discriminator, Categorical28Generator
from mien.models.gan.config1 import Config1Discriminator, Config1Generator

GENERATORS: dict[str, type[nn.Module]] = {
    "categorical-28": Categorical28Generator,
    "config1": Config1Generator,
}

DISCRIMINATORS: dict[str, type[nn.Module]] = {
    "categorical-28": Categorical28Discriminator,
    "config1": Config1Discriminator,
}
