"""What all annotators of a project say of all frames of all items, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.annotation.consensus import NOT_JUDGED
from mien.annotation.items import Floats, Frames, Item
from mien.annotation.project import ADJUDICATOR, Project
from mien.annotation.rasters import affect_raster, expression_raster, unit_raster
from mien.annotation.state import Ledger, Place, State, folded
from mien.errors import InputError

FIRST, VERIFIED, ADJUDICATED, SUGGESTED = "first", "verify", "adjudication", "suggestion"
"""Passes: each annotator's own, their second look, what was settled between them; a model's."""


def place_of(project: Project, item: Item, task: str) -> Place:
    """What actions on this item and task may speak of."""
    labels = project.labels_of(item).get(task, ())
    return Place(len(project.frames(item.id)), labels, task == "expression")


def ledger_of(project: Project, annotator: str, item: Item, task: str, round: str) -> Ledger:
    """Fold what the journal holds; a second look starts from the annotator's first."""
    base = None
    if round == VERIFIED:
        base = ledger_of(project, annotator, item, task, FIRST).state
    actions = project.journal.read(annotator=annotator, item=item.id, task=task, round=round)
    return folded(actions, place_of(project, item, task), base)


def latest(project: Project, annotator: str, item: Item, task: str) -> State | None:
    """What an annotator says in the end: after the second look, if there was one; None: nothing."""
    for round in (VERIFIED, FIRST):
        if project.journal.holds(annotator, item.id, task, round):
            return ledger_of(project, annotator, item, task, round).state
    return None


@dataclass(frozen=True)
class Panel:
    """Ratings by R annotators of N frames, those of all items one after the other.

    units: (R, N, U) presence, NaN where not judged. levels: (R, N, U) intensity. expression: (R, N)
    index, see `expression_consensus`. affect: (R, N, 2) in [-1, 1]. states: by annotator and item
    what the traces come from. settled: what was adjudicated, like an annotator's, R = 1.
    """

    annotators: tuple[str, ...]
    items: tuple[Item, ...]
    frames: tuple[Frames, ...]
    unit_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    units: Floats
    levels: Floats
    expression: NDArray[np.int64]
    affect: Floats
    states: Mapping[tuple[str, str], State]
    settled: "Panel | None" = None

    @property
    def slices(self) -> list[slice]:
        """Where each item's frames are among all."""
        ends = np.cumsum([len(f) for f in self.frames])
        return [slice(int(e) - len(f), int(e)) for e, f in zip(ends, self.frames, strict=True)]

    def shifted(self, lags: Mapping[str, float]) -> "Panel":
        """The same panel with every trace taken earlier by its annotator's lag in seconds."""
        affect = self.affect.copy()
        for r, name in enumerate(self.annotators):
            for item, frames, here in zip(self.items, self.frames, self.slices, strict=True):
                state = self.states.get((name, item.id))
                if state is not None and lags.get(name):
                    affect[r, here] = affect_raster(state, frames, lags[name])
        return replace(self, affect=affect)


def read_panel(project: Project, annotators: tuple[str, ...] | None = None) -> Panel:
    """Read what annotators (all, if None) and the adjudicator say in the end."""
    panel = _read(project, project.info.annotators if annotators is None else annotators)
    return replace(panel, settled=_settled(project))


def _counted(project: Project) -> tuple[Item, ...]:
    """Items that are no training; raises InputError where there is none."""
    training = project.training()
    items = tuple(item for item in project.info.items if item.id not in training)
    if not items:
        raise InputError(f"{project.folder}: holds training items alone")
    return items


def _read(project: Project, annotators: tuple[str, ...]) -> Panel:
    info, items = project.info, _counted(project)
    frames = tuple(project.frames(item.id) for item in items)
    shape = (len(annotators), sum(map(len, frames)))
    units = info.units if "au" in info.tasks else ()
    panel = Panel(
        annotators, items, frames, units, info.expressions,
        np.full((*shape, len(units)), np.nan), np.full((*shape, len(units)), np.nan),
        np.full(shape, NOT_JUDGED, np.int64), np.full((*shape, 2), np.nan), {},
    )  # fmt: skip
    states: dict[tuple[str, str], State] = {}
    for r, name in enumerate(annotators):
        for item, here in zip(items, panel.slices, strict=True):
            if (state := latest(project, name, item, "va")) is not None:
                states[name, item.id] = state
                panel.affect[r, here] = affect_raster(state, project.frames(item.id))
            if (state := latest(project, name, item, "au")) is not None:
                found = unit_raster(state, units, here.stop - here.start)
                panel.units[r, here], panel.levels[r, here] = found
            if (state := latest(project, name, item, "expression")) is not None:
                found_names = expression_raster(state, info.expressions, here.stop - here.start)
                panel.expression[r, here] = found_names
    return replace(panel, states=states)


def _settled(project: Project) -> Panel | None:
    """What the adjudicator marked, frame by frame; None where that is nothing."""
    info, items = project.info, _counted(project)
    if not any(True for _ in project.journal.read(annotator=ADJUDICATOR, round=ADJUDICATED)):
        return None
    frames = tuple(project.frames(item.id) for item in items)
    n = sum(map(len, frames))
    units, names = np.full((1, n, len(info.units)), np.nan), np.full((1, n), -1, np.int64)
    panel = Panel(
        (ADJUDICATOR,), items, frames, info.units, info.expressions, units,
        np.full_like(units, np.nan), names, np.full((1, n, 2), np.nan), {},
    )  # fmt: skip
    for item, here in zip(items, panel.slices, strict=True):
        size = here.stop - here.start
        marks = ledger_of(project, ADJUDICATOR, item, "au", ADJUDICATED).state
        units[0, here], panel.levels[0, here] = unit_raster(marks, info.units, size)
        marks = ledger_of(project, ADJUDICATOR, item, "expression", ADJUDICATED).state
        names[0, here] = expression_raster(marks, info.expressions, size)
    return panel


def measured_lags(project: Project) -> dict[str, float]:
    """Seconds of reaction that annotators' calibration clips showed, the latest of each."""
    found = {}
    for action in project.journal.read(task="lag"):
        if action.kind == "lag":
            found[action.annotator] = float(action.body["lag_s"])
    return found
