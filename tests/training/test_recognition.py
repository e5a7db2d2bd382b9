"""What a recogniser may be trained with: frozen bodies, mixed pairs, other heads' weights."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from conftest import write_corpus
from mien.corpora.folder import import_folder
from mien.corpora.imported import ImportOptions
from mien.errors import InputError
from mien.labels.arrays import Learned
from mien.labels.heads import Head
from mien.models import RECOGNISERS
from mien.models.heads import HeadLayout, OutputSpec
from mien.models.recognition.base48 import Base48
from mien.runs.run import Run
from mien.store import Store
from mien.training.build import build
from mien.training.frozen import CHUNK, FrozenBody, blocks_of, features_of, from_features
from mien.training.loop import train
from mien.training.recipe import load_recipe
from mien.training.transfer import transfer
from mien.workflows.split import split

FROZEN = ("method.last_blocks=1", "augmentation={}", "batch_size=16", "average=0.0")


def tuned(store, *settings: str):
    return build(load_recipe("fine-tune", ["batch_size=16", *settings]), Store.open(store))


def test_blocks_are_what_a_person_counts():
    blocks = blocks_of(Base48(7))
    assert len(blocks) == 9  # the stem, seven residual blocks, the last layer
    assert [type(m).__name__ for m in blocks[0]] == ["Conv2d", "BatchNorm2d", "ReLU"]
    assert [type(m).__name__ for m in blocks[-1]] == ["Dropout", "Linear"]


@pytest.mark.parametrize("last", [1, 2])
def test_only_the_last_blocks_are_trained_and_nothing_moves_before_them(faces, last):
    parts = tuned(faces, f"method.last_blocks={last}")
    network = parts.step.networks["recogniser"]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for step in range(2):
        parts.step.update(step, parts.batches.batch(step))
    after = network.state_dict()
    changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
    trained = ("head.",) if last == 1 else ("head.", "layers.9.")
    assert changed
    assert all(key.startswith(trained) for key in changed)
    assert any(key.startswith(trained[-1]) for key in changed)


@pytest.mark.parametrize("name", sorted(RECOGNISERS))
def test_every_recogniser_is_its_last_layers_on_its_features(name):
    kind = RECOGNISERS[name]
    if hasattr(kind, "conditional"):
        pytest.skip("takes a class")
    if getattr(kind, "landmarks", 0) or name == "cnn-3d":
        pytest.skip("takes more than an image")
    network = kind(outputs=5).eval()
    images = torch.rand(2, getattr(network, "channels", 3), network.image_size, network.image_size)
    with torch.no_grad():
        found = from_features(network, features_of(network, images))
        assert torch.equal(found, network(images))


def test_a_frozen_body_sees_every_face_once(faces, monkeypatch):
    parts = tuned(faces, *FROZEN)
    seen = []
    plain = Base48.features

    def counted(self, images):
        seen.append(len(images))
        return plain(self, images)

    monkeypatch.setattr(Base48, "features", counted)
    for step in range(30):
        parts.step.update(step, parts.batches.batch(step))
    known = len(parts.batches)
    assert sum(seen) == known + 4  # and two images, twice, to see whether features are the border
    assert max(seen) <= CHUNK


def test_kept_features_teach_what_images_do(faces, monkeypatch):
    kept, direct = tuned(faces, *FROZEN), tuned(faces, *FROZEN)
    monkeypatch.setattr(FrozenBody, "ends_in_features", lambda self, images: False)
    direct.step._features_are_kept(direct.batches.batch(0))
    monkeypatch.undo()
    losses = []
    for parts in (kept, direct):
        torch.manual_seed(0)
        log = parts.step.update(0, parts.batches.batch(0))
        losses.append(float(log["recogniser/loss"].detach()))
    assert kept.step._keeps_features
    assert not direct.step._keeps_features
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_frozen_training_resumes_to_the_same_bits(faces, tmp_path):
    words = [*FROZEN, "checkpoint_every=2", "log_every=2", "schedule=constant"]
    words.append("method.weighting=uncertainty")
    store = Store.open(faces)
    train(load_recipe("fine-tune", [*words, "steps=4"]), store, Run(tmp_path / "whole"))
    for steps, resume in ((2, False), (4, True)):
        recipe = load_recipe("fine-tune", [*words, f"steps={steps}"])
        train(recipe, store, Run(tmp_path / "halves"), resume=resume)
    weights = [load_file(Run(tmp_path / name).last().recogniser) for name in ("whole", "halves")]
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())
    states = [
        json.loads((Run(tmp_path / name).last().folder / "state.json").read_text())["counters"]
        for name in ("whole", "halves")
    ]
    assert states[0] == states[1]
    assert "log_variance/expression_votes" in states[0]


def test_a_mixed_pair_is_masked_by_what_is_known_of_each(faces, monkeypatch):
    """Valence of a known and b unknown: the pair teaches a's label by a's share alone."""
    parts = tuned(faces, "method.mixup=0.4", "augmentation={}", "average=0.0")
    share = parts.step.mixup.share(0)
    assert 0 < share < 1
    assert share == parts.step.mixup.share(0) != parts.step.mixup.share(1)
    batch = parts.batches.batch(0)
    raw = torch.zeros(len(batch), parts.spec.outputs)
    found = parts.step._terms(raw, batch, share)["valence_arousal"].item()
    truth, known = batch.labels.values["valence_arousal"], batch.labels.valid["valence_arousal"]
    assert 0 < known.mean() < 1
    each = [(truth[i] ** 2 * known[i]).sum(0) for i in range(len(batch))]
    other = [(truth[-1 - i] ** 2 * known[-1 - i]).sum(0) for i in range(len(batch))]
    summed = sum(share * a + (1 - share) * b for a, b in zip(each, other, strict=True))
    mean = summed / known[:, 0].sum() / 2
    assert found == pytest.approx(mean.item(), rel=1e-5)


def spec_of(*heads: Head) -> OutputSpec:
    return OutputSpec(HeadLayout(heads), Learned({h.name: h.outputs for h in heads}))


def test_weights_go_to_the_outputs_of_the_same_name():
    known = spec_of(
        Head("au", ("AU01", "AU12")),
        Head("au_intensity", ("AU12",)),
        Head("expression_votes", ("neutral", "anger")),
    )
    wanted = spec_of(
        Head("au", ("AU12", "AU45")),
        Head("au_intensity", ("AU12",)),
        Head("expression", ("anger", "boredom", "neutral")),
    )
    found, network = Base48(known.outputs), Base48(wanted.outputs)
    fresh = network.head.weight.detach().clone()
    result = transfer("start", found, known, network, wanted)
    old, new = found.head.weight, network.head.weight
    assert torch.equal(new[0], old[1])
    assert torch.equal(new[1], fresh[1])
    assert torch.equal(new[2:7], old[2:7])  # five levels of an intensity
    assert torch.equal(new[7], old[8])
    assert torch.equal(new[8], fresh[8])
    assert torch.equal(new[9], old[7])
    assert result.new == ("au.AU45", "expression.boredom")
    assert torch.equal(network.layers[0].weight, found.layers[0].weight)


def test_a_body_of_another_shape_is_refused_by_the_tensors_name():
    spec = spec_of(Head("au", ("AU01",)))
    other = Base48(1)
    other.layers[0] = torch.nn.Conv2d(1, 8, 3, bias=False)
    with pytest.raises(InputError, match=r"start: its layers\.0\.weight is \(8, 1, 3, 3\)"):
        transfer("start", other, spec, Base48(1), spec)


def test_fine_tuning_is_one_command_and_says_what_begins_at_random(cli, tmp_path):
    """Heads that mien-base lacks, a class of one's own, and a store without most of its heads."""
    corpus = write_corpus(tmp_path / "corpus", people=8, each=6)
    text = (corpus / "labels.csv").read_text(encoding="utf-8")
    text = (
        text.replace(",sadness,", ",boredom,")
        .replace("AU15", "AU28")
        .replace("expression", "class")
    )
    (corpus / "labels.csv").write_text(text, encoding="utf-8")
    store, run = tmp_path / "store", tmp_path / "run"
    found = cli("import", "folder", corpus, "--store", store, "--size", 48)
    assert found.code == 0, found.err
    words = ["--set", "steps=2", "--set", "batch_size=8", "--set", "checkpoint_every=1"]
    result = cli("train", "fine-tune", "--store", store, "--run", run, *words)
    assert result.code == 0, result.err
    assert "au.AU28" in result.err
    assert "expression_votes.boredom: they begin at random" in result.err
    scores = cli("evaluate", run, "--json")
    assert scores.code == 0, scores.err
    heads = json.loads(scores.out)["best"]
    assert np.isfinite(heads["valence_arousal"]["mean_ccc"])
    same = ["--set", "start=mien-base", *words]
    result = cli("train", "mien-base", "--store", store, "--run", tmp_path / "again", *same)
    assert result.code == 0, result.err


