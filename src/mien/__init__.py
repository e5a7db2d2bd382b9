"""mien: facial affect in the wild, from raw video to affect GANs and honest evaluation."""

__version__ = "0.1.0"
