"""Sequences from store to scores: windows of tracks, gaps, what is unlabelled, and people alone."""

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mien.errors import InputError
from mien.evaluation.evaluate import ScoredFaces, evaluate
from mien.models.checkpoint import NetworkCard
from mien.models.recognition.base48 import Base48
from mien.models.sequence_recogniser import open_recogniser
from mien.models.sequences.body import Body
from mien.runs.run import Run
from mien.store import Store
from mien.store.following import Following, predict_faces
from mien.training.build import build
from mien.training.frozen import CHUNK
from mien.training.loop import train
from mien.training.recipe import load_recipe, parse_recipe, recipe_files, to_toml

SEQUENCES = [n for n in sorted(recipe_files()) if load_recipe(n).method.name == "sequence"]
SMALL = {
    "name": "small",
    "title": "a small follower",
    "source": "the tests",
    "image_size": 28,
    "method": {
        "name": "sequence",
        "recogniser": {
            "network": "cnn-rnn-gru",
            "learning_rate": 1e-2,
            "body": "vanilla",
            "fully_connected": 0,
            "layers": [8],
            "dropout": 0.2,
        },
    },
    "data": {"sampling": "windowed", "window": 6, "stride": 3},
    "heads": {"valence_arousal": True, "au": True},
    "batch_size": 12,
    "steps": 4,
    "checkpoint_every": 2,
    "log_every": 1,
}


def recipe(*settings: str, **changes):
    import tomllib

    from mien.training.recipe import _apply

    content = tomllib.loads(to_toml(parse_recipe({**SMALL, **changes}, "small")))
    for setting in settings:
        _apply(content, setting)
    return parse_recipe(content, "small")


def film(folder, tracks, size: int = 28, labelled=lambda person, frame: True) -> Store:
    """Make a store of people in videos. tracks: (person, frames, part); a smile says the label."""
    from conftest import draw_face

    store = Store.open_or_create(folder, size)
    for person, frames, part in tracks:
        smile = np.sin(np.array(frames) / 4 + person)
        pictures = [np.asarray(draw_face(s, 160 + 10 * person).resize((size, size))) for s in smile]
        known = [labelled(person, frame) for frame in frames]
        labels = {
            "valence": [float(s) if k else None for s, k in zip(smile, known, strict=True)],
            "arousal": [abs(float(s)) if k else None for s, k in zip(smile, known, strict=True)],
            "AU12": [int(s > 0) if k else None for s, k in zip(smile, known, strict=True)],
            "AU15": [int(s < 0) if k else None for s, k in zip(smile, known, strict=True)],
            "expression": [("happiness" if s > 0 else "sadness") if k else None
                           for s, k in zip(smile, known, strict=True)],
        }  # fmt: skip
        with store.new_shard() as shard:
            shard.append(np.stack(pictures))
            store.commit(
                f"v{person}", corpus=f"v{person}", kind="test", crops=shard,
                faces={
                    "video": ["v"] * len(frames), "track": [0] * len(frames),
                    "frame": list(frames), "time_s": [f / 30 for f in frames],
                    "subject": ["somebody"] * len(frames),
                },
                labels={f"v{person}": labels}, split=[part] * len(frames), summary={},
            )  # fmt: skip
    return store


GAPS = [f for f in range(20) if f not in (4, 5, 11)]
PEOPLE = [
    (0, range(14), "train"), (1, GAPS, "train"), (2, range(3), "train"),
    (3, range(15), "val"), (4, GAPS, "val"), (5, range(9), "test"), (6, GAPS, "test"),
]  # fmt: skip


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return film(tmp_path_factory.mktemp("films") / "store", PEOPLE)


@pytest.fixture(scope="module")
def large_films(tmp_path_factory):
    return film(tmp_path_factory.mktemp("large") / "store", [(0, range(8), "train")], 96)


