"""What a step returns to the loop."""

from torch import Tensor

Log = dict[str, Tensor]
"""Scalars by name, `NETWORK/WHAT`."""
