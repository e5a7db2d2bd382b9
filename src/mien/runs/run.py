"""Layout of a run folder.

recipe.toml        the resolved recipe
run.json           store, seed, versions, machine, best checkpoint so far, people trained on
metrics.jsonl      one JSON object per logged step
checkpoints/       step-00001000/NAME.safetensors, optimisers.safetensors, state.json; NAME is
                   recogniser, or generator and discriminator; NAME_average where it is averaged
samples/           step-00001000.png
tensorboard/       event files
evaluation.json    what `mien evaluate` found; sweep.json: with --sweep
report.html        curves and samples over time
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.atomic import write_text
from mien.errors import InputError


@dataclass(frozen=True)
class Checkpoint:
    """One saved step of a run."""

    folder: Path

    @property
    def step(self) -> int:
        """Number of training steps behind it."""
        return int(self.folder.name.removeprefix("step-"))

    def file(self, name: str) -> Path:
        """Where the weights of a network belong."""
        return self.folder / f"{name}.safetensors"

    def network(self, *names: str) -> Path | None:
        """File of the first of these networks that the checkpoint has; None where it has none."""
        return next((path for name in names if (path := self.file(name)).exists()), None)

    @property
    def sampler(self) -> Path | None:
        """File of the generator to draw samples from: its moving average where it has one."""
        return self.network("generator_average", "generator")

    @property
    def recogniser(self) -> Path:
        """File of the network that recognises affect: recogniser (averaged) or discriminator.

        Raises InputError where there is none.
        """
        found = self.network("recogniser_average", "recogniser", "discriminator")
        if found is None:
            raise InputError(f"{self.folder}: holds no recogniser and no discriminator")
        return found


class Run:
    """A run folder, to read from and to write into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open an existing run; raises InputError where the folder holds none."""
        run = cls(folder)
        if not run.info_file.is_file():
            raise InputError(f"{folder}: not a run (no run.json in it); `mien train` makes one")
        return run

    @property
    def info_file(self) -> Path:
        """The run.json."""
        return self.folder / "run.json"

    @property
    def recipe_file(self) -> Path:
        """The resolved recipe."""
        return self.folder / "recipe.toml"

    @property
    def metrics_file(self) -> Path:
        """The JSON lines of training."""
        return self.folder / "metrics.jsonl"

    @property
    def checkpoints_folder(self) -> Path:
        """The folder of checkpoints."""
        return self.folder / "checkpoints"

    def info(self) -> dict[str, Any]:
        """Read run.json."""
        try:
            info = json.loads(self.info_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.info_file}: cannot be read: {error}") from error
        if not isinstance(info, dict) or not {"stores", "data", "best"} <= info.keys():
            raise InputError(f"{self.info_file}: does not describe a run")
        return info

    def write_info(self, **changes: Any) -> None:
        """Merge `changes` into run.json."""
        info = self.info() if self.info_file.exists() else {}
        write_text(self.info_file, json.dumps({**info, **changes}, indent=2) + "\n")

    def log(self) -> list[dict[str, Any]]:
        """Read metrics.jsonl; a line that is being written, or was torn by a kill, is left out."""
        lines = []
        path = self.metrics_file
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and "step" in line:
                lines.append(line)
        return lines

    def folder_of(self, step: int) -> Path:
        """Where the checkpoint of `step` belongs."""
        return self.checkpoints_folder / f"step-{step:08d}"

    def checkpoints(self) -> list[Checkpoint]:
        """All whole checkpoints, by step."""
        return [Checkpoint(p) for p in sorted(self.checkpoints_folder.glob("step-*"))]

    def last(self) -> Checkpoint:
        """Return the newest checkpoint; raises InputError where there is none yet."""
        found = self.checkpoints()
        if not found:
            raise InputError(f"{self.folder}: the run has no checkpoint yet")
        return found[-1]

    def best(self) -> Checkpoint:
        """Return the best checkpoint by the run's own metric, or the last where none was scored."""
        best = self.info().get("best")
        if best is None:
            return self.last()
        return Checkpoint(self.folder_of(best["step"]))
