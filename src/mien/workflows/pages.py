"""The page of an analysis, from its table: where `analysis` and `report` meet."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.analysis.affect_table import AffectTable, write_csv_text
from mien.analysis.segments import expression_segments
from mien.analysis.summary import summarise
from mien.report.analysis_report import Told, write_report
from mien.report.figures import Stretch


def write_analysis_page(
    path: Path, table: AffectTable, about: Mapping[str, Any], faces: bool = True
) -> None:
    """Write the HTML report of a table. about: what the JSON beside the table says.

    faces: False leaves out pictures of faces, and paths: for sharing.
    """
    ribbons = {
        (person.input, person.face_id): [
            Stretch(s.start_s, s.end_s, s.label)
            for s in expression_segments(table, person, least_s=0.0)
        ]
        for person in table.people()
        if person.moving
    }
    names = [Path(str(name)).name for name in table.table["input"].to_pylist()]
    inside = table.with_columns({"input": names})
    text = io.StringIO()
    write_csv_text(text, inside.table)
    write_report(path, table, Told(ribbons, summarise(table), text.getvalue(), about), faces=faces)
