"""What the server knows of a project while it runs: who may read and write what, and labels now."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any

import numpy as np

from mien.annotation.items import Item
from mien.annotation.journal import Action
from mien.annotation.marks import number_in, rows_of_samples
from mien.annotation.panel import ADJUDICATED, FIRST, VERIFIED, ledger_of, place_of, read_panel
from mien.annotation.project import ADJUDICATOR, ANSWERS, Project
from mien.annotation.state import Ledger
from mien.annotation.suggest import suggestions
from mien.annotation.training import agreement_with
from mien.errors import InputError

ROUND_OF = {"blind": FIRST, "verification": VERIFIED, "adjudication": ADJUDICATED}
"""The pass that is open in each stage; the last is the adjudicator's alone."""
LONGEST_LAG_S = 5.0
_KEY = re.compile(r"[\w.:-]{1,80}")
_MOST = 500
_DAY_MS = 86_400_000


class NotAllowedError(Exception):
    """Somebody asks for what is not theirs, or not yet."""


class Desk:
    """Labels of a project, for several people at once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._turn = RLock()
        self._ledgers: dict[tuple[str, str, str, str], tuple[Ledger, set[str]]] = {}

    # -- reading ---------------------------------------------------------------------------------

    def me(self, who: str) -> dict[str, Any]:
        """What a page needs to begin: the project, the person's items in their order, progress."""
        info, stage = self.project.info, self.project.stage
        order = info.orders.get(who, tuple(item.id for item in info.items))
        training = self.project.training()
        order = tuple(sorted(order, key=lambda name: name not in training))  # these first
        return {
            "who": who,
            "adjudicator": who == ADJUDICATOR,
            "stage": stage,
            "round": ROUND_OF[stage] if self._may_write(who) else None,
            "tasks": list(info.tasks),
            "units": list(info.units),
            "expressions": list(info.expressions),
            "together": info.together,
            "sound": info.sound,
            "lag": self._lag(who),
            "items": [
                {**self._about(who, self.project.item(name)), "training": name in training}
                for name in order
            ],
        }

    def _about(self, who: str, item: Item) -> dict[str, Any]:
        frames = self.project.frames(item.id)
        tasks = {}
        for task in self.project.info.tasks:
            ledger = self._ledger(who, item, task, self._shown_round(who))
            seen = ledger.state.seen
            labels = self.project.labels_of(item)[task]
            whole = [(0, len(frames) - 1)]
            tasks[task] = {
                "begun": ledger.last > 0,
                "done": sum(1 for label in labels if seen.get(label) == whole),
                "of": len(labels),
                "spent_ms": ledger.state.spent_ms,
            }
        return {
            "id": item.id, "name": item.name, "kind": item.kind, "frames": len(frames),
            "end_s": frames.end_s, "tasks": tasks,
        }  # fmt: skip

    def labels(self, who: str, item: str, task: str) -> dict[str, Any]:
        """One's own labels in the pass that is open, or was last."""
        with self._turn:
            found = self._ledger(who, *self._checked(item, task), self._shown_round(who))
            return _told(found)

    def others(self, who: str, item: str, task: str) -> dict[str, Any]:
        """What the other annotators say. Raises NotAllowedError while the project is blind."""
        if self.project.stage == "blind":
            raise NotAllowedError("labels of others are hidden until the verification pass")
        of, task = self._checked(item, task)
        found = {}
        for name in self.project.info.annotators:
            if name == who:
                continue
            for round in (VERIFIED, FIRST):
                if self.project.journal.holds(name, item, task, round):
                    state = ledger_of(self.project, name, of, task, round).state
                    found[name] = replace(state, spent_ms=0).to_dict()
                    break
        return found

    def check(self, who: str, item: str, task: str) -> dict[str, Any]:
        """How far one agrees with the known answers of a training item, and these answers.

        Raises NotAllowedError for any other item.
        """
        if item not in self.project.training():
            raise NotAllowedError("the answers of this item are not known")
        of, task = self._checked(item, task)
        mine = self._ledger(who, of, task, self._shown_round(who)).state
        answers = ledger_of(self.project, ANSWERS, of, task, FIRST).state
        frames = self.project.frames(item)
        labels = self.project.labels_of(of)[task]
        return {
            "agreement": agreement_with(mine, answers, task, labels, frames),
            "answers": answers.to_dict()["marks"],
        }

    def suggestions(self, who: str, item: str, task: str) -> dict[str, Any]:
        """What a model suggests that one has not decided on yet; never what the control hides."""
        of, task = self._checked(item, task)
        shown, _, state = suggestions(self.project, of, task)
        mine = self._ledger(who, of, task, self._shown_round(who)).state
        open_ = [m.to_dict() for m in shown if m.id not in mine.marks and m.id not in mine.rejected]
        traces = [t.to_dict() | {"samples": rows_of_samples(t.samples)} for t in state.takes]
        return {"marks": open_, "takes": traces}

    def disputes(self, who: str, item: str, task: str) -> list[dict[str, Any]]:
        """Stretches of which annotators say different things, with who says what.

        Raises NotAllowedError while the project is blind.
        """
        if self.project.stage == "blind":
            raise NotAllowedError("disputes are hidden until the verification pass")
        of, task = self._checked(item, task)
        panel = read_panel(self.project)
        here = panel.slices[panel.items.index(of)]
        found = []
        if task == "au":
            for u, unit in enumerate(panel.unit_names):
                rows = panel.units[:, here, u]
                said = [[None if math.isnan(v) else bool(v) for v in row] for row in rows.tolist()]
                found += _stretches(unit, panel.annotators, said)
        elif task == "expression":
            names = [*panel.expression_names, None, None]
            named = [[names[c] or "nothing" if c > -2 else None for c in row]
                     for row in panel.expression[:, here].tolist()]  # fmt: skip
            found += _stretches("expression", panel.annotators, named)
        return sorted(found, key=lambda d: (d["first"], d["label"]))

    # -- writing ---------------------------------------------------------------------------------

    def add(self, who: str, item: str, task: str, given: Any) -> dict[str, Any]:
        """Keep what a page sends: all of it or nothing, on the disk when this returns.

        Raises InputError for what does not fit, NotAllowedError where the pass is closed.
        """
        if not self._may_write(who):
            raise NotAllowedError(f"nothing can be changed in the stage {self.project.stage}")
        of, task = self._checked(item, task)
        round = ROUND_OF[self.project.stage]
        actions = [_action(who, of, task, round, values) for values in _list(given)]
        with self._turn:
            place = (who, of.id, task, round)
            ledger = self._ledger(who, of, task, round)
            keys = self._ledgers[place][1]
            try:
                new = [action for action in actions if action.key not in keys]
                for action in new:
                    ledger.add(action)
                ids = self.project.journal.append(actions)
                ledger.last = max(ids, default=ledger.last)
                keys |= {action.key for action in new}
            except BaseException:
                self._ledgers.pop(place, None)  # read it again from the journal
                raise
            told = {"saved": ids, "undoable": ledger.undoable, "redoable": ledger.redoable}
            turned = any(a.kind in ("undo", "redo") for a in actions)
            return {**told, "labels": _told(ledger)} if turned else told

    def set_lag(self, who: str, given: Any) -> dict[str, Any]:
        """Keep an annotator's reaction time, as the calibration clip showed it."""
        if not isinstance(given, Mapping):
            raise InputError("give key and lag_s")
        if who == ADJUDICATOR:
            raise NotAllowedError("the adjudicator records no traces")
        body = {"lag_s": number_in(given, "lag_s", 0, LONGEST_LAG_S)}
        action = Action(who, "", "lag", "", _key(given), "lag", body)
        return {"saved": self.project.journal.append([action])}

    # --------------------------------------------------------------------------------------------

    def _lag(self, who: str) -> float | None:
        found = None
        for action in self.project.journal.read(annotator=who, task="lag"):
            found = float(action.body["lag_s"])
        return found

    def _may_write(self, who: str) -> bool:
        return (self.project.stage == "adjudication") == (who == ADJUDICATOR)

    def _shown_round(self, who: str) -> str:
        if who == ADJUDICATOR:
            return ADJUDICATED
        return FIRST if self.project.stage == "blind" else VERIFIED

    def _checked(self, item: str, task: str) -> tuple[Item, str]:
        if task not in self.project.info.tasks:
            raise InputError(f"task {task!r}: the project has {', '.join(self.project.info.tasks)}")
        return self.project.item(item), task

    def _ledger(self, who: str, item: Item, task: str, round: str) -> Ledger:
        """The ledger as the journal has it now, others' writing included."""
        place = (who, item.id, task, round)
        with self._turn:
            if place not in self._ledgers:
                base = None
                if round == VERIFIED:
                    base = ledger_of(self.project, who, item, task, FIRST).state
                self._ledgers[place] = (Ledger(place_of(self.project, item, task), base), set())
            ledger, keys = self._ledgers[place]
            for action in self.project.journal.read(
                annotator=who, item=item.id, task=task, round=round, after=ledger.last
            ):
                try:
                    ledger.add(action)
                except InputError:
                    ledger.last = max(ledger.last, action.id or 0)
                keys.add(action.key)
            return ledger


