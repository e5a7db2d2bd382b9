"""Labels of a project out into files of a format, and files of a format into a project."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.annotation.formats import FORMATS
from mien.annotation.formats.base import Entry, Sheet
from mien.annotation.items import Item
from mien.annotation.journal import Action
from mien.annotation.panel import FIRST, ledger_of
from mien.annotation.project import Project
from mien.annotation.state import Ledger
from mien.errors import InputError, check_name


@dataclass
class Exchanged:
    """What came of it. files: that were written or read. labels: actions that were added."""

    files: list[Path] = field(default_factory=list)
    labels: int = 0
    notes: list[str] = field(default_factory=list)


def export_labels(
    project: Project,
    folder: Path,
    format: str,
    annotators: Sequence[str],
    round: str,
    shifts_s: Mapping[str, float],
    spent: bool = False,
) -> Exchanged:
    """Write what annotators said in one pass. shifts_s: by how much traces are written earlier."""
    check_name("format", format, FORMATS)
    done = Exchanged()
    for annotator in annotators:
        for item in project.info.items:
            shift = shifts_s.get(annotator, 0.0)
            sheet = _sheet(project, annotator, item, round, shift, spent)
            if not sheet.states:
                continue
            FORMATS[format].write(folder, sheet)
            done.files += [p for p in FORMATS[format].files(folder, sheet) if p.is_file()]
    return done


def _sheet(
    project: Project, annotator: str, item: Item, round: str, shift_s: float, spent: bool
) -> Sheet:
    states = {}
    for task in project.info.tasks:
        ledger = ledger_of(project, annotator, item, task, round)
        if ledger.last or (round != FIRST and ledger.state != type(ledger.state)()):
            states[task] = ledger.state
    frames, labels = project.frames(item.id), project.labels_of(item)
    return Sheet(annotator, item, frames, labels, states, shift_s, spent)


def import_labels(
    project: Project, folder: Path, format: str, annotators: Sequence[str]
) -> Exchanged:
    """Add what the files of a folder say, all of it or nothing, to annotators' first pass.

    What was imported before is not added again. Raises InputError where a file does not fit, where
    an annotator has other labels of the same item and task, and where nothing is there to read.
    """
    check_name("format", format, FORMATS)
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder")
    done, actions = Exchanged(), list[Action]()
    for annotator in annotators:
        for item in project.info.items:
            sheet = Sheet(annotator, item, project.frames(item.id), project.labels_of(item))
            there = [p for p in FORMATS[format].files(folder, sheet) if p.is_file()]
            if not there:
                continue
            entries = FORMATS[format].read(folder, sheet, done.notes)
            actions += _actions(project, annotator, item, entries, there[0])
            done.files += there
    if not done.files:
        sheet = Sheet(annotators[0], project.info.items[0], project.frames("v001"), {})
        example = FORMATS[format].files(folder, sheet)[0]
        raise InputError(f"{folder}: holds no file of this project as {format}, such as {example}")
    project.journal.append(actions)
    done.labels = len(actions)
    return done


def _actions(
    project: Project, annotator: str, item: Item, entries: Sequence[Entry], path: Path
) -> list[Action]:
    """What an item's entries add, each checked against those before it; nothing if known."""
    ledgers: dict[str, Ledger] = {}
    known: dict[str, set[str]] = {}
    found = []
    said = json.dumps([tuple(entry) for entry in entries], sort_keys=True)
    digest = hashlib.sha256(f"{item.id} {said}".encode()).hexdigest()[:20]
    for number, entry in enumerate(entries):
        task, key = entry.task, f"import-{digest}-{number}"
        if task not in ledgers:
            ledgers[task] = ledger_of(project, annotator, item, task, FIRST)
            actions = project.journal.read(
                annotator=annotator, item=item.id, task=task, round=FIRST
            )
            known[task] = {action.key for action in actions}
            if known[task] and not any(k.startswith(f"import-{digest}-") for k in known[task]):
                raise InputError(
                    f"{path}: {annotator} has labels of {item.name} ({task}) already; import into "
                    "another annotator, or a new project"
                )
        if key in known[task]:
            continue
        action = Action(annotator, item.id, task, FIRST, key, entry.kind, entry.body)
        try:
            ledgers[task].add(action)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        found.append(action)
    return found
