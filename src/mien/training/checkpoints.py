"""Save and restore a training whole: networks, optimisers, step, best score so far.

Batches, noise and dropout are functions of (seed, step), so no random state needs keeping.
"""

import json
import shutil
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer

from mien.atomic import replacing_folder
from mien.errors import InputError
from mien.models.checkpoint import save_network
from mien.runs.run import Checkpoint, Run
from mien.training.build import Parts

RESUMABLE = 2
"""Newest checkpoints that keep their optimisers."""
OPTIMISERS, STATE = "optimisers.safetensors", "state.json"


def save(
    run: Run, parts: Parts, step: int, best: dict[str, Any] | None, memory: dict[str, Any]
) -> None:
    """Write the checkpoint of `step`, then drop old ones, but for the best.

    memory: plain values that the loop wants back when the run is resumed.
    """
    recipe = parts.recipe
    with replacing_folder(run.folder_of(step)) as folder:
        for name, network in parts.step.networks.items():
            save_network(Checkpoint(folder).file(name), network, parts.cards[name])
        save_file(_optimiser_tensors(parts), folder / OPTIMISERS)
        (folder / STATE).write_text(
            json.dumps(
                {"step": step, "best": best, "counters": parts.step.memory(), "memory": memory}
            ),
            encoding="utf-8",
        )
    run.write_info(best=best)
    keep = {c.step for c in run.checkpoints()[-recipe.keep_checkpoints :]}
    keep |= {best["step"]} if best else set()
    found = run.checkpoints()
    for checkpoint in found:
        if checkpoint.step not in keep:
            shutil.rmtree(checkpoint.folder)
    for checkpoint in found[:-RESUMABLE]:  # two thirds of a checkpoint, and nobody resumes there
        (checkpoint.folder / OPTIMISERS).unlink(missing_ok=True)


def restore(
    checkpoint: Checkpoint, parts: Parts
) -> tuple[int, dict[str, Any] | None, dict[str, Any]]:
    """Load a checkpoint into the parts; returns its step, the best score so far and the memory."""
    try:
        for name, network in parts.step.networks.items():
            network.load_state_dict(load_file(checkpoint.file(name)))
        tensors = load_file(checkpoint.folder / OPTIMISERS)
        for name, optimiser in parts.step.optimisers.items():
            _restore_optimiser(optimiser, name, tensors)
        state = json.loads((checkpoint.folder / STATE).read_text(encoding="utf-8"))
        parts.step.remember(state["counters"])
        return state["step"], state["best"], state.get("memory", {})
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(
            f"{checkpoint.folder}: cannot be resumed from ({error}); remove the folder to go on "
            "from the checkpoint before"
        ) from error


def _optimiser_tensors(parts: Parts) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{index}.{key}": value.clone()
        for name, optimiser in parts.step.optimisers.items()
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }


def _restore_optimiser(optimiser: Optimizer, name: str, tensors: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for full, value in tensors.items():
        owner, index, key = full.split(".", 2)
        if owner == name:
            state.setdefault(int(index), {})[key] = value
    fresh = optimiser.state_dict()
    optimiser.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})
