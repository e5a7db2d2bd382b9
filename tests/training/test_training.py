import copy
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.losses.adversarial import EPSILON
from mien.losses.reconstruction import annealed_weight, huber_loss
from mien.models.heads import HeadOutputs
from mien.models.sampler import uniform_noise
from mien.models.torch_recogniser import TorchRecogniser
from mien.runs.run import Run
from mien.store import Store
from mien.training.build import build
from mien.training.compute import Compute
from mien.training.data import FaceBatches
from mien.training.head_loss import sum_terms
from mien.training.loop import train
from mien.training.optimisation import Diverged, Trainee
from mien.training.recipe import load_recipe, parse_recipe, recipe_files, to_toml
from mien.training.sampling import Shuffled

QUICK = ("steps=12", "log_every=3", "checkpoint_every=5", "batch_size=16")


def tensors(folder):
    from safetensors.torch import load_file

    return {p.name: load_file(p) for p in sorted(folder.glob("*.safetensors"))}


def same(a, b) -> bool:
    assert a.keys() == b.keys()
    return all(torch.equal(a[f][k], b[f][k]) for f in a for k in a[f])


def logged_steps(folder) -> list[int]:
    return [json.loads(line)["step"] for line in Run(folder).metrics_file.read_text().splitlines()]


# -- recipes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_a_recipe_says_what_it_is_and_survives_toml(name, tmp_path):
    recipe = load_recipe(name)
    assert recipe.name == name
    head = recipe_files()[name].read_text(encoding="utf-8").split("\nname =")[0]
    assert [word for word in ("# Source", "# Run", "# Cost", "# Expected") if word in head] == [
        "# Source", "# Run", "# Cost", "# Expected",
    ]  # fmt: skip
    (tmp_path / "again.toml").write_text(to_toml(recipe), encoding="utf-8")
    assert load_recipe(str(tmp_path / "again.toml")) == recipe


CONDITIONAL = [
    "method={name='conditional', generator={network='config1', learning_rate=1e-4}, "
    "discriminator={network='config1', learning_rate=1e-4}}"
]


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("config1-32", CONDITIONAL, "needs a generator that takes the expression"),
        ("gan", ["method.generator.network=talk-conditional"], "generator that does not take"),
        ("cgan", ["heads.au=[1, 2]"], "trains no head au; set heads.au=false"),
        ("wgan", ["heads.valence_arousal=true"], "trains no head valence_arousal"),
        ("acwgan", ["heads.expression=[]"], "method.naming needs an expression head"),
        ("categorical-28-softmax", ["heads.expression=[]"], "at least two expressions"),
        ("categorical-28-au", ["method.generator.network=vanilla"], "one network is grey"),
        ("cnn-m-64", ["heads={}"], "a recogniser needs at least one head"),
        ("cnn-m-64", ["method.recogniser.network=talk-conditional"], "takes no expression"),
        (
            "config1-32",
            ["method.fake_labels.heads=['expression']", "heads.expression=true"],
            "expression takes no constant label",
        ),
        (
            "config1-32",
            ["heads.au_intensity=[12]", "heads.expression=true", "heads.expression_votes=true"],
            "both predict expression",
        ),
        ("config1-32", ["heads.units=true"], "unknown head 'heads.units'"),
        ("config1-32", ["losses.au=ccc"], "unknown loss of au 'ccc'"),
    ],
)
def test_steps_and_networks_that_do_not_fit_are_refused(faces, name, settings, words):
    with pytest.raises(InputError, match=words):
        build(load_recipe(name, settings), Store.open(faces))


def test_a_share_of_the_people_is_trained_on(faces):
    store = Store.open(faces)
    names = np.array(store.names("subject"))
    whole = build(load_recipe("config1-32"), store).batches
    part = build(load_recipe("config1-32", ["train_share=0.5"]), store).batches
    people = {len(set(names[b.sources[0]._rows])) for b in (whole, part)}
    assert len(people) == 2
    assert max(people) == 2 * min(people)


