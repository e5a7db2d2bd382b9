"""The one training loop: data, steps, logging, validation, checkpoints, signals, resume."""

import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien import __version__
from mien.atomic import write_text
from mien.errors import InputError
from mien.metrics.affect import HEADLINE, affect_scores, headline
from mien.models.predictor import AffectPredictor, to_pixels
from mien.models.sampler import FaceSampler
from mien.progress import Progress, say_nothing, silent
from mien.runs.run import Run
from mien.store import Store
from mien.training import checkpoints
from mien.training.adversarial import Diverged
from mien.training.build import Parts, build
from mien.training.head_loss import Log
from mien.training.monitors import Monitors
from mien.training.recipe import Recipe, to_toml
from mien.training.recorder import Recorder

SAMPLES = 64


def train(
    recipe: Recipe,
    store: Store,
    run: Run,
    resume: bool = False,
    progress: Progress = silent,
    warn: Callable[[str], None] = say_nothing,
) -> dict[str, Any]:
    """Train to the recipe's number of steps and return run.json.

    warn: called with what the monitors find, in plain words; it is kept in metrics.jsonl too.

    Ctrl-C and SIGTERM finish the step, write a checkpoint and raise KeyboardInterrupt. Resuming
    continues from the last checkpoint, to the same bits as a run that was never stopped. Raises
    InputError where a loss or gradient stops being finite, the last good checkpoint kept.
    """
    parts = build(recipe, store, fresh=not (resume and run.checkpoints()))
    done, best, memory = _start(parts, store, run, resume)
    with Recorder(run, done) as recorder, _stop_requests() as stop:
        loop = Loop(parts, run, recorder, best, warn, memory)
        last = done >= recipe.steps
        while not last:
            loop.one_step(done)
            done += 1
            last = done == recipe.steps or bool(stop)  # read once: a signal may come in between
            if done % recipe.log_every == 0 or last:
                progress(done, recipe.steps, loop.log(done))
            if done % recipe.checkpoint_every == 0 or last:
                loop.checkpoint(done)
        if done < recipe.steps:
            raise KeyboardInterrupt
    return run.info()


