"""One step of the Wasserstein GAN (kolbenschlag-2020): plain, told the emotion, or with a critic
naming it.

The critic's score of authenticity has no bounds; it is kept as minus the fake output, so that
larger means more real. Arjovsky et al. 2017 clip the critic's weights; Gulrajani et al. 2017 punish
gradients whose norm is not 1 instead. With an expression head (acwgan) critic and generator also
minimise the cross-entropy of the emotion, on real and on generated images (as AC-GAN, Odena et al.
2017).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.losses.cross_entropy import softmax_cross_entropy
from mien.losses.wasserstein import gradient_penalty, wasserstein_loss
from mien.training.adversarial import Game
from mien.training.data import Batch, LabelBatch
from mien.training.head_loss import Log


class WassersteinStep:
    """Updates critic or generator, by the rules' turns.

    classes: labels the generator is told, 0 for none. naming: weight of the emotion's
    cross-entropy. clip_weights: bound of the critic's weights, or 0. penalty: weight of the
    gradient penalty. A critic that is made to be told the label is told it, the same of real and of
    generated images.
    """

    def __init__(
        self,
        game: Game,
        classes: int,
        *,
        naming: float,
        clip_weights: float,
        penalty: float,
    ) -> None:
        self.game, self.classes, self.naming = game, classes, naming
        self.clip_weights, self.penalty = clip_weights, penalty
        self.tells = hasattr(game.discriminator.network, "told")

    def __call__(self, step: int, batch: Batch) -> Log:
        """Run one step on real faces and return what to log."""
        if self.game.rules.trains_discriminator(step):
            return self._update_critic(batch.images, batch.labels)
        return self._update_generator(step, batch)

    def _draw(self, count: int) -> Tensor | None:
        return torch.randint(self.classes, (count,)) if self.classes else None

    def _update_critic(self, real: Tensor, labels: LabelBatch) -> Log:
        game = self.game
        # A critic that is told labels would tell fakes by labels that are rarer among real faces.
        told = labels.expression if self.tells else None
        drawn = self._draw(len(real)) if told is None else told
        with torch.no_grad():
            fake = game.generate(len(real), drawn)
        out_real, out_fake = game.judge(real, told), game.judge_fake(fake, told)
        distance = wasserstein_loss(-out_real.fake, -out_fake.fake)
        log: Log = {"critic/distance": -distance.detach()}
        loss = distance
        if self.penalty:

            def score(images: Tensor) -> Tensor:
                return -game.judge_fake(images, told).fake

            log["critic/penalty"] = gradient_penalty(score, real, fake)
            loss = loss + self.penalty * log["critic/penalty"]
        if self.naming and drawn is not None:
            log["discriminator/real/expression"] = softmax_cross_entropy(
                out_real.expression, labels.expression, labels.expression_valid
            )
            log["discriminator/fake/expression"] = F.cross_entropy(out_fake.expression, drawn)
            named = log["discriminator/real/expression"] + log["discriminator/fake/expression"]
            loss = loss + self.naming * named
        norm = game.discriminator.update(loss, game.rules.clip_norm)
        if self.clip_weights:
            with torch.no_grad():
                for weight in game.discriminator.network.parameters():
                    weight.clamp_(-self.clip_weights, self.clip_weights)
        return {"discriminator/loss": loss, "discriminator/gradient_norm": norm, **log}

    def _update_generator(self, step: int, batch: Batch) -> Log:
        game = self.game
        drawn = self._draw(len(batch))
        with game.frozen_discriminator():
            fake = game.generate(len(batch), drawn)
            out = game.judge(fake, drawn if self.tells else None)
            adversarial = out.fake.mean()
            pull, log = game.pull(step, fake, batch)
            loss = adversarial + pull
            if self.naming and drawn is not None:
                log["generator/expression"] = F.cross_entropy(out.expression, drawn)
                loss = loss + self.naming * log["generator/expression"]
            norm = game.generator.update(loss, game.rules.clip_norm)
        return {
            "generator/loss": loss,
            "generator/adversarial": adversarial,
            **log,
            "generator/gradient_norm": norm,
        }
