"""The page of formats, run as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from mien.store import Store
from mien.store.schema import FACE_COLUMNS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


def code() -> str:
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## Store") : text.index("## Labels")]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return block


def test_a_store_opens_without_mien_as_the_page_says(faces, tmp_path):
    (tmp_path / "store").symlink_to(faces)
    check = "import sys\nassert not [m for m in sys.modules if m.startswith('mien')]\n"
    done = subprocess.run(
        [sys.executable, "-c", code() + check], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, columns = done.stdout.splitlines()
    assert first == "corpus/person00 train (48, 48, 3)"
    assert all(repr(name) in columns for name in FACE_COLUMNS)
    assert "'AU12_r'" in columns


def test_what_is_read_so_is_what_mien_reads(faces, tmp_path, monkeypatch):
    (tmp_path / "store").symlink_to(faces)
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(code(), found)
    store = Store.open(faces)
    assert found["faces"].equals(store.table())
    table = found["labelled"].sort_by("face_id")
    assert isinstance(table, pa.Table)
    assert table["part"].to_pylist() == store.split().to_list()
    valence = store.labels().column("valence_arousal", "valence")
    assert table["valence"].to_pylist() == [None if v != v else v for v in valence.tolist()]