def _start(
    parts: Parts, store: Store, run: Run, resume: bool
) -> tuple[int, dict[str, Any] | None, dict[str, Any]]:
    """Prepare the folder; returns the steps already done, the best score so far, what was known."""
    if resume and run.info_file.exists():
        if run.info()["data"]["digest"] != parts.data["digest"]:
            raise InputError(
                f"{run.folder}: the training faces or labels of {store.folder} are not those the "
                "run was started with; start a new run"
            )
        write_text(run.recipe_file, to_toml(parts.recipe))
        found = run.checkpoints()
        return checkpoints.restore(found[-1], parts) if found else (0, None, {})
    run.checkpoints_folder.mkdir(parents=True, exist_ok=True)
    write_text(run.recipe_file, to_toml(parts.recipe))
    run.write_info(
        recipe=parts.recipe.name,
        store=str(store.folder.resolve()),
        data=parts.data,
        metric=HEADLINE,
        best=None,
        started=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        seed=parts.recipe.seed,
        versions={name: version(name) for name in ("torch", "numpy")} | {"mien": __version__},
        commit=_commit(),
        machine={
            "platform": platform.platform(),
            "processors": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
    )
    return 0, None, {}


def _commit() -> str | None:
    """Commit of the checkout this code runs from; None where it is installed otherwise."""
    here = Path(__file__).resolve().parents[3]
    if not (here / ".git").exists():
        return None
    command = ["git", "-C", str(here), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


class Loop:
    """State of a training between steps: what was logged last, and when."""

    def __init__(
        self,
        parts: Parts,
        run: Run,
        recorder: Recorder,
        best: dict[str, Any] | None,
        warn: Callable[[str], None],
        memory: Mapping[str, Any] | None = None,
    ) -> None:
        self.parts, self.run, self.recorder, self.best = parts, run, recorder, best
        self.warn = warn
        layout = parts.learned.layout
        self._recognises = layout.outputs > 1
        known = memory or {}
        self._latest: Log = {k: torch.tensor(v) for k, v in known.get("latest", {}).items()}
        self._monitors = Monitors(**known.get("monitors", {}))
        self._real = to_pixels(parts.batches.batch(0).images)
        self._since, self._images = time.perf_counter(), 0

    def one_step(self, step: int) -> None:
        """Train step number `step` (from 0): everything random in it follows from the seed."""
        recipe = self.parts.recipe
        batch = self.parts.batches.batch(step)
        # Of the processor alone: torch.manual_seed takes a stack trace for every other device.
        torch.default_generator.manual_seed((recipe.seed << 32) + step)
        try:
            self._latest.update(self.parts.step(step, batch))
        except Diverged as error:
            saved = self.run.checkpoints()
            kept = f"the checkpoint of step {saved[-1].step} is kept" if saved else "none was saved"
            raise InputError(
                f"{self.run.folder}: training diverged at step {step} ({error}); {kept}; "
                "a lower learning rate or clip_norm may help"
            ) from error
        if self.parts.average and not self.parts.step.game.rules.trains_discriminator(step):
            self.parts.average.follow(self.parts.step.game.generator.network)
        self._images += len(batch)

    def log(self, done: int) -> str:
        """Record the latest losses; returns a few words for the progress bar."""
        now = time.perf_counter()
        rate = self._images / (now - self._since)
        self._since, self._images = now, 0
        values = self._values()
        self.recorder.scalars(done, {**values, "speed/images_per_s": rate})
        self._warn(done, self._monitors.watch_game(values))
        losses = (("D", "discriminator/loss"), ("G", "generator/loss"))
        shown = [f"{short} {values[name]:.3f}" for short, name in losses if name in values]
        score = f", best {self.best['value']:.3f} at {self.best['step']}" if self.best else ""
        return f"{' '.join(shown)}, {rate:.0f} images/s{score}"

    def _values(self) -> dict[str, float]:
        return {name: float(value.detach()) for name, value in self._latest.items()}

    def checkpoint(self, done: int) -> None:
        """Validate, draw samples, and save."""
        started = time.perf_counter()
        generator = self.parts.step.game.generator.network
        source = self.parts.average.network if self.parts.average else generator
        faces = list(FaceSampler(source).batches(SAMPLES, self.parts.recipe.seed))
        samples = to_pixels(torch.cat(faces))
        self.recorder.samples(done, samples, affect=self._affect_of(faces))
        numbers, told = self._monitors.watch_samples(samples, self._real)
        self.recorder.scalars(done, numbers)
        self._warn(done, told)
        generator.train()
        value = self._validate(done)
        if np.isfinite(value) and (self.best is None or value > self.best["value"]):
            self.best = {"step": done, "value": value, "metric": HEADLINE}
        memory = {"latest": self._values(), "monitors": self._monitors.memory()}
        checkpoints.save(self.run, self.parts, done, self.best, memory)
        took = time.perf_counter() - started
        self.recorder.scalars(done, {"speed/checkpoint_s": took})
        self._since += took  # training speed, not validation's

    def _affect_of(self, faces: list[torch.Tensor]) -> NDArray[np.float32] | None:
        """Valence and arousal (N, 2) that the discriminator sees in faces; None without heads."""
        learned = self.parts.learned
        if not (learned.valence and learned.arousal):
            return None
        network = self.parts.step.game.discriminator.network
        seen = AffectPredictor(network, learned).predict_batches(faces).valence_arousal
        network.train()
        return seen

    def _validate(self, done: int) -> float:
        faces = self.parts.validation
        if faces is None:
            return float("nan")
        network = self.parts.step.game.discriminator.network
        if not self._recognises:
            return float("nan")
        predictor = AffectPredictor(network, self.parts.learned)
        predictions = predictor.predict(faces.pixels.gather(faces.rows))
        scores = affect_scores(predictions, faces.labels)
        network.train()
        value = headline(scores)
        drift, told = self._monitors.watch_heads(predictions, faces.labels)
        self.recorder.scalars(done, {**_flat(scores), "val/headline": value, **drift})
        self._warn(done, told)
        return value

    def _warn(self, done: int, told: list[str]) -> None:
        """Say what the monitors say, and keep it with the run."""
        for text in told:
            self.recorder.warning(done, text)
            self.warn(f"step {done}: {text}")


def _flat(scores: dict[str, Any]) -> dict[str, float]:
    """Name the scores that are worth a curve."""
    units = {f"val/f1/{name}": row["f1"] for name, row in scores["au"]["units"].items()}
    return {
        "val/ccc/valence": scores["valence"]["ccc"],
        "val/ccc/arousal": scores["arousal"]["ccc"],
        "val/au/mean_f1": scores["au"]["mean_f1"],
        "val/au/mean_accuracy": scores["au"]["mean_accuracy"],
        "val/expression/accuracy": scores["expression"]["accuracy"],
        "val/expression/macro_f1": scores["expression"]["macro_f1"],
        **units,
    }


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Yield a list that fills when Ctrl-C or SIGTERM asks to stop; a second one stops at once."""
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(number, ask) for number in signals]
    except ValueError:  # not the main thread: nobody sends it signals
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
