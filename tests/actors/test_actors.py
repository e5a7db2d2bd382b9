import itertools
import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy import ndimage

from mien.actors import mesh, raster, skin
from mien.actors.action_units import SIDES, UNITS, FaceAction, shift_share
from mien.actors.behaviour import (
    ONE_SIDED,
    PROTOTYPES,
    SIGNALS,
    affect_of,
    envelope,
    perform,
)
from mien.actors.film import plan_videos
from mien.actors.identity import sample_identity
from mien.actors.raters import joystick, ranges, sample_raters, write_ratings
from mien.actors.render import Actor, Light, Moment, View, rotation
from mien.actors.room import background
from mien.errors import InputError
from mien.faces.centerface import CenterFace
from mien.media.decode import decode
from mien.store import Store

FIFTEEN = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 45)


@pytest.fixture(scope="module")
def actor() -> Actor:
    return Actor(sample_identity(3))


def both(*units: tuple[int, float]) -> dict[tuple[int, str], float]:
    return {(unit, side): level for unit, level in units for side in SIDES}


def moved(action: FaceAction, units: dict) -> np.ndarray:
    return action.vertices(units) - action.vertices({})


def near(action: FaceAction, x: float, y: float) -> np.ndarray:
    """Vertices of the face close to a place, in front."""
    points = action.mesh.vertices[: action.mesh.head]
    close = np.hypot(points[:, 0] - x, points[:, 1] - y) < 0.5
    return np.flatnonzero(close & (points[:, 2] > 3))


def test_identities_are_people_of_all_kinds_and_the_same_for_the_same_seed():
    people = [sample_identity(i) for i in range(300)]
    assert sample_identity(7) == people[7]
    tones = [p.tone for p in people]
    assert min(tones) < 0.05
    assert max(tones) > 0.95
    assert {p.hair_style for p in people} >= {"short", "long", "curly", "bob", "bald", "afro"}
    assert 0.35 < np.mean([p.male > 0.5 for p in people]) < 0.65
    assert min(p.age for p in people) < 25
    assert max(p.age for p in people) > 65
    assert any(p.glasses for p in people)
    assert any(p.beard for p in people)


# What the FACS manual says: place on the actor's left, direction (x outward, y up), unit.
FACS_MOTION = [
    (1, (1.5, 2.1), (0, 1)),
    (2, (4.5, 2.0), (0, 1)),
    (4, (1.6, 1.9), (-1, -1)),
    (6, (3.9, -2.3), (0, 1)),
    (9, (1.3, -3.0), (0, 1)),
    (10, (1.4, -5.9), (0, 1)),
    (12, (2.3, -6.5), (1, 1)),
    (15, (2.3, -6.6), (0, -1)),
    (17, (0.5, -9.2), (0, 1)),
    (20, (2.3, -6.6), (1, 0)),
]


@pytest.mark.parametrize(("unit", "place", "direction"), FACS_MOTION)
def test_units_move_what_the_manual_says(actor, unit, place, direction):
    shift = moved(actor.action, both((unit, 5)))[near(actor.action, *place)].mean(0)
    for axis, sign in enumerate(direction):
        if sign:
            assert sign * shift[axis] > 0.15, shift
    half = moved(actor.action, both((unit, 2.5)))[near(actor.action, *place)].mean(0)
    assert np.allclose(half, shift * shift_share(2.5), atol=1e-3)
    assert 0.5 < shift_share(2.5) < 0.65


def test_one_side_leaves_the_other_alone(actor):
    for unit in (1, 2, 6, 12, 15):
        shift = moved(actor.action, {(unit, "L"): 5.0})
        x = actor.mesh.vertices[:, 0]
        assert np.abs(shift[x > 1]).max() > 0.2
        assert np.abs(shift[x < -1]).max() < 1e-3


def test_combinations_add_up(actor):
    together = moved(actor.action, both((6, 5), (12, 5)))
    apart = moved(actor.action, both((6, 5))) + moved(actor.action, both((12, 5)))
    assert np.allclose(together, apart, atol=1e-5)
    smile = near(actor.action, 0.0, -7.1)
    parted = moved(actor.action, both((12, 4), (25, 4)))[smile].mean(0)
    assert parted[1] < moved(actor.action, both((12, 4)))[smile].mean(0)[1] - 0.1