@pytest.mark.parametrize("weighting", ["fixed", "uncertainty", "gradient-norm"])
def test_a_batch_without_any_label_teaches_nothing_and_breaks_nothing(faces, weighting):
    words = ["losses.valence_arousal=ccc", "optimiser=sgd", "beta1=0.0", "weight_decay=0.0"]
    parts = tuned(faces, *words, f"method.weighting={weighting}", "method.mixup=0.2")
    batch = parts.batches.batch(0)
    masked = {name: torch.zeros_like(valid) for name, valid in batch.labels.valid.items()}
    object.__setattr__(batch.labels, "valid", masked)
    weights = [w.detach().clone() for w in parts.step.networks["recogniser"].parameters()]
    log = parts.step.update(0, batch)
    assert float(log["recogniser/loss"].detach()) == 0
    assert float(log["recogniser/gradient_norm"]) == 0
    after = parts.step.networks["recogniser"].parameters()
    assert all(torch.equal(a, b) for a, b in zip(weights, after, strict=True))
    log = parts.step.update(1, parts.batches.batch(1))
    assert 0 < float(log["recogniser/loss"].detach()) < 100


def test_a_class_that_never_occurs_neither_breaks_the_loss_nor_is_ever_right(faces):
    classes = "heads.expression_votes=['neutral', 'happiness', 'sadness', 'fear']"
    asked = "{prior=1.0, inverse_frequency=1.0, smoothing=0.1}"
    parts = tuned(faces, classes, f"adjust.expression_votes={asked}", "data.sampling=balanced")
    share = parts.spec.learned.shares["expression_votes"]
    assert 0 < share[3] < share[:3].min()
    log = parts.step.update(0, parts.batches.batch(0))
    assert 0 < float(log["recogniser/expression_votes"]) < 20


