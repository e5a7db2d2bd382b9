"""Stores to batches: several at once, shares of them, and faces that have no label or no image."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.heads import Head
from mien.runs.run import Run
from mien.store import Store
from mien.training.build import build
from mien.training.compute import Compute
from mien.training.data import FaceBatches, LabelBatch, MixedBatches
from mien.training.loop import train
from mien.training.recipe import Recipe, load_recipe, parse_recipe, to_toml
from mien.training.sampling import Shuffled, Windowed

NAN = np.nan


def recogniser(**changes) -> Recipe:
    """Return the recipe of a small recogniser: two dense layers, 28 px, grey."""
    content = {
        "name": "small",
        "title": "a small recogniser",
        "source": "the tests",
        "image_size": 28,
        "method": {
            "name": "recognition",
            "recogniser": {"network": "vanilla", "learning_rate": 1e-3},
        },
        "heads": {"valence_arousal": True, "au": True},
        "batch_size": 16,
        "steps": 4,
        "checkpoint_every": 2,
        "log_every": 1,
    }
    return parse_recipe({**content, **changes}, "small")


def of_two(faces: Path, other_faces: Path, **changes) -> Recipe:
    sources = [{"store": str(faces), "weight": 3}, {"store": str(other_faces), "weight": 1}]
    return recogniser(data={"sources": sources}, **changes)


def shown(run: Run) -> dict[str, float]:
    """Return what was logged at the last step."""
    last = [line for line in run.log() if line["step"] == run.last().step]
    return {name: value for line in last for name, value in line.items()}


class Numbers:
    """Pixels that are one number each: the row they are of."""

    size = 2

    def gather(self, rows: np.ndarray) -> np.ndarray:
        return np.tile(rows.astype(np.uint8)[:, None, None, None], (1, 2, 2, 3))


def numbered(first: int, count: int, size: int, source: int) -> FaceBatches:
    """Batches of faces whose pixels and valence say which row they are of."""
    rows = np.arange(first, first + count)
    head = Head("valence_arousal", ("valence", "arousal"))
    values = np.stack([rows / 100, np.full(count, NAN)], 1).astype(np.float32)
    labels = Labels((head,), {head.name: values}, count)
    return FaceBatches(Numbers(), rows, labels, Shuffled(count, size, 0, source))


def rows_of(images: torch.Tensor) -> list[int]:
    return ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_a_batch_of_several_sources_joins_their_faces_and_labels():
    parts = [numbered(0, 20, 3, 0), numbered(100, 50, 5, 1)]
    mixed = MixedBatches(parts, Compute())
    assert len(mixed) == 70
    for step in (0, 9):
        batch = mixed.batch(step)
        found = rows_of(batch.images)
        first, second = (part.sampler.positions(step) for part in parts)
        assert found == [*first, *(100 + second)]
        assert len(batch) == 8
        labels, valid = (
            part["valence_arousal"] for part in (batch.labels.values, batch.labels.valid)
        )
        assert labels[:, 0].tolist() == pytest.approx([row / 100 for row in found])
        assert valid.tolist() == [[1, 0]] * 8
        assert labels[:, 1].tolist() == [0] * 8


@pytest.mark.parametrize("decoded", [0, 2**20])
def test_a_frame_without_a_face_is_black_and_without_labels(decoded, monkeypatch):
    monkeypatch.setattr("mien.training.data.DECODED_BYTES", decoded)
    batches = numbered(10, 6, 2, 0)
    batches.sampler = Windowed(np.array([[0, 1, -1, 5]]), 4, 0)
    batch = batches.batch(0)
    assert batch.images[2].abs().max() == 0  # the middle of the range
    assert rows_of(batch.images[[0, 1, 3]]) == [10, 11, 15]
    assert batch.labels.valid["valence_arousal"][:, 0].tolist() == [1, 1, 0, 1]
    assert batch.labels.values["valence_arousal"][2].tolist() == [0, 0]


def test_labels_of_several_batches_are_joined_in_order():
    head = Head("au", ("AU12",))
    parts = [
        LabelBatch.of(Labels((head,), {"au": np.array(values, np.float32)}, len(values)))
        for values in ([[1], [NAN]], [[0]])
    ]
    found = LabelBatch.joined(parts)
    assert found.values["au"].tolist() == [[1], [0], [0]]
    assert found.valid["au"].tolist() == [[1], [0], [1]]


def test_two_stores_are_trained_on_by_their_weights(faces, other_faces):
    parts = build(of_two(faces, other_faces), None)
    first, second = parts.batches.sources
    assert (first.sampler.size, second.sampler.size) == (12, 4)
    assert (len(first), len(second)) == (80, 40)
    labels = parts.batches.batch(3).labels
    for source, part in ((first, slice(0, 12)), (second, slice(12, 16))):
        own = source.batch(3).labels
        assert all(torch.equal(own.values[name], labels.values[name][part]) for name in own.values)
    people = parts.data["subject"]
    assert {name.rstrip("0123456789") for name in people} == {"corpus/person", "corpus/somebody"}
    assert parts.data["faces"] == 120
    assert parts.stores == (str(faces.resolve()), str(other_faces.resolve()))


def test_every_store_is_validated_and_evaluated_by_itself(faces, other_faces, tmp_path, cli):
    recipe = tmp_path / "two.toml"
    recipe.write_text(to_toml(of_two(faces, other_faces)), encoding="utf-8")
    assert load_recipe(str(recipe)) == of_two(faces, other_faces)
    folder = tmp_path / "run"
    done = cli("train", recipe, "--run", folder)
    assert done.code == 0, done.err
    run = Run.open(folder)
    assert run.info()["stores"] == [str(faces.resolve()), str(other_faces.resolve())]
    last = shown(run)
    each = [last[f"val/{name}/headline"] for name in ("store", "others")]
    assert last["val/headline"] == pytest.approx(np.mean(each))
    assert {"val/store/au/f1/AU12", "val/others/au/f1/AU12"} <= last.keys()
    assert {"monitor/drift/store/AU12", "monitor/drift/others/AU12"} <= last.keys()
    assert run.info()["best"]["value"] == max(
        line["val/headline"] for line in run.log() if "val/headline" in line
    )
    result = cli("evaluate", folder, "--split", "val", "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert list(found) == ["val of store", "val of others"]
    assert [part["faces"] for part in found.values()] == [20, 10]
    for name, part in found.items():
        kept = part["last"]["au"]["outputs"]["AU12"]["f1"]
        assert last[f"val/{name.removeprefix('val of ')}/au/f1/AU12"] == pytest.approx(kept)
    assert json.loads((folder / "evaluation.json").read_text()).keys() == found.keys()


def test_a_run_on_two_stores_goes_on_to_the_same_bits(faces, other_faces, tmp_path):
    whole, parted = Run(tmp_path / "whole"), Run(tmp_path / "parted")
    train(of_two(faces, other_faces), None, whole)
    train(of_two(faces, other_faces, steps=2), None, parted)
    train(of_two(faces, other_faces), None, parted, resume=True)
    one, other = (load_file(run.last().recogniser) for run in (whole, parted))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert whole.last().step == parted.last().step == 4


def test_stores_must_be_named_once_and_apart(faces, other_faces, tmp_path):
    with pytest.raises(InputError, match="leave --store away"):
        build(of_two(faces, other_faces), Store.open(faces))
    with pytest.raises(InputError, match="--store is needed to start a run"):
        build(recogniser(), None)
    with pytest.raises(InputError, match="are called store"):
        build(of_two(faces, tmp_path / "store"), None)


def test_balanced_sampling_takes_the_classes_of_a_head(faces):
    store = Store.open(faces)
    content = {"sampling": "balanced", "balance": "expression"}
    parts = build(recogniser(data=content, heads={"expression": True}, batch_size=60), store)
    drawn = torch.cat([parts.batches.batch(s).labels.values["expression"] for s in range(20)])
    shares = drawn.mean(0).tolist()
    assert shares == pytest.approx([1 / 3] * 3, abs=0.06)
    with pytest.raises(InputError, match="balance=au: no such head with classes"):
        build(recogniser(data={"sampling": "balanced", "balance": "au"}), store)


# -- a recogniser ---------------------------------------------------------------------------------


def test_intensities_and_votes_are_learnt(faces, tmp_path):
    """The store has intensities, and one name a face: a distribution all on one class."""
    heads = {"au_intensity": ["AU12", "AU15"], "expression_votes": True}
    recipe = recogniser(heads=heads, steps=400, checkpoint_every=400)
    store = Store.open(faces)
    parts = build(recipe, store)
    assert [head.outputs for head in parts.spec.layout.heads] == [
        ("AU12", "AU15"), ("neutral", "happiness", "sadness"),
    ]  # fmt: skip
    assert parts.spec.outputs == 2 * 5 + 3
    assert parts.spec.learned.outputs["expression_votes"] == ("neutral", "happiness", "sadness")
    labels = parts.batches.batch(0).labels
    assert labels.values["au_intensity"].max() > 3
    assert labels.values["expression_votes"].sum(1).tolist() == [1] * 16
    run = Run(tmp_path / "run")
    train(recipe, store, run)
    last = shown(run)
    assert last["val/au_intensity/ccc/AU12"] > 0.5
    assert last["val/au_intensity/ccc/AU15"] > 0.5
    assert last["val/expression_votes/accuracy"] > 0.6
    assert {"recogniser/au_intensity", "recogniser/expression_votes"} <= last.keys()


def test_a_recogniser_resumes_to_the_same_bits_and_scores_its_average(faces, tmp_path):
    store, average = Store.open(faces), {"average": 0.9}
    whole, parted = Run(tmp_path / "whole"), Run(tmp_path / "parted")
    train(recogniser(**average), store, whole)
    train(recogniser(steps=2, **average), store, parted)
    train(recogniser(**average), store, parted, resume=True)
    for name in ("recogniser", "recogniser_average"):
        one, other = (load_file(run.last().file(name)) for run in (whole, parted))
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert whole.last().recogniser.name == "recogniser_average.safetensors"
    assert whole.last().sampler is None
    assert not (whole.folder / "samples").exists()


def test_cnn_m_trains_without_a_generator_and_resumes_to_the_same_bits(
    recogniser_run, large_faces, tmp_path
):
    settings = ("log_every=1", "checkpoint_every=2", "batch_size=4")
    store, parted = Store.open(large_faces), Run(tmp_path / "parted")
    train(load_recipe("cnn-m-64", [*settings, "steps=2"]), store, parted)
    train(load_recipe("cnn-m-64", [*settings, "steps=3"]), store, parted, resume=True)
    whole = Run.open(recogniser_run)
    one, other = (load_file(run.last().recogniser) for run in (whole, parted))
    assert all(torch.equal(one[key], other[key]) for key in one)
    files = {path.name for path in whole.last().folder.glob("*.safetensors")}
    assert files == {"recogniser.safetensors", "optimisers.safetensors"}
    parts = build(load_recipe("cnn-m-64"), store)
    assert parts.spec.outputs == 2
    assert parts.spec.fake is None
    assert parts.step.networks.keys() == parts.step.optimisers.keys() == {"recogniser"}