def test_a_whole_brow_goes_hardly_higher_than_its_parts(actor):
    inner, whole, outer = (
        moved(actor.action, both(*((unit, 5) for unit in units))) for units in ((1,), (1, 2), (2,))
    )
    for x in (1.5, 3.0, 4.5):
        brow = near(actor.action, x, 2.2)
        one, both_, two = (shift[brow].mean(0)[1] for shift in (inner, whole, outer))
        assert max(one, two) * 0.8 < both_ < one + two - 0.1


def test_the_jaw_drops_with_chin_and_teeth_and_the_upper_face_stays(actor):
    shift = moved(actor.action, both((26, 5)))
    assert shift[near(actor.action, 0, -9.5)].mean(0)[1] < -0.8
    assert np.abs(shift[near(actor.action, 3, 1)]).max() < 1e-3
    assert shift[actor.mesh.jaw].mean(0)[1] < -0.5
    corner = near(actor.action, 2.3 * actor.person.mouth_width, -6.9)
    assert shift[corner].mean(0)[0] < -0.2  # round, not stretched


def test_a_lifted_brow_leaves_the_edge_of_the_lid(actor):
    shift = moved(actor.action, both((1, 5), (2, 5)))
    assert shift[near(actor.action, 3.2, 2.2)].mean(0)[1] > 0.8
    assert np.abs(shift[near(actor.action, 3.2, 0.1)]).mean(0).max() < 0.15


def test_lids_close_widen_and_tighten(actor):
    def gap(*units: tuple[int, float]) -> float:
        lids = actor.action.lids(both(*units), "L")
        return lids.upper + lids.lower

    assert gap((45, 5)) == pytest.approx(0, abs=1e-9)
    assert gap((5, 5)) > gap() * 1.2
    assert gap((7, 5)) < gap() * 0.75
    assert gap((6, 5)) < gap()
    assert 0 < gap((4, 5), (6, 5), (7, 5), (9, 5), (12, 5)) < gap((6, 5))


def picture(actor: Actor, moment: Moment, side: int = 160) -> np.ndarray:
    image, alpha = actor.draw(moment, View(side, side, (side / 2, side / 2), side / 27), Light())
    assert np.isfinite(image).all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    return image + (1 - alpha[..., None]) * 0.3


@pytest.mark.parametrize("unit", FIFTEEN)
def test_every_unit_is_seen_in_the_picture(actor, unit):
    neutral, acted = picture(actor, Moment()), picture(actor, Moment(both((unit, 5))))
    assert np.abs(acted - neutral).max() > 0.08
    assert (np.abs(acted - neutral).max(2) > 0.04).mean() > 0.0008


def test_drawing_is_a_function_of_its_arguments(actor):
    moment = Moment(both((12, 3)), yaw=10)
    assert (picture(actor, moment) == picture(actor, moment)).all()


@pytest.mark.parametrize("seed", [8, 121])
def test_nothing_is_seen_through_an_open_mouth(seed):
    view = View(256, 256, (128.0, 116.0), 10.0)
    open_ = Actor(sample_identity(seed))
    for yaw, smile in itertools.product((-40, -30, 0, 30, 40), (0, 4)):
        moment = Moment(both((25, 5), (26, 5), (12, smile)), yaw=yaw)
        _, alpha = open_.draw(moment, view, Light())
        mouth = np.s_[132:224, 68:188]  # not where hair stands off the head
        inside = ndimage.binary_fill_holes(alpha > 0.99)[mouth]
        assert (alpha[mouth][inside] > 0.99).all()
        assert inside.sum() > 6000


@pytest.mark.parametrize("yaw", [-45, 0, 45])
@pytest.mark.parametrize("seed", [500, 531, 533])
def test_a_closed_mouth_shows_nothing_of_its_inside(seed, yaw):
    closed = Actor(sample_identity(seed))
    points, _ = closed.place(Moment(yaw=yaw))
    flat = closed.project(points, View(128, 128, (64.0, 58.0), 5.0), 2)
    arrays = closed._triangles, closed._material, closed._strand, closed._coords
    seen = raster.visibility(flat, *arrays, 256, 256)[0]
    materials = set(closed._material[seen[seen >= 0]])
    assert mesh.SKIN in materials
    assert not materials & {mesh.TEETH, mesh.CAVITY, mesh.TONGUE}


