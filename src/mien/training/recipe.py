"""What a recipe is: a typed, frozen tree, read from TOML and `--set key=value`."""

import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from mien.errors import InputError, unknown_name
from mien.training.methods import METHODS, AnyMethod
from mien.training.settings import (
    Adjustments,
    Augmentations,
    Count,
    Decay,
    NotNegative,
    Part,
    Positive,
)


class Source(Part):
    """A store to train on.

    split: name of one of its splits; empty for its default. layers: of labels that are read, in
    order of precedence; empty for all, as the store has them. weight: share of every batch, beside
    the other sources' weights.
    """

    store: str
    split: str = ""
    layers: tuple[str, ...] = ()
    weight: Positive = 1.0


class Data(Part):
    """sources: stores to train on; empty for the one that the command names.

    sampling: `shuffled`, every face once an epoch; `balanced`, every class of the head `balance`
    alike; `windowed`, contiguous frames of one track, `window` long, `stride` apart.
    """

    sources: tuple[Source, ...] = ()
    sampling: Literal["shuffled", "balanced", "windowed"] = "shuffled"
    balance: str = "expression"
    window: Count = 80
    stride: Count = 40


class Recipe(Part):
    """Everything that decides a training, but for the store.

    method: how the networks train, and settings of that method alone. heads: outputs by head's
    name: a list, true for those that the store has, false for none. scales: factors on raw outputs
    of heads; losses, weights, adjust: by head's name. augmentation: of all images that a recogniser
    or discriminator trains on. average: decay of the moving average of the recogniser's or
    generator's weights, which is used afterwards; 0 for none. beta1, beta2: of Adam; sgd's momentum
    is beta1. momentum, rms_decay: of rmsprop. schedule: course of the learning rates after `warmup`
    steps of linear rise: `exponential` multiplies by `rate_decay` every `decay_epochs` epochs.
    precision: bfloat16 is faster and not to the bit. train_share: share of the training people that
    is used. start: weights to go on from: a run's folder, a file (.safetensors, .pth) of mien's or
    of others (`models/pretrained.py`), or a name that `mien.weights` holds; empty for random ones.
    validation_faces: faces of the part val, at most, that are scored while training;
    `mien evaluate` takes them all.
    """

    name: str
    title: str
    source: str
    image_size: Count
    method: AnyMethod
    heads: dict[str, bool | tuple[int | str, ...]] = Field(default_factory=dict)
    scales: dict[str, Positive] = Field(default_factory=dict)
    losses: dict[str, str] = Field(default_factory=dict)
    weights: dict[str, NotNegative] = Field(default_factory=dict)
    adjust: dict[str, Adjustments] = Field(default_factory=dict)
    data: Data = Data()
    augmentation: Augmentations = Augmentations()
    optimiser: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    beta1: Decay = 0.5
    beta2: Decay = 0.999
    momentum: Decay = 0.0
    rms_decay: Decay = 0.99
    weight_decay: NotNegative = 0.0
    clip_norm: Positive = 20.0
    schedule: Literal["constant", "cosine", "exponential"] = "constant"
    rate_decay: Annotated[float, Field(gt=0, le=1)] = 0.94
    decay_epochs: Positive = 2.0
    warmup: Annotated[int, Field(ge=0)] = 0
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
        place = list(problem["loc"])
        method = content.get("method")
        name = method.get("name") if isinstance(method, Mapping) else None
        if place[:2] == ["method", name]:
            del place[1]  # pydantic names the member of the union
        path = ".".join(str(part) for part in place)
        if problem["type"] == "extra_forbidden":
            raise unknown_name("key", path, _keys(Recipe, name)) from error
        if problem["type"] == "union_tag_invalid":
            raise unknown_name("method", str(name), METHODS) from error
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
            raise unknown_name("key", key.strip(), _keys(Recipe, None))
    place[last] = value


def _keys(part: type[BaseModel], method: str | None, prefix: str = "") -> Iterator[str]:
    """Every settable key of the tree, dotted; of a method those of `method` alone, if given."""
    for name, field in part.model_fields.items():
        kind = field.annotation
        inner = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
        tables = [t for t in inner if isinstance(t, type) and issubclass(t, BaseModel)]
        if not tables:
            yield f"{prefix}{name}"
        for table in tables:
            tag = table.model_fields.get("name")
            if prefix or method is None or tag is None or tag.default == method:
                yield from _keys(table, method, f"{prefix}{name}.")


def to_toml(recipe: Recipe) -> str:
    """Write a recipe as TOML that `load_recipe` reads back; None is left out."""
    return "\n".join(_toml_lines(recipe.model_dump(), "")) + "\n"


def _toml_lines(content: Mapping[str, Any], table: str) -> Iterator[str]:
    inner = {key: value for key, value in content.items() if isinstance(value, dict)}
    if table and len(inner) < len(content):
        yield f"\n[{table}]"
    for key, value in content.items():
        if key not in inner and value is not None:
            yield f"{_toml_key(key)} = {_toml_value(value)}"
    for key, value in inner.items():
        yield from _toml_lines(value, f"{table}.{_toml_key(key)}" if table else _toml_key(key))


def _toml_key(key: str) -> str:
    """A key as TOML takes it: classes may have any names."""
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else _toml_value(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        pairs = (f"{key} = {_toml_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml_value, value))}]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
