"""Pictures of a cast: everybody neutral, glad, sad and surprised, and all on one sheet."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.actors.render import Actor, Light, Moment, View, to_srgb
from mien.media.images import grid, write_image

SIDE = 192
WALL = (0.22, 0.25, 0.29)


def _both(*units: tuple[int, float]) -> dict[tuple[int, str], float]:
    return {(unit, s): level for unit, level in units for s in ("L", "R")}


MOMENTS = (
    Moment(yaw=-12),
    Moment(_both((6, 4), (12, 4.5), (25, 3)), yaw=8),
    Moment(_both((1, 4), (4, 3), (15, 4), (17, 2)), pitch=-6),
    Moment(_both((1, 4.5), (2, 4.5), (5, 3), (25, 3), (26, 4)), yaw=20),
)


def portrait_file(folder: Path, person: int) -> Path:
    """Where the portrait of a cast's person lies."""
    return folder / "portraits" / f"actor{person:03d}.png"


def draw_portrait(actor: Actor, target: Path) -> None:
    """Draw a person in the four moments, abreast."""
    view = View(SIDE, SIDE, (SIDE / 2, SIDE * 0.57), SIDE / 30)
    wall = _wall()
    light = Light(exposure=1 + 0.5 * actor.person.tone)  # as a photographer would
    tiles = []
    for moment in MOMENTS:
        image, alpha = actor.draw(moment, view, light)
        tiles.append(to_srgb(image + (1 - alpha[..., None]) * wall))
    target.parent.mkdir(exist_ok=True)
    write_image(target, grid(np.stack(tiles), len(tiles)))


def _wall() -> NDArray[np.float32]:
    """A grey wall with a lamp on it."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    lit = 1.3 - 1.1 * ((x + 0.1) ** 2 + (y + 0.1) ** 2)
    return (lit[..., None] * WALL).astype(np.float32)


def contact_sheet(target: Path, folder: Path, people: list[int]) -> None:
    """Put portraits on one sheet, two people abreast."""
    rows = [_tiles(portrait_file(folder, person)) for person in people]
    write_image(target, grid(np.concatenate(rows), 8 if len(people) > 1 else 4))


def _tiles(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        row = np.asarray(picture.convert("RGB"))
    return np.stack(np.split(row, len(MOMENTS), axis=1))