def test_edges_are_antialiased_and_faces_filled(actor):
    _, alpha = actor.draw(Moment(), View(96, 96, (48.0, 44.0), 4.0), Light())
    partly = (alpha > 0.05) & (alpha < 0.95)
    assert set(np.unique((alpha[partly] * 4).round(3))) <= {1, 2, 3}  # four samples a pixel
    assert 100 < partly.sum() < 0.2 * (alpha > 0.5).sum()


def test_skin_has_a_texel_for_every_pixel(actor):
    for scale in (2.0, 5.0, 9.0, 17.0):
        level = skin.level_for(actor.skin, scale)
        assert level.density >= 0.9 * scale
    assert skin.level_for(actor.skin, 60.0) is actor.skin[0]
    means = [level.surface[..., :3].mean() for level in actor.skin]
    assert np.allclose(means, means[0], rtol=1e-3)


def test_closed_lids_hide_the_eye(actor):
    """Where white and iris were, there is skin."""
    view = View(160, 160, (80.0, 60.0), 8.0)
    eyes = np.s_[20:60, 40:120]
    opened = actor.draw(Moment(), view, Light())[0][eyes]
    closed = actor.draw(Moment(both((45, 5))), view, Light())[0][eyes]
    assert closed.std() < opened.std()
    assert np.abs(opened - closed).max() > 0.2


def test_yaw_turns_to_the_viewers_right_and_pitch_up():
    assert rotation(30, 0, 0) @ [0, 0, 1] == pytest.approx([0.5, 0, 0.8660254])
    assert (rotation(0, 20, 0) @ [0, 0, 1])[1] > 0
    assert np.allclose(rotation(20, 10, 5) @ rotation(20, 10, 5).T, np.eye(3))


def test_the_real_detector_finds_actors_and_not_the_backs_of_their_heads():
    detect = CenterFace()
    from mien.actors.render import to_srgb

    found, wrong = [], []
    for seed in range(12):
        person = Actor(sample_identity(100 + seed))
        for yaw in (-30, 0, 20):
            found.append(len(detect(to_srgb(picture(person, Moment(yaw=yaw), 256)))) == 1)
        wrong.append(len(detect(to_srgb(picture(person, Moment(yaw=180), 256)))))
    assert np.mean(found) >= 0.97
    assert sum(wrong) <= 1


# -- behaviour ---------------------------------------------------------------------------


def test_an_episode_is_neutral_onset_apex_offset_neutral():
    time_s = np.arange(0, 5, 0.1)
    course = envelope(time_s, 1.0, 0.5, 1.0, 0.5)
    assert course[time_s < 1].max() == 0
    assert course[(time_s > 1.55) & (time_s < 2.45)].min() == pytest.approx(1)
    assert course[time_s > 3.05].max() == pytest.approx(0, abs=1e-12)
    assert (np.diff(course[(time_s > 1) & (time_s < 1.5)]) > 0).all()


def test_prototypes_are_the_seeds_table():
    table = {
        "happiness": {6, 12}, "sadness": {1, 4}, "surprise": {1, 2, 5, 26},
        "fear": {1, 2, 4, 5, 20}, "anger": {4, 5, 7}, "disgust": {9},
    }  # fmt: skip
    for name, units in table.items():
        assert units <= set(PROTOTYPES[name][0])
    assert 14 in PROTOTYPES["sadness"][1]
    assert {15, 16} <= set(PROTOTYPES["disgust"][1])


def test_affect_follows_from_units():
    def of(**units: float) -> tuple[float, float]:
        v, a = affect_of({int(k[2:]): np.array([x]) for k, x in units.items()})
        return float(v[0]), float(a[0])

    assert of(AU1=0.0) == pytest.approx((0, 0.0574), abs=1e-3)
    smile, slight = of(AU6=4.0, AU12=5.0), of(AU12=1.0)
    assert smile[0] > slight[0] > 0.2
    assert of(AU4=4.0, AU15=4.0)[0] < -0.5
    assert of(AU1=5.0, AU2=5.0, AU5=5.0, AU26=5.0)[1] > 0.6
    for pair in (smile, of(AU9=5.0, AU4=5.0, AU5=5.0, AU20=5.0)):
        assert np.hypot(*pair) <= 1 + 1e-9


