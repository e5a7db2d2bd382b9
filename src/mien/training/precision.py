"""Which precision a processor computes fastest in."""

import torch

_FEATURES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def computes_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16: elsewhere it is emulated, many times slower."""
    return any(getattr(torch.cpu, name, lambda: False)() for name in _FEATURES)


def fastest() -> str:
    """Name the precision of a recipe that is fastest here."""
    return "bfloat16" if computes_bfloat16() else "float32"
