import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.errors import InputError
from mien.faces.centerface import CenterFace
from mien.faces.crop import square_crop
from mien.faces.ingest import Ingester, IngestSettings
from mien.media.decode import decode
from mien.store import Store
from mien.store.files import log_file

CLIP = "videos/carphone_pristine.mp4"


def ingest(folder: Path, *videos: Path, **settings: object) -> tuple[Store, list]:
    store = Store.open_or_create(folder, 48)
    ingester = Ingester(store, IngestSettings(**settings))  # type: ignore[arg-type]
    return store, [ingester.ingest(video) for video in videos]


def test_a_clip_becomes_one_row_per_face_per_frame(clip, tmp_path):
    store, (summary,) = ingest(tmp_path / "s", clip)
    assert (summary.frames, summary.frames_with_face, summary.faces) == (120, 120, 120)
    assert (summary.tracks, summary.loss, summary.seconds) == (1, 0, 4)
    assert summary.video == CLIP
    assert store.column("frame").tolist() == list(range(120))
    assert store.column("time_s")[-1] == pytest.approx(119 * 1001 / 30000, abs=1e-4)
    assert set(store.names("subject")) == {f"{CLIP}#0"}
    assert store.layers == store.splits == ()
    first = store.pixels().gather(np.array([0]))[0]
    frame = next(decode(clip))
    box = CenterFace()(frame.rgb).boxes
    assert (first == square_crop(frame.rgb, box[0], 48)).all()
    kept = [store.column(c)[0] for c in ("x0", "y0", "x1", "y1")]
    assert kept == frame.to_file_pixels(box)[0].tolist()
    eyes = store.landmarks()[:, :2, 0]
    assert (store.column("x0") < eyes[:, 0]).all()
    assert (eyes[:, 0] < eyes[:, 1]).all()
    assert (eyes[:, 1] < store.column("x1")).all()
    assert (store.column("quality") > 0).all()
    assert store.windows(60, 60).tolist() == [list(range(60)), list(range(60, 120))]
    assert not list((store.folder / "partial").iterdir())
    log = json.loads(log_file(store.folder, CLIP).read_text())
    assert log["summary"]["frames"] == 120
    assert log["settings"]["path"] == str(clip)


def test_what_is_complete_is_skipped_even_under_another_name(clip, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    store, (first, second, third) = ingest(tmp_path / "s", clip, clip, copy)
    assert (first.status, second.status, third.status) == ("ingested", "skipped", "skipped")
    assert second.frames == 120
    assert (third.input, third.video) == (str(copy), CLIP)
    assert len(store) == 120
    log_file(store.folder, CLIP).unlink()
    assert Ingester(store, IngestSettings()).ingest(clip).faces == 120


def test_other_settings_replace_and_another_file_of_the_name_is_added(clip, tmp_path):
    store, _ = ingest(tmp_path / "s", clip)
    store.label("rater", [0, 3, 4], {"valence": [0.1, 0.2, 0.3]})
    store.set_split("default", store.column("face_id"), ["train"] * 120)
    store, (slower,) = ingest(tmp_path / "s", clip, fps=10.0)
    assert (slower.frames, len(store)) == (40, 40)
    assert len(store.rows("train")) == 40
    valence = store.labels().column("valence_arousal", "valence")
    assert valence[:2].tolist() == pytest.approx([0.1, 0.2])  # of frames that are there again
    assert np.isnan(valence[2:]).all()
    lost = json.loads(log_file(store.folder, CLIP).read_text())["labels_lost"]
    assert lost == {"rater": 1}
    (tmp_path / "other").mkdir()
    distorted = clip.with_name("carphone_distorted.mp4")
    namesake = tmp_path / "other" / clip.name
    namesake.write_bytes(distorted.read_bytes())
    store, (other,) = ingest(tmp_path / "s", namesake, fps=10.0)
    assert other.video != CLIP
    assert len(set(store.names("video"))) == 2


def test_a_video_may_be_in_two_corpora(clip, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 48)
    for corpus in ("one", "two"):
        assert Ingester(store, IngestSettings(fps=2.0), corpus).ingest(clip).status == "ingested"
    assert set(store.names("video")) == {f"one/{clip.name}", f"two/{clip.name}"}


def test_a_damaged_video_leaves_nothing(clip, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:-2000])
    store = Store.open_or_create(tmp_path / "s", 48)
    with pytest.raises(InputError):
        Ingester(store, IngestSettings()).ingest(cut)
    assert len(store) == 0
    left = [p.name for p in (tmp_path / "s").rglob("*") if p.is_file()]
    assert sorted(left) == [".lock", "store.json", "subjects.csv"]


