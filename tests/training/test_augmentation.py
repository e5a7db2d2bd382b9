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