def test_the_documents_sequences_are_the_recipes():
    assert SEQUENCES == [
        "cnn-3d", "cnn-rnn-gru", "cnn-rnn-lstm", "fera-mask-blstm", "vggface-gru-attention",
    ]  # fmt: skip
    attention = load_recipe("vggface-gru-attention")
    assert (attention.batch_size, attention.data.window) == (800, 80)
    assert attention.method.recogniser.attention == 32
    assert (attention.weights["valence_arousal"], attention.weights["expression"]) == (0.5, 0.5)
    for name in ("cnn-rnn-gru", "cnn-rnn-lstm"):
        assert load_recipe(name).method.recogniser.layers == (128, 128)


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_sequence_recipe_moves_its_network(large_films, name):
    lighter = {"cnn-3d": (), "fera-mask-blstm": ()}.get(
        name, ("method.recogniser.body=cnn-m", "image_size=64")
    )
    settings = ("batch_size=8", "data.window=4", "data.stride=4", *lighter)
    check_it_moves(load_recipe(name, settings), large_films)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEQUENCES)
def test_every_sequence_recipe_moves_its_network_as_it_is_but_for_the_batch(large_films, name):
    check_it_moves(
        load_recipe(name, ("batch_size=8", "data.window=4", "data.stride=4")), large_films
    )


def check_it_moves(wanted, store):
    parts = build(wanted, store, fresh=False)
    network = parts.step.networks["recogniser"]
    before = [p.detach().clone() for p in network.parameters()]
    log = parts.step.update(0, parts.batches.batch(0))
    assert all(torch.isfinite(value).all() for value in log.values())
    moved = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
    assert all(moved)


def test_a_resumed_run_equals_an_uninterrupted_one(films, tmp_path):
    settings = ("average=0.9", "augmentation.mirror=true", "augmentation.shift=2")
    whole, parted = Run(tmp_path / "whole"), Run(tmp_path / "parted")
    train(recipe(*settings), films, whole)
    train(recipe("steps=2", *settings), films, parted)
    train(recipe(*settings), films, parted, resume=True)
    for name in ("recogniser.safetensors", "recogniser_average.safetensors"):
        one, other = (load_file(run.last().folder / name) for run in (whole, parted))
        assert all(torch.equal(one[k], other[k]) for k in one)


def follower(films, folder, *settings):
    run = Run(folder)
    train(recipe(*settings), films, run)
    return run


def test_evaluation_streams_every_track_and_validation_does_the_same(films, tmp_path):
    run = follower(films, tmp_path / "run")
    found = evaluate(run, ScoredFaces.of(run, films, "val"), "val")
    logged = [line for line in run.log() if "val/headline" in line][-1]
    assert found["last"]["headline"] == pytest.approx(logged["val/headline"], abs=1e-6)
    recogniser = open_recogniser(run.last().recogniser)
    rows = films.rows("test")
    by_hand = {}
    for track in np.unique(films.tracks()[rows]):
        mine = rows[films.tracks()[rows] == track]
        fresh = recogniser.anew()
        for row in mine[np.argsort(films.column("frame")[mine])]:
            crop = films.pixels(28).gather(np.array([row]))
            by_hand[int(row)] = fresh.predict(crop, np.zeros(1, int))["valence_arousal"][0]
    shuffled = np.random.default_rng(0).permutation(rows)
    predicted = predict_faces(recogniser, films, shuffled)["valence_arousal"]
    wanted = np.stack([by_hand[int(row)] for row in shuffled])
    assert np.abs(predicted - wanted).max() < 1e-5


def test_bidirectional_networks_are_evaluated_by_windows(films, tmp_path):
    run = follower(films, tmp_path / "run", "method.recogniser.bidirectional=true")
    recogniser = open_recogniser(run.last().recogniser)
    assert recogniser.preprocessing.window == 6
    rows = films.rows("test")
    predicted = predict_faces(recogniser, films, rows)["valence_arousal"]
    windows = films.windows(6, 6)
    for window in windows[np.isin(windows, rows).any(1)]:
        mine = window[window >= 0]
        crops = films.pixels(28).gather(mine)
        wanted = recogniser.predict(crops, np.zeros(len(mine), int))["valence_arousal"]
        assert np.abs(predicted[np.searchsorted(rows, mine)] - wanted).max() < 1e-5
    assert np.isfinite(
        evaluate(run, ScoredFaces.of(run, films, "test"), "test")["last"]["headline"]
    )


