"""Everything that an annotator said of an item, as JSON: what reads back to the same project.

ANNOTATOR/talk.json
"""

import json
from pathlib import Path
from typing import Any

from mien.annotation.formats.base import Entry, Sheet, marks_entry, read_text, safe_name
from mien.annotation.marks import Mark
from mien.annotation.state import State
from mien.atomic import write_text
from mien.errors import InputError

FORMAT = "mien-annotation-item-1"


class JsonItems:
    """The format `json`."""

    carries: tuple[str, ...] = ("va", "au", "expression")

    def files(self, folder: Path, sheet: Sheet) -> list[Path]:
        """One file."""
        return [folder / sheet.annotator / f"{safe_name(sheet.item.name)}.json"]

    def write(self, folder: Path, sheet: Sheet) -> None:
        """Write all tasks; marks with the times of their first frame and of their end."""
        if not sheet.states:
            return
        (path,) = self.files(folder, sheet)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "item": sheet.item.name,
            "annotator": sheet.annotator,
            "frames": len(sheet.frames),
            "shifted_s": sheet.shift_s,
            "tasks": {task: _task(state, sheet) for task, state in sheet.states.items()},
        }
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def read(self, folder: Path, sheet: Sheet, notes: list[str]) -> list[Entry]:
        """Read all tasks that the project has."""
        (path,) = self.files(folder, sheet)
        if not path.is_file():
            return []
        try:
            content = json.loads(read_text(path))
            if content["format"] != FORMAT:
                raise InputError(f"{path}: format {content['format']!r}, not {FORMAT}")
            if content["frames"] != len(sheet.frames):
                raise InputError(
                    f"{path}: is of {content['frames']} frames, the item has {len(sheet.frames)}: "
                    "it was made of another file"
                )
            return [
                entry
                for task, values in content["tasks"].items()
                if task in sheet.labels
                for entry in _entries(task, values, len(sheet.frames))
            ]
        except InputError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read: {error!r}") from error


def _task(state: State, sheet: Sheet) -> dict[str, Any]:
    found = state.to_dict()
    if not sheet.spent:
        del found["spent_ms"]
    for mark in found["marks"]:
        mark["from_s"] = round(float(sheet.frames.time_s[mark["first"]]), 6)
        mark["to_s"] = round(float(sheet.frames.until_s[mark["last"]]), 6)
    if sheet.shift_s:
        for take in found["takes"]:
            rows = [[round(s - sheet.shift_s, 6), *v] for s, *v in take["samples"]]
            take["samples"] = [row for row in rows if row[0] >= 0]
    return found


def _entries(task: str, values: dict[str, Any], frames: int) -> list[Entry]:
    marks = []
    for mark in values["marks"]:
        told = {k: v for k, v in mark.items() if k not in ("from_s", "to_s")}
        marks.append(Mark.from_dict(told, frames))
    entries = marks_entry(task, marks)
    nudges = list(values["nudges"])
    for i, take in enumerate(values["takes"]):
        entries += _nudged(task, nudges, i)
        begun = {k: v for k, v in take.items() if k != "samples"}
        entries.append(Entry(task, "take", begun))
        if take["samples"]:
            body = {"take": take["take"], "samples": take["samples"]}
            entries.append(Entry(task, "samples", body))
    entries += _nudged(task, nudges, len(values["takes"]))
    for frame, valence, arousal in values["points"]:
        body = {"frame": frame, "valence": valence, "arousal": arousal}
        entries.append(Entry(task, "point", body))
    for label, spans in values["seen"].items():
        for first, last in spans:
            body = {"labels": [label], "first": first, "last": last}
            entries.append(Entry(task, "seen", body))
    for name in values.get("rejected", ()):
        entries.append(Entry(task, "reject", {"of": name}))
    if values["note"]:
        entries.append(Entry(task, "note", {"text": values["note"]}))
    return entries


def _nudged(task: str, nudges: list[dict[str, Any]], after: int) -> list[Entry]:
    return [
        Entry(task, "nudge", {k: v for k, v in nudge.items() if k != "after"})
        for nudge in nudges
        if nudge["after"] == after
    ]
