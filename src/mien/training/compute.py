"""Where and in which precision a training computes: the business of this class alone.

Bit-equal resume is promised on the CPU. With several processes (of a group that the caller has
started, `torch.distributed`) every one holds the same weights and a share of each batch;
predictions and labels are gathered before the loss, so that CCC and masked means are of the whole
batch, and gradients are those that one process would have. That holds of the methods `recogniser`
and `categorical`; losses of the others are means over a process's own share, and batch
normalisation sees that share alone in all of them. The first process alone writes the run.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_CPU = torch.device("cpu")
_APART = 0x9E3779B97F4A7C15
"""Between the seeds of two processes."""


@dataclass(frozen=True)
class Compute:
    """device: of networks and batches. rank, world: of this process among all.

    precision: `float32`, or `bfloat16` for the networks' own arithmetic.
    """

    device: torch.device = _CPU
    rank: int = 0
    world: int = 1
    precision: str = "float32"

    @classmethod
    def here(cls, precision: str) -> "Compute":
        """The first CUDA device where there is one, else the CPU; the process group's rank."""
        rank, world = 0, 1
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
        cuda = torch.cuda.is_available()
        index = rank % torch.cuda.device_count() if cuda else 0
        device = torch.device("cuda", index) if cuda else torch.device("cpu")
        return cls(device, rank, world, precision)

    @property
    def first(self) -> bool:
        """Whether this process is the one that validates and writes."""
        return self.rank == 0

    def any(self, mine: bool) -> bool:
        """Whether any process says so: all of them wait for each other, and hear the same."""
        if self.world == 1:
            return mine
        said = torch.tensor(int(mine), device=self.device)
        torch.distributed.all_reduce(said, torch.distributed.ReduceOp.MAX)
        return bool(said)

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which networks run."""
        if self.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def put(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the device."""
        return tensor if self.device.type == "cpu" else tensor.to(self.device, non_blocking=True)

    def seed(self, seed: int) -> None:
        """Seed everything random of a step: on the CPU, whatever the device; ranks differ."""
        # Of the processor alone: torch.manual_seed takes a stack trace for every other device.
        torch.default_generator.manual_seed((seed + self.rank * _APART) % 2**64)
        if self.device.type == "cuda":
            torch.cuda.manual_seed((seed + self.rank * _APART) % 2**64)

    def gather(self, tensor: Tensor) -> Tensor:
        """Concatenate (N, ...) of all processes, in order of rank; gradients pass."""
        if self.world == 1:
            return tensor
        found: Tensor = _Gathered.apply(tensor, self.rank, self.world)  # type: ignore[no-untyped-call]
        return found

    def gather_all(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gather every tensor of a mapping."""
        return {name: self.gather(tensor) for name, tensor in tensors.items()}

    def average_gradients(self, network: nn.Module) -> None:
        """Replace gradients by their mean over processes.

        Each process differentiates the same gathered loss, and what flows back into its share is
        that of all of them (`_Gathered`): the mean is the gradient of that loss. Of losses that
        each takes of its own share, as the generators', the mean is that of their mean.
        """
        if self.world == 1:
            return
        for weight in network.parameters():
            if weight.grad is not None:
                torch.distributed.all_reduce(weight.grad)
                weight.grad /= self.world

    def same_weights(self, networks: Iterable[nn.Module]) -> None:
        """Make all processes start from the weights of the first."""
        if self.world == 1:
            return
        for network in networks:
            for tensor in (*network.parameters(), *network.buffers()):
                torch.distributed.broadcast(tensor.data, 0)


class _Gathered(torch.autograd.Function):
    """Tensors of all processes, one after the other.

    All of them differentiate the same function of the same values, so that the sum over processes
    of what flows back into one share is `world` times what this process computed itself.
    """

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, rank: int, world: int) -> Tensor:
        ctx.rank, ctx.world = rank, world
        parts = [tensor.new_empty(tensor.shape) for _ in range(world)]
        torch.distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].chunk(ctx.world)[ctx.rank] * ctx.world, None, None
