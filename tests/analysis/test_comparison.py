"""Agreement of two tables, with numbers worked by hand."""

import json

import numpy as np
import pytest
from made_tables import made

import mien
from mien.analysis.affect_table import AffectTable, write_table
from mien.errors import InputError


def annotation(path, times, values, name="valence"):
    lines = [f"{t:.4f},{v:.4f}" for t, v in zip(times, values, strict=True)]
    path.write_text(f"timestamp,{name}\n" + "\n".join(lines) + "\n")
    return path


def test_lag_bias_and_limits(tmp_path):
    times = np.arange(0, 20, 0.04)
    a = annotation(tmp_path / "a.csv", times, np.sin(times))
    b = annotation(tmp_path / "b.csv", times, np.sin(times - 0.4) + 0.1)
    (found,) = mien.compare(a, b).continuous
    assert found.lag_s == pytest.approx(0.4, abs=0.021)
    assert found.lag_r == pytest.approx(1, abs=1e-3)
    assert found.r < 0.95
    assert found.bias == pytest.approx(0.1, abs=0.03)
    assert found.high - found.bias == pytest.approx(1.96 * (found.b - found.a).std(ddof=1))
    slow = annotation(tmp_path / "c.csv", times[::5], np.sin(times[::5]))
    (same,) = mien.compare(a, slow).continuous  # other moments: interpolated
    assert same.ccc > 0.999
    assert same.n == 496


def test_gaps_are_not_compared(tmp_path):
    times = np.arange(0, 10, 0.1)
    kept = (times < 3) | (times > 6)
    a = annotation(tmp_path / "a.csv", times, times / 10)
    b = annotation(tmp_path / "b.csv", times[kept], times[kept] / 10)
    (found,) = mien.compare(a, b).continuous
    assert found.n == kept.sum()


def test_two_people_of_one_table_and_kappa(tmp_path, cli):
    table = made(people=2)
    who = table.floats("face_id")
    said = [("sadness" if p == 1 and e == "happiness" else e) for p, e in
            zip(who, table.table["expression"].to_pylist(), strict=True)]  # fmt: skip
    values = np.where(who == 1, table.floats("AU12_r") / 2, table.floats("AU12_r"))
    table = table.with_columns({"expression": said, "AU12_r": values})
    write_table(tmp_path / "t.csv", table)
    done = cli("compare", tmp_path / "t.csv", tmp_path / "t.csv", "--person-b", 1, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["continuous"]["AU12_r"]["r"] == pytest.approx(1)
    assert found["continuous"]["AU12_r"]["bias"] == pytest.approx(
        -(75 * 2 + 174 * 0.4) / 249, abs=1e-3
    )
    assert found["nominal"]["AU12_c"]["kappa"] == 1
    nominal = found["nominal"]["expression"]
    assert nominal["agreement"] == pytest.approx(174 / 249)
    expected = (174 / 249) ** 2
    assert nominal["kappa"] == pytest.approx((174 / 249 - expected) / (1 - expected))
    assert "person 0 of talk.mp4 and 1 more, not compared" in done.err


def test_openface_is_compared_and_drawn(tmp_path, cli):
    from PIL import Image

    from mien.workflows.outputs import convert

    write_table(tmp_path / "t.csv", made())
    convert(tmp_path / "t.csv", tmp_path / "o.csv", format="openface-spaces")
    for name in ("o.html", "o.png"):
        done = cli("compare", tmp_path / "t.csv", tmp_path / "o.csv", "--out", tmp_path / name)
        assert done.code == 0, done.err
    assert "AU12_r" in done.out
    page = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert "<script src" not in page
    with Image.open(tmp_path / "o.png") as picture:
        assert picture.width > 1000


def test_what_cannot_be_compared_is_said(tmp_path):
    a = annotation(tmp_path / "a.csv", [0, 1, 2], [0, 1, 0])
    b = annotation(tmp_path / "b.csv", [0, 1, 2], [0, 1, 0], "arousal")
    with pytest.raises(InputError, match="no signal in common: valence against arousal"):
        mien.compare(a, b)
    back = annotation(tmp_path / "c.csv", [0, 2, 1], [0, 1, 0])
    with pytest.raises(InputError, match="does not rise"):
        mien.compare(a, back)
    write_table(tmp_path / "t.csv", AffectTable(made(1).table))
    with pytest.raises(InputError, match="no such person"):
        mien.compare(tmp_path / "t.csv", a, person_a=7)
    with pytest.raises(InputError, match=r"should end in \.html or \.png"):
        mien.compare(a, a, out=tmp_path / "x.pdf")
