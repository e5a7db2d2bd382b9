"""`mien live` in a browser: a made camera that films a real clip, and a film."""

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from PIL import Image

import mien
from mien.errors import InputError
from mien.media.decode import decode
from mien.models.torch_recogniser import TorchRecogniser
from mien.recognition.landmarks import fitting
from mien.workflows.live import live
from pages import until
from recognition.small_networks import HEADS, small

SOURCE = str(Path(mien.__file__).parents[1])


@pytest.fixture
def started(tmp_path):
    """Start `mien live` in a process of its own; returns the link. It ends by Ctrl-C, orderly."""
    servers = []

    def start(*arguments: object) -> str:
        words = [sys.executable, "-m", "mien", "live", *map(str, arguments)]
        server = subprocess.Popen(
            words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": SOURCE},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        servers.append(server)
        line = server.stdout.readline()
        assert line.startswith("open http://127.0.0.1:"), server.communicate()
        return line.split()[1]

    yield start
    for server in servers:
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=30)
        assert (server.returncode, said) == (0, "")


@pytest.fixture(scope="session")
def camera(clip, browsers, tmp_path_factory):
    """Return a browser whose camera films the clip, again and again."""
    film = tmp_path_factory.mktemp("camera") / "clip.mjpeg"
    with av.open(str(film), "w", format="mjpeg") as output:
        stream = output.add_stream("mjpeg", rate=30, options={"qmin": "2", "qmax": "3"})
        stream.width, stream.height, stream.pix_fmt = 352, 288, "yuvj420p"
        for i, frame in enumerate(decode(clip)):
            picture = np.asarray(Image.fromarray(frame.rgb).resize((352, 288)))
            source = av.VideoFrame.from_ndarray(picture, format="rgb24")
            source.pts = i
            output.mux(stream.encode(source))
        output.mux(stream.encode(None))
    return browsers(
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )  # fmt: skip


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_camera_is_looked_at_and_recorded(started, camera, tmp_path):
    link = started("--out", "seen.csv")
    with camera.new_context(viewport={"width": 1280, "height": 800}) as context:
        tab, sent, errors = context.new_page(), [], []
        tab.on("request", lambda request: sent.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(link)
        tab.click("text=Start camera")
        until(tab, "document.querySelector('.live-status').innerText.includes('1 face')", 90)
        tab.click("text=Record")
        until(tab, "/ [2-9] rows/.test(document.querySelector('.live-record').innerText)", 90)
        assert "seen.csv" in tab.inner_text(".live-record")
        words = tab.get_attribute(".live-circle", "aria-label")
        assert re.fullmatch(r"valence -?\d\.\d\d, arousal -?\d\.\d\d", words)
        assert tab.locator(".live-bars").count() == 2
        assert tab.locator(".live-traces canvas").count() == 2
        box = """() => {
          const canvas = document.querySelector(".live-stage canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let n = 0;
          for (let i = 0; i < data.length; i += 4) {
            n += data[i] > 240 && Math.abs(data[i + 1] - 210) < 12 && data[i + 2] < 110;
          }
          return n > 200;
        }"""
        until(tab, box, 60)
        tab.click("text=Stop recording")
        tab.click("button:text-is('Stop')")
        until(tab, "document.querySelector('button.primary')?.innerText === 'Start camera'")
        base = link.partition("/?")[0]
        assert {url[: len(base)] for url in sent if not url.startswith(("data:", "blob:"))} == {
            base
        }
        assert errors == []
        assert tab.inner_text("[role=alert]") == ""
    path = tmp_path / "seen.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = rows_of(path)
    assert len(rows) >= 2
    assert [row["input"] for row in rows] == ["camera"] * len(rows)
    assert rows[0]["timestamp"] == "0.000000"
    times = [float(row["timestamp"]) for row in rows]
    assert times == sorted(times)
    assert 0 < times[1] < 60
    faces = [row for row in rows if row["success"] == "1"]
    assert faces
    assert {row["face_id"] for row in faces} == {"0"}
    assert all(-1.5 < float(row["valence"]) < 1.5 for row in faces)
    assert all(0 <= float(row["AU12_p"]) <= 1 for row in faces)


def test_a_film_is_shown_with_what_is_seen_in_each_frame(started, chromium, clip, tmp_path):
    link = started(clip)
    with chromium.new_context(viewport={"width": 760, "height": 900}) as context:
        tab = context.new_page()
        tab.goto(link)
        tab.click("text=Play")
        until(tab, "document.querySelector('.live-status').innerText.includes('1 face')", 90)
        until(tab, "document.querySelector('button.primary')?.innerText === 'Play'", 90)
        assert tab.inner_text("[role=alert]") == ""
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_picture_or_comes_too_late_is_refused_in_a_line(started):
    link = started()
    base, _, token = link.partition("/?token=")
    bearer = {"Authorization": f"Bearer {token}"}
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "JPEG")
    wide = io.BytesIO()
    Image.new("1", (5000, 1)).save(wide, "PNG")

    def look(data: bytes, time_s: object = 1.0, session: str = "a" * 8) -> tuple[int, object]:
        query = {"time": str(time_s), "session": session}
        answer = httpx.post(f"{base}/look", params=query, content=data, headers=bearer, timeout=60)
        return answer.status_code, answer.json().get("error")

    assert look(file.getvalue()) == (200, None)
    assert look(file.getvalue()) == (400, "times of pictures must rise")
    assert look(file.getvalue(), 2, session="b" * 8) == (200, None)
    assert look(file.getvalue(), 2, session="short") == (
        400, "a request needs the session of its page",
    )  # fmt: skip
    for time_s in ("nan", "-1", "soon", "1e9", "inf"):
        assert look(file.getvalue(), time_s) == (400, "a picture needs its time in seconds")
    assert look(wide.getvalue(), 3) == (400, "a picture of more than 4096 pixels a side")
    for data in (b"", b"GIF89a", b"%!PS-Adobe", file.getvalue()[:80]):
        status, error = look(data, 3)
        assert status == 400
        assert error.startswith("this is no picture")
        assert "\n" not in error
    query = {"time": "4", "session": "c" * 8}
    told = httpx.post(
        f"{base}/look", params=query, content=file.getvalue(), headers=bearer, timeout=60
    )
    assert json.loads(told.text)["faces"] == []


