"""What a recipe is: a typed, frozen tree, read from TOML and `--set key=value`."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mien.errors import InputError, unknown_name

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Network(_Part):
    """A network by its registry name, and its learning rate."""

    network: str
    learning_rate: Positive


class HeadWeights(_Part):
    """Weight of each head in the discriminator's loss on real and on fake images."""

    valence_arousal: NotNegative = 1.0
    au: NotNegative = 1.0
    expression: NotNegative = 1.0
    fake: NotNegative = 1.0


class FakeLabels(_Part):
    """Targets: on generated images `fake` of the fake output, `others` of the label outputs.

    real: of the fake output on real images; 0.1 is the one-sided smoothing of Salimans et al. 2016.
    others: a number, "share" for (1 - fake) / n over the n label outputs (au-va-thesis), or "none":
    the label outputs learn nothing from generated images. heads: those that `others` is for.
    """

    fake: Share = 0.9
    real: Share = 0.0
    others: Share | Literal["share", "none"] = "share"
    heads: tuple[Literal["valence_arousal", "au"], ...] = ("valence_arousal", "au")


class Loss(_Part):
    """The discriminator's and generator's losses."""

    valence_arousal: str = "mse"
    weights: HeadWeights = HeadWeights()
    real_and_fake: Literal["mean", "sum"] = "mean"
    generator: str = "saturating"


class Reconstruction(_Part):
    """Huber loss between real and generated images, its weight falling from `weight` to 0."""

    weight: NotNegative = 10.0
    steps: Annotated[int, Field(ge=0)] = 1500
    delta: Positive = 1.0


class Changes(_Part):
    """Random changes of all images that the discriminator trains on (`training/augmentation.py`).

    mirror: half of them. shift: pixels, at most. light: of brightness and contrast, at most.
    """

    mirror: bool = False
    shift: Annotated[int, Field(ge=0, le=16)] = 0
    light: Share = 0.0


class Critic(_Part):
    """Of the Wasserstein step: weights bounded by clip_weights, or gradients held to norm 1.

    Either is 0. naming: weight of the emotion's cross-entropy, for critic and generator.
    """

    clip_weights: NotNegative = 0.0
    gradient_penalty: NotNegative = 0.0
    naming: NotNegative = 0.0


class Heads(_Part):
    """Which heads the discriminator has; aus and expressions None: as the store lists them.

    An empty list leaves a head out. exclusive: expressions and fake are one softmax of K + 1.
    valence_arousal_scale, fake_scale: factors on these outputs (docs/joint.md).
    """

    valence_arousal: bool = True
    aus: tuple[int, ...] | None = None
    expressions: tuple[str, ...] | None = None
    exclusive: bool = False
    valence_arousal_scale: Positive = 1.0
    fake_scale: Positive = 1.0


class Recipe(_Part):
    """Everything that decides a training, but for the store.

    step: how the two networks train, a name of `mien.training.steps`. batch_norm_statistics: which
    images the discriminator's running statistics, used for prediction, are of: both real and
    generated ones, as in the documents' code, or real ones only. feature_matching: weight of the
    distance between mean features. average: decay of the generator's moving average of weights,
    which samples are drawn from; 0 for none. precision: bfloat16 is faster and not to the bit.
    train_share: share of the training people that is used. start: weights to go on from: a run's
    folder, or a name that `mien.weights` holds; empty for random ones. validation_faces: faces of
    the split val, at most, that are scored while training; `mien evaluate` takes them all.
    """

    name: str
    title: str
    source: str
    image_size: Count
    step: str = "categorical"
    generator: Network
    discriminator: Network
    noise: Count = 100
    heads: Heads = Heads()
    loss: Loss = Loss()
    fake_labels: FakeLabels = FakeLabels()
    reconstruction: Reconstruction = Reconstruction()
    feature_matching: NotNegative = 0.0
    augmentation: Changes = Changes()
    critic: Critic = Critic()
    batch_norm_statistics: Literal["both", "real"] = "both"
    update_rate: Count = 5
    updated_more: Literal["generator", "discriminator"] = "generator"
    optimiser: Literal["adam", "rmsprop"] = "adam"
    beta1: Decay = 0.5
    beta2: Decay = 0.999
    clip_norm: Positive = 20.0
    average: Decay = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    batch_size: Annotated[int, Field(ge=2)] = 64
    train_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    start: str = ""
    steps: Count = 1_000_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    log_every: Count = 50
    checkpoint_every: Count = 500
    validation_faces: Count = 4096
    keep_checkpoints: Count = 2


def recipe_files() -> dict[str, Traversable]:
    """Every recipe that comes with mien, by name: a file in `mien/recipes` is a recipe."""
    folder = resources.files("mien.recipes")
    found = (file for file in folder.iterdir() if file.name.endswith(".toml"))
    return {file.name.removesuffix(".toml"): file for file in sorted(found, key=lambda f: f.name)}


def load_recipe(name: str, settings: Sequence[str] = ()) -> Recipe:
    """Load a recipe by name, or from a .toml file, with `key=value` settings on top.

    Raises InputError for an unknown recipe, key or value, with the nearest name that exists.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise InputError(f"{path}: does not exist")
        text, where = _read(path), name
    else:
        files = recipe_files()
        if name not in files:
            raise unknown_name("recipe", name, files)
        text, where = files[name].read_text(encoding="utf-8"), f"recipe {name}"
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: is not TOML: {error}") from error
    for setting in settings:
        _apply(content, setting)
    return parse_recipe(content, where)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def parse_recipe(content: Mapping[str, Any], where: str) -> Recipe:
    """Check a recipe's content; raises InputError for the first thing wrong."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            raise unknown_name("key", path, _keys(Recipe)) from error
        raise InputError(f"{where}: {path}: {problem['msg']}, got {problem['input']!r}") from error


def _apply(content: dict[str, Any], setting: str) -> None:
    """Set one `a.b=value` in the tree; the value is read as TOML, else as a string."""
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set {setting}: give key=value, as batch_size=32")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    *parents, last = key.strip().split(".")
    place = content
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise unknown_name("key", key.strip(), _keys(Recipe))
    place[last] = value


def _keys(part: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every settable key of the tree, dotted."""
    for name, field in part.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def to_toml(recipe: Recipe) -> str:
    """Write a recipe as TOML that `load_recipe` reads back; None is left out."""
    return "\n".join(_toml_lines(recipe.model_dump(), "")) + "\n"


def _toml_lines(content: Mapping[str, Any], table: str) -> Iterator[str]:
    inner = {key: value for key, value in content.items() if isinstance(value, dict)}
    if table and len(inner) < len(content):
        yield f"\n[{table}]"
    for key, value in content.items():
        if key not in inner and value is not None:
            yield f"{key} = {_toml_value(value)}"
    for key, value in inner.items():
        yield from _toml_lines(value, f"{table}.{key}" if table else key)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml_value, value))}]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
