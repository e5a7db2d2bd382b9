import numpy as np
import pytest

from mien.errors import InputError
from mien.recognition.preprocessing import Preprocessing


def test_values_by_hand():
    crops = np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3)
    batch = Preprocessing(1).batch(crops)
    assert batch.shape == (1, 3, 1, 1)
    assert batch.dtype == np.float32
    assert batch.ravel() == pytest.approx([-1, -0.6, 1])
    shifted = Preprocessing(1, mean=0.2, std=0.25).batch(crops)
    assert shifted.ravel() == pytest.approx([-0.8, 0, 3.2], abs=1e-6)
    grey = Preprocessing(1, channels=1).batch(crops)
    assert grey.ravel() == pytest.approx([2 * (0.587 * 0.2 + 0.114) - 1])


def test_channels_come_first():
    crops = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    batch = Preprocessing(4).batch(crops)
    assert batch[1, 2, 3, 0] == pytest.approx(crops[1, 3, 0, 2] / 127.5 - 1)
    assert batch.flags["C_CONTIGUOUS"]


def test_what_torch_gets_in_training():
    from mien.models.images import to_network

    crops = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    for channels in (1, 3):
        batch = Preprocessing(8, channels=channels).batch(crops)
        assert batch == pytest.approx(to_network(crops, channels).numpy(), abs=1e-6)


def test_crops_of_another_size_or_type():
    with pytest.raises(InputError, match=r"crops are uint8 \(1, 4, 8, 3\).*\(N, 8, 8, 3\)"):
        Preprocessing(8).batch(np.zeros((1, 4, 8, 3), np.uint8))
    with pytest.raises(InputError, match="crops are float32"):
        Preprocessing(8).batch(np.zeros((1, 8, 8, 3), np.float32))


def test_resizing():
    crop = np.zeros((16, 16, 3), np.uint8)
    crop[:, 8:] = 200
    fitted = Preprocessing(8).fit(crop)
    assert fitted.shape == (8, 8, 3)
    assert (fitted[:, 0] < 10).all()
    assert (fitted[:, 7] > 190).all()
    assert Preprocessing(16).fit(crop) is crop


def test_there_and_back():
    odd = Preprocessing(48, 0.2, 1, 0.4, 0.3, "bilinear", 4)
    assert Preprocessing.from_dict(odd.to_dict()) == odd
    with pytest.raises(TypeError):
        Preprocessing.from_dict({**odd.to_dict(), "tilt": 1})
