"""How the losses of several heads are weighed against each other, on top of a recipe's weights."""

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien.labels.heads import HEADS
from mien.training.log import Log


class Weighting(Protocol):
    """Factors on the losses of heads, which may follow from the losses themselves."""

    def __call__(self, terms: Log) -> Log:
        """Weigh losses by head's name; a loss of 0, of a batch without labels, says nothing."""

    @property
    def factors(self) -> dict[str, float]:
        """The factors used last."""

    def memory(self) -> dict[str, float]:
        """Numbers that a resumed training wants back."""

    def remember(self, memory: Mapping[str, float]) -> None:
        """Take them back."""


class FixedWeights:
    """The recipe's weights alone."""

    def __init__(self) -> None:
        self.factors: dict[str, float] = {}

    def __call__(self, terms: Log) -> Log:
        """Leave the losses as they are."""
        return terms

    def memory(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def remember(self, memory: Mapping[str, float]) -> None:
        """Nothing."""


class UncertaintyWeights:
    """Weights by learned uncertainty (Kendall et al. 2018, "Multi-task learning").

    The sum over heads of c L exp(-s) + s / 2, with s = log sigma^2 learned beside the network, by
    gradient descent of its own: c is 1/2 of regression, 1 of the others (their equations 7 and 10).
    s starts at 0.
    """

    RATE = 0.01

    def __init__(self) -> None:
        self._s: dict[str, float] = {}
        self.factors: dict[str, float] = {}

    def __call__(self, terms: Log) -> Log:
        """Weigh the losses, and learn from them."""
        values = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        for name, value in values.items():
            s = self._s.setdefault(name, 0.0)
            share = 0.5 if HEADS[name].kind == "regression" else 1.0
            self.factors[name] = share * math.exp(-s)
            if value > 0:
                self._s[name] = s - self.RATE * (0.5 - self.factors[name] * value)
        return {name: self.factors[name] * term for name, term in terms.items()}

    def memory(self) -> dict[str, float]:
        """Every s."""
        return {f"log_variance/{name}": s for name, s in self._s.items()}

    def remember(self, memory: Mapping[str, float]) -> None:
        """Take them back."""
        self._s = _of("log_variance", memory)


class GradientNormWeights:
    """Weights that let all heads pull alike (Chen et al. 2018, "GradNorm").

    Of each head G = |gradient of w L|, taken at the features that the last layer sees (theirs: at
    the last shared weights). Its target is the mean G times r^1.5, r the share of its first loss
    that is left, over the heads' mean. w follows the gradient of sum |G - target|, here in units of
    the mean unweighted norm, so that the rate means the same for losses of any scale; the weights
    sum to the number of heads.
    """

    RATE, RESTORE = 0.025, 1.5

    def __init__(self, network: nn.Module) -> None:
        """Raises InputError where the last layer with weights is not dense."""
        last = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))][-1]
        if not isinstance(last, nn.Linear):
            raise InputError(
                f"method.weighting=gradient-norm: the last layer of {type(network).__name__} is "
                "not dense"
            )
        last.register_forward_pre_hook(self._see)
        self._seen: Tensor | None = None
        self._first: dict[str, float] = {}
        self.factors: dict[str, float] = {}

    def _see(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._seen = inputs[0]

    def __call__(self, terms: Log) -> Log:
        """Weigh the losses, and learn from them."""
        values = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        for name in terms:
            self.factors.setdefault(name, 1.0)
        used = {name: self.factors[name] * term for name, term in terms.items()}
        known = {name: value for name, value in values.items() if value > 0}
        for name, value in known.items():
            self._first.setdefault(name, value)
        if len(known) > 1 and self._seen is not None and self._seen.requires_grad:
            self._learn({name: self._norm(terms[name]) for name in known}, known)
        return used

    def _norm(self, term: Tensor) -> float:
        assert self._seen is not None
        (slope,) = torch.autograd.grad(term, self._seen, retain_graph=True)
        return float(slope.float().norm())

    def _learn(self, norms: Mapping[str, float], values: Mapping[str, float]) -> None:
        """One step of the weights, by gradients' norms and losses of the heads with labels."""
        left = {name: value / self._first[name] for name, value in values.items()}
        mean_left = sum(left.values()) / len(left)
        pulls = {name: self.factors[name] * norm for name, norm in norms.items()}
        mean, unit = sum(pulls.values()) / len(pulls), sum(norms.values()) / len(norms)
        for name, pull in pulls.items():
            target = mean * (left[name] / mean_left) ** self.RESTORE
            slope = norms[name] / max(unit, 1e-12) * ((pull > target) - (pull < target))
            self.factors[name] = max(self.factors[name] - self.RATE * slope, 1e-3)
        scale = len(self.factors) / sum(self.factors.values())
        self.factors = {name: factor * scale for name, factor in self.factors.items()}

    def memory(self) -> dict[str, float]:
        """Weights and first losses."""
        weights = {f"weight/{name}": value for name, value in self.factors.items()}
        return weights | {f"first/{name}": value for name, value in self._first.items()}

    def remember(self, memory: Mapping[str, float]) -> None:
        """Take them back."""
        self.factors, self._first = _of("weight", memory), _of("first", memory)


def _of(what: str, memory: Mapping[str, float]) -> dict[str, float]:
    """The numbers called `what/NAME`, by name."""
    found = ((key.partition("/"), value) for key, value in memory.items())
    return {name: value for (first, _, name), value in found if first == what}


def weighting_of(name: str, network: nn.Module, world: int) -> Weighting:
    """Make the weighting of a recipe's name; raises InputError where it does not fit."""
    if name == "uncertainty":
        return UncertaintyWeights()
    if name == "gradient-norm":
        if world > 1:
            raise InputError("method.weighting=gradient-norm: runs in one process alone")
        return GradientNormWeights(network)
    return FixedWeights()
