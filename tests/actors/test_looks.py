"""What actors look like beyond their units: eyes under moving brows, skin, clothes, hands."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import griddata

from mien.actors.action_units import SIDES
from mien.actors.cover import draw_cover
from mien.actors.hair import stubble
from mien.actors.head_grid import sample_head
from mien.actors.identity import DYES, PATTERNS, sample_identity
from mien.actors.render import Actor, Light, Moment, View
from mien.actors.surface import parameters


@pytest.fixture(scope="module")
def actor() -> Actor:
    return Actor(sample_identity(3))


def aperture(actor: Actor, *units: tuple[int, float]) -> float:
    """How far the lids of the left eye are apart in its middle, cm, with the skin they lie on."""
    acted = {(unit, side): level for unit, level in units for side in SIDES}
    lids = actor.action.lids(acted, "L")
    eye = 3.15 * actor.person.eye_distance
    rest = actor.mesh.vertices[: actor.mesh.head]
    close = (np.abs(rest[:, 0] - eye) < 1) & (np.abs(rest[:, 1]) < 2) & (rest[:, 2] > 3)
    shift = (actor.action.vertices(acted) - actor.action.vertices({}))[: len(rest)]
    edges = np.array([(eye, lids.upper), (eye, -lids.lower)])
    up, down = griddata(rest[close, :2], shift[close, 1], edges)
    return float(lids.upper + up + lids.lower - down)


def test_brows_leave_the_eyes_open(actor):
    rest = aperture(actor)
    assert 0.7 < rest < 1.3
    assert 0.45 * rest < aperture(actor, (4, 5)) < 0.9 * rest  # a frown narrows them
    assert rest <= aperture(actor, (1, 5), (2, 5)) < 1.4 * rest
    wide = aperture(actor, (5, 5))
    assert 1.3 * rest < wide
    assert aperture(actor, (1, 5), (2, 5), (5, 5)) < 1.3 * wide
    assert aperture(actor, (4, 5), (45, 5)) < 0.05


def bust(person) -> np.ndarray:
    image, _ = Actor(person).draw(Moment(), View(96, 96, (48.0, 20.0), 1.6), Light())
    return image[60:]


def test_clothes_differ_by_pattern_and_are_of_dyes():
    someone = replace(sample_identity(3), cloth_colour=DYES[7], trim_colour=DYES[0])
    seen = [bust(replace(someone, cloth_pattern=name)) for name in PATTERNS]
    for i, one in enumerate(seen):
        for other in seen[:i]:
            assert np.abs(one - other).max() > 0.02
    people = [sample_identity(i) for i in range(400)]
    assert {p.cloth_pattern for p in people} == set(PATTERNS)
    spread = [np.ptp(p.cloth_colour) for p in people]
    assert np.median(spread) < 90  # no neon


def test_skin_is_uneven_and_no_two_patches_of_it_alike(actor):
    colour = actor.skin[0].surface[..., :3]
    cheek = colour[200:280, 300:380] / colour[200:280, 300:380].mean((0, 1))
    red_over_green = ndimage.gaussian_filter(cheek[..., 0] / cheek[..., 1], 6)
    assert 0.01 < red_over_green.std() < 0.2


def test_roots_darken_the_line_of_dark_hair_and_hardly_show_where_it_is_white():
    someone = replace(sample_identity(3), hair_style="crop", tone=0.3)
    grid = sample_head(parameters(someone))
    dark, white = (
        stubble(grid, replace(someone, hair_colour=colour))
        for colour in ((22, 19, 18), (214, 212, 208))
    )
    assert dark.max() > 0.7
    assert white.max() < 0.2
    face = np.abs(grid.points[..., 0]) + np.abs(grid.points[..., 1] + 4) < 3
    assert dark[(face & (grid.points[..., 2] > 3)).ravel()].max() == 0
    shaved = stubble(grid, replace(someone, hair_style="bald", hair_colour=(22, 19, 18)))
    assert 0.2 < shaved.max() < dark.max()


def test_a_hand_has_fingers_and_a_cup_a_handle():
    _, alpha = draw_cover("hand", (200.0, 160.0, 130.0), 120)
    across = alpha[36] > 0.5  # through the fingers, above the thumb
    assert np.count_nonzero(np.diff(across.astype(int)) == 1) == 4
    image, alpha = draw_cover("cup", (0.0, 0.0, 0.0), 120)
    assert np.count_nonzero(np.diff((alpha[72] > 0.5).astype(int)) == 1) == 2
    assert (image <= alpha[..., None] + 1e-6).all()
    assert draw_cover("hand", (90.0, 60.0, 45.0), 1)[1].shape == (12, 8)
