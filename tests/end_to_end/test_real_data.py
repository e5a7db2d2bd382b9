"""The figures that the development data should give; skipped where it is absent."""

import json

import pytest


def test_real_videos(data, tmp_path, cli):
    names = ("crying_to_laughing.mp4", "no_face.mp4", "noface_face.mov")
    videos = [data / "videos" / name for name in names]
    result = cli("ingest", *videos, "--store", tmp_path / "s", "--min-face", 60, "--json")
    assert result.code == 0
    laughing, nobody, late = json.loads(result.out)["videos"]
    assert laughing["frames"] == pytest.approx(590, abs=2)
    assert laughing["tracks"] == 1
    assert laughing["frames_with_face"] >= 0.97 * laughing["frames"]
    assert (nobody["faces"], nobody["loss"]) == (0, 1)
    assert late["frames"] == pytest.approx(191, abs=2)
    assert 40 < late["faces"] < 100
    assert late["tracks"] == 1


def test_every_face_of_a_group(data, tmp_path, cli):
    out = tmp_path / "o.csv"
    assert cli("analyze", data / "videos" / "multi_face.jpg", "--out", out).code == 0
    assert len(out.read_text().splitlines()) == 1 + 5


def test_wildfaces_whole(data, tmp_path, cli):
    corpus = data / "wildfaces"
    result = cli("import", "folder", corpus, "--store", tmp_path / "s", "--size", 32, "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["faces"] == 9551
    found = json.loads(cli("stats", tmp_path / "s", "--json").out)
    train = found["parts"]["train"]["labels"]
    assert train["expression"]["happiness"] == 3483
    assert train["expression"]["neutral"] == 4273
    assert found["parts"]["val"]["faces"] == 1086
    assert found["all"]["people"] == 3926
    assert "valence_arousal" not in found["all"]["labels"]
    assert cli("split", tmp_path / "s", "--check").code == 0
