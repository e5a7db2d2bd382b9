"""Recipes: what they hold, and what is refused."""

import re
from pathlib import Path

import pytest

from mien.errors import InputError
from mien.store import Store
from mien.training.build import build
from mien.training.recipe import (
    Recipe,
    _keys,
    load_recipe,
    parse_recipe,
    recipe_files,
    to_toml,
)
from mien.training.settings import Adjustments


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


def test_the_documents_names_are_there():
    forms = ("softmax", "au", "va-mse", "va-ccc", "au-va-mse", "au-va-ccc")
    names = {f"categorical-28-{form}" for form in forms}
    for base in ("config1-32", "config2-96-5x5", "config2-96-7x7"):
        names |= {base, f"{base}-au", f"{base}-va"}
    names |= {"vanilla-28", "regression-64", "gan", "cgan", "wgan", "cwgan", "acwgan"}
    assert names <= set(recipe_files())


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


def test_class_weights_of_any_name_survive_toml(tmp_path):
    words = ["adjust.expression.class_weights={'very happy'=2, fear=0.5, 'épuisé.e'=1}"]
    recipe = load_recipe("fine-tune", words)
    assert recipe.adjust["expression"].class_weights["very happy"] == 2
    (tmp_path / "again.toml").write_text(to_toml(recipe), encoding="utf-8")
    assert load_recipe(str(tmp_path / "again.toml")) == recipe


def test_the_page_of_options_names_keys_that_recipes_have():
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", page, re.M)
    named = {key for row in rows for key in re.findall(r"`([^`]+)`", row)} - {"key"}
    known = set(_keys(Recipe, "recognition"))
    known |= {f"adjust.HEAD.{name}" for name in Adjustments.model_fields}
    assert named <= known, named - known
    skipped = {"name", "title", "source", "image_size", "log_every", "checkpoint_every"}
    skipped |= {"validation_faces", "keep_checkpoints", "data.window", "data.stride"}
    skipped |= {"method.name", "method.recogniser.network"}
    assert known - named - skipped == set()  # every option has its line
