import numpy as np

from mien.actors.identity import sample_identity
from mien.actors.render import Actor, Light, Moment, View, to_srgb
from mien.evaluation.faceness import share_with_a_face


def test_faces_are_faces_and_noise_is_none():
    view = View(64, 64, (32.0, 30.0), 3.2)
    faces = []
    for seed in range(4):
        image, alpha = Actor(sample_identity(seed)).draw(Moment(), view, Light())
        faces.append(to_srgb(image + (1 - alpha[..., None]) * np.float32(0.3)))
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
    assert share_with_a_face(np.stack(faces)) == 1
    assert share_with_a_face(noise) == 0
    assert share_with_a_face(np.concatenate([np.stack(faces), noise])) == 0.5
