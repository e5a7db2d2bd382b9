"""CNN-M (Chatfield et al. 2014; benroumpi-2018, figure 4.3): what its GAN is compared with.

Input size and activation are not stated: 64 px, as the GAN's, and ReLU.
"""

from mien.models.recognition.cnn_m import CnnM


class CnnM64(CnnM):
    """Images (N, 3, 64, 64) in [-1, 1] to raw outputs (N, outputs)."""

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs, image_size=64)
