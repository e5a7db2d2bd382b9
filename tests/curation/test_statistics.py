"""Statistics, advice, data card and self-test of small stores whose figures are known by hand."""

import json

import numpy as np
import pytest

from mien.curation.agreement import kappa
from mien.curation.chosen import (
    challenging,
    frames_of,
    may_be_shown,
    of_every_person,
    tracks_to_show,
)
from mien.curation.collection import Collection
from mien.curation.document_tables import batches, stages, subjects, units_by_batch, units_by_part
from mien.curation.plane import affect_of, co_occurrence, density, unit_line
from mien.curation.wanted import empty_regions, scarce
from mien.errors import InputError
from mien.store import Store
from pages import until

EACH = 10


@pytest.fixture
def store(tmp_path) -> Store:
    """Four videos of ten frames, a person each; the second one shows two people at once.

    AU12 is shown by everybody in frames 0 to 4, AU15 by the last person in frame 0 alone.
    """
    made = Store.open_or_create(tmp_path / "store", 16)
    random = np.random.default_rng(0)
    for number, people in enumerate((["a"], ["b", "c"], ["d"], ["e"])):
        n = EACH * len(people)
        frame = np.tile(np.arange(EACH, dtype=np.int32), len(people))
        valence = np.linspace(-0.8, 0.8, n).astype(np.float32)
        with made.new_shard() as crops:
            crops.append(random.integers(0, 256, (n, 16, 16, 3), np.uint8))
            made.commit(
                f"c/v{number}",
                corpus="first" if number < 2 else "second",
                kind="made",
                crops=crops,
                faces={
                    "video": [f"v{number}.mp4"] * n,
                    "frame": frame,
                    "time_s": frame / 30,
                    "track": np.repeat(np.arange(len(people), dtype=np.int32), EACH),
                    "subject": np.repeat(people, EACH).tolist(),
                    "quality": np.linspace(0.2, 0.9, n).astype(np.float32),
                },
                labels={
                    "l": {
                        "valence": valence,
                        "arousal": np.abs(valence),
                        "AU12": (frame < 5).astype(np.int8),
                        "AU15": ((frame == 0) & (number == 3)).astype(np.int8),
                        "expression": ["happiness"] * n,
                    }
                },
                split=["train" if number < 3 else "test"] * n,
            )
    lines = ["first/a,m,yes", "first/b,female,yes", "first/c,F,no", "second/d,,yes"]
    (made.folder / "subjects.csv").write_text("id,sex,publication\n" + "\n".join(lines) + "\n")
    return Store.open(made.folder)


@pytest.fixture
def of(store) -> Collection:
    return Collection.of(store)


def by_name(table) -> dict:
    return {row[0]: list(row[1:]) for row in table.rows}


def test_batches_and_total_as_the_thesis_counts(of):
    table = batches(of)
    assert table.columns == ["", "first", "second", "total"]
    found = by_name(table)
    assert found["videos"] == [2, 2, 4]
    assert found["frames with a face"] == [20, 20, 40]
    assert found["faces"] == [30, 20, 50]
    assert found["faces that show at least one unit"] == [15, 10, 25]
    assert found["% of faces"] == [50.0, 50.0, 50.0]
    assert found["units annotated"] == [15, 11, 26]
    units = by_name(units_by_batch(of))
    assert units["AU12 lip corner puller"] == [15, 10, 25, 100.0, 1000 / 11, 2500 / 26]
    assert units["AU15 lip corner depressor"][:3] == [0, 1, 1]


def test_parts_with_their_gap_and_people_by_sex(of):
    units = by_name(units_by_part(of))
    assert units["AU15 lip corner depressor"][:3] == [0, 1, 1]
    assert units["AU12 lip corner puller"][-1] == pytest.approx(100 - 500 / 6)
    assert by_name(subjects(of)) == {
        "train": [1, 2, 1, 4],
        "test": [0, 0, 1, 1],
        "total": [1, 2, 2, 5],
    }
    assert by_name(stages(of))["in the split"] == [4, 40, 1, 2, 5]


def test_batches_of_ones_own(store, tmp_path):
    path = tmp_path / "batches.csv"
    path.write_text("video,batch\nv0,one\nv1.mp4,two\nsecond/v2.mp4,two\n")
    found = by_name(batches(Collection.of(store, batches=path)))
    assert found["faces"] == [10, 30, 50]
    path.write_text("video,batch\nv9,one\n")
    with pytest.raises(InputError, match=r"line 2: .* has no video 'v9'"):
        Collection.of(store, batches=path)


