"""The picture in docs/architecture.md, held to the code."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "mien"

LAYERS = (
    {"cli"},
    {"workflows"},
    {"training", "evaluation", "generation", "analysis", "report", "reproduction", "annotation"},
    {"curation"},
    {"corpora", "actors"},
    {"faces", "download"},
    {"store", "media", "runs", "web"},
    {"models", "losses"},
    {"recognition"},
    {"metrics"},
    {"labels"},
    {"atomic", "extras", "ranges"},
    {"errors", "text", "progress", "processors", "weights"},
)
"""From the top; imports point down, and siblings do not import each other."""

DATA = {"recipes"}
"""Packages that hold files and no code."""

NO_TORCH = (
    "actors",
    "labels",
    "metrics",
    "store",
    "media",
    "report",
    "corpora",
    "faces",
    "runs",
    "reproduction",
    "recognition",
    "analysis",
    "annotation",
    "curation",
    "download",
    "web",
    "workflows",
)


def layer_of(name: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


def imports() -> list[tuple[Path, str, str]]:
    """List every import of mien within mien: file, package it is in, package it names."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        home = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if home in ("__init__", "__main__", *DATA):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            found += [(path, home, n.split(".")[1]) for n in names if n.startswith("mien.")]
    return found


def test_imports_point_down_and_siblings_leave_each_other_alone():
    edges = imports()
    assert len(edges) > 100
    wrong = [
        f"{path.relative_to(SOURCE)} imports {there}"
        for path, home, there in edges
        if home != there and layer_of(there) <= layer_of(home)
    ]
    assert wrong == []


def test_there_are_no_relative_imports_and_no_unplaced_packages():
    packages = {p.name for p in SOURCE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert packages - DATA <= set().union(*LAYERS)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


@pytest.mark.parametrize("package", NO_TORCH)
def test_what_needs_no_torch_does_not_load_it(package):
    modules = [
        ".".join(("mien", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for path in sorted((SOURCE / package).rglob("*.py"))
    ]
    code = f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
    code += "assert 'torch' not in sys.modules and 'cv2' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_imports_opencv():
    assert not [p for p in SOURCE.rglob("*.py") if "import cv2" in p.read_text(encoding="utf-8")]
