"""Types that recipes and methods share: frozen, checked, no unknown keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """A table of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Network(Part):
    """A network by its registry name, and its learning rate."""

    network: str
    learning_rate: Positive


class Adjustments(Part):
    """What is asked of the loss of a head with classes or units (`losses/adjusted.py`).

    smoothing: share of a label that is spread. prior: strength of logit adjustment.
    inverse_frequency: power of one over a class's share, as weight. class_weights: by output.
    """

    smoothing: Decay = 0.0
    prior: NotNegative = 0.0
    inverse_frequency: NotNegative = 0.0
    class_weights: dict[str, NotNegative] = Field(default_factory=dict)


class Augmentations(Part):
    """Random changes of all images that a recogniser or discriminator trains on.

    mirror, upside_down: half of them. shift: pixels, at most. crop: pixels that the image is
    enlarged by before a random square of the old size is cut. light: of brightness and contrast,
    brightness, saturation: of each alone, at most. rotate: degrees, at most. zoom: factor, at most.
    blur, erase: share of the images. noise: deviation, at most (`training/augmentation.py`).
    """

    mirror: bool = False
    upside_down: bool = False
    shift: Annotated[int, Field(ge=0, le=16)] = 0
    crop: Annotated[int, Field(ge=0, le=64)] = 0
    light: Share = 0.0
    brightness: Share = 0.0
    saturation: Share = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Share = 0.0
    blur: Share = 0.0
    noise: Share = 0.0
    erase: Share = 0.0

    @property
    def moves(self) -> str:
        """The first of these changes that moves the face within its picture; empty for none."""
        return next((name for name in _MOVING if getattr(self, name)), "")


_MOVING = ("mirror", "shift", "rotate", "zoom", "upside_down", "crop")
