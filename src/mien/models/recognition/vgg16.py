"""VGG-16 (Simonyan & Zisserman 2015) as benroumpi-2018 has it, Figure 2.20, for VGG-Face too.

block  layers                     maps   at 96 px
1      2 x conv 3 x 3, max pool   64     48
2      2 x conv 3 x 3, max pool   128    24
3      3 x conv 3 x 3, max pool   256    12
4      3 x conv 3 x 3, max pool   512    6
5      3 x conv 3 x 3, max pool   512    3
6      fully connected, dropout   4096
7      fully connected, dropout   4096
8      fully connected, dropout   2622
9      fully connected            the outputs

The 2622 people of VGG-Face (Parkhi et al. 2015) stay, between body and outputs, in both networks.
Readings: ReLU after every layer but the last; dropout 0.5 (au-va-thesis, section 2.4.4); 96 px.
Weights that others trained need 224 px, for fc 1 has an input per place.
"""

from torch import Tensor, nn

from mien.errors import InputError
from mien.models.layers import InputRange, check_side, initialise

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DENSE = (4096, 4096, 2622)


class Vgg16(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] to raw outputs (N, outputs); S from 32. widths: of `features`.

    dropout: share of the numbers of each fully connected layer but the last.
    """

    widths = DENSE

    def __init__(self, outputs: int, image_size: int = 96, dropout: float = 0.5) -> None:
        super().__init__()
        self.image_size = check_side("vgg-16", image_size)
        layers: list[nn.Module] = [InputRange()]
        before = 3
        for block in BLOCKS:
            for maps in block:
                layers += [nn.Conv2d(before, maps, 3, padding=1), nn.ReLU()]
                before = maps
            layers.append(nn.MaxPool2d(2, 2))
        layers.append(nn.Flatten())
        before *= (image_size // 2 ** len(BLOCKS)) ** 2
        for width in DENSE:
            layers += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout)]
            before = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(before, outputs)
        initialise(self, fan_in=True)

    def features(self, images: Tensor, layer: int = len(DENSE)) -> Tensor:
        """Map images to what fully connected layer 1, 2 or 3 says, (N, widths[layer - 1]).

        It is after the ReLU and before the dropout. Raises InputError for another layer.
        """
        if not 1 <= layer <= len(DENSE):
            raise InputError(f"features of layer {layer}: there are 1 to {len(DENSE)}")
        above = 3 * (len(DENSE) - layer) + 1
        found: Tensor = self.layers[:-above](images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.layers[-1](self.features(images)))
        return outputs


class VggFace(Vgg16):
    """The same layers; its weights, where they are given, are those that know 2622 people."""
