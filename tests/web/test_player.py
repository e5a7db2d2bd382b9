"""What the player shows is the frame that it names: numbers read back from screenshots."""

import io
import random
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from starlette.responses import Response
from starlette.routing import Route

from mien.media.prepare import prepare
from mien.web import Access, application, frame_routes, page, running
from numbered import read_number, uneven_ticks, write_numbered
from pages import until

COUNT = 240
SCRIPT = """
import { Player } from "mien/player";
const boxes = () => [{ x0: 100, y0: 40, x1: 130, y1: 75, label: "0", active: true }];
const query = new URLSearchParams(location.search);
const player = await Player.open(document.getElementById("app"), "/videos/" + query.get("video"),
  query.has("boxes") ? { boxes } : { sound: query.has("sound") });
window.shown = [];
player.addEventListener("frame", () => window.shown.push([player.frame, player.time]));
window.player = player;
"""


class Slow:
    """Frames that take their time, as of a busy machine; or are wrong."""

    def __init__(self, frames):
        self.frames, self.times, self.end_s = frames, frames.times, frames.end_s
        self.size, self.sound = frames.size, None

    def jpeg(self, frame):
        import time

        time.sleep(0.03)
        return self.frames.jpeg(frame)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    made = {
        "uneven": (uneven_ticks(COUNT), 3, 250),
        "even": ([20 * n for n in range(COUNT)], 2, 30),
    }
    frames = {}
    for name, (ticks, b_frames, group) in made.items():
        film = write_numbered(
            folder / f"{name}.mp4", ticks, Fraction(1, 600), b_frames=b_frames, group=group,
            sound_s=8.0 if name == "even" else 0.0,
        )  # fmt: skip
        frames[name] = prepare(film, folder / name)
    return frames | {"slow": Slow(frames["even"])}


@pytest.fixture(scope="module")
def base(films):
    access = Access({"r1": "1" * 32})

    async def home(request):
        return page("Film", script="/app.js")

    async def script(request):
        return Response(SCRIPT, media_type="text/javascript")

    routes = [Route("/", home), Route("/app.js", script)]
    routes += frame_routes("/videos", lambda request, name: films[name])
    with running(application(routes, access)) as address:
        yield f"{address}/?token={access.token('r1')}"


@pytest.fixture
def opened(chromium, base):
    with chromium.new_context(viewport={"width": 680, "height": 620}) as context:
        tab = context.new_page()
        tab.set_default_timeout(20_000)

        def open_film(name: str):
            tab.goto(f"{base}&video={name}")
            until(tab, "Boolean(window.player)")
            return tab

        yield open_film


