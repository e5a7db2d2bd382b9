"""Can a small network learn a few faces by heart? (benroumpi-2018, section 4.3)

One that cannot has pixels and labels that do not belong together: alike pictures with different
labels, crops that show nothing, a table joined one row off. One that can says only that nothing is
torn: a network memorises any labels (Zhang et al. 2017). But those that have to do with what is
seen it learns in fewer steps than the same ones shuffled (Arpit et al. 2017), so both are done.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.labels.arrays import Labels
from mien.labels.heads import Head
from mien.labels.kinds import THRESHOLD, Floats
from mien.losses.heads import LOSSES
from mien.metrics.continuous import ccc
from mien.models.heads import HeadLayout
from mien.models.images import to_network
from mien.progress import Progress, silent
from mien.training.data import LabelBatch

LEARNED, FOLLOWED = 0.95, 0.9
"""Share of counted labels, and CCC of continuous ones, from which a head is learned by heart."""
_EVERY = 20
_WIDTHS = (16, 32, 64)


@dataclass(frozen=True)
class Memorised:
    """scores: by head, the share of labels that are right, or the mean CCC of what is continuous.

    steps: until all were learned; None where they never were. done: steps made. stuck: places among
    the faces whose labels the network could not learn, worst first.
    """

    scores: Mapping[str, float]
    steps: int | None
    done: int
    stuck: Sequence[int]


def small_network(outputs: int, side: int) -> nn.Module:
    """Three convolutions of 3 x 3 and stride 2, one hidden layer; neither norm nor dropout."""
    layers: list[nn.Module] = []
    before = 3
    for width in _WIDTHS:
        layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.ReLU()]
        before = width
    last = -(-side // 2 ** len(_WIDTHS))
    layers += [nn.Flatten(), nn.Linear(before * last * last, 128), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, outputs))


def memorise(
    pixels: NDArray[np.uint8],
    labels: Labels,
    *,
    steps: int,
    limit_s: float,
    seed: int = 0,
    progress: Progress = silent,
) -> Memorised:
    """Train a small network on these faces alone until it knows them.

    pixels: (N, S, S, 3). labels: of N faces, heads without any label left out. steps, limit_s (of
    processor time): when to give up.
    """
    torch.manual_seed(seed)
    layout = HeadLayout(labels.heads)
    network = small_network(layout.outputs, pixels.shape[1])
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    images = to_network(pixels)
    batch = LabelBatch.of({head.name: labels[head.name] for head in labels.heads})
    losses = {head.name: next(iter(LOSSES[head.type.kind].values())) for head in labels.heads}
    end = time.process_time() + limit_s
    step, learned, scores = 0, False, dict.fromkeys(losses, 0.0)
    while not learned and step < steps and time.process_time() < end:
        raw = layout.split(network(images))
        loss = torch.stack(
            [losses[n](raw[n], batch.values[n], batch.valid[n]) for n in losses]
        ).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        step += 1
        if step % _EVERY == 0:
            found = _predicted(network, layout, images)
            scores = {h.name: _score(h, found[h.name], labels[h.name]) for h in labels.heads}
            learned = all(scores[h.name] >= _needed(h) for h in labels.heads)
            progress(step, steps, "")
    stuck = [] if learned else _stuck(labels, _predicted(network, layout, images))
    return Memorised(scores, step if learned else None, step, stuck)


def _needed(head: Head) -> float:
    return LEARNED if head.kind.counted else FOLLOWED


def _predicted(network: nn.Module, layout: HeadLayout, images: torch.Tensor) -> dict[str, Floats]:
    with torch.no_grad():
        raw = layout.split(network(images))
    return {head.name: head.kind.decode(raw[head.name].numpy()) for head in layout.heads}


def _right(head: Head, found: Floats, truth: Floats) -> NDArray[np.bool_]:
    """Whether each counted label (N, K), or one of several classes (N, 1), is right."""
    if head.kind.classes:
        return np.asarray(found.argmax(1) == np.nan_to_num(truth).argmax(1))[:, None]
    return np.asarray((found >= THRESHOLD) == (truth >= THRESHOLD))


def _score(head: Head, found: Floats, truth: Floats) -> float:
    if head.kind.counted:
        known = ~np.isnan(truth).any(1, keepdims=True) if head.kind.classes else ~np.isnan(truth)
        return float(_right(head, found, truth)[known].mean())
    each = []
    for said, true in zip(found.T, truth.T, strict=True):
        known = ~np.isnan(true)
        if known.any() and np.ptp(true[known]) > 1e-3:
            each.append(float(ccc(said[known], true[known])))
    return float(np.mean(each)) if each else 1.0


def _stuck(labels: Labels, found: Mapping[str, Floats]) -> list[int]:
    """Places by how far labels are missed: wrong ones count 1, continuous ones their distance."""
    missed = np.zeros(labels.n)
    for head in labels.heads:
        truth, said = labels[head.name], found[head.name]
        if head.kind.counted:
            wrong = ~_right(head, said, truth)
            unknown = np.isnan(truth)
            wrong &= ~(unknown.any(1, keepdims=True) if head.kind.classes else unknown)
            missed += wrong.sum(1)
        else:
            low, high = head.kind.bounds
            missed += np.nan_to_num(np.abs(said - truth)).sum(1) / (high - low)
    return [int(i) for i in np.argsort(-missed, kind="stable") if missed[i] > 0.1]
