"""Importers of public corpora, each on a folder of the true layout with its awkward cases."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import mien
from mien.cli.main import main
from mien.corpora import CORPORA
from mien.errors import InputError
from mien.store import Store


def picture(path, seed=0, side=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def taken(kind, path, tmp_path, **options):
    store = tmp_path / "store"
    summary = mien.import_corpus(kind, path, store=store, size=24, **options)
    assert any(note.startswith("cite: ") for note in summary.notes)
    return summary, Store.open(store)


def column(store, head, output):
    return store.labels().column(head, output)


def expressions(store):
    values = store.labels()["expression"]
    outputs = store.labels().head("expression").outputs
    return [None if np.isnan(v).any() else outputs[v.argmax()] for v in values]


@pytest.fixture
def affwild2(tmp_path):
    root = tmp_path / "aff"
    for video, frames in {"video1": (1, 2, 4), "video2_left": (1, 2), "video2": (1, 9)}.items():
        for frame in frames:
            picture(root / "cropped_aligned" / video / f"{frame:05d}.jpg", frame)
    picture(root / "batch_new_50_vids" / "cropped" / "video3" / "00001.jpg", 7)
    va, au = root / "VA_Estimation_Challenge", root / "AU_Detection_Challenge"
    text(va / "Train_Set" / "video1.txt", "valence,arousal", "0.5,-0.25", "-5,-5", "0,0", "-1,1")
    text(va / "Train_Set" / "video2_left.txt", "valence,arousal", "0.1,0.2", "0.3,0.4")
    text(va / "Validation_Set" / "video2.txt", "valence,arousal", "0.9,0.9")
    text(va / "Train_Set" / "video9.txt", "valence,arousal", "0,0")
    units = ",".join(["1", "0", "-1", *["0"] * 9])
    text(au / "Validation_Set" / "video1.txt", "AU1,AU2,...", units, ",".join(["-1"] * 12))
    text(root / "EXPR_Classification_Challenge" / "Train_Set" / "video3.txt", "Neutral,...", "7")
    return root


def test_affwild2_counts_frames_from_1_and_joins_the_challenges(affwild2, tmp_path):
    summary, store = taken("affwild2", affwild2, tmp_path)
    places = list(zip(store.names("video"), store.column("frame").tolist(),
                      store.column("track").tolist(), strict=True))  # fmt: skip
    assert places == [
        ("aff/video1", 0, 0), ("aff/video1", 3, 0), ("aff/video2", 0, 1), ("aff/video2", 1, 1),
        ("aff/video2", 0, 0), ("aff/video3", 0, 0),
    ]  # fmt: skip
    valence = column(store, "valence_arousal", "valence")
    np.testing.assert_allclose(valence, [0.5, -1, 0.1, 0.3, 0.9, np.nan], atol=1e-6)
    assert column(store, "au", "AU01")[0] == 1
    assert np.isnan(column(store, "au", "AU04")).all()
    assert expressions(store)[5] == "other"
    assert store.split("va").to_list()[:3] == ["train"] * 3
    assert store.split("au").to_list()[:2] == ["val", "val"]
    assert store.split("official").to_list() == ["val", "val", "train", "train", "val", "train"]
    assert "1 annotated videos have no crops: video9" in summary.notes
    assert any("video2: 1 frames lie behind its 1 lines" in note for note in summary.notes)
    whole, _ = taken("affwild2", affwild2, tmp_path, unlabelled=True)
    assert whole.faces == 8


@pytest.mark.parametrize(
    ("place", "lines", "said"),
    [
        ("VA_Estimation_Challenge/Train_Set", ["valence,arousal", "0.5"], "1 values where 2"),
        ("VA_Estimation_Challenge/Train_Set", ["valence,arousal", "2,0"], "outside -1 to 1"),
        ("VA_Estimation_Challenge/Train_Set", ["valence,arousal", "a,0"], "'a' is no number"),
        ("VA_Estimation_Challenge/Train_Set", ["valence,arousal", "", "0,0"], "line 2: 1 values"),
        ("EXPR_Recognition_Challenge/Train_Set", ["N", "8"], "none of 0 to 7"),
        ("AU_Detection_Challenge/Train_Set", ["A", ",".join(["2"] * 12)], "AU1 is 2"),
    ],
)
def test_affwild2_refuses_lines_that_are_none(affwild2, tmp_path, place, lines, said):
    text(affwild2 / place / "video1.txt", *lines)
    with pytest.raises(InputError, match=said):
        taken("affwild2", affwild2, tmp_path)
    assert not (tmp_path / "store").exists()


def test_s_affwild2_has_all_labels_in_a_line(tmp_path):
    root = tmp_path / "mtl"
    picture(root / "cropped_aligned" / "video45_1" / "00003.jpg")
    units = ",".join(["1", *["-1"] * 11])
    text(root / "train_set.txt", "image,valence,arousal,expression,aus",
         f"video45_1/00003.jpg,0.5,-0.5,4,{units}",
         f"video45_1/00004.jpg,-5,-5,-1,{units}")  # fmt: skip
    summary, store = taken("s-affwild2", root, tmp_path)
    assert (summary.faces, summary.rows, summary.missing) == (1, 2, ["video45_1/00004.jpg"])
    assert store.column("frame").tolist() == [2]
    assert expressions(store) == ["happiness"]
    text(root / "train_set.txt", "h", f"../../etc/00001.jpg,0,0,0,{units}")
    with pytest.raises(InputError, match=r"is not VIDEO/00001.jpg"):
        taken("s-affwild2", root, tmp_path)


def test_affectnet_in_both_layouts(tmp_path):
    root = tmp_path / "net"
    header = ("subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
              "expression,valence,arousal")  # fmt: skip
    picture(root / "Manually_Annotated_Images" / "1" / "a.jpg")
    picture(root / "Manually_Annotated_Images" / "1" / "b.jpg")
    text(root / "training.csv", header, "1/a.jpg,0,0,1,1,x,6,-0.5,0.5", "1/b.jpg,0,0,1,1,x,9,-2,-2",
         "1/c.jpg,0,0,1,1,x,0,0,0")  # fmt: skip
    picture(root / "val_set" / "images" / "7.jpg")
    for kind, value in (("exp", "1"), ("val", "0.25"), ("aro", "0.75")):
        (root / "val_set" / "annotations").mkdir(exist_ok=True, parents=True)
        np.save(root / "val_set" / "annotations" / f"7_{kind}.npy", np.array(value))
    summary, store = taken("affectnet", root, tmp_path)
    assert expressions(store) == ["anger", None, "happiness"]
    np.testing.assert_allclose(
        column(store, "valence_arousal", "arousal"), [0.5, np.nan, 0.75], atol=1e-6
    )
    assert store.split("official").to_list() == ["train", "train", "val"]
    assert summary.missing == ["1/c.jpg"]
    other = tmp_path / "alphabet"
    mien.import_corpus("affectnet", root, store=other, size=24, classes="alphabetical")
    assert expressions(Store.open(other)) == ["sadness", None, "contempt"]
    np.save(root / "val_set" / "annotations" / "7_exp.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match="no array of one number"):
        taken("affectnet", root, tmp_path)
    text(root / "training.csv", header, "../../x.jpg,0,0,1,1,x,6,0,0")
    with pytest.raises(InputError, match="line 2: "):
        taken("affectnet", root, tmp_path)


def test_disfa_and_its_extension(tmp_path):
    root = tmp_path / "disfa"
    for frame in (1, 2, 3):
        picture(root / "Images" / "SN001" / f"{frame:05d}.png", frame)
        picture(root / "plus" / "Images" / "SN001" / "A1" / f"{frame - 1:03d}.jpg", frame)
    text(root / "ActionUnit_Labels" / "SN001" / "SN001_au1.txt", "1,0", "2,1", "3,4")
    text(root / "ActionUnit_Labels" / "SN001" / "SN001_au12.txt", "1,5", "2,2", "3,0")
    text(root / "plus" / "Labels" / "SN001" / "A1" / "AU4.txt", "Frame Intensity", "000.jpg 3",
         "001.jpg 0")  # fmt: skip
    _, store = taken("disfa", root, tmp_path)
    assert column(store, "au", "AU01").tolist() == [0, 0, 1]
    assert column(store, "au_intensity", "AU01").tolist() == [0, 1, 4]
    assert column(store, "au", "AU12").tolist() == [1, 1, 0]
    assert store.column("frame").tolist() == [0, 1, 2]
    assert store.split("fold1").to_list() == ["test"] * 3
    assert store.split("fold2").to_list() == ["train"] * 3
    again = tmp_path / "again"
    mien.import_corpus("disfa", root, store=again, size=24, present=1.0)
    assert column(Store.open(again), "au", "AU01").tolist() == [0, 1, 1]
    plus = tmp_path / "plus-store"
    mien.import_corpus("disfaplus", root / "plus", store=plus, size=24)
    assert column(Store.open(plus), "au_intensity", "AU04").tolist() == [3, 0]
    text(root / "ActionUnit_Labels" / "SN001" / "SN001_au1.txt", "1,0", "2,6")
    with pytest.raises(InputError, match="line 2: intensity 6"):
        taken("disfa", root, tmp_path)


def test_afew_va_is_scaled_and_people_are_actors(tmp_path):
    root = tmp_path / "afew"
    for clip in ("001", "002"):
        picture(root / clip / "00000.png")
        frames = {"00000": {"valence": -10, "arousal": 5.0, "landmarks": []},
                  "00001": {"valence": 0, "arousal": 0, "landmarks": []}}  # fmt: skip
        text(root / clip / f"{clip}.json", json.dumps({"actor": "a1", "frames": frames}))
    summary, store = taken("afew-va", root, tmp_path)
    assert (summary.faces, summary.rows) == (2, 4)
    assert column(store, "valence_arousal", "valence").tolist() == [-1, -1]
    assert column(store, "valence_arousal", "arousal").tolist() == [0.5, 0.5]
    assert store.codes("subject").used() == ("afew/a1",)
    text(root / "001" / "001.json", "{}")
    with pytest.raises(InputError, match="is no clip of AFEW-VA"):
        taken("afew-va", root, tmp_path)


def test_raf_db_ck_and_fer2013_say_that_their_layouts_are_remembered(tmp_path):
    raf = tmp_path / "raf"
    picture(raf / "Image" / "aligned" / "train_00001_aligned.jpg")
    picture(raf / "Image" / "aligned" / "test_0001_aligned.jpg")
    text(raf / "EmoLabel" / "list_patition_label.txt", "train_00001.jpg 5", "test_0001.jpg 7")
    summary, store = taken("raf-db", raf, tmp_path)
    assert expressions(store) == ["sadness", "neutral"]
    assert store.split("official").to_list() == ["train", "test"]
    assert any("from memory" in note for note in summary.notes)

    ck = tmp_path / "ck"
    for frame in (1, 2):
        picture(ck / "cohn-kanade-images" / "S005" / "001" / f"S005_001_{frame:08d}.png", frame)
    text(ck / "Emotion" / "S005" / "001" / "S005_001_00000002_emotion.txt", "   3.0000000e+00")
    text(ck / "FACS" / "S005" / "001" / "S005_001_00000002_facs.txt",
         "   9.0000000e+00   4.0000000e+00", "   1.7000000e+01   0.0000000e+00")  # fmt: skip
    mien.import_corpus("ck+", ck, store=tmp_path / "ck-store", size=24, neutral=True)
    found = Store.open(tmp_path / "ck-store")
    assert sorted(map(str, expressions(found))) == ["disgust", "neutral"]
    peak = expressions(found).index("disgust")
    assert column(found, "au_intensity", "AU09")[peak] == 4
    assert column(found, "au", "AU17")[peak] == 1
    assert np.isnan(column(found, "au_intensity", "AU17")[peak])
    assert column(found, "au", "AU12")[peak] == 0

    fer = tmp_path / "fer"
    pixels = [" ".join([str(v)] * 2304) for v in (10, 20, 10)]
    text(fer / "fer2013.csv", "emotion,pixels,Usage", f"3,{pixels[0]},Training",
         f"6,{pixels[1]},Training", f"3,{pixels[2]},PublicTest")  # fmt: skip
    done = mien.import_corpus("fer2013", fer, store=tmp_path / "fer-store", size=24)
    assert (done.faces, done.rows) == (2, 3)
    assert expressions(Store.open(tmp_path / "fer-store")) == ["neutral", "happiness"]
    text(fer / "fer2013.csv", "emotion,pixels,Usage", "3,1 2 3,Training")
    with pytest.raises(InputError, match="line 2: pixels are not 48 x 48"):
        mien.import_corpus("fer2013", fer, store=tmp_path / "fer-store", size=24)


def test_the_documents_folders(tmp_path):
    root = tmp_path / "six"
    for folder, video, frames in (("frames", "video55_left", (1, 3)), ("frames", "video55", (2,)),
                                  ("extra_frames", "video80", (5,)),
                                  ("test_frames", "video7", (1,))):  # fmt: skip
        for frame in frames:
            picture(root / folder / video / f"{frame:07d}.png", frame)
    text(root / "labels" / "video55_left.txt", "0.1 0.2", "0.3 0.4")
    text(root / "labels" / "video55.txt", "2 -0.5 0.5")
    text(root / "extra_labels" / "video80.txt", "0 1")
    text(root / "test_labels" / "video7.txt", "-1,-1")
    _, store = taken("benroumpi", root, tmp_path)
    assert store.names("video") == [f"six/{v}" for v in ("video55", "video55", "video55", "video80",
                                                         "video7")]  # fmt: skip
    valence = column(store, "valence_arousal", "valence").tolist()
    places = zip(store.column("track").tolist(), store.column("frame").tolist(), strict=True)
    rows = dict(zip(places, valence, strict=True))
    assert rows[(1, 2)] == pytest.approx(0.3)
    assert rows[(0, 1)] == pytest.approx(-0.5)
    assert store.split("official").to_list() == ["train"] * 4 + ["test"]
    assert store.split("round").to_list() == [*["first"] * 3, "second", None]
    text(root / "labels" / "video55.txt", "0 0", "0 0")
    with pytest.raises(InputError, match="2 lines for 1 frames"):
        taken("benroumpi", root, tmp_path)


def test_the_thesis_folders_go_and_come_back(tmp_path):
    root = tmp_path / "t"
    for frame in (1, 2):
        picture(root / "frames" / "video1" / f"{frame:07d}.png", frame)
    text(root / "labels" / "video1.txt", "1 0.5 0.25", "2 -0.5 0")
    text(root / "labels_au" / "video1.txt", "1 1 3.5 0 0", "2 - - 1 ")
    _, store = taken("thesis", root, tmp_path, units="4,12")
    assert column(store, "au_intensity", "AU04")[0] == 3.5
    assert column(store, "au", "AU12").tolist() == [0, 1]
    mien.export_store(tmp_path / "store", tmp_path / "out", format="thesis")
    mien.import_corpus("thesis", tmp_path / "out", store=tmp_path / "back", size=24, units="4,12")
    back = Store.open(tmp_path / "back")
    for head, output in (("valence_arousal", "valence"), ("au", "AU12"), ("au_intensity", "AU04")):
        np.testing.assert_array_equal(column(back, head, output), column(store, head, output))


def test_affwild_lists_and_annotations(tmp_path):
    root = tmp_path / "aw"
    picture(root / "frames" / "train" / "100" / "0.jpg")
    picture(root / "frames" / "train" / "100" / "1.jpg")
    text(root / "annotations" / "train" / "valence" / "100.txt", "-500", "250")
    text(root / "annotations" / "train" / "arousal" / "100.txt", "0", "1000")
    _, store = taken("affwild", root, tmp_path)
    assert column(store, "valence_arousal", "valence").tolist() == [-0.5, 0.25]
    assert column(store, "valence_arousal", "arousal").tolist() == [0, 1]
    text(root / "annotations" / "train" / "arousal" / "100.txt", "0")
    with pytest.raises(InputError, match="2 values of valence, 1 of arousal"):
        taken("affwild", root, tmp_path)
    listed = tmp_path / "listed"
    picture(listed / "a" / "12.jpg")
    text(listed / "train.csv", "image_path,valence,arousal", "a/12.jpg,0.5,0.5", "a/13.jpg,0,0")
    done = mien.import_corpus("affwild", listed, store=tmp_path / "listed-store", size=24)
    assert (done.faces, done.missing) == (1, ["a/13.jpg"])


OTHERS = {"actors", "folder", "mien-folder", "hdf5", "huggingface", "ferplus", "emotionet"}


@pytest.mark.parametrize("kind", sorted(set(CORPORA) - OTHERS))
def test_a_folder_that_is_something_else_is_one_line(kind, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme.txt").write_text("nothing\n")
    code = main(["import", kind, str(tmp_path / "other"), "--store", str(tmp_path / "s")])
    said = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len(said) == 1
    assert said[0].startswith("mien: error: ")
    assert not (tmp_path / "s").exists()


def test_a_folder_with_frames_and_tracks_makes_sequences(tmp_path):
    root = tmp_path / "f"
    for i in range(4):
        picture(root / f"{i}.png", i)
    text(root / "labels.csv", "image,video,frame,track,valence,arousal",
         "0.png,v,0,0,0,0", "1.png,v,1,0,0,0", "2.png,v,2,,0,0", "3.png,v,3,0,0,0")  # fmt: skip
    mien.import_corpus("folder", root, store=tmp_path / "s", size=24)
    store = Store.open(tmp_path / "s")
    assert store.column("frame").tolist() == [0, 1, 2, 3]
    assert store.windows(2, 2)[0].tolist() == [0, 1]
    text(root / "labels.csv", "image,video,frame", "0.png,v,0.5")
    with pytest.raises(InputError, match="not a whole number"):
        mien.import_corpus("folder", root, store=tmp_path / "t", size=24)


def test_the_catalogue_names_importers_that_exist(capsys):
    assert main(["corpora", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["corpora"]
    kinds = {entry["kind"] for entry in said} - {None}
    assert kinds == set(CORPORA) - {"actors", "folder", "mien-folder", "hdf5", "huggingface",
                                    "benroumpi", "thesis"}  # fmt: skip
    assert sum(entry["table"] == "2.1" for entry in said) == 6
    assert sum(entry["table"] == "2.2" for entry in said) == 8
    assert main(["corpora", "--importable"]) == 0
    assert "disfa" in capsys.readouterr().out


LABEL_FILES = {
    "affwild2": ("VA_Estimation_Challenge/Train_Set/v.txt", b"valence,arousal\n0.5,0.25\n-5,-5\n"),
    "s-affwild2": ("train_set.txt", b"h\nv/00001.jpg,0.5,0.25,4,1,0,1,0,1,0,1,0,1,0,1,0\n"),
    "disfa": ("ActionUnit_Labels/v/v_au1.txt", b"1,0\n2,5\n"),
    "afew-va": ("v/v.json", b'{"actor": "a", "frames": {"00001": {"valence": 5, "arousal": -3}}}'),
    "raf-db": ("list_patition_label.txt", b"train_1.jpg 3\ntest_1.jpg 4\n"),
    "thesis": ("labels/v.txt", b"1 0.5 0.25\n2 -0.5 0\n"),
    "benroumpi": ("labels/v.txt", b"0.5 0.25\n-0.5 0\n"),
    "fer2013": ("fer2013.csv", b"emotion,pixels,Usage\n3," + b" ".join([b"9"] * 2304)
                + b",Training\n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LABEL_FILES)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_labels_are_refused_in_a_line_or_mean_what_they_say(kind, data, tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    place, whole = LABEL_FILES[kind]
    for name in ("cropped_aligned/v/00001.jpg", "Images/v/1.jpg", "frames/v/0000001.png",
                 "frames/v/0000002.png", "v/00001.png", "train_1.jpg"):  # fmt: skip
        picture(root / "c" / name)
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(broken) - 1))
        what = data.draw(st.sampled_from([b"", b"9", b"-", b"nan", b"\n", b",", b"\xff", b"../"]))
        broken[at : at + 1] = what or b" "
    (root / "c" / place).parent.mkdir(parents=True, exist_ok=True)
    (root / "c" / place).write_bytes(bytes(broken))
    try:
        mien.import_corpus(kind, root / "c", store=root / "s", size=8)
    except InputError as refused:
        error = str(refused)
    else:
        error = ""
    if error:
        assert "\n" not in error
        assert not (root / "s").exists()
        return
    labels = Store.open(root / "s").labels()
    for head in labels.heads:
        low, high = head.kind.bounds
        known = labels[head.name][np.isfinite(labels[head.name])]
        assert ((known >= low) & (known <= high)).all()
