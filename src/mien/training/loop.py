"""The one training loop: data, steps, logging, validation, checkpoints, signals, resume."""

import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien import __version__
from mien.atomic import write_text
from mien.errors import InputError, TrainingDivergedError
from mien.labels.heads import VALENCE_AROUSAL
from mien.metrics.affect import HEADLINE, affect_scores, flat_scores, headline
from mien.metrics.heads import mean_known
from mien.models.images import to_pixels
from mien.models.sequence_recogniser import recogniser_of
from mien.models.torch_recogniser import TorchRecogniser
from mien.progress import Progress, say_nothing, silent
from mien.runs.run import Run
from mien.store import Store
from mien.store.following import predict_in_order
from mien.training import checkpoints
from mien.training.build import Parts, build
from mien.training.log import Log
from mien.training.monitors import Monitors
from mien.training.optimisation import Diverged
from mien.training.recipe import Recipe, to_toml
from mien.training.recorder import Recorder
from mien.training.schedule import set_rates
from mien.training.sources import Validation

SAMPLES = 64
CIRCLE = ("valence_arousal", VALENCE_AROUSAL)
"""Head and outputs that are drawn on the circle beside samples."""


def train(
    recipe: Recipe,
    store: Store | None,
    run: Run,
    resume: bool = False,
    progress: Progress = silent,
    warn: Callable[[str], None] = say_nothing,
    notes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train to the recipe's number of steps and return run.json.

    store: to train on; None where the recipe names its sources. warn: called with what is to be
    known of the start, and with what the monitors find, in plain words, which is kept in
    metrics.jsonl too. notes: kept in run.json.

    Of several processes (`compute.py`), to be called in each, the first alone writes the run.
    Ctrl-C and SIGTERM finish the step, write a checkpoint and raise KeyboardInterrupt. Resuming
    continues from the last checkpoint, to the same bits as a run that was never stopped. Raises
    InputError where a loss or gradient stops being finite, the last good checkpoint kept.
    """
    parts = build(recipe, store, fresh=not (resume and run.checkpoints()), say=warn)
    done, best, memory = _start(parts, run, resume, notes or {})
    with ExitStack() as stack:
        loop = Steps(parts, run)
        if parts.compute.first:
            recorder = stack.enter_context(Recorder(run, done))
            loop = Loop(parts, run, recorder, best, warn, memory)
        stop = stack.enter_context(_stop_requests())
        last = done >= recipe.steps
        while not last:
            loop.one_step(done)
            done += 1
            asked = parts.compute.any(bool(stop))  # once a step: a signal may come in between
            last = done == recipe.steps or asked
            if done % recipe.log_every == 0 or last:
                progress(done, recipe.steps, loop.log(done))
            if done % recipe.checkpoint_every == 0 or last:
                loop.checkpoint(done)
        if done < recipe.steps:
            raise KeyboardInterrupt
    parts.compute.any(False)  # until the first has written
    return run.info()


def _start(
    parts: Parts, run: Run, resume: bool, notes: Mapping[str, Any]
) -> tuple[int, dict[str, Any] | None, dict[str, Any]]:
    """Prepare the folder; returns the steps already done, the best score so far, what was known."""
    if resume and run.info_file.exists():
        if run.info()["data"]["digest"] != parts.data["digest"]:
            raise InputError(
                f"{run.folder}: the training faces or labels of {', '.join(parts.stores)} are not "
                "those the run was started with; start a new run"
            )
        if parts.compute.first:
            write_text(run.recipe_file, to_toml(parts.recipe))
        found = run.checkpoints()
        return checkpoints.restore(found[-1], parts) if found else (0, None, {})
    if not parts.compute.first:
        return 0, None, {}
    run.checkpoints_folder.mkdir(parents=True, exist_ok=True)
    write_text(run.recipe_file, to_toml(parts.recipe))
    run.write_info(
        **notes,
        recipe=parts.recipe.name,
        stores=list(parts.stores),
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


class Steps:
    """The steps of a process beside the first: it trains, and writes nothing."""

    def __init__(self, parts: Parts, run: Run) -> None:
        self.parts, self.run = parts, run
        self._latest: Log = {}
        self._images = 0
        self._rates = {name: method[0].learning_rate
                       for name, method in parts.recipe.method.roles().items()}  # fmt: skip

    def one_step(self, step: int) -> None:
        """Train step number `step` (from 0): everything random in it follows from the seed."""
        recipe = self.parts.recipe
        batch = self.parts.batches.batch(step)
        self.parts.compute.seed((recipe.seed << 32) + step)
        faces = len(self.parts.batches)
        set_rates(self.parts.step.optimisers, self._rates, recipe, step, faces)
        try:
            self._latest.update(self.parts.step.update(step, batch))
        except Diverged as error:
            saved = self.run.checkpoints()
            kept = f"the checkpoint of step {saved[-1].step} is kept" if saved else "none was saved"
            raise TrainingDivergedError(
                f"{self.run.folder}: training diverged at step {step} ({error}); {kept}; "
                "a lower learning rate or clip_norm may help"
            ) from error
        self._images += len(batch)

    def log(self, done: int) -> str:
        """Do nothing: the first process logs."""
        return ""

    def checkpoint(self, done: int) -> None:
        """Do nothing: the first process validates and saves."""


class Loop(Steps):
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
        super().__init__(parts, run)
        self.recorder, self.best, self.warn = recorder, best, warn
        known = memory or {}
        self._latest = {k: torch.tensor(v) for k, v in known.get("latest", {}).items()}
        self._monitors = Monitors(**known.get("monitors", {}))
        self._real = to_pixels(parts.batches.batch(0).images)
        self._since = time.perf_counter()

    def log(self, done: int) -> str:
        """Record the latest losses; returns a few words for the progress bar."""
        now = time.perf_counter()
        rate = self._images / (now - self._since)
        self._since, self._images = now, 0
        values = self._values()
        self.recorder.scalars(done, {**values, "speed/images_per_s": rate})
        self._warn(done, self._monitors.watch_game(values))
        names = (("D", "discriminator"), ("G", "generator"), ("loss", "recogniser"))
        losses = [(short, f"{name}/loss") for short, name in names]
        shown = [f"{short} {values[name]:.3f}" for short, name in losses if name in values]
        score = f", best {self.best['value']:.3f} at {self.best['step']}" if self.best else ""
        return f"{' '.join(shown)}, {rate:.0f} images/s{score}"

    def _values(self) -> dict[str, float]:
        return {name: float(value.detach()) for name, value in self._latest.items()}

    def checkpoint(self, done: int) -> None:
        """Validate, draw samples, and save."""
        started = time.perf_counter()
        faces = self.parts.step.preview(SAMPLES, self.parts.recipe.seed)
        if faces:
            samples = to_pixels(torch.cat(faces))
            self.recorder.samples(done, samples, affect=self._affect_of(faces))
            numbers, told = self._monitors.watch_samples(samples, self._real)
            self.recorder.scalars(done, numbers)
            self._warn(done, told)
        value = self._validate(done)
        if np.isfinite(value) and (self.best is None or value > self.best["value"]):
            self.best = {"step": done, "value": value, "metric": HEADLINE}
        memory = {"latest": self._values(), "monitors": self._monitors.memory()}
        checkpoints.save(self.run, self.parts, done, self.best, memory)
        took = time.perf_counter() - started
        self.recorder.scalars(done, {"speed/checkpoint_s": took})
        self._since += took  # training speed, not validation's

    @contextmanager
    def _recogniser(self) -> Iterator[TorchRecogniser | None]:
        """The network that has heads, in evaluation mode, and in its own mode again afterwards."""
        network = self.parts.step.recogniser
        if network is None:
            yield None
            return
        mode = network.training
        try:
            yield recogniser_of(network, self.parts.spec, self.parts.preprocessing)
        finally:
            network.train(mode)

    def _affect_of(self, faces: list[torch.Tensor]) -> NDArray[np.float32] | None:
        """Valence and arousal (N, 2) that the discriminator predicts; None where it has none."""
        with self._recogniser() as recogniser:
            if recogniser is None:
                return None
            seen = recogniser.predict_batches(faces)
        affect = np.stack([seen.column(CIRCLE[0], axis) for axis in CIRCLE[1]], axis=1)
        return None if np.isnan(affect).any() else affect

    def _validate(self, done: int) -> float:
        """Score the recogniser on every store's part val; returns the mean headline."""
        with self._recogniser() as recogniser:
            if recogniser is None:
                return float("nan")
            values = [self._score(done, recogniser, faces) for faces in self.parts.validation]
        value = mean_known(values)
        if len(values) > 1:
            self.recorder.scalars(done, {"val/headline": value})
        return value

    def _score(self, done: int, recogniser: TorchRecogniser, faces: Validation) -> float:
        predictions = predict_in_order(
            recogniser, faces.pixels, faces.rows, faces.following, faces.landmarks
        )
        scores = affect_scores(predictions, faces.labels)
        value = headline(scores)
        store = Path(faces.store).name if len(self.parts.validation) > 1 else ""
        place = f"val/{store}" if store else "val"
        curves = {f"{place}/{name}": score for name, score in flat_scores(scores).items()}
        drift, told = self._monitors.watch_heads(predictions, faces.labels, store)
        self.recorder.scalars(done, {**curves, f"{place}/headline": value, **drift})
        self._warn(done, told)
        return value

    def _warn(self, done: int, told: list[str]) -> None:
        """Say what the monitors say, and keep it with the run."""
        for text in told:
            self.recorder.warning(done, text)
            self.warn(f"step {done}: {text}")


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
