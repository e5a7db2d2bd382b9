"""Several processes train as one does on a batch as large as all of theirs."""

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from mien.runs.run import Run
from mien.store import Store
from mien.training.build import build
from mien.training.compute import Compute
from mien.training.loop import train
from mien.training.recipe import Recipe, load_recipe, parse_recipe

WORLD, STEPS = 2, 4
LOGGED = {"log_every": 1, "checkpoint_every": 2}


def small(batch_size: int, **changes: Any) -> Recipe:
    """Return a recogniser without batch norm: 1 - CCC, units labelled for some, classes."""
    content = {
        "name": "small",
        "title": "a small recogniser",
        "source": "the tests",
        "image_size": 28,
        "method": {
            "name": "recognition",
            "recogniser": {"network": "vanilla", "learning_rate": 0.02},
        },
        "heads": {"valence_arousal": True, "au": True, "au_intensity": True, "expression": True},
        "losses": {"valence_arousal": "ccc"},
        "optimiser": "sgd",
        "batch_size": batch_size,
    }
    return parse_recipe({**content, **changes}, "small")


def adversarial(name: str, *settings: str) -> Recipe:
    return load_recipe(name, ["batch_size=8", *settings])


RECIPES = {
    "recogniser": lambda: small(8),
    "balanced, clipped": lambda: small(8, data={"sampling": "balanced"}, clip_norm=0.5),
    "two stores": lambda: small(8),
    "categorical": lambda: adversarial("vanilla-28", "heads={au=true, valence_arousal=true}",
                                       "losses.valence_arousal=ccc"),
    "conditional": lambda: adversarial("cgan", "average=0.9"),
    "wasserstein": lambda: adversarial("acwgan"),
}  # fmt: skip


