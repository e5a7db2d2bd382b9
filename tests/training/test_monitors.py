import copy
import json

import numpy as np
import pytest
import torch

from mien.labels.arrays import Labels, Predictions
from mien.labels.heads import Head
from mien.models.gan.config1 import Config1Generator
from mien.training.average import MovingAverage
from mien.training.monitors import WON_FOR, Monitors, diversity


def faces(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (count, 8, 8, 3), dtype=np.uint8)


def test_diversity_of_real_faces_is_one_and_of_one_face_nought():
    real = faces(30)
    assert diversity(real, real)[0] == pytest.approx(1)
    alike, doubles = diversity(np.repeat(real[:1], 12, 0), real)
    assert alike == 0
    assert doubles == 1
    assert np.isnan(diversity(real, np.repeat(real[:1], 12, 0))[0])


def test_collapse_is_told_once_until_it_has_passed():
    monitors, real = Monitors(), faces(30)
    one = np.repeat(real[:1], 12, 0)
    numbers, told = monitors.watch_samples(one, real)
    assert numbers["monitor/diversity"] == 0
    assert told[0].startswith(
        "the samples look alike: their distance is 0.00 of that of real faces"
    )
    assert monitors.watch_samples(one, real)[1] == []
    assert monitors.watch_samples(faces(30, 1), real)[1] == []
    assert monitors.watch_samples(one, real)[1] != []


def test_a_discriminator_that_keeps_winning_is_told():
    monitors = Monitors()
    winning = {"p_real/of_real": 0.999, "p_real/of_fake": 0.001}
    told = [monitors.watch_game(winning) for _ in range(WON_FOR + 3)]
    assert [bool(text) for text in told].count(True) == 1
    assert "known nearly every image" in told[WON_FOR - 1][0]
    assert monitors.watch_game({"p_real/of_real": 0.6, "p_real/of_fake": 0.4}) == []


def test_a_critic_that_runs_away_is_told_even_across_a_resume():
    monitors, told = Monitors(), []
    for look in range(WON_FOR):
        if look == 7:
            monitors = Monitors(**json.loads(json.dumps(monitors.memory())))
        told += monitors.watch_game({"critic/distance": 0.1 * 1.2**look})
    assert len(told) == 1
    assert "the generator does not follow" in told[0]
    assert not any(Monitors().watch_game({"critic/distance": 0.1}) for _ in range(WON_FOR))


def test_heads_that_fall_silent_are_told():
    n = 40
    heads = (Head("valence_arousal", ("valence", "arousal")), Head("au", ("AU01", "AU12")))

    def all_faces(affect: float, units: float) -> dict[str, np.ndarray]:
        values = {"valence_arousal": affect, "au": units}
        return {name: np.full((n, 2), value, np.float32) for name, value in values.items()}

    labels = Labels(heads, all_faces(0.5, 1.0), n)
    silent = Predictions(heads, all_faces(0.0, 0.1), n)
    numbers, told = Monitors().watch_heads(silent, labels)
    assert numbers["monitor/drift/AU12"] == pytest.approx(-0.9)
    assert numbers["monitor/drift/valence"] == pytest.approx(-0.5)
    assert "valence is said to be 0.50 too low" in told[0]
    assert "2 of 2 outputs of au say present less than half as often" in told[2]


def test_each_of_several_stores_is_watched_by_itself():
    head = Head("valence_arousal", ("valence", "arousal"))
    said, right, wrong = (
        {head.name: np.full((4, 2), value, np.float32)} for value in (0.0, 0.1, 0.9)
    )
    predictions, monitors = Predictions((head,), said, 4), Monitors()
    for again in (False, True):
        _, told = monitors.watch_heads(predictions, Labels((head,), right, 4), "here")
        assert told == []
        numbers, told = monitors.watch_heads(predictions, Labels((head,), wrong, 4), "there")
        assert numbers["monitor/drift/there/valence"] == pytest.approx(-0.9)
        low = "there: valence is said to be 0.90 too low on average"
        assert told[:1] == ([] if again else [low])


def test_the_average_follows_by_hand():
    network = Config1Generator(noise=4)
    average = MovingAverage(network, 0.5)
    start = [p.clone() for p in network.parameters()]
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1)
    average.follow(network)  # the first decay is at most 1 / 10
    for mine, first in zip(average.network.parameters(), start, strict=True):
        assert torch.allclose(mine, first + 0.9, atol=1e-6)
    kept = copy.deepcopy(average.network.state_dict())
    average.follow(network)  # then 2 / 11
    for name, value in average.network.named_parameters():
        wanted = kept[name] * (2 / 11) + dict(network.named_parameters())[name] * (9 / 11)
        assert torch.allclose(value, wanted, atol=1e-6)
