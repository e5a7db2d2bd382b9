"""The page of an analysis in a real browser: it plays, seeks, marks the moment, gives its data."""

import sys
from pathlib import Path

import pytest

from mien.media.encode import VideoWriter

sys.path.append(str(Path(__file__).parents[1] / "analysis"))
from made_tables import made


def page_of(tmp_path: Path, faces: bool) -> Path:
    import numpy as np

    from mien.workflows.pages import write_analysis_page

    with VideoWriter(tmp_path / "talk.mp4", 25) as video:
        for i in range(250):
            video.write(np.full((144, 176, 3), i, np.uint8), i / 25)
    table = made(people=2, video=str(tmp_path / "talk.mp4"))
    write_analysis_page(tmp_path / "page.html", table, {}, faces)
    return tmp_path / "page.html"


def opened(chromium, file: Path, **options):
    page = chromium.new_page(**options)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri(), wait_until="domcontentloaded", timeout=120_000)
    drawn = "document.querySelectorAll('.person:not([hidden]) .drawn .main-svg').length > 1"
    page.wait_for_function(drawn, timeout=60_000)
    return page, errors


def test_traces_follow_the_video(chromium, tmp_path):
    file = page_of(tmp_path, faces=True)
    page, errors = opened(chromium, file, viewport={"width": 1300, "height": 900})
    page.wait_for_function("document.querySelector('video').readyState > 0", timeout=60_000)
    page.locator(".person:not([hidden]) [data-time]").first.click()
    time = float(page.locator(".person:not([hidden]) [data-time]").first.get_attribute("data-time"))
    page.wait_for_function(f"Math.abs(document.querySelector('video').currentTime - {time}) < 0.1")
    at = page.evaluate(
        "parseFloat(document.querySelector('.person:not([hidden]) .cursor').style.left)"
    )
    wide = page.evaluate("document.querySelector('.person:not([hidden]) .plot.time').clientWidth")
    assert 180 + (wide - 196) * (time / 10) == pytest.approx(at, abs=8)
    page.locator("[role=tab]").nth(1).click()
    assert page.locator(".person:not([hidden])").get_attribute("data-face") == "1"
    with page.expect_download() as download:
        page.locator("button.data").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.splitlines()[0].startswith("input,frame,timestamp,face_id")
    assert len(text.splitlines()) == 500
    assert str(tmp_path) not in text
    assert errors == []
    page.close()


def test_a_page_for_sharing_has_no_faces_and_no_paths(chromium, tmp_path):
    file = page_of(tmp_path, faces=False)
    text = file.read_text(encoding="utf-8")
    assert "data:image/jpeg" not in text
    assert str(tmp_path) not in text
    page, errors = opened(
        chromium, file, viewport={"width": 400, "height": 800}, color_scheme="dark"
    )
    assert page.locator("video").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 24, 27)"
    page.locator("input[type=file]").set_input_files(str(tmp_path / "talk.mp4"))
    page.wait_for_function("document.querySelector('video').readyState > 0", timeout=60_000)
    assert page.locator("video").is_visible()
    assert errors == []
    page.close()
