"""The whole way on a real clip, from the command line."""

import csv
import json

from conftest import write_corpus
from mien.media.decode import decode


def test_video_and_labels_in_trained_evaluated_analysed_out(clip, tmp_path, cli):
    store, run = tmp_path / "store", tmp_path / "run"

    def mien(*arguments: object) -> str:
        result = cli(*arguments)
        assert result.code == 0, result.err
        return result.out

    mien("ingest", clip, "--store", store, "--size", 48, "--min-face", 60)
    corpus = write_corpus(tmp_path / "corpus", splits=False)
    mien("import", "folder", corpus, "--store", store, "--labels", "drawn")
    counts = json.loads(mien("stats", store, "--json"))
    assert counts["all"]["faces"] == 240
    mien("split", store, "--ratios", "0.6,0.2,0.2", "--seed", 1)
    mien("split", store, "--check")
    quick = ("steps=6", "batch_size=16", "method.update_rate=1", "checkpoint_every=3")
    settings = [word for s in quick for word in ("--set", s)]
    settings += ["--set", "heads.au=true", "--set", "heads.expression=true"]
    mien("train", "config1-32", "--store", store, "--run", run, *settings)
    scores = json.loads(mien("evaluate", run, "--split", "test", "--json"))
    assert set(scores["last"]["au"]["outputs"]) == {"AU12", "AU15", "AU25"}
    assert scores["last"]["valence_arousal"]["outputs"]["valence"]["labelled"] > 0
    mien("sample", run, "--count", 16, "--out", tmp_path / "grid.png")
    out, overlay = tmp_path / "out.csv", tmp_path / "out.mp4"
    mien("analyze", clip, "--model", run, "--out", out, "--overlay", overlay)
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(list(decode(overlay))) == 120
    assert {row["expression"] for row in rows} <= {"neutral", "happiness", "sadness"}
