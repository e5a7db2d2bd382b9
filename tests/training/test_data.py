"""Faces to batches."""

import numpy as np
import pytest
import torch

from mien.store import Store
from mien.training.build import build
from mien.training.data import FaceBatches
from mien.training.recipe import load_recipe
from mien.training.sampling import Shuffled


def test_every_face_comes_once_an_epoch_and_a_batch_depends_on_its_step_alone(faces):
    store = Store.open(faces)
    rows = store.rows("train")
    labels = store.labels().at(rows)

    def fresh() -> FaceBatches:
        return FaceBatches(store.pixels(), rows, labels, Shuffled(len(rows), 16, seed=3))

    batches = fresh()
    chosen = batches.sampler.positions
    seen = np.concatenate([chosen(step) for step in range(10)])  # two epochs of 80
    assert sorted(seen[:80]) == sorted(seen[80:]) == list(range(80))
    assert (seen[:80] != seen[80:]).any()
    images, of_images = batches.batch(7).images, batches.batch(7).labels
    again, of_again = fresh().batch(7).images, fresh().batch(7).labels
    assert torch.equal(images, again)
    assert torch.equal(of_images.values["au"], of_again.values["au"])
    truth = labels["au"][chosen(7)]
    assert np.array_equal(of_images.values["au"].numpy(), np.nan_to_num(truth))
    assert np.array_equal(of_images.valid["au"].numpy(), ~np.isnan(truth))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_decoded_once_are_those_read_batch_by_batch(faces, monkeypatch, channels):
    store = Store.open(faces)
    rows = store.rows("train")

    def images() -> torch.Tensor:
        labels, order = store.labels().at(rows), Shuffled(len(rows), 16, seed=3)
        return FaceBatches(store.pixels(), rows, labels, order, channels).batch(7).images

    kept = images()
    monkeypatch.setattr("mien.training.data.DECODED_BYTES", 0)
    read = images()
    assert torch.equal(kept, read)
    assert kept.stride() == read.stride()  # or convolutions round otherwise


def test_a_batch_larger_than_the_split_goes_round(faces):
    store = Store.open(faces)
    rows = store.rows("val")
    order = Shuffled(len(rows), 50, seed=0)
    batches = FaceBatches(store.pixels(), rows, store.labels().at(rows), order)
    images, labels = batches.batch(0).images, batches.batch(0).labels
    assert images.shape[0] == 50
    counts = np.bincount(order.positions(0), minlength=20)
    assert counts.min() >= 2
    assert labels.valid["au"].sum(0).tolist()[:2] == [50, 50]  # AU12, AU15; AU25 of half
    assert labels.valid["au"].sum(0)[2] < 50


def test_a_share_of_the_people_is_trained_on(faces):
    store = Store.open(faces)
    names = np.array(store.names("subject"))
    whole = build(load_recipe("config1-32"), store).batches
    part = build(load_recipe("config1-32", ["train_share=0.5"]), store).batches
    people = {len(set(names[b.sources[0]._rows])) for b in (whole, part)}
    assert len(people) == 2
    assert max(people) == 2 * min(people)


def test_conditional_networks_train_on_faces_with_a_class_alone(faces):
    store = Store.open(faces)
    parts = build(load_recipe("cgan", ["batch_size=16"]), store)
    (source,) = parts.batches.sources
    rows = store.rows("train")
    known = np.isfinite(store.labels()["expression"].sum(1))
    assert set(source._rows) == {row for row in rows if known[row]}
    assert parts.step.classes == len(store.labels().head("expression").outputs)
    batch = parts.batches.batch(0).labels
    assert batch.values["expression"].sum(1).tolist() == [1] * 16
