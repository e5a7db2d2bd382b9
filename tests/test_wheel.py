"""The wheel, installed bare from the package registry, analyses a real clip without torch."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
ABSENT = ("torch", "numba", "plotly", "tensorboard", "pydantic", "safetensors", "onnxscript")
MOST_MB = 1200


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that finds nothing of this tree but what is installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=cwd, env=kept)


def done(*words: object, cwd: Path) -> str:
    result = run(*words, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder of the programs of a fresh environment with the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    done(sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("mien-*.whl")
    done(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    done(programs / "python", *PIP, "install", wheel, cwd=folder)
    return programs


@pytest.mark.slow
def test_the_bare_wheel_analyses_a_clip(installed, clip, tmp_path, capsys):
    out, seen = tmp_path / "x.csv", tmp_path / "x.mp4"
    said = done(
        installed / "mien", "analyze", clip, "--model", "joint-32-actors", "--out", out,
        "--overlay", seen, cwd=tmp_path,
    )  # fmt: skip
    assert "120 rows from 1 of 1 inputs" in said
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(120))
    assert all(row["success"] == "1" and -1 <= float(row["valence"]) <= 1 for row in rows)
    assert len({row["valence"] for row in rows}) > 60
    assert seen.stat().st_size > 10_000
    site = Path(
        done(
            installed / "python", "-c",
            "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path,
        ).strip()
    )  # fmt: skip
    assert [name for name in ABSENT if (site / name).exists()] == []
    size = sum(f.stat().st_size for f in site.rglob("*") if f.is_file()) / 1e6
    with capsys.disabled():
        print(f"\na bare installation takes {size:.0f} MB")
    assert size < MOST_MB


@pytest.mark.slow
def test_the_bare_wheel_names_the_extra_that_a_command_needs(installed, tmp_path):
    result = run(
        installed / "mien", "train", "joint-32", "--store", "s", "--run", "r", cwd=tmp_path
    )
    assert result.returncode == 2
    assert result.stderr == "mien: error: `mien train` needs torch: pip install 'mien[train]'\n"