@pytest.mark.parametrize(
    ("heads", "names"),
    [
        ("heads={}", {"neutral", "happiness", "sadness"}),
        ("heads.expression=['sadness', 'neutral']", {"sadness", "neutral"}),
    ],
)
def test_conditional_networks_train_on_faces_of_their_classes_alone(faces, heads, names):
    store = Store.open(faces)
    parts = build(load_recipe("cgan", ["batch_size=16", heads]), store)
    (source,) = parts.batches.sources
    rows, known = store.rows("train"), store.names("expression")
    assert set(source._rows) == {row for row in rows if known[row] in names}
    assert parts.step.classes == len(names)
    labels = parts.batches.batch(0).labels
    assert labels.values["expression"].sum(1).tolist() == [1] * 16


def test_old_checkpoints_keep_no_optimisers(faces, tmp_path):
    run = Run(tmp_path / "run")
    settings = ("steps=8", "checkpoint_every=2", "keep_checkpoints=9", "batch_size=8")
    train(load_recipe("joint-32", settings), Store.open(faces), run)
    kept = [(c.folder / "optimisers.safetensors").exists() for c in run.checkpoints()]
    assert kept == [False, False, True, True]
    assert all(c.sampler.name == "generator_average.safetensors" for c in run.checkpoints())


def test_the_documents_names_are_there():
    forms = ("softmax", "au", "va-mse", "va-ccc", "au-va-mse", "au-va-ccc")
    names = {f"categorical-28-{form}" for form in forms}
    for base in ("config1-32", "config2-96-5x5", "config2-96-7x7"):
        names |= {base, f"{base}-au", f"{base}-va"}
    names |= {"vanilla-28", "regression-64", "gan", "cgan", "wgan", "cwgan", "acwgan"}
    assert names <= set(recipe_files())


PENALTY = ("method.gradient_penalty=10", "method.clip_weights=0", "optimiser=adam", "beta1=0")
FORMS = (
    *((name, ()) for name in sorted(recipe_files())),
    ("config1-32", ("method.discriminator.network=capsule-32",)),
    *(
        (f"joint-{side}", (f"method.discriminator.network={body}-{side}",))
        for side in (64, 96)
        for body in ("vgg", "resnet")
    ),
    ("regression-64", ("method.feature_matching=1",)),
    *((name, PENALTY) for name in ("wgan", "cwgan", "acwgan")),
)


@pytest.mark.parametrize(("name", "form"), FORMS, ids=str)
def test_every_recipe_and_form_moves_the_networks_it_trains(large_faces, name, form):
    small = load_recipe(name).image_size < 96  # enough faces for a label of every kind
    recipe = load_recipe(name, [f"batch_size={8 if small else 4}", *form])
    parts = build(recipe, Store.open(large_faces), fresh=False)
    for role in recipe.method.roles():
        step = 0
        if role != "recogniser":
            updates = parts.step.pair.schedule.updates_discriminator
            step = next(s for s in range(9) if updates(s) == (role == "discriminator"))
        network = parts.step.networks[role]
        before = [p.detach().clone() for p in network.parameters()]
        log = parts.step.update(step, parts.batches.batch(step))
        assert all(torch.isfinite(value).all() for value in log.values())
        after = network.parameters()
        assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def rates(recipe) -> dict[str, float]:
    return {name: net.learning_rate for name, (net, _) in recipe.method.roles().items()}


