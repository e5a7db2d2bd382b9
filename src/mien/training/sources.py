"""From a recipe's stores to batches: which faces train, which validate, with which labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.heads import Head, merged_heads
from mien.labels.kinds import likeliest
from mien.store import Store
from mien.store.following import Following
from mien.store.membership import refuse_leaks
from mien.store.shards import Pixels
from mien.training.compute import Compute
from mien.training.data import LANDMARKS, FaceBatches, MixedBatches
from mien.training.recipe import Recipe, Source
from mien.training.sampling import Balanced, Sampler, Shuffled, Windowed, shares

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Validation:
    """The faces of one store that a run chooses its best checkpoint by.

    following: their order, for a recogniser that follows people.
    """

    store: str
    pixels: Pixels
    rows: Rows
    labels: Labels
    landmarks: NDArray[np.float32]
    following: Following


@dataclass(frozen=True)
class TrainingSource:
    """A store opened for training. rows: of its training faces. labels: of all its faces."""

    settings: Source
    store: Store
    rows: Rows
    labels: Labels

    @property
    def split(self) -> str | None:
        """Name of the split; None for the store's default."""
        return self.settings.split or None


def sources_of(recipe: Recipe, store: Store | None) -> list[Source]:
    """The recipe's sources, or the one store that a command names.

    Raises InputError where both or neither are given, or two stores have one name.
    """
    if store is not None and recipe.data.sources:
        raise InputError(f"recipe {recipe.name}: names data.sources; leave --store away")
    if store is not None:
        return [Source(store=str(store.folder))]
    if not recipe.data.sources:
        raise InputError("--store is needed to start a run, or data.sources in the recipe")
    names = [Path(source.store).name for source in recipe.data.sources]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise InputError(
            f"recipe {recipe.name}: two data.sources are called {double}; scores are told apart by "
            "the names of the stores' folders: rename one"
        )
    return list(recipe.data.sources)


def open_sources(recipe: Recipe, store: Store | None) -> list[TrainingSource]:
    """Open the stores; raises InputError where a split is missing or not subject-independent."""
    opened = []
    for settings in sources_of(recipe, store):
        found = store if store is not None else Store.open(Path(settings.store))
        split = settings.split or None
        refuse_leaks(found, split)
        rows = _share(found, found.rows("train", split), recipe)
        opened.append(TrainingSource(settings, found, rows, found.labels(settings.layers or None)))
    return opened


def _share(store: Store, rows: Rows, recipe: Recipe) -> Rows:
    """Those of a share of the training people where the recipe asks for one."""
    if recipe.train_share == 1:
        return rows
    people = np.array([name or f"#{i}" for i, name in enumerate(store.names("subject"))])[rows]
    names = np.unique(people)
    order = np.random.default_rng((recipe.seed, 0x5A)).permutation(len(names))
    kept = names[order[: max(1, round(recipe.train_share * len(names)))]]
    return rows[np.isin(people, kept)]


def labelled_heads(sources: Sequence[TrainingSource]) -> tuple[Head, ...]:
    """Heads of which any training face has a label, with all the outputs that the stores have."""
    heads = []
    for source in sources:
        labels = source.labels.at(source.rows)
        heads.append([h for h in labels.heads if not np.isnan(labels[h.name]).all()])
    return merged_heads(*heads)


def make_batches(
    recipe: Recipe,
    sources: Sequence[TrainingSource],
    heads: Sequence[Head],
    channels: int,
    compute: Compute,
    landmarks: bool = False,
) -> MixedBatches:
    """Batches of all sources. heads: whose labels they carry. landmarks: whether those too."""
    together = _together(recipe)
    weights = [source.settings.weight for source in sources]
    sizes = [n * together for n in shares(recipe.batch_size // together, weights)]
    batches = []
    for number, (source, size) in enumerate(zip(sources, sizes, strict=True)):
        labels = source.labels.at(source.rows).of(heads)
        sampler = _sampler(recipe, source, labels, size, number, compute)
        pixels = source.store.pixels(recipe.image_size)
        carried = dict(labels)
        if landmarks:
            points = source.store.landmarks_in_crops(source.rows)
            carried[LANDMARKS] = points.reshape(len(points), -1)
        batches.append(FaceBatches(pixels, source.rows, carried, sampler, channels))
    return MixedBatches(batches, compute)


def _together(recipe: Recipe) -> int:
    """Faces of a batch that cannot be parted: those of a window."""
    if recipe.data.sampling != "windowed":
        return 1
    if recipe.batch_size % recipe.data.window:
        raise InputError(
            f"recipe {recipe.name}: batch_size {recipe.batch_size} is no multiple of data.window "
            f"{recipe.data.window}"
        )
    return recipe.data.window


def _sampler(
    recipe: Recipe,
    source: TrainingSource,
    labels: Labels,
    size: int,
    number: int,
    compute: Compute,
) -> Sampler:
    place = (recipe.seed, number, compute.rank, compute.world)
    if recipe.data.sampling == "shuffled":
        return Shuffled(len(source.rows), size, *place)
    if recipe.data.sampling == "balanced":
        by = recipe.data.balance
        mine = labels if labels.head(by) is not None else source.labels.at(source.rows)
        head = mine.head(by)
        if head is None or not head.kind.classes:
            raise InputError(
                f"{source.store.folder}: data.balance={by}: no such head with classes in it"
            )
        return Balanced(likeliest(mine[by]), size, *place)
    windows = source.store.windows(recipe.data.window, recipe.data.stride)
    place_of = np.full(len(source.store) + 1, -1, np.intp)
    place_of[source.rows] = np.arange(len(source.rows))
    inside = place_of[windows]  # a row of -1 picks the last entry, which is -1
    return Windowed(inside[(inside >= 0).any(1)], size, *place)


def validation_of(
    recipe: Recipe, source: TrainingSource, heads: Sequence[Head], window: int | None = None
) -> Validation | None:
    """Pick at most `validation_faces` of the part val; None where it has no face.

    window: for a recogniser that follows people, as `Following.of` takes it: whole tracks are then
    picked, but for the last, which may be cut.
    """
    try:
        rows = source.store.rows("val", source.split)
    except InputError:
        return None
    if len(rows) > recipe.validation_faces:
        draw = np.random.default_rng(recipe.seed)
        if window is None:
            rows = np.sort(draw.choice(rows, recipe.validation_faces, replace=False))
        else:
            rows = _some_tracks(source.store, rows, recipe.validation_faces, draw)
    pixels = source.store.pixels(recipe.image_size)
    labels = source.labels.at(rows).of(heads)
    landmarks = source.store.landmarks_in_crops(rows)
    following = Following.of(source.store, rows, window)
    return Validation(str(source.store.folder), pixels, rows, labels, landmarks, following)


def _some_tracks(store: Store, rows: Rows, count: int, draw: np.random.Generator) -> Rows:
    """Pick `count` faces, track after track in an order drawn, each from its beginning."""
    ordered = Following.of(store, rows, 1)
    lone = -2 - np.arange(len(rows))
    people = np.where(ordered.tracks < 0, lone, ordered.tracks)
    names, place = np.unique(people, return_inverse=True)
    turn = draw.permutation(len(names))[place]
    return np.sort(rows[ordered.order[np.argsort(turn, kind="stable")[:count]]])