def test_the_order_of_a_store(films):
    rows = films.rows("test")
    following = Following.of(films, rows, 6)
    frames = films.column("frame")[rows][following.order]
    assert frames.tolist() == [*range(9), *GAPS]
    assert following.tracks.tolist() == [0] * 6 + [1] * 3 + [2] * 4 + [3] * 5 + [4] * 6 + [5] * 2
    assert [part.stop - part.start for part in following.parts(10)] == [9, 9, 8]
    assert [part.stop - part.start for part in following.parts(4)] == [6, 3, 4, 5, 6, 2]
    streamed = Following.of(films, rows, 1)
    assert np.unique(streamed.tracks).size == 2
    assert [part.stop - part.start for part in streamed.parts(10)] == [10, 10, 6]
    plain = Following.of(films, rows, None)
    assert plain.order.tolist() == list(range(len(rows)))
    assert (plain.tracks == -1).all()


def loss_of(store, *settings, change=None):
    parts = build(recipe("method.recogniser.dropout=0.0", *settings), store, fresh=False)
    batch = parts.batches.batch(0)
    if change:
        change(batch)
    log = parts.step.update(0, batch)
    weights = torch.cat([p.detach().flatten() for p in parts.step.recogniser.parameters()])
    return {name: float(value.detach()) for name, value in log.items()}, weights, batch


def test_frames_without_a_face_change_nothing_whatever_their_pixels(films):
    plain, weights, batch = loss_of(films)
    assert 0 < (~batch.there).sum() < len(batch)

    def scribble(batch):
        batch.images[~batch.there] = 1.0

    scribbled, other, _ = loss_of(films, change=scribble)
    assert plain == scribbled
    assert torch.equal(weights, other)


def test_frames_without_a_label_are_seen_and_do_not_count(films, tmp_path):
    """The frames in between move the state; the loss is of those that are labelled."""
    sparse = film(tmp_path / "sparse", PEOPLE, labelled=lambda person, frame: frame % 3 == 0)
    parts = build(recipe("method.recogniser.dropout=0.0"), sparse, fresh=False)
    batch = parts.batches.batch(0)
    labels = batch.labels.valid["valence_arousal"][:, 0]
    assert 0 < labels.sum() < batch.there.sum()
    output = parts.step.output(batch)
    raw = parts.spec.layout.split(output)["valence_arousal"]
    wanted = ((raw - batch.labels.values["valence_arousal"]) ** 2)[labels > 0].mean()
    log = parts.step.update(0, batch)
    assert float(log["recogniser/valence_arousal"]) == pytest.approx(wanted.item(), rel=1e-5)
    batch.images[(labels == 0) & batch.there] += 0.5
    assert not torch.allclose(parts.step.output(batch)[labels > 0], output[labels > 0])


def test_all_frames_of_a_window_are_changed_alike(films):
    parts = build(recipe("augmentation.mirror=true", "augmentation.shift=3"), films, fresh=False)
    seen = []
    parts.step.trainee.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = parts.batches.batch(0)
    same = batch.images[batch.there][:1]
    batch.images[:] = same
    torch.manual_seed(1)
    parts.step.output(batch)
    lengths = batch.there.view(-1, 6).sum(1).tolist()
    windows = seen[0].split([n for n in lengths if n])
    assert all(torch.equal(frame, window[0]) for window in windows for frame in window)
    assert len({window[0].sum().item() for window in windows}) > 1


def test_a_batch_without_any_label_changes_no_weight_and_says_zero(films, tmp_path):
    rare = film(tmp_path / "rare", PEOPLE, labelled=lambda person, frame: person == 2)
    parts = build(recipe("optimiser=sgd", "losses.valence_arousal=ccc"), rare, fresh=False)
    empty = next(
        batch
        for batch in map(parts.batches.batch, range(20))
        if not any(valid.any() for valid in batch.labels.valid.values())
    )
    before = [p.detach().clone() for p in parts.step.recogniser.parameters()]
    log = parts.step.update(0, empty)
    assert log["recogniser/loss"].item() == 0
    after = parts.step.recogniser.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_sequences_shorter_than_the_window_are_padded(tmp_path):
    short = film(tmp_path / "short", [(0, range(3), "train"), (1, range(2), "val")])
    run = follower(short, tmp_path / "run", "data.window=30", "batch_size=60")
    log, _, batch = loss_of(short, "data.window=30", "batch_size=60")
    assert batch.there.view(2, 30).sum(1).tolist() == [3, 3]
    exact, _, _ = loss_of(short, "data.window=3", "batch_size=6")
    assert log["recogniser/loss"] == pytest.approx(exact["recogniser/loss"], rel=1e-5)
    assert np.isfinite(evaluate(run, ScoredFaces.of(run, short, "val"), "val")["last"]["headline"])


