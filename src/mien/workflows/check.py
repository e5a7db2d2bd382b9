"""`mien.check`: what is wrong with a store, before anybody trains on it."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.atomic import replacing
from mien.errors import InputError, unknown_name
from mien.progress import Progress, silent
from mien.store import Store
from mien.text import cell

if TYPE_CHECKING:
    from mien.curation.findings import Finding

PICTURED = 60
"""Faces or pairs in a picture."""


def check(
    store: str | Path,
    *,
    checks: Sequence[str] = (),
    split: str | None = None,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> "list[Finding]":
    """Look for leaks, near-duplicates, impossible labels, wrong counts and noise in a store.

    checks: names of `mien.curation.checks.CHECKS`; all where none is named. split: its name, as for
    `Store.split`. out: a folder for each finding's rows (CSV) and faces (PNG). Raises InputError
    for an unknown check, or a store without faces.
    """
    from mien.curation.checks import CHECKS, Subject

    for name in checks:
        if name not in CHECKS:
            raise unknown_name("check", name, CHECKS)
    opened = Store.open(Path(store))
    if len(opened) == 0:
        raise InputError(f"{store}: holds no face")
    subject = Subject(opened, opened.split(split) if opened.splits or split else None, progress)
    found: list[Finding] = []
    for i, name in enumerate(checks or CHECKS):
        progress(i, len(checks or CHECKS), name)
        found += CHECKS[name](subject)
    if out is not None:
        _write(opened, found, Path(out))
    return found


def _write(store: Store, findings: "Sequence[Finding]", folder: Path) -> None:
    """Write NN-check.csv and NN-check.png for every finding that names faces."""
    from mien.media.images import grid, write_image

    folder.mkdir(parents=True, exist_ok=True)
    names = {column: store.names(column) for column in ("video", "image", "subject", "source")}
    ids, times = store.column("face_id"), store.column("time_s")
    pixels = store.pixels()
    for number, finding in enumerate(findings):
        if not len(finding.rows):
            continue
        stem = folder / f"{number:02d}-{finding.check}"
        lines = [
            [i, int(ids[row]), *(names[column][row] or "" for column in names), cell(times[row])]
            for i, line in enumerate(finding.rows.tolist())
            for row in line
        ]
        with (
            replacing(stem.with_suffix(".csv")) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["finding", "face_id", *names, "time_s"])
            writer.writerows(lines)
        shown = finding.rows[:PICTURED]
        faces = pixels.gather(shown.reshape(-1))
        write_image(stem.with_suffix(".png"), grid(faces, 6 * shown.shape[1]))
