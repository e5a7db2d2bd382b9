"""`mien search`: grids, draws, going on, and what is refused."""

import json

import optuna
import pytest
from PIL import Image

from mien.workflows.search_study import Range, parse_range, parse_values

FAST = [
    word
    for setting in (
        "method.last_blocks=1", "augmentation={}", "average=0.0", "steps=4", "log_every=1",
        "checkpoint_every=2", "warmup=0", "schedule=constant",
    )
    for word in ("--set", setting)
]  # fmt: skip


def trials(result) -> dict[tuple[str, ...], dict]:
    assert result.code == 0, result.err
    rows = json.loads(result.out)["trials"]
    return {tuple(row["settings"].values()): row for row in rows}


def test_a_grid_is_trained_once_grows_and_goes_on_when_it_was_killed(cli, faces, tmp_path):
    out = tmp_path / "search"

    def search(*more):
        return trials(cli("search", "fine-tune", "--store", faces, "--out", out, *FAST, *more,
                          "--by", "CCC valence", "--json"))  # fmt: skip

    first = search("--grid", "batch_size=8,16")
    assert set(first) == {("8",), ("16",)}
    best = max(first.values(), key=lambda row: row["value"])
    assert [row["best"] for row in first.values()] == [row is best for row in first.values()]
    assert best["training loss"] > 0
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/run.json")}
    # one that was killed in the middle: its run lies there, its trial never ended
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{out}/search.db")
    study.enqueue_trial({}, user_attrs={"settings": {"batch_size": "12"}})
    study.ask()
    again = search("--grid", "batch_size=8,16,12")
    assert set(again) == {("8",), ("16",), ("12",)}
    assert {key: again[key]["value"] for key in first} == {
        key: row["value"] for key, row in first.items()
    }
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "3 settings, by CCC valence" in page
    assert "training loss" in page
    with Image.open(out / "curves.png") as picture:
        assert len(picture.getcolors(1 << 20)) > 3  # white, ink, grey, and a line for each setting
    assert len((out / "trials.csv").read_text().splitlines()) == 4


def test_draws_keep_to_their_ranges_and_one_that_diverges_is_said(cli, faces, tmp_path):
    words = [*FAST, "--by", "training loss", "--json", "--trials", "3", "--grid", "optimiser=sgd"]
    rate = "method.recogniser.learning_rate"
    found = trials(
        cli(
            "search",
            "fine-tune",
            "--store",
            faces,
            "--out",
            tmp_path / "draws",
            *words,
            "--range",
            f"{rate}=1e-4:1e-2:log",
            "--range",
            "batch_size=8:16",
        )
    )
    assert len(found) == 3
    for row in found.values():
        assert row["settings"]["optimiser"] == "sgd"
        assert 1e-4 <= float(row["settings"][rate]) <= 1e-2
        assert row["settings"]["batch_size"].isdigit()
        assert 8 <= int(row["settings"]["batch_size"]) <= 16
    lowest = min(found.values(), key=lambda row: row["value"])
    assert lowest["best"]
    result = cli("search", "fine-tune", "--store", faces, "--out", tmp_path / "far", *FAST,
                 "--grid", f"{rate}=1e30", "--json")  # fmt: skip
    (row,) = trials(result).values()
    assert row["value"] is None
    assert "diverged" in row["diverged"]
    assert not row["best"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name what to try"),
        (["--grid", "batch_size"], "give KEY=VALUE,VALUE"),
        (["--grid", "batchsize=8,16"], "did you mean 'batch_size'"),
        (["--grid", "batch_size=8,1"], "batch_size: Input should be greater"),
        (["--grid", "batch_size=8,8"], "names a value twice"),
        (["--grid", "seed=1,2", "--range", "batch_size=8:16"], "--range needs --trials"),
        (["--range", "batch_size=16:8", "--trials", "2"], "give KEY=LOW:HIGH"),
        (["--grid", "seed=1,2", "--by", "CCC valance"], "did you mean 'CCC valence'"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_nothing_is_made(cli, faces, tmp_path, words, said):
    out = tmp_path / "out"
    found = cli("search", "fine-tune", "--store", faces, "--out", out, *words)
    assert found.code == 2
    assert said in found.err
    assert not out.exists()


def test_another_search_or_a_broken_file_is_not_written_over(cli, faces, tmp_path):
    words = ["--store", faces, *FAST, "--grid", "batch_size=8"]
    assert cli("search", "fine-tune", "--out", tmp_path / "a", *words).code == 0
    found = cli("search", "fine-tune", "--out", tmp_path / "a", *words, "--by", "mean F1")
    assert found.code == 2
    assert "holds a search with another by (headline)" in found.err
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "search.db").write_bytes(b"no database at all, but long enough" * 40)
    found = cli("search", "fine-tune", "--out", tmp_path / "b", *words)
    assert found.code == 2
    assert "is no search" in found.err


def test_values_and_ranges_are_read_as_written():
    assert parse_values("batch_size=32, 64") == ("batch_size", ["32", "64"])
    assert parse_values("a.b=1e-3,x") == ("a.b", ["1e-3", "x"])
    assert parse_range("rate=1e-4:0.1:log") == ("rate", Range(1e-4, 0.1, True))
    assert parse_range("batch_size=8:64")[1].whole