def test_what_nobody_labelled_and_a_missing_val_are_said(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", people=1, each=8, splits=False)
    store = Store.open_or_create(tmp_path / "store", 48)
    import_folder(corpus, store, ImportOptions())
    split(tmp_path / "store", ratios=(1, 0, 0))
    said: list[str] = []
    recipe = load_recipe("fine-tune", ["heads.au=[12, 45]", "batch_size=8"])
    build(recipe, Store.open(tmp_path / "store"), say=said.append)
    assert "no training face has a label of 1 of 2 outputs of au: that is not predicted" in said
    assert "there is no face of the part val: the last checkpoint counts as the best" in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["method.last_blocks=9"], "has 9 blocks"),
        (["method.last_blocks=1", "start=''"], "name its weights, as start=mien-base"),
        (["adjust.valence_arousal.prior=1"], "valence_arousal has no classes and no units"),
        (["adjust.au.prior=1", "losses.au=softmax"], "adjusts logits of the cross-entropy"),
        (["adjust.au.class_weights={AU99=2}"], "unknown output of au 'AU99'"),
        (["adjust.units.prior=1"], "unknown head 'adjust.units'"),
    ],
)
def test_options_that_do_not_fit_are_refused(faces, settings, words):
    with pytest.raises(InputError, match=words):
        tuned(faces, *settings)


TABLE_XI = [
    (va, expression, rate)
    for va in ("ccc", "mse")
    for expression in ("cross-entropy", "mse-before-softmax", "mse-after-softmax")
    for rate in (1e-4, 1e-3)
]


def test_all_rows_of_table_xi_and_x_are_settings():
    """kollias-2018: twelve combinations at alpha = beta = 0.5, and seven pairs of weights."""
    assert len(TABLE_XI) == 12
    for va, expression, rate in TABLE_XI:
        words = [
            f"losses.valence_arousal={va}", f"losses.expression={expression}",
            f"method.recogniser.learning_rate={rate}", "heads.expression=true",
            "weights={valence_arousal=0.5, expression=0.5}",
        ]  # fmt: skip
        recipe = load_recipe("cnn-m-64", words)
        assert recipe.losses == {"valence_arousal": va, "expression": expression}
    pairs = [(0, 1), (1, 0), (0.25, 0.75), (0.75, 0.25), (0.5, 0.5), (0.75, 0.75), (1, 1)]
    for alpha, beta in pairs:
        words = [f"weights={{valence_arousal={alpha}, expression={beta}}}"]
        assert load_recipe("cnn-m-64", words).weights["expression"] == beta


@pytest.mark.parametrize("va", ["ccc", "mse"])
@pytest.mark.parametrize("expression", ["cross-entropy", "mse-before-softmax", "mse-after-softmax"])
def test_rows_of_table_xi_train_on_both_heads(faces, va, expression):
    parts = build(
        load_recipe(
            "mien-base",
            [
                "heads={valence_arousal=true, expression=true}", "batch_size=8", "average=0.0",
                f"losses={{valence_arousal='{va}', expression='{expression}'}}",
                "weights={valence_arousal=0.5, expression=0.5}", "augmentation={}",
            ],
        ),
        Store.open(faces),
    )  # fmt: skip
    log = parts.step.update(0, parts.batches.batch(0))
    terms = [float(log[f"recogniser/{name}"]) for name in ("valence_arousal", "expression")]
    assert float(log["recogniser/loss"].detach()) == pytest.approx(sum(terms), rel=1e-5)
    assert min(terms) > 0
