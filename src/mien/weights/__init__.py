"""Weights that come with mien: a folder each, registered by its card (README.md)."""

from importlib import resources
from pathlib import Path


def shipped() -> dict[str, Path]:
    """Folders of the weights that come with mien, by name."""
    with resources.as_file(resources.files("mien.weights")) as folder:
        return {card.parent.name: card.parent for card in sorted(folder.glob("*/README.md"))}
