"""The loop: logs, checkpoints, interruptions and resuming to the same bits."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from mien import __version__
from mien.runs.run import Run
from mien.store import Store
from mien.training.loop import train
from mien.training.recipe import load_recipe

QUICK = ("steps=12", "log_every=3", "checkpoint_every=5", "batch_size=8")


def tensors(folder):
    from safetensors.torch import load_file

    return {p.name: load_file(p) for p in sorted(folder.glob("*.safetensors"))}


def same(a, b) -> bool:
    assert a.keys() == b.keys()
    return all(torch.equal(a[f][k], b[f][k]) for f in a for k in a[f])


def logged_steps(folder) -> list[int]:
    return [json.loads(line)["step"] for line in Run(folder).metrics_file.read_text().splitlines()]


def test_old_checkpoints_keep_no_optimisers(faces, tmp_path):
    run = Run(tmp_path / "run")
    settings = ("steps=8", "checkpoint_every=2", "keep_checkpoints=9", "batch_size=8")
    train(load_recipe("joint-32", settings), Store.open(faces), run)
    kept = [(c.folder / "optimisers.safetensors").exists() for c in run.checkpoints()]
    assert kept == [False, False, True, True]
    assert all(c.sampler.name == "generator_average.safetensors" for c in run.checkpoints())


def test_a_run_holds_what_it_should(run_folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = Run.open(run_folder)
    assert [c.step for c in run.checkpoints()] == [4, 8]
    assert load_recipe(str(run.recipe_file)).steps == 8
    info = run.info()
    assert info["seed"] == 0
    assert info["versions"]["mien"] == __version__
    assert info["best"]["step"] in (4, 8)
    lines = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    assert {line["step"] for line in lines} == {2, 4, 6, 8}
    names = set().union(*lines)
    wanted = {"discriminator/loss", "generator/loss", "discriminator/gradient_norm"}
    assert wanted | {"p_real/of_real", "p_real/of_fake", "val/au/mean_f1"} <= names
    events = EventAccumulator(str(run_folder / "tensorboard"), {"images": 0}).Reload()
    assert "generator/gradient_norm" in events.Tags()["scalars"]
    assert [e.step for e in events.Images("samples")] == [4, 8]
    assert events.Scalars("discriminator/real/au")[-1].step == 8
    assert sorted(p.name for p in (run_folder / "samples").iterdir()) == [
        "step-00000004.png",
        "step-00000008.png",
    ]


@pytest.mark.parametrize("name", ["config1-32", "joint-32", "acwgan", "cwgan"])
def test_a_resumed_run_equals_an_uninterrupted_one(faces, tmp_path, name):
    """With moving average and augmentation (joint-32) and RMSprop (acwgan, cwgan) too."""
    store = Store.open(faces)
    whole, parted = Run(tmp_path / "whole"), Run(tmp_path / "parted")
    train(load_recipe(name, QUICK), store, whole)
    train(load_recipe(name, [*QUICK, "steps=10"]), store, parted)
    train(load_recipe(name, QUICK), store, parted, resume=True)
    assert same(tensors(whole.last().folder), tensors(parted.last().folder))
    assert whole.info()["best"] == parted.info()["best"]
    assert last_lines(whole) == last_lines(parted)


def last_lines(run: Run) -> list[dict[str, float]]:
    """What was logged from step 11 on, but for the speed."""
    lines = [json.loads(text) for text in run.metrics_file.read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if not k.startswith("speed/")}
        for line in lines
        if line["step"] > 10
    ]


def test_training_goes_on_after_kill_9_to_the_same_bits(faces, tmp_path):
    settings = [word for s in ("steps=14", *QUICK[1:]) for word in ("--set", s)]
    command = [sys.executable, "-m", "mien", "train", "config1-32", "--store", str(faces)]
    folder = tmp_path / "killed"
    process = subprocess.Popen([*command, "--run", str(folder), *settings])
    deadline = time.monotonic() + 120
    while not (folder / "checkpoints" / "step-00000005").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--run", str(folder), "--resume", *settings], check=True)
    whole = Run(tmp_path / "whole")
    train(load_recipe("config1-32", ["steps=14", *QUICK[1:]]), Store.open(faces), whole)
    assert same(tensors(whole.last().folder), tensors(Run(folder).last().folder))
    steps = logged_steps(folder)
    assert steps == sorted(steps)
    assert steps.count(3) == 1


def test_ctrl_c_saves_and_says_so(faces, tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "mien", "train", "config1-32", "--store", str(faces)]
    process = subprocess.Popen(
        [*command, "--run", str(folder), "--set", "batch_size=16", "--set", "log_every=1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    lines = folder / "metrics.jsonl"
    while not (lines.exists() and lines.read_text().count("\n") > 3):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert Run(folder).last().step == max(logged_steps(folder))


def test_divergence_stops_with_the_last_good_checkpoint(faces, tmp_path, cli):
    folder = tmp_path / "r"
    settings = ["steps=4", "batch_size=8", "checkpoint_every=2", "method.update_rate=1"]
    words = [word for s in settings for word in ("--set", s)]
    assert cli("train", "config1-32", "--store", faces, "--run", folder, *words).code == 0
    # The weights of the last checkpoint are made to overflow: resuming meets the infinity.
    from safetensors.torch import load_file, save_file

    path = Run(folder).last().recogniser
    spoilt = load_file(path)
    spoilt["layers.0.weight"] *= 1e38
    spoilt["layers.0.weight"] *= 10
    save_file(spoilt, path)
    result = cli("train", "--run", folder, "--resume", "--set", "steps=9")
    assert result.code == 2
    assert "diverged at step 4" in result.err
    assert "checkpoint of step 4 is kept" in result.err
    assert Run(folder).last().step == 4


def test_a_run_is_not_overwritten_nor_resumed_as_another(faces, run_folder, tmp_path, cli):
    again = cli("train", "config1-32", "--store", faces, "--run", run_folder)
    assert again.code == 2
    assert "--resume goes on with it" in again.err
    other = cli("train", "config1-32", "--run", run_folder, "--resume", "--set", "seed=9")
    assert other.code == 2
    assert "was started with another" in other.err
    assert "seed" in other.err
    nowhere = cli("train", "config1-32", "--run", tmp_path / "new")
    assert nowhere.code == 2
    assert "--store is needed" in nowhere.err


def test_training_needs_a_split(corpus, tmp_path, cli):
    from conftest import read_labels, write_labels

    write_labels(corpus, [{"image": row["image"]} for row in read_labels(corpus)])
    cli("import", "folder", corpus, "--store", tmp_path / "s", "--size", "48")
    result = cli("train", "config1-32", "--store", tmp_path / "s", "--run", tmp_path / "r")
    assert result.code == 2
    assert "has no split; `mien split" in result.err
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_config1_learns_what_a_mouth_says(tmp_path):
    """Real learning, on drawn faces of people it has not seen: far above chance."""
    from conftest import write_corpus
    from mien.corpora.folder import import_folder
    from mien.corpora.imported import ImportOptions
    from mien.evaluation.evaluate import ScoredFaces, evaluate

    store = Store.open_or_create(tmp_path / "s", 32)
    import_folder(write_corpus(tmp_path / "c", people=40, each=25), store, ImportOptions())
    run = Run(tmp_path / "run")
    settings = (
        "steps=600",
        "method.discriminator.learning_rate=1e-4",
        "heads.au=true",
        "heads.expression=true",
        "checkpoint_every=200",
    )
    train(load_recipe("config1-32", settings), store, run)
    scores = evaluate(run, ScoredFaces.of(run, store, "test"), "test")["last"]
    assert scores["valence_arousal"]["outputs"]["valence"]["ccc"] > 0.7
    assert scores["au"]["outputs"]["AU12"]["f1"] > 0.7
    assert scores["expression"]["accuracy"] > 0.7