def test_rooms_differ_are_lit_and_the_same_for_the_same_seed():
    rooms = [background(np.random.default_rng(i), 213, 121) for i in range(12)]
    for i, room in enumerate(rooms):
        assert room.shape == (121, 213, 3)
        assert room.dtype == np.float32
        assert room.min() >= 0
        assert 0.01 < room.mean() < 1
        assert room.max() <= 1.2
        assert (room == background(np.random.default_rng(i), 213, 121)).all()
    assert min(np.abs(a - b).mean() for a, b in itertools.combinations(rooms, 2)) > 0.02


def test_signals_between_expressions_stay_neutral_and_some_are_one_sided():
    acts = [perform(12, 10, np.random.default_rng(i), UNITS) for i in range(300)]
    calm = [np.array(a.expression) == "neutral" for a in acts]
    for units in SIGNALS:
        for unit in units:
            assert max((a.displayed()[unit] * c).max() for a, c in zip(acts, calm, strict=True)) > 2
    apart = {unit: max(np.abs(a.left[unit] - a.right[unit]).max() for a in acts) for unit in UNITS}
    assert all(apart[unit] > 1.5 for unit in ONE_SIDED)
    assert apart[1] < 1.5
    assert apart[45] == 0


def test_performances_are_shaped_like_the_documents():
    acts = [perform(12, 30, np.random.default_rng(i), UNITS) for i in range(60)]
    valence = np.concatenate([a.valence for a in acts])
    arousal = np.concatenate([a.arousal for a in acts])
    assert (valence > 0.1).mean() > (valence < -0.1).mean()
    assert (arousal > 0).mean() > 0.75
    present = {u: np.mean([(a.left[u] >= 1).mean() for a in acts]) for u in UNITS}
    for rare in (15, 20):
        assert present[rare] < min(present[u] for u in (1, 4, 6, 12, 25))
        # rare, yet in many films
        assert np.mean([(a.left[rare] >= 2).any() for a in acts]) > 0.2
    assert {e for a in acts for e in a.expression} == {"neutral", *PROTOTYPES}
    assert max(np.abs(a.yaw).max() for a in acts) <= 45


def test_a_dropping_jaw_parts_the_lips():
    for seed in range(8):
        act = perform(12, 30, np.random.default_rng(seed), UNITS)
        for side in (act.left, act.right):
            assert (side[25] >= 0.7 * side[26] - 1e-9).all()


def test_raters_lag_and_miss_as_they_are_told():
    raters = sample_raters(40, 0)
    assert all(0.3 <= r.lag_s <= 4 for r in raters)
    assert len({r.lag_s for r in raters}) > 30
    time_s = np.arange(0, 20, 1 / 30)
    truth = 0.8 * np.sin(2 * np.pi * time_s / 6)
    rater = raters[0]
    times, values = joystick(rater, time_s, truth, np.random.default_rng(0))
    assert np.abs(values).max() <= 1000
    assert np.std(np.diff(times)) > 0.005  # irregular, as a joystick is
    lags = np.arange(0, 5, 0.05)
    scores = [np.corrcoef(values, np.interp(times - lag, time_s, truth))[0, 1] for lag in lags]
    assert lags[int(np.argmax(scores))] == pytest.approx(rater.lag_s, abs=0.25)
    shown = (np.arange(3000) % 100) < 40
    marks = ranges(rater, shown, np.random.default_rng(1))
    assert 30 * (1 - rater.miss) - 8 < len(marks) <= 30


# -- films, import, commands -------------------------------------------------------------


@pytest.fixture(scope="module")
def cast(tmp_path_factory):
    from mien.actors.studio import make_cast

    folder = tmp_path_factory.mktemp("cast")
    plans = plan_videos(3, 1, 1.0, 5, (320, 240))
    make_cast(folder, plans, 5, 1)
    return folder


