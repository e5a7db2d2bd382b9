"""One step of the documents' categorical GAN: an update of either network.

au-va-thesis, sections 3.2.2 to 3.2.5; benroumpi-2018, section 4.4.4; kollias-2018, section IV-C,
equations 1 to 3. The discriminator sees real and fake images in two separate passes, as the code
the documents build on has it. Without label heads it is the plain GAN of au-va-thesis (section
3.2.1) and kolbenschlag-2020.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mien.training.adversarial import Game
from mien.training.data import Batch
from mien.training.head_loss import HeadLoss, Log, sum_terms


class CategoricalStep:
    """Updates the one or the other network, by the rules' turns."""

    def __init__(
        self,
        game: Game,
        head_loss: HeadLoss,
        generator_loss: Callable[[Tensor], Tensor],
        *,
        halve: bool,
    ) -> None:
        """halve: the discriminator's loss is the mean, not the sum, of that on real and fake."""
        self.game, self.head_loss, self.generator_loss = game, head_loss, generator_loss
        self.scale = 0.5 if halve else 1.0

    def __call__(self, step: int, batch: Batch) -> Log:
        """Run one step on real faces and return what to log."""
        if self.game.rules.trains_discriminator(step):
            return self._update_discriminator(batch)
        return self._update_generator(step, batch)

    def _update_discriminator(self, batch: Batch) -> Log:
        game = self.game
        out_real = game.judge(batch.images)
        on_real = self.head_loss.on_real(out_real, batch)
        log = {f"discriminator/real/{name}": term.detach() for name, term in on_real.items()}
        log["p_real/of_real"] = torch.sigmoid(-out_real.fake.detach()).mean()
        loss = self.scale * sum_terms(on_real)
        if not self.head_loss.ignores_fakes:
            with torch.no_grad():
                fake = game.generate(len(batch))
            out_fake = game.judge_fake(fake)
            on_fake = self.head_loss.on_fake(out_fake)
            loss = loss + self.scale * sum_terms(on_fake)
            log |= {f"discriminator/fake/{name}": term.detach() for name, term in on_fake.items()}
            log["p_real/of_fake"] = torch.sigmoid(-out_fake.fake.detach()).mean()
        norm = game.discriminator.update(loss, game.rules.clip_norm)
        return {"discriminator/loss": loss, "discriminator/gradient_norm": norm, **log}

    def _update_generator(self, step: int, batch: Batch) -> Log:
        game = self.game
        with game.frozen_discriminator():
            fake = game.generate(len(batch))
            adversarial = self.generator_loss(game.judge(fake).fake)
            pull, log = game.pull(step, fake, batch)
            loss = adversarial + pull
            norm = game.generator.update(loss, game.rules.clip_norm)
        return {
            "generator/loss": loss,
            "generator/adversarial": adversarial,
            **log,
            "generator/gradient_norm": norm,
        }
