"""`mien.compare`: how far two tables agree, and in what they differ."""

from pathlib import Path

from mien import ranges
from mien.analysis.comparison import Comparison, compare_courses
from mien.analysis.courses import read_course
from mien.errors import InputError

SUFFIXES = (".html", ".png")


def compare(
    a: str | Path,
    b: str | Path,
    *,
    person_a: int | None = None,
    person_b: int | None = None,
    input_a: str | None = None,
    input_b: str | None = None,
    max_lag: float = 2.0,
    out: str | Path | None = None,
) -> Comparison:
    """Compare two tables: two people, two models, or a model and an annotation.

    a, b: tables of `mien analyze`, of OpenFace, or CSV with `timestamp` and columns of mien's
    names; the same table may be named twice, with two people. person_a, input_a ...: of a table
    that holds several; without, the person seen longest. max_lag: seconds. out: page or picture to
    write. Raises InputError where there is nothing in common.
    """
    ranges.SMOOTHING.check("max_lag", max_lag)
    target = None if out is None else Path(out)
    if target is not None and target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{target}: its name should end in {' or '.join(SUFFIXES)}")
    if target is not None and not target.parent.is_dir():
        raise InputError(f"{target}: the folder {target.parent} does not exist")
    courses = read_course(Path(a), person_a, input_a), read_course(Path(b), person_b, input_b)
    found = compare_courses(*courses, max_lag)
    if target is not None:
        _draw(target, found)
    return found


def _draw(target: Path, found: Comparison) -> None:
    if target.suffix.lower() == ".png":
        from mien.report.comparison_picture import write_comparison_picture

        write_comparison_picture(target, found)
    else:
        from mien.extras import need
        from mien.report.comparison_page import write_comparison_page

        need("mien compare --out page.html", "plotly")
        write_comparison_page(target, found)