def _told(ledger: Ledger) -> dict[str, Any]:
    count = {"undoable": ledger.undoable, "redoable": ledger.redoable}
    return {**ledger.state.to_dict(), **count}


def _list(given: Any) -> Sequence[Any]:
    found = given.get("actions") if isinstance(given, Mapping) else None
    if not isinstance(found, list) or not 0 < len(found) <= _MOST:
        raise InputError(f"actions: give a list of 1 to {_MOST}")
    return found


def _action(who: str, item: Item, task: str, round: str, values: Any) -> Action:
    if not isinstance(values, Mapping):
        raise InputError("action: give key, kind and body")
    kind, body = values.get("kind"), values.get("body", {})
    spent = values.get("spent_ms", 0)
    if not isinstance(kind, str) or not isinstance(body, dict):
        raise InputError("action: give key, kind and body")
    if not isinstance(spent, int) or isinstance(spent, bool) or not 0 <= spent <= _DAY_MS:
        raise InputError("spent_ms: give milliseconds, a day at the most")
    return Action(who, item.id, task, round, _key(values), kind, body, spent)


def _key(values: Mapping[str, Any]) -> str:
    key = values.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InputError("key: give letters, digits and . : - _, at most 80")
    return key


def _stretches(
    label: str, annotators: Sequence[str], said: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Runs of frames in which not all who judged say the same."""
    found: list[dict[str, Any]] = []
    frames = list(zip(*said, strict=True))
    for frame, each in enumerate(frames):
        known = [v for v in each if v is not None]
        if len(set(known)) < 2:
            continue
        told = {name: v for name, v in zip(annotators, each, strict=True) if v is not None}
        if found and found[-1]["last"] == frame - 1 and found[-1]["said"] == told:
            found[-1]["last"] = frame
        else:
            found.append({"label": label, "first": frame, "last": frame, "said": told})
    return found


def boxes_of(project: Project, item: str) -> list[list[float] | None]:
    """The labelled person's box in each frame, None where the face was not found."""
    box = project.frames(item).box
    return [None if np.isnan(row).any() else [round(float(v), 1) for v in row] for row in box]