def test_every_video_is_rated_afresh_and_the_raters_are_known(cast, tmp_path):
    truth = pq.read_table(cast / "truth.parquet")
    known = json.loads((cast / "annotators/raters.json").read_text())
    assert [rater["number"] for rater in known["raters"]] == [0, 1, 2, 3]
    assert set(known["rated"]) == set(pc.unique(truth["video"]).to_pylist())
    mine = truth.filter(pc.equal(truth["person"], "actor000"))
    raters = sample_raters(2, 5)
    for name in ("one.mp4", "two.mp4"):
        write_ratings(tmp_path, name, mine, raters, 5)
    one, two = ((tmp_path / f"{n}.r01.va.csv").read_bytes() for n in ("one", "two"))
    assert one != two
    write_ratings(tmp_path, "one.mp4", mine, raters, 5)
    assert (tmp_path / "one.r01.va.csv").read_bytes() == one


def test_fewer_raters_leave_no_ratings_of_others(cast, tmp_path):
    from mien.actors.studio import make_cast

    folder = shutil.copytree(cast, tmp_path / "cast")
    (folder / "annotators/notes.csv").write_text("mine")
    make_cast(folder, plan_videos(3, 1, 1.0, 5, (320, 240)), 5, 1, raters=2)
    assert len(list((folder / "annotators").glob("*.r0*.va.csv"))) == 3 * 2
    assert len(json.loads((folder / "annotators/raters.json").read_text())["raters"]) == 2
    assert (folder / "annotators/notes.csv").exists()


def test_films_have_truth_for_every_person_in_every_frame(cast):
    truth = pq.read_table(cast / "truth.parquet")
    for name in pc.unique(truth["video"]).to_pylist():
        part = truth.filter(pc.equal(truth["video"], name))
        frames = list(decode(cast / name))
        people = len(pc.unique(part["person"]))
        assert len(part) == people * len(frames)
        assert part["time_s"].to_numpy()[-1] == pytest.approx(frames[-1].time_s, abs=2e-3)
        assert frames[0].rgb.shape == (240, 320, 3)
    for unit in UNITS:
        assert 0 <= pc.min(truth[f"AU{unit}"]).as_py() <= pc.max(truth[f"AU{unit}"]).as_py() <= 5
    assert (cast / "contact-sheet.png").exists()
    assert len(list((cast / "annotators").glob("*.va.csv"))) == 3 * 4


def test_the_same_seed_films_the_same_and_what_is_there_is_kept(cast, tmp_path):
    from mien.actors.film import film, missing

    plans = plan_videos(3, 1, 1.0, 5, (320, 240))
    assert list(missing(cast, plans)) == []
    (tmp_path / "truth").mkdir()
    film(plans[0], tmp_path)
    assert (tmp_path / plans[0].name).read_bytes() == (cast / plans[0].name).read_bytes()
    assert [p.name for p in missing(tmp_path, plans)] == [p.name for p in plans[1:]]


@pytest.mark.parametrize("wrong", [(99, "L"), (12, "left")])
def test_a_unit_that_no_actor_has_is_named(wrong):
    with pytest.raises(InputError, match=rf"no actor moves AU{wrong[0]} {wrong[1]}: there are AU1"):
        Moment({(12, "L"): 3.0, wrong: 2.0})


def test_a_folder_takes_no_films_of_another_plan(cast, cli):
    before = {path: path.read_bytes() for path in cast.rglob("*") if path.is_file()}
    words = ("--people", 3, "--videos-per-person", 1, "--seconds", 1, "--size", "320x240")
    result = cli("actors", "--out", cast, *words, "--seed", 6)
    assert result.code == 2
    assert "holds actors filmed with other settings" in result.err
    assert {path: path.read_bytes() for path in cast.rglob("*") if path.is_file()} == before
    assert cli("actors", "--out", cast, *words, "--seed", 5).code == 0


