"""Hair and shoulders of actors of every style."""

from dataclasses import replace

import numpy as np
import pytest

from mien.actors import mesh, surface
from mien.actors.head import build_mesh
from mien.actors.identity import Identity, sample_identity
from mien.actors.locks import CUTS


def person(style: str, fringe: str = "swept", seed: int = 11) -> Identity:
    plain = {"glasses": False, "headset": False}
    return replace(sample_identity(seed), hair_style=style, fringe=fringe, **plain)


def facing(built: mesh.Mesh, triangles: np.ndarray) -> np.ndarray:
    """Area normals (N, 3)."""
    a, b, c = np.moveaxis(built.vertices[triangles], 1, 0)
    return np.cross(b - a, c - a)


@pytest.mark.parametrize("fringe", ["swept", "side", "full"])
@pytest.mark.parametrize("style", CUTS)
def test_hair_of_every_cut_lies_on_the_head_and_leaves_eyes_and_brows_to_be_seen(style, fringe):
    who = person(style, fringe)
    built = build_mesh(who)
    assert np.isfinite(built.vertices).all()
    triangles = built.triangles[built.material == mesh.HAIR]
    middle = built.vertices[triangles].mean(1)
    x, y, z = middle.T
    hides = (z > 4.5) & (np.abs(x) < 5.0 * who.face_width) & (y < 2.0) & (y > -10)
    assert hides.mean() < 0.002
    inside = surface.distances(middle, surface.parameters(who)) < -0.3
    assert inside[(y > -5) & (z > -5)].mean() < 0.02  # half a bun is inside


def test_locks_stand_off_the_head_and_look_outwards():
    who = person("short")
    bald, haired = build_mesh(replace(who, hair_style="bald")), build_mesh(who)
    assert mesh.HAIR not in bald.material
    triangles = haired.triangles[haired.material == mesh.HAIR]
    middle = haired.vertices[triangles].mean(1)
    out = surface.normals(middle, surface.parameters(who), 0.05)
    normal = facing(haired, triangles)
    outwards = (normal * out).sum(1) / np.maximum(np.linalg.norm(normal, axis=1), 1e-9)
    assert (outwards > 0).mean() > 0.95
    height = surface.distances(middle, surface.parameters(who))
    assert 0.3 < np.median(height) < 1.5


def test_a_fringe_covers_the_forehead_that_hair_swept_back_leaves_bare():
    def over_forehead(fringe: str) -> int:
        built = build_mesh(person("short", fringe))
        x, y, z = built.vertices[built.triangles[built.material == mesh.HAIR]].mean(1).T
        return int(((z > 6) & (y < 5) & (np.abs(x) < 4)).sum())

    assert over_forehead("full") > 10 * (over_forehead("swept") + 1)


def test_shoulders_show_the_camera_their_outside():
    built = build_mesh(person("crop"))
    triangles = built.triangles[built.material == mesh.CLOTH]
    chest = built.vertices[triangles].mean(1)[:, 2] > 3
    assert (facing(built, triangles[chest])[:, 2] > 0).mean() > 0.85  # the rest lines the collar
