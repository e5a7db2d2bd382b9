"""Faults that were found once, each with the smallest input that showed it."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from conftest import read_labels, write_corpus, write_labels
from mien.corpora.folder import import_folder
from mien.corpora.imported import ImportOptions
from mien.errors import InputError
from mien.media.decode import Frame, decode
from mien.media.encode import VideoWriter
from mien.media.images import read_image
from mien.media.resample import LONGEST_S, resample
from mien.runs.run import Run
from mien.store import Store
from mien.store.names import Names
from mien.store.splits import independent_groups


def commit(store: Store, name: str, level: int, n: int = 2) -> None:
    """Commit faces of one grey level."""
    with store.new_shard() as crops:
        crops.append(np.full((n, 16, 16, 3), level, np.uint8))
        faces = {"subject": [f"p{level}"] * n}
        store.commit(name, corpus=name, kind="made", crops=crops, faces=faces)


def test_rows_of_an_interrupted_import_are_unseen_and_take_nobodys_pixels(tmp_path, monkeypatch):
    store = Store.open_or_create(tmp_path / "s", 16)
    commit(store, "kept", 10)
    with monkeypatch.context() as patch:
        patch.setattr("mien.store.schema.StoreInfo.write", _disk_full)
        with pytest.raises(OSError, match="No space"):
            commit(store, "torn", 200)
    assert Store.open(tmp_path / "s").names("source") == ["kept", "kept"]
    commit(store, "next", 90)
    reader = Store.open(tmp_path / "s")
    assert reader.names("subject") == ["kept/p10", "kept/p10", "next/p90", "next/p90"]
    assert reader.pixels().gather(np.arange(4))[:, 0, 0, 0].tolist() == [10, 10, 90, 90]


def _disk_full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_nobody_a_run_was_trained_on_is_tested(run_folder, faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    shutil.copytree(run_folder, tmp_path / "run")
    assert cli("split", tmp_path / "s", "--ratios", "0.1,0.1,0.8").code == 0
    result = cli("evaluate", tmp_path / "run", "--store", tmp_path / "s", "--split", "test")
    assert result.code == 2
    assert "was trained on" in result.err
    assert "subject corpus/person0" in result.err
    resumed = cli("train", "--run", tmp_path / "run", "--store", tmp_path / "s", "--resume")
    assert resumed.code == 2
    assert "are not those the run was started with" in resumed.err


def test_a_changed_label_is_noticed_on_resuming(run_folder, faces, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    shutil.copytree(run_folder, tmp_path / "run")
    store = Store.open(tmp_path / "s")
    zeros = np.zeros(len(store), np.float32)
    store.label("corpus", store.column("face_id"), {"valence": zeros})
    result = cli("train", "--run", tmp_path / "run", "--store", tmp_path / "s", "--resume")
    assert result.code == 2
    assert "faces or labels" in result.err


def test_the_last_frame_is_held_as_long_as_it_says():
    frames = [Frame(0, 0.0, 0.1, None), Frame(1, 0.1, 0.5, None)]  # type: ignore[arg-type]
    assert [f.index for _, f in resample(frames, 10)] == [0, 1, 1, 1, 1]


def test_a_damaged_time_does_not_fill_the_disk():
    frames = [Frame(0, 0.0, 0.1, None), Frame(1, LONGEST_S + 1, LONGEST_S + 2, None)]  # type: ignore
    with pytest.raises(InputError, match=r"held from 0\.0 to 601\.0 s"):
        list(resample(frames, 10))


def test_re_importing_keeps_the_split(tmp_path, cli):
    corpus = write_corpus(tmp_path / "c", splits=False)
    for row in (rows := read_labels(corpus)):
        del row["split"]
    write_labels(corpus, rows)
    assert cli("import", "folder", corpus, "--store", tmp_path / "s", "--size", "32").code == 0
    assert cli("split", tmp_path / "s").code == 0
    before = Store.open(tmp_path / "s").split().to_list()
    assert cli("import", "folder", corpus, "--store", tmp_path / "s").code == 0
    assert Store.open(tmp_path / "s").split().to_list() == before


def test_an_import_leaves_the_temporaries_of_living_readers(tmp_path):
    import os

    store = Store.open_or_create(tmp_path / "s", 16)
    commit(store, "a", 10)
    folder = tmp_path / "s" / "pixels" / "8"
    folder.mkdir()
    mine, dead = folder / ".000000.0a.tmp", folder / ".000000.0b.tmp"
    mine.touch()
    dead.touch()
    os.utime(dead, (0, 0))
    commit(store, "b", 20)
    assert mine.exists()
    assert not dead.exists()


def test_one_image_is_in_one_part_and_nameless_faces_are_counted(tmp_path, cli):
    columns = (["a", "b", None], [None] * 3, ["x.png", "x.png", "y.png"])
    group = independent_groups(*map(Names.of, columns))
    assert group[0] == group[1] != group[2]
    corpus = write_corpus(tmp_path / "c", people=3, each=4)
    write_labels(corpus, [{"image": row["image"]} for row in read_labels(corpus)])
    cli("import", "folder", corpus, "--store", tmp_path / "s", "--size", "32")
    result = cli("split", tmp_path / "s")
    assert result.code == 0
    assert "12 of 12 faces name neither person nor video" in result.err


def test_an_output_never_replaces_an_input(clip, tmp_path, cli):
    video = tmp_path / "talk.mp4"
    shutil.copy(clip, video)
    for arguments in (
        ["--out", video],
        ["--out", tmp_path / "o.csv", "--overlay", video],
    ):
        result = cli("analyze", video, *arguments)
        assert result.code == 2
        assert video.read_bytes() == clip.read_bytes()


def test_outputs_are_checked_before_the_work(clip, tmp_path, cli):
    result = cli(
        "analyze", clip, "--out", tmp_path / "o.csv", "--report", tmp_path / "x" / "r.html"
    )
    assert result.code == 2
    assert "does not exist" in result.err
    assert list(tmp_path.iterdir()) == []


def test_sixteen_bit_grey_keeps_its_range(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    assert (
        read_image(tmp_path / "ramp.png")[..., 0].ravel().tolist() == (ramp >> 8).ravel().tolist()
    )


def test_a_name_does_not_choose_a_decoder_that_calls_programs(tmp_path):
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )
    with pytest.raises(InputError, match="is not an image"):
        read_image(tmp_path / "a.png")


def test_a_colon_in_a_name_is_no_protocol(clip, tmp_path, monkeypatch):
    shutil.copy(clip, tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    assert next(decode(Path("12:30.mp4"))).index == 0
    with VideoWriter(Path("a:b.mp4")) as video:
        video.write(np.zeros((16, 16, 3), np.uint8), 0.0)
    assert (tmp_path / "a:b.mp4").exists()


def test_brackets_in_a_name_are_shown(clip, tmp_path, cli):
    shutil.copy(clip, tmp_path / "talk [final] [x.mp4")
    result = cli(
        "ingest", tmp_path / "talk [final] [x.mp4", "--store", tmp_path / "s", "--size", 16
    )
    assert result.code == 0
    assert "[final]" in result.out.replace("\n", "")


def test_a_changing_frame_size_is_scaled(tmp_path):
    with VideoWriter(tmp_path / "v.mp4") as video:
        video.write(np.zeros((48, 64, 3), np.uint8), 0.0)
        video.write(np.zeros((96, 100, 3), np.uint8), 0.1)
    assert {f.rgb.shape for f in decode(tmp_path / "v.mp4")} == {(48, 64, 3)}


def test_the_box_of_an_oblong_image_is_its_crops(tmp_path):
    (tmp_path / "c").mkdir()
    Image.new("RGB", (80, 40)).save(tmp_path / "c" / "a.png")
    write_labels(tmp_path / "c", [{"image": "a.png"}])
    store = Store.open_or_create(tmp_path / "s", 16)
    import_folder(tmp_path / "c", store, ImportOptions())
    assert [store.column(c)[0] for c in ("x0", "y0", "x1", "y1")] == [20, 0, 60, 40]


def test_links_out_of_a_corpus_are_followed_only_when_asked(tmp_path, cli):
    corpus = write_corpus(tmp_path / "c", people=3, each=2)
    (corpus / "images").rename(tmp_path / "elsewhere")
    (corpus / "images").symlink_to(tmp_path / "elsewhere")
    refused = cli("import", "folder", corpus, "--store", tmp_path / "s")
    assert refused.code == 2
    assert "is a link out of" in refused.err
    taken = cli("import", "folder", corpus, "--store", tmp_path / "s", "--follow-links")
    assert taken.code == 0


@pytest.mark.parametrize("name", ["a\0b.png", "a" * 300 + ".png"])
def test_impossible_file_names_are_one_line(tmp_path, name):
    (tmp_path / "c").mkdir()
    write_labels(tmp_path / "c", [{"image": name}])
    with pytest.raises(InputError, match="line 2: image"):
        import_folder(tmp_path / "c", Store.open_or_create(tmp_path / "s", 16), ImportOptions())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("run.json:{}", "does not describe a run"),
        ("run.json:[]", "does not describe a run"),
        ("run.json:{", "cannot be read"),
        ("discriminator.safetensors:xx", "cannot be resumed from"),
        ("optimisers.safetensors:xx", "cannot be resumed from"),
        ("state.json:{}", "cannot be resumed from"),
    ],
)
def test_damaged_runs_are_one_line(run_folder, tmp_path, cli, spoil, words):
    shutil.copytree(run_folder, tmp_path / "run")
    name, _, content = spoil.partition(":")
    place = (
        tmp_path / "run" if name == "run.json" else Run(tmp_path / "run").checkpoints()[-1].folder
    )
    (place / name).write_text(content)
    result = cli("train", "--run", tmp_path / "run", "--resume", "--set", "steps=9")
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1


def test_a_damaged_line_of_metrics_is_dropped(run_folder, tmp_path, cli):
    shutil.copytree(run_folder, tmp_path / "run")
    lines = tmp_path / "run" / "metrics.jsonl"
    lines.write_text(lines.read_text() + '{"step": 8, "x"\n')
    settings = ("--set", "steps=9")
    assert cli("train", "--run", tmp_path / "run", "--resume", *settings).code == 0
    assert [json.loads(x)["step"] for x in lines.read_text().splitlines()][-1] == 9


def test_damaged_stores_are_one_line(faces, run_folder, tmp_path, cli):
    shutil.copytree(faces, tmp_path / "s")
    shard = tmp_path / "s" / "pixels" / "48" / "000000.npy"
    shutil.rmtree(tmp_path / "s" / "pixels" / "32", ignore_errors=True)
    shard.write_bytes(shard.read_bytes()[:5000])
    for _ in range(2):
        result = cli("evaluate", run_folder, "--store", tmp_path / "s", "--split", "test")
        assert result.code == 2
        assert "000000.npy" in result.err
        shard.unlink(missing_ok=True)
    segment = next((tmp_path / "s" / "labels" / "corpus").glob("*.parquet"))
    segment.write_bytes(b"PAR1")
    damaged = cli("stats", tmp_path / "s")
    assert (damaged.code, damaged.err.count("\n")) == (2, 1)
    assert segment.name in damaged.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["split", "S", "--ratios", "nan,nan"],
        ["split", "S", "--seed", "-1"],
        ["sample", "R", "--seed", "99999999999999999999", "--out", "a.png"],
        ["import", "folder", ".", "--store", "new", "--au-threshold", "nan"],
        ["train", "config1-32", "--store", "S", "--run", "new", "--set", "beta1=1"],
        [
            "train",
            "config1-32",
            "--store",
            "S",
            "--run",
            "new",
            "--set",
            "heads.expression=['hapy']",
        ],
        ["train", "latin.toml", "--store", "S", "--run", "new"],
        ["train", "config1-32", "--store", "S", "--run", "file/run"],
        ["ingest", "CLIP", "--store", "file/store"],
        ["stats", "x" * 300],
    ],
)
def test_odd_arguments_are_one_line(arguments, faces, run_folder, clip, tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "latin.toml").write_bytes("name = 'é'".encode("latin-1"))
    named = {"S": faces, "R": run_folder, "CLIP": clip}
    result = cli(*(named.get(a, a) for a in arguments))
    assert result.code == 2
    assert result.err
    assert "Traceback" not in result.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "latin.toml"]


def test_report_pictures_are_of_their_times(clip, run_folder, tmp_path, monkeypatch, cli):
    from mien.report import analysis_report

    shown = []
    real = analysis_report._frames

    def spy(path, wanted):
        for time_s, frame in real(path, wanted):
            shown.append((time_s, frame))
            yield time_s, frame

    monkeypatch.setattr(analysis_report, "_frames", spy)
    monkeypatch.setattr(analysis_report, "turning_points", _third_row)
    result = cli(
        *("analyze", clip, "--model", run_folder, "--out", tmp_path / "o.csv", "--fps", 5),
        *("--report", tmp_path / "o.html"),
    )
    assert result.code == 0, result.err
    ((time_s, frame),) = shown
    expected = next(f for f in decode(clip) if abs(f.time_s - time_s) < 1e-4)
    assert (frame.rgb == expected.rgb).all()
    assert expected.index > 50


def _third_row(trace, names):
    from mien.report.traces import TurningPoint

    return [TurningPoint(float(trace.time_s[10]), "AU12_p", 0.5, True, 0.3)]
