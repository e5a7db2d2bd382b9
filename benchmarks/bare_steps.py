"""The steps of `mien.training` written out again by hand: networks, losses and optimisers alone.

No store, no labels' bookkeeping, no logging, no checks, no moving average: what `train_step.py`
measures mien's loop against.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.losses.reconstruction import feature_matching_loss
from mien.losses.wasserstein import gradient_penalty
from mien.models import DISCRIMINATORS, GENERATORS, channels_of
from mien.training.build import Parts

cross_entropy_of = F.binary_cross_entropy_with_logits


class Bare:
    """Two networks like those of `parts`, their optimisers, one batch of real images in memory.

    plain: what one writes first. float32, gradients of everything, the graph of generated images
    kept in the discriminator's turn. compiled, channels_last: of both networks.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        plain: bool = False,
        channels_last: bool = False,
        compiled: bool = False,
    ) -> None:
        recipe, layout, arguments = parts.recipe, parts.learned.layout, parts.arguments
        self.recipe, self.layout, self.plain = recipe, layout, plain
        self.rules = parts.step.game.rules
        self.fast = recipe.precision == "bfloat16" and not plain
        self.g = GENERATORS[recipe.generator.network](**arguments["generator"])
        self.d = DISCRIMINATORS[recipe.discriminator.network](**arguments["discriminator"])
        side, count = recipe.image_size, recipe.batch_size
        self.real = torch.rand(count, channels_of(self.d), side, side) * 2 - 1
        if channels_last:
            self.g, self.d = (n.to(memory_format=torch.channels_last) for n in (self.g, self.d))
            self.real = self.real.to(memory_format=torch.channels_last)
        self.run_g, self.run_d = self.g, self.d
        if compiled:
            self.run_g, self.run_d = torch.compile(self.g), torch.compile(self.d)
        self.adam_g, self.adam_d = self._optimiser(self.g), self._optimiser(self.d)
        self.classes = arguments["generator"].get("classes", len(layout.expressions))
        self.tells = "classes" in arguments["discriminator"]
        self.au = torch.randint(0, 2, (count, len(layout.aus))).float()
        self.va = torch.rand(count, 2 * layout.valence_arousal)
        self.label = torch.randint(0, max(self.classes, 1), (count,))
        self._step = STEPS[recipe.step]

    def _optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        if self.recipe.optimiser == "rmsprop":
            return torch.optim.RMSprop(network.parameters(), 1e-5)
        return torch.optim.Adam(network.parameters(), 1e-5, (0.5, 0.999), fused=not self.plain)

    def steps(self, turn: range) -> None:
        """Run several steps."""
        for step in turn:
            self._step(self, self.rules.trains_discriminator(step))

    def draw(self) -> Tensor | None:
        """Draw labels for generated images, where the generator is told any."""
        return torch.randint_like(self.label, self.classes) if hasattr(self.g, "told") else None

    def fakes(self, label: Tensor | None) -> Tensor:
        """Generate a batch."""
        noise = torch.rand(self.recipe.batch_size, self.recipe.noise) * 2 - 1
        given = (noise,) if label is None else (noise, label)
        return self._run(self.run_g, *given)

    def fakes_to_judge(self, label: Tensor | None) -> Tensor:
        """Generate a batch in the discriminator's turn: its graph is of no use there."""
        with torch.set_grad_enabled(self.plain):
            return self.fakes(label)

    def judge(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Run the discriminator on images, changed as the recipe has it."""
        images = self.rules.augmentation(images)
        given = (images,) if label is None else (images, label)
        return self._run(self.run_d, *given)

    def _run(self, network: Callable[..., Tensor], *given: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.fast):
            out = network(*given)
        return out.float()

    def teach(self, network: nn.Module, loss: Tensor) -> None:
        """Backward, clip, update."""
        adam = self.adam_g if network is self.g else self.adam_d
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), self.recipe.clip_norm)
        adam.step()

    def pull(self, fake: Tensor) -> Tensor:
        """What draws generated images to real ones."""
        loss = torch.zeros(())
        if self.recipe.reconstruction.steps and self.recipe.reconstruction.weight:
            loss = F.huber_loss(fake, self.real)
        if self.recipe.feature_matching:
            loss = loss + feature_matching_loss(self.d.features(fake), self.d.features(self.real))
        return loss


def _against(bare: Bare, out: Tensor, labels: tuple[Tensor, ...] | None, fake: float) -> Tensor:
    """Loss of the heads on labels, or on constants where there are none."""
    va, au, expression, logit = torch.split(
        out, [bare.va.shape[1], bare.au.shape[1], len(bare.layout.expressions), 1], 1
    )
    loss = torch.zeros(())
    if bare.recipe.loss.weights.fake:
        loss = cross_entropy_of(logit, torch.full_like(logit, fake))
    if labels is None and bare.recipe.fake_labels.others == "none":
        return loss
    wanted = labels or (torch.full_like(va, 0.01), torch.full_like(au, 0.01))
    if va.shape[1]:
        loss = loss + F.mse_loss(va, wanted[0])
    if au.shape[1]:
        loss = loss + cross_entropy_of(au, wanted[1])
    if labels is not None and expression.shape[1]:
        loss = loss + F.cross_entropy(expression, bare.label)
    return loss


def _categorical(bare: Bare, discriminators: bool) -> None:
    if discriminators:
        loss = _against(bare, bare.judge(bare.real), (bare.va, bare.au), 0.0)
        recipe = bare.recipe
        if recipe.loss.weights.fake or recipe.fake_labels.others != "none":
            loss = loss + _against(bare, bare.judge(bare.fakes_to_judge(None)), None, 0.9)
        bare.teach(bare.d, loss)
        return
    bare.d.requires_grad_(bare.plain)
    fake = bare.fakes(None)
    loss = torch.log(torch.sigmoid(bare.judge(fake)[:, -1]) + 1e-7).mean() + bare.pull(fake)
    bare.teach(bare.g, loss)
    bare.d.requires_grad_(True)


def _conditional(bare: Bare, discriminators: bool) -> None:
    drawn = bare.draw()
    if discriminators:
        of_fake = bare.judge(bare.fakes_to_judge(drawn), drawn)
        of_real, of_wrong = (bare.judge(bare.real, label) for label in (bare.label, drawn))
        ones = torch.ones_like(of_real)
        wrong = cross_entropy_of(of_fake, ones) + cross_entropy_of(of_wrong, ones)
        bare.teach(bare.d, cross_entropy_of(of_real, 0 * ones) + 0.5 * wrong)
        return
    bare.d.requires_grad_(bare.plain)
    fake = bare.fakes(drawn)
    bare.teach(bare.g, F.softplus(bare.judge(fake, drawn)).mean() + bare.pull(fake))
    bare.d.requires_grad_(True)


def _wasserstein(bare: Bare, discriminators: bool) -> None:
    critic, drawn = bare.recipe.critic, bare.draw()
    told = drawn if bare.tells else None
    if not discriminators:
        bare.d.requires_grad_(bare.plain)
        fake = bare.fakes(drawn)
        bare.teach(bare.g, _disowned(bare, bare.judge(fake, told), drawn) + bare.pull(fake))
        bare.d.requires_grad_(True)
        return
    fake = bare.fakes_to_judge(drawn)
    out_real, out_fake = bare.judge(bare.real, told), bare.judge(fake, told)
    loss = out_real[:, -1].mean() - out_fake[:, -1].mean()
    if method.naming:
        loss = loss + F.cross_entropy(out_real[:, :-1], bare.label)
        loss = loss + F.cross_entropy(out_fake[:, :-1], drawn)
    if method.gradient_penalty:

        def score(images: Tensor) -> Tensor:
            return bare.judge(images, told)[:, -1]

        loss = loss + method.gradient_penalty * gradient_penalty(score, bare.real, fake)
    bare.teach(bare.d, loss)
    if method.clip_weights:
        for weight in bare.d.parameters():
            weight.data.clamp_(-method.clip_weights, method.clip_weights)


def _disowned(bare: Bare, out: Tensor, drawn: Tensor | None) -> Tensor:
    """What the critic says against generated images: not real, not of the emotion drawn."""
    loss = out[:, -1].mean()
    return loss + F.cross_entropy(out[:, :-1], drawn) if bare.recipe.critic.naming else loss


STEPS: dict[str, Callable[[Bare, bool], None]] = {
    "categorical": _categorical,
    "conditional": _conditional,
    "wasserstein": _wasserstein,
}
