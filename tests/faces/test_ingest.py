import json
import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

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
    context = multiprocessing.get_context("fork")
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