def test_people_are_followed_across_the_pauses_of_a_slow_machine(clip):
    from mien.analysis.analyze import SourceFrame
    from mien.analysis.live import Onlooker
    from mien.workflows.models import load_recogniser

    look = Onlooker(load_recogniser("mien-base")).look
    first = next(decode(clip)).rgb
    seen = [look(SourceFrame(i, 3.0 * i, first)) for i in range(3)]
    assert [one.face_id.tolist() for one in seen] == [[0]] * 3
    black = np.zeros_like(first)
    for i in range(3, 12):
        assert len(look(SourceFrame(i, 3.0 * i, black)).found) == 0
    assert look(SourceFrame(12, 40.0, first)).face_id.tolist() == [0]


class Fed(TorchRecogniser):
    """Follows people, and takes landmarks; notes what it is given."""

    follows = True

    def anew(self):
        return Fed(self.network, self.spec, self.preprocessing)

    def predict(self, crops, tracks=None, time_s=None, landmarks=None):
        self.given = tracks, time_s, landmarks
        return super().predict(crops, tracks, time_s, fitting(landmarks, len(crops), 5))


def test_a_recogniser_that_follows_is_given_people_times_and_landmarks(clip):
    from mien.analysis.analyze import SourceFrame
    from mien.analysis.live import Onlooker

    plain = small(HEADS[:1])
    model = Fed(plain.network, plain.spec, plain.preprocessing)
    model.preprocessing = replace(plain.preprocessing, landmarks=5)
    model.network.forward = lambda images, points: points[:, :2, 0]
    one, other = Onlooker(model), Onlooker(model)
    assert one.recogniser is not other.recogniser  # each page's people are its own
    first = next(decode(clip)).rgb
    seen = one.look(SourceFrame(0, 1.0, first))
    tracks, times, landmarks = one.recogniser.given
    assert (tracks.tolist(), times.tolist()) == ([0], [0.0])
    eyes = landmarks[0, :2]
    assert (np.abs(eyes) < 0.7).all()
    assert eyes[0, 0] < 0 < eyes[1, 0]
    assert seen.predictions["valence_arousal"].shape == (1, 2)
    model.preprocessing = replace(plain.preprocessing, window=7)
    with pytest.raises(InputError, match="sees 7 pictures together"):
        Onlooker(model)


def test_recordings_never_replace_a_file(tmp_path):
    from mien.analysis.live import recording_path

    path = tmp_path / "a.csv"
    assert recording_path(path) == path
    path.touch()
    (tmp_path / "a-2.csv").touch()
    assert recording_path(path) == tmp_path / "a-3.csv"
    assert re.fullmatch(r"live-\d{8}-\d{6}\.csv", str(recording_path(None)))


def test_bad_options_are_refused_before_anything_is_served(tmp_path, clip):
    photograph = tmp_path / "face.png"
    Image.new("RGB", (64, 64)).save(photograph)
    for wrong, options in (
        ("is a photograph", {"source": photograph}),
        ("does not exist", {"source": tmp_path / "none.mp4"}),
        (r"should end in \.csv", {"out": tmp_path / "a.txt"}),
        ("the folder", {"out": tmp_path / "none" / "a.csv"}),
        ("nose", {"detector": "nose"}),
        ("nobody", {"model": "nobody"}),
        ("margin", {"margin": 0.4}),
        ("port 70000", {"port": 70000}),
    ):
        with pytest.raises(InputError, match=wrong):
            live(**options)
