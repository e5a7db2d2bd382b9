"""Procedures that split, on labels whose best split is known, and on a store."""

import json

import numpy as np
import pytest

import mien
from conftest import write_corpus
from mien.cli.main import main
from mien.curation.fixed_lists import TEST_VIDEOS, fixed
from mien.curation.splitting import PROCEDURES, features, folds, unit_gaps
from mien.errors import InputError
from mien.labels.arrays import Labels
from mien.labels.heads import Head


@pytest.fixture
def corpus_store(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", splits=False)
    mien.import_corpus("folder", corpus, store=tmp_path / "store", size=32, au_threshold=0.4)
    return tmp_path / "store"


RATIOS = (0.7, 0.15, 0.15)


def labels_of(units, affect):
    heads = (Head("au", ("AU04", "AU12")), Head("valence_arousal", ("valence", "arousal")))
    return Labels(heads, {"au": units, "valence_arousal": affect}, len(units))


def made(people=60, seed=0):
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(people), random.integers(5, 80, people))
    mood = random.uniform(-0.9, 0.9, (people, 2))[group]
    affect = np.clip(mood + random.normal(0, 0.1, mood.shape), -1, 1).astype(np.float32)
    units = np.stack([affect[:, 0] < -0.4, affect[:, 0] > 0.3], axis=1).astype(np.float32)
    return group, labels_of(units, affect)


def imbalance(group, labels, part):
    counts = features(group, labels)
    share = counts / np.maximum(counts.sum(0), 1)
    of = np.zeros(len(counts), int)
    of[group] = part
    filled = np.stack([share[of == p].sum(0) for p in range(3)])
    return float(((filled - np.outer(RATIOS, share.sum(0))) ** 2).sum())


@pytest.mark.parametrize("name", PROCEDURES)
def test_every_procedure_keeps_people_whole_fills_all_parts_and_repeats(name):
    group, labels = made()
    part = PROCEDURES[name](group, labels, RATIOS, 3).part
    assert np.array_equal(part, PROCEDURES[name](group, labels, RATIOS, 3).part)
    for person in range(group.max() + 1):
        assert len(set(part[group == person])) == 1
    assert np.bincount(part) / len(part) == pytest.approx(RATIOS, abs=0.12)


def test_the_search_balances_better_than_greedy_and_chance():
    for seed in range(3):
        group, labels = made(seed=seed)
        of = {
            name: imbalance(group, labels, draw(group, labels, RATIOS, seed).part)
            for name, draw in PROCEDURES.items()
        }
        assert of["stratified"] <= of["greedy"]
        assert of["stratified"] < of["thesis"]


def test_gaps_are_those_of_the_printed_table():
    """au-va-thesis, Table 3.4: AU 4 and AU 20, and what is left of all units shown."""
    counts = {"AU04": (31291, 4467), "AU20": (6947, 1803), "AU12": (146780, 30953)}
    rows = [
        (i, part) for i, of in enumerate(counts.values()) for part, n in enumerate(of) for _ in [n]
    ]
    units = np.zeros((sum(sum(of) for of in counts.values()), 3), np.float32)
    part, at = np.empty(len(units), int), 0
    for i, p in rows:
        n = list(counts.values())[i][p]
        units[at : at + n, i], part[at : at + n], at = 1, p, at + n
    labels = Labels((Head("au", tuple(counts)),), {"au": units}, len(units))
    gaps = unit_gaps(labels, part)
    assert gaps["AU04"] == pytest.approx(4.91, abs=0.005)
    assert gaps["AU20"] == pytest.approx(1.09, abs=0.005)


def test_folds_test_everybody_once_and_never_choose_on_the_test():
    group, labels = made(people=20)
    parts = np.stack(folds(group, labels, 5, 0))
    assert ((parts == 2).sum(0) == 1).all()
    assert ((parts == 1).sum(0) == 1).all()
    with pytest.raises(InputError, match="at least 3"):
        folds(group, labels, 2, 0)


def test_fixed_lists_know_videos_by_number():
    numbers = sorted(TEST_VIDEOS["benroumpi-2018"])
    videos = [f"aff/video{n}.mp4" for n in numbers] + ["aff/video45_8.mp4", "video55_left", "2"]
    part = fixed("benroumpi-2018", videos)
    assert part.tolist() == [2] * len(numbers) + [0, 0, 0]
    with pytest.raises(InputError, match="the store has no video 1, 11"):
        fixed("au-va-thesis", ["video2"])
    with pytest.raises(InputError, match="has no number"):
        fixed("au-va-thesis", ["talk.mp4"])


def test_the_command_takes_procedures_and_folds(corpus_store, capsys):
    store = str(corpus_store)
    command = ["split", store, "--procedure", "thesis", "--ratios", "0.8,0,0.2", "--json"]
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["splits"]) == {"train", "test"}
    assert set(said["unit_gaps"]) == {"AU12", "AU15", "AU25"}
    assert main(["split", store, "--folds", "4"]) == 0
    opened = mien.Store.open(corpus_store)
    assert {f"fold{i}" for i in range(4)} <= set(opened.splits)
    tested = [set(opened.codes("subject").at(opened.rows("test", f"fold{i}")).used())
              for i in range(4)]  # fmt: skip
    assert len(set().union(*tested)) == sum(map(len, tested)) == 12
    capsys.readouterr()
    assert main(["split", store, "--procedure", "luck"]) == 2
    assert "procedure" in capsys.readouterr().err
