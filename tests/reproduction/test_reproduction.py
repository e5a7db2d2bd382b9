import csv
import json
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from conftest import draw_face
from mien.errors import InputError
from mien.report.table_report import Cell
from mien.reproduction.asked import AskedRun
from mien.reproduction.claims import FAILED, HELD, UNCLEAR, check_claims
from mien.reproduction.figures import Reached, courses_of, figures_of
from mien.reproduction.published import figure, published
from mien.reproduction.tables import TABLES, Table, TableRun
from mien.store import Store
from mien.training.recipe import load_recipe
from mien.workflows import table_runs
from mien.workflows.reproduce import _mark_best, _title
from mien.workflows.table_runs import (
    CHECKPOINTS,
    DIVERGED,
    Plan,
    run_folder,
    run_table,
    settings_of,
    train_and_sweep,
    train_until,
)
from mien.workflows.table_timing import steps_for

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
TEXTS = {
    "au-va-thesis": "000*",
    "benroumpi-2018": "001*",
    "bartissol-2017": "002*",
    "kollias-2018": "003*",
}
"""How the files with the documents' texts begin, by key."""
UNPRINTED = ("total accuracy as defined", "AUC of probabilities")
"""Columns that bartissol-2017's own definitions ask for beside what it prints."""


def asked(recipe: str, *settings: str, pictures: str = "") -> AskedRun:
    return AskedRun(recipe, settings, pictures, seed=0, steps=20)


def test_every_asked_table_is_there_and_its_cells_are_printed_ones():
    asked = [f"au-va-thesis/table-3.{n}" for n in (15, 16, *range(19, 27))]
    asked += [f"benroumpi-2018/table-6.{n}" for n in range(1, 8)]
    asked += [
        *(f"kollias-2018/table-{n}" for n in ("IX", "X", "XI")),
        *(f"bartissol-2017/table-{n}" for n in (3, 4, 5, 6)),
        "bartissol-2017/equations-22-25",
        *(f"benroumpi-2018/figure-2.{n}" for n in (24, 25, 26, 27)),
        "kolbenschlag-2020/stage-1",
        "kolbenschlag-2020/stage-2",
        "kolbenschlag-2020/stage-3",
    ]
    assert set(asked) == set(TABLES)
    for table in TABLES.values():
        if table.name.startswith("kolbenschlag-2020"):
            continue  # the talk prints no figures
        for run in table.rows:
            for label, _ in table.columns:
                if label in UNPRINTED:
                    continue
                assert figure(table.name, run.row, label) is not None, (table.name, run.row, label)


def test_every_row_is_a_recipe_with_settings_that_it_takes():
    for table in TABLES.values():
        for run in table.rows:
            recipe = load_recipe(run.recipe, run.settings)
            if "lr 1e-5" in run.row:
                assert recipe.method.generator.learning_rate == 1e-5
                assert recipe.method.discriminator.learning_rate == 5e-6
            if "ur 7" in run.row:
                assert recipe.method.update_rate == 7
            if "weighted" in run.row:
                assert recipe.weights == {"valence_arousal": 0.27, "au": 0.40}
                assert recipe.method.fake_weight == 0.33


