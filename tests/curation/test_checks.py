"""Checks on a store in which every fault was put on purpose."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import mien
from mien.cli.main import main
from mien.curation.checks import Subject, impossible
from mien.curation.near_duplicates import NEAR, near_pairs
from mien.errors import InputError
from mien.store import Store

N = 12


def smooth(seed, n=N):
    """Crops that have structure: noise of 6 px, enlarged."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 6, 6, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((48, 48), 2)) for c in coarse])


def build(folder, alike=(), labels=None, **faces):
    """Faces of people p0 to p11. alike: pairs (i, j), j nearly the picture of i."""
    pictures = smooth(0)
    for i, j in alike:
        pictures[j] = np.clip(pictures[i].astype(int) + 3, 0, 255).astype(np.uint8)
    store = Store.open_or_create(folder, 48)
    given = {"subject": [f"p{i}" for i in range(N)], "image": [f"{i}.png" for i in range(N)]}
    with store.new_shard() as shard:
        shard.append(pictures)
        store.commit(
            "made", corpus="made", kind="test", crops=shard, faces=given | faces,
            labels={"made": labels} if labels else None,
            split=["train"] * 6 + ["val"] * 6, summary={"faces": N},
        )  # fmt: skip
    return folder


def found(store, *checks):
    return {(f.check, f.level, f.count) for f in mien.check(store, checks=checks)}


def test_duplicates_across_parts_are_an_error_and_others_a_warning(tmp_path):
    store = build(tmp_path / "s", alike=[(0, 1), (2, 8)])
    assert found(store, "duplicates") == {
        ("duplicates", "error", 1), ("duplicates", "warning", 2), ("duplicates", "note", 2),
    }  # fmt: skip
    clean = build(tmp_path / "clean")
    assert found(clean, "duplicates") == set()


def test_frames_of_one_track_count_once_a_second(tmp_path):
    faces = {
        "image": None, "subject": ["a"] * N, "video": ["v.mp4"] * N,
        "frame": np.arange(N, dtype=np.int32), "track": np.zeros(N, np.int32),
        "time_s": np.arange(N) / 25,
    }  # fmt: skip
    given = {k: v for k, v in faces.items() if v is not None}
    store = Store.open_or_create(tmp_path / "s", 48)
    with store.new_shard() as shard:
        shard.append(np.repeat(smooth(1, 1), N, axis=0))
        store.commit("v", corpus="v", kind="test", crops=shard, faces=given, summary={"faces": N})
    assert found(tmp_path / "s", "duplicates") == set()


def test_impossible_labels_jumps_and_contradictions(tmp_path):
    valence = np.zeros(N, np.float32)
    valence[3], valence[5] = 0.7, -0.9
    labels = {
        "valence": valence, "arousal": np.zeros(N, np.float32),
        "AU12": [0, *[1] * (N - 1)], "AU12_r": [4.0, *[3.0] * (N - 1)],
        "expression": ["neutral"] * 5 + ["happiness"] * 7,
    }  # fmt: skip
    faces = {
        "video": ["v.mp4"] * N, "frame": np.arange(N, dtype=np.int32),
        "track": np.zeros(N, np.int32), "time_s": np.arange(N) / 25,
    }  # fmt: skip
    store = build(tmp_path / "s", labels=labels, **faces)
    assert found(store, "impossible") == {("impossible", "warning", 1)}
    subject = Subject(Store.open(store), None)
    subject.labels["valence_arousal"][2, 0] = 1.7  # a store takes none
    assert {(f.level, f.count) for f in impossible(subject)} == {("error", 1), ("warning", 1)}
    told = {f.text.split(" ", 1)[1]: f.count for f in mien.check(store, checks=["noise"])}
    assert told["faces of happiness with valence below -0.5"] == 1
    assert told["jumps of valence by more than 0.5 from one frame to the next"] == 4


def test_leaks_and_baselines(tmp_path):
    subject = [f"p{i}" for i in range(N)]
    subject[6] = "p0"
    labels = {"AU12": [1.0] * 9 + [0.0] * 3, "expression": ["neutral"] * 9 + ["anger"] * 3}
    store = build(tmp_path / "s", labels=labels, subject=subject)
    (leak,) = mien.check(store, checks=["leaks"])
    assert (leak.level, leak.text) == (
        "error", "in two parts of the split: person made/p0 (train, val)",
    )  # fmt: skip
    usual, present = mien.check(store, checks=["baselines"])
    assert usual.facts["expression/accuracy"] == pytest.approx(0.5)
    assert usual.facts["au/mean_accuracy"] == pytest.approx(0.5)
    assert present.facts["au/mean_f1"] == pytest.approx(2 / 3)


def test_the_command_writes_rows_and_pictures_and_fails_in_ci(tmp_path, capsys):
    store, out = build(tmp_path / "s", alike=[(2, 8)]), tmp_path / "out"
    assert main(["check", str(store), "--out", str(out), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)["findings"]
    assert said[0]["rows"] == [[2, 8]]
    with (out / "00-duplicates.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["made/2.png", "made/8.png"]
    with Image.open(out / "00-duplicates.png") as image:
        assert image.size == (12 * 48, 48)
    assert main(["check", str(build(tmp_path / "clean"))]) == 0
    with pytest.raises(InputError, match="check 'luck'"):
        mien.check(store, checks=["luck"])


def test_all_near_pairs_are_found():
    """Against comparing everything with everything."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2, (80, 256))
    for i in range(0, 60, 2):
        bits[i + 1] = bits[i]
        flipped = random.choice(256, i // 2, replace=False)
        bits[i + 1, flipped] ^= 1
    codes = np.packbits(bits.astype(bool), axis=1).view(np.uint16)
    apart = (bits[:, None] != bits[None]).sum(2)
    wanted = {(i, j) for i in range(80) for j in range(i + 1, 80) if apart[i, j] <= NEAR}
    assert {tuple(pair) for pair in near_pairs(codes).tolist()} == wanted
    assert len(wanted) >= 15