class Says:
    """Names every face of the first second anna, and calls it happy."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def __call__(self, faces):
        mine = faces["time_s"] < 0.9
        labels = {"expression": ["happiness" if m else None for m in mine]}
        return ["anna" if m else None for m in mine], {"truth": labels}


def test_who_is_seen_may_be_told_before_the_commit(clip, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 48)
    ingester = Ingester(store, IngestSettings(fps=2.0))
    assert ingester.ingest(clip, labeller=Says("1")).faces == 8
    assert store.names("subject") == ["videos/anna"] * 2 + [f"{CLIP}#0"] * 6
    assert store.layer("truth")["face_id"].to_pylist() == [0, 1]
    assert ingester.ingest(clip, labeller=Says("1")).status == "skipped"
    assert ingester.ingest(clip, labeller=Says("2")).status == "ingested"
    assert len(store) == 8


def _ingest_at(folder: Path, video: Path, start: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "mien", "ingest", str(video), "--size", "48", "--fps", "10"]
    done = subprocess.run([*command, "--store", str(folder)], capture_output=True)
    sys.exit(done.returncode)


def test_two_ingests_into_one_store_at_once(clip, tmp_path):
    folder = tmp_path / "s"  # made by whichever is first
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    videos = [clip, clip.with_name("carphone_distorted.mp4")]
    processes = [context.Process(target=_ingest_at, args=(folder, v, start)) for v in videos]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    store = Store.open(folder)
    assert sorted(store.info.sources) == [f"videos/{video.name}" for video in sorted(videos)]
    alone, _ = ingest(tmp_path / "alone", clip, fps=10.0)
    rows = np.flatnonzero(store.codes("video").where(CLIP))
    assert (store.pixels().gather(rows) == alone.pixels().gather(np.arange(40))).all()


def test_the_same_video_is_not_ingested_twice_at_once(clip, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 48)

    class Nested(Says):
        def __call__(self, faces):
            with pytest.raises(InputError, match="another process is ingesting it"):
                Ingester(Store.open(store.folder), IngestSettings()).ingest(clip)
            return super().__call__(faces)

    Ingester(store, IngestSettings(fps=2.0)).ingest(clip, labeller=Nested("1"))
    assert len(store) == 8


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_ingest_resumes_to_the_same_store(clip, tmp_path, stop):
    command = [sys.executable, "-m", "mien", "ingest", str(clip), "--size", "48", "--json"]
    for attempt in range(3):  # on a busy machine it may be done before the signal comes
        store = tmp_path / f"killed{attempt}"
        process = subprocess.Popen(
            [*command, "--store", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # under nohup too
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            journals = list(store.glob("partial/*.jsonl"))
            if journals and journals[0].read_text().count("\n") > 20:
                break
            time.sleep(0.005)
        process.send_signal(stop)
        _, err = process.communicate(timeout=60)
        if process.returncode != 0:
            break
    assert process.returncode == (-9 if stop == signal.SIGKILL else 130), err
    assert len(Store.open(store)) == 0
    kept = next(iter(store.glob("partial/*.jsonl"))).read_text().count("\n")
    assert kept > 20
    done = subprocess.run([*command, "--store", str(store)], capture_output=True, check=True)
    assert json.loads(done.stdout)["videos"][0]["status"] == "ingested"
    whole, _ = ingest(tmp_path / "whole", clip)
    resumed = Store.open(store)
    assert resumed.table().equals(whole.table())
    rows = np.arange(120)
    assert (resumed.pixels().gather(rows) == whole.pixels().gather(rows)).all()
    assert not list((store / "partial").iterdir())


def other_of_the_name(clip: Path, folder: Path) -> Path:
    """Return another video of the clip's file name."""
    folder.mkdir()
    other = folder / clip.name
    other.write_bytes(clip.with_name("carphone_distorted.mp4").read_bytes())
    return other


