"""ResNet-50 (He et al. 2016), of benroumpi-2018 (Figure 2.21) and au-va-thesis (section 2.4.4).

stage   layers                                      maps   at 96 px
conv 1  7 x 7, stride 2                             64     48
pool    max 3 x 3, stride 2                         64     24
1       3 x (1 x 1, 3 x 3, 1 x 1), 64-64-256        256    24
2       4 x (1 x 1, 3 x 3, 1 x 1), 128-128-512      512    12
3       6 x (1 x 1, 3 x 3, 1 x 1), 256-256-1024     1024   6
4       3 x (1 x 1, 3 x 3, 1 x 1), 512-512-2048     2048   3
pool    mean over all places                        2048
fc      the outputs

Batch norm and ReLU follow every convolution; the last ReLU of a bottleneck follows the sum. The
documents say "3 bottleneck architectures" and list four: these are the four. The stride of a stage
is in its 3 x 3 convolution, as in all weights that are given away today.
"""

from torch import Tensor, nn

from mien.models.layers import InputRange, check_side

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
EXPANSION = 4


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 beside the identity, or beside a 1 x 1 where sizes differ."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = EXPANSION * width
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 4 width, H / stride, W / stride)."""
        found = self.relu(self.bn1(self.conv1(x)))
        found = self.relu(self.bn2(self.conv2(found)))
        summed: Tensor = self.relu(self.bn3(self.conv3(found)) + self.downsample(x))
        return summed


class ResNet50(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] to raw outputs (N, outputs). dropout: before the outputs."""

    widths = (STAGES[-1][0] * EXPANSION,)

    def __init__(self, outputs: int, image_size: int = 96, dropout: float = 0.5) -> None:
        super().__init__()
        self.image_size = check_side("resnet-50", image_size)
        self.range = InputRange()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        before, stages = 64, []
        for number, (width, blocks) in enumerate(STAGES):
            stage = []
            for block in range(blocks):
                stage.append(Bottleneck(before, width, 2 if number and block == 0 else 1))
                before = EXPANSION * width
            stages.append(nn.Sequential(*stage))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(before, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, images: Tensor, layer: int = 1) -> Tensor:
        """Map images to (N, 2048), the means of the last maps."""
        found = self.pool(self.relu(self.bn1(self.conv1(self.range(images)))))
        found = self.layer4(self.layer3(self.layer2(self.layer1(found))))
        mean: Tensor = found.mean((2, 3))
        return mean

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, S, S) to (N, outputs)."""
        outputs: Tensor = self.head(self.dropout(self.features(images)))
        return outputs