@pytest.mark.skipif(not SEEDS.exists(), reason="the documents are not beside this checkout")
def test_every_figure_stands_near_its_table_in_the_documents():
    """The text came from PDFs, tables garbled: near is within 4,000 characters of the caption."""
    checked = 0
    for name, figures in published().items():
        document, number = name.split("/")
        if document == "kolbenschlag-2020":
            continue  # the talk shows pictures and prints no scores
        text = next(SEEDS.glob(TEXTS[document])).read_text("utf-8")
        captions = re.finditer(_caption(number), text)
        near = "\n".join(text[max(c.start() - 4000, 0) : c.end() + 4000] for c in captions)
        for printed in figures:
            if printed.value is None:
                continue
            found = any(re.search(shape, near) for shape in _shapes(printed.value))
            assert found, (name, printed)
            if printed.iteration:
                assert str(printed.iteration // 1000) in near
            checked += 1
    assert checked > 400


def _caption(name: str) -> str:
    """What stands by a table, as a pattern."""
    kind, _, number = name.partition("-")
    if kind == "equations":
        return rf"\({number.partition('-')[0]}\)"
    return rf"(?i){kind}\s+{re.escape(number)}\b"


def _shapes(value: float) -> list[str]:
    """Ways to print a number, with point or comma, as patterns that match it alone."""
    shapes = {f"{value:.3f}", f"{value:.2f}", f"{value:g}", f"{value:.6f}", repr(value)}
    shapes.add(f"{value:,.0f}") if value >= 1000 else None
    shapes |= {shape.lstrip("0") for shape in shapes}
    shapes |= {shape.replace(".", ",") for shape in shapes}
    return [rf"(?<![\d.,]){re.escape(shape)}(?!\d)" for shape in shapes if shape]


def test_the_figures_that_everybody_quotes():
    assert (
        figure("au-va-thesis/table-3.15", "lr 1e-5, ur 7", "F1 score, average on all AUs").value
        == 0.799
    )
    nine = figure("kollias-2018/table-IX", "VA + AU / MSE + cross entropy", "F1 Score: weighted")
    assert nine.value == 0.332
    assert figure("benroumpi-2018/table-6.7", "Big dataset", "Max CCC").value == 0.6


def made_run(folder: Path, **best: float) -> Path:
    folder.mkdir(parents=True)
    steps = [
        {
            "step": step, "CCC valence": v, "CCC arousal": a, "real called real": 0.9,
            "fake called fake": 0.8,
        }
        for step, v, a in ((10, 0.1, 0.3), (20, 0.5, 0.3))
    ]  # fmt: skip
    sweep = {
        "split": "val",
        "shown": {"AU01": 0.3},
        "last fakes with a face": 0.25,
        "checkpoints": steps,
        "best": {name: {"value": value, "step": 20} for name, value in best.items()},
    }
    (folder / "sweep.json").write_text(json.dumps(sweep))
    lines = [
        {"step": 10, "generator/loss": 2.0, "discriminator/real/valence_arousal": 0.6},
        {"step": 20, "generator/loss": 4.0, "monitor/diversity": 0.7, "monitor/duplicates": 0.1},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_figures_of_a_run_by_hand(tmp_path):
    found = figures_of(made_run(tmp_path / "run", **{"mean F1": 0.4}))
    assert found["mean F1"] == Reached(0.4, 20)
    assert found["generator loss, minimum"].value == 2
    assert found["generator loss, mean"].value == 3
    assert found["generator loss, std deviation"].value == 1
    assert found["max CCC"] == Reached(pytest.approx(0.4), 20)
    assert found["mean CCC"].value == pytest.approx(0.3)
    assert found["testing 1-CCC, minimum"].value == pytest.approx(0.6)
    assert found["diversity"] == Reached(0.7, 20)
    assert found["accuracy real/fake of fake"].value == 0.8
    assert found["fakes with a face"] == Reached(0.25, 20)
    assert found["shown AU 1"].value == 0.3


def test_courses_of_a_run_by_hand(tmp_path):
    run = made_run(tmp_path / "run")
    with (run / "metrics.jsonl").open("a") as log:
        log.write('{"step": 30, "gener')  # torn by a kill
    asked = ("generator loss", "CCC valence", "testing 1-CCC", "diversity")
    found = courses_of(run, asked)
    assert found["generator loss"] == [(10, 2.0), (20, 4.0)]
    assert found["CCC valence"] == [(10, 0.1), (20, 0.5)]
    assert found["testing 1-CCC"] == [(10, pytest.approx(0.8)), (20, pytest.approx(0.6))]
    assert "diversity" not in found  # one point is no course
    (run / "sweep.json").write_text("{")
    assert courses_of(run, asked).keys() == {"generator loss"}
    assert "mean F1" not in figures_of(run)


def test_claims_hold_fail_or_cannot_be_told():
    def runs(alone: float, joint: float) -> dict[AskedRun, dict[str, Reached]]:
        return {
            asked("config1-32-au"): {"weighted F1": Reached(alone, 20)},
            asked("config1-32"): {"weighted F1": Reached(joint, 20)},
        }

    def verdict(alone: float, joint: float) -> str:
        found = check_claims(runs(alone, joint))
        return next(v.verdict for v in found if v.claim.startswith("Units: the single"))

    assert verdict(0.5, 0.4) == HELD
    assert verdict(0.4, 0.5) == FAILED
    assert verdict(0.45, 0.44) == UNCLEAR
    assert verdict(0.45, math.nan) == UNCLEAR


def verdicts(runs: dict[AskedRun, dict[str, float]]) -> dict[str, str]:
    reached = {
        name: {metric: Reached(value, 20) for metric, value in run.items()}
        for name, run in runs.items()
    }
    return {v.claim.split(" (")[0]: v.verdict for v in check_claims(reached)}


def test_noise_is_not_taken_for_good_images_nor_for_variety():
    """Noise lies far apart and is no face; a handful of modes can lie far apart too."""
    noise = {"diversity": 1.4, "fakes with a face": 0.0, "duplicates": 0.0}
    modes = {"diversity": 1.38, "duplicates": 0.98}
    faces = {"diversity": 0.9, "fakes with a face": 0.6, "duplicates": 0.05}
    slow = ("categorical-28-au", "method.generator.learning_rate=1e-5")
    fast = asked(*slow, "method.update_rate=7")
    found = verdicts({fast: noise, asked(*slow, "method.update_rate=2"): faces})
    assert found["A higher update rate makes worse images"] == HELD
    found = verdicts({asked("acwgan"): faces, asked("cgan"): modes})
    collapse = "The Wasserstein critic with classes collapses less than the conditional GAN"
    assert found[collapse] == HELD
    assert verdicts({asked("acwgan"): modes, asked("cgan"): faces})[collapse] == FAILED
    landscapes = {"duplicates": 0.0}  # of other pictures: no judge of faces
    drawn = asked("cgan", pictures="landscapes")
    found = verdicts({asked("acwgan"): faces, asked("cgan"): modes, drawn: landscapes})
    assert found[collapse] == HELD


def test_rare_units_are_held_against_how_rare_they_are_here():
    f1 = {1: 0.4, 2: 0.5, 4: 0.6, 6: 0.7, 12: 0.8, 15: 0.1, 20: 0.2, 25: 0.9}
    rare_worst = {f"F1 AU {au}": value for au, value in f1.items()}
    shown = {f"shown AU {au}": value / 2 for au, value in f1.items()}
    runs = {asked("x"): {k: Reached(v) for k, v in {**rare_worst, **shown}.items()}}
    found = next(v for v in check_claims(runs) if v.claim.startswith("AU 15"))
    assert found.verdict == HELD
    assert "rarest here are 15 and 20" in found.figures
    assert "rank correlation 1.00" in found.figures


def test_where_others_are_rarest_they_have_to_be_worst():
    f1 = {1: 0.4, 2: 0.5, 4: 0.6, 6: 0.7, 12: 0.8, 15: 0.1, 20: 0.2, 25: 0.9}
    shown = {f"shown AU {au}": 0.01 if au in (4, 6) else 0.5 for au in f1}
    known = {**{f"F1 AU {au}": value for au, value in f1.items()}, **shown}
    runs = {asked("x"): {k: Reached(v) for k, v in known.items()}}
    found = next(v for v in check_claims(runs) if v.claim.startswith("AU 15"))
    assert found.verdict == FAILED


def test_the_best_of_a_column_is_marked_unless_all_are_alike():
    def row(*values: float) -> list[Cell]:
        return [Cell(value, 1, None, None, False, False, "") for value in values]

    rows = [("a", row(0.2, 0.5, 0.0, 1.4)), ("b", row(0.4, 0.1, 0.0, 0.9))]
    marked = _mark_best(rows, ["mean F1", "duplicates", "fakes with a face", "diversity"])
    assert [[cell.best for cell in cells] for _, cells in marked] == [
        [False, False, False, False],
        [True, True, False, True],
    ]


def test_a_score_that_never_changes_was_best_at_no_step():
    early, flat = Reached(0.5, 2), Reached(0.0, 2, flat=True)
    runs = {asked("x"): {"mean F1": flat, "CCC valence": early}}
    found = next(v for v in check_claims(runs) if v.claim.startswith("Late"))
    assert found.figures == "0% of 1 best scores lie in the last fifth"


@pytest.mark.skipif(not SEEDS.exists(), reason="the documents are not beside this checkout")
@pytest.mark.parametrize("number", [15, 16, *range(19, 27)])
def test_the_tables_of_au_va_thesis_are_cell_by_cell_in_the_order_of_print(number):
    """Score and iteration of every cell, between the captions before it and its own."""
    text = next(SEEDS.glob(TEXTS["au-va-thesis"])).read_text("utf-8")
    ends = [(m.group(1), m.start()) for m in re.finditer(r"(?m)^Table (3\.\d+):", text)]
    at = [name for name, _ in ends].index(f"3.{number}")
    part = text[ends[at - 1][1] : ends[at][1]]
    pairs = re.findall(r"(?<![\d.])(0\.\d{3})\s*\((\d+)\)?", part)
    ours = [
        (f"{f.value:.3f}", str(f.iteration // 1000))
        for f in published()[f"au-va-thesis/table-3.{number}"]
    ]
    assert len(ours) >= 20
    assert pairs[-len(ours) :] == ours


def test_tables_with_the_same_runs_share_them(tmp_path):
    plans = [
        Plan(TABLES[name], tmp_path, tmp_path, "test", 10, 0, 1)
        for name in ("au-va-thesis/table-3.15", "au-va-thesis/table-3.16")
    ]
    first, second = ([run_folder(p, run, 10) for run in p.table.rows] for p in plans)
    assert first == second
    assert len(set(first)) == 6


def test_a_table_is_run_and_set_beside_the_printed_one(faces, tmp_path, cli):
    out = tmp_path / "tables"
    words = ["--store", faces, "--out", out, "--split", "val", "--steps", 4, "--workers", 2]
    done = cli("reproduce", "kollias-2018/table-IX", *words, "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["rows"]
    assert rows["only VA / MSE"]["CCC-V"]["printed"] == 0.484
    assert math.isfinite(rows["VA + AU / MSE + cross entropy"]["F1 Score: macro"]["value"])
    page = (out / "kollias-2018-table-IX" / "index.html").read_text("utf-8")
    assert "4 steps" in page
    assert page.count("<figcaption>step ") == 3 * 5  # first, middle and last samples of five runs
    assert "Over the checkpoints" in page
    linked = re.findall(r'href="(../runs/[^"]+)"', page)
    assert len(linked) == 5
    assert all((out / "kollias-2018-table-IX" / unquote(link)).exists() for link in linked)
    assert "**" in (out / "kollias-2018-table-IX" / "table.md").read_text("utf-8")
    before = sorted(p.stat().st_mtime_ns for p in (out / "runs").rglob("sweep.json"))
    assert cli("reproduce", "kollias-2018/table-IX", *words).code == 0
    assert sorted(p.stat().st_mtime_ns for p in (out / "runs").rglob("sweep.json")) == before
    damaged = next((out / "runs").rglob("sweep.json"))
    damaged.write_text("{")
    assert cli("reproduce", "kollias-2018/table-IX", *words).code == 0
    assert json.loads(damaged.read_text())["split"] == "val"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["au-va-thesis/table-3.14"], "did you mean 'au-va-thesis/table-3."),
        (["kollias-2018/table-IX"], "--store and --out are needed"),
        (
            ["kollias-2018/table-IX", "--store", "S", "--out", "O", "--budget", "soon"],
            "as 90s, 20m or 2h",
        ),
        (
            ["kollias-2018/table-IX", "--store", "S", "--out", "O", "--steps", "0"],
            "give at least 1",
        ),
    ],
)
def test_bad_calls_are_one_line(words, said, cli):
    done = cli("reproduce", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_toys_are_a_corpus(tmp_path, cli):
    out = tmp_path / "land"
    assert cli("toys", "landscapes", "--out", out, "--count", 20).code == 0
    text = (out / "labels.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert {row["class"] for row in rows} == {"cloudy", "rain", "shine", "sunrise"}
    assert cli("import", "folder", out, "--store", tmp_path / "store", "--size", 32).code == 0
    assert cli("toys", "digits", "--out", out).code == 2


@pytest.mark.parametrize(("kind", "classes"), [("digits", 10), ("landscapes", 4)])
def test_toys_have_every_class_in_either_split(tmp_path, cli, kind, classes):
    assert cli("toys", kind, "--out", tmp_path / "toys", "--count", 200).code == 0
    text = (tmp_path / "toys" / "labels.csv").read_text(encoding="utf-8")
    seen = Counter((row["split"], row["class"]) for row in csv.DictReader(text.splitlines()))
    assert len(seen) == 2 * classes
    assert {n for (split, _), n in seen.items() if split == "val"} == {40 // classes}


def test_the_softmax_gan_learns_any_classes(tmp_path, cli):
    """au-va-thesis, section 3.2.2: ten digits and fake in one softmax."""
    digits, store, run = tmp_path / "digits", tmp_path / "store", tmp_path / "run"
    assert cli("toys", "digits", "--out", digits, "--count", 100).code == 0
    assert cli("import", "folder", digits, "--store", store, "--size", 28).code == 0
    words = ["batch_size=8", "steps=3", "checkpoint_every=3"]
    settings = [word for setting in words for word in ("--set", setting)]
    trained = cli("train", "categorical-28-softmax", "--store", store, "--run", run, *settings)
    assert trained.code == 0
    done = cli("evaluate", run, "--store", store, "--split", "val", "--json")
    assert len(json.loads(done.out)["last"]["expression"]["confusion"]) == 10
    wrong = cli(
        "train",
        "gan",
        "--store",
        store,
        "--run",
        tmp_path / "r",
        "--set",
        "heads.expression=['11']",
    )
    assert wrong.code == 2
    assert "unknown expression '11'" in wrong.err


def test_a_row_that_diverges_is_scored_up_to_there_and_one_that_fails_stops_no_other(
    faces, tmp_path
):
    small = ("batch_size=8", "method.update_rate=1")
    rows = (
        TableRun("fails", "config1-32-au", (*small, "image_size=31")),
        TableRun("diverges", "config1-32-au", (*small, "method.discriminator.learning_rate=1e25")),
        TableRun("fine", "config1-32-au", small),
    )
    table = Table("test", "test", rows, (("F1", "mean F1"),), 0)
    plan = Plan(table, faces, tmp_path, "test", 4, 0, 2)
    with pytest.raises(InputError, match="1 of 3 runs failed, the others are kept"):
        run_table(plan)
    found = {run.row: run_folder(plan, run, 4) for run in rows}
    assert "training diverged at step" in (found["diverges"] / DIVERGED).read_text()
    assert (found["diverges"] / "sweep.json").exists()
    assert (found["fine"] / "sweep.json").exists()
    assert not (found["fine"] / DIVERGED).exists()


def test_a_long_run_is_scored_in_rounds_and_keeps_few_checkpoints(faces, tmp_path, monkeypatch):
    rows = (TableRun("units", "config1-32-au", ("batch_size=8",)),)
    table = Table("test", "test", rows, (("F1", "mean F1"),), 0)
    whole, rounds = (Plan(table, faces, tmp_path / n, "val", 20, 0, 1) for n in ("whole", "rounds"))
    at_once, in_rounds = (run_folder(plan, rows[0], 20) for plan in (whole, rounds))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the last bits depend on the number of threads
    train_and_sweep(whole, rows[0], at_once, 20)
    monkeypatch.setattr(table_runs, "ROUND", 5)
    train_until(rounds, rows[0], in_rounds, 3, 20, 2)  # broken off between two checkpoints
    train_and_sweep(rounds, rows[0], in_rounds, 20)
    scores = json.loads((in_rounds / "sweep.json").read_text())["checkpoints"]
    assert [row["step"] for row in scores] == [2, 3, *range(4, 21, 2)]
    expected = json.loads((at_once / "sweep.json").read_text())["checkpoints"]
    assert [row for row in scores if row["step"] != 3] == expected
    assert len(list(in_rounds.glob("checkpoints/step-*"))) <= 5 + 1  # and the best
    with pytest.raises(InputError, match="holds scores of checkpoints that are gone"):
        train_and_sweep(replace(rounds, split="test"), rows[0], in_rounds, 20)


@pytest.mark.slow
def test_every_table_runs_and_fills_its_form(large_faces, tmp_path, cli):
    film = write_film(tmp_path / "film")
    for name, table in TABLES.items():
        follows = any(load_recipe(r.recipe).method.name == "sequence" for r in table.rows)
        store, out = (film, tmp_path / "seen") if follows else (large_faces, tmp_path)
        words = ["--store", store, "--out", out, "--split", "val", "--steps", 2]
        if table.small:
            words.append("--small")
        done = cli("reproduce", name, *words, "--json")
        assert done.code == 0, (name, done.err)
        rows = json.loads(done.out)["rows"]
        assert set(rows) == {run.row for run in table.rows}
        for row, cells in rows.items():  # units that the few faces do not show have no F1
            known = [column for column, cell in cells.items() if cell["value"] is not None]
            assert known, (name, row)
        assert (out / name.replace("/", "-") / "index.html").stat().st_size > 10_000


def write_film(folder: Path) -> Path:
    """Make a store of four people in videos of their own, labelled in every frame."""
    store = Store.open_or_create(folder, 48)
    for person, (frames, part) in enumerate(
        ((170, "train"), (170, "train"), (90, "val"), (90, "test"))
    ):
        smile = np.sin(np.arange(frames) / 4 + person)
        with store.new_shard() as shard:
            shard.append(np.stack([np.asarray(draw_face(s, 160 + 10 * person)) for s in smile]))
            store.commit(
                f"v{person}", corpus=f"v{person}", kind="test", crops=shard,
                faces={"video": ["v"] * frames, "track": [0] * frames, "frame": range(frames)},
                labels={f"v{person}": {
                    "valence": smile, "arousal": abs(smile), "AU12": (smile > 0).astype(int),
                    "expression": ["happiness" if s > 0 else "sadness" for s in smile],
                }},
                split=[part] * frames, summary={},
            )  # fmt: skip
    return folder


def test_small_machines_have_settings_of_their_own_and_the_title_says_so(tmp_path, cli):
    table = TABLES["kollias-2018/table-XI"]
    plans = [Plan(table, tmp_path, tmp_path, "val", 5, 0, 1, small) for small in (False, True)]
    large, small = (run_folder(plan, table.rows[0], 5) for plan in plans)
    assert large != small
    assert len(large.name) <= 160
    assert _title(plans[1], 5) == (
        "Loss functions and learning rates (5 steps; on the frozen body of mien-base)"
    )
    recipe = load_recipe(table.rows[0].recipe, settings_of(plans[1], table.rows[0]))
    assert (recipe.method.recogniser.body, recipe.method.body) == ("base-48", "frozen")
    found = cli(
        "reproduce", "kollias-2018/table-IX", "--store", tmp_path, "--out", tmp_path, "--small"
    )
    assert found.code == 2
    assert "has no settings for small machines" in found.err


def test_counts_are_of_the_last_checkpoint_and_add_up(tmp_path):
    sweep = {
        "split": "val", "shown": {}, "last fakes with a face": None,
        "best": {"true positives": {"value": 9, "step": 5}},
        "checkpoints": [
            {"step": 5, "true positives": 9, "real called real": None, "fake called fake": None,
             "CCC valence": None, "CCC arousal": None},
            {"step": 9, "true positives": 4, "real called real": None, "fake called fake": None,
             "CCC valence": None, "CCC arousal": None},
        ],
    }  # fmt: skip
    (tmp_path / "sweep.json").write_text(json.dumps(sweep))
    found = figures_of(tmp_path)
    assert found["true positives"] == Reached(9, 5)
    assert found["true positives, last"] == Reached(4, 9)
    assert TABLES["bartissol-2017/table-4"].last


def test_a_budget_counts_scoring_and_is_timed_once(faces, tmp_path):
    rows = (TableRun("grey", "vanilla-28", ("batch_size=8",)),)
    table = Table("test", "test", rows, (("F1", "mean F1"),), 0)
    plan = Plan(table, faces, tmp_path, "test", None, 0, 1)
    told: list[str] = []
    assert steps_for(plan, 0.1, warn=told.append) == CHECKPOINTS  # less than it takes to start
    assert "the budget is short: the least, 10 steps a run" in told[0]
    cost = json.loads(next(tmp_path.glob("timing/*/cost.json")).read_text("utf-8"))
    assert cost["fixed"] > 20 * cost["step"] > 0  # starts, ten checkpoints scored
    short, long = cost["fixed"] + 10, cost["fixed"] + 110
    more = steps_for(plan, long / 0.9) - steps_for(plan, short / 0.9)
    assert more == pytest.approx(100 / cost["step"], rel=0.02)  # what is left goes to steps
    printed = replace(plan, table=replace(table, steps=50))
    del told[:]
    assert steps_for(printed, 1e6, warn=told.append) == 50  # never more than the document's
    assert not told


def test_what_a_document_says_in_words_is_shown(faces, tmp_path, cli):
    words = ["--store", faces, "--out", tmp_path, "--split", "val", "--steps", 2, "--workers", 1]
    done = cli("reproduce", "kolbenschlag-2020/stage-1", *words)
    assert done.code == 0, done.err
    page = (tmp_path / "kolbenschlag-2020-stage-1" / "table.md").read_text("utf-8")
    assert "In print, gan: faces at 10, 50, 100 epochs" in page
