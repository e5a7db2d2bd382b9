"""The capsule discriminator that benroumpi-2018 names as future work (section 7.3), for 32 x 32.

After Sabour et al. 2017: a 9 x 9 convolution, primary capsules of 8 numbers, one capsule of 16 per
output by three rounds of routing by agreement. Neither they nor CapsuleGAN (Jaiswal et al. 2018)
say what to do with outputs that are no probabilities: here every output, unit, affect or fake, is
read linearly from its own capsule, not from its length.
"""

import torch
from torch import Tensor, nn

from mien.models.layers import LEAK, initialise

PRIMARY, PRIMARY_SIZE, SIZE, ROUNDS = 16, 8, 16, 3


def squash(s: Tensor) -> Tensor:
    """Shrink vectors (..., D) to a length below 1, their direction kept (Sabour et al., eq. 1)."""
    square = (s * s).sum(-1, keepdim=True)
    return square / (1 + square) * s / (square + 1e-9).sqrt()


class CapsuleDiscriminator32(nn.Module):
    """Images (N, 3, 32, 32) in [-1, 1] to raw outputs (N, outputs)."""

    image_size = 32

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Sequential(nn.Conv2d(3, 128, 9, stride=2), nn.LeakyReLU(LEAK))
        self.primary = nn.Conv2d(128, PRIMARY * PRIMARY_SIZE, 5, stride=2)
        inputs = PRIMARY * 4 * 4
        self.votes = nn.Parameter(torch.randn(inputs, outputs, PRIMARY_SIZE, SIZE) * 0.1)
        self.weight = nn.Parameter(torch.randn(outputs, SIZE) * 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        initialise(self, fan_in=True)

    def features(self, images: Tensor) -> Tensor:
        """Map images to (N, 2048), the primary capsules."""
        maps = self.primary(self.convolution(images))
        parts = maps.view(images.shape[0], PRIMARY, PRIMARY_SIZE, -1).permute(0, 1, 3, 2)
        return squash(parts.reshape(images.shape[0], -1, PRIMARY_SIZE).float()).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, 32, 32) to (N, outputs)."""
        with torch.autocast("cpu", enabled=False):
            inputs = self.features(images).view(len(images), -1, PRIMARY_SIZE)
            votes = torch.einsum("nid,iodk->niok", inputs, self.votes)
            agreement = torch.zeros(votes.shape[:3])
            still = votes.detach()
            for _ in range(ROUNDS - 1):
                capsules = squash((agreement.softmax(2)[..., None] * still).sum(1))
                agreement = agreement + (still * capsules[:, None]).sum(-1)
            capsules = squash((agreement.softmax(2)[..., None] * votes).sum(1))
            return (capsules * self.weight).sum(-1) * 8 + self.bias
