"""Random changes of what the discriminator sees."""

import torch

from mien.training.augmentation import Augmentation


def ramp(count: int) -> torch.Tensor:
    """Images whose pixels tell where they were: 10 × row + column."""
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="ij")
    return (10 * rows + columns).expand(count, 3, 6, 6).clone()


def test_nothing_asked_changes_nothing_and_draws_nothing() -> None:
    torch.manual_seed(0)
    images = ramp(2)
    before = torch.get_rng_state()
    assert Augmentation()(images) is images
    assert torch.equal(torch.get_rng_state(), before)


def test_half_of_the_images_are_mirrored() -> None:
    torch.manual_seed(0)
    images = ramp(200)
    changed = Augmentation(mirror=True)(images)
    turned = (changed == images.flip(3)).all((1, 2, 3))
    assert ((changed == images).all((1, 2, 3)) | turned).all()
    assert 70 < int(turned.sum()) < 130


def test_each_image_moves_by_itself_within_bounds_and_repeats_its_edge() -> None:
    torch.manual_seed(0)
    changed = Augmentation(shift=2)(ramp(300))
    middle = changed[:, 0, 3, 3]
    down, right = (middle / 10).floor() - 3, middle % 10 - 3
    assert set(down.tolist()) == set(right.tolist()) == {-2, -1, 0, 1, 2}
    first = changed[(down == -2) & (right == 0)][0, 0]
    assert first[:3].tolist() == [[0, 1, 2, 3, 4, 5]] * 3  # the edge, thrice
    assert first[3].tolist() == [10, 11, 12, 13, 14, 15]


def test_half_of_the_images_are_turned_upside_down() -> None:
    torch.manual_seed(0)
    images = ramp(200)
    changed = Augmentation(upside_down=True)(images)
    turned = (changed == images.flip(2)).all((1, 2, 3))
    assert ((changed == images).all((1, 2, 3)) | turned).all()
    assert 70 < int(turned.sum()) < 130


def test_a_crop_is_a_square_of_the_enlarged_image() -> None:
    torch.manual_seed(0)
    images = torch.arange(96.0).expand(300, 1, 96, 96).clone()
    changed = Augmentation(crop=14)(images)
    assert changed.shape == images.shape
    step = (changed[:, 0, 50, 60] - changed[:, 0, 50, 40]) / 20
    assert torch.allclose(step, torch.full((300,), 96 / 110), atol=1e-3)  # 96 to 110
    place = (changed[:, 0, 50, 40] + 0.5) * 110 / 96 - 0.5 - 40  # of the cut, from the left
    assert set(place.round().int().tolist()) == set(range(15))


def test_brightness_and_saturation_by_hand(monkeypatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda *shape: torch.full(shape, 0.75))  # half of the most
    image = torch.tensor([0.0, 0.3, 0.6]).reshape(1, 3, 1, 1)
    assert torch.allclose(Augmentation(brightness=0.2)(image), image + 0.1)
    wanted = torch.tensor([-0.06, 0.3, 0.66]).reshape(1, 3, 1, 1)
    assert torch.allclose(Augmentation(saturation=0.4)(image), wanted)
    assert torch.equal(Augmentation(saturation=0.4)(image[:, :1]), image[:, :1])  # grey


def test_light_moves_brightness_and_contrast_by_hand(monkeypatch) -> None:
    draws = torch.tensor([1.0, 0.25]).reshape(2, 1, 1, 1, 1)  # +1 and -0.5 of what is allowed
    monkeypatch.setattr(torch, "rand", lambda *shape: draws)
    images = torch.tensor([0.0, 0.4]).reshape(1, 1, 1, 2)
    changed = Augmentation(light=0.2)(images)
    # mean 0.2; contrast × 0.9; brightness + 0.2
    assert torch.allclose(changed.flatten(), torch.tensor([0.22 - 0.0, 0.58]))


def test_gradients_pass_to_every_pixel_that_is_still_seen() -> None:
    torch.manual_seed(1)
    images = ramp(4).requires_grad_()
    Augmentation(mirror=True, shift=1, light=0.1)(images).sum().backward()
    assert images.grad is not None
    assert (images.grad[:, :, 1:-1, 1:-1] > 0).all()


def test_turning_keeps_the_middle_and_moves_the_rim() -> None:
    torch.manual_seed(0)
    _, columns = torch.meshgrid(torch.linspace(-1, 1, 33), torch.linspace(-1, 1, 33), indexing="ij")
    images = columns.expand(64, 1, 33, 33).clone()
    changed = Augmentation(rotate=30)(images)
    assert torch.allclose(changed[:, 0, 16, 16], torch.zeros(64), atol=1e-5)
    angles = torch.rad2deg(torch.atan2(changed[:, 0, 24, 16], changed[:, 0, 16, 24]))
    assert angles.abs().max() <= 30.01
    assert angles.abs().max() > 20
    length = (changed[:, 0, 24, 16] ** 2 + changed[:, 0, 16, 24] ** 2).sqrt()
    assert torch.allclose(length, torch.full((64,), 0.5), atol=1e-4)


def test_zoom_scales_within_bounds() -> None:
    torch.manual_seed(0)
    images = torch.linspace(-1, 1, 33).expand(200, 1, 33, 33).clone()
    scale = Augmentation(zoom=0.25)(images)[:, 0, 16, 24] / 0.5
    assert 0.8 - 1e-4 <= scale.min() < 0.85
    assert 1.2 < scale.max() <= 1.25 + 1e-4


def test_a_share_of_the_images_loses_one_square() -> None:
    torch.manual_seed(0)
    changed = Augmentation(erase=0.5)(torch.ones(200, 1, 48, 48))
    lost = (changed == 0).sum((1, 2, 3))
    assert set(lost.tolist()) == {0, 16 * 16}
    assert 70 < int((lost > 0).sum()) < 130
    hole = (changed[int(lost.argmax()), 0] == 0).nonzero()
    assert (hole.amax(0) - hole.amin(0)).tolist() == [15, 15]


def test_blur_and_noise_change_what_they_say() -> None:
    torch.manual_seed(0)
    images = torch.zeros(100, 1, 9, 9)
    images[:, :, 4, 4] = 0.9
    blurred = Augmentation(blur=0.5)(images)[:, 0, 4, 4]
    assert 30 < int((blurred - 0.1).abs().lt(1e-5).sum()) < 70
    deviation = Augmentation(noise=0.1)(torch.zeros(100, 1, 48, 48)).std((1, 2, 3))
    assert deviation.min() > 0
    assert 0.09 < deviation.max() < 0.105