def test_two_files_of_a_name_at_once_are_two_videos(clip, tmp_path, monkeypatch):
    other = other_of_the_name(clip, tmp_path / "other")
    store = Store.open_or_create(tmp_path / "s", 48)
    collect = Ingester._collect

    def meanwhile(*args):
        monkeypatch.setattr(Ingester, "_collect", collect)
        Ingester(Store.open(store.folder), IngestSettings(fps=2.0)).ingest(other)
        return collect(*args)

    monkeypatch.setattr(Ingester, "_collect", meanwhile)
    summary = Ingester(store, IngestSettings(fps=2.0)).ingest(clip)
    assert summary.video != CLIP
    assert set(store.info.sources) == {CLIP, summary.video}
    assert set(store.names("video")) == {CLIP, summary.video}
    assert set(store.names("subject")) == {f"{CLIP}#0", f"{summary.video}#0"}
    assert len(store) == 16


def test_names_that_are_no_utf_8_are_shown_and_stored(clip, tmp_path, cli):
    name = os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(clip, tmp_path / name)
    bad = tmp_path / os.fsdecode(b"\xe8.mp4")
    bad.write_bytes(b"")
    result = cli(
        *("ingest", bad, tmp_path / name, "--store", tmp_path / "s", "--size", 48, "--fps", 2),
        "--json",
    )
    assert result.code == 2
    told = json.loads(result.out)
    assert told["videos"][0]["video"] == "videos/caf\\xe9.mp4"
    assert told["failed"][0]["input"] == f"{tmp_path}/\\xe8.mp4"
    assert set(Store.open(tmp_path / "s").names("video")) == {"videos/caf\\xe9.mp4"}


def test_detections_of_another_stream_or_version_do_not_count(clip, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 48)
    keys = {
        Ingester(store, IngestSettings(**asked))._detections()
        for asked in ({}, {"stream": 1}, {"min_face": 30.0})
    }
    assert len(keys) == 3
    assert all("mien" in key and "av" in key for key in keys)


def test_one_video_is_named_as_text_and_a_folder_without_any_is_refused(clip, tmp_path):
    done = mien.ingest(str(clip), store=tmp_path / "s", size=48, fps=2)
    assert [video.faces for video in done.videos] == [8]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: holds no video"):
        mien.ingest([tmp_path / "empty"], store=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_an_animated_picture_in_a_folder_is_a_video(clip, tmp_path):
    frames = [Image.fromarray(frame.rgb) for frame in decode(clip) if frame.index < 3]
    (tmp_path / "in").mkdir()
    name = tmp_path / "in" / "moving.webp"
    frames[0].save(name, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    frames[0].save(tmp_path / "in" / "still.png")
    done = mien.ingest([tmp_path / "in"], store=tmp_path / "s", size=48, fps=10)
    assert [video.frames for video in done.videos] == [3]
    assert [Path(path).name for path, _ in done.skipped] == ["still.png"]


def test_a_store_with_a_begun_import_is_kept_and_goes_on(clip, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 48)
    (tmp_path / "s" / "partial").mkdir()
    (tmp_path / "s" / "partial" / "0.jsonl").touch()
    store.discard_if_empty()
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == [
        ".lock",
        "partial",
        "store.json",
        "subjects.csv",
    ]
    (tmp_path / "s" / "store.json").unlink()  # as earlier versions left it
    assert len(Store.open_or_create(tmp_path / "s", 48)) == 0


def test_a_store_that_another_process_found_empty_is_made_again(clip, tmp_path):
    store = Store.open_or_create(tmp_path / "s", 48)
    Store.open(tmp_path / "s").discard_if_empty()
    assert not (tmp_path / "s").exists()
    with pytest.raises(InputError, match="another process removed it"), store.writing():
        pass
    with pytest.raises(InputError, match="is no store any more"):
        store.reload()
    assert Ingester(store, IngestSettings(fps=2.0)).ingest(clip).faces == 8
    assert len(Store.open(tmp_path / "s")) == 8


@pytest.mark.parametrize(
    "asked",
    [{"fps": -1}, {"fps": 0}, {"fps": "30"}, {"margin": -0.5}, {"min_face": 0}, {"stream": -1}],
)
def test_numbers_out_of_range_are_refused_before_anything_is_made(clip, tmp_path, asked):
    (name,) = asked
    with pytest.raises(InputError, match=name):
        mien.ingest([clip], store=tmp_path / "s", **asked)
    assert not (tmp_path / "s").exists()
    with pytest.raises(InputError, match=name):
        mien.analyze([clip], out=tmp_path / "o.csv", **asked)