def test_one_person_alone_trains_and_has_nobody_to_validate_on(tmp_path):
    alone = film(tmp_path / "alone", [(0, range(14), "train")])
    run = follower(alone, tmp_path / "run")
    assert run.info()["best"] is None
    assert run.last().step == 4
    with pytest.raises(InputError, match="val"):
        ScoredFaces.of(run, alone, "val")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["data.sampling=shuffled"], "data.sampling=windowed"),
        (["batch_size=13"], "batch_size 13 is no multiple of data.window 6"),
        (["heads={}"], "needs at least one head"),
        (["heads={au_intensity=[1]}"], "no training face has a label of au_intensity"),
        (["method.recogniser.reach=3"], "method.recogniser.reach: CnnGru takes no reach"),
        (["method.recogniser.network=cnn-rnn"], "unknown recogniser 'cnn-rnn'"),
        (["method.recogniser.body=vanila"], "unknown body 'vanila': did you mean 'vanilla'"),
        (["method.recogniser.fully_connected=2"], "has 0 fully connected layers"),
        (["method.recogniser.layers=[]"], "at least one recurrent layer"),
        (
            ["method.recogniser.bidirectional=true", "data.window=1"],
            "CnnGru sees frames together",
        ),
        (["image_size=32"], "image_size 32 does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(films, settings, words):
    with pytest.raises(InputError, match=words):
        build(recipe(*settings), films)


def test_a_body_is_needed_where_there_is_none(films):
    content = {**SMALL["method"]["recogniser"]}
    del content["body"]
    with pytest.raises(InputError, match=r"method.recogniser.body: CnnGru needs body"):
        build(recipe(method={"name": "sequence", "recogniser": content}), films)


def test_only_a_body_can_be_frozen(large_films):
    frozen = load_recipe("fera-mask-blstm", ["method.body=frozen", "data.window=4", "batch_size=8"])
    with pytest.raises(InputError, match="FeraMaskBlstm has no body"):
        build(frozen, large_films)


def test_photographs_have_no_sequences(faces):
    with pytest.raises(InputError, match="no training face belongs to a track of a video"):
        build(recipe(), Store.open(faces))


def test_a_network_of_frames_together_needs_the_method_for_it(films):
    method = {"name": "recognition", "recogniser": {"network": "cnn-3d", "learning_rate": 1e-3}}
    with pytest.raises(InputError, match="windows of 7 frames"):
        build(recipe(method=method, image_size=64), films)


def test_two_stores_give_whole_windows_each(films, tmp_path):
    other = film(tmp_path / "others", [(7, range(9), "train")])
    sources = [{"store": str(films.folder), "weight": 3}, {"store": str(other.folder)}]
    data = {**SMALL["data"], "sources": sources}
    parts = build(recipe(data=data, batch_size=24), None, fresh=False)
    sizes = [len(source.batch(0)) for source in parts.batches.sources]
    assert sizes == [18, 6]
    assert torch.isfinite(parts.step.output(parts.batches.batch(0))).all()


def test_validation_takes_whole_tracks(films):
    parts = build(recipe(validation_faces=15), films, fresh=False)
    (faces,) = parts.validation
    assert len(faces.rows) == 15
    tracks = films.tracks()[faces.rows]
    first = films.rows("val")[films.tracks()[films.rows("val")] == tracks[0]]
    assert set(first) <= set(faces.rows) or len(np.unique(tracks)) == 1


def test_a_start_may_be_a_recogniser_of_single_images(films, tmp_path):
    """Its body is taken, whatever its heads, and stays where it is frozen."""
    still = {"name": "recognition", "recogniser": {"network": "vanilla", "learning_rate": 1e-2}}
    run = Run(tmp_path / "still")
    train(recipe(method=still, data={}, heads={"expression": True}), films, run)
    known = load_file(run.best().recogniser)
    for start in (run.folder, run.best().recogniser):
        parts = build(recipe("method.body=frozen", start=str(start)), films)
        body = parts.step.recogniser.body.network.state_dict()
        parts.step.update(0, parts.batches.batch(0))
        assert all(torch.equal(known[name], tensor) for name, tensor in body.items())
    assert "somebody" in str(parts.data["subject"])
    with pytest.raises(InputError, match="does not fit"):
        build(recipe(start="mien-base"), films)


def test_mien_base_is_a_body(tmp_path):
    store = film(tmp_path / "store", [(0, range(6), "train")], 48)
    settings = ("method.recogniser.body=base-48", "image_size=48", "start=mien-base")
    parts = build(recipe(*settings), store)
    assert isinstance(parts.step.recogniser.body.network, Base48)
    assert parts.cards["recogniser"] == NetworkCard(
        "cnn-rnn-gru",
        {**parts.cards["recogniser"].arguments, "body": "base-48"},
        parts.spec,
        parts.preprocessing,
    )
    fresh = build(recipe(*settings[:2]), store)
    given, random = (p.step.recogniser.body.network.state_dict() for p in (parts, fresh))
    assert not torch.equal(given["layers.0.weight"], random["layers.0.weight"])


SMALLER = {
    "cnn-3d": (64, ()),
    "fera-mask-blstm": (48, ()),
    **dict.fromkeys(
        ("cnn-rnn-gru", "cnn-rnn-lstm", "vggface-gru-attention"),
        (28, ("method.recogniser.body=vanilla", "method.recogniser.fully_connected=0")),
    ),
}
QUICK = "vggface-gru-attention"


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n == QUICK else pytest.mark.slow) for n in SEQUENCES],
)
def test_from_the_command_line_to_a_table_of_a_video(name, clip, tmp_path, cli):
    """Train, go on, evaluate and analyse, as any other recipe."""
    side, more = SMALLER[name]
    store, run, out = film(tmp_path / "store", PEOPLE, side).folder, tmp_path / "run", "o.csv"
    asked = (f"image_size={side}", "steps=2", "checkpoint_every=1", "data.window=4",
             "data.stride=2", "batch_size=8", *more)  # fmt: skip
    settings = [word for setting in asked for word in ("--set", setting)]
    assert cli("recipes", name).code == 0
    assert cli("train", name, "--store", store, "--run", run, *settings).code == 0
    assert cli("train", "--run", run, "--resume", "--set", "steps=3").code == 0
    assert Run.open(run).last().step == 3
    result = cli("evaluate", run, "--store", store, "--split", "test", "--json")
    assert result.code == 0, result.err
    assert np.isfinite(json.loads(result.out)["last"]["headline"])
    command = ("analyze", clip, "--fps", 5, "--model", run, "--out", tmp_path / out)
    assert cli(*command).code == 0
    with (tmp_path / out).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    column = "AU12_p" if name == "fera-mask-blstm" else "valence"
    assert len({row[column] for row in rows}) > 10


FROZEN = ("method.body=frozen", "method.recogniser.dropout=0.0")


def test_a_frozen_body_sees_every_frame_once_and_teaches_the_same(films, monkeypatch):
    kept, direct = (build(recipe(*FROZEN), films) for _ in range(2))
    seen, plain = [], Body.forward

    def counted(self, images):
        seen.append(len(images))
        return plain(self, images)

    monkeypatch.setattr(Body, "forward", counted)
    steps = range(3)
    taught = [kept.step.update(step, kept.batches.batch(step)) for step in steps]
    assert sum(seen) <= -(-len(kept.batches) // CHUNK) * CHUNK
    first = len(seen)
    kept.step.update(0, kept.batches.batch(0))
    assert len(seen) == first  # all of these are known
    monkeypatch.setattr(type(direct.step), "_knows_features", lambda self: False)
    plainly = [direct.step.update(step, direct.batches.batch(step)) for step in steps]
    losses = [
        [float(log["recogniser/loss"].detach()) for log in logs] for logs in (taught, plainly)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