def test_the_line_of_a_unit_is_fitted():
    x = np.linspace(-1, 1, 201)
    exact = unit_line("AU12", np.stack([x, np.abs(x)], 1).astype(np.float32))
    assert exact.slope == pytest.approx(1, abs=1e-5)
    assert exact.offset == pytest.approx(0, abs=1e-5)
    assert exact.correlation == pytest.approx(1, abs=1e-5)
    assert exact.distance == pytest.approx(0, abs=1e-6)
    half = unit_line("AU12", np.stack([x, 0.5 * np.abs(x) + 0.2], 1).astype(np.float32))
    assert (half.slope, half.offset) == (pytest.approx(0.5, abs=1e-5), pytest.approx(0.2, abs=1e-5))
    few = unit_line("AU12", np.array([[0.5, 0.5]], np.float32))
    assert few.faces == 1
    assert np.isnan(few.slope)


def test_density_and_units_together():
    affect = np.array([[-1, -1], [1, 1], [0.01, 0.99], [np.nan, 0]], np.float32)
    found = density(affect, 8)
    assert found.sum() == 3
    assert (found[0, 0], found[7, 7], found[7, 4]) == (1, 1, 1)
    shown = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0]], bool)
    assert co_occurrence(shown).tolist() == [[3, 2, 0], [2, 2, 0], [0, 0, 0]]


def test_what_to_collect_next(of):
    first, second = scarce(of)["au"]
    assert (first.name, first.faces, first.people, first.missing) == ("AU15", 1, 1, 12)
    assert first.videos == ("second/v3.mp4",)
    assert first.why == "2.0% of labelled faces, 1 person"
    assert second.why == ""
    counts, regions = empty_regions(of)
    assert counts.sum() == 50
    assert all(not r.faces for r in regions)
    middle = [(sum(r.valence) / 2, sum(r.arousal) / 2) for r in regions]
    assert {(v, a) for v, a in middle if a < 0} == {
        (v, a)
        for v in np.arange(-0.875, 1, 0.25)
        for a in np.arange(-0.875, 0, 0.25)
        if np.hypot(v, a) <= 1
    }


def test_faces_that_stand_for_others(of):
    allowed = may_be_shown(of)
    assert (~allowed).sum() == EACH  # c said no
    train = of_every_person(of, of.parts["train"], allowed)
    people = [of.people.names[of.people.codes[row]] for row in train]
    assert people == ["first/a", "first/b", "second/d"]
    quality = of.store.column("quality")
    assert quality[train[0]] == pytest.approx(0.9)
    hard = challenging(of, allowed, 3)
    assert [quality[c.row] for c in hard] == [pytest.approx(0.2)] * 3
    assert len({of.people.codes[c.row] for c in hard}) == 3
    shown = tracks_to_show(of, allowed, 3)
    assert len(shown) == 3
    assert all(allowed[rows].all() for rows in shown)
    frames = frames_of(of, shown[0])
    assert len(frames) == 6
    spread = affect_of(of)[frames, 0]
    assert np.ptp(spread) == np.ptp(affect_of(of)[shown[0], 0])


def test_the_page_in_a_browser(store, tmp_path, cli, chromium):
    pytest.importorskip("plotly")
    page = tmp_path / "page.html"
    found = cli("stats", store.folder, "--html", page, "--videos", 2)
    assert found.code == 0, found.err
    text = page.read_text()
    assert "10 faces are counted and not shown" in text
    assert "first/c" not in text
    errors: list[str] = []
    asked: list[str] = []
    for scheme, width in (("light", 1200), ("dark", 380)):
        tab = chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url.partition(":")[0]))
        tab.goto(page.as_uri(), wait_until="domcontentloaded", timeout=120_000)
        drawn = "places.every(place => place.querySelector('svg'))"
        until(tab, f"typeof places !== 'undefined' && {drawn}", 120)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert sorted(tab.evaluate("places.map(place => place.id)")) == sorted(
            tab.evaluate("Object.keys(charts)")
        )
        assert tab.locator(".video").count() == 2
        colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 24, 27)")
        tab.close()
    assert errors == []
    assert set(asked) <= {"file", "data", "blob"}