def trained(
    recipe: Recipe, stores: list[Path], compute: Compute | None
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Train a few steps; returns all weights and the losses of the steps."""
    store = Store.open(stores[0])
    if len(stores) > 1:
        sources = [{"store": str(folder)} for folder in stores]
        content = {**recipe.model_dump(), "data": {"sources": sources}}
        recipe, store = parse_recipe(content, "two"), None
    parts = build(recipe, store, compute=compute)
    losses = []
    for step in range(STEPS):
        parts.compute.seed((recipe.seed << 32) + step)
        log = parts.step.update(step, parts.batches.batch(step))
        losses += [float(v.detach()) for name, v in log.items() if name.endswith("/loss")]
    weights = {
        f"{name}.{key}": value.detach().clone()
        for name, network in parts.step.networks.items()
        for key, value in network.named_parameters()
    }
    return weights, losses


def stores_of(name: str, faces: Path, other_faces: Path) -> list[Path]:
    return [faces, other_faces] if name == "two stores" else [faces]


def process(rank: int, folder: str, faces: Path, other_faces: Path) -> None:
    """Be one of the processes, and write what it came to."""
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    where = f"file://{folder}/meet"
    torch.distributed.init_process_group("gloo", init_method=where, rank=rank, world_size=WORLD)
    for name, recipe in RECIPES.items():
        weights, losses = trained(recipe(), stores_of(name, faces, other_faces), None)
        save_file({**weights, "losses": torch.tensor(losses)}, Path(folder) / f"{name}-{rank}")
    for name, pieces in (("whole", (STEPS,)), ("parted", (2, STEPS))):
        for done, steps in enumerate(pieces):
            run = Run(Path(folder) / name)
            info = train(small(8, steps=steps, **LOGGED), Store.open(faces), run, resume=done > 0)
            assert info["best"] == run.info()["best"]  # once all is written, for every process
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    os._exit(0)  # gloo's threads may outlive the interpreter, and abort where it ends as usual


@pytest.fixture(scope="module")
def processes(faces, other_faces, tmp_path_factory) -> Path:
    """Train every recipe in two processes that meet in a file."""
    for store in (faces, other_faces):
        for size in (28, 32):
            Store.open(store).pixels(size)
    folder = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(process, (str(folder), faces, other_faces), WORLD)
    return folder


@pytest.mark.parametrize("name", ["recogniser", "balanced, clipped", "two stores"])
def test_two_processes_train_as_one_with_the_doubled_batch(processes, faces, other_faces, name):
    alone = RECIPES[name]().model_copy(update={"batch_size": 8 * WORLD})
    weights, losses = trained(alone, stores_of(name, faces, other_faces), Compute())
    for rank in range(WORLD):
        found = load_file(processes / f"{name}-{rank}")
        assert found.pop("losses").tolist() == pytest.approx(losses, rel=1e-5)
        assert found.keys() == weights.keys()
        for key, value in weights.items():
            scale = value.abs().max()
            assert (found[key] - value).abs().max() <= 1e-5 * scale, key
    start = build(alone, Store.open(faces)).step.networks["recogniser"].state_dict()
    moved = (weights["recogniser.head.weight"] - start["head.weight"]).abs().max()
    assert moved > 1e-3  # a difference would show


@pytest.mark.parametrize("name", ["categorical", "conditional", "wasserstein"])
def test_both_processes_hold_the_same_weights_of_a_gan(processes, name):
    first, second = (load_file(processes / f"{name}-{rank}") for rank in range(WORLD))
    first.pop("losses")
    second.pop("losses")
    assert {key.partition(".")[0] for key in first} >= {"generator", "discriminator"}
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_run_of_two_processes_is_written_once_and_is_that_of_one(processes, faces, tmp_path):
    one, two = Run(tmp_path / "one"), Run(processes / "whole")
    train(small(8 * WORLD, steps=STEPS, **LOGGED), Store.open(faces), one)
    assert [c.step for c in two.checkpoints()] == [c.step for c in one.checkpoints()] == [2, 4]
    assert [line["step"] for line in two.log()] == [line["step"] for line in one.log()]
    losses = [
        [line["recogniser/loss"] for line in run.log() if "recogniser/loss" in line]
        for run in (one, two)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert len(losses[0]) == STEPS
    assert two.info()["best"]["value"] == pytest.approx(one.info()["best"]["value"], rel=1e-4)
    weights = [load_file(run.last().recogniser) for run in (one, two)]
    for key, value in weights[0].items():
        assert (weights[1][key] - value).abs().max() <= 1e-5 * value.abs().max(), key


def test_two_processes_go_on_to_the_same_bits(processes):
    whole, parted = (load_file(Run(processes / n).last().recogniser) for n in ("whole", "parted"))
    assert all(torch.equal(whole[key], parted[key]) for key in whole)


def test_one_process_neither_gathers_nor_averages():
    compute, network = Compute(), nn.Linear(2, 1)
    tensor = torch.ones(3, requires_grad=True)
    assert compute.gather(tensor) is tensor
    assert compute.gather_all({"a": tensor})["a"] is tensor
    assert compute.put(tensor) is tensor
    assert compute.first
    assert (compute.any(True), compute.any(False)) == (True, False)
    network(torch.ones(1, 2)).sum().backward()
    before = network.weight.grad.clone()
    compute.average_gradients(network)
    assert torch.equal(network.weight.grad, before)


def test_processes_draw_numbers_of_their_own_and_the_same_ones_again():
    def drawn(rank: int, seed: int) -> float:
        Compute(rank=rank, world=2).seed(seed)
        return torch.rand(1).item()

    found = [drawn(rank, seed) for rank in (0, 1) for seed in (5, 6)]
    assert len(set(found)) == 4
    assert drawn(1, 6) == found[3]
    Compute(rank=1, world=2).seed(2**64 - 1)  # of 64 bits at most
    torch.manual_seed(5)
    assert drawn(0, 5) == found[0]


def test_networks_compute_in_the_precision_asked_for():
    with Compute(precision="bfloat16").autocast():
        assert nn.Linear(2, 1)(torch.ones(1, 2)).dtype == torch.bfloat16
    with Compute().autocast():
        assert nn.Linear(2, 1)(torch.ones(1, 2)).dtype == torch.float32
    assert isinstance(Compute().autocast(), contextlib.nullcontext)