def test_the_documents_settings_are_the_recipes():
    thesis, paper = load_recipe("categorical-28-au-va-mse"), load_recipe("config1-32")
    assert rates(thesis) == {"generator": 1e-4, "discriminator": 5e-5}
    assert rates(paper) == {"generator": 1e-4, "discriminator": 1e-5}
    for recipe in (thesis, paper):
        assert (recipe.beta1, recipe.beta2, recipe.clip_norm) == (0.5, 0.999, 20)
        assert (recipe.method.noise, recipe.batch_size, recipe.method.update_rate) == (100, 64, 5)
    assert (thesis.method.reconstruction.weight, thesis.method.reconstruction.steps) == (10, 1500)
    assert paper.method.reconstruction.weight == 1
    assert (paper.method.fake_labels.others, paper.method.fake_labels.fake) == (0.01, 0.9)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("lerning=1", "unknown key 'lerning'"),
        ("method.generator.learnin_rate=1", "did you mean 'method.generator.learning_rate'"),
        ("batch_size=1", "batch_size: Input should be greater than or equal to 2, got 1"),
        ("batch_size=many", "batch_size"),
        ("method.generator.learning_rate=-1", "method.generator.learning_rate"),
        ("clip_norm=nan", "clip_norm"),
        ("steps", "give key=value"),
        ("steps.more=3", "steps: Input should be a valid integer"),
        ("method.updated_more=both", "updated_more"),
    ],
)
def test_bad_settings_are_named(setting, words):
    with pytest.raises(InputError) as caught:
        load_recipe("config1-32", [setting])
    assert words in str(caught.value)


def test_unknown_recipes_and_networks_name_the_nearest(faces):
    with pytest.raises(InputError, match="did you mean 'config1-32'"):
        load_recipe("config1-23")
    with pytest.raises(InputError, match="unknown generator 'config9': did you mean 'config1'"):
        build(load_recipe("config1-32", ["method.generator.network=config9"]), Store.open(faces))
    recipe = load_recipe("config1-32", ["method.generator.network=categorical-28"])
    with pytest.raises(InputError, match="image_size 32 does not fit"):
        build(recipe, Store.open(faces))
    with pytest.raises(InputError, match="name"):
        parse_recipe({}, "nothing")


# -- data -----------------------------------------------------------------------------------------


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


# -- the step -------------------------------------------------------------------------------------


def test_the_update_rate_is_the_documents(faces):
    store = Store.open(faces)
    thesis = build(load_recipe("categorical-28-au-va-mse"), store).step
    updates = thesis.pair.schedule.updates_discriminator
    assert "".join("D" if updates(s) else "G" for s in range(13)) == "DGGGGGDGGGGGD"
    paper = build(load_recipe("config1-32"), store).step
    updates = paper.pair.schedule.updates_discriminator
    assert "".join("D" if updates(s) else "G" for s in range(7)) == "DDDDDGD"


def test_a_step_changes_one_network_only(faces):
    parts = build(load_recipe("config1-32", ["batch_size=8"]), Store.open(faces))

    def weights(name):
        return [p.detach().clone() for p in parts.step.networks[name].parameters()]

    for step, moved, still in (
        (1, "discriminator", "generator"),
        (5, "generator", "discriminator"),
    ):
        before = {name: weights(name) for name in (moved, still)}
        log = parts.step.update(step, parts.batches.batch(step))
        assert any(
            not torch.equal(a, b) for a, b in zip(before[moved], weights(moved), strict=True)
        )
        assert all(torch.equal(a, b) for a, b in zip(before[still], weights(still), strict=True))
        assert f"{moved}/loss" in log
    assert all(p.requires_grad for p in parts.step.networks["discriminator"].parameters())


def test_running_statistics_are_of_both_kinds_of_images_or_of_real_ones_only(faces):
    store = Store.open(faces)
    found = {}
    for kind in ("both", "real"):
        recipe = load_recipe("config1-32", ["batch_size=8", f"method.batch_norm_statistics={kind}"])
        parts = build(recipe, store)
        norm = parts.step.networks["discriminator"].layers[1]
        before = norm.running_mean.clone()
        parts.step.update(5, parts.batches.batch(5))  # the generator's turn: they stay as they are
        assert torch.equal(norm.running_mean, before)
        torch.manual_seed(1)
        parts.step.update(0, parts.batches.batch(0))
        assert (norm.running_mean != before).any()
        found[kind] = norm.running_mean.clone()
    assert not torch.allclose(found["both"], found["real"])


def heads_of(parts, value: float) -> HeadOutputs:
    return parts.spec.split(torch.full((parts.recipe.batch_size, parts.spec.outputs), value))