def test_a_store_without_labels_has_a_page_too(tmp_path, cli):
    pytest.importorskip("plotly")
    store = Store.open_or_create(tmp_path / "s", 8)
    with store.new_shard() as crops:
        crops.append(np.zeros((2, 8, 8, 3), np.uint8))
        store.commit("x", corpus="x", kind="made", crops=crops, faces={"image": ["<b>.png", "b"]})
    found = cli("stats", store.folder, "--html", tmp_path / "page.html", "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out)["page"].endswith("page.html")
    assert "2 faces of 0 people" in (tmp_path / "page.html").read_text()
    assert cli("card", store.folder, "--out", tmp_path / "CARD.md").code == 0


def test_wrong_questions_are_one_line(store, tmp_path, cli):
    for arguments, said in (
        (("stats", store.folder, "--html", tmp_path / "no" / "p.html"), "is no file"),
        (("stats", store.folder, "--batches", tmp_path / "b.csv"), "name it with --html"),
        (("stats", store.folder, "--html", tmp_path / "p.html", "--split", "x"), "no split 'x'"),
        (("card", store.folder, "--out", tmp_path), "is no file"),
    ):
        found = cli(*arguments)
        assert found.code == 2
        assert said in found.err
        assert len(found.err.strip().splitlines()) == 1


def test_a_card_is_filled_and_filled_anew_around_peoples_words(store, tmp_path, cli):
    card = tmp_path / "CARD.md"
    assert cli("card", store.folder, "--out", card).code == 0
    text = card.read_text()
    for said in (
        "| train | 40 | 4 | 3 |",
        "| publication | 3 | 1 | 1 |",
        "| l | au | 50 | AU12 AU15 |",
        "- first: terms are not known to mien",
        "No person and no video is in two parts.",
    ):
        assert said in text, said
    words = "We paid every rater 15 pounds an hour.\n"
    card.write_text(text.replace("## Consent\n", f"## Consent\n\n{words}"))
    store.label("other", store.column("face_id"), {"AU12": np.ones(50, np.int8)})
    assert cli("card", store.folder, "--out", card).code == 0
    renewed = card.read_text()
    assert words in renewed
    assert "| other | au | 50 | AU12 |" in renewed
    assert "| l and other | Action Units, present or absent | 50 | kappa | 0.00 |" in renewed
    changed = renewed.replace("| train | 40 |", "| train | 41 |")
    card.write_text(changed)
    found = cli("card", store.folder, "--out", card)
    assert found.code == 2
    assert "the block 'splits' was changed by hand" in found.err
    assert card.read_text() == changed
    card.write_text("# My own card\n")
    assert "holds no block" in cli("card", store.folder, "--out", card).err
    card.write_text(text.replace("<!-- /mien:splits -->", ""))
    assert "broken" in cli("card", store.folder, "--out", card).err


def test_kappa_by_hand():
    """Cohen 1960: 20 yes-yes, 15 no-no, 5 and 10 apart: (0.7 - 0.5) / 0.5."""
    one = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    other = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    assert kappa(one, other) == pytest.approx(0.4)
    assert np.isnan(kappa(np.ones(5), np.ones(5)))


def test_a_sound_store_is_learned_by_heart_and_a_torn_one_is_not(faces, tmp_path, cli):
    pytest.importorskip("torch")
    found = cli("selftest", faces, "--faces", 16, "--json")
    told = json.loads(found.out)
    assert found.code == 0, told
    assert told["learned"]
    assert told["steps"] >= 20
    torn = Store.open_or_create(tmp_path / "torn", 32)
    with torn.new_shard() as crops:
        crops.append(np.full((16, 32, 32, 3), 90, np.uint8))  # one picture, two expressions
        torn.commit(
            "x",
            corpus="x",
            kind="made",
            crops=crops,
            faces={"image": [f"{i}.png" for i in range(16)]},
            labels={"x": {"expression": ["happiness", "sadness"] * 8}},
        )
    found = cli("selftest", torn.folder, "--steps", 60, "--json")
    told = json.loads(found.out)
    assert found.code == 1
    assert told["scores"] == {"expression": 0.5}
    assert (told["steps"], told["steps_made"]) == (None, 60)
    assert len(told["stuck"]) == 8
    assert cli("selftest", tmp_path / "none").code == 2
