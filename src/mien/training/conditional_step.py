"""One step of the conditional GAN (kolbenschlag-2020, second stage): the label goes into both
networks.

The discriminator calls a real image with its own label real; a generated image, and a real image
with a wrong label, fake ("fake, or the wrong emotion").
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mien.losses.cross_entropy import constant_cross_entropy
from mien.training.adversarial import Game
from mien.training.data import Batch
from mien.training.head_loss import Log


class ConditionalStep:
    """Updates the one or the other network, by the rules' turns. classes: how many labels."""

    def __init__(
        self,
        game: Game,
        classes: int,
        generator_loss: Callable[[Tensor], Tensor],
        fake_target: float,
        real_target: float,
    ) -> None:
        self.game, self.classes, self.generator_loss = game, classes, generator_loss
        self.fake_target, self.real_target = fake_target, real_target

    def __call__(self, step: int, batch: Batch) -> Log:
        """Run one step on real faces and return what to log."""
        if self.game.rules.trains_discriminator(step):
            return self._update_discriminator(batch.images, batch.labels.expression)
        return self._update_generator(step, batch)

    def _update_discriminator(self, real: Tensor, label: Tensor) -> Log:
        game = self.game
        wrong = (label + torch.randint(1, max(self.classes, 2), label.shape)) % self.classes
        drawn = torch.randint(self.classes, label.shape)
        with torch.no_grad():
            fake = game.generate(len(real), drawn)
        of_real, of_fake = game.judge(real, label).fake, game.judge_fake(fake, drawn).fake
        of_wrong = game.judge_apart(real, wrong).fake
        on_real = constant_cross_entropy(of_real, self.real_target)
        on_fake = constant_cross_entropy(of_fake, self.fake_target)
        on_wrong = constant_cross_entropy(of_wrong, self.fake_target)
        loss = on_real + 0.5 * (on_fake + on_wrong)
        norm = game.discriminator.update(loss, game.rules.clip_norm)
        with torch.no_grad():
            return {
                "discriminator/loss": loss,
                "discriminator/real/fake": on_real,
                "discriminator/fake/fake": on_fake,
                "discriminator/wrong/fake": on_wrong,
                "discriminator/gradient_norm": norm,
                "p_real/of_real": torch.sigmoid(-of_real).mean(),
                "p_real/of_fake": torch.sigmoid(-of_fake).mean(),
                "p_real/of_wrong_label": torch.sigmoid(-of_wrong).mean(),
            }

    def _update_generator(self, step: int, batch: Batch) -> Log:
        game = self.game
        drawn = torch.randint(self.classes, (len(batch),))
        with game.frozen_discriminator():
            fake = game.generate(len(batch), drawn)
            adversarial = self.generator_loss(game.judge(fake, drawn).fake)
            pull, log = game.pull(step, fake, batch)
            loss = adversarial + pull
            norm = game.generator.update(loss, game.rules.clip_norm)
        return {
            "generator/loss": loss,
            "generator/adversarial": adversarial,
            **log,
            "generator/gradient_norm": norm,
        }
