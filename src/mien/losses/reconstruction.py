"""What pulls generated images towards real ones: annealed Huber, feature matching."""

from torch import Tensor
from torch.nn import functional as F


def huber_loss(fake: Tensor, real: Tensor, delta: float = 1.0) -> Tensor:
    """Huber loss, mean over all pixels (au-va-thesis, eq. 2.15; benroumpi-2018, 4.4.4, L_G2;
    kollias-2018, eq. 2).

    The two batches are unrelated images: it pulls towards the mean face and is annealed away.
    """
    return F.huber_loss(fake, real, delta=delta)


def annealed_weight(step: int, start: float, steps: int) -> float:
    """Return the weight at `step`: linear from `start` at step 0 to 0 at `steps` and after.

    w_r of kollias-2018, eq. 2, which starts at 1; au-va-thesis, section 3.2.2: (1500 - step) /
    1500, times 10; benroumpi-2018, section 4.4.5, gives no numbers.
    """
    return start * max(steps - step, 0) / steps if steps else 0.0


def feature_matching_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of the batch means of features (N, F).

    Salimans et al. 2016, section 3.1, with the mean absolute error that benroumpi-2018 (section
    4.4.4) cites; benroumpi-2018 itself applies Huber to pixels under this name: that is
    `huber_loss`.
    """
    return (fake.mean(0) - real.detach().mean(0)).abs().mean()