def test_fake_labels_are_the_documents(faces):
    store = Store.open(faces)
    # n = 2 + 8 = 10 label outputs, (1 - 0.9) / 10 = 0.01.
    thesis = build(load_recipe("categorical-28-au-va-mse"), store).step.loss
    assert thesis.constants == pytest.approx({"valence_arousal": 0.01, "au": 0.01})
    plain = load_recipe("categorical-28-au-va-mse", ["method.fake_labels.fake=1"])
    assert set(build(plain, store).step.loss.constants.values()) == {0}
    paper = build(load_recipe("config1-32"), store).step.loss
    assert set(paper.constants.values()) == {0.01}


@pytest.mark.parametrize("head", ["au", "valence_arousal"])
def test_fake_labels_may_be_for_one_head(faces, head):
    store = Store.open(faces)
    parts = build(load_recipe("config1-32", [f"method.fake_labels.heads=['{head}']"]), store)
    terms = parts.step.loss.on_fake(heads_of(parts, 0.0))
    assert set(terms) == {"fake", head}


def test_losses_are_weighted_and_combined_as_the_documents_say(faces):
    store = Store.open(faces)
    parts = build(load_recipe("categorical-28-au-va-mse"), store)
    real = parts.step.loss.on_real(heads_of(parts, 0.0), parts.batches.batch(0).labels)
    assert real["fake"].item() == pytest.approx(np.log(2) / 3)
    assert real["au"].item() == pytest.approx(np.log(2) / 3)
    fake = parts.step.loss.on_fake(heads_of(parts, 0.0))
    assert fake["valence_arousal"].item() == pytest.approx(0.01**2 / 3)
    assert "expression" not in fake
    assert parts.step.scale == 0.5
    assert build(load_recipe("config1-32"), store).step.scale == 1


def test_the_thesis_weighted_sum_by_hand(faces):
    """0.27, 0.40 and 0.33 of three losses (au-va-thesis): with zero outputs, ln 2 for two of
    them."""
    settings = [f"weights.{k}={v}" for k, v in (("valence_arousal", 0.27), ("au", 0.40))]
    recipe = load_recipe("categorical-28-au-va-mse", [*settings, "method.fake_weight=0.33"])
    parts = build(recipe, Store.open(faces))
    labels = parts.batches.batch(0).labels
    real = parts.step.loss.on_real(heads_of(parts, 0.0), labels)
    squares = labels.values["valence_arousal"].square()  # 0 where unlabelled
    mse = (squares.sum(0) / labels.valid["valence_arousal"].sum(0)).mean()
    wanted = 0.27 * mse + (0.40 + 0.33) * np.log(2)
    assert sum_terms(real).item() == pytest.approx(wanted.item(), rel=1e-4)


def test_labels_are_smoothed_on_one_side_or_the_other(faces):
    """Cross-entropy of an output of 2 with 0.9 on fakes, or with 0.1 on real images."""
    sure = np.log1p(np.exp(-2.0))  # -log p
    for real, fake in ((0.0, 0.9), (0.1, 1.0), (0.0, 1.0)):
        settings = [f"method.fake_labels.real={real}", f"method.fake_labels.fake={fake}"]
        parts = build(load_recipe("config1-32", settings), Store.open(faces))
        batch = parts.batches.batch(0)
        loss, weight = parts.step.loss, parts.recipe.method.fake_weight
        of_real = loss.on_real(heads_of(parts, 2.0), batch.labels)["fake"].item() / weight
        of_fake = loss.on_fake(heads_of(parts, 2.0))["fake"].item() / weight
        assert of_real == pytest.approx(real * sure + (1 - real) * (sure + 2), rel=1e-5)
        assert of_fake == pytest.approx(fake * sure + (1 - fake) * (sure + 2), rel=1e-5)


def test_the_regression_gans_numbers_and_tricks():
    """benroumpi-2018, sections 4.4.5 and 5.6: rates, update rates, Huber, clipping, 60 and
    1,000."""
    recipe = load_recipe("regression-64")
    method = recipe.method
    assert rates(recipe)["generator"] == 2 * rates(recipe)["discriminator"]
    assert (recipe.losses["valence_arousal"], method.update_rate) == ("ccc", 1)
    assert (method.reconstruction.weight, method.reconstruction.steps) == (10, 1500)
    assert recipe.clip_norm == 20
    assert method.fake_labels.fake == 0.9
    assert (recipe.checkpoint_every, recipe.validation_faces) == (2 * 60, 1000)
    assert method.updated_more == "generator"


