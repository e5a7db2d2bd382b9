"""A store to every format and back, compared face by face."""

import io
import json
import struct
import tarfile

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import mien
from mien.cli.main import main
from mien.curation.copying import Wanted
from mien.curation.formats import FORMATS
from mien.curation.formats.tfrecord import crc32c, masked
from mien.errors import InputError
from mien.store import Store

N = 12
BACK = {"folder": "mien-folder", "hdf5": "hdf5", "huggingface": "huggingface"}


@pytest.fixture
def store(tmp_path):
    """Two people in one video, a photograph corpus, two layers, two splits, subjects stated."""
    random = np.random.default_rng(0)
    folder = tmp_path / "store"
    opened = Store.open_or_create(folder, 32)
    half = np.arange(N) >= N // 2
    video = {
        "video": ["video55.mp4"] * N, "subject": np.where(half, "ann", "bob").tolist(),
        "track": half.astype(np.int32), "frame": np.tile(np.arange(N // 2, dtype=np.int32), 2),
        "time_s": np.tile(np.arange(N // 2) / 30, 2), "x0": random.random(N, np.float32) * 9,
        "x1": random.random(N, np.float32) + 90, "quality": np.linspace(0, 1, N, dtype=np.float32),
    }  # fmt: skip
    valence = random.uniform(-1, 1, N).astype(np.float32)
    valence[2] = np.nan
    labels = {
        "film": {
            "valence": valence, "arousal": np.where(np.isnan(valence), np.nan, 0.25),
            "AU12": [1, 0, *[None] * (N - 2)], "AU12_r": [3.5, *[None] * (N - 1)],
            "expression": ["happiness", None, *["neutral"] * (N - 2)],
        },
        "second": {"valence": [0.125] * N, "arousal": [None] * N},
    }  # fmt: skip
    for corpus, faces, said, split in (
        ("film", video, labels, None),
        ("photos", {"image": [f"a/{i}.png" for i in range(4)], "subject": ["cy"] * 4}, None,
         ["train", "train", None, "test"]),
    ):  # fmt: skip
        n = len(faces["subject"])
        with opened.new_shard() as shard:
            shard.append(random.integers(0, 256, (n, 32, 32, 3), np.uint8))
            opened.commit(corpus, corpus=corpus, kind="test", crops=shard, faces=faces,
                          labels=said, split=split, summary={"faces": n}, margin=0.2)  # fmt: skip
    opened.set_split("mine", opened.column("face_id"), ["train"] * 6 + ["val"] * 6 + [None] * 4)
    opened.order_layers(["second"])
    (folder / "subjects.csv").write_text(
        "id,person,sex,age,research,publication,until,notes\n"
        "film/ann,,f,30,yes,no,,likes tea\nphotos/cy,film/ann,,,,,,\n"
    )
    return folder


def same(one, other):
    one, other = Store.open(one), Store.open(other)
    assert len(one) == len(other)
    for name in ("video", "image", "subject", "corpus"):
        assert one.names(name) == other.names(name), name
    for name in ("frame", "track", "time_s", "x0", "x1", "quality", "confidence"):
        np.testing.assert_array_equal(one.column(name), other.column(name), name)
    assert one.layers == other.layers
    assert set(one.splits) == set(other.splits)
    for split in one.splits:
        assert one.split(split).to_list() == other.split(split).to_list()
    for layer in one.layers:
        mine, theirs = one.labels([layer]), other.labels([layer])
        assert [h.name for h in mine.heads] == [h.name for h in theirs.heads]
        for head in mine.heads:
            np.testing.assert_array_equal(mine[head.name], theirs.of(mine.heads)[head.name])
    everything = np.arange(len(one))
    np.testing.assert_array_equal(
        one.pixels().gather(everything), other.pixels().gather(everything)
    )
    assert one.subjects.stated == other.subjects.stated
    assert one.margins(everything) == other.margins(everything) == {0.2}


@pytest.mark.parametrize("name", BACK)
def test_what_comes_back_is_what_left(store, tmp_path, name):
    out = tmp_path / ("out.h5" if name == "hdf5" else "out")
    done = mien.export_store(store, out, format=name)
    assert (done.faces, done.bytes > 0) == (16, True)
    mien.import_corpus(BACK[name], out, store=tmp_path / "back", size=32)
    same(store, tmp_path / "back")


def test_hdf5_and_parquet_are_read_without_mien(store, tmp_path):
    mien.export_store(store, tmp_path / "o.h5", format="hdf5")
    with h5py.File(tmp_path / "o.h5") as file:
        assert file["images"].shape == (16, 32, 32, 3)
        affect = file["labels/valence_arousal"]
        assert list(affect.attrs["outputs"]) == ["valence", "arousal"]
        assert affect[0, 0] == np.float32(0.125)  # the layer that goes first
    mien.export_store(store, tmp_path / "hf", format="huggingface")
    table = pq.read_table(tmp_path / "hf" / "data")
    with Image.open(io.BytesIO(table["picture"][3].as_py()["bytes"])) as image:
        crop = Store.open(store).pixels().gather(np.array([3]))[0]
        np.testing.assert_array_equal(np.asarray(image), crop)


def fields(data):
    """Fields of a protocol buffer: number and bytes, all of them length-delimited or varints."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        length = varint()
        if key & 7 == 0:
            yield key >> 3, length
            continue
        yield key >> 3, data[at : at + length]
        at += length


def test_tfrecords_have_their_framing_and_hold_the_labels(store, tmp_path):
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720's check value
    mien.export_store(store, tmp_path / "tf", format="tfrecord")
    data = (tmp_path / "tf" / "00000-of-00001.tfrecord").read_bytes()
    at, records = 0, []
    while at < len(data):
        (length,), (check,) = (
            struct.unpack_from("<Q", data, at),
            struct.unpack_from("<I", data, at + 8),
        )
        assert check == masked(crc32c(data[at : at + 8]))
        body = data[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(crc32c(body))
        records.append(body)
        at += 16 + length
    assert len(records) == 16
    ((_, features),) = fields(records[0])
    found = {}
    for _, entry in fields(features):
        (_, name), (_, value) = fields(entry)
        ((kind, inner),) = fields(value)
        found[name.decode()] = (kind, next(v for _, v in fields(inner)))
    assert found["image/format"] == (1, b"jpeg")
    assert found["image/height"] == (3, 32) or found["image/height"][0] == 3
    assert np.frombuffer(found["label/valence_arousal"][1], "<f4")[0] == np.float32(0.125)
    with Image.open(io.BytesIO(found["image/encoded"][1])) as image:
        assert image.size == (32, 32)


def test_layouts_by_video(store, tmp_path, capsys):
    with pytest.raises(InputError, match="4 faces are of no video"):
        mien.export_store(store, tmp_path / "t", format="thesis")
    assert not (tmp_path / "t").exists()
    mien.select_store(store, tmp_path / "films", Wanted(corpora=("film",)))
    films = tmp_path / "films"
    mien.export_store(films, tmp_path / "t", format="thesis")
    frames = sorted(p.name for p in (tmp_path / "t" / "frames" / "video55_2").iterdir())
    assert (frames[0], len(frames)) == ("0000001.png", 6)
    lines = (tmp_path / "t" / "labels_au" / "video55.txt").read_text().splitlines()
    assert lines[:2] == ["1 1 3.50", "2 0 "]
    mien.export_store(films, tmp_path / "a", format="affwild2")
    assert (tmp_path / "a" / "cropped_aligned" / "video55" / "00006.jpg").exists()
    told = tmp_path / "a" / "EXPR_Recognition_Challenge" / "Train_Set" / "video55.txt"
    assert told.read_text().splitlines()[1:4] == ["4", "-1", "0"]
    units = tmp_path / "a" / "AU_Detection_Challenge" / "Train_Set" / "video55.txt"
    assert units.read_text().splitlines()[1].split(",")[6] == "1"


def test_webdataset_shards_hold_pairs(store, tmp_path):
    mien.export_store(store, tmp_path / "w", format="webdataset")
    with tarfile.open(tmp_path / "w" / "000000.tar") as tar:
        names = tar.getnames()
        facts = json.load(tar.extractfile("00000000.json"))
    assert len(names) == 32
    assert facts["subject"] == "film/bob"
    assert facts["valence"] == pytest.approx(0.125)
    assert facts["AU12_r"] == pytest.approx(3.5)


def test_parts_are_of_the_split_that_is_named(store, tmp_path):
    mien.export_store(store, tmp_path / "w", format="webdataset", split="mine")
    with tarfile.open(tmp_path / "w" / "000000.tar") as tar:
        parts = [json.load(tar.extractfile(f"{i:08d}.json")).get("split") for i in range(16)]
    assert parts == ["train"] * 6 + ["val"] * 6 + [None] * 4


def test_consent_stops_an_export_and_pseudonyms_hide_names(store, tmp_path, capsys):
    assert set(FORMATS) == {*BACK, "thesis", "tfrecord", "affwild2", "webdataset"}
    with pytest.raises(InputError, match=r"film/ann \(no publication\)"):
        mien.export_store(store, tmp_path / "p", format="folder", purpose="publication")
    assert not (tmp_path / "p").exists()
    mien.select_store(store, tmp_path / "fine", Wanted(consent=("publication",)))
    mien.export_store(tmp_path / "fine", tmp_path / "p", format="folder", purpose="publication")
    mien.export_store(store, tmp_path / "hidden", format="folder", pseudonymous=True)
    text = b"".join(p.read_bytes() for p in (tmp_path / "hidden").rglob("*") if p.is_file())
    for word in (b"bob", b"ann", b"tea", b"video55", b"a/1.png", str(tmp_path).encode()):
        assert word not in text, word
    people = pq.read_table(tmp_path / "hidden" / "faces.parquet")["subject"].to_pylist()
    assert len(set(people)) == 2  # cy is ann


def test_what_is_stated_of_a_persons_other_id_counts(store, tmp_path):
    lines = ["id,person,publication", "film/ann,ann,yes", "film/bob,bob,", "photos/cy,ann,"]
    (store / "subjects.csv").write_text("\n".join(lines) + "\n")
    said = []
    mien.export_store(
        store, tmp_path / "p", format="folder", purpose="publication", say=said.append
    )
    assert [line for line in said if "consent of" in line] == [
        "warning: nothing is stated of the consent of 1 people (subjects.csv)"
    ]


def test_merge_select_and_filter(store, tmp_path):
    mien.select_store(store, tmp_path / "a", Wanted(corpora=("film",)))
    mien.select_store(store, tmp_path / "b", Wanted(corpora=("photos",)))
    assert mien.merge_stores([tmp_path / "a", tmp_path / "b"], tmp_path / "c") == 16
    same(store, tmp_path / "c")
    with pytest.raises(InputError, match="both hold a corpus"):
        mien.merge_stores([tmp_path / "a", tmp_path / "a"], tmp_path / "d")
    assert not (tmp_path / "d").exists()
    kept = mien.select_store(
        store, tmp_path / "e", Wanted(quality=0.5, labelled=("valence_arousal",))
    )
    assert kept == 6
    assert mien.select_store(store, tmp_path / "f", Wanted(part="val", split="mine")) == 6
    assert mien.select_store(store, tmp_path / "g", Wanted(without_people=("bob",))) == 10
    with pytest.raises(InputError, match="holds no subject 'dan'"):
        mien.select_store(store, tmp_path / "h", Wanted(people=("dan",)))
    assert main(["store", "filter", str(store), "--out", str(tmp_path / "i"), "--side", "500"]) == 2


def test_wrong_files_are_one_line(store, tmp_path):
    (tmp_path / "x.h5").write_bytes(b"no")
    with pytest.raises(InputError, match="no HDF5 file that can be read"):
        mien.import_corpus("hdf5", tmp_path / "x.h5", store=tmp_path / "s", size=32)
    (tmp_path / "empty" / "data").mkdir(parents=True)
    with pytest.raises(InputError, match=r"holds no data"):
        mien.import_corpus("huggingface", tmp_path / "empty", store=tmp_path / "s", size=32)
    mien.export_store(store, tmp_path / "out", format="folder")
    table = pq.read_table(tmp_path / "out" / "faces.parquet")
    evil = table.set_column(
        table.column_names.index("file"), "file", [["../store/store.json"] * len(table)]
    ).replace_schema_metadata(table.schema.metadata)
    pq.write_table(evil, tmp_path / "out" / "faces.parquet")
    with pytest.raises(InputError, match="is no file in it"):
        mien.import_corpus("mien-folder", tmp_path / "out", store=tmp_path / "s", size=32)