def test_truth_is_joined_to_the_faces_the_pipeline_finds(cast, tmp_path, cli):
    result = cli("import", "actors", cast, "--store", tmp_path / "s", "--size", 48, "--json")
    assert result.code == 0, result.err
    store = Store.open(tmp_path / "s")
    truth = pq.read_table(cast / "truth.parquet")
    labels = store.labels()
    known = np.isfinite(labels["expression"].sum(1))
    assert known.mean() > 0.9
    people = {f"{cast.name}/{name}" for name in pc.unique(truth["person"]).to_pylist()}
    assert {s for s, k in zip(store.names("subject"), known, strict=True) if k} <= people
    row = int(np.flatnonzero(known)[5])
    names = {what: store.names(what)[row] for what in ("video", "subject")}
    face = {what: name.removeprefix(f"{cast.name}/") for what, name in names.items()} | {
        "time_s": store.column("time_s")[row],
        "valence": labels.column("valence_arousal", "valence")[row],
        "AU12": labels.column("au", "AU12")[row],
        "AU12_r": labels.column("au_intensity", "AU12")[row],
    }
    own = truth.filter(
        pc.and_(pc.equal(truth["video"], face["video"]), pc.equal(truth["person"], face["subject"]))
    )
    at = int(np.abs(own["time_s"].to_numpy() - face["time_s"]).argmin())
    assert face["valence"] == pytest.approx(own["valence"][at].as_py(), abs=1e-6)
    assert face["AU12_r"] == pytest.approx(own["AU12"][at].as_py(), abs=1e-5)
    assert face["AU12"] == int(own["AU12"][at].as_py() >= 1)
    again = cli("import", "actors", cast, "--store", tmp_path / "s")
    assert again.code == 0
    assert len(Store.open(tmp_path / "s")) == len(store)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--people", "0"],
        ["--size", "10x10"],
        ["--size", "wide"],
        ["--size", "321x240"],
        ["--size", ""],
        ["--seconds", "0"],
        ["--seconds", "0.5", "--fps", "1"],
        ["--people", "1000000000"],
        ["--out", "file/x"],
    ],
)
def test_impossible_casts_are_one_line(arguments, tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    base = [] if "--out" in arguments else ["--out", "cast"]
    result = cli("actors", *base, *arguments)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_people_of_two_casts_in_one_store_stay_apart(cast, tmp_path, cli):
    other = tmp_path / "other"
    words = ("--people", 1, "--videos-per-person", 1, "--seconds", 1, "--size", "320x240")
    assert cli("actors", "--out", other, *words, "--seed", 9).code == 0
    for folder in (cast, other, cast):
        assert cli("import", "actors", folder, "--store", tmp_path / "s").code == 0
    store = Store.open(tmp_path / "s")
    people: dict[str, set[str]] = {}
    for video, person in zip(store.names("video"), store.names("subject"), strict=True):
        people.setdefault(person, set()).add(video)
    assert people[f"{cast.name}/actor000"] == {f"{cast.name}/actor000_0.mp4"}
    assert people["other/actor000"] == {"other/actor000_0.mp4"}


def test_truth_without_its_columns_is_one_line(cast, tmp_path, cli):
    table = pq.read_table(cast / "truth.parquet").drop_columns(["expression"])
    pq.write_table(table, tmp_path / "truth.parquet")
    result = cli("import", "actors", tmp_path, "--store", tmp_path / "s")
    assert result.code == 2
    assert "has no column expression" in result.err


def test_what_is_said_to_be_occluded_is_covered(tmp_path):
    """A hand far below the face covers nothing, one before it does."""
    from mien.actors import film
    from mien.actors.shot import Cover

    role = SimpleNamespace(actor=Actor(sample_identity(3)))
    view = View(320, 240, (160.0, 100.0), 6.0)
    box = np.array([120.0, 60.0, 200.0, 160.0], np.float32)

    def covers(time_s: float) -> bool:
        cover = Cover(kind="hand", start_s=1.0, end_s=3.0, right=0.0, up=0.0)
        shot = SimpleNamespace(cover=cover, light=Light())
        return film._cover(np.zeros((240, 320, 3), np.float32), role, shot, time_s, view, box)

    assert [covers(t) for t in (0.5, 0.72, 2.0)] == [False, False, True]


def test_importing_what_is_no_cast_is_refused(tmp_path, cli):
    result = cli("import", "actors", tmp_path, "--store", tmp_path / "s")
    assert result.code == 2
    assert "holds no truth.parquet" in result.err
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_the_quick_demo_goes_the_whole_way(tmp_path):
    command = [sys.executable, "-m", "mien", "demo", "--quick", "--out", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    scores = json.loads((tmp_path / "demo" / "run" / "evaluation.json").read_text())["test"]["last"]
    accuracy = scores["expression"]["accuracy"]
    assert f"<td>expression accuracy</td><td>{accuracy:.2f}</td>" in page
    assert page.count('<img src="data:image/') == 3  # the cast, samples early and at the end
    assert page.count('"name":"truth"') == 6  # beside what is shown
