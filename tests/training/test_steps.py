"""What one step does: losses, gradients, and which weights move."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.losses.adversarial import EPSILON
from mien.losses.reconstruction import annealed_weight, huber_loss
from mien.models import landmarks_of, takes_size
from mien.models.heads import FakeOutput, HeadOutputs
from mien.models.sampler import uniform_noise
from mien.models.torch_recogniser import TorchRecogniser
from mien.store import Store
from mien.training.build import build
from mien.training.compute import Compute
from mien.training.head_loss import sum_terms
from mien.training.optimisation import Diverged, Trainee, make_optimiser
from mien.training.recipe import load_recipe, recipe_files

PENALTY = ("method.gradient_penalty=10", "method.clip_weights=0", "optimiser=adam", "beta1=0")
FORMS = (
    *((n, ()) for n in sorted(recipe_files()) if load_recipe(n).method.name != "sequence"),
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
def test_every_recipe_and_form_moves_the_networks_it_trains(
    large_faces, faces_with_landmarks, name, form
):
    recipe = load_recipe(name)
    networks = [registry[net.network] for net, registry in recipe.method.roles().values()]
    any_size = ["image_size=32"] if all(map(takes_size, networks)) else []  # quicker
    small = recipe.image_size < 96 or any_size  # enough faces for a label of every kind
    store = faces_with_landmarks if any(map(landmarks_of, networks)) else large_faces
    recipe = load_recipe(name, [f"batch_size={8 if small else 4}", *any_size, *form])
    parts = build(recipe, Store.open(store), fresh=False)
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
def test_a_critics_or_conditional_score_is_no_probability(faces, recipe):
    spec = build(load_recipe(recipe, ["batch_size=4"]), Store.open(faces)).spec
    assert spec.fake == FakeOutput(probability=False)


def test_a_fake_output_that_is_no_probability_says_nothing(faces):
    parts = build(load_recipe("wgan", ["batch_size=4"]), Store.open(faces))
    network = parts.step.networks["discriminator"]
    recogniser = TorchRecogniser(network, parts.spec, parts.preprocessing)
    seen = recogniser.predict_batches([parts.batches.batch(0).images])
    assert np.isnan(seen.fake).tolist() == [True] * 4


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


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("adam", torch.optim.Adam, {"betas": (0.4, 0.9), "weight_decay": 0.1}),
        ("adamw", torch.optim.AdamW, {"betas": (0.4, 0.9), "weight_decay": 0.1}),
        ("sgd", torch.optim.SGD, {"momentum": 0.4, "weight_decay": 0.1}),
        ("rmsprop", torch.optim.RMSprop, {"momentum": 0, "weight_decay": 0.1}),
    ],
)
def test_an_optimiser_has_the_recipes_numbers(name, kind, wanted):
    found = make_optimiser(torch.nn.Linear(2, 1), name, 0.3, 0.4, 0.9, 0.1)
    assert type(found) is kind
    group = found.param_groups[0]
    assert {key: group[key] for key in (*wanted, "lr")} == {**wanted, "lr": 0.3}


def test_rmsprop_has_the_documents_decay_and_momentum():
    """bartissol-2017, section 4.2.1."""
    layer = torch.nn.Linear(2, 1)
    layer.bias.requires_grad_(False)
    found = make_optimiser(layer, "rmsprop", 0.01, 0, 0, 4e-5, momentum=0.9, rms_decay=0.9)
    (group,) = found.param_groups
    assert (group["alpha"], group["momentum"], group["weight_decay"]) == (0.9, 0.9, 4e-5)
    assert [w.shape for w in group["params"]] == [(1, 2)]  # what is frozen is left out