def seen(tab) -> int:
    """Return the number on the picture, from a screenshot."""
    shot = tab.locator("canvas.player-picture").screenshot()
    return read_number(np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")))


def check(tab, frames, count: int, seed: int) -> None:
    """Seek and step at random; every time, picture, name and time must be those of one frame."""
    source, at = random.Random(seed), tab.evaluate("player.frame")
    for _ in range(count):
        if source.random() < 0.5:
            at = source.randrange(COUNT)
            tab.evaluate("n => player.seek(n)", at)
        else:
            step = source.choice([-10, -1, 1, 10])
            at = min(max(at + step, 0), COUNT - 1)
            key = {-10: "PageUp", -1: "ArrowLeft", 1: "ArrowRight", 10: "PageDown"}[step]
            tab.locator(".player").press(key)
            until(tab, f"player.frame === {at}")
        assert seen(tab) == at
        assert tab.locator(".player").get_attribute("data-frame") == str(at)
        assert tab.evaluate("player.time") == frames.times[at]
        assert tab.inner_text(".player-now").split("/")[0].strip() == str(at)


@pytest.mark.parametrize("name", ["uneven", "even"])
def test_what_is_shown_is_the_frame_that_is_named(opened, films, name):
    check(opened(name), films[name], 10, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uneven", "even"])
def test_two_hundred_seeks_and_steps_without_one_error(opened, films, name):
    check(opened(name), films[name], 200, seed=2)


def test_it_plays_at_the_films_own_times_and_stops_on_the_frame_it_names(opened, films):
    tab = opened("even")
    took = tab.evaluate("""async () => {
      shown.length = 0;
      const began = performance.now();
      player.play();
      const waits = (ms) => performance.now() - began < ms;
      while (waits(1500) || (shown.length < 4 && waits(20000)))
        await new Promise((done) => setTimeout(done, 100));
      player.pause();
      return (performance.now() - began) / 1000;
    }""")
    shown = tab.evaluate("shown")
    numbers = [frame for frame, _ in shown]
    assert numbers == sorted(numbers)
    assert all(films["even"].times[frame] == time_s for frame, time_s in shown)
    assert 0 < shown[-1][1] <= took + 0.1
    assert len(numbers) >= 4
    assert seen(tab) == numbers[-1] == tab.evaluate("player.frame")


def test_a_slow_server_makes_it_skip_or_wait_never_lie(opened):
    tab = opened("slow")
    tab.evaluate("player.setRate(2)")
    for _ in range(3):
        tab.locator(".player").press(" ")
        tab.wait_for_timeout(400)
        tab.locator(".player").press(" ")
        at = tab.evaluate("player.frame")
        assert seen(tab) == at
    assert at > 5
    tab.evaluate("[5, 80, 31, 12].forEach((n) => player.seek(n))")
    until(tab, "player.frame === 12")
    assert seen(tab) == 12


def test_the_sound_is_the_clock_where_it_is_played(opened):
    tab = opened("even&sound")
    tab.evaluate("player.seek(60)")
    tab.locator(".player").press(" ")
    until(tab, "player.time > 2.3")
    apart = tab.evaluate(
        "[player.playing, player._sound.paused, player._sound.currentTime - player.time]"
    )
    assert apart[:2] == [True, False]
    assert -0.05 < apart[2] < 1
    tab.locator(".player").press(" ")
    assert tab.evaluate("player._sound.paused")
    assert seen(tab) == tab.evaluate("player.frame")
    ask = "async (path) => (await fetch(path, { headers: { Range: 'bytes=9-19' } })).status"
    assert tab.evaluate(ask, "/videos/even/sound") == 206
    assert tab.evaluate(ask, "/videos/uneven/sound") == 404


def test_a_range_is_played_again_and_again(opened):
    tab = opened("even")
    tab.evaluate("player.seek(100)")
    tab.locator(".player").press("[")
    tab.evaluate("player.seek(108)")
    tab.locator(".player").press("]")
    assert tab.inner_text("text=Loop") == "Loop 100–108"
    tab.evaluate("player.seek(100)")
    tab.evaluate("shown.length = 0")
    tab.locator(".player").press(" ")
    until(tab, "shown.filter(([n], i) => i && n < shown[i - 1][0]).length >= 2")
    tab.locator(".player").press(" ")
    assert {n for n, _ in tab.evaluate("shown")} <= set(range(100, 109))


def test_the_box_is_drawn_and_zoom_follows_it(opened, base):
    tab = opened("even&boxes")
    yellow = """() => {
      const canvas = document.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let [left, right] = [canvas.width, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (data[i] > 200 && data[i + 1] > 170 && data[i + 2] < 120) {
          const x = (i / 4) % canvas.width;
          [left, right] = [Math.min(left, x), Math.max(right, x)];
        }
      }
      return [left, right];
    }"""
    left, right = tab.evaluate(yellow)
    assert (left, right) == (pytest.approx(100, abs=2), pytest.approx(130, abs=2))
    tab.locator(".player").press("z")
    left, right = tab.evaluate(yellow)
    assert right - left == pytest.approx(30 / 0.74, abs=3)


def test_another_frame_than_asked_for_is_refused(opened, base):
    tab = opened("even")
    tab.route("**/frames/77", lambda route: route.continue_(url=route.request.url[:-2] + "78"))
    tab.evaluate("player.seek(40)")
    tab.evaluate("player.seek(77)")
    assert "frame 77: the server sent another" in tab.inner_text(".player-said")
    assert tab.evaluate("player.frame") == 40
    assert seen(tab) == 40


def test_a_video_that_is_not_there_is_said(opened, films):
    tab = opened("even")
    ask = "async (path) => [(await fetch(path)).status, await (await fetch(path)).text()]"
    assert tab.evaluate(ask, "/videos/none/frames") == [404, '{"error":"there is no such video"}']
    answer = tab.evaluate(ask, f"/videos/even/frames/{COUNT}")
    assert answer == [404, f'{{"error":"there is no frame {COUNT}"}}']
    assert tab.evaluate(ask, "/videos/even/frames/-1")[0] == 404
