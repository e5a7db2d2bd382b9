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
from mien.models import channels_of
from mien.training.augmentation import Augmentation
from mien.training.build import Parts

cross_entropy_of = F.binary_cross_entropy_with_logits


class Bare:
    """Networks like those of `parts`, their optimisers, one batch of real images in memory.

    d: the discriminator, or a recogniser. g: the generator, where there is one. plain: what one
    writes first. float32, gradients of everything, the graph of generated images kept in the
    discriminator's turn. compiled, channels_last: of all networks.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        plain: bool = False,
        channels_last: bool = False,
        compiled: bool = False,
    ) -> None:
        recipe, self.heads, self.plain = parts.recipe, parts.spec.layout.heads, plain
        self.recipe, self.method = recipe, recipe.method
        self.schedule = getattr(parts.step, "pair", None) and parts.step.pair.schedule
        self.augmentation = Augmentation(**recipe.augmentation.model_dump())
        self.fast = recipe.precision == "bfloat16" and not plain
        networks = {
            name: registry[net.network](**parts.cards[name].arguments)
            for name, (net, registry) in self.method.roles().items()
        }
        form = torch.channels_last if channels_last else torch.contiguous_format
        networks = {name: net.to(memory_format=form) for name, net in networks.items()}
        self.g, self.d = networks.get("generator"), [*networks.values()][-1]
        side, count = recipe.image_size, recipe.batch_size
        self.real = torch.rand(count, channels_of(self.d), side, side) * 2 - 1
        self.real = self.real.to(memory_format=form)
        self.run_g, self.run_d = self.g, self.d
        if compiled:
            self.run_g, self.run_d = self.g and torch.compile(self.g), torch.compile(self.d)
        self.optimisers = {id(net): self._optimiser(net) for net in networks.values()}
        named = next((head for head in self.heads if head.name == "expression"), None)
        self.classes = getattr(self.g, "classes", len(named.outputs) if named else 0)
        self.conditional = hasattr(self.d, "conditional")
        self.label = torch.randint(0, max(self.classes, 1), (count,))
        self.labels = {
            head.name: torch.randint(0, 2, (count, len(head.outputs))).float()
            for head in self.heads
        }
        self._step = STEPS[self.method.name]

    def _optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        if self.recipe.optimiser == "rmsprop":
            return torch.optim.RMSprop(network.parameters(), 1e-5)
        return torch.optim.Adam(network.parameters(), 1e-5, (0.5, 0.999), fused=not self.plain)

    def steps(self, turn: range) -> None:
        """Run several steps."""
        for step in turn:
            self._step(self, self.schedule is None or self.schedule.updates_discriminator(step))

    def draw(self) -> Tensor | None:
        """Draw labels for generated images, where the generator takes any."""
        if not hasattr(self.g, "conditional"):
            return None
        return torch.randint_like(self.label, self.classes)

    def fakes(self, label: Tensor | None) -> Tensor:
        """Generate a batch."""
        noise = torch.rand(self.recipe.batch_size, self.method.noise) * 2 - 1
        given = (noise,) if label is None else (noise, label)
        return self._run(self.run_g, *given)

    def fakes_of_turn(self, label: Tensor | None) -> Tensor:
        """Generate a batch in the discriminator's turn: its graph is of no use there."""
        with torch.set_grad_enabled(self.plain):
            return self.fakes(label)

    def discriminate(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Run the discriminator on images, changed as the recipe has it."""
        images = self.augmentation(images)
        given = (images,) if label is None else (images, label)
        return self._run(self.run_d, *given)

    def _run(self, network: Callable[..., Tensor], *given: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.fast):
            out = network(*given)
        return out.float()

    def update(self, network: nn.Module, loss: Tensor) -> None:
        """Backward, clip, update."""
        optimiser = self.optimisers[id(network)]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), self.recipe.clip_norm)
        optimiser.step()

    def pull(self, fake: Tensor) -> Tensor:
        """What draws generated images to real ones."""
        loss, by = torch.zeros(()), self.method.reconstruction
        if by.steps and by.weight:
            loss = F.huber_loss(fake, self.real)
        if self.method.feature_matching:
            loss = loss + feature_matching_loss(self.d.features(fake), self.d.features(self.real))
        return loss

    def head_losses(self, out: Tensor, real: bool) -> Tensor:
        """Loss of the heads on labels, or on constants where there are none."""
        loss = torch.zeros(())
        parts = torch.split(
            out[:, : sum(h.width for h in self.heads)], [h.width for h in self.heads], 1
        )
        for head, part in zip(self.heads, parts, strict=True):
            if head.type.kind in ("exclusive", "votes"):
                loss = loss + F.cross_entropy(part, self.label) if real else loss
                continue
            wanted = self.labels[head.name] if real else torch.full_like(part, 0.01)
            if len(wanted[0]) < part.shape[1]:  # an ordinal head: a logit per level
                wanted = wanted.repeat_interleave(part.shape[1] // len(wanted[0]), 1)
            function = F.mse_loss if head.type.kind == "regression" else cross_entropy_of
            loss = loss + function(part, wanted)
        return loss


def _recognition(bare: Bare, _: bool) -> None:
    bare.update(bare.d, bare.head_losses(bare.discriminate(bare.real), real=True))


def _categorical(bare: Bare, discriminators: bool) -> None:
    method = bare.method

    def loss_of(out: Tensor, real: bool) -> Tensor:
        loss = torch.zeros(())
        if method.fake_weight:
            target = torch.full_like(out[:, -1], 0.0 if real else method.fake_labels.fake)
            loss = cross_entropy_of(out[:, -1], target)
        if real or method.fake_labels.others != "none":
            loss = loss + bare.head_losses(out, real)
        return loss

    if discriminators:
        loss = loss_of(bare.discriminate(bare.real), real=True)
        loss = loss + loss_of(bare.discriminate(bare.fakes_of_turn(None)), real=False)
        bare.update(bare.d, loss)
        return
    bare.d.requires_grad_(bare.plain)
    fake = bare.fakes(None)
    loss = torch.log(torch.sigmoid(bare.discriminate(fake)[:, -1]) + 1e-7).mean() + bare.pull(fake)
    bare.update(bare.g, loss)
    bare.d.requires_grad_(True)


def _conditional(bare: Bare, discriminators: bool) -> None:
    drawn = bare.draw()
    if discriminators:
        of_fake = bare.discriminate(bare.fakes_of_turn(drawn), drawn)
        of_real, of_wrong = (bare.discriminate(bare.real, label) for label in (bare.label, drawn))
        ones = torch.ones_like(of_real)
        wrong = cross_entropy_of(of_fake, ones) + cross_entropy_of(of_wrong, ones)
        bare.update(bare.d, cross_entropy_of(of_real, 0 * ones) + 0.5 * wrong)
        return
    bare.d.requires_grad_(bare.plain)
    fake = bare.fakes(drawn)
    bare.update(bare.g, F.softplus(bare.discriminate(fake, drawn)).mean() + bare.pull(fake))
    bare.d.requires_grad_(True)


def _wasserstein(bare: Bare, discriminators: bool) -> None:
    method, drawn = bare.method, bare.draw()
    label = drawn if bare.conditional else None
    if not discriminators:
        bare.d.requires_grad_(bare.plain)
        fake = bare.fakes(drawn)
        loss = _of_generated(bare, bare.discriminate(fake, label), drawn) + bare.pull(fake)
        bare.update(bare.g, loss)
        bare.d.requires_grad_(True)
        return
    fake = bare.fakes_of_turn(drawn)
    out_real, out_fake = bare.discriminate(bare.real, label), bare.discriminate(fake, label)
    loss = out_real[:, -1].mean() - out_fake[:, -1].mean()
    if method.naming:
        loss = loss + F.cross_entropy(out_real[:, :-1], bare.label)
        loss = loss + F.cross_entropy(out_fake[:, :-1], drawn)
    if method.gradient_penalty:

        def score(images: Tensor) -> Tensor:
            return bare.discriminate(images, label)[:, -1]

        loss = loss + method.gradient_penalty * gradient_penalty(score, bare.real, fake)
    bare.update(bare.d, loss)
    if method.clip_weights:
        for weight in bare.d.parameters():
            weight.data.clamp_(-method.clip_weights, method.clip_weights)


def _of_generated(bare: Bare, out: Tensor, drawn: Tensor | None) -> Tensor:
    """The generator's loss: images that look real, and of the emotion drawn."""
    loss = out[:, -1].mean()
    return loss + F.cross_entropy(out[:, :-1], drawn) if bare.method.naming else loss


STEPS: dict[str, Callable[[Bare, bool], None]] = {
    "recognition": _recognition,
    "categorical": _categorical,
    "conditional": _conditional,
    "wasserstein": _wasserstein,
}