def test_gradients_are_clipped_by_their_norm_over_all_weights():
    """Gradients (3, 4) and 12 have norm 13: clipped to 1.3, each is a tenth of itself."""
    network = torch.nn.Linear(2, 1)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.zero_()
    trainee = Trainee(network, torch.optim.SGD(network.parameters(), 1.0), 1.3, Compute())
    loss = (network.weight * torch.tensor([3.0, 4.0])).sum() + 12 * network.bias.sum()
    assert trainee.update(loss).item() == pytest.approx(13)
    assert network.weight.tolist()[0] == pytest.approx([-0.3, -0.4], rel=1e-4)
    assert network.bias.item() == pytest.approx(-1.2, rel=1e-4)


def test_the_economies_change_no_weight(faces):
    """The same as a plain loop: every gradient taken, the graph of generated images kept."""
    parts = build(load_recipe("config1-32", ["batch_size=16"]), Store.open(faces))
    pair, method, loss = parts.step.pair, parts.recipe.method, parts.step.loss
    g, d = copy.deepcopy((pair.generator.network, pair.discriminator.network))
    # not Adam, whose first step is the rate times the sign, even of a gradient that is all rounding
    pair.generator, pair.discriminator = (
        replace(t, optimiser=torch.optim.SGD(t.network.parameters(), 1e-3))
        for t in (pair.generator, pair.discriminator)
    )
    optimisers = [torch.optim.SGD(n.parameters(), 1e-3) for n in (g, d)]
    for step in range(7):  # five turns of the discriminator, one of the generator, one more
        batch = parts.batches.batch(step)
        real = batch.images
        torch.manual_seed(step)
        parts.step.update(step, batch)
        torch.manual_seed(step)
        for optimiser in optimisers:
            optimiser.zero_grad()
        generators = step == 5
        on_real = None if generators else loss.on_real(parts.spec.split(d(real)), batch.labels)
        fake = g(uniform_noise(16, method.noise))
        out = parts.spec.split(d(fake))
        if generators:
            p = torch.sigmoid(out.fake)
            weight = annealed_weight(step, method.reconstruction.weight, 1500)
            total = torch.log(p + EPSILON).mean() + weight * huber_loss(fake, real)
        else:
            total = sum_terms(on_real) + sum_terms(loss.on_fake(out))
        total.backward()
        torch.nn.utils.clip_grad_norm_((g if generators else d).parameters(), 20)
        optimisers[0 if generators else 1].step()
    for mine, theirs in ((pair.generator.network, g), (pair.discriminator.network, d)):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("recipe", "setting", "words"),
    [
        ("wgan", "method.gradient_penalty=10", "two ways to one end"),
        ("config1-32", "heads.au=[1, 12, 'AU1']", "heads.au names AU01 twice"),
        ("config1-32", "heads.expression=['fear', 'fear']", "heads.expression names fear twice"),
        ("categorical-28-softmax", "heads.expression=['fear']", "at least two expressions"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(faces, recipe, setting, words):
    with pytest.raises(InputError, match=words):
        build(load_recipe(recipe, [setting]), Store.open(faces))


@pytest.mark.parametrize("recipe", ["wgan", "cgan", "cwgan"])
def test_a_fake_output_that_is_no_probability_says_nothing(large_faces, recipe):
    parts = build(load_recipe(recipe, ["batch_size=4"]), Store.open(large_faces))
    network = parts.step.networks["discriminator"]
    if recipe != "wgan":  # conditional: nobody gives it the label afterwards
        assert parts.spec.fake is not None
        assert not parts.spec.fake.probability
        return
    recogniser = TorchRecogniser(network, parts.spec, parts.preprocessing)
    assert np.isnan(recogniser.predict_batches([parts.batches.batch(0).images]).fake).all()


def test_a_conditional_critic_takes_the_same_labels_of_real_and_generated_faces(faces):
    parts = build(load_recipe("cwgan", ["batch_size=16"]), Store.open(faces))
    taken = []
    for network in parts.step.networks.values():
        network.register_forward_pre_hook(lambda _, given: taken.append(given[1]))
    batch = parts.batches.batch(0)
    parts.step.update(0, batch)
    label = batch.labels.values["expression"].argmax(1)
    assert len(taken) == 3  # the generator, then the critic twice
    assert all(torch.equal(given, label) for given in taken)


def test_the_generators_loss_is_log_p_plus_annealed_huber(faces):
    parts = build(load_recipe("config1-32", ["batch_size=8"]), Store.open(faces))
    torch.manual_seed(0)
    log = parts.step.update(5, parts.batches.batch(5))
    total = log["generator/adversarial"] + (1495 / 1500) * log["generator/huber"]
    assert log["generator/loss"].item() == pytest.approx(total.item())
    assert log["generator/adversarial"].item() < 0
    assert 0 < log["generator/huber"].item() < huber_loss(torch.ones(1), -torch.ones(1)).item()


def unlabelled(store: Store, monkeypatch, *hidden: str) -> None:
    """Make the store forget the labels of these heads."""
    labels = store.labels()
    for name in hidden:
        head, _, output = name.partition("/")
        columns = [labels.head(head).outputs.index(output)] if output else slice(None)
        labels[head][:, columns] = np.nan
    monkeypatch.setattr(store, "labels", lambda layers=None: labels)


def test_heads_without_labels_are_left_out(faces, monkeypatch):
    store = Store.open(faces)
    unlabelled(store, monkeypatch, "valence_arousal", "expression", "au/AU12")
    heads = [f"heads.{name}=true" for name in ("valence_arousal", "au", "expression")]
    spec = build(load_recipe("config1-32", heads), store).spec
    assert [head.name for head in spec.layout.heads] == ["valence_arousal", "au"]
    assert spec.learned.outputs == {"valence_arousal": (), "au": ("AU15", "AU25")}
    assert spec.outputs == 2 + 3 + 1


def test_a_store_without_labels_still_has_the_documents_outputs(faces, monkeypatch):
    store = Store.open(faces)
    monkeypatch.setattr(store, "labels", lambda layers=None: Labels((), {}, len(store)))
    spec = build(load_recipe("config1-32"), store).spec
    assert spec.outputs == 11
    assert set(spec.learned.outputs.values()) == {()}


def test_a_step_that_is_not_finite_changes_no_weight(faces):
    parts = build(load_recipe("config1-32", ["batch_size=8"]), Store.open(faces))
    batch = parts.batches.batch(1)
    batch.images[0, 0, 0, 0] = float("nan")
    network = parts.step.networks["discriminator"]
    before = [p.detach().clone() for p in network.parameters()]
    with pytest.raises(Diverged):
        parts.step.update(1, batch)
    after = network.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


# -- the loop -------------------------------------------------------------------------------------


def test_a_run_holds_what_it_should(run_folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = Run.open(run_folder)
    assert [c.step for c in run.checkpoints()] == [4, 8]
    assert load_recipe(str(run.recipe_file)).steps == 8
    info = run.info()
    assert info["seed"] == 0
    assert info["versions"]["mien"]
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
    assert "`mien split` makes one" in result.err
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_config1_learns_what_a_mouth_says(tmp_path):
    """Real learning, on drawn faces of people it has not seen: far above chance."""
    from conftest import write_corpus
    from mien.corpora.folder import import_folder
    from mien.corpora.imported import ImportOptions
    from mien.evaluation.evaluate import TestFaces, evaluate

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
    scores = evaluate(run, TestFaces.of(run, store, "test"), "test")["last"]
    assert scores["valence_arousal"]["outputs"]["valence"]["ccc"] > 0.7
    assert scores["au"]["outputs"]["AU12"]["f1"] > 0.7
    assert scores["expression"]["accuracy"] > 0.7
