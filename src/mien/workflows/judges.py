"""Who predicts: a run's best checkpoint, or a table that anybody wrote; both judged alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mien.errors import InputError
from mien.labels.heads import Head
from mien.progress import Progress, silent
from mien.runs.run import Run
from mien.store import Store
from mien.store.membership import refuse_leaks

if TYPE_CHECKING:
    from mien.evaluation.details import Details
    from mien.evaluation.joining import Joined
    from mien.evaluation.judged import JudgedFaces
    from mien.evaluation.prediction_table import PredictionTable

ALL = "all"
"""The part that is every face of a store, of a table whose training nobody here knows."""


@dataclass(frozen=True)
class Where:
    """Faces that are judged: a part of a store's split, with the labels of some layers."""

    store: Store
    part: str
    split: str | None = None
    layers: Sequence[str] | None = None

    def on(self, part: str) -> "Where":
        """The same of another part."""
        return Where(self.store, part, self.split, self.layers)


class Judge(Protocol):
    """Something that predicts faces of a store."""

    def judged(self, where: Where, progress: Progress = silent) -> "JudgedFaces":
        """Predictions and labels; InputError where the faces may not or cannot be judged."""


@dataclass(frozen=True)
class RunJudge:
    """The best checkpoint of a run, by the split `val` while it was trained."""

    run: Run

    def judged(self, where: Where, progress: Progress = silent) -> "JudgedFaces":
        """As the class says; refuses people that the run was trained on."""
        from mien.evaluation.evaluate import ScoredFaces, predictions_of
        from mien.evaluation.judged import JudgedFaces

        faces = ScoredFaces.of(self.run, where.store, where.part, where.split, where.layers)
        best = self.run.best()
        found = predictions_of(best, faces, progress)
        name = f"{self.run.folder} (step {best.step})"
        return JudgedFaces(name, where.store, faces.rows, faces.labels, found)


@dataclass
class TableJudge:
    """A table of predictions. joined: by store, what its rows are of."""

    table: "PredictionTable"
    joined: "dict[Path, Joined]" = field(default_factory=dict)

    def of(self, store: Store) -> "Joined":
        """Which face of the store every row is of."""
        from mien.evaluation.joining import join

        if store.folder not in self.joined:
            self.joined[store.folder] = join(store, self.table)
        return self.joined[store.folder]

    def judged(self, where: Where, progress: Progress = silent) -> "JudgedFaces":
        """As the class says; InputError where no face of the part has a prediction."""
        from mien.evaluation.joining import predictions_of
        from mien.evaluation.judged import JudgedFaces

        if where.part == ALL:
            rows = where.store.rows(None)
        else:
            refuse_leaks(where.store, where.split)
            rows = where.store.rows(where.part, where.split)
        joined = self.of(where.store)
        if (joined.row[rows] < 0).all():
            raise InputError(
                f"{self.table.path}: predicts none of the {len(rows)} faces of {where.part!r}; its "
                f"{joined.used} rows are of other parts of {where.store.folder}"
            )
        labels = where.store.labels(where.layers)
        found = predictions_of(joined, self.table, self._heads(where.store), rows)
        return JudgedFaces(str(self.table.path), where.store, rows, labels.at(rows), found)

    def _heads(self, store: Store) -> tuple[Head, ...]:
        """The table's heads; expressions are held against votes where the store has votes."""
        votes = any(head.name == "expression_votes" for head in store.heads)
        return tuple(
            Head("expression_votes", head.outputs) if votes and head.name == "expression" else head
            for head in self.table.heads
        )

    def account(self, faces: "JudgedFaces", part: str) -> dict[str, Any]:
        """What became of rows and faces: counts, and lines for a person."""
        from mien.evaluation.joining import account_in_words

        joined = self.of(faces.store)
        predicted = int((joined.row[faces.rows] >= 0).sum())
        lines = account_in_words(joined, predicted, len(faces.rows), part)
        return {
            "rows": joined.account(),
            "faces": len(faces.rows),
            "predicted": predicted,
            "notes": [*self.table.notes, *lines, *_left_out(faces)],
        }


def judge_of(other: str | Path) -> Judge:
    """A run's folder or a table of predictions, by what is there."""
    path = Path(other)
    if path.is_file():
        from mien.evaluation.prediction_table import read_prediction_table

        return TableJudge(read_prediction_table(path))
    if not path.exists():
        raise InputError(f"{path}: does not exist; give a run's folder or a table of predictions")
    return RunJudge(Run.open(path))


def details_of(
    judge: Judge,
    faces: "JudgedFaces",
    where: Where,
    details: "Details",
    against: Judge | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Everything beside the scores that is asked for, as plain values."""
    from dataclasses import asdict

    from mien.evaluation import details as detail
    from mien.metrics.challenge import challenge_scores

    detail.refuse_choosing_on(details, where.part)
    found: dict[str, Any] = {
        "of": faces.name,
        "challenge": challenge_scores(faces.scores()),
        "calibration": {
            head: {name: _plain(asdict(r)) for name, r in parts.items()}
            for head, parts in detail.calibrated(faces).items()
        },
    }
    chosen = {part: judge.judged(where.on(part), progress) for part in details.chosen_on}
    if details.intervals:
        found["intervals"] = detail.with_intervals(faces, details.repeats, seed)
    if details.by:
        found["by"] = {grouping: detail.per_group(faces, grouping) for grouping in details.by}
    if details.thresholds:
        told = detail.with_thresholds(faces, chosen[details.thresholds])
        found["thresholds"] = {"chosen_on": details.thresholds, **told}
    if details.post_process:
        heads = detail.post_processed(faces, chosen[details.post_process])
        found["post_processing"] = {"chosen_on": details.post_process, "heads": heads}
    if against is not None:
        other = against.judged(where, progress)
        found["against"] = detail.compared(faces, other, details.repeats, seed)
    return found


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Arrays as lists."""
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}


def _left_out(faces: "JudgedFaces") -> list[str]:
    """Say which labelled faces are left out, as the table has no column for their class."""
    lines = []
    for head in faces.predictions.heads:
        if not head.kind.classes:
            continue
        own = faces.labels.head(head.name) or faces.labels.head("expression")
        if own is None:
            continue
        lost = ~np.isnan(faces.labels[own.name]).any(1) & np.isnan(faces.truth[head.name]).any(1)
        if lost.any():
            missing = ", ".join(o for o in own.outputs if o not in head.outputs)
            lines.append(
                f"{int(lost.sum())} faces are labelled with an expression that it has no column "
                f"for ({missing}): left out of the expression's scores"
            )
    return lines
